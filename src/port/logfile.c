/* The formats and banners are facts of chronyd's log files; programs parse them. Left to others:
 * which records are made (the engine), and the daemon's own log (log.c). */
#include "port/logfile.h"

#include "port/clock.h"

#include "port/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define RETRY_NS      (10 * VISOR_NS_PER_S)
#define LINE_MAX_SIZE 512

enum file {
    MEASUREMENTS,
    STATISTICS,
    TRACKING,
    SELECTION,
    REFCLOCKS,
    RTC,
    TEMPCOMP,
    FILES,
};

static const struct {
    const char *name;
    uint32_t logs; /* enum visor_log bits that want it */
    const char *banner;
} kinds[FILES] = {
    [MEASUREMENTS] = {"measurements", VISOR_LOG_MEASUREMENTS | VISOR_LOG_RAWMEASUREMENTS,
                      "   Date (UTC) Time     IP Address   L St 123 567 ABCD  LP RP Score    Offset"
                      "  Peer del. Peer disp.  Root del. Root disp. Refid     MTxRx"},
    [STATISTICS] = {"statistics", VISOR_LOG_STATISTICS,
                    "   Date (UTC) Time     IP Address    Std dev'n Est offset  Offset sd  Diff "
                    "freq   Est skew  Stress  Ns  Bs  Nr  Asym"},
    [TRACKING] = {"tracking", VISOR_LOG_TRACKING,
                  "   Date (UTC) Time     IP Address   St   Freq ppm   Skew ppm     Offset L Co  "
                  "Offset sd Rem. corr. Root delay Root disp. Max. error"},
    [SELECTION] = {"selection", VISOR_LOG_SELECTION,
                   "   Date (UTC) Time     IP Address   S EOpts Reach Score Last sample  Low end   "
                   "High end"},
    [REFCLOCKS] = {"refclocks", VISOR_LOG_REFCLOCKS,
                   "   Date (UTC) Time         Refid  DP L P  Raw offset   Cooked offset      "
                   "Disp."},
    [RTC] = {"rtc", VISOR_LOG_RTC,
             "   Date (UTC) Time   RTC fast (s) Val   Est fast (s)   Slope (ppm)  Ns  Nr Meas"},
    [TEMPCOMP] = {"tempcomp", VISOR_LOG_TEMPCOMP, "   Date (UTC) Time        Temp.       Comp."},
};

struct open_file {
    FILE *stream;
    unsigned long lines; /* since it was opened; a banner goes before every logbanner-th */
    visor_mono retry;    /* not before, if `told` */
    bool told;
};

struct visor_logfile {
    const struct visor_config *config;
    struct visor_log *log;
    struct open_file files[FILES];
    bool no_directory_told;
};

struct visor_logfile *visor_logfile_new(const struct visor_config *config, struct visor_log *log)
{
    struct visor_logfile *files = calloc(1, sizeof *files);

    if (!files)
        return NULL;
    files->config = config;
    files->log = log;
    return files;
}

void visor_logfile_cycle(struct visor_logfile *files)
{
    for (size_t i = 0; i < FILES; i++) {
        if (files->files[i].stream)
            fclose(files->files[i].stream);
        files->files[i] = (struct open_file){0};
    }
    files->no_directory_told = false;
}

void visor_logfile_free(struct visor_logfile *files)
{
    if (!files)
        return;
    visor_logfile_cycle(files);
    free(files);
}

void visor_logfile_set_config(struct visor_logfile *files, const struct visor_config *config)
{
    bool moved = strcmp(files->config->logdir, config->logdir) != 0;

    for (size_t i = 0; i < FILES; i++) {
        if (!files->files[i].stream || (!moved && (config->logs & kinds[i].logs)))
            continue;
        fclose(files->files[i].stream);
        files->files[i] = (struct open_file){0};
    }
    files->config = config;
    files->no_directory_told = false;
}

/* ---- lines ---- */

static char *print_time(visor_wall at, char *text, size_t size)
{
    time_t seconds = (time_t)(at.ns / VISOR_NS_PER_S - (at.ns % VISOR_NS_PER_S < 0));
    struct tm tm;

    if (!gmtime_r(&seconds, &tm) || strftime(text, size, "%Y-%m-%d %H:%M:%S", &tm) == 0)
        snprintf(text, size, "INVALID    INVALID ");
    return text;
}

/* The other sign, and never "-0". */
static double opposite(double value)
{
    return value == 0.0 ? 0.0 : -value;
}

static char leap_letter(enum visor_leap leap)
{
    static const char letters[] = {'N', '+', '-', '?'};

    return letters[(unsigned int)leap & 3];
}

static int print_measurement(const struct visor_record_measurement *m, const char *time, char *line,
                             size_t size)
{
    char address[64];

    visor_address_print(&m->peer, address, sizeof address);
    return snprintf(line, size,
                    "%s %-15s %1c %2d %1d%1d%1d %1d%1d%1d %1d%1d%1d%d  %2d %2d %4.2f %10.3e %10.3e "
                    "%10.3e %10.3e %10.3e %08X %.2s %1c %1c",
                    time, address, leap_letter(m->leap), m->stratum, m->test_bits_low >> 2 & 1,
                    m->test_bits_low >> 1 & 1, m->test_bits_low & 1, m->test_bits_mid >> 2 & 1,
                    m->test_bits_mid >> 1 & 1, m->test_bits_mid & 1, m->test_bits_high >> 3 & 1,
                    m->test_bits_high >> 2 & 1, m->test_bits_high >> 1 & 1, m->test_bits_high & 1,
                    m->local_poll, m->remote_poll, m->score, m->offset, m->delay, m->dispersion,
                    m->root_delay, m->root_dispersion, (unsigned int)m->refid, m->mode, m->tx,
                    m->rx);
}

static int print_statistics(const struct visor_record_statistics *s, const char *time, char *line,
                            size_t size)
{
    return snprintf(
        line, size, "%s %-15s %10.3e %10.3e %10.3e %10.3e %10.3e %7.1e %3d %3d %3d %5.2f", time,
        s->name, s->sd, opposite(s->offset), s->offset_sd, opposite(s->frequency_ppm) * 1e-6,
        s->skew_ppm * 1e-6, s->stress, s->samples, s->base_sample, s->runs, s->asymmetry);
}

static int print_tracking(const struct visor_record_tracking *t, const char *time, char *line,
                          size_t size)
{
    return snprintf(line, size,
                    "%s %-15s %2d %10.3f %10.3f %10.3e %1c %2d %10.3e %10.3e %10.3e %10.3e %10.3e",
                    time, t->name, t->stratum, opposite(t->frequency_ppm), t->skew_ppm,
                    opposite(t->offset), leap_letter(t->leap), t->combined, t->offset_sd,
                    t->remaining, t->root_delay, t->root_dispersion, t->max_error);
}

static int print_selection(const struct visor_record_selection *s, const char *time, char *line,
                           size_t size)
{
    uint32_t options = s->effective_options;

    return snprintf(
        line, size, "%s %-15s %c -%c%c%c%c %4o %5.2f %10.3e %10.3e %10.3e", time, s->name, s->state,
        options & VISOR_SELECT_NOSELECT ? 'N' : '-', options & VISOR_SELECT_PREFER ? 'P' : '-',
        options & VISOR_SELECT_TRUST ? 'T' : '-', options & VISOR_SELECT_REQUIRE ? 'R' : '-',
        (unsigned int)s->reach, s->score, s->last_sample, opposite(s->hi), opposite(s->lo));
}

static int print_refclock(const struct visor_record_refclock *r, const char *time, int microseconds,
                          char *line, size_t size)
{
    if (r->filtered)
        return snprintf(line, size, "%s.%06d %-5s   - %1c -       -       %13.6e %10.3e", time,
                        microseconds, r->refid, leap_letter(r->leap), r->offset, r->dispersion);
    return snprintf(line, size, "%s.%06d %-5s %3d %1c %1c %13.6e %13.6e %10.3e", time, microseconds,
                    r->refid, (int)r->pulse, leap_letter(r->leap), r->pps, r->raw_offset, r->offset,
                    r->dispersion);
}

size_t visor_logfile_print(const struct visor_record *record, char *line, size_t size)
{
    int64_t within = record->at.ns % VISOR_NS_PER_S;
    char time[32];
    int length = 0;

    print_time(record->at, time, sizeof time);
    if (within < 0)
        within += VISOR_NS_PER_S;
    switch (record->kind) {
    case VISOR_RECORD_MEASUREMENT:
        length = print_measurement(&record->measurement, time, line, size);
        break;
    case VISOR_RECORD_STATISTICS:
        length = print_statistics(&record->statistics, time, line, size);
        break;
    case VISOR_RECORD_TRACKING:
        length = print_tracking(&record->tracking, time, line, size);
        break;
    case VISOR_RECORD_REFCLOCK:
        length = print_refclock(&record->refclock, time, (int)(within / 1000), line, size);
        break;
    case VISOR_RECORD_SELECTION:
        length = print_selection(&record->selection, time, line, size);
        break;
    }
    return length > 0 && (size_t)length < size ? (size_t)length : 0;
}

/* ---- files ---- */

static unsigned long lines_a_banner(const struct visor_logfile *files)
{
    return files->config->log_banner > 0 ? (unsigned long)files->config->log_banner : 32;
}

/* Told once; the next attempt comes after a while, since every line would be another. */
static void give_up(struct visor_logfile *files, enum file which, const char *path, int error)
{
    struct open_file *file = &files->files[which];

    if (!file->told)
        visor_log_write(files->log, VISOR_SEVERITY_WARNING, _("Could not write to %s : %s"), path,
                        strerror(error));
    if (file->stream)
        fclose(file->stream);
    *file = (struct open_file){.told = true, .retry = visor_mono_add(visor_clock_raw(), RETRY_NS)};
}

/* The file, open; NULL if it cannot be had now. */
static FILE *open_file(struct visor_logfile *files, enum file which)
{
    struct open_file *file = &files->files[which];
    const char *directory = files->config->logdir;
    char path[VISOR_CONFIG_NAME_MAX + 32];

    if (file->stream)
        return file->stream;
    if (directory[0] == '\0') {
        if (!files->no_directory_told)
            visor_log_write(files->log, VISOR_SEVERITY_WARNING, "logdir not specified");
        files->no_directory_told = true;
        return NULL;
    }
    if (file->told && visor_mono_before(visor_clock_raw(), file->retry))
        return NULL;
    snprintf(path, sizeof path, "%s/%s.log", directory, kinds[which].name);
    file->stream = fopen(path, "ae");
    if (!file->stream && errno == ENOENT && mkdir(directory, 0750) == 0)
        file->stream = fopen(path, "ae");
    if (!file->stream)
        give_up(files, which, path, errno);
    return file->stream;
}

static void write_banner(FILE *stream, const char *banner)
{
    char rule[256];
    size_t length = strlen(banner);

    memset(rule, '=', sizeof rule);
    fprintf(stream, "%.*s\n%s\n%.*s\n", (int)length, rule, banner, (int)length, rule);
}

static void write_line(struct visor_logfile *files, enum file which, const char *line)
{
    struct open_file *file = &files->files[which];
    FILE *stream;

    if (!(files->config->logs & kinds[which].logs))
        return;
    stream = open_file(files, which);
    if (!stream)
        return;
    if (files->config->log_banner > 0 && file->lines++ % lines_a_banner(files) == 0)
        write_banner(stream, kinds[which].banner);
    fprintf(stream, "%s\n", line);
    if (fflush(stream) != 0)
        give_up(files, which, kinds[which].name, errno);
    else
        file->told = false;
}

void visor_logfile_write(struct visor_logfile *files, const struct visor_record *record)
{
    static const enum file file_of[] = {
        [VISOR_RECORD_MEASUREMENT] = MEASUREMENTS, [VISOR_RECORD_STATISTICS] = STATISTICS,
        [VISOR_RECORD_TRACKING] = TRACKING,        [VISOR_RECORD_REFCLOCK] = REFCLOCKS,
        [VISOR_RECORD_SELECTION] = SELECTION,
    };
    char line[LINE_MAX_SIZE];

    if (record->kind == VISOR_RECORD_MEASUREMENT && record->measurement.raw &&
        !(files->config->logs & VISOR_LOG_RAWMEASUREMENTS))
        return;
    if (visor_logfile_print(record, line, sizeof line) > 0)
        write_line(files, file_of[record->kind], line);
}

void visor_logfile_write_rtc(struct visor_logfile *files, const struct visor_logfile_rtc *record)
{
    char line[LINE_MAX_SIZE], time[32];

    snprintf(line, sizeof line, "%s %14.6f %1d  %14.6f  %12.3f  %2d  %2d %4d",
             print_time(record->at, time, sizeof time), record->fast_s, record->valid,
             record->estimated_fast_s, record->gain_ppm, record->samples, record->runs,
             record->period_s);
    write_line(files, RTC, line);
}

void visor_logfile_write_tempcomp(struct visor_logfile *files, visor_wall at, double temperature,
                                  double compensation_ppm)
{
    char line[LINE_MAX_SIZE], time[32];

    snprintf(line, sizeof line, "%s %11.4e %11.4e", print_time(at, time, sizeof time), temperature,
             compensation_ppm);
    write_line(files, TEMPCOMP, line);
}
