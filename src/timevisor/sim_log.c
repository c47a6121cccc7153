/* What a host's engine says, and what happens to the world, line by line with true time. These are
 * for the author of a scenario; the daemon's own wording is in its log. */
#include "engine/kind.h"
#include "port/text.h"
#include "timevisor/sim.h"

#include <string.h>

/* %s: the source; %g: number[0]. */
static const struct {
    enum visor_message_kind kind;
    bool named;
    const char *text;
} TEXTS[] = {
    {VISOR_MESSAGE_SELECTED, true, N_("selected %s")},
    {VISOR_MESSAGE_NO_SELECTABLE, false, N_("no selectable source")},
    {VISOR_MESSAGE_NO_MAJORITY, false, N_("no majority")},
    {VISOR_MESSAGE_NOT_ENOUGH, false, N_("not enough selectable sources")},
    {VISOR_MESSAGE_FALSETICKER, true, N_("falseticker %s")},
    {VISOR_MESSAGE_SOURCE_LEFT, true, N_("left source %s")},
    {VISOR_MESSAGE_SOURCE_BACK, true, N_("source %s is back")},
    {VISOR_MESSAGE_SOURCE_REPLACED, true, N_("source replaced by %s")},
    {VISOR_MESSAGE_SOURCE_ONLINE, true, N_("source %s online")},
    {VISOR_MESSAGE_SOURCE_OFFLINE, true, N_("source %s offline")},
    {VISOR_MESSAGE_KOD, true, N_("kiss of death from %s")},
    {VISOR_MESSAGE_WRONG_BY, false, N_("clock wrong by %g s")},
    {VISOR_MESSAGE_STEPPED, false, N_("clock stepped by %g s")},
    {VISOR_MESSAGE_TOO_LARGE, false, N_("change too large, daemon ends: %g s")},
    {VISOR_MESSAGE_CHANGE_IGNORED, false, N_("change ignored: %g s")},
    {VISOR_MESSAGE_FREQUENCY_INITIAL, false, N_("frequency from the drift file: %g ppm")},
    {VISOR_MESSAGE_FOREIGN_STEP, false, N_("somebody else stepped the clock by %g s")},
    {VISOR_MESSAGE_FOREIGN_FREQUENCY, false, N_("somebody else set the frequency: %g ppb")},
    {VISOR_MESSAGE_JUMP_BELIEVED, false, N_("jump believed: %g s")},
    {VISOR_MESSAGE_DISRUPTION, false, N_("this machine has stood still for %g s, says a witness")},
    {VISOR_MESSAGE_SETTLED, false, N_("measured again: it was %g s")},
    {VISOR_MESSAGE_RESORTED, false, N_("the time is a witness's; the estimate moved by %g s")},
    {VISOR_MESSAGE_JUDGED, true, N_("judged: %s")},
    {VISOR_MESSAGE_RECOVERED, false, N_("recovered from %g s")},
    {VISOR_MESSAGE_REFCLOCK_FAILED, true, N_("reference clock failed %s")},
    {VISOR_MESSAGE_REFCLOCK_BACK, true, N_("reference clock works again %s")},
    {VISOR_MESSAGE_HOLDOVER, false, N_("holdover")},
    {VISOR_MESSAGE_UNRESOLVED, true, N_("name not resolved: %s")},
};

/* Both kinds of text go through here, so that each format is checked against one argument. */
static void print_text(const struct visor_message *message, const char *name)
{
    char text[160];

    for (size_t i = 0; i < sizeof(TEXTS) / sizeof(TEXTS[0]); i++) {
        const char *format = _(TEXTS[i].text), *mark;

        if (TEXTS[i].kind != message->kind)
            continue;
        mark = strchr(format, '%');
        if (!mark) {
            printf("%s\n", format);
            return;
        }
        if (TEXTS[i].named)
            snprintf(text, sizeof(text), "%s", name);
        else
            snprintf(text, sizeof(text), "%.6g", message->number[0]);
        printf("%.*s%s%s\n", (int)(mark - format), format, text, mark + 2);
        return;
    }
    printf(_("message %d\n"), (int)message->kind);
}

static const char *source_name(const struct visor_world *world, const struct visor_message *message)
{
    uint32_t target;

    if (message->kind == VISOR_MESSAGE_JUDGED)
        return visor_kind_word((enum visor_disruption_kind)(message->count[0] % 256));
    if (visor_world_target(&message->address, &target) && target < world->scenario->server_count)
        return world->scenario->servers[target].name;
    return message->name;
}

static void print_emergency(const struct visor_message *message)
{
    static const char *const levels[] = {N_("normal"), N_("yellow"), N_("orange"), N_("red")};
    static const char *const rescues[] = {
        [VISOR_RESCUE_BACKUP] = N_("backup sources"), [VISOR_RESCUE_ONLINE] = N_("offline sources"),
        [VISOR_RESCUE_POOL] = N_("more of pools"),    [VISOR_RESCUE_RESYNC] = N_("all are asked"),
        [VISOR_RESCUE_RESET] = N_("by a witness"),    [VISOR_RESCUE_QUARANTINE] = N_("quarantine"),
        [VISOR_RESCUE_RELEASE] = N_("released"),      [VISOR_RESCUE_RETURN] = N_("given back"),
    };
    static const char *const causes[] = {"-", N_("error"), N_("limit"), N_("sources"),
                                         N_("stopped")};

    if (message->kind == VISOR_MESSAGE_RESCUE)
        printf(_("emergency: %s\n"), _(rescues[message->count[0]]));
    else
        printf(_("emergency level %s (%s)\n"), _(levels[message->count[0]]),
               _(causes[message->count[1]]));
}

static void say(void *context, const struct visor_host *host, int64_t at,
                const struct visor_action *action)
{
    const struct visor_world *world = context;

    if (action->kind == VISOR_ACTION_LOG) {
        printf("%14.6f  %-10s  ", visor_seconds_from_ns(at), host->name);
        if (action->message.kind == VISOR_MESSAGE_EMERGENCY ||
            action->message.kind == VISOR_MESSAGE_RESCUE)
            print_emergency(&action->message);
        else
            print_text(&action->message, source_name(world, &action->message));
    } else if (action->kind == VISOR_ACTION_PUBLISH && action->view.trust != host->view.trust) {
        static const char *const trusts[] = {N_("unknown"), N_("synchronized"), N_("holdover"),
                                             N_("disrupted")};

        printf("%14.6f  %-10s  %s\n", visor_seconds_from_ns(at), host->name,
               _(trusts[action->view.trust]));
    }
}

static void tell(void *context, const struct visor_scenario_mishap *mishap, int64_t at)
{
    const struct visor_world *world = context;
    const struct visor_scenario *s = world->scenario;
    const char *name = mishap->target == VISOR_TARGET_HOST && mishap->member > 0
                           ? visor_world_host(world, mishap->index, mishap->member - 1)->name
                       : mishap->target == VISOR_TARGET_HOST   ? s->hosts[mishap->index].name
                       : mishap->target == VISOR_TARGET_DEVICE ? s->devices[mishap->index].name
                       : mishap->target == VISOR_TARGET_SERVER ? s->servers[mishap->index].name
                                                               : s->networks[mishap->index].name;

    printf("%14.6f  %-10s  * %s", visor_seconds_from_ns(at), name,
           visor_scenario_mishap_name(mishap->kind));
    for (int i = 0; i < 3 && mishap->number[i] != 0.0; i++)
        printf(" %g", mishap->number[i]);
    putchar('\n');
}

void visor_sim_log(struct visor_world *world)
{
    world->observer = (struct visor_observer){.context = world, .action = say, .mishap = tell};
}
