/* Decimal and binary numbers by exact arithmetic on a small big integer. Slow and simple: it reads
 * configurations and state files, never packets. */
#include "config/number.h"
#include "config/text.h"

#include <string.h>

#define LIMBS       88  /* 53 bits times 5^1074, and a decimal with |exponent| < 400, fit */
#define DIGITS_MAX  40  /* more digits than these only tell "a little more" */
#define DECIMAL_MAX 800 /* a double has at most 767 significant decimal digits */

struct big {
    uint32_t limb[LIMBS]; /* least significant first */
    int count;
};

struct decimal {
    char digits[DECIMAL_MAX];
    int count, point; /* value = 0.d1d2d3… times 10^point */
};

static void big_multiply_add(struct big *big, uint32_t factor, uint32_t add)
{
    uint64_t carry = add;

    for (int i = 0; i < big->count; i++) {
        carry += (uint64_t)big->limb[i] * factor;
        big->limb[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry && big->count < LIMBS)
        big->limb[big->count++] = (uint32_t)carry;
}

static uint32_t big_divide(struct big *big, uint32_t divisor)
{
    uint64_t rest = 0;

    for (int i = big->count - 1; i >= 0; i--) {
        rest = rest << 32 | big->limb[i];
        big->limb[i] = (uint32_t)(rest / divisor);
        rest %= divisor;
    }
    while (big->count && !big->limb[big->count - 1])
        big->count--;
    return (uint32_t)rest;
}

static void big_shift_limbs(struct big *big, int limbs)
{
    memmove(big->limb + limbs, big->limb, (size_t)big->count * sizeof(big->limb[0]));
    memset(big->limb, 0, (size_t)limbs * sizeof(big->limb[0]));
    big->count += limbs;
}

/* The upper 64 bits, the first of them set; `*exponent`: of the lowest of the 64. */
static uint64_t big_top(const struct big *big, int *exponent, bool *sticky)
{
    int shift = __builtin_clz(big->limb[big->count - 1]);
    uint64_t top = 0;

    for (int i = 1; i <= 3; i++) {
        uint32_t limb = big->count >= i ? big->limb[big->count - i] : 0;

        if (i < 3) {
            top = top << 32 | limb;
        } else if (shift) {
            top = top << shift | limb >> (32 - shift);
            *sticky |= (limb << shift) != 0;
        } else {
            *sticky |= limb != 0;
        }
    }
    for (int i = big->count - 4; i >= 0; i--)
        *sticky |= big->limb[i] != 0;
    *exponent = 32 * (big->count - 2) - shift;
    return top;
}

static double double_of(uint64_t bits)
{
    double value;

    memcpy(&value, &bits, sizeof(value));
    return value;
}

/* top * 2^exponent, top's first bit set, rounded half to even. */
static double compose(uint64_t top, int exponent, bool sticky)
{
    int high = exponent + 63, drop = 11;
    uint64_t mantissa, rest, half;

    if (high > 1023)
        return __builtin_inf();
    if (high < -1022)
        drop += -1022 - high;
    if (drop > 64)
        return 0.0;
    mantissa = drop == 64 ? 0 : top >> drop;
    rest = drop == 64 ? top : top & ((UINT64_C(1) << drop) - 1);
    half = UINT64_C(1) << (drop - 1);
    if (rest > half || (rest == half && (sticky || (mantissa & 1))))
        mantissa++;
    if (high < -1022)
        return double_of(mantissa);
    return double_of(((uint64_t)(high + 1023) << 52) + (mantissa - (UINT64_C(1) << 52)));
}

static double scale(struct big *big, int power10, bool sticky)
{
    int binary = 0, exponent;
    uint64_t top;

    while (power10 >= 9) {
        big_multiply_add(big, 1000000000u, 0);
        power10 -= 9;
    }
    for (; power10 > 0; power10--)
        big_multiply_add(big, 10, 0);
    if (power10 < 0) {
        int limbs = (96 - 4 * power10) / 32;

        big_shift_limbs(big, limbs);
        binary = -32 * limbs;
        for (; power10 < 0; power10++)
            sticky |= big_divide(big, 10) != 0;
    }
    top = big_top(big, &exponent, &sticky);
    return compose(top, exponent + binary, sticky);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t read_sign(const char *text, bool *negative)
{
    *negative = text[0] == '-';
    return text[0] == '-' || text[0] == '+';
}

static size_t read_exponent(const char *text, int *exponent)
{
    bool negative;
    size_t at = 1;
    int value = 0;

    if (text[0] != 'e' && text[0] != 'E')
        return 0;
    at += read_sign(text + 1, &negative);
    if (!is_digit(text[at]))
        return 0;
    for (; is_digit(text[at]); at++)
        if (value < 100000)
            value = value * 10 + (text[at] - '0');
    *exponent += negative ? -value : value;
    return at;
}

static bool is_infinity(const char *text)
{
    return (text[0] | 32) == 'i' && (text[1] | 32) == 'n' && (text[2] | 32) == 'f';
}

size_t visor_number_read(const char *text, double *value)
{
    struct big big = {.count = 0};
    bool negative, sticky = false, seen = false, point = false;
    int kept = 0, power = 0;
    size_t at = read_sign(text, &negative);
    double magnitude = 0.0;

    if (is_infinity(text + at)) {
        *value = negative ? -__builtin_inf() : __builtin_inf();
        return at + 3;
    }
    for (; is_digit(text[at]) || (text[at] == '.' && !point); at++) {
        if (text[at] == '.') {
            point = true;
            continue;
        }
        seen = true;
        if (kept < DIGITS_MAX) {
            big_multiply_add(&big, 10, (uint32_t)(text[at] - '0'));
            kept += kept || text[at] != '0';
            power -= point;
        } else {
            sticky |= text[at] != '0';
            power += !point;
        }
        if (power < -100000 || power > 100000)
            return 0;
    }
    if (!seen)
        return 0;
    at += read_exponent(text + at, &power);
    if (big.count && kept + power > 310)
        magnitude = __builtin_inf();
    else if (big.count && kept + power > -330)
        magnitude = scale(&big, power, sticky);
    *value = negative ? -magnitude : magnitude;
    return at;
}

size_t visor_number_read_whole(const char *text, int64_t *value)
{
    bool negative;
    size_t at = read_sign(text, &negative);
    uint64_t magnitude = 0, limit = (uint64_t)INT64_MAX + negative;

    if (!is_digit(text[at]))
        return 0;
    for (; is_digit(text[at]); at++) {
        uint64_t digit = (uint64_t)(text[at] - '0');

        magnitude = magnitude > (limit - digit) / 10 ? limit : magnitude * 10 + digit;
    }
    *value = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return at;
}

size_t visor_number_read_hex(const char *text, uint32_t *value)
{
    size_t at = text[0] == '0' && (text[1] | 32) == 'x' ? 2 : 0, first = at;
    uint64_t sum = 0;

    for (;; at++) {
        char c = text[at], lower = (char)(c | 32);

        if (is_digit(c))
            sum = sum * 16 + (uint64_t)(c - '0');
        else if (lower >= 'a' && lower <= 'f')
            sum = sum * 16 + (uint64_t)(lower - 'a' + 10);
        else
            break;
        if (sum > UINT32_MAX)
            return 0;
    }
    *value = (uint32_t)sum;
    return at > first ? at : 0;
}

/* Exact decimal digits of a finite value > 0. */
static void decimal_of(double value, struct decimal *decimal)
{
    struct big big = {.count = 0};
    uint64_t bits;
    int exponent, fives = 0;
    char reversed[DECIMAL_MAX + 9] = "";
    int count = 0;

    memcpy(&bits, &value, sizeof(bits));
    exponent = (int)(bits >> 52 & 0x7ff);
    bits &= (UINT64_C(1) << 52) - 1;
    if (exponent)
        bits |= UINT64_C(1) << 52;
    else
        exponent = 1;
    exponent -= 1075;
    while (!(bits & 1)) {
        bits >>= 1;
        exponent++;
    }
    big.limb[0] = (uint32_t)bits;
    big.limb[1] = (uint32_t)(bits >> 32);
    big.count = 2;
    for (; exponent > 0; exponent--)
        big_multiply_add(&big, 2, 0);
    for (; exponent < 0; exponent++, fives++)
        big_multiply_add(&big, 5, 0);
    big_divide(&big, 1);
    while (big.count && count <= DECIMAL_MAX - 9) {
        uint32_t nine = big_divide(&big, 1000000000u);

        for (int i = 0; i < 9; i++, nine /= 10)
            reversed[count++] = (char)('0' + nine % 10);
    }
    while (count > 1 && reversed[count - 1] == '0')
        count--;
    for (int i = 0; i < count; i++)
        decimal->digits[i] = reversed[count - 1 - i];
    decimal->count = count;
    decimal->point = count - fives;
}

/* To `keep` digits, half to even; keep <= 0 rounds at or above the first digit. */
static void decimal_round(struct decimal *decimal, int keep)
{
    bool up;

    if (keep >= decimal->count)
        return;
    if (keep < 0) {
        decimal->count = 0;
        return;
    }
    up = decimal->digits[keep] > '5';
    if (decimal->digits[keep] == '5') {
        up = keep > 0 && (decimal->digits[keep - 1] - '0') % 2 == 1;
        for (int i = keep + 1; i < decimal->count; i++)
            up |= decimal->digits[i] != '0';
    }
    decimal->count = keep;
    if (!up)
        return;
    while (keep > 0 && decimal->digits[keep - 1] == '9')
        keep--;
    if (keep == 0) {
        decimal->digits[0] = '1';
        decimal->count = 1;
        decimal->point++;
        return;
    }
    decimal->digits[keep - 1]++;
    decimal->count = keep;
}

static char digit_at(const struct decimal *decimal, int index)
{
    return index >= 0 && index < decimal->count ? decimal->digits[index] : '0';
}

static bool put_special(struct visor_text *out, double *value)
{
    const char *name = NULL;

    if (!(*value == *value))
        name = "nan";
    if (__builtin_signbit(*value) && *value == *value) {
        visor_text_put_char(out, '-');
        *value = -*value;
    }
    if (*value > 1.7976931348623157e308)
        name = "inf";
    if (name)
        visor_text_put(out, name);
    return name != NULL;
}

static void put_fixed(struct visor_text *out, const struct decimal *decimal, int decimals)
{
    if (decimal->point <= 0)
        visor_text_put_char(out, '0');
    for (int i = 0; i < decimal->point; i++)
        visor_text_put_char(out, digit_at(decimal, i));
    if (decimals > 0)
        visor_text_put_char(out, '.');
    for (int i = 0; i < decimals; i++)
        visor_text_put_char(out, digit_at(decimal, decimal->point + i));
}

static void put_exponent(struct visor_text *out, const struct decimal *decimal, int decimals)
{
    int exponent = decimal->count ? decimal->point - 1 : 0;
    int size = exponent < 0 ? -exponent : exponent;

    visor_text_put_char(out, digit_at(decimal, 0));
    if (decimals > 0)
        visor_text_put_char(out, '.');
    for (int i = 1; i <= decimals; i++)
        visor_text_put_char(out, digit_at(decimal, i));
    visor_text_put_char(out, 'e');
    visor_text_put_char(out, exponent < 0 ? '-' : '+');
    if (size >= 100)
        visor_text_put_char(out, (char)('0' + size / 100));
    visor_text_put_char(out, (char)('0' + size / 10 % 10));
    visor_text_put_char(out, (char)('0' + size % 10));
}

static void decimal_from(double value, struct decimal *decimal)
{
    decimal->count = 0;
    decimal->point = 0;
    if (value > 0.0)
        decimal_of(value, decimal);
}

char *visor_number_print_fixed(double value, int decimals, char *text, size_t size)
{
    struct visor_text out = visor_text_over(text, size);
    struct decimal decimal;

    if (put_special(&out, &value))
        return text;
    decimal_from(value, &decimal);
    decimal_round(&decimal, decimal.point + decimals);
    put_fixed(&out, &decimal, decimals);
    return text;
}

char *visor_number_print_exponent(double value, int decimals, char *text, size_t size)
{
    struct visor_text out = visor_text_over(text, size);
    struct decimal decimal;

    if (put_special(&out, &value))
        return text;
    decimal_from(value, &decimal);
    decimal_round(&decimal, decimals + 1);
    put_exponent(&out, &decimal, decimals);
    return text;
}

char *visor_number_print(double value, char text[VISOR_NUMBER_TEXT])
{
    struct visor_text out = visor_text_over(text, VISOR_NUMBER_TEXT);
    struct decimal exact, decimal;
    double wanted = value, back;

    if (put_special(&out, &value))
        return text;
    decimal_from(value, &exact);
    for (int digits = 1; digits <= 17; digits++) {
        size_t sign = out.at;

        decimal = exact;
        decimal_round(&decimal, digits);
        while (decimal.count && decimal.digits[decimal.count - 1] == '0')
            decimal.count--;
        if (decimal.point > 15 || decimal.point < -3) {
            put_exponent(&out, &decimal, decimal.count ? decimal.count - 1 : 0);
        } else {
            put_fixed(&out, &decimal,
                      decimal.count > decimal.point ? decimal.count - decimal.point : 0);
        }
        if (digits == 17 ||
            (visor_number_read(text, &back) && !(back < wanted) && !(back > wanted)))
            break;
        out.at = sign;
    }
    return text;
}

char *visor_number_print_whole(int64_t value, char text[VISOR_NUMBER_TEXT])
{
    struct visor_text out = visor_text_over(text, VISOR_NUMBER_TEXT);
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    char reversed[20];
    int count = 0;

    do
        reversed[count++] = (char)('0' + rest % 10);
    while (rest /= 10);
    if (value < 0)
        visor_text_put_char(&out, '-');
    while (count)
        visor_text_put_char(&out, reversed[--count]);
    return text;
}
