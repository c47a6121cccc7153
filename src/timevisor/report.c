/* Which fields are shown, in which order, with which words. */
#include "timevisor/report.h"

#include "port/text.h"
#include "timevisor/emergency.h"
#include "timevisor/field.h"
#include "timevisor/quantity.h"
#include "timevisor/screen.h"
#include "timevisor/why.h"

#include <math.h>
#include <string.h>
#include <time.h>

#define NS   1e-9
#define TEXT 384

static void add_pair(struct visor_table *table, const char *name, const char *value)
{
    if (!*value)
        return;
    visor_table_add(table, VISOR_DIM, name);
    visor_table_add(table, VISOR_PLAIN, value);
}

char *visor_report_utc(const json_t *ns, char text[48])
{
    json_int_t value = json_integer_value(ns);
    time_t seconds = (time_t)(value / 1000000000);
    struct tm parts;
    size_t length;

    *text = 0;
    if (!json_is_integer(ns) || value < 0 || !gmtime_r(&seconds, &parts))
        return text;
    length = strftime(text, 48, "%Y-%m-%d %H:%M:%S", &parts);
    snprintf(text + length, 48 - length, ".%03d UTC", (int)(value / 1000000 % 1000));
    return text;
}

static void add_source(struct visor_table *table, const json_t *status)
{
    char text[TEXT];
    const char *name = visor_field_text(status, "tracking.name");
    const char *address = visor_field_text(status, "tracking.address");

    if (!*name)
        return;
    snprintf(text, sizeof(text), _("%s%s%s%s, stratum %.0f"), name,
             *address && strcmp(name, address) != 0 ? " (" : "",
             strcmp(name, address) != 0 ? address : "",
             *address && strcmp(name, address) != 0 ? ")" : "",
             visor_field_number(status, "tracking.stratum") - 1.0);
    add_pair(table, _("Source"), text);
}

static void add_clock(struct visor_table *table, const json_t *status)
{
    double offset = visor_field_number(status, "tracking.offset_s");
    double bound = visor_field_number(status, "tracking.estimate_bound_ns") * NS;
    char text[TEXT], size[VISOR_QUANTITY_MAX], limit[VISOR_QUANTITY_MAX];

    if (isfinite(bound)) {
        snprintf(text, sizeof(text),
                 offset >= 0.0 ? _("%s behind the estimate, which is right to "
                                   "within ±%s")
                               : _("%s ahead of the estimate, which is right to "
                                   "within ±%s"),
                 visor_quantity_print(fabs(offset), size), visor_quantity_print(bound, limit));
        add_pair(table, _("Offset"), text);
    }
    if (isfinite(visor_field_number(status, "tracking.frequency_ppm"))) {
        snprintf(text, sizeof(text), _("%+.3f ppm, ±%.3f; last seen %+.3f ppm in the kernel"),
                 visor_field_number(status, "tracking.frequency_ppm"),
                 visor_field_number(status, "tracking.skew_ppm"),
                 visor_field_number(status, "tracking.kernel_frequency_ppb") * 1e-3);
        add_pair(table, _("Frequency"), text);
    }
}

/* The kernel's own words tell of no pause: it stood still, too. */
static bool sees_pauses(const char *kind, const char *class)
{
    static const char *const own[] = {"boottime", "timer",           "steal",
                                      "tsc",      "cancelled-timer", "clocksource"};

    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        if (strcmp(kind, own[i]) == 0)
            return false;
    return strcmp(class, "derived") != 0 && strcmp(class, "nonsense") != 0;
}

/* What chronyd was asked for, from the newest disruption on, in the order of the questions: "reset
 * sources: OK, burst: OK, doffset +60.000 s: OK, makestep: OK (12 s ago)". */
static void print_asked(const json_t *asked, char *text, size_t size)
{
    size_t count = json_array_size(asked), first = 0, used = 0;
    char age[VISOR_QUANTITY_MAX], offset[VISOR_QUANTITY_MAX];

    while (first + 1 < count &&
           strcmp(visor_field_text(json_array_get(asked, first), "what"), "reset sources") != 0)
        first++;
    for (size_t i = first + 1; count && i-- > 0 && used + 1 < size;) {
        const json_t *deed = json_array_get(asked, i);
        const char *answer = visor_field_text(deed, "answer");
        double moved = visor_field_number(deed, "offset_s");

        used += (size_t)snprintf(text + used, size - used, "%s%s%s%s: %s", used ? ", " : "",
                                 visor_field_text(deed, "what"), isfinite(moved) ? " " : "",
                                 isfinite(moved) ? visor_quantity_print_signed(moved, offset) : "",
                                 *answer ? answer : "…");
    }
    if (count && used + 1 < size) {
        visor_quantity_print_age(visor_field_number(json_array_get(asked, 0), "age_s"), age);
        snprintf(text + used, size - used, " (");
        used += strlen(text + used);
        snprintf(text + used, size - used, _("%s ago"), age);
        used += strlen(text + used);
        if (used + 1 < size)
            snprintf(text + used, size - used, ")");
    }
}

/* What would notice a stall, and what it has been proven to be. */
static void add_witnesses(struct visor_table *table, const json_t *witnesses)
{
    char text[TEXT] = "";
    size_t used = 0;

    for (size_t i = 0; i < json_array_size(witnesses) && used + 1 < sizeof(text); i++) {
        const json_t *witness = json_array_get(witnesses, i);
        const char *kind = visor_field_text(witness, "kind");
        const char *class = visor_field_text(witness, "class");

        if (sees_pauses(kind, class))
            used += (size_t)snprintf(text + used, sizeof(text) - used,
                                     *class ? "%s%s (%s)" : "%s%s", used ? ", " : "", kind, class);
    }
    add_pair(table, _("Witnesses"),
             *text ? text : _("none: a pause is noticed when a source is asked next"));
}

/* Of what can happen to this machine, in the daemon's order. */
static const char *happening(const char *event)
{
    static const char *const names[][2] = {
        {"long-pause", N_("a pause of 1 s or more")},
        {"pause", N_("a shorter pause")},
        {"migration", N_("a migration")},
        {"restore", N_("a restore or clone")},
        {"suspend", N_("a suspend")},
        {"starvation", N_("starvation")},
        {"step", N_("a step by others")},
        {"clocksource", N_("another clocksource")},
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(event, names[i][0]) == 0)
            return _(names[i][1]);
    return event;
}

/* What would be noticed, how soon and by whom; and what by nobody. */
static void add_detection(struct visor_table *table, const json_t *detection)
{
    const json_t *events = visor_field(detection, "events");
    char noticed[TEXT] = "", unseen[TEXT] = "", age[VISOR_QUANTITY_MAX];
    size_t used = 0, missed = 0;

    for (size_t i = 0; i < json_array_size(events) && used < TEXT && missed < TEXT; i++) {
        const json_t *event = json_array_get(events, i);
        double within = visor_field_number(event, "within_s");
        const char *name = happening(visor_field_text(event, "event"));

        if (!isfinite(within))
            missed +=
                (size_t)snprintf(unseen + missed, TEXT - missed, "%s%s", missed ? ", " : "", name);
        else if (within == 0.0)
            used += (size_t)snprintf(noticed + used, TEXT - used, _("%s%s at once"),
                                     used ? ", " : "", name);
        else
            used += (size_t)snprintf(noticed + used, TEXT - used, _("%s%s within %s"),
                                     used ? ", " : "", name, visor_quantity_print(within, age));
    }
    if (used)
        add_pair(table, _("Noticed"), noticed);
    if (missed)
        add_pair(table, _("Unnoticed"), unseen);
}

/* Why the CPU's counter is trusted, or not. */
static void add_tsc(struct visor_table *table, const json_t *tsc)
{
    static const char *const verdicts[][2] = {
        {"trustworthy", N_("can be trusted")},
        {"untried", N_("not compared for long enough")},
        {"rejected", N_("not trusted by the kernel")},
        {"inconstant", N_("its rate may change, or it may stop")},
        {"jumped", N_("has jumped against the kernel's clock")},
    };
    double hz = visor_field_number(tsc, "frequency_hz");
    const char *verdict = visor_field_text(tsc, "verdict");
    char text[TEXT];

    for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
        if (strcmp(verdict, verdicts[i][0]) != 0)
            continue;
        if (isfinite(hz))
            snprintf(text, sizeof(text), _("%.6f MHz, ±%.3g ppm: %s; the kernel counts by %s"),
                     hz * 1e-6, visor_field_number(tsc, "error_hz") / hz * 1e6, _(verdicts[i][1]),
                     visor_field_text(tsc, "clocksource"));
        else
            snprintf(text, sizeof(text), _("%s; the kernel counts by %s"), _(verdicts[i][1]),
                     visor_field_text(tsc, "clocksource"));
        add_pair(table, "TSC", text);
    }
}

/* A device that this machine has and that does not tell anything. */
static void add_broken(struct visor_table *table, const json_t *devices)
{
    static const char *const states[][2] = {
        {"unreadable", N_("%s cannot be read")},
        {"undriven", N_("%s has no driver in this kernel")},
        {"polled", N_("%s is read: somebody else holds the device, or it tells no edges")},
        {"stuck", N_("%s is being written without end")},
        {"invalid", N_("%s tells what cannot be")},
    };
    char text[TEXT];

    for (size_t i = 0; i < json_array_size(devices); i++) {
        const json_t *device = json_array_get(devices, i);
        const char *name = visor_field_text(device, "device");

        name = *name ? name : visor_field_text(device, "witness");
        for (size_t k = 0; k < sizeof(states) / sizeof(states[0]); k++)
            if (strcmp(visor_field_text(device, "state"), states[k][0]) == 0) {
                snprintf(text, sizeof(text), _(states[k][1]), name);
                add_pair(table, _("Device"), text);
            }
    }
}

static void add_events(struct visor_table *table, const json_t *status)
{
    double epoch = visor_field_number(status, "tracking.epoch");
    double foreign = visor_field_number(status, "tracking.foreign_changes");
    const char *leap = visor_field_text(status, "tracking.leap");
    char text[TEXT], size[VISOR_QUANTITY_MAX];

    add_witnesses(table, visor_field(status, "witnesses"));
    if (*visor_emergency_print(status, text, sizeof(text)))
        add_pair(table, _("Emergency"), text);
    add_detection(table, visor_field(status, "detection"));
    add_broken(table, visor_field(status, "detection.devices"));
    add_tsc(table, visor_field(status, "detection.tsc"));
    if (isfinite(epoch) && epoch > 0.0) {
        snprintf(text, sizeof(text), _("%.0f jumps of this machine against UTC"), epoch);
        add_pair(table, _("Disruptions"), text);
    }
    if (isfinite(foreign) && foreign > 0.0 &&
        strcmp(visor_field_text(status, "mode"), "assist") != 0) {
        snprintf(text, sizeof(text), _("someone else changed the clock %.0f times, last by %s"),
                 foreign,
                 visor_quantity_print_signed(visor_field_number(status, "tracking.last_foreign_s"),
                                             size));
        add_pair(table, _("Interference"), text);
    }
    if (!strcmp(leap, "insert"))
        add_pair(table, _("Leap second"), _("one is inserted at the end of the day"));
    else if (!strcmp(leap, "delete"))
        add_pair(table, _("Leap second"), _("one is left out at the end of the day"));
}

/* The chronyd that is assisted, and the last things that it was asked for. */
static void add_chronyd(struct visor_table *table, const json_t *status)
{
    const char *state = visor_field_text(status, "assist.state");
    const char *socket = visor_field_text(status, "assist.socket");
    double error = visor_field_number(status, "assist.errno");
    char text[TEXT];

    if (strcmp(visor_field_text(status, "mode"), "assist") != 0)
        return;
    if (!strcmp(state, "ready"))
        snprintf(text, sizeof(text),
                 json_is_true(visor_field(status, "assist.synchronized"))
                     ? _("answers at %s, and calls itself synchronized")
                     : _("answers at %s, and calls itself not synchronized"),
                 socket);
    else if (!strcmp(state, "refused"))
        snprintf(text, sizeof(text),
                 _("cannot be asked at %s (%s): run timevisord as root, or as the user that this "
                   "directory belongs to"),
                 socket, strerror((int)error));
    else
        snprintf(text, sizeof(text), _("does not answer at %s (%s)"), socket,
                 isfinite(error) ? strerror((int)error) : _("not asked yet"));
    add_pair(table, "chronyd", text);
    text[0] = '\0';
    print_asked(visor_field(status, "assist.asked"), text, sizeof(text));
    if (*text)
        add_pair(table, _("Asked it"), text);
}

static void add_daemon(struct visor_table *table, const json_t *status)
{
    const char *mode = visor_field_text(status, "mode");
    const char *helper = visor_field_text(status, "daemon.helper");
    char text[TEXT], age[VISOR_QUANTITY_MAX];

    if (!*visor_field_text(status, "daemon.version"))
        return;
    snprintf(text, sizeof(text),
             !strcmp(mode, "observe")
                 ? _("%s, observes the clock and leaves it alone, for %s; helper: %s")
             : !strcmp(mode, "assist")
                 ? _("%s, leaves the clock to chronyd and assists it, for %s; helper: %s")
             : !json_is_true(json_object_get(status, "clock_settable"))
                 ? _("%s, has no right to set the clock and only observes it, for %s; helper: %s")
                 : _("%s, keeps the clock, for %s; helper: %s"),
             visor_field_text(status, "daemon.version"),
             visor_quantity_print_age(visor_field_number(status, "daemon.uptime_s"), age),
             !strcmp(helper, "process") ? _("a process of its own") : _("in-process"));
    add_pair(table, "timevisord", text);
}

static void print_verdict(const struct visor_verdict *verdict, FILE *out, bool colored, int width)
{
    const char *color = visor_table_color(verdict->right ? VISOR_GOOD : VISOR_BAD, colored);
    const char *text = verdict->text;

    do {
        size_t length = width > 0 ? visor_screen_fold(text, width) : strlen(text);

        fprintf(out, "%s%.*s%s\n", color, (int)length, text,
                visor_table_color(VISOR_PLAIN, colored));
        text += length;
        text += strspn(text, " ");
    } while (*text);
}

void visor_report_status(const json_t *status, const struct visor_verdict *verdict, FILE *out,
                         bool colored, int width)
{
    struct visor_table *table = visor_table_new("ll");
    char text[TEXT], age[VISOR_QUANTITY_MAX];
    double verified = visor_verdict_verified_age(status);

    print_verdict(verdict, out, colored, width);
    if (!table)
        return;
    visor_table_widen(table, 0, VISOR_REPORT_LABEL);
    visor_table_fold(table, width);
    for (int i = 0; i < 2; i++)
        visor_table_add(table, VISOR_PLAIN, "");
    if (isfinite(verified)) {
        add_pair(table, _("Estimate"), visor_report_utc(visor_field(status, "utc_ns"), text));
        add_source(table, status);
        add_clock(table, status);
    }
    if (isfinite(verified)) {
        snprintf(text, sizeof(text), _("%s ago"), visor_quantity_print_age(verified, age));
        add_pair(table, _("Verified"), text);
    }
    add_events(table, status);
    add_chronyd(table, status);
    add_daemon(table, status);
    visor_table_print(table, out, colored);
    visor_table_free(table);
}

static void add_quantity(struct visor_table *table, double seconds, const char *sign)
{
    char text[VISOR_QUANTITY_MAX], signed_text[VISOR_QUANTITY_MAX + 4];

    if (!isfinite(seconds)) {
        visor_table_add(table, VISOR_PLAIN, "");
        return;
    }
    if (*sign == '+')
        visor_quantity_print_signed(seconds, text);
    else if (*sign == 'a')
        visor_quantity_print_age(seconds, text);
    else
        visor_quantity_print(seconds, text);
    snprintf(signed_text, sizeof(signed_text), "%s%s", *sign == '+' || *sign == 'a' ? "" : sign,
             text);
    visor_table_add(table, VISOR_PLAIN, signed_text);
}

static void add_row(struct visor_table *table, const json_t *source,
                    const struct visor_facts *facts)
{
    char mark[2] = "", number[16];
    struct visor_why why;
    bool sampled = visor_field(source, "last_sample_age_s") != NULL;
    const char *name = visor_field_text(source, "name");
    const char *address = visor_field_text(source, "address");
    double poll = visor_field_number(source, "poll"), reach = visor_field_number(source, "reach");

    visor_why_read(source, facts, &why);
    mark[0] = why.mark;
    visor_table_add(table,
                    why.mood > 0   ? VISOR_GOOD
                    : why.mood < 0 ? VISOR_BAD
                                   : VISOR_PLAIN,
                    mark);
    visor_table_add(table, VISOR_BOLD, name);
    visor_table_add(table, VISOR_PLAIN, strcmp(name, address) != 0 ? address : "");
    snprintf(number, sizeof(number), "%.0f", visor_field_number(source, "stratum"));
    visor_table_add(table, VISOR_PLAIN, sampled ? number : "");
    add_quantity(table, *address || sampled ? exp2(poll) : (double)INFINITY, "a");
    snprintf(number, sizeof(number), "%o", isfinite(reach) ? (unsigned)reach & 255 : 0);
    visor_table_add(table, VISOR_PLAIN, number);
    add_quantity(table,
                 sampled ? visor_field_number(source, "last_sample_age_s") : (double)INFINITY, "a");
    add_quantity(table, sampled ? visor_field_number(source, "last_offset_s") : (double)INFINITY,
                 "+");
    add_quantity(table, visor_field_number(source, "bound_ns") * NS, "±");
    visor_table_add(table, why.mood < 0 ? VISOR_WARN : VISOR_DIM, why.text);
}

void visor_report_sources(const json_t *status, const struct visor_facts *facts, FILE *out,
                          bool colored, int width)
{
    const char *const headings[] = {"",         _("SOURCE"),        _("ADDRESS"), _("STRATUM"),
                                    _("POLL"),  _("REACH"),         _("LAST"),    _("OFFSET"),
                                    _("BOUND"), _("HOW IT IS USED")};
    struct visor_table *table = visor_table_new("lllrrrrrrl");
    const json_t *sources = visor_field(status, "sources");
    size_t i;

    if (!table)
        return;
    if (!json_array_size(sources)) {
        fprintf(out, "%s\n", _("There are no sources."));
        visor_table_free(table);
        return;
    }
    visor_table_fold(table, width);
    for (i = 0; i < sizeof(headings) / sizeof(headings[0]); i++)
        visor_table_add(table, VISOR_DIM, headings[i]);
    for (i = 0; i < json_array_size(sources); i++)
        add_row(table, json_array_get(sources, i), facts);
    visor_table_print(table, out, colored);
    visor_table_free(table);
}

/* ---- events ---- */

static const char *kind_of(const char *kind)
{
    static const char *const names[][2] = {
        {"unknown", N_("unknown")},
        {"pause", N_("stood still")},
        {"suspend", N_("was suspended")},
        {"migration", N_("moved to another host")},
        {"restore", N_("was restored or cloned")},
        {"starvation", N_("was starved")},
        {"clock-set", N_("its clock was set by others")},
        {"server", N_("a source jumped")},
        {"witness", N_("a witness was set")},
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (!strcmp(kind, names[i][0]))
            return _(names[i][1]);
    return kind;
}

static size_t append(char text[TEXT], size_t used, const char *before, const char *word)
{
    int length = snprintf(text + used, TEXT - used, "%s%s", before, word);

    used += length > 0 ? (size_t)length : 0;
    return used < TEXT ? used : TEXT - 1;
}

/* What it was; or, if that is not known, what it can have been. */
static void add_kind(struct visor_table *table, const json_t *event)
{
    const char *kind = visor_field_text(event, "kind");
    const json_t *possible = visor_field(event, "possible");
    char text[TEXT] = "";
    size_t used = append(text, 0, "", kind_of(kind));

    for (size_t i = 0; !strcmp(kind, "unknown") && i < json_array_size(possible); i++)
        used = append(text, used, i ? " / " : ": ",
                      kind_of(json_string_value(json_array_get(possible, i))));
    visor_table_add(table, VISOR_PLAIN, text);
}

static void add_evidence(struct visor_table *table, const json_t *event)
{
    const json_t *evidence = visor_field(event, "evidence"), *silent = visor_field(event, "silent");
    char text[TEXT] = "";
    size_t used = 0;

    for (size_t i = 0; i < json_array_size(evidence); i++)
        used = append(text, used, i ? ", " : "", json_string_value(json_array_get(evidence, i)));
    for (size_t i = 0; i < json_array_size(silent); i++) {
        used = append(text, used, i ? ", " : "; ", i ? "" : _("not by "));
        used = append(text, used, "", json_string_value(json_array_get(silent, i)));
    }
    visor_table_add(table, VISOR_PLAIN, text);
}

/* Those after which the time had to be measured anew. */
static bool stopped_us(const char *kind)
{
    return strcmp(kind, "starvation") != 0 && strcmp(kind, "clock-set") != 0 &&
           strcmp(kind, "server") != 0;
}

static void add_event(struct visor_table *table, const json_t *event)
{
    char text[TEXT];
    double size = visor_field_number(event, "size_s"), after, at;
    time_t seconds;
    struct tm tm;

    at = visor_field_number(event, "utc_ns") * NS;
    seconds = (time_t)at;
    text[0] = '\0';
    if (isfinite(at) && gmtime_r(&seconds, &tm))
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
    visor_table_add(table, VISOR_PLAIN, text);
    add_kind(table, event);
    visor_table_add(table, VISOR_PLAIN,
                    isfinite(size) ? visor_quantity_print_signed(size, text) : "");
    visor_table_add(
        table, VISOR_PLAIN,
        isfinite(size) ? visor_quantity_print(visor_field_number(event, "error_s"), text) : "");
    add_evidence(table, event);
    after = visor_field_number(event, "settled_after_s");
    visor_table_add(table, isfinite(after) ? VISOR_GOOD : VISOR_BAD,
                    isfinite(after) ? visor_quantity_print(after, text)
                    : stopped_us(visor_field_text(event, "kind")) ? _("not yet")
                                                                  : "");
}

void visor_report_events(const json_t *status, FILE *out, bool colored)
{
    const char *const headings[] = {_("NOTICED"), _("THIS MACHINE"), _("BY"),
                                    _("+-"),      _("TOLD BY"),      _("MEASURED AFTER")};
    struct visor_table *table = visor_table_new("llrrlr");
    const json_t *events = visor_field(status, "disruptions");
    char text[TEXT] = "";

    if (!table)
        return;
    if (!json_array_size(events)) {
        fprintf(out, "%s\n", _("No disruption of this machine was noticed."));
        visor_table_free(table);
        visor_emergency_report(status, out, colored);
        return;
    }
    for (size_t i = 0; i < sizeof(headings) / sizeof(headings[0]); i++)
        visor_table_add(table, VISOR_DIM, headings[i]);
    for (size_t i = 0; i < json_array_size(events); i++)
        add_event(table, json_array_get(events, i));
    visor_table_print(table, out, colored);
    visor_table_free(table);
    print_asked(visor_field(status, "assist.asked"), text, sizeof(text));
    if (*text)
        fprintf(out, "\n%s: %s\n", _("Asked chronyd"), text);
    visor_emergency_report(status, out, colored);
}
