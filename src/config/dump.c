/* Text of dump files. What a source makes of old samples is the engine's part. */
#include "config/dump.h"
#include "config/fields.h"
#include "config/text.h"

#include <string.h>

#define IDENTIFIER   "SRC0\n"
#define REACH_BITS   8
#define SAMPLE_LIMIT 1e6 /* s; chronyd takes no delay or dispersion beyond */

char *visor_dump_file_name(const struct visor_address *address, const char *refid,
                           char text[VISOR_DUMP_NAME_TEXT])
{
    static const char digits[] = "0123456789abcdef";
    struct visor_text out = visor_text_over(text, VISOR_DUMP_NAME_TEXT);
    char printed[46];

    if (address) {
        visor_text_put(&out, visor_address_print(address, printed, sizeof(printed)));
    } else {
        visor_text_put(&out, "refid:");
        for (size_t i = 0, ended = 0; i < 4; i++) {
            unsigned char byte = ended ? 0 : (unsigned char)refid[i];

            ended |= !byte;
            visor_text_put_char(&out, digits[byte >> 4]);
            visor_text_put_char(&out, digits[byte & 15]);
        }
    }
    visor_text_put(&out, ".dat");
    return text;
}

bool visor_dump_is_file_name(const char *name)
{
    char text[VISOR_DUMP_NAME_TEXT];
    struct visor_address address;
    size_t length = strlen(name);

    if (length <= 4 || length >= sizeof(text) || strcmp(name + length - 4, ".dat") != 0)
        return false;
    memcpy(text, name, length - 4);
    text[length - 4] = '\0';
    return strncmp(text, "refid:", 6) == 0 || visor_address_parse(text, &address);
}

/* "SECONDS.NANOSECONDS" exactly, where a double would lose the nanoseconds. */
static int64_t read_time(struct visor_fields *fields)
{
    char text[VISOR_FIELD_MAX];
    int64_t seconds = 0, ns = 0, unit = 100000000;
    const char *at = text;

    visor_fields_text(fields, text, sizeof(text));
    for (; *at >= '0' && *at <= '9' && seconds < INT64_C(9000000000); at++)
        seconds = seconds * 10 + (*at - '0');
    if (*at == '.')
        for (at++; *at >= '0' && *at <= '9'; at++, unit /= 10)
            ns += unit * (*at - '0');
    if (!*at && seconds < INT64_C(9000000000))
        return seconds * 1000000000 + ns;
    fields->failed = true;
    return 0;
}

static double read_limited(struct visor_fields *fields)
{
    double value = visor_fields_real(fields);

    if (!(value > -SAMPLE_LIMIT && value < SAMPLE_LIMIT))
        fields->failed = true;
    return value;
}

static bool read_samples(struct visor_fields *fields, int64_t now_ns, struct visor_dump *dump)
{
    for (size_t i = 0; i < dump->count; i++) {
        struct visor_dump_sample *sample = &dump->samples[i];

        sample->at_ns = read_time(fields);
        sample->offset = -visor_fields_real(fields);
        sample->original_offset = -visor_fields_real(fields);
        sample->delay = read_limited(fields);
        sample->dispersion = read_limited(fields);
        sample->root_delay = read_limited(fields);
        sample->root_dispersion = read_limited(fields);
        if (fields->failed || sample->at_ns > now_ns ||
            (i > 0 && sample->at_ns <= sample[-1].at_ns) ||
            !(sample->offset > -4e9 && sample->offset < 4e9))
            return false;
    }
    return true;
}

static int read_within(struct visor_fields *fields, int64_t least, int64_t most)
{
    int64_t value = visor_fields_whole(fields);

    if (value >= least && value <= most)
        return (int)value;
    fields->failed = true;
    return 0;
}

bool visor_dump_read(const char *text, size_t size, int64_t now_ns, struct visor_dump *dump)
{
    struct visor_fields fields = visor_fields_over(text, size);

    memset(dump, 0, sizeof(*dump));
    if (size < strlen(IDENTIFIER) || memcmp(text, IDENTIFIER, strlen(IDENTIFIER)) != 0)
        return false;
    fields.at = strlen(IDENTIFIER);
    visor_fields_text(&fields, dump->name, sizeof(dump->name));
    dump->authenticated = visor_fields_whole(&fields) != 0;
    dump->reach = visor_fields_octal(&fields) & ((1u << REACH_BITS) - 1);
    dump->reach_size = read_within(&fields, 0, INT32_MAX);
    if (dump->reach_size > REACH_BITS)
        dump->reach_size = REACH_BITS;
    dump->stratum = read_within(&fields, 0, 15);
    dump->leap = read_within(&fields, 0, 2);
    dump->count = (size_t)read_within(&fields, 1, VISOR_DUMP_SAMPLES_MAX);
    dump->asymmetry_run = read_within(&fields, -1000000, 1000000);
    return !fields.failed && read_samples(&fields, now_ns, dump);
}

static void put_value(struct visor_text *out, double value)
{
    visor_text_put_char(out, ' ');
    visor_text_put_exponent(out, value, 6);
}

static void put_sample(struct visor_text *out, const struct visor_dump_sample *sample)
{
    int64_t ns = sample->at_ns % 1000000000;

    visor_text_put_whole(out, sample->at_ns / 1000000000);
    visor_text_put_char(out, '.');
    for (int64_t unit = 100000000; unit; unit /= 10)
        visor_text_put_char(out, (char)('0' + ns / unit % 10));
    put_value(out, -sample->offset);
    put_value(out, -sample->original_offset);
    put_value(out, sample->delay);
    put_value(out, sample->dispersion);
    put_value(out, sample->root_delay);
    put_value(out, sample->root_dispersion);
    visor_text_put_char(out, '\n');
}

size_t visor_dump_write(const struct visor_dump *dump, char *text, size_t size)
{
    struct visor_text out = visor_text_over(text, size);

    if (!dump->count)
        return 0;
    visor_text_put(&out, IDENTIFIER);
    visor_text_put(&out, dump->name[0] ? dump->name : ".");
    visor_text_put(&out, dump->authenticated ? "\n1 " : "\n0 ");
    visor_text_put_octal(&out, dump->reach);
    visor_text_put_char(&out, ' ');
    visor_text_put_whole(&out, dump->reach_size);
    visor_text_put_char(&out, ' ');
    visor_text_put_whole(&out, dump->stratum);
    visor_text_put_char(&out, ' ');
    visor_text_put_whole(&out, dump->leap);
    visor_text_put_char(&out, '\n');
    visor_text_put_whole(&out, (int64_t)dump->count);
    visor_text_put_char(&out, ' ');
    visor_text_put_whole(&out, dump->asymmetry_run);
    visor_text_put_char(&out, '\n');
    for (size_t i = 0; i < dump->count; i++)
        put_sample(&out, &dump->samples[i]);
    return out.at;
}
