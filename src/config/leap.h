/* Leap seconds from the two files that systems have: the list of NIST and IERS (leap-seconds.list)
 * and a time zone compiled with leap seconds (right/UTC, RFC 8536). */
#ifndef VISOR_CONFIG_LEAP_H
#define VISOR_CONFIG_LEAP_H

#include "config/config.h"
#include "config/diagnosis.h"
#include "config/loader.h"

struct visor_leap_table {
    struct visor_leap_entry *entries; /* heap, ascending */
    size_t count;
    int64_t expires_s; /* since 1970, UTC; 0: not told */
};

/* Fills an empty table. NULL, or a sentence (for N_) of what is wrong; then the table is empty. The
 * list's check sum is not verified, and what it says about its expiry is only passed on. */
const char *visor_leap_read_list(const char *text, size_t size, struct visor_leap_table *table);
const char *visor_leap_read_zone(const char *data, size_t size, struct visor_leap_table *table);

/* Reads `list`, else (if that is "" or unusable) `zone` ("" : none). A file that is not usable is a
 * warning, as in chronyd. */
void visor_leap_load(const char *list, const char *zone, const struct visor_loader *loader,
                     struct visor_leap_table *table, struct visor_diagnoses *diagnoses);

void visor_leap_table_done(struct visor_leap_table *table);

#endif
