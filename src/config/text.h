/* Bounded text: what does not fit is left out and counted, the text is always terminated. */
#ifndef VISOR_CONFIG_TEXT_H
#define VISOR_CONFIG_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct visor_text {
    char *text;
    size_t size; /* of the memory at `text`; 0: only count */
    size_t at;   /* characters wanted so far; more than fit if >= size */
};

static inline struct visor_text visor_text_over(char *text, size_t size)
{
    if (size)
        text[0] = '\0';
    return (struct visor_text){text, size, 0};
}

static inline void visor_text_put_char(struct visor_text *out, char c)
{
    if (out->at + 1 < out->size) {
        out->text[out->at] = c;
        out->text[out->at + 1] = '\0';
    }
    out->at++;
}

static inline void visor_text_put(struct visor_text *out, const char *text)
{
    for (; *text; text++)
        visor_text_put_char(out, *text);
}

void visor_text_put_whole(struct visor_text *out, int64_t value);
void visor_text_put_real(struct visor_text *out, double value); /* shortest that reads back */
void visor_text_put_octal(struct visor_text *out, uint32_t value);

/* Like %<width>.<decimals>f and %.<decimals>e of the C library. */
void visor_text_put_fixed(struct visor_text *out, double value, int width, int decimals);
void visor_text_put_exponent(struct visor_text *out, double value, int decimals);

#endif
