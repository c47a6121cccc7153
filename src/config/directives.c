/* The table of directives, and the directives whose arguments are not one value: those about the
 * system clock, the server, logs and limits. Sources, addresses and files have their own files. */
#include "config/number.h"
#include "config/tables.h"

#include <string.h>

/* Several directives are a list of options: each has its table. */
#define STRUCTURE struct visor_ratelimit_config

#define RATELIMIT(normal)                                                                          \
    INT_CLAMPED("interval", interval, -19, 12, normal, "LOG2",                                     \
                "shortest interval of replies, log2 s"),                                           \
        INT_CLAMPED("burst", burst, 1, 255, 8, "REPLIES", "replies in a row that may exceed it"),  \
        INT_CLAMPED("leak", leak, 1, 4, 2, "RATE", "replies let through, as a power of 1/2")

static const struct visor_option ratelimit_rows[] = {
    RATELIMIT(3),
    INT_CLAMPED("kod", kod, 0, 4, 0, "RATE", "kiss-o'-death replies, as a power of 1/2; 0: none"),
};
const struct visor_option_table visor_ratelimit_options = {"ratelimit", ratelimit_rows, 4};

static const struct visor_option cmdratelimit_rows[] = {RATELIMIT(-4)};
const struct visor_option_table visor_cmdratelimit_options = {"cmdratelimit", cmdratelimit_rows, 3};

#undef STRUCTURE
#define STRUCTURE     struct visor_hwtimestamp_config

#define MAXPOLL_UNSET 100

static const struct visor_option hwtimestamp_rows[] = {
    INT_CLAMPED("minpoll", minpoll, -6, 20, 0, "POLL", "shortest interval of reading the clock"),
    INT_CLAMPED("maxpoll", maxpoll, -6, 20, MAXPOLL_UNSET, "POLL", "longest; minpoll + 1"),
    INT("minsamples", min_samples, 0, INT_LIMIT, 2, "SAMPLES", "fewest readings kept"),
    INT("maxsamples", max_samples, 0, INT_LIMIT, 16, "SAMPLES", "most readings kept"),
    REAL("precision", precision, -UNLIMITED, UNLIMITED, 100e-9, "SECONDS", "of the readings"),
    REAL("txcomp", tx_compensation, -UNLIMITED, UNLIMITED, 0, "SECONDS",
         "added to transmit stamps"),
    REAL("rxcomp", rx_compensation, -UNLIMITED, UNLIMITED, 0, "SECONDS",
         "subtracted from receive stamps"),
    FLAG("nocrossts", nocrossts, "no precise cross-timestamping"),
    CHOICE("rxfilter", rxfilter, "any none ntp ptp all", VISOR_RXFILTER_ANY,
           "packets that get receive stamps"),
};
const struct visor_option_table visor_hwtimestamp_options = {"hwtimestamp", hwtimestamp_rows, 9};

#undef STRUCTURE
#define STRUCTURE struct visor_config

static const struct visor_option local_rows[] = {
    INT("stratum", local_stratum, 1, 15, 10, "STRATUM", "stratum served"),
    REAL("distance", local_distance, -UNLIMITED, UNLIMITED, 1, "SECONDS",
         "root distance from which on it is used"),
    REAL("activate", local_activate, -UNLIMITED, UNLIMITED, 0, "SECONDS",
         "root distance to reach once before"),
    FLAG("orphan", local_orphan, "one of several servers takes the lead"),
    REAL("waitsynced", local_wait_synced, -UNLIMITED, UNLIMITED, 0, "SECONDS",
         "time since the last update"),
    REAL("waitunsynced", local_wait_unsynced, -UNLIMITED, UNLIMITED, -1, "SECONDS",
         "time without synchronisation; 300 with orphan, else 0"),
};
const struct visor_option_table visor_local_options = {"local", local_rows, 6};

static const struct visor_option witness_rows[] = {
    CHOICE("rtc", witness_rtc, "off on auto", VISOR_WITNESS_AUTO, "the real-time clock"),
    CHOICE("vmclock", witness_vmclock, "off on auto", VISOR_WITNESS_AUTO,
           "the hypervisor's page of disruptions and time"),
    CHOICE("vmgenid", witness_vmgenid, "off on auto", VISOR_WITNESS_AUTO,
           "the kernel's word that the machine was restored or cloned"),
    CHOICE("phc", witness_phc, "off on auto", VISOR_WITNESS_AUTO, "a PTP clock"),
    CHOICE("cpu", witness_cpu, "off on auto", VISOR_WITNESS_AUTO,
           "late wake-ups, stolen time, the TSC and the clocksource"),
    REAL("hosts", witness_hosts, 0, 86400, 1, "SECONDS",
         "by how much the clocks of two hosts may differ"),
};
const struct visor_option_table visor_witness_options = {"witness", witness_rows, 6};

static const struct visor_option log_rows[] = {
    BITS("rawmeasurements", logs, VISOR_LOG_RAWMEASUREMENTS | VISOR_LOG_MEASUREMENTS,
         "every NTP measurement"),
    BITS("measurements", logs, VISOR_LOG_MEASUREMENTS, "NTP measurements that were accepted"),
    BITS("selection", logs, VISOR_LOG_SELECTION, "source selection"),
    BITS("statistics", logs, VISOR_LOG_STATISTICS, "regression of each source"),
    BITS("tracking", logs, VISOR_LOG_TRACKING, "the system clock"),
    BITS("rtc", logs, VISOR_LOG_RTC, "the real-time clock"),
    BITS("refclocks", logs, VISOR_LOG_REFCLOCKS, "samples of reference clocks"),
    BITS("tempcomp", logs, VISOR_LOG_TEMPCOMP, "temperature compensation"),
};
const struct visor_option_table visor_log_options = {"log", log_rows, 8};

static const struct visor_option open_rows[] = {
    BITS("activity", open_commands, VISOR_OPEN_ACTIVITY, NULL),
    BITS("authdata", open_commands, VISOR_OPEN_AUTHDATA, NULL),
    BITS("clients", open_commands, VISOR_OPEN_CLIENTS, NULL),
    BITS("manual", open_commands, VISOR_OPEN_MANUAL, NULL),
    BITS("ntpdata", open_commands, VISOR_OPEN_NTPDATA, NULL),
    BITS("rtcdata", open_commands, VISOR_OPEN_RTCDATA, NULL),
    BITS("selectdata", open_commands, VISOR_OPEN_SELECTDATA, NULL),
    BITS("serverstats", open_commands, VISOR_OPEN_SERVERSTATS, NULL),
    BITS("smoothing", open_commands, VISOR_OPEN_SMOOTHING, NULL),
    BITS("sourcename", open_commands, VISOR_OPEN_SOURCENAME, NULL),
    BITS("sources", open_commands, VISOR_OPEN_SOURCES, NULL),
    BITS("sourcestats", open_commands, VISOR_OPEN_SOURCESTATS, NULL),
    BITS("tracking", open_commands, VISOR_OPEN_TRACKING, NULL),
};
const struct visor_option_table visor_open_options = {"opencommands", open_rows, 13};

static void take_log(struct visor_parser *parser, void *config)
{
    visor_options_take(parser, &visor_log_options, config);
}

static void take_opencommands(struct visor_parser *parser, void *config)
{
    ((struct visor_config *)config)->open_commands = 0;
    visor_options_take(parser, &visor_open_options, config);
}

static void take_witness(struct visor_parser *parser, void *config)
{
    (void)visor_options_take(parser, &visor_witness_options, config);
}

static void take_local(struct visor_parser *parser, void *target)
{
    struct visor_config *config = target;

    visor_options_set_defaults(&visor_local_options, config);
    config->local_orphan = false;
    config->local_enabled = visor_options_take(parser, &visor_local_options, config);
    if (config->local_wait_unsynced < 0.0)
        config->local_wait_unsynced = config->local_orphan ? 300.0 : 0.0;
}

static void take_ratelimit(struct visor_parser *parser, void *config)
{
    struct visor_ratelimit_config *limit = &((struct visor_config *)config)->ratelimit;

    limit->enabled = visor_options_take(parser, &visor_ratelimit_options, limit);
}

static void take_cmdratelimit(struct visor_parser *parser, void *config)
{
    struct visor_ratelimit_config *limit = &((struct visor_config *)config)->cmd_ratelimit;

    limit->enabled = visor_options_take(parser, &visor_cmdratelimit_options, limit);
}

static void take_hwtimestamp(struct visor_parser *parser, void *target)
{
    struct visor_config *config = target;
    struct visor_hwtimestamp_config interface = {.minpoll = 0}, *new;

    visor_options_set_defaults(&visor_hwtimestamp_options, &interface);
    if (!visor_parser_text(parser, "INTERFACE", interface.interface, sizeof(interface.interface)) ||
        !visor_options_take(parser, &visor_hwtimestamp_options, &interface))
        return;
    if (interface.maxpoll == MAXPOLL_UNSET)
        interface.maxpoll = interface.minpoll < 20 ? interface.minpoll + 1 : 20;
    if (interface.maxpoll < interface.minpoll)
        interface.maxpoll = interface.minpoll;
    new = visor_parser_append(parser, (void **)&config->hwtimestamps, &config->hwtimestamp_count,
                              sizeof(interface), VISOR_CONFIG_LIST_MAX);
    if (new)
        *new = interface;
}

static void take_hwtstimeout(struct visor_parser *parser, void *config)
{
    double seconds;

    if (!visor_parser_real(parser, "SECONDS", &seconds))
        return;
    seconds = seconds < 0.0 ? 0.0 : seconds > 1000.0 ? 1000.0 : seconds;
    ((struct visor_config *)config)->hwts_timeout_us = (int)(seconds * 1e6 + 0.5);
}

static void take_driftfile(struct visor_parser *parser, void *target)
{
    struct visor_config *config = target;
    int64_t interval;
    const char *word;

    if (!visor_parser_text(parser, "FILE", config->driftfile, sizeof(config->driftfile)))
        return;
    word = visor_words_take(&parser->words);
    if (!word)
        return;
    if (!visor_words_same(word, "interval")) {
        visor_parser_complain(parser, VISOR_DIAGNOSIS_ERROR, parser->words.next - 1,
                              N_("'%w' is not an option of '%1': it knows 'interval' only"),
                              "driftfile", NULL);
        return;
    }
    if (visor_parser_whole(parser, "SECONDS", 0, INT_LIMIT, &interval))
        config->drift_interval = (int)interval;
}

static void take_fallbackdrift(struct visor_parser *parser, void *target)
{
    struct visor_config *config = target;
    int64_t least, most;

    if (!visor_parser_whole(parser, "MIN-INTERVAL MAX-INTERVAL", -32, 32, &least) ||
        !visor_parser_whole(parser, "MAX-INTERVAL", -32, 32, &most))
        return;
    config->fallback_drift_min = (int)least;
    config->fallback_drift_max = (int)most;
}

static void take_initstepslew(struct visor_parser *parser, void *target)
{
    struct visor_config *config = target;

    config->initstep_count = 0;
    if (!visor_parser_real(parser, "THRESHOLD [HOST…]", &config->initstep_threshold))
        return;
    while (visor_words_left(&parser->words)) {
        char(*name)[VISOR_CONFIG_NAME_MAX] =
            visor_parser_append(parser, (void **)&config->initstep_names, &config->initstep_count,
                                sizeof(*name), VISOR_CONFIG_LIST_MAX);

        if (!name || !visor_parser_text(parser, "HOST", *name, sizeof(*name)))
            return;
    }
}

static void take_makestep(struct visor_parser *parser, void *target)
{
    struct visor_config *config = target;
    double threshold;
    int64_t limit;

    if (!visor_parser_real(parser, "THRESHOLD LIMIT", &threshold) ||
        !visor_parser_whole(parser, "LIMIT", -INT_LIMIT, INT_LIMIT, &limit))
        return;
    config->makestep_threshold = threshold;
    config->makestep_limit = (int)limit;
}

static void take_maxchange(struct visor_parser *parser, void *target)
{
    struct visor_config *config = target;
    double offset;
    int64_t delay, ignore;

    if (!visor_parser_real(parser, "OFFSET START IGNORE", &offset) ||
        !visor_parser_whole(parser, "START IGNORE", -INT_LIMIT, INT_LIMIT, &delay) ||
        !visor_parser_whole(parser, "IGNORE", -INT_LIMIT, INT_LIMIT, &ignore))
        return;
    config->max_change = offset;
    config->max_change_delay = delay < 0 ? -1 : (int)delay;
    config->max_change_ignore = ignore < 0 ? -1 : (int)ignore;
}

static void take_smoothtime(struct visor_parser *parser, void *target)
{
    struct visor_config *config = target;
    double frequency, wander;
    const char *word;

    if (!visor_parser_real(parser, "MAX-FREQ MAX-WANDER [leaponly]", &frequency) ||
        !visor_parser_real(parser, "MAX-WANDER [leaponly]", &wander))
        return;
    word = visor_words_take(&parser->words);
    if (word && !visor_words_same(word, "leaponly")) {
        visor_parser_complain(parser, VISOR_DIAGNOSIS_ERROR, parser->words.next - 1,
                              N_("'%w' is not an option of '%1': it knows 'leaponly' only"),
                              "smoothtime", NULL);
        return;
    }
    config->smooth_max_freq = frequency;
    config->smooth_max_wander = wander;
    config->smooth_leap_only = word != NULL;
}

/* "/" turns the file off. */
static void take_pidfile(struct visor_parser *parser, void *target)
{
    struct visor_config *config = target;

    if (visor_parser_text(parser, "FILE", config->pidfile, sizeof(config->pidfile)) &&
        strcmp(config->pidfile, "/") == 0)
        config->pidfile[0] = '\0';
}

static void take_clocksegment(struct visor_parser *parser, void *target)
{
    struct visor_config *config = target;

    if (visor_parser_text(parser, "FILE | off", config->clock_segment,
                          sizeof(config->clock_segment)) &&
        strcmp(config->clock_segment, "off") == 0)
        config->clock_segment[0] = '\0';
}

static void take_leapsecond(struct visor_parser *parser, void *target)
{
    struct visor_config *config = target;
    struct visor_leap_entry *new;
    int64_t utc, tai;

    if (!visor_parser_whole(parser, "UTC-SECONDS TAI-UTC", -(INT64_C(1) << 52), INT64_C(1) << 52,
                            &utc) ||
        !visor_parser_whole(parser, "TAI-UTC", -100000, 100000, &tai))
        return;
    new = visor_parser_append(parser, (void **)&config->leaps, &config->leap_count, sizeof(*new),
                              VISOR_CONFIG_POINTS_MAX);
    if (new)
        *new = (struct visor_leap_entry){.utc_s = utc, .tai_offset_s = (int)tai};
}

#define NTS(word)                                                                                  \
    REFUSED(word, N_("'%w': NTS is not built yet: remove it and use 'keyfile' with "               \
                     "the 'key' option of 'server'"))
#define OBSOLETE(word)                                                                             \
    IGNORED(word, VISOR_DIAGNOSIS_WARNING, N_("'%w' is no longer supported and has no effect"))

static const struct visor_option rows[] = {
    /* sources */
    SPECIAL("server", visor_directive_source, visor_print_sources, "HOST [OPTION]...",
            "an NTP server to follow"),
    SPECIAL("pool", visor_directive_source, NULL, "NAME [OPTION]...", "a name for several servers"),
    SPECIAL("peer", visor_directive_source, NULL, "HOST [OPTION]...", "a symmetric association"),
    SPECIAL("refclock", visor_directive_refclock, visor_print_refclocks,
            "DRIVER PARAMETER [OPTION]...", "a reference clock"),
    SPECIAL("initstepslew", take_initstepslew, visor_print_initstepslew, "THRESHOLD [HOST]...",
            "measure, and step or slew, before normal operation"),
    FLAG("manual", manual, "time may be given by hand with chronyc settime"),
    INT("acquisitionport", acquisition_port, 0, 65535, -1, "PORT", "port that requests come from"),
    SPECIAL("bindacqaddress", visor_directive_bindacqaddress, visor_print_bindacqaddress, "ADDRESS",
            "address that requests come from"),
    TEXT("bindacqdevice", bind_acq_device, NULL, "INTERFACE", "interface of requests"),
    INT("dscp", dscp, 0, 63, 0, "POINT", "DSCP mark of NTP packets"),
    TEXT("dumpdir", dumpdir, NULL, "DIRECTORY", "where measurements are saved for a restart"),
    INT("maxsamples", max_samples, 0, INT_LIMIT, 0, "SAMPLES",
        "most samples kept a source; 0: any"),
    INT("minsamples", min_samples, 0, INT_LIMIT, 6, "SAMPLES", "fewest samples kept a source"),
    INT("refresh", refresh, 0, INT_LIMIT, 1209600, "SECONDS", "interval of looking names up again"),
    /* selection */
    CHOICE("authselectmode", auth_mode, "require prefer mix ignore", VISOR_AUTH_MODE_MIX,
           "what authentication means for selection"),
    REAL("combinelimit", combine_limit, -UNLIMITED, UNLIMITED, 3, "RATIO",
         "distance of sources to be combined"),
    REAL("maxdistance", max_distance, -UNLIMITED, UNLIMITED, 3, "SECONDS", "largest root distance"),
    REAL("maxjitter", max_jitter, -UNLIMITED, UNLIMITED, 1, "SECONDS", "largest jitter"),
    INT("maxstratum", max_stratum, 0, INT_LIMIT, 15, "STRATUM", "highest stratum selected"),
    INT("minstratum", min_stratum, 0, INT_LIMIT, 0, "STRATUM", "lowest stratum selected"),
    INT("minsources", min_sources, 1, INT_LIMIT, 1, "SOURCES", "sources that have to agree"),
    REAL("reselectdist", reselect_distance, -UNLIMITED, UNLIMITED, 1e-4, "SECONDS",
         "advantage of the selected source"),
    REAL("stratumweight", stratum_weight, -UNLIMITED, UNLIMITED, 1e-3, "SECONDS",
         "distance added for a stratum"),
    /* system clock */
    REAL("clockprecision", clock_precision, -UNLIMITED, UNLIMITED, 0, "SECONDS",
         "precision of the system clock; 0: measured"),
    REAL("corrtimeratio", correction_time_ratio, -UNLIMITED, UNLIMITED, 3, "RATIO",
         "time of a correction in update intervals"),
    SPECIAL("driftfile", take_driftfile, visor_print_driftfile, "FILE [interval SECONDS]",
            "where the rate is kept"),
    SPECIAL("fallbackdrift", take_fallbackdrift, visor_print_fallbackdrift,
            "MIN-INTERVAL MAX-INTERVAL", "long-term rates to fall back to"),
    CHOICE("leapsecmode", leap_mode, "system step slew ignore", VISOR_LEAP_MODE_SYSTEM,
           "how leap seconds are corrected"),
    TEXT("leapsectz", leapsectz, NULL, "ZONE", "time zone with leap seconds"),
    TEXT("leapseclist", leapseclist, NULL, "FILE", "list of leap seconds"),
    SPECIAL("makestep", take_makestep, visor_print_makestep, "THRESHOLD LIMIT",
            "when the clock is stepped"),
    SPECIAL("maxchange", take_maxchange, visor_print_maxchange, "OFFSET START IGNORE",
            "largest change allowed"),
    REAL("maxclockerror", max_clock_error, -UNLIMITED, UNLIMITED, 1, "PPM",
         "error rate assumed of the clock itself"),
    REAL("maxdrift", max_drift, -UNLIMITED, UNLIMITED, 500000, "PPM", "largest drift corrected"),
    REAL("maxupdateskew", max_update_skew, -UNLIMITED, UNLIMITED, 1000, "PPM",
         "largest uncertainty of a rate that is used"),
    REAL("maxslewrate", max_slew_rate, -UNLIMITED, UNLIMITED, 1e6 / 12.0, "PPM",
         "largest rate of slewing"),
    SPECIAL("tempcomp", visor_directive_tempcomp, visor_print_tempcomp,
            "FILE INTERVAL (POINTS-FILE | T0 K0 K1 K2)", "temperature compensation"),
    /* server */
    SPECIAL("allow", visor_directive_allow, visor_print_access, "[all] [SUBNET]",
            "clients that are served"),
    SPECIAL("deny", visor_directive_deny, NULL, "[all] [SUBNET]", "clients that are not served"),
    SPECIAL("bindaddress", visor_directive_bindaddress, visor_print_bindaddress, "ADDRESS",
            "address of the server"),
    TEXT("binddevice", bind_device, NULL, "INTERFACE", "interface of the server"),
    SPECIAL("broadcast", visor_directive_broadcast, visor_print_broadcast,
            "INTERVAL ADDRESS [PORT]", "where to broadcast time"),
    {NUMBER(VISOR_OPTION_SIZE, "clientloglimit", client_log_limit, 0, 9007199254740992.0, 524288,
            "BYTES", "memory for clients' records")},
    {.name = "noclientlog",
     .kind = VISOR_OPTION_CLEAR,
     .offset = AT(client_log),
     .description = "no records of clients"},
    SPECIAL("local", take_local, visor_print_local, "[OPTION]...",
            "serve time even when not synchronised"),
    INT("port", port, 0, 65535, 123, "PORT", "port of the server; 0: no server"),
    SPECIAL("ratelimit", take_ratelimit, visor_print_ratelimit, "[OPTION]...",
            "limit replies a client"),
    SPECIAL("smoothtime", take_smoothtime, visor_print_smoothtime, "MAX-FREQ MAX-WANDER [leaponly]",
            "smooth the time that is served"),
    INT("ptpport", ptp_port, 0, 65535, 0, "PORT", "port of NTP over PTP; 0: off"),
    INT("ptpdomain", ptp_domain, 0, 255, 123, "DOMAIN", "domain of NTP over PTP"),
    /* command and monitoring access */
    SPECIAL("bindcmdaddress", visor_directive_bindcmdaddress, visor_print_bindcmdaddress,
            "ADDRESS | PATH", "where chronyc's commands are taken"),
    TEXT("bindcmddevice", bind_cmd_device, NULL, "INTERFACE", "interface of commands"),
    SPECIAL("cmdallow", visor_directive_cmdallow, visor_print_cmd_access, "[all] [SUBNET]",
            "hosts that may monitor"),
    SPECIAL("cmddeny", visor_directive_cmddeny, NULL, "[all] [SUBNET]",
            "hosts that may not monitor"),
    INT("cmdport", cmd_port, 0, 65535, 323, "PORT", "port of commands; 0: none"),
    SPECIAL("cmdratelimit", take_cmdratelimit, visor_print_cmdratelimit, "[OPTION]...",
            "limit replies to commands"),
    SPECIAL("opencommands", take_opencommands, visor_print_opencommands, "[COMMAND]...",
            "reports open to other hosts"),
    /* real-time clock */
    TEXT("hwclockfile", hwclockfile, "/etc/adjtime", "FILE", "hwclock's file: UTC or local time"),
    REAL("rtcautotrim", rtc_autotrim, -UNLIMITED, UNLIMITED, 0, "SECONDS",
         "error at which the RTC is set"),
    TEXT("rtcdevice", rtcdevice, "/dev/rtc", "DEVICE", "the RTC"),
    TEXT("rtcfile", rtcfile, NULL, "FILE", "where the RTC's rate is kept"),
    FLAG("rtconutc", rtc_on_utc, "the RTC keeps UTC"),
    FLAG("rtcsync", rtcsync, "the kernel copies the time to the RTC"),
    /* logs */
    SPECIAL("log", take_log, visor_print_log, "[NAME]...", "log files to write"),
    INT("logbanner", log_banner, 0, INT_LIMIT, 32, "ENTRIES", "lines between banners; 0: none"),
    REAL("logchange", log_change, -UNLIMITED, UNLIMITED, 1, "SECONDS", "change worth a message"),
    TEXT("logdir", logdir, NULL, "DIRECTORY", "directory of the log files"),
    IGNORED("mailonchange", VISOR_DIAGNOSIS_NOTICE,
            N_("'%w' has no effect: the daemon sends no mail; watch the log for 'logchange'")),
    /* files and the rest */
    SPECIAL("confdir", visor_directive_confdir, NULL, "DIRECTORY...", "read the .conf files there"),
    SPECIAL("sourcedir", visor_directive_sourcedir, visor_print_sourcedirs, "DIRECTORY...",
            "read the .sources files there"),
    SPECIAL("include", visor_directive_include, NULL, "PATTERN", "read more configuration"),
    SPECIAL("hwtimestamp", take_hwtimestamp, visor_print_hwtimestamps, "INTERFACE [OPTION]...",
            "stamps made by hardware"),
    SPECIAL("hwtstimeout", take_hwtstimeout, visor_print_hwtstimeout, "SECONDS",
            "wait for a late transmit stamp"),
    INT("maxtxbuffers", max_tx_buffers, 0, 1048576, 256, "MESSAGES",
        "messages kept for their transmit stamps"),
    TEXT("keyfile", keyfile, NULL, "FILE", "symmetric keys"),
    SPECIAL("pidfile", take_pidfile, visor_print_pidfile, "FILE", "process ID; /: none"),
    TEXT("user", user, NULL, "USER", "user to run as"),
    IGNORED("lock_all", VISOR_DIAGNOSIS_NOTICE,
            N_("'%w' has no effect: stamps are taken by the kernel, not by a daemon in memory")),
    IGNORED("sched_priority", VISOR_DIAGNOSIS_NOTICE,
            N_("'%w' has no effect: stamps are taken by the kernel, whenever the daemon runs")),
    REFUSED("ntpsigndsocket", N_("'%w': signing for Samba's clients is not supported: serve them "
                                 "with chronyd, or use symmetric keys")),
    /* ours */
    SPECIAL("witness", take_witness, visor_print_witness, "[OPTION]...",
            "what is watched for stalls of the machine"),
    CHOICE("stall", stall, "auto step slew", VISOR_STALL_AUTO,
           "how a proven stall of the machine is corrected"),
    SPECIAL("emergency", visor_directive_emergency, visor_print_emergency, "[OPTION]...",
            "what is done by itself when the time is lost"),
    SPECIAL("hook", visor_directive_hook, visor_print_hooks,
            "EVENT... [limit SECONDS] [user USER] (run PROGRAM | shell COMMAND | start UNIT)",
            "what to run when the time is lost, or right again"),
    SPECIAL("hold", visor_directive_hold, visor_print_holds, "CGROUP [limit SECONDS]",
            "a control group that is frozen while the time is wrong"),
    CHOICE("mode", mode, "discipline observe assist", VISOR_MODE_DISCIPLINE,
           "steer the clock, only watch it, or watch it for chronyd"),
    TEXT("chronydsocket", chronyd_socket, VISOR_CONFIG_COMMAND_SOCKET, "FILE",
         "command socket of the chronyd that is assisted"),
    SPECIAL("clocksegment", take_clocksegment, visor_print_clocksegment, "FILE | off",
            "where other programs read the clock"),
    TEXT("clockboundsegment", clockbound_segment, NULL, "FILE",
         "where clients of ClockBound read the clock's bound"),
    TEXT("record", record, NULL, "FILE", "record all events for a replay"),
    SPECIAL("leapsecond", take_leapsecond, visor_print_leapseconds, "UTC-SECONDS TAI-UTC",
            "a leap second, as in a list; for recordings"),
    SPECIAL("tempcomppoint", visor_directive_tempcomppoint, visor_print_tempcomppoints,
            "TEMPERATURE PPM", "a point of tempcomp; for recordings"),
    /* not built yet */
    IGNORED("ntsdumpdir", VISOR_DIAGNOSIS_NOTICE,
            N_("'%w' has no effect: NTS is not built yet, so there are no cookies to keep")),
    IGNORED("ntscachedir", VISOR_DIAGNOSIS_NOTICE,
            N_("'%w' has no effect: NTS is not built yet, so there are no cookies to keep")),
    NTS("maxntsconnections"),
    NTS("nocerttimecheck"),
    NTS("nosystemcert"),
    NTS("ntsaeads"),
    NTS("ntsntpserver"),
    NTS("ntsport"),
    NTS("ntsprocesses"),
    NTS("ntsratelimit"),
    NTS("ntsrefresh"),
    NTS("ntsrotate"),
    NTS("ntsservercert"),
    NTS("ntsserverkey"),
    NTS("ntstrustedcerts"),
    /* of older versions */
    IGNORED("dumponexit", VISOR_DIAGNOSIS_NOTICE,
            N_("'%w' has no effect: 'dumpdir' alone makes dumps at exit")),
    OBSOLETE("commandkey"),
    OBSOLETE("generatecommandkey"),
    OBSOLETE("linux_freq_scale"),
    OBSOLETE("linux_hz"),
};

const struct visor_option_table visor_directives = {NULL, rows, sizeof(rows) / sizeof(rows[0])};
