/* A small formatter for the pure floors, over config/text.h. */
#include "advise/phrase.h"

#include "config/text.h"

#include <stdint.h>
#include <string.h>

static void put_safely(struct visor_text *out, const char *text)
{
    for (; *text; text++)
        visor_text_put_char(out, (unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text);
}

/* A cut must not leave half of a character. */
static void end_whole(struct visor_text *out)
{
    size_t at = strlen(out->text), length = 1;

    if (out->at < out->size || at == 0)
        return;
    while (length < at && ((unsigned char)out->text[at - length] & 0xc0) == 0x80)
        length++;
    if ((unsigned char)out->text[at - length] & 0x80)
        out->text[at - length] = '\0';
}

void visor_phrase_format(char *text, size_t size, const char *format, va_list arguments)
{
    struct visor_text out = visor_text_over(text, size);

    for (; *format; format++) {
        int decimals = 0;

        if (*format != '%') {
            visor_text_put_char(&out, *format);
            continue;
        }
        format++;
        if (*format == '.') {
            decimals = format[1] - '0';
            format += 2;
        }
        if (*format == 'z')
            format++, visor_text_put_whole(&out, (int64_t)va_arg(arguments, size_t));
        else if (*format == 's')
            put_safely(&out, va_arg(arguments, const char *));
        else if (*format == 'd')
            visor_text_put_whole(&out, va_arg(arguments, int));
        else if (*format == 'u')
            visor_text_put_whole(&out, va_arg(arguments, unsigned));
        else if (*format == 'f')
            visor_text_put_fixed(&out, va_arg(arguments, double), 0, decimals);
        else if (*format == 'g')
            visor_text_put_real(&out, va_arg(arguments, double));
        else
            visor_text_put_char(&out, '%');
    }
    end_whole(&out);
}

void visor_phrase_detail(struct visor_phrase *phrase, int index, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    visor_phrase_format(phrase->detail[index], VISOR_PHRASE_DETAIL, format, arguments);
    va_end(arguments);
}

char *visor_phrase_print(const struct visor_phrase *phrase, char *(*translate)(const char *),
                         char *text, size_t size)
{
    struct visor_text out = visor_text_over(text, size);
    const char *at = phrase->text ? phrase->text : "";

    if (translate && *at)
        at = translate(at);
    for (; *at; at++) {
        if (at[0] == '%' && (at[1] == '1' || at[1] == '2'))
            visor_text_put(&out, phrase->detail[*++at - '1']);
        else
            visor_text_put_char(&out, *at);
    }
    return text;
}
