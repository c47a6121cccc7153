/* chronyd's statistics logs (chrony.conf(5), `log`): measurements, statistics, tracking, selection,
 * refclocks, rtc and tempcomp, with its columns, its signs, and its banner. A file that cannot be
 * written (no directory, disk full) is told of once and tried again after `cyclelogs` or the next
 * banner's worth of lines; nothing else stops. */
#ifndef VISOR_PORT_LOGFILE_H
#define VISOR_PORT_LOGFILE_H

#include "config/config.h"
#include "engine/record.h"
#include "port/log.h"

struct visor_logfile;

/* One line of rtc.log. */
struct visor_logfile_rtc {
    visor_wall at;
    double fast_s; /* measured, + : the RTC is ahead of the system clock */
    bool valid;
    double estimated_fast_s; /* by the regression, at `at` */
    double gain_ppm;
    int samples, runs;
    int period_s;
};

/* `config` (logs, logdir, logbanner) and `log` are borrowed. NULL without memory. */
struct visor_logfile *visor_logfile_new(const struct visor_config *config, struct visor_log *log);
void visor_logfile_free(struct visor_logfile *files); /* NULL allowed */

/* After a reload: takes the new settings, closes what is not wanted any more. */
void visor_logfile_set_config(struct visor_logfile *files, const struct visor_config *config);

/* The line of a record, if its log is wanted. */
void visor_logfile_write(struct visor_logfile *files, const struct visor_record *record);
void visor_logfile_write_rtc(struct visor_logfile *files, const struct visor_logfile_rtc *record);
void visor_logfile_write_tempcomp(struct visor_logfile *files, visor_wall at, double temperature,
                                  double compensation_ppm);

/* `cyclelogs`: all files are closed, and opened anew with the next line. */
void visor_logfile_cycle(struct visor_logfile *files);

/* The line alone (no newline), for tests and other writers. Returns the length, 0 if cut. */
size_t visor_logfile_print(const struct visor_record *record, char *line, size_t size);

#endif
