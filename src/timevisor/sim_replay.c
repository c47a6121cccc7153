/* A recording given to a fresh engine: does it decide the same again? */
#include "config/parse.h"
#include "engine/replay.h"
#include "port/text.h"
#include "timevisor/sim.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static struct visor_config *parse(const char *text, size_t size)
{
    struct visor_diagnoses diagnoses;
    struct visor_config *config = NULL;

    visor_diagnoses_init(&diagnoses);
    visor_config_parse_text("recording", text, size, NULL, &config, &diagnoses);
    visor_diagnoses_done(&diagnoses);
    return config;
}

static const char *event_name(enum visor_event_kind kind)
{
    static const char *const names[] = {
        [VISOR_EVENT_START] = "start",       [VISOR_EVENT_TIMER] = "timer",
        [VISOR_EVENT_PACKET] = "packet",     [VISOR_EVENT_SENT] = "sent",
        [VISOR_EVENT_REFCLOCK] = "refclock", [VISOR_EVENT_WITNESS] = "witness",
        [VISOR_EVENT_RESOLVED] = "resolved", [VISOR_EVENT_APPLIED] = "applied",
        [VISOR_EVENT_CONFIG] = "config",     [VISOR_EVENT_COMMAND] = "command",
        [VISOR_EVENT_STOP] = "stop",         [VISOR_EVENT_RESTORE] = "restore",
        [VISOR_EVENT_RATE] = "rate",         [VISOR_EVENT_CHRONYD] = "chronyd",
    };

    return kind < sizeof(names) / sizeof(names[0]) && names[kind] ? names[kind] : "?";
}

static const char *fault(const struct visor_replay_result *result)
{
    if (result->no_memory)
        return _("no memory");
    if (result->config_refused)
        return _("its configuration is refused here");
    switch (result->verdict) {
    case VISOR_RECORDING_FOREIGN:
        return _("this is no recording");
    case VISOR_RECORDING_VERSION_UNKNOWN:
        return _("a recording of another version");
    case VISOR_RECORDING_MALFORMED:
        return _("the recording is damaged");
    case VISOR_RECORDING_OK:
    case VISOR_RECORDING_END:
    case VISOR_RECORDING_CUT:
        break;
    }
    return NULL;
}

static void print_json(const struct visor_replay_result *result, FILE *to)
{
    bool complete = result->verdict == VISOR_RECORDING_END;

    fprintf(to,
            "{\"version\": 1, \"events\": %" PRIu64 ", \"different\": %" PRIu64
            ", \"complete\": %s",
            result->events, result->different, complete ? "true" : "false");
    if (result->different > 0)
        fprintf(to,
                ", \"first\": {\"event\": %" PRIu64 ", \"kind\": \"%s\", \"raw_ns\": %" PRId64
                ", \"recorded\": \"%016" PRIx64 "\", \"replayed\": \"%016" PRIx64 "\"}",
                result->first_index, event_name(result->first_kind), result->first_at.ns,
                result->recorded, result->replayed);
    fputs("}\n", to);
}

static void print_text(const char *path, const struct visor_replay_result *result, FILE *to)
{
    if (result->different == 0)
        fprintf(to, _("%s: %" PRIu64 " events, every action is the same\n"), path, result->events);
    else
        fprintf(to,
                _("%s: of %" PRIu64 " events %" PRIu64 " lead to other actions; the first is event "
                  "%" PRIu64 " (%s) at counter %.9f s\n"),
                path, result->events, result->different, result->first_index,
                event_name(result->first_kind), visor_seconds_from_ns(result->first_at.ns));
    if (result->verdict == VISOR_RECORDING_CUT)
        fprintf(to, _("%s: its last entry is not whole\n"), path);
}

/* 0 and *data (NULL for an empty file), or -errno. */
static int map_file(const char *path, void **data, size_t *size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), error = 0;
    struct stat about;

    *data = NULL;
    *size = 0;
    if (fd < 0)
        return -errno;
    if (fstat(fd, &about) < 0)
        error = -errno;
    else if (!S_ISREG(about.st_mode))
        error = -EINVAL;
    else if (about.st_size > 0) {
        *size = (size_t)about.st_size;
        *data = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (*data == MAP_FAILED)
            error = -errno;
    }
    close(fd);
    return error;
}

int visor_sim_replay(const char *path, bool json, FILE *to, bool *good)
{
    struct visor_replay_result result;
    const char *reason;
    void *data;
    size_t size;
    int error = map_file(path, &data, &size);

    *good = false;
    if (error)
        return error;
    visor_replay(data, size, parse, &result);
    if (data)
        munmap(data, size);
    reason = fault(&result);
    if (reason) {
        fprintf(stderr, "timevisor sim: %s: %s\n", path, reason);
        return 0;
    }
    if (json)
        print_json(&result, to);
    else
        print_text(path, &result, to);
    *good = result.different == 0;
    return 0;
}
