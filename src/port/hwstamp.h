/* Stamps made by network cards (`hwtimestamp`): switching them on, and bringing the card's clock to
 * the raw counter by readings taken every second or so. What cannot be had is logged and does
 * without: kernel stamps are always there. */
#ifndef VISOR_PORT_HWSTAMP_H
#define VISOR_PORT_HWSTAMP_H

#include "config/config.h"
#include "engine/event.h"
#include "port/log.h"
#include "port/stamp.h"

struct visor_hwstamp;

/* Switches on every interface that the configuration names and that can do it. NULL: there is none
 * (or no memory); all other functions take that. `stamps` and `config` are borrowed. */
struct visor_hwstamp *visor_hwstamp_new(const struct visor_config *config,
                                        struct visor_stamps *stamps, struct visor_log *log);
void visor_hwstamp_free(struct visor_hwstamp *hwstamp);

/* Readings of the cards' clocks that are due. */
visor_mono visor_hwstamp_deadline(const struct visor_hwstamp *hwstamp);
void visor_hwstamp_tick(struct visor_hwstamp *hwstamp, visor_mono now);

/* A stamp of the card of an interface (0: not known, right if there is but one). `frame`: bytes of
 * the received frame, whose end is wanted and whose beginning is stamped; 0: a sent one. False: it
 * cannot be converted. */
bool visor_hwstamp_convert(const struct visor_hwstamp *hwstamp, unsigned int interface,
                           int64_t phc_ns, size_t frame, struct visor_stamp *stamp);

/* The card's clock against the raw counter, by its last readings. */
#define VISOR_HWSTAMP_READINGS 8
struct visor_hwstamp_map {
    size_t count; /* of readings in use, newest last */
    struct visor_hwstamp_reading {
        visor_mono raw;
        int64_t phc_ns, error_ns;
    } readings[VISOR_HWSTAMP_READINGS];
    double offset, rate; /* phc - raw against the newest reading: s, and s/s */
};

/* A reading that does not fit (the card's clock was set) starts anew. */
void visor_hwstamp_map_add(struct visor_hwstamp_map *map,
                           const struct visor_hwstamp_reading *reading);
bool visor_hwstamp_map_convert(const struct visor_hwstamp_map *map, int64_t phc_ns,
                               struct visor_stamp *stamp);

#endif
