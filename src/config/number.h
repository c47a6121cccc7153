/* Numbers as text, both ways, without the C library: the same bits on every machine, so that a
 * configuration that was printed into a recording is read back exactly. */
#ifndef VISOR_CONFIG_NUMBER_H
#define VISOR_CONFIG_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VISOR_NUMBER_TEXT 32 /* room for what visor_number_print and …_print_whole write */

/* A decimal number with optional sign, point and exponent, or "inf"; correctly rounded. Returns
 * the number of characters taken, 0 if there is no number at the start of `text`. Overflow gives
 * infinity, underflow zero. */
size_t visor_number_read(const char *text, double *value);

/* A decimal whole number with optional sign. Returns the characters taken, 0 for none; a value
 * outside int64_t saturates. */
size_t visor_number_read_whole(const char *text, int64_t *value);

/* A hexadecimal number with optional 0x, at most 32 bits. As above; 0 also where it is too big. */
size_t visor_number_read_hex(const char *text, uint32_t *value);

/* The shortest decimal text that reads back as the same double. Returns `text`. */
char *visor_number_print(double value, char text[VISOR_NUMBER_TEXT]);
char *visor_number_print_whole(int64_t value, char text[VISOR_NUMBER_TEXT]);

/* Like %.<decimals>f and %.<decimals>e of the C library (decimals 0 to 17); cut to `size`. */
char *visor_number_print_fixed(double value, int decimals, char *text, size_t size);
char *visor_number_print_exponent(double value, int decimals, char *text, size_t size);

#endif
