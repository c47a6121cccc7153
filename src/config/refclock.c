/* `refclock`: drivers, their own options, and the options of all. */
#include "config/tables.h"

#include <string.h>

#define STRUCTURE struct visor_refclock_config

static const struct visor_option rows[] = {
    INT("poll", poll, -32, 32, 4, "POLL", "interval of the filtered sample, log2 s"),
    INT("dpoll", dpoll, -32, 32, 0, "POLL", "interval of reading the device, log2 s"),
    {.name = "refid",
     .kind = VISOR_OPTION_REFID,
     .offset = AT(refid),
     .arguments = "REFID",
     .description = "its name, up to 4 characters"},
    {.name = "lock",
     .kind = VISOR_OPTION_REFID,
     .offset = AT(lock_refid),
     .arguments = "REFID",
     .description = "reference clock whose samples complete the pulses"},
    REAL("rate", rate, 1, INT_LIMIT, 1, "HZ", "pulses a second"),
    INT("maxlockage", max_lock_age, 0, INT_LIMIT, 2, "PULSES", "age of the completing sample"),
    REAL("width", pulse_width, -UNLIMITED, UNLIMITED, 0, "SECONDS", "width of the pulses"),
    FLAG("pps", pps, "only the fraction of the second is used"),
    REAL("offset", offset, -UNLIMITED, UNLIMITED, 0, "SECONDS", "correction of its error"),
    REAL("delay", delay, -UNLIMITED, UNLIMITED, 1e-9, "SECONDS", "delay assumed in selection"),
    INT("stratum", stratum, 0, 15, 0, "STRATUM", "stratum of the clock"),
    REAL("precision", precision, -UNLIMITED, UNLIMITED, 0, "SECONDS", "precision of the clock"),
    REAL("maxdispersion", max_dispersion, -UNLIMITED, UNLIMITED, 0, "SECONDS",
         "largest dispersion of a filtered sample"),
    INT("filter", filter_length, 0, INT_LIMIT, 64, "SAMPLES", "samples kept by the median filter"),
    BITS("prefer", select_options, VISOR_SELECT_PREFER, "before sources without this option"),
    BITS("noselect", select_options, VISOR_SELECT_NOSELECT, "measured, never used"),
    BITS("trust", select_options, VISOR_SELECT_TRUST, "assumed to be right"),
    BITS("require", select_options, VISOR_SELECT_REQUIRE, "one such source has to be selectable"),
    FLAG("tai", tai, "the clock keeps TAI"),
    FLAG("local", local, "a free-running clock that only stabilises ours"),
    INT("minsamples", min_samples, 0, INT_LIMIT, -1, "SAMPLES", "fewest samples kept"),
    INT("maxsamples", max_samples, 0, INT_LIMIT, -1, "SAMPLES", "most samples kept"),
    INT("maxunreach", max_unreach, 0, INT_LIMIT, 100000, "POLLS",
        "polls that it stays selectable while unreachable"),
};

const struct visor_option_table visor_refclock_options = {"refclock", rows,
                                                          sizeof(rows) / sizeof(rows[0])};

/* In the order of enum visor_refclock_driver; options that may follow the parameter with ':'. */
static const struct {
    const char *name, *options;
} drivers[] = {
    {"PPS", "clear"}, {"SHM", "perm"}, {"SOCK", ""}, {"PHC", "nocrossts extpps pin channel clear"},
    {"RTC", "utc"},
};

const char *visor_config_driver_name(enum visor_refclock_driver driver)
{
    return drivers[driver].name;
}

void visor_refclock_config_init(struct visor_refclock_config *refclock)
{
    memset(refclock, 0, sizeof(*refclock));
    visor_options_set_defaults(&visor_refclock_options, refclock);
}

static bool take_driver(struct visor_parser *parser, struct visor_refclock_config *refclock)
{
    const char *word = visor_words_take(&parser->words);

    if (!word) {
        visor_parser_missing(parser, "refclock", "DRIVER PARAMETER");
        return false;
    }
    for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++)
        if (visor_words_same(word, drivers[i].name)) {
            refclock->driver = (enum visor_refclock_driver)i;
            return true;
        }
    visor_parser_complain(parser, VISOR_DIAGNOSIS_ERROR, parser->words.next - 1,
                          N_("'%w' is not a driver: %1"), "PPS SHM SOCK PHC RTC", NULL);
    return false;
}

/* Is the word, of `length` bytes, one of a list with single spaces? */
static bool is_in(const char *list, const char *word, size_t length)
{
    while (*list) {
        size_t end = strcspn(list, " ");

        if (end == length && strncmp(list, word, length) == 0)
            return true;
        list += end + (list[end] == ' ');
    }
    return false;
}

/* The options behind the parameter, "/dev/ptp0:nocrossts:pin=1". */
static bool check_driver_options(struct visor_parser *parser,
                                 const struct visor_refclock_config *refclock)
{
    const char *known = drivers[refclock->driver].options;
    const char *at = strchr(refclock->parameter, ':');

    while (at) {
        const char *next = strchr(++at, ':');
        size_t length = strcspn(at, ":=");
        char option[VISOR_DIAGNOSIS_WORD_MAX] = "";

        if (!is_in(known, at, length)) {
            memcpy(option, at, length < sizeof(option) ? length : sizeof(option) - 1);
            visor_parser_complain(parser, VISOR_DIAGNOSIS_ERROR, parser->words.next - 1,
                                  *known ? N_("'%1' in '%w' is not an option of the driver: %2")
                                         : N_("'%1' in '%w': the driver has no options"),
                                  option, known);
            return false;
        }
        at = next;
    }
    return true;
}

void visor_directive_refclock(struct visor_parser *parser, void *config)
{
    struct visor_config *to = config;
    struct visor_refclock_config refclock, *new;

    visor_refclock_config_init(&refclock);
    refclock.line = parser->line;
    visor_diagnosis_copy(refclock.file, sizeof(refclock.file), parser->file);
    if (!take_driver(parser, &refclock) ||
        !visor_parser_text(parser, "PARAMETER", refclock.parameter, sizeof(refclock.parameter)) ||
        !check_driver_options(parser, &refclock) ||
        !visor_options_take(parser, &visor_refclock_options, &refclock))
        return;
    new = visor_parser_append(parser, (void **)&to->refclocks, &to->refclock_count,
                              sizeof(refclock), VISOR_CONFIG_REFCLOCKS_MAX);
    if (new)
        *new = refclock;
}
