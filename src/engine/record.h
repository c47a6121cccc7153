/* One line of measurements.log, statistics.log, tracking.log, refclocks.log or selection.log, as
 * data; port/logfile.c gives it chronyd's columns (chrony.conf(5), `log`). Which are made is the
 * configuration's `logs`. Signs are ours everywhere (offset = reference - local, frequency + = must
 * run faster); the writer turns those around that chronyd writes the other way. */
#ifndef VISOR_ENGINE_RECORD_H
#define VISOR_ENGINE_RECORD_H

#include "base/address.h"
#include "base/time.h"
#include "wire/view.h"

struct visor_record_measurement {
    struct visor_address peer;
    enum visor_leap leap;
    uint8_t stratum;
    /* RFC tests 1-3, 5-7, A-D; 1: passed; the first of each is the highest bit */
    uint8_t test_bits_low, test_bits_mid, test_bits_high;
    int local_poll, remote_poll;
    double score; /* 0 … 1: where the interval is between this poll and the next one */
    double offset, delay, dispersion, root_delay, root_dispersion; /* s */
    uint32_t refid;
    char mode[3]; /* e.g. "4B": NTP mode, B basic or I interleaved */
    char tx, rx;  /* stamp sources: D daemon, K kernel, H hardware */
    bool raw;     /* goes to rawmeasurements only: did not pass all tests */
};

struct visor_record_statistics {
    char name[46];                                                 /* address or refid */
    double sd, offset, offset_sd, frequency_ppm, skew_ppm, stress; /* as in the manual */
    int samples, base_sample, runs;
    double asymmetry;
};

struct visor_record_tracking {
    char name[46];
    uint8_t stratum;
    double frequency_ppm, skew_ppm, offset;
    enum visor_leap leap;
    int combined;
    double offset_sd, remaining, root_delay, root_dispersion, max_error;
};

struct visor_record_refclock {
    char refid[5];
    int32_t pulse; /* sample's number in the poll; -1: the filtered one ("-") */
    enum visor_leap leap;
    char pps;                              /* '0', '1' or '-' */
    double raw_offset, offset, dispersion; /* s; NaN-free: filtered lines have no raw offset */
    bool filtered;
};

struct visor_record_selection {
    char name[46];
    char state;         /* letter of selectdata */
    char authenticated; /* 'N' or 'Y' */
    uint32_t options, effective_options;
    int reach;
    double score, last_sample, lo, hi; /* s */
};

struct visor_record {
    enum visor_record_kind {
        VISOR_RECORD_MEASUREMENT,
        VISOR_RECORD_STATISTICS,
        VISOR_RECORD_TRACKING,
        VISOR_RECORD_REFCLOCK,
        VISOR_RECORD_SELECTION,
    } kind;
    visor_wall at; /* estimate of UTC the line is about */
    union {
        struct visor_record_measurement measurement;
        struct visor_record_statistics statistics;
        struct visor_record_tracking tracking;
        struct visor_record_refclock refclock;
        struct visor_record_selection selection;
    };
};

#endif
