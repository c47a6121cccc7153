/* chronyd's dump files: the samples of one source, saved at exit and read with -r. */
#ifndef VISOR_CONFIG_DUMP_H
#define VISOR_CONFIG_DUMP_H

#include "base/address.h"
#include "config/config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VISOR_DUMP_SAMPLES_MAX 64
#define VISOR_DUMP_NAME_TEXT   64   /* room for a file's name */
#define VISOR_DUMP_TEXT        8192 /* room for a file's text */

struct visor_dump_sample {
    int64_t at_ns;          /* local time (CLOCK_REALTIME) of the sample, since 1970 */
    double offset;          /* s, reference - local, as the clock ran later on (the file: -) */
    double original_offset; /* s, as measured */
    double delay, dispersion, root_delay, root_dispersion; /* s, |…| < 1e6 */
};

struct visor_dump {
    char name[VISOR_CONFIG_NAME_MAX]; /* as configured; "." for a reference clock */
    bool authenticated;
    uint32_t reach; /* newest poll in bit 0 */
    int reach_size; /* 0 … 8, polls made */
    int stratum;    /* 0 … 15 */
    int leap;       /* enum visor_leap, not unsynchronised */
    int asymmetry_run;
    size_t count; /* samples, oldest first, 1 … 64 */
    struct visor_dump_sample samples[VISOR_DUMP_SAMPLES_MAX];
};

/* "192.0.2.1.dat", or "refid:47505300.dat" where `address` is NULL. Returns `text`. */
char *visor_dump_file_name(const struct visor_address *address, const char *refid,
                           char text[VISOR_DUMP_NAME_TEXT]);

/* True if a file of that name (without directory) may be a dump, to be removed after the start. */
bool visor_dump_is_file_name(const char *name);

/* False: not a dump, cut, or a value is impossible; then the whole of it is to be ignored. That
 * samples lie in the past and are in order is checked here against `now_ns`, CLOCK_REALTIME. */
bool visor_dump_read(const char *text, size_t size, int64_t now_ns, struct visor_dump *dump);

/* Returns the length of the text; 0 if there are no samples (then no file is to be written). */
size_t visor_dump_write(const struct visor_dump *dump, char *text, size_t size);

#endif
