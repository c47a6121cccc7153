/* Statements of a scenario file. An indented line belongs to the host above it and is chrony.conf;
 * every other line is one statement. Each kind of statement has one reader here; those of events
 * and expectations are in statement.c. */
#include "sim/script.h"

#include "config/number.h"
#include "config/parse.h"
#include "engine/kind.h"
#include "sim/statement.h"
#include "sim/world.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define DAY_S        86400.0

static const enum visor_witness_kind WATCHABLE[] = {
    VISOR_WITNESS_VMCLOCK, VISOR_WITNESS_VMGENID, VISOR_WITNESS_PHC,
    VISOR_WITNESS_TIMER,   VISOR_WITNESS_STEAL,   VISOR_WITNESS_CANCELLED_TIMER,
    VISOR_WITNESS_BOOTTIME};

/* ---- names ---- */

uint32_t visor_script_server(const struct visor_scenario *s, const char *name)
{
    for (uint32_t i = 0; i < s->server_count; i++)
        if (strcmp(s->servers[i].name, name) == 0)
            return i;
    return VISOR_SCENARIO_NONE;
}

uint32_t visor_script_network(const struct visor_scenario *s, const char *name)
{
    for (uint32_t i = 0; i < s->network_count; i++)
        if (strcmp(s->networks[i].name, name) == 0)
            return i;
    return VISOR_SCENARIO_NONE;
}

uint32_t visor_script_host(const struct visor_scenario *s, const char *name, uint32_t *member)
{
    *member = 0;
    for (uint32_t i = 0; i < s->host_count; i++) {
        size_t length = strlen(s->hosts[i].name);
        int64_t number;

        if (strncmp(s->hosts[i].name, name, length) != 0)
            continue;
        if (name[length] == '\0')
            return i;
        if (name[length] > '0' && name[length] <= '9' &&
            name[length + visor_number_read_whole(name + length, &number)] == '\0' &&
            number <= s->hosts[i].count) {
            *member = (uint32_t)number;
            return i;
        }
    }
    return VISOR_SCENARIO_NONE;
}

uint32_t visor_script_device(const struct visor_scenario *s, const char *name)
{
    for (uint32_t i = 0; i < s->device_count; i++)
        if (strcmp(s->devices[i].name, name) == 0)
            return i;
    return VISOR_SCENARIO_NONE;
}

static bool good_name(const char *name)
{
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "0123456789-_.");

    return length > 0 && length < VISOR_SCENARIO_NAME_MAX - 10 && name[length] == '\0' &&
           strcmp(name, "all") != 0;
}

/* A name for something new; "" (and a complaint) if it is bad or taken. */
static const char *new_name(struct visor_script *script)
{
    const struct visor_scenario *s = script->scenario;
    const char *name = visor_reader_word(&script->place);
    uint32_t member;

    if (!good_name(name)) {
        if (*name)
            visor_reader_complain(&script->place,
                                  N_("'%w' is no good name: letters, digits, '-', '_', '.', at "
                                     "most 21, not 'all'"),
                                  name, NULL);
        return "";
    }
    if (visor_script_server(s, name) == VISOR_SCENARIO_NONE &&
        visor_script_network(s, name) == VISOR_SCENARIO_NONE &&
        visor_script_host(s, name, &member) == VISOR_SCENARIO_NONE)
        return name;
    visor_reader_complain(&script->place, N_("the name '%w' is taken already"), name, NULL);
    return "";
}

void visor_script_unknown(struct visor_script *script, const char *reason, const char *const *words,
                          size_t count)
{
    struct visor_words *line = &script->place.words;
    const char *word = visor_words_left(line) ? visor_words_get(line, line->next) : NULL;

    visor_reader_complain(&script->place, reason, word,
                          word ? visor_diagnosis_nearest(word, words, count) : NULL);
}

/* The options of a statement until the line ends: those of the table, then those of `other`. */
static void read_options(struct visor_script *script, const struct visor_reader_option *options,
                         size_t count, bool (*other)(struct visor_script *),
                         const char *const *words)
{
    const char *names[48];
    size_t known = 0;

    for (size_t i = 0; i < count; i++)
        names[known++] = options[i].name;
    for (; words && *words && known < COUNT(names); words++)
        names[known++] = *words;
    while (!script->place.failed && visor_words_left(&script->place.words) > 0)
        if (!visor_reader_option_take(&script->place, options, count) && !(other && other(script)))
            visor_script_unknown(script, N_("'%w' is no option of this statement"), names, known);
}

static uint32_t take_network(struct visor_script *script)
{
    const char *names[32], *name = visor_reader_word(&script->place);
    uint32_t network = visor_script_network(script->scenario, name);
    size_t count = 0;

    if (network != VISOR_SCENARIO_NONE || !*name)
        return network;
    for (; count < script->scenario->network_count && count < COUNT(names); count++)
        names[count] = script->scenario->networks[count].name;
    visor_reader_complain(&script->place, N_("there is no network '%w' above"), name,
                          visor_diagnosis_nearest(name, names, count));
    return VISOR_SCENARIO_NONE;
}

static void no_room(struct visor_script *script)
{
    visor_reader_complain(&script->place, N_("too many of these, or no memory"), NULL, NULL);
}

/* ---- network ---- */

static void take_jitter(struct visor_script *script, struct visor_jitter *jitter)
{
    const char *names[VISOR_JITTER_KINDS], *word = visor_reader_word(&script->place);
    int kind = 0;

    for (; kind < VISOR_JITTER_KINDS; kind++) {
        names[kind] = visor_jitter_name((enum visor_jitter_kind)kind);
        if (visor_words_same(word, names[kind]))
            break;
    }
    if (kind == VISOR_JITTER_KINDS) {
        visor_reader_complain(&script->place, N_("'%w' is no kind of jitter"), word,
                              visor_diagnosis_nearest(word, names, VISOR_JITTER_KINDS));
        return;
    }
    *jitter = (struct visor_jitter){.kind = (enum visor_jitter_kind)kind};
    if (kind == VISOR_JITTER_GAMMA || kind == VISOR_JITTER_PARETO) {
        jitter->shape = visor_reader_take(&script->place, VISOR_QUANTITY_NUMBER);
        if (jitter->shape < (kind == VISOR_JITTER_GAMMA ? 1.0 : 1.05) || jitter->shape > 1e3)
            visor_reader_complain(&script->place,
                                  N_("the shape must be at least 1 (gamma) or 1.05 (pareto)"), NULL,
                                  NULL);
    }
    if (kind != VISOR_JITTER_NONE)
        jitter->mean = visor_reader_take(&script->place, VISOR_QUANTITY_TIME);
    if (jitter->mean < 0.0)
        visor_reader_complain(&script->place, N_("jitter cannot be negative"), NULL, NULL);
}

static bool network_option(struct visor_script *script)
{
    struct visor_reader_place *place = &script->place;
    struct visor_network_model *m = script->network;

    if (visor_reader_has(place, "like")) {
        uint32_t other = take_network(script);

        if (other != VISOR_SCENARIO_NONE)
            *m = script->scenario->networks[other].model;
    } else if (visor_reader_has(place, "jitter")) {
        take_jitter(script, &m->jitter[VISOR_UP]);
        m->jitter[VISOR_DOWN] = m->jitter[VISOR_UP];
    } else if (visor_reader_has(place, "jitter-up")) {
        take_jitter(script, &m->jitter[VISOR_UP]);
    } else if (visor_reader_has(place, "jitter-down")) {
        take_jitter(script, &m->jitter[VISOR_DOWN]);
    } else if (visor_reader_has(place, "congestion")) {
        m->congestion_every = visor_reader_take(place, VISOR_QUANTITY_TIME);
        m->congestion_lasts = visor_reader_take(place, VISOR_QUANTITY_TIME);
        m->congestion_factor = visor_reader_take(place, VISOR_QUANTITY_NUMBER);
        if (m->congestion_every < 1.0 || m->congestion_lasts < 1e-3 || m->congestion_factor < 0.0)
            visor_reader_complain(place, N_("congestion: EVERY at least 1s, LASTS 1ms, FACTOR 0"),
                                  NULL, NULL);
    } else {
        return false;
    }
    return true;
}

static void read_network(struct visor_script *script)
{
    static const char *const others[] = {"like",        "jitter",     "jitter-up",
                                         "jitter-down", "congestion", NULL};
    const char *name = new_name(script);
    struct visor_scenario_network *network =
        *name ? visor_scenario_add_network(script->scenario, name) : NULL;
    struct visor_network_model *m = network ? &network->model : NULL;

    if (!m) {
        no_room(script);
        return;
    }
    script->network = m;
    read_options(script,
                 (struct visor_reader_option[]){
                     {"delay", VISOR_QUANTITY_TIME, &m->delay[VISOR_UP], &m->delay[VISOR_DOWN]},
                     {"delay-up", VISOR_QUANTITY_TIME, &m->delay[VISOR_UP], NULL},
                     {"delay-down", VISOR_QUANTITY_TIME, &m->delay[VISOR_DOWN], NULL},
                     {"loss", VISOR_QUANTITY_SHARE, &m->loss[VISOR_UP], &m->loss[VISOR_DOWN]},
                     {"loss-up", VISOR_QUANTITY_SHARE, &m->loss[VISOR_UP], NULL},
                     {"loss-down", VISOR_QUANTITY_SHARE, &m->loss[VISOR_DOWN], NULL},
                     {"reorder", VISOR_QUANTITY_SHARE, &m->reorder, NULL},
                     {"congestion-loss", VISOR_QUANTITY_SHARE, &m->congestion_loss, NULL},
                 },
                 8, network_option, others);
    if (m->delay[VISOR_UP] < 0.0 || m->delay[VISOR_DOWN] < 0.0)
        visor_reader_complain(&script->place, N_("a delay cannot be negative"), NULL, NULL);
}

/* ---- server ---- */

static bool server_option(struct visor_script *script)
{
    struct visor_reader_place *place = &script->place;
    struct visor_server_model *m = script->server;

    if (visor_reader_has(place, "network")) {
        uint32_t network = take_network(script);

        script->scenario->servers[script->scenario->server_count - 1].network = network;
    } else if (visor_reader_has(place, "stratum")) {
        m->stratum =
            (uint8_t)visor_reader_take_within(&script->place, VISOR_QUANTITY_COUNT, 0.0, 16.0);
    } else if (visor_reader_has(place, "precision")) {
        m->precision =
            (int)visor_reader_take_within(&script->place, VISOR_QUANTITY_NUMBER, -31.0, 7.0);
    } else if (visor_reader_has(place, "liar")) {
        m->liar = true;
    } else {
        return false;
    }
    return true;
}

static void read_server(struct visor_script *script)
{
    static const char *const others[] = {"network", "stratum", "precision", "liar", NULL};
    const char *name = new_name(script);
    struct visor_scenario_server *server =
        *name ? visor_scenario_add_server(script->scenario, name,
                                          script->scenario->network_count ? 0 : VISOR_SCENARIO_NONE)
              : NULL;
    struct visor_server_model *m = server ? &server->model : NULL;

    if (!m) {
        no_room(script);
        return;
    }
    script->server = m;
    read_options(script,
                 (struct visor_reader_option[]){
                     {"offset", VISOR_QUANTITY_TIME, &m->offset, NULL},
                     {"falseticker", VISOR_QUANTITY_TIME, &m->offset, NULL},
                     {"error", VISOR_QUANTITY_TIME, &m->error, NULL},
                     {"dispersion", VISOR_QUANTITY_TIME, &m->dispersion, NULL},
                     {"root-delay", VISOR_QUANTITY_TIME, &m->root_delay, NULL},
                     {"processing", VISOR_QUANTITY_TIME, &m->processing, NULL},
                 },
                 6, server_option, others);
    if (server->network == VISOR_SCENARIO_NONE)
        visor_reader_complain(&script->place, N_("a server needs a network, defined above it"),
                              NULL, NULL);
    if (m->error < 0.0 || m->dispersion < 0.0 || m->root_delay < 0.0 || m->processing < 0.0)
        visor_reader_complain(&script->place, N_("only an offset can be negative"), NULL, NULL);
}

/* ---- host ---- */

static void take_oscillator(struct visor_script *script)
{
    const char *names[VISOR_OSCILLATOR_KINDS], *word = visor_reader_word(&script->place);

    for (int kind = 0; kind < VISOR_OSCILLATOR_KINDS; kind++) {
        names[kind] = visor_oscillator_name((enum visor_oscillator_kind)kind);
        if (!visor_words_same(word, names[kind]))
            continue;
        script->host->kind = (enum visor_oscillator_kind)kind;
        visor_oscillator_model_init(&script->host->oscillator, script->host->kind);
        return;
    }
    visor_reader_complain(&script->place, N_("'%w' is no kind of oscillator"), word,
                          visor_diagnosis_nearest(word, names, VISOR_OSCILLATOR_KINDS));
}

static void take_stamps(struct visor_script *script)
{
    static const char *const names[] = {"kernel", "daemon", "hardware"};

    for (int i = 0; i < 3; i++)
        if (visor_reader_has(&script->place, names[i])) {
            script->host->stamping = (enum visor_stamping)i;
            return;
        }
    visor_script_unknown(script, N_("'%w' are no stamps"), names, 3);
}

/* follows HOST every T, sntp NAME every T: no chrony.conf then. */
static void take_legacy(struct visor_script *script, enum visor_legacy_kind kind)
{
    const struct visor_scenario *s = script->scenario;
    struct visor_scenario_legacy *legacy = &script->host->legacy;
    const char *name = visor_reader_word(&script->place);
    uint32_t member, group = visor_script_host(s, name, &member), first = 0;

    legacy->kind = kind;
    legacy->target = kind == VISOR_LEGACY_SNTP ? visor_script_server(s, name) : VISOR_SCENARIO_NONE;
    if (group != VISOR_SCENARIO_NONE && &s->hosts[group] != script->host) {
        for (uint32_t i = 0; i < group; i++)
            first += s->hosts[i].count;
        legacy->target = VISOR_TARGET_IS_HOST | (first + (member ? member - 1 : 0));
    }
    if (legacy->target == VISOR_SCENARIO_NONE && *name)
        visor_reader_complain(&script->place, N_("nothing to get the time from is called '%w'"),
                              name, NULL);
    if (!visor_reader_has(&script->place, "every"))
        visor_script_unknown(script, N_("'every' and a time must stand here, not '%w'"), NULL, 0);
    legacy->every = visor_reader_take(&script->place, VISOR_QUANTITY_TIME);
    legacy->threshold = kind == VISOR_LEGACY_SNTP ? 0.128 : 0.0;
    if (visor_reader_has(&script->place, "step-above"))
        legacy->threshold = visor_reader_take(&script->place, VISOR_QUANTITY_TIME);
    if (legacy->every < 0.1 || legacy->threshold < 0.0)
        visor_reader_complain(&script->place, N_("'every' is at least 100ms"), NULL, NULL);
}

/* rtc [derived] [noise T] [off T] [drift F] [copied [whole]]: these words belong to it, as long as
 * they last. */
static void take_rtc(struct visor_script *script)
{
    struct visor_reader_place *place = &script->place;
    struct visor_scenario_rtc *rtc = &script->host->rtc;

    *rtc = (struct visor_scenario_rtc){.exists = true, .noise = 2e-4};
    for (;;) {
        if (visor_reader_has(place, "derived"))
            rtc->derived = true;
        else if (visor_reader_has(place, "noise"))
            rtc->noise = visor_reader_take(place, VISOR_QUANTITY_TIME);
        else if (visor_reader_has(place, "off"))
            rtc->offset = visor_reader_take(place, VISOR_QUANTITY_TIME);
        else if (visor_reader_has(place, "drift"))
            rtc->frequency = visor_reader_take(place, VISOR_QUANTITY_FREQUENCY);
        else if (visor_reader_has(place, "copied"))
            rtc->copied =
                visor_reader_has(place, "whole") ? VISOR_COPIED_WHOLE : VISOR_COPIED_EXACTLY;
        else
            break;
    }
    if (rtc->noise < 0.0)
        visor_reader_complain(place, N_("noise cannot be negative"), NULL, NULL);
}

/* What it watches besides: the names are those of evidence in JSON. A PHC may have noise. */
static bool take_watch(struct visor_script *script)
{
    struct visor_scenario_host *host = script->host;

    for (size_t i = 0; i < COUNT(WATCHABLE); i++) {
        if (!visor_reader_has(&script->place, visor_kind_witness(WATCHABLE[i])))
            continue;
        host->watches |= 1u << WATCHABLE[i];
        if (WATCHABLE[i] == VISOR_WITNESS_PHC && visor_reader_has(&script->place, "noise"))
            host->phc_noise = visor_reader_take(&script->place, VISOR_QUANTITY_TIME);
        return true;
    }
    return false;
}

static bool host_option(struct visor_script *script)
{
    struct visor_reader_place *place = &script->place;
    struct visor_scenario_host *host = script->host;

    if (visor_reader_has(place, "oscillator")) {
        take_oscillator(script);
    } else if (visor_reader_has(place, "frequency")) {
        host->oscillator.frequency = visor_reader_take(place, VISOR_QUANTITY_FREQUENCY);
        host->frequency_given = true;
    } else if (visor_reader_has(place, "ageing")) {
        host->oscillator.ageing = visor_reader_take(place, VISOR_QUANTITY_FREQUENCY) / DAY_S;
    } else if (visor_reader_has(place, "offset")) {
        host->offset_given = !visor_reader_has(place, "within");
        host->offset = visor_reader_take(place, VISOR_QUANTITY_TIME);
    } else if (visor_reader_has(place, "count")) {
        host->count = (uint32_t)visor_reader_take_within(&script->place, VISOR_QUANTITY_COUNT, 1.0,
                                                         VISOR_SCENARIO_HOSTS_MAX);
    } else if (visor_reader_has(place, "network")) {
        host->network = take_network(script);
    } else if (visor_reader_has(place, "follows")) {
        take_legacy(script, VISOR_LEGACY_FOLLOWS);
    } else if (visor_reader_has(place, "sntp")) {
        take_legacy(script, VISOR_LEGACY_SNTP);
    } else if (visor_reader_has(place, "drift-known")) {
        host->drift_known = true;
    } else if (visor_reader_has(place, "stamps")) {
        take_stamps(script);
    } else if (visor_reader_has(place, "rtc")) {
        take_rtc(script);
    } else if (visor_reader_has(place, "load")) {
        host->oscillator.load = visor_reader_take(place, VISOR_QUANTITY_NUMBER);
        host->oscillator.load_period = visor_reader_take(place, VISOR_QUANTITY_TIME);
    } else {
        return take_watch(script);
    }
    return true;
}

static void read_host(struct visor_script *script)
{
    static const char *const others[] = {"oscillator", "frequency",       "ageing",      "offset",
                                         "count",      "network",         "drift-known", "stamps",
                                         "load",       "follows",         "sntp",        "rtc",
                                         "vmclock",    "vmgenid",         "phc",         "timer",
                                         "steal",      "cancelled-timer", "boottime",    NULL};
    const char *name = new_name(script);
    struct visor_scenario_host *host =
        *name ? visor_scenario_add_host(script->scenario, name, VISOR_OSCILLATOR_QUARTZ) : NULL;
    struct visor_oscillator_model *m = host ? &host->oscillator : NULL;

    if (!m) {
        no_room(script);
        return;
    }
    script->host = host;
    script->host_line = script->place.line;
    read_options(script,
                 (struct visor_reader_option[]){
                     {"start", VISOR_QUANTITY_TIME, &host->start, NULL},
                     {"wander", VISOR_QUANTITY_FREQUENCY, &m->wander, NULL},
                     {"white", VISOR_QUANTITY_FREQUENCY, &m->white, NULL},
                     {"temperature", VISOR_QUANTITY_FREQUENCY, &m->temperature, NULL},
                     {"daily", VISOR_QUANTITY_NUMBER, &m->daily, NULL},
                     {"lag", VISOR_QUANTITY_TIME, &m->lag, NULL},
                 },
                 6, host_option, others);
    if (host->start < 0.0 || m->load_period < 0.0 || m->lag < 0.0)
        visor_reader_complain(&script->place, N_("start, load and lag cannot be negative"), NULL,
                              NULL);
}

static uint32_t take_host(struct visor_script *script)
{
    const char *name = visor_reader_word(&script->place);
    uint32_t member, host = visor_script_host(script->scenario, name, &member);

    if (host == VISOR_SCENARIO_NONE && *name)
        visor_reader_complain(&script->place, N_("there is no host '%w' above"), name, NULL);
    return host;
}

static bool device_option(struct visor_script *script)
{
    if (!visor_reader_has(&script->place, "follows"))
        return false;
    script->scenario->devices[script->scenario->device_count - 1].follows = take_host(script);
    return true;
}

/* device NAME HOST …; the name is that of a refclock directive's parameter. */
static void read_device(struct visor_script *script)
{
    static const char *const others[] = {"follows", NULL};
    const char *name = visor_reader_word(&script->place);
    uint32_t host = script->place.failed ? VISOR_SCENARIO_NONE : take_host(script);
    struct visor_scenario_device *device;

    if (host == VISOR_SCENARIO_NONE)
        return;
    if (strlen(name) >= sizeof(device->name)) {
        visor_reader_complain(&script->place, N_("the name '%w' is too long"), name, NULL);
        return;
    }
    device = visor_scenario_add_device(script->scenario, name, host);
    if (!device) {
        no_room(script);
        return;
    }
    read_options(script,
                 (struct visor_reader_option[]){
                     {"noise", VISOR_QUANTITY_TIME, &device->noise, NULL},
                     {"offset", VISOR_QUANTITY_TIME, &device->offset, NULL},
                     {"reading", VISOR_QUANTITY_TIME, &device->reading, NULL},
                 },
                 3, device_option, others);
    if (device->noise < 0.0 || device->reading < 0.0)
        visor_reader_complain(&script->place, N_("only an offset can be negative"), NULL, NULL);
}

/* ---- the world as a whole ---- */

static void read_title(struct visor_script *script)
{
    const char *word;
    char *to = script->scenario->title;
    size_t left = VISOR_SCENARIO_TITLE_MAX - 1;

    *to = '\0';
    while ((word = visor_words_take(&script->place.words))) {
        size_t length = strlen(word);

        if (length + 1 > left)
            continue;
        if (to > script->scenario->title) {
            *to++ = ' ';
            left--;
        }
        memcpy(to, word, length + 1);
        to += length;
        left -= length;
    }
}

static void read_duration(struct visor_script *script)
{
    script->scenario->duration = visor_reader_take(&script->place, VISOR_QUANTITY_TIME);
    if (script->scenario->duration <= 0.0 || script->scenario->duration > 3e8)
        visor_reader_complain(&script->place, N_("the duration must lie between 0 and 3472 days"),
                              NULL, NULL);
}

static void read_seed(struct visor_script *script)
{
    script->scenario->seed = (uint64_t)visor_reader_take(&script->place, VISOR_QUANTITY_COUNT);
}

static void read_repeat(struct visor_script *script)
{
    script->scenario->repeat =
        (uint32_t)visor_reader_take_within(&script->place, VISOR_QUANTITY_COUNT, 1.0, 1e6);
}

static void read_begin(struct visor_script *script)
{
    visor_reader_take_date(&script->place, &script->scenario->start_s);
}

static void read_statistics(struct visor_script *script)
{
    struct visor_score_limits *limits = &script->scenario->limits;

    read_options(script,
                 (struct visor_reader_option[]){
                     {"from", VISOR_QUANTITY_TIME, &limits->from, NULL},
                     {"error", VISOR_QUANTITY_TIME, &limits->error, NULL},
                     {"frequency", VISOR_QUANTITY_FREQUENCY, &limits->frequency, NULL},
                 },
                 3, NULL, NULL);
}

static void read_report(struct visor_script *script)
{
    static const char *const names[] = {"recovery"};

    if (visor_reader_has(&script->place, names[0]))
        script->scenario->report_recovery = true;
    else
        visor_script_unknown(script, N_("'%w' is no report"), names, 1);
}

/* ---- lines ---- */

static const struct statement {
    const char *name;
    void (*read)(struct visor_script *script);
} STATEMENTS[] = {
    {"title", read_title},
    {"duration", read_duration},
    {"seed", read_seed},
    {"repeat", read_repeat},
    {"begin", read_begin},
    {"statistics", read_statistics},
    {"report", read_report},
    {"network", read_network},
    {"server", read_server},
    {"host", read_host},
    {"device", read_device},
    {"at", visor_statement_at},
    {"expect", visor_statement_expect},
};

/* Lines of the block are counted from the end of the host's line. */
static void parse_block(struct visor_script *script, struct visor_config **config)
{
    struct visor_diagnoses *diagnoses = script->place.diagnoses;
    size_t before = diagnoses->count;

    visor_config_parse_text(script->place.file, script->block, script->block_size, NULL, config,
                            diagnoses);
    for (size_t i = before; i < diagnoses->count; i++)
        if (diagnoses->items[i].line > 0)
            diagnoses->items[i].line += script->host_line - 1;
}

/* The chrony.conf of a host, of the lines below it; complaints are about the host's own line. */
static struct visor_config *make_config(struct visor_script *script,
                                        const struct visor_scenario_host *host)
{
    struct visor_reader_place *place = &script->place;
    bool legacy = host->legacy.kind != VISOR_LEGACY_NONE;
    struct visor_config *config = NULL;

    if (legacy && script->block_size > 0)
        visor_reader_complain(place,
                              N_("host '%w' follows or asks by sntp, and cannot have "
                                 "chrony.conf lines too"),
                              host->name, NULL);
    else if (legacy)
        config = visor_config_new();
    else if (script->block_size == 0)
        visor_reader_complain(place, N_("host '%w' has no indented chrony.conf lines below it"),
                              host->name, NULL);
    else
        parse_block(script, &config);
    return config;
}

/* The lines of the host above are complete. */
static void finish_host(struct visor_script *script)
{
    struct visor_scenario_host *host = script->host;
    uint32_t line = script->place.line;
    struct visor_config *config;

    script->host = NULL;
    if (!host)
        return;
    script->place.line = script->host_line;
    script->place.failed = false;
    config = make_config(script, host);
    script->place.line = line;
    script->place.failed = false;
    if (config &&
        !visor_scenario_own_config(script->scenario, config, script->block, script->block_size)) {
        visor_config_free(config);
        config = NULL;
    }
    if (!config && script->place.diagnoses->errors == 0)
        no_room(script);
    host->config = config;
    script->block_size = 0;
}

static void read_statement(struct visor_script *script)
{
    const char *names[COUNT(STATEMENTS)];
    const char *left;

    for (size_t i = 0; i < COUNT(STATEMENTS); i++) {
        names[i] = STATEMENTS[i].name;
        if (!visor_reader_has(&script->place, names[i]))
            continue;
        STATEMENTS[i].read(script);
        left = visor_words_take(&script->place.words);
        if (left)
            visor_reader_complain(&script->place, N_("'%w' is too much on this line"), left, NULL);
        return;
    }
    visor_script_unknown(script, N_("'%w' is no statement"), names, COUNT(STATEMENTS));
}

static void read_line(struct visor_script *script, const char *line, size_t size)
{
    bool indented = size > 0 && (line[0] == ' ' || line[0] == '\t');

    script->place.failed = false;
    if (!visor_words_split(&script->place.words, line, size)) {
        visor_reader_complain(&script->place, N_("the line is too long or holds a zero byte"), NULL,
                              NULL);
        return;
    }
    if (script->place.words.count == 0)
        return;
    if (!indented) {
        finish_host(script);
        read_statement(script);
        script->block = line + size;
        script->block_size = 0;
    } else if (script->host) {
        script->block_size = (size_t)(line + size - script->block);
    } else {
        visor_script_unknown(script, N_("'%w' is indented, but there is no host above it"), NULL,
                             0);
    }
}

/* What is expected of a time that never comes would come true whatever happens. */
static void check_expectations(struct visor_script *script)
{
    const struct visor_scenario *s = script->scenario;

    for (size_t i = 0; i < s->expect_count; i++) {
        script->place.line = s->expects[i].line;
        script->place.failed = false;
        if (s->expects[i].from > s->duration || s->expects[i].from > s->expects[i].until)
            visor_reader_complain(
                &script->place,
                N_("this expectation has no time: it begins after its own end, or "
                   "after the end of the run"),
                NULL, NULL);
    }
}

bool visor_script_read(struct visor_scenario *scenario, const char *file, const char *text,
                       size_t size, struct visor_diagnoses *diagnoses)
{
    struct visor_script *script = calloc(1, sizeof(*script));
    size_t errors = diagnoses->errors;

    if (!script)
        return false;
    script->scenario = scenario;
    script->place.file = file;
    script->place.diagnoses = diagnoses;
    for (size_t at = 0; at < size;) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t length = end ? (size_t)(end - text) - at : size - at;

        script->place.line++;
        read_line(script, text + at, length);
        at += length + 1;
    }
    finish_host(script);
    check_expectations(script);
    if (scenario->host_count == 0 && diagnoses->errors == errors) {
        script->place.line = 0;
        script->place.failed = false;
        visor_reader_complain(&script->place, N_("there is no host in this scenario"), NULL, NULL);
    }
    free(script);
    return diagnoses->errors == errors;
}
