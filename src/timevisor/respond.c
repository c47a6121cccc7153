/* timevisor respond: walks a person through what can be done about a clock that is not right. Each
 * step is made of the daemon's status alone, told with its reason, asked for, done through the
 * control socket, and looked at afterwards. */
#include "port/text.h"
#include "timevisor/ask.h"
#include "timevisor/cli.h"
#include "timevisor/emergency.h"
#include "timevisor/field.h"
#include "timevisor/machine.h"
#include "timevisor/quantity.h"
#include "timevisor/verdict.h"

#include <math.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define NS         1e-9
#define STEPS_MAX  8
#define WHY_MAX    256
#define WORTH_S    0.01 /* an offset that is worth a step */
#define LOOK_S     0.5
#define PATIENCE_S 10.0 /* for sources to answer after a step */

struct step {
    const char *id; /* of JSON */
    char why[WHY_MAX];
    const char *what;             /* the question; advice, if there is no verb */
    enum visor_control_verb verb; /* 0: advice only */
};

struct plan {
    struct step steps[STEPS_MAX];
    size_t count;
};

struct session {
    struct visor_cli_options options;
    struct visor_verdict verdict;
    struct visor_machine *machine;
    json_t *status;
    uint32_t done; /* bits of verbs - VISOR_CONTROL_ONLINE */
    bool right;
};

static struct step *add(struct plan *plan, const char *id, enum visor_control_verb verb,
                        const char *what)
{
    struct step *step = &plan->steps[plan->count < STEPS_MAX - 1 ? plan->count++ : STEPS_MAX - 1];

    *step = (struct step){.id = id, .verb = verb, .what = what};
    return step;
}

static int count_sources(const json_t *status, bool (*such)(const json_t *source))
{
    const json_t *sources = visor_field(status, "sources");
    int count = 0;

    for (size_t i = 0; i < json_array_size(sources); i++)
        count += such(json_array_get(sources, i));
    return count;
}

static bool is_any(const json_t *source)
{
    (void)source;
    return true;
}

static bool is_offline(const json_t *source)
{
    return strcmp(visor_field_text(source, "kind"), "refclock") != 0 &&
           !visor_field_true(source, "online");
}

static bool is_nameless(const json_t *source)
{
    const char *resolve = visor_field_text(source, "resolve");

    return !strcmp(resolve, "failed") || !strcmp(resolve, "retrying");
}

static bool is_contradicting(const json_t *source)
{
    const char *letter = visor_field_text(source, "state_letter");

    return *letter && strchr("xT", *letter);
}

static bool is_agreeing(const json_t *source)
{
    const char *letter = visor_field_text(source, "state_letter");

    return *letter && strchr("*+-PDU", *letter);
}

static void plan_sources(const json_t *status, struct plan *plan)
{
    int all = count_sources(status, is_any), offline = count_sources(status, is_offline);
    int nameless = count_sources(status, is_nameless);
    int contradicting = count_sources(status, is_contradicting);
    struct step *step;

    if (offline > 0) {
        step = add(plan, "online", VISOR_CONTROL_ONLINE, _("Use the sources that are offline?"));
        snprintf(step->why, WHY_MAX, _("%d of %d sources are offline or kept for emergencies."),
                 offline, all);
    }
    if (nameless > 0) {
        step = add(plan, "refresh", VISOR_CONTROL_REFRESH, _("Look all names up again?"));
        snprintf(step->why, WHY_MAX, _("The names of %d of %d sources have no address."), nameless,
                 all);
    }
    if (all > offline) {
        step = add(plan, "burst", VISOR_CONTROL_BURST, _("Ask all sources now?"));
        snprintf(step->why, WHY_MAX, _("What they answered last may be minutes old."));
    }
    if (contradicting > 0 && count_sources(status, is_agreeing) == 0) {
        step = add(plan, "reset", VISOR_CONTROL_RESET,
                   _("Forget what was measured, and measure anew?"));
        snprintf(step->why, WHY_MAX,
                 _("%d sources contradict each other; what they said before a jump may mislead."),
                 contradicting);
    }
}

/* What is known well and far off can be stepped; it is for a person to say that this may be. */
static void plan_clock(const json_t *status, struct plan *plan)
{
    double offset = visor_field_number(status, "tracking.offset_s");
    double bound = visor_field_number(status, "tracking.estimate_bound_ns") * NS;
    char size[VISOR_QUANTITY_MAX];
    struct step *step;

    if (!isfinite(offset) || fabs(offset) < WORTH_S || !(bound < fabs(offset)) ||
        !visor_field_true(status, "clock_settable"))
        return;
    step = add(plan, "makestep", VISOR_CONTROL_MAKESTEP,
               _("Step the clock now? Programs see time jump."));
    snprintf(step->why, WHY_MAX,
             offset > 0.0 ? _("The clock is %s behind, and is corrected slowly.")
                          : _("The clock is %s ahead, and is corrected slowly."),
             visor_quantity_print(fabs(offset), size));
}

static void plan_advice(const json_t *status, struct plan *plan)
{
    struct step *step;

    if (count_sources(status, is_any) == 0) {
        step = add(plan, "configure", 0,
                   _("Name some in timevisord.conf (server, pool), and restart timevisord."));
        snprintf(step->why, WHY_MAX, "%s", _("No source is configured."));
        return;
    }
    if (count_sources(status, is_agreeing) > 0)
        return;
    step = add(plan, "look", 0,
               _("See \"timevisor sources\" for the cause of each: network, firewall (UDP port "
                 "123), DNS; and whether this machine's host has the right time. With no source "
                 "at all, \"chronyc settime\" takes a time by hand (directive manual)."));
    snprintf(step->why, WHY_MAX, "%s", _("No source can be followed."));
}

static bool is_normal(const json_t *status)
{
    const char *level = visor_field_text(status, "emergency.level");

    return !*level || !strcmp(level, "normal");
}

/* Nothing is to be done about a clock that is right at a normal level. */
static void make_plan(const struct session *session, struct plan *plan)
{
    struct plan all = {.count = 0};

    plan->count = 0;
    if (session->right)
        return;
    plan_sources(session->status, &all);
    plan_clock(session->status, &all);
    plan_advice(session->status, &all);
    for (size_t i = 0; i < all.count; i++)
        if (!all.steps[i].verb ||
            !(session->done & 1u << (all.steps[i].verb - VISOR_CONTROL_ONLINE)))
            plan->steps[plan->count++] = all.steps[i];
}

/* ---- the daemon ---- */

static int look(struct session *session)
{
    json_t *status;
    int exit_status = visor_ask(session->options.socket, VISOR_CONTROL_STATUS, "", false, &status);

    if (exit_status != VISOR_CLI_YES)
        return exit_status;
    json_decref(session->status);
    session->status = status;
    visor_verdict_read(status, visor_machine_facts(session->machine), session->options.limit_s,
                       &session->verdict);
    session->right = session->verdict.right && !visor_field_true(status, "emergency.quarantined");
    return VISOR_CLI_YES;
}

static void rest(double seconds)
{
    struct timespec wait = {.tv_sec = (time_t)seconds,
                            .tv_nsec = (long)((seconds - floor(seconds)) * 1e9)};

    nanosleep(&wait, NULL);
}

static void tell(const struct session *session)
{
    char text[320];

    printf("%s\n", session->verdict.text);
    if (*visor_emergency_print(session->status, text, sizeof(text)))
        printf(_("Emergency level %s.\n"), text);
}

/* Until it is right, or patience is over. */
static int verify(struct session *session)
{
    double patience = session->options.timeout_s > 0.0 ? session->options.timeout_s : PATIENCE_S;

    for (double waited = 0.0;; waited += LOOK_S) {
        int exit_status = look(session);

        if (exit_status != VISOR_CLI_YES || session->right || waited >= patience)
            return exit_status;
        rest(LOOK_S);
    }
}

/* ---- the conversation ---- */

/* False: nobody answers any more, or has had enough. */
static bool wants(const struct session *session, const struct step *step, bool *yes)
{
    char line[64];

    *yes = session->options.yes;
    if (session->options.yes) {
        printf("%s\n", step->what);
        return true;
    }
    printf(_("%s [y/N/q] "), step->what);
    fflush(stdout);
    if (!fgets(line, sizeof(line), stdin)) {
        putchar('\n');
        return false;
    }
    *yes = line[0] == 'y' || line[0] == 'Y' || line[0] == 'j' || line[0] == 'J' ||
           !strncmp(line, "是", strlen("是"));
    return line[0] != 'q' && line[0] != 'Q';
}

static int carry_out(struct session *session, const struct step *step)
{
    json_t *answer = NULL;
    int exit_status = visor_ask(session->options.socket, step->verb, "", false, &answer);

    json_decref(answer);
    if (exit_status == VISOR_CLI_UNREACHABLE)
        return exit_status;
    if (exit_status != VISOR_CLI_YES) {
        printf("%s\n", _("It could not be done; the next step may help."));
        return VISOR_CLI_YES;
    }
    exit_status = verify(session);
    if (exit_status == VISOR_CLI_YES)
        tell(session);
    return exit_status;
}

/* One step after the other; after each the plan is made anew. */
static int walk(struct session *session)
{
    struct plan plan;
    int number = 0, exit_status = VISOR_CLI_YES;

    tell(session);
    for (make_plan(session, &plan); plan.count > 0 && exit_status == VISOR_CLI_YES;
         make_plan(session, &plan)) {
        const struct step *step = &plan.steps[0];
        bool yes;

        printf("\n%d. %s\n", ++number, step->why);
        if (!step->verb) {
            printf("   %s\n", step->what);
            break;
        }
        session->done |= 1u << (step->verb - VISOR_CONTROL_ONLINE);
        if (!wants(session, step, &yes))
            break;
        if (yes)
            exit_status = carry_out(session, step);
    }
    if (exit_status != VISOR_CLI_YES)
        return exit_status;
    if (session->right)
        printf("%s\n", is_normal(session->status)
                           ? _("Nothing is to be done.")
                           : _("The clock is right; the level will be normal in some seconds."));
    return session->right ? VISOR_CLI_YES : VISOR_CLI_NO;
}

/* ---- without a conversation ---- */

static const char *verb_name(enum visor_control_verb verb)
{
    switch (verb) {
    case VISOR_CONTROL_ONLINE:
        return "online";
    case VISOR_CONTROL_BURST:
        return "burst";
    case VISOR_CONTROL_MAKESTEP:
        return "makestep";
    case VISOR_CONTROL_REFRESH:
        return "refresh";
    case VISOR_CONTROL_RESET:
        return "reset";
    default:
        return NULL;
    }
}

static int list(const struct session *session)
{
    json_t *steps = json_array(), *all;
    struct plan plan;

    make_plan(session, &plan);
    for (size_t i = 0; i < plan.count; i++) {
        const struct step *step = &plan.steps[i];

        if (session->options.json)
            json_array_append_new(steps, json_pack("{s:s, s:s, s:s, s:s?}", "id", step->id, "why",
                                                   step->why, "what", step->what, "verb",
                                                   verb_name(step->verb)));
        else
            printf("%zu. %s\n   %s\n", i + 1, step->why, step->what);
    }
    if (session->options.json) {
        all = json_pack("{s:b, s:s, s:s, s:s, s:O}", "right", session->right, "verdict",
                        session->verdict.text, "level",
                        visor_field_text(session->status, "emergency.level"), "cause",
                        visor_field_text(session->status, "emergency.cause"), "steps", steps);
        visor_ask_print(all);
        json_decref(all);
    } else if (plan.count == 0) {
        printf("%s\n", _("Nothing is to be done."));
    }
    json_decref(steps);
    return session->right ? VISOR_CLI_YES : VISOR_CLI_NO;
}

static void print_usage(FILE *out)
{
    fputs(_("Usage: timevisor respond [--list] [--yes] [--limit TIME] [--timeout TIME]\n"
            "                         [--json] [--socket PATH]\n"
            "What can be done about a clock that is not right: step by step, each asked for.\n\n"
            "  --list          tell the steps, and do nothing\n"
            "  --yes           do them all without asking\n"
            "  --limit TIME    greatest error bound that counts as right (1s)\n"
            "  --timeout TIME  wait so long for the sources after a step (10s)\n"
            "  --json          the list, for programs\n"
            "  --socket PATH   the daemon's control socket\n\n"
            "Exit status: 0 right, 1 not right, 3 no daemon answers, 4 refused.\n"),
          out);
}

int visor_cli_respond(int argc, char **argv)
{
    struct session session = {.done = 0};
    int exit_status = visor_cli_options(argc, argv, "list yes limit timeout json socket",
                                        print_usage, &session.options);

    if (exit_status != VISOR_CLI_YES || session.options.done)
        return exit_status;
    session.machine = visor_machine_new();
    exit_status = look(&session);
    if (exit_status == VISOR_CLI_YES)
        exit_status =
            session.options.list || session.options.json ? list(&session) : walk(&session);
    json_decref(session.status);
    visor_machine_free(session.machine);
    return exit_status;
}
