/* `at` and `expect`: what happens, and what must be true. */
#include "sim/statement.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define FOR_EVER     1e9 /* s; longer than any run */

/* Arguments in order: t time, f frequency, s share, n number; `?` ends the needed ones, and those
 * behind it are named by `names`. */
struct mishap {
    enum visor_mishap_kind kind;
    const char *arguments;
    const char *names[3];
    double defaults[3];
};

static const struct mishap HOST_MISHAPS[] = {
    {VISOR_MISHAP_PAUSE, "t", {0}, {0}},
    {VISOR_MISHAP_SUSPEND, "t", {0}, {0}},
    {VISOR_MISHAP_STALL, "t", {0}, {0}},
    {VISOR_MISHAP_MIGRATE, "t?tf", {NULL, "jump", "rate"}, {0}},
    {VISOR_MISHAP_RESTORE, "t", {0}, {0}},
    {VISOR_MISHAP_STEAL, "s?tt", {NULL, "for", "burst"}, {0.0, 60.0, 0.05}},
    {VISOR_MISHAP_IO, "t?t", {NULL, "for"}, {0.0, 60.0}},
    {VISOR_MISHAP_RATE, "f", {0}, {0}},
    {VISOR_MISHAP_JUMP, "t", {0}, {0}},
    {VISOR_MISHAP_STEP, "t", {0}, {0}},
    {VISOR_MISHAP_SLEW, "t", {0}, {0}},
    {VISOR_MISHAP_FREQUENCY, "f", {0}, {0}},
    {VISOR_MISHAP_RESTART, "?t", {"after"}, {1.0}},
};

static const struct mishap SERVER_MISHAPS[] = {
    {VISOR_MISHAP_SERVER_STEP, "t", {0}, {0}},  {VISOR_MISHAP_SERVER_FREQUENCY, "f", {0}, {0}},
    {VISOR_MISHAP_SERVER_FREEZE, "", {0}, {0}}, {VISOR_MISHAP_SERVER_DIE, "", {0}, {0}},
    {VISOR_MISHAP_SERVER_RETURN, "", {0}, {0}}, {VISOR_MISHAP_SERVER_UNSYNC, "", {0}, {0}},
    {VISOR_MISHAP_SERVER_REPAIR, "", {0}, {0}},
};

static const struct mishap DEVICE_MISHAPS[] = {
    {VISOR_MISHAP_DEVICE_FAIL, "", {0}, {0}},
    {VISOR_MISHAP_DEVICE_RETURN, "", {0}, {0}},
    {VISOR_MISHAP_DEVICE_STEP, "t", {0}, {0}},
    {VISOR_MISHAP_DEVICE_FREEZE, "", {0}, {0}},
};

static const struct mishap PATH_MISHAPS[] = {
    {VISOR_MISHAP_DELAY, "t", {0}, {0}},       {VISOR_MISHAP_DELAY_UP, "t", {0}, {0}},
    {VISOR_MISHAP_DELAY_DOWN, "t", {0}, {0}},  {VISOR_MISHAP_JITTER, "n", {0}, {0}},
    {VISOR_MISHAP_LOSS, "s", {0}, {0}},        {VISOR_MISHAP_CUT, "", {0}, {0}},
    {VISOR_MISHAP_RESTORE_PATH, "", {0}, {0}},
};

static enum visor_quantity quantity_of(char letter)
{
    return letter == 't'   ? VISOR_QUANTITY_TIME
           : letter == 'f' ? VISOR_QUANTITY_FREQUENCY
           : letter == 's' ? VISOR_QUANTITY_SHARE
                           : VISOR_QUANTITY_NUMBER;
}

static void take_arguments(struct visor_script *script, const struct mishap *mishap,
                           struct visor_scenario_mishap *to)
{
    bool needed = true;
    int index = 0;

    for (const char *letter = mishap->arguments; *letter; letter++) {
        if (*letter == '?') {
            needed = false;
            continue;
        }
        to->number[index] = mishap->defaults[index];
        if (needed || visor_reader_has(&script->place, mishap->names[index]))
            to->number[index] = visor_reader_take(&script->place, quantity_of(*letter));
        index++;
    }
}

/* False: not in this table. */
static bool take_mishap(struct visor_script *script, const struct mishap *table, size_t count,
                        struct visor_scenario_mishap *to)
{
    for (size_t i = 0; i < count; i++) {
        if (!visor_reader_has(&script->place, visor_scenario_mishap_name(table[i].kind)))
            continue;
        to->kind = table[i].kind;
        take_arguments(script, &table[i], to);
        return true;
    }
    return false;
}

static size_t list_names(const struct mishap *table, size_t count, const char **names)
{
    for (size_t i = 0; i < count; i++)
        names[i] = visor_scenario_mishap_name(table[i].kind);
    return count;
}

static void take_what(struct visor_script *script, struct visor_scenario_mishap *to)
{
    static const struct {
        const struct mishap *table;
        size_t count;
    } tables[][2] = {
        [VISOR_TARGET_HOST] = {{HOST_MISHAPS, COUNT(HOST_MISHAPS)}},
        [VISOR_TARGET_SERVER] = {{SERVER_MISHAPS, COUNT(SERVER_MISHAPS)},
                                 {PATH_MISHAPS, COUNT(PATH_MISHAPS)}},
        [VISOR_TARGET_NETWORK] = {{PATH_MISHAPS, COUNT(PATH_MISHAPS)}},
        [VISOR_TARGET_DEVICE] = {{DEVICE_MISHAPS, COUNT(DEVICE_MISHAPS)}},
    };
    const char *names[COUNT(HOST_MISHAPS) + COUNT(SERVER_MISHAPS) + COUNT(PATH_MISHAPS)];
    size_t count = 0;

    for (int i = 0; i < 2; i++) {
        if (take_mishap(script, tables[to->target][i].table, tables[to->target][i].count, to))
            return;
        count +=
            list_names(tables[to->target][i].table, tables[to->target][i].count, names + count);
    }
    visor_script_unknown(script, N_("'%w' cannot happen to it"), names, count);
}

static size_t all_names(const struct visor_scenario *s, const char **names, size_t room)
{
    size_t count = 0;

    for (size_t i = 0; i < s->host_count && count < room; i++)
        names[count++] = s->hosts[i].name;
    for (size_t i = 0; i < s->server_count && count < room; i++)
        names[count++] = s->servers[i].name;
    for (size_t i = 0; i < s->network_count && count < room; i++)
        names[count++] = s->networks[i].name;
    return count;
}

/* "any of" before a group of hosts: a random one each time. */
static void take_target(struct visor_script *script, struct visor_scenario_mishap *to)
{
    const struct visor_scenario *s = script->scenario;
    bool any = visor_reader_has(&script->place, "any") && visor_reader_has(&script->place, "of");
    const char *names[64], *name = visor_reader_word(&script->place);

    to->target = VISOR_TARGET_HOST;
    to->index = visor_script_host(s, name, &to->member);
    if (any && to->member == 0)
        to->member = VISOR_SCENARIO_ANY;
    if (to->index != VISOR_SCENARIO_NONE)
        return;
    to->target = VISOR_TARGET_SERVER;
    to->index = visor_script_server(s, name);
    if (to->index != VISOR_SCENARIO_NONE)
        return;
    to->target = VISOR_TARGET_DEVICE;
    to->index = visor_script_device(s, name);
    if (to->index != VISOR_SCENARIO_NONE)
        return;
    to->target = VISOR_TARGET_NETWORK;
    to->index = visor_script_network(s, name);
    if (to->index == VISOR_SCENARIO_NONE && *name)
        visor_reader_complain(&script->place,
                              N_("no host, server, device or network above is called '%w'"), name,
                              visor_diagnosis_nearest(name, names, all_names(s, names, 64)));
}

static bool sensible(const struct visor_scenario_mishap *mishap)
{
    bool late = mishap->at >= 0.0 && mishap->every >= 0.0 &&
                (mishap->every == 0.0 || mishap->every >= 1e-3);

    switch (mishap->kind) {
    case VISOR_MISHAP_PAUSE:
    case VISOR_MISHAP_SUSPEND:
    case VISOR_MISHAP_STALL:
    case VISOR_MISHAP_RESTORE:
    case VISOR_MISHAP_JUMP:
    case VISOR_MISHAP_RESTART:
    case VISOR_MISHAP_JITTER:
        return late && mishap->number[0] >= 0.0;
    case VISOR_MISHAP_MIGRATE:
        return late && mishap->number[0] >= 0.0 && mishap->number[1] >= -mishap->number[0];
    case VISOR_MISHAP_STEAL:
        return late && mishap->number[0] < 1.0 && mishap->number[1] >= 0.0 &&
               mishap->number[2] >= 0.0;
    case VISOR_MISHAP_IO:
        return late && mishap->number[0] >= 0.0 && mishap->number[1] >= 0.0;
    default:
        return late;
    }
}

void visor_statement_at(struct visor_script *script)
{
    struct visor_scenario_mishap mishap = {.line = script->place.line};

    mishap.at = visor_reader_take(&script->place, VISOR_QUANTITY_TIME);
    mishap.until = FOR_EVER; /* the duration may stand below, or be given by the caller */
    if (visor_reader_has(&script->place, "every"))
        mishap.every = visor_reader_take(&script->place, VISOR_QUANTITY_TIME);
    if (visor_reader_has(&script->place, "until"))
        mishap.until = visor_reader_take(&script->place, VISOR_QUANTITY_TIME);
    if (!script->place.failed)
        take_target(script, &mishap);
    if (!script->place.failed)
        take_what(script, &mishap);
    if (script->place.failed)
        return;
    if (!sensible(&mishap))
        visor_reader_complain(&script->place,
                              N_("a time or share of this event is out of its range"), NULL, NULL);
    else if (!visor_scenario_add_mishap(script->scenario, &mishap))
        visor_reader_complain(&script->place, N_("too many events, or no memory"), NULL, NULL);
}

/* ---- expect ---- */

static const struct expectation {
    const char *name;
    enum visor_expect_kind kind;
    char limit; /* as in a mishap's arguments; 0: none, S: a server */
    bool timed; /* takes from, until, within … after */
} EXPECTATIONS[] = {
    {"error", VISOR_EXPECT_ERROR, 't', true},
    {"ahead", VISOR_EXPECT_AHEAD, 't', true},
    {"behind", VISOR_EXPECT_BEHIND, 't', true},
    {"estimate", VISOR_EXPECT_ESTIMATE, 't', true},
    {"bound", VISOR_EXPECT_BOUND, 't', true},
    {"unsynchronized", VISOR_EXPECT_UNSYNCHRONIZED, 's', true},
    {"selected", VISOR_EXPECT_SELECTED, 'S', true},
    {"rms", VISOR_EXPECT_RMS, 't', false},
    {"max", VISOR_EXPECT_MAX, 't', false},
    {"p99", VISOR_EXPECT_P99, 't', false},
    {"outage", VISOR_EXPECT_OUTAGE, 't', false},
    {"median-bound", VISOR_EXPECT_MEDIAN, 't', false},
    {"sync", VISOR_EXPECT_SYNC, 't', false},
    {"packets", VISOR_EXPECT_PACKETS, 'n', false},
    {"steps", VISOR_EXPECT_STEPS, 'n', false},
    {"selections", VISOR_EXPECT_SELECTIONS, 'n', false},
    {"uncorrected", VISOR_EXPECT_UNCORRECTED, 0, false},
};

static void take_server(struct visor_script *script, struct visor_scenario_expect *expect)
{
    const char *name;

    if (visor_reader_has(&script->place, "not"))
        expect->kind = VISOR_EXPECT_AVOIDED;
    name = visor_reader_word(&script->place);
    expect->server = visor_script_server(script->scenario, name);
    if (expect->server == VISOR_SCENARIO_NONE)
        visor_reader_complain(&script->place, N_("no server above is called '%w'"), name, NULL);
}

static void take_when(struct visor_script *script, struct visor_scenario_expect *expect)
{
    static const char *const words[] = {"from", "until", "within", "after"};
    struct visor_reader_place *place = &script->place;

    while (!place->failed && visor_words_left(&place->words) > 0) {
        if (visor_reader_has(place, "from") || visor_reader_has(place, "after"))
            expect->from += visor_reader_take(place, VISOR_QUANTITY_TIME);
        else if (visor_reader_has(place, "within"))
            expect->from += visor_reader_take(place, VISOR_QUANTITY_TIME);
        else if (visor_reader_has(place, "until"))
            expect->until = visor_reader_take(place, VISOR_QUANTITY_TIME);
        else
            visor_script_unknown(script, N_("'%w' is no time of an expectation"), words, 4);
    }
}

void visor_statement_expect(struct visor_script *script)
{
    struct visor_scenario_expect expect = {.host = VISOR_SCENARIO_NONE, .until = FOR_EVER};
    const struct expectation *found = NULL;
    struct visor_reader_place *place = &script->place;
    const char *names[COUNT(EXPECTATIONS)], *name;
    uint32_t member;

    expect.line = place->line;
    if (!visor_reader_has(place, "all")) {
        name = visor_reader_word(place);
        expect.host = visor_script_host(script->scenario, name, &member);
        if (expect.host == VISOR_SCENARIO_NONE && *name)
            visor_reader_complain(place, N_("no host above is called '%w'"), name, NULL);
    }
    for (size_t i = 0; i < COUNT(EXPECTATIONS) && !found; i++) {
        names[i] = EXPECTATIONS[i].name;
        if (visor_reader_has(place, names[i]))
            found = &EXPECTATIONS[i];
    }
    if (!found) {
        visor_script_unknown(script, N_("'%w' cannot be expected"), names, COUNT(EXPECTATIONS));
        return;
    }
    expect.kind = found->kind;
    if (found->limit == 'S')
        take_server(script, &expect);
    else if (found->limit && !visor_reader_has(place, "<"))
        visor_script_unknown(script, N_("'<' and a limit must stand here, not '%w'"), NULL, 0);
    if (found->limit && found->limit != 'S')
        expect.limit = visor_reader_take(place, quantity_of(found->limit));
    if (found->timed)
        take_when(script, &expect);
    if (!place->failed && !visor_scenario_add_expect(script->scenario, &expect))
        visor_reader_complain(place, N_("too many expectations, or no memory"), NULL, NULL);
}
