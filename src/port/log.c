/* Lines are put together here and written at once; stdio is used for nothing but its formatting, so
 * that a full disk or a closed stderr is an error of that one line. Left to others: the statistics
 * logs (logfile.c) and what is said (timevisord/messages.c). */
#include "port/log.h"

#include "port/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_SIZE   2048
#define REPEATS         8  /* different lines that are watched for repetition */
#define REPEATS_WINDOW  60 /* s */
#define REPEATS_ALLOWED 10 /* of one line in a window */

struct repeat {
    uint64_t hash; /* of the text, 0: free */
    enum visor_severity severity;
    time_t since;
    unsigned int count;
    char text[128]; /* beginning of it, to be told with the count */
};

struct visor_log {
    enum visor_severity least;
    bool to_syslog;
    int fd; /* stderr, or the file */
    char *path;
    struct repeat repeats[REPEATS];
    char last[LINE_MAX_SIZE];
};

struct visor_log *visor_log_new(void)
{
    struct visor_log *log = calloc(1, sizeof *log);

    if (!log)
        return NULL;
    log->least = VISOR_SEVERITY_INFO;
    log->fd = STDERR_FILENO;
    return log;
}

static void write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, data, size);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return;
        data += written;
        size -= (size_t)written;
    }
}

/* One line to where lines go. `log->last` keeps the text alone. */
static void emit(struct visor_log *log, enum visor_severity severity, const char *text)
{
    static const int priorities[] = {LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERR, LOG_CRIT};
    const char *fatal = severity == VISOR_SEVERITY_FATAL ? "Fatal error : " : "";
    char line[LINE_MAX_SIZE + 64], stamp[32] = "";
    time_t now = time(NULL);
    struct tm tm;
    int length;

    if (log->to_syslog) {
        syslog(priorities[severity], "%s%s", fatal, text);
        if (severity < VISOR_SEVERITY_FATAL)
            return;
    }
    if (gmtime_r(&now, &tm))
        strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ ", &tm);
    length = snprintf(line, sizeof line, "%s%s%s\n", stamp, fatal, text);
    if (length > 0)
        write_all(log->fd, line, (size_t)length);
}

static void tell_repeats(struct visor_log *log, struct repeat *repeat)
{
    char text[sizeof repeat->text + 128];

    if (repeat->count > REPEATS_ALLOWED) {
        snprintf(text, sizeof text, _("%u more lines like this were held back: %s"),
                 repeat->count - REPEATS_ALLOWED, repeat->text);
        emit(log, repeat->severity, text);
    }
    repeat->hash = 0;
}

void visor_log_free(struct visor_log *log)
{
    if (!log)
        return;
    for (size_t i = 0; i < REPEATS; i++)
        tell_repeats(log, &log->repeats[i]);
    if (log->to_syslog)
        closelog();
    if (log->path)
        close(log->fd);
    free(log->path);
    free(log);
}

void visor_log_to_syslog(struct visor_log *log, const char *ident)
{
    openlog(ident, LOG_PID, LOG_DAEMON);
    log->to_syslog = true;
}

static int open_log(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY | O_CLOEXEC, 0640);

    return fd < 0 ? -errno : fd;
}

int visor_log_to_file(struct visor_log *log, const char *path)
{
    int fd = open_log(path);
    char *copy = fd < 0 ? NULL : realpath(path, NULL); /* it is opened again from elsewhere */

    if (fd < 0)
        return fd;
    if (!copy) {
        close(fd);
        return -errno;
    }
    if (log->path)
        close(log->fd);
    free(log->path);
    log->path = copy;
    log->fd = fd;
    if (log->to_syslog)
        closelog();
    log->to_syslog = false;
    return 0;
}

void visor_log_set_severity(struct visor_log *log, enum visor_severity least)
{
    log->least = least;
}

void visor_log_reopen(struct visor_log *log)
{
    struct stat at_path, open_one;
    int fd;

    if (!log->path || (stat(log->path, &at_path) == 0 && fstat(log->fd, &open_one) == 0 &&
                       at_path.st_dev == open_one.st_dev && at_path.st_ino == open_one.st_ino))
        return;
    fd = open_log(log->path);
    if (fd < 0)
        return; /* better to go on in the old file than in none */
    close(log->fd);
    log->fd = fd;
}

static uint64_t hash_of(const char *text)
{
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */

    while (*text)
        hash = (hash ^ (uint8_t)*text++) * UINT64_C(1099511628211);
    return hash ? hash : 1;
}

/* False: the line is held back. The oldest watched line gives way to a new one. */
static bool pass(struct visor_log *log, enum visor_severity severity, const char *text)
{
    uint64_t hash = hash_of(text);
    time_t now = time(NULL);
    struct repeat *found = NULL, *oldest = &log->repeats[0];

    for (size_t i = 0; i < REPEATS; i++) {
        struct repeat *repeat = &log->repeats[i];

        if (repeat->hash != 0 && (now < repeat->since || now >= repeat->since + REPEATS_WINDOW))
            tell_repeats(log, repeat);
        if (repeat->hash == hash)
            found = repeat;
        if (repeat->hash == 0 || (oldest->hash != 0 && repeat->since < oldest->since))
            oldest = repeat;
    }
    if (!found) {
        tell_repeats(log, oldest);
        oldest->hash = hash;
        oldest->severity = severity;
        oldest->since = now;
        oldest->count = 1;
        snprintf(oldest->text, sizeof oldest->text, "%.*s", (int)sizeof oldest->text - 1, text);
        return true;
    }
    return ++found->count <= REPEATS_ALLOWED;
}

void visor_log_write(struct visor_log *log, enum visor_severity severity, const char *format, ...)
{
    va_list arguments;

    if (severity < log->least)
        return;
    va_start(arguments, format);
    vsnprintf(log->last, sizeof log->last, format, arguments);
    va_end(arguments);
    for (char *c = log->last; *c; c++)
        if ((uint8_t)*c < ' ' || *c == 0x7f)
            *c = ' '; /* a line is a line, whatever a name or a file says */
    if (severity == VISOR_SEVERITY_FATAL || pass(log, severity, log->last))
        emit(log, severity, log->last);
}

const char *visor_log_last(const struct visor_log *log)
{
    return log->last;
}
