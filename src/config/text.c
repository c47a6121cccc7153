/* Numbers into bounded text; see number.h for how they are made. */
#include "config/text.h"
#include "config/number.h"

#include <string.h>

#define FIXED_MAX 340 /* sign, 309 digits, point, 17 decimals */

void visor_text_put_whole(struct visor_text *out, int64_t value)
{
    char text[VISOR_NUMBER_TEXT];

    visor_text_put(out, visor_number_print_whole(value, text));
}

void visor_text_put_real(struct visor_text *out, double value)
{
    char text[VISOR_NUMBER_TEXT];

    visor_text_put(out, visor_number_print(value, text));
}

void visor_text_put_octal(struct visor_text *out, uint32_t value)
{
    int shift = 30;

    while (shift > 0 && !(value >> shift))
        shift -= 3;
    for (; shift >= 0; shift -= 3)
        visor_text_put_char(out, (char)('0' + (value >> shift & 7)));
}

void visor_text_put_fixed(struct visor_text *out, double value, int width, int decimals)
{
    char text[FIXED_MAX];
    size_t length;

    visor_number_print_fixed(value, decimals, text, sizeof(text));
    length = strlen(text);
    for (size_t i = length; i < (size_t)width; i++)
        visor_text_put_char(out, ' ');
    visor_text_put(out, text);
}

void visor_text_put_exponent(struct visor_text *out, double value, int decimals)
{
    char text[VISOR_NUMBER_TEXT];

    visor_text_put(out, visor_number_print_exponent(value, decimals, text, sizeof(text)));
}
