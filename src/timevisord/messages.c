/* One switch a group of messages. What chronyd says too is worded as it words it, since log
 * watchers and chrony's own simulation tests look for it; the rest is ours, and translated. */
#include "timevisord/messages.h"

#include "config/config.h"
#include "engine/assist.h"
#include "engine/disruption.h"
#include "engine/event.h"
#include "port/reason.h"
#include "port/statusjson.h"
#include "port/text.h"
#include "wire/view.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define LABEL_MAX 128

struct sheet {
    char *text;
    size_t size;
};

__attribute__((format(printf, 2, 3))) static void say(struct sheet *sheet, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(sheet->text, sheet->size, format, arguments);
    va_end(arguments);
}

/* The address; else the name of a reference clock, or the number of a source without address. */
static const char *bare(const struct visor_message *m, char *text)
{
    if (m->address.family != VISOR_FAMILY_NONE)
        visor_address_print(&m->address, text, LABEL_MAX);
    else
        snprintf(text, LABEL_MAX, "%s", m->name);
    return text;
}

/* "ADDRESS (NAME)", or one of them where they are the same. */
static const char *label(const struct visor_message *m, char *text)
{
    size_t length;

    bare(m, text);
    if (m->name[0] != '\0' && strcmp(text, m->name) != 0) {
        length = strlen(text);
        snprintf(text + length, LABEL_MAX - length, " (%s)", m->name);
    }
    return text;
}

static void say_selection(struct sheet *s, const struct visor_message *m)
{
    const char *trusted = m->number[0] != 0.0 ? "trusted " : "";
    char who[LABEL_MAX];

    label(m, who);
    switch (m->kind) {
    case VISOR_MESSAGE_SELECTED:
        say(s, "Selected source %s", who);
        break;
    case VISOR_MESSAGE_NO_SOURCES:
        say(s, "Can't synchronise: no sources");
        break;
    case VISOR_MESSAGE_NO_SELECTABLE:
        if (m->count[0] < 0)
            say(s, "Can't synchronise: no selectable sources");
        else
            say(s, "Can't synchronise: no selectable sources (%d unreachable sources)",
                (int)m->count[0]);
        break;
    case VISOR_MESSAGE_NO_MAJORITY:
        if (m->count[0] < 2)
            say(s, "Can't synchronise: no majority (no agreement among %d %ssources)",
                (int)m->count[1], trusted);
        else
            say(s, "Can't synchronise: no majority (only %d of %d %ssources agree)",
                (int)m->count[0], (int)m->count[1], trusted);
        break;
    case VISOR_MESSAGE_NOT_ENOUGH:
        say(s, "Can't synchronise: not enough selectable sources");
        break;
    case VISOR_MESSAGE_NO_REQUIRED:
        say(s, "Can't synchronise: no required source in selectable sources");
        break;
    case VISOR_MESSAGE_FALSETICKER:
        say(s, "Detected falseticker %s", who);
        break;
    case VISOR_MESSAGE_DISTANT:
        say(s, "Root distance of %s exceeds maxdistance of %.3f seconds", who, m->number[0]);
        break;
    case VISOR_MESSAGE_JITTERY:
        say(s, "Jitter of %s exceeds maxjitter of %.3f seconds", who, m->number[0]);
        break;
    case VISOR_MESSAGE_STRATUM_LOW:
        say(s, "Stratum of %s below minstratum of %d", who, (int)m->count[0]);
        break;
    case VISOR_MESSAGE_STRATUM_HIGH:
        say(s, "Stratum of %s above maxstratum of %d", who, (int)m->count[0]);
        break;
    default:
        break;
    }
}

static void say_listed(struct sheet *s, const struct visor_message *m, const char *verb)
{
    char who[LABEL_MAX];

    if (m->count[0] == VISOR_SOURCE_POOL)
        say(s, "%s pool %s", verb, m->name);
    else if (m->address.family == VISOR_FAMILY_NONE)
        say(s, "%s source ID#%010u (%s)", verb, m->source, m->name);
    else
        say(s, "%s source %s", verb, label(m, who));
}

static void say_moved(struct sheet *s, const struct visor_message *m, const char *verb)
{
    char from[LABEL_MAX], to[64];

    say(s, "Source %s %s %s (%s)", bare(m, from), verb,
        visor_address_print(&m->address2, to, sizeof to), m->name);
}

static void say_modified(struct sheet *s, const struct visor_message *m)
{
    static const struct {
        enum visor_command_kind kind;
        const char *option;
        bool integer;
    } options[] = {
        {VISOR_COMMAND_MINPOLL, "minpoll", true},
        {VISOR_COMMAND_MAXPOLL, "maxpoll", true},
        {VISOR_COMMAND_MAXDELAY, "maxdelay", false},
        {VISOR_COMMAND_MAXDELAYRATIO, "maxdelayratio", false},
        {VISOR_COMMAND_MAXDELAYDEVRATIO, "maxdelaydevratio", false},
        {VISOR_COMMAND_MINSTRATUM, "minstratum", true},
        {VISOR_COMMAND_POLLTARGET, "polltarget", true},
        {VISOR_COMMAND_OFFSET, "offset", false},
    };
    char who[LABEL_MAX];

    say(s, "Source %s selection options modified", bare(m, who));
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        if (m->count[0] != options[i].kind)
            continue;
        if (options[i].integer)
            say(s, "Source %s new %s %d", who, options[i].option, (int)m->number[0]);
        else
            say(s, "Source %s new %s %f", who, options[i].option, m->number[0]);
    }
}

static const char *fault_text(int64_t fault)
{
    switch (fault) {
    case VISOR_FAULT_SILENT:
        return _("it has fallen silent");
    case VISOR_FAULT_STEPPED:
        return _("its time has jumped");
    case VISOR_FAULT_FROZEN:
        return _("its time stands still");
    case VISOR_FAULT_ASYMMETRIC:
        return _("the path to it has become asymmetric");
    case VISOR_FAULT_FALSETICKER:
        return _("the others disagree with it");
    case VISOR_FAULT_UNSYNCHRONIZED:
        return _("it says that it is not synchronised");
    default:
        return _("it is not good enough");
    }
}

static void say_kiss(struct sheet *s, const struct visor_message *m)
{
    char code[5], who[LABEL_MAX];

    for (int i = 0; i < 4; i++)
        code[i] = (char)((uint64_t)m->count[0] >> (24 - 8 * i) & 0x7f);
    code[4] = '\0';
    say(s, "Received KoD %s from %s", code, bare(m, who));
}

static void say_source(struct sheet *s, const struct visor_message *m)
{
    char who[LABEL_MAX];

    bare(m, who);
    switch (m->kind) {
    case VISOR_MESSAGE_SOURCE_ONLINE:
        say(s, "Source %s online", who);
        break;
    case VISOR_MESSAGE_SOURCE_OFFLINE:
        say(s, "Source %s offline", who);
        break;
    case VISOR_MESSAGE_SOURCE_REPLACED:
        say_moved(s, m, "replaced with");
        break;
    case VISOR_MESSAGE_SOURCE_CHANGED:
        say_moved(s, m, "changed to");
        break;
    case VISOR_MESSAGE_SOURCE_ADDED:
        say_listed(s, m, "Added");
        break;
    case VISOR_MESSAGE_SOURCE_REMOVED:
        say_listed(s, m, "Removed");
        break;
    case VISOR_MESSAGE_SOURCE_MODIFIED:
        say_modified(s, m);
        break;
    case VISOR_MESSAGE_SOURCE_REFUSED:
        say(s, _("Could not add source %s : %s"), m->name,
            m->count[0] == VISOR_ANSWER_EXISTS
                ? _("another line names it already; remove one of the two")
                : _("there is no room for more sources"));
        break;
    case VISOR_MESSAGE_SOURCES_RESET:
        say(s, "Reset all sources");
        break;
    case VISOR_MESSAGE_SOURCE_LEFT:
        say(s, _("Leaving source %s: %s"), label(m, who), fault_text(m->count[0]));
        break;
    case VISOR_MESSAGE_SOURCE_BACK:
        say(s, _("Source %s has proven itself again"), label(m, who));
        break;
    case VISOR_MESSAGE_KOD:
        say_kiss(s, m);
        break;
    case VISOR_MESSAGE_UNRESOLVED:
        if (m->count[0] == VISOR_RESOLVE_FAILED)
            say(s, "Invalid host %s", m->name);
        else
            say(s, _("Could not resolve %s, trying again"), m->name);
        break;
    case VISOR_MESSAGE_REFCLOCK_FAILED:
        say(s, _("Reference clock %s cannot be read, trying again : %s"), m->name,
            visor_reason_device((int)m->count[0]));
        break;
    case VISOR_MESSAGE_REFCLOCK_BACK:
        say(s, _("Reference clock %s can be read again"), m->name);
        break;
    default:
        break;
    }
}

static const char *kind_of(size_t kind)
{
    static const char *const kinds[VISOR_DISRUPTION_KINDS] = {
        [VISOR_DISRUPTION_UNKNOWN] = N_("The clocks of this machine have jumped"),
        [VISOR_DISRUPTION_PAUSE] = N_("This machine has stood still"),
        [VISOR_DISRUPTION_SUSPEND] = N_("This machine was suspended"),
        [VISOR_DISRUPTION_MIGRATION] = N_("This machine was moved to another host"),
        [VISOR_DISRUPTION_RESTORE] = N_("This machine was restored from a snapshot, or is a clone"),
        [VISOR_DISRUPTION_STARVATION] = N_("This machine was starved of its processor"),
        [VISOR_DISRUPTION_CLOCK_SET] = N_("Somebody else has stepped the clock"),
        [VISOR_DISRUPTION_SERVER] = N_("A source has jumped"),
        [VISOR_DISRUPTION_WITNESS] = N_("A witness was set"),
    };

    return _(kinds[kind < VISOR_DISRUPTION_KINDS ? kind : 0]);
}

static void say_disruption(struct sheet *s, const struct visor_message *m)
{
    const char *what = kind_of((size_t)m->count[0]);

    if (m->number[1] < 0.0)
        say(s, _("%s: asking all sources"), what);
    else
        say(s, _("%s (%+.3f s, +-%.3f s): asking all sources"), what, m->number[0], m->number[1]);
}

#define LIST 200

/* Names of the bits that are set. */
static const char *list(uint64_t bits, const char *(*name)(int), int count, char text[LIST])
{
    size_t used = 0;

    text[0] = '\0';
    for (int i = 0; i < count; i++)
        if (bits & UINT64_C(1) << i && used + 1 < LIST) {
            int length = snprintf(text + used, LIST - used, "%s%s", used ? ", " : "", name(i));

            used += length > 0 ? (size_t)length : 0;
        }
    return text;
}

static const char *kind_name(int kind)
{
    return visor_kind_word((enum visor_disruption_kind)kind);
}

static const char *witness_name(int witness)
{
    return visor_kind_witness((enum visor_witness_kind)witness);
}

static void say_judged(struct sheet *s, const struct visor_message *m)
{
    uint64_t kind = (uint64_t)m->count[0] % 256, possible = (uint64_t)m->count[0] / 256;
    char told[LIST], others[LIST], size[64] = "";

    list((uint64_t)m->count[1], witness_name, VISOR_WITNESS_KINDS, told);
    list(possible, kind_name, VISOR_DISRUPTION_KINDS, others);
    if (m->number[1] >= 0.0)
        snprintf(size, sizeof(size), " (%+.6f s, +-%.6f s)", m->number[0], m->number[1]);
    if (kind != VISOR_DISRUPTION_UNKNOWN)
        say(s, _("%s%s, told by %s"), kind_of(kind), size, told);
    else if (possible)
        say(s, _("A disruption of unknown kind%s, told by %s; it can have been: %s"), size, told,
            others);
    else
        say(s, _("A disruption of none of the known kinds%s, told by %s"), size, told);
}

static void say_resorted(struct sheet *s, const struct visor_message *m)
{
    char told[LIST];

    list((uint64_t)m->count[1], witness_name, VISOR_WITNESS_KINDS, told);
    say(s, _("No source has answered: until one does, the time is %s's, to within %.3f s"), told,
        m->number[1]);
}

static const char *cause_text(int64_t cause)
{
    static const char *const causes[] = {
        [VISOR_CAUSE_ERROR] = N_("the clock may be wrong by too much"),
        [VISOR_CAUSE_LIMIT] = N_("the error bound comes near the limit, or is beyond it"),
        [VISOR_CAUSE_SOURCES] = N_("no source can be followed"),
        [VISOR_CAUSE_STOPPED] = N_("this machine stood still or moved, and no source has answered"),
    };

    return cause > 0 && (size_t)cause < sizeof(causes) / sizeof(causes[0]) ? _(causes[cause]) : "";
}

static void say_level(struct sheet *s, const struct visor_message *m)
{
    static const char *const levels[] = {
        [VISOR_EMERGENCY_YELLOW] = N_("Emergency level yellow: %s"),
        [VISOR_EMERGENCY_ORANGE] = N_("Emergency level orange: %s"),
        [VISOR_EMERGENCY_RED] = N_("Emergency level red: %s (see: timevisor respond)"),
    };

    if (m->count[0] > 0 && (size_t)m->count[0] < sizeof(levels) / sizeof(levels[0]))
        say(s, _(levels[m->count[0]]), cause_text(m->count[1])); /* NOLINT: from the list */
    else
        say(s, _("The emergency is over"));
}

static void say_rescue(struct sheet *s, const struct visor_message *m)
{
    int count = (int)m->count[1];

    switch (m->count[0]) {
    case VISOR_RESCUE_BACKUP:
        say(s, _("Backup sources are used (%d)"), count);
        break;
    case VISOR_RESCUE_ONLINE:
        say(s, _("Sources that were offline are used (%d)"), count);
        break;
    case VISOR_RESCUE_POOL:
        say(s, _("More addresses of pools are used (up to %d)"), count);
        break;
    case VISOR_RESCUE_RESET:
        say(s, _("The clock goes by a witness (%+.6f s) until a source answers"), m->number[0]);
        break;
    case VISOR_RESCUE_QUARANTINE:
        say(s, _("Quarantine: no time is served, and the clock is said to be unsynchronised"));
        break;
    case VISOR_RESCUE_RELEASE:
        say(s, _("The quarantine is over"));
        break;
    case VISOR_RESCUE_RETURN:
        say(s, _("Sources used in the emergency are given back (%d)"), count);
        break;
    case VISOR_RESCUE_RESYNC:
    default:
        say(s, _("All sources are asked at once, all names are looked up again"));
        break;
    }
}

static void say_emergency(struct sheet *s, const struct visor_message *m)
{
    if (m->kind == VISOR_MESSAGE_EMERGENCY)
        say_level(s, m);
    else if (m->kind == VISOR_MESSAGE_RESCUE)
        say_rescue(s, m);
    else if (m->kind == VISOR_MESSAGE_RECOVERED)
        say(s, _("Recovered: the clock is right again, %.3f s after the disruption"), m->number[1]);
}

static void say_leap(struct sheet *s, const struct visor_message *m)
{
    const char *what = m->count[0] == VISOR_LEAP_INSERT   ? "set to insert"
                       : m->count[0] == VISOR_LEAP_DELETE ? "set to delete"
                                                          : "set to not insert/delete";

    say(s, "System clock status %s leap second", what);
}

static void say_leap_done(struct sheet *s, const struct visor_message *m)
{
    switch (m->count[0]) {
    case VISOR_LEAP_MODE_STEP:
        say(s, "System clock was stepped for leap second");
        break;
    case VISOR_LEAP_MODE_SLEW:
        say(s, "Adjusting system clock for leap second");
        break;
    case VISOR_LEAP_MODE_IGNORE:
        say(s, "Ignoring leap second");
        break;
    default:
        say(s, "System clock status reset after leap second");
    }
}

static void say_start(struct sheet *s, const struct visor_message *m)
{
    double offset = m->number[0];

    switch (m->kind) {
    case VISOR_MESSAGE_ONCE:
        say(s, "System clock wrong by %.6f seconds (%s)", offset, m->count[0] ? "step" : "ignored");
        break;
    case VISOR_MESSAGE_ONCE_FAILED:
        say(s, "No suitable source for synchronisation");
        break;
    case VISOR_MESSAGE_INITSTEP_DONE:
        say(s, "System's initial offset : %.6f seconds %s of true (%s)", fabs(offset),
            offset <= 0.0 ? "fast" : "slow", m->count[0] ? "step" : "slew");
        break;
    case VISOR_MESSAGE_INITSTEP_FAILED:
        say(s, "No suitable source for initstepslew");
        break;
    case VISOR_MESSAGE_FREQUENCY_INITIAL:
        say(s, "Frequency %.3f +/- %.3f ppm read from %s", offset, m->number[1], m->name);
        break;
    case VISOR_MESSAGE_CLOCK_NOT_SETTABLE:
        say(s, _("The system clock cannot be set (%s): only observing it"),
            strerror((int)m->count[0]));
        break;
    default:
        break;
    }
}

static void say_clock(struct sheet *s, const struct visor_message *m)
{
    double offset = m->number[0];
    char who[LABEL_MAX];

    switch (m->kind) {
    case VISOR_MESSAGE_WRONG_BY:
        say(s, "System clock wrong by %.6f seconds", offset);
        break;
    case VISOR_MESSAGE_STEPPED:
        say(s, "System clock was stepped by %.6f seconds", offset);
        break;
    case VISOR_MESSAGE_STEP_FAILED:
        say(s, "Could not step system clock");
        break;
    case VISOR_MESSAGE_TOO_LARGE:
    case VISOR_MESSAGE_CHANGE_IGNORED:
        say(s, "Adjustment of %.3f seconds exceeds the allowed maximum of %.3f seconds (%s) ",
            offset, m->number[1], m->kind == VISOR_MESSAGE_TOO_LARGE ? "exiting" : "ignored");
        break;
    case VISOR_MESSAGE_FREQUENCY_LIMITED:
        say(s, "Frequency %.1f ppm exceeds allowed maximum", offset);
        break;
    case VISOR_MESSAGE_FOREIGN_STEP:
        say(s, "%s time jump detected! (%+.6f s, by somebody else)",
            offset < 0.0 ? "Backward" : "Forward", offset);
        break;
    case VISOR_MESSAGE_FOREIGN_FREQUENCY:
        say(s, "System clock interference detected (another NTP client?): %+.3f ppm, not %+.3f ppm",
            offset * 1e-3, m->number[1] * 1e-3);
        break;
    case VISOR_MESSAGE_JUMP_BELIEVED:
        say(s, _("A jump of %+.6f s of the time of %s is taken for true"), offset, label(m, who));
        break;
    case VISOR_MESSAGE_DISRUPTION:
        say_disruption(s, m);
        break;
    case VISOR_MESSAGE_JUDGED:
        say_judged(s, m);
        break;
    case VISOR_MESSAGE_SETTLED:
        say(s, _("The time is measured again: the disruption came to %+.6f s"), offset);
        break;
    case VISOR_MESSAGE_RESORTED:
        say_resorted(s, m);
        break;
    case VISOR_MESSAGE_LEAP:
        say_leap(s, m);
        break;
    case VISOR_MESSAGE_LEAP_DONE:
        say_leap_done(s, m);
        break;
    case VISOR_MESSAGE_TAI_OFFSET:
        say(s, "System clock TAI offset set to %d seconds", (int)m->count[0]);
        break;
    case VISOR_MESSAGE_HOLDOVER:
        say(s, _("No source is left: going on by what was learnt, with a growing error bound"));
        break;
    case VISOR_MESSAGE_SMOOTHING:
        say(s, "%s time smoothing%s", m->count[0] ? "Activated" : "Reset",
            m->count[0] == 2 ? " (leap seconds only)" : "");
        break;
    default:
        break;
    }
}

/* What was typed is said as it was typed: in chronyc's sign. */
static void say_command(struct sheet *s, const struct visor_message *m)
{
    switch (m->kind) {
    case VISOR_MESSAGE_LOCAL:
        say(s, "%s local reference mode", m->count[0] ? "Enabled" : "Disabled");
        break;
    case VISOR_MESSAGE_NEW_MAKESTEP:
        say(s, "New makestep %f %d", m->number[0], (int)m->count[0]);
        break;
    case VISOR_MESSAGE_NEW_MAX_UPDATE_SKEW:
        say(s, "New maxupdateskew %f ppm", m->number[0]);
        break;
    case VISOR_MESSAGE_NEW_RESELECT_DISTANCE:
        say(s, "New reselect distance %f", m->number[0]);
        break;
    case VISOR_MESSAGE_MANUAL:
        if (m->count[0])
            say(s, "Making a frequency change of %.3f ppm and a slew of %.6f", -m->number[1],
                -m->number[0]);
        else
            say(s, "Making a slew of %.6f", -m->number[0]);
        break;
    case VISOR_MESSAGE_DFREQ:
        say(s, "Accumulated delta freq of %.3fppm", -m->number[0]);
        break;
    case VISOR_MESSAGE_DOFFSET:
        say(s, "Accumulated delta offset of %.6f seconds", -m->number[0]);
        break;
    default:
        break;
    }
}

static void say_chronyd(struct sheet *s, const struct visor_message *m)
{
    switch (m->count[0]) {
    case VISOR_ASSIST_READY:
        say(s, _("chronyd answers at %s: it is told of disruptions from now on"), m->name);
        break;
    case VISOR_ASSIST_REFUSED:
        say(s,
            _("chronyd cannot be asked at %s (%s): run timevisord as root, or with -u as the user "
              "that this directory belongs to"),
            m->name, strerror((int)m->count[1]));
        break;
    default:
        say(s,
            _("No chronyd answers at %s (%s): start it, or name its socket by chronydsocket; "
              "until then the clock is only observed"),
            m->name, strerror((int)m->count[1]));
    }
}

static void say_asked(struct sheet *s, const struct visor_message *m)
{
    const char *answer = visor_statusjson_answer((uint16_t)m->count[1]);

    switch (m->count[0]) {
    case VISOR_CMDMON_RESET_SOURCES:
        say(s, _("Asked chronyd to forget what it has measured (reset sources): %s"), answer);
        break;
    case VISOR_CMDMON_ONLINE:
        say(s, _("Asked chronyd to use its sources that are offline (online): %s"), answer);
        break;
    case VISOR_CMDMON_REFRESH:
        say(s, _("Asked chronyd to look up its sources' names again (refresh): %s"), answer);
        break;
    case VISOR_CMDMON_BURST:
        say(s, _("Asked chronyd to measure at once (burst): %s"), answer);
        break;
    case VISOR_CMDMON_DOFFSET2:
        say(s, _("Asked chronyd to correct its clock by %+.6f s (doffset): %s"), m->number[0],
            answer);
        break;
    default:
        say(s, _("Asked chronyd to step its clock there at once (makestep): %s"), answer);
    }
}

static void say_assist(struct sheet *s, const struct visor_message *m)
{
    char who[LABEL_MAX];

    switch (m->kind) {
    case VISOR_MESSAGE_ASSIST_STATE:
        say_chronyd(s, m);
        break;
    case VISOR_MESSAGE_ASSIST_ASKED:
        say_asked(s, m);
        break;
    case VISOR_MESSAGE_ASSIST_LOCKED:
        say(s,
            _("chronyd authenticates %s, which cannot be done here without its key: give "
              "timevisord "
              "a server line of its own"),
            label(m, who));
        break;
    default:
        break;
    }
}

char *visor_messages_print(const struct visor_message *message, char *text, size_t size)
{
    struct sheet sheet = {text, size};

    text[0] = '\0';
    say_selection(&sheet, message); /* each kind is one of these groups' */
    say_source(&sheet, message);
    say_start(&sheet, message);
    say_clock(&sheet, message);
    say_emergency(&sheet, message);
    say_command(&sheet, message);
    say_assist(&sheet, message);
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
    return text;
}
