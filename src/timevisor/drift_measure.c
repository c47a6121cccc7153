/* Three ways to read another machine's clock: by NTP, by its own `date` at the end of an ssh
 * session, and here. Every difference is against this machine's CLOCK_REALTIME, and carries what
 * the way there and back could hide. */
#include "port/clock.h"
#include "port/facts.h"
#include "port/ntpquery.h"
#include "port/text.h"
#include "timevisor/ask.h"
#include "timevisor/cli.h"
#include "timevisor/drift.h"
#include "timevisor/field.h"
#include "timevisor/jobs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS       5
#define REMOTE_CLOCK "while read x; do date '+%s%N %z'; done"
#define UNKNOWN      ((struct visor_drift_interval){0, VISOR_NS_MAX})

static bool known(const struct visor_drift_interval *interval)
{
    return interval->uncertainty_ns != VISOR_NS_MAX;
}

bool visor_drift_add(struct visor_drift_clock *clocks, int *count, int room,
                     enum visor_drift_via via, const char *name)
{
    size_t size = strlen(name);

    if (*count >= room || !size || size >= VISOR_DRIFT_NAME || *name == '-')
        return false;
    clocks[*count] = (struct visor_drift_clock){.via = via};
    memcpy(clocks[*count].name, name, size + 1);
    ++*count;
    return true;
}

/* ---- what follows ---- */

static int64_t low_of(const struct visor_drift_clock *clock)
{
    return visor_ns_diff(clock->clock.offset_ns, clock->clock.uncertainty_ns);
}

static int64_t high_of(const struct visor_drift_clock *clock)
{
    return visor_ns_add(clock->clock.offset_ns, clock->clock.uncertainty_ns);
}

int visor_drift_agree(const struct visor_drift_clock *clocks, int count,
                      struct visor_drift_interval *agreed)
{
    int answered = 0, best = 0;

    *agreed = UNKNOWN;
    for (int i = 0; i < count; i++) {
        int64_t low = low_of(&clocks[i]), high = high_of(&clocks[i]);
        int within = 0;

        if (!known(&clocks[i].clock))
            continue;
        answered++;
        for (int j = 0; j < count; j++)
            if (known(&clocks[j].clock) && low_of(&clocks[j]) <= low &&
                high_of(&clocks[j]) >= low) {
                within++;
                high = high_of(&clocks[j]) < high ? high_of(&clocks[j]) : high;
            }
        if (within > best) {
            best = within;
            agreed->uncertainty_ns = visor_ns_diff(high, low) / 2 + 1;
            agreed->offset_ns = low + (agreed->uncertainty_ns - 1);
        }
    }
    if (2 * best <= answered)
        *agreed = UNKNOWN;
    return best;
}

enum visor_drift_level visor_drift_judge(const struct visor_drift_interval *error, double warn_s,
                                         double limit_s)
{
    double size = visor_seconds_from_ns(error->offset_ns), doubt;

    if (!known(error))
        return VISOR_DRIFT_UNKNOWN;
    doubt = visor_seconds_from_ns(error->uncertainty_ns);
    if (size < 0)
        size = -size;
    if (size - doubt > limit_s)
        return VISOR_DRIFT_RED;
    if (size + doubt <= warn_s)
        return VISOR_DRIFT_FINE;
    return size + doubt <= limit_s || size - doubt > warn_s ? VISOR_DRIFT_YELLOW
                                                            : VISOR_DRIFT_UNKNOWN;
}

static void conclude(const struct visor_drift_plan *plan, struct visor_drift_clock *machine)
{
    machine->error = UNKNOWN;
    if (known(&machine->clock) && known(&plan->reference)) {
        machine->error.offset_ns =
            visor_ns_diff(plan->reference.offset_ns, machine->clock.offset_ns);
        machine->error.uncertainty_ns =
            visor_ns_add(plan->reference.uncertainty_ns, machine->clock.uncertainty_ns);
    }
    machine->level = visor_drift_judge(&machine->error, plan->warn_s, plan->limit_s);
    if (*machine->why || machine->level != VISOR_DRIFT_UNKNOWN)
        return;
    snprintf(machine->why, sizeof(machine->why), "%s",
             known(&machine->error) ? _("measured too vaguely for these limits")
                                    : _("there is no reference to compare it with"));
}

/* ---- by NTP ---- */

static void explain(const struct visor_ntpquery *query, char *why, size_t size)
{
    char code[5] = "";

    for (int i = 0; i < 4; i++) {
        char letter = (char)(query->header.refid >> (24 - 8 * i));

        code[i] = letter >= ' ' && letter <= '~' ? letter : '.';
    }
    switch (query->result) {
    case VISOR_NTPQUERY_OK:
        *why = 0;
        break;
    case VISOR_NTPQUERY_PENDING:
    case VISOR_NTPQUERY_DNS_SILENT:
        snprintf(why, size, "%s", _("no name server answers: see /etc/resolv.conf"));
        break;
    case VISOR_NTPQUERY_NO_SUCH_NAME:
        snprintf(why, size, "%s", _("there is no machine of this name"));
        break;
    case VISOR_NTPQUERY_FAILED:
        snprintf(why, size, _("cannot be asked: %s"), strerror(query->error));
        break;
    case VISOR_NTPQUERY_SILENT:
        snprintf(why, size, "%s",
                 _("no reply from its UDP port 123: does it serve NTP to us, and "
                   "do the firewalls let it through?"));
        break;
    case VISOR_NTPQUERY_KISSED:
        snprintf(why, size, _("it refuses to tell the time (%s)"), code);
        break;
    case VISOR_NTPQUERY_UNSYNCHRONIZED:
        snprintf(why, size, "%s", _("it says that its own clock is not synchronized"));
        break;
    }
}

/* A reference must claim to be right; a machine is asked what it believes. */
static void take_answer(const struct visor_ntpquery *query, bool reference,
                        struct visor_drift_clock *clock)
{
    explain(query, clock->why, sizeof(clock->why));
    if (!query->received || query->result == VISOR_NTPQUERY_KISSED)
        return;
    if (query->result == VISOR_NTPQUERY_UNSYNCHRONIZED && reference)
        return;
    *clock->why = 0;
    clock->clock.offset_ns = query->offset_ns;
    /* What it says of its distance to UTC doubts a reference; the clock of a machine is what it is.
     */
    clock->clock.uncertainty_ns = reference ? query->uncertainty_ns : query->delay_ns / 2;
}

static int ask_by_ntp(struct visor_drift_plan *plan)
{
    struct visor_ntpquery queries[VISOR_DRIFT_MACHINES + VISOR_DRIFT_REFERENCES];
    struct visor_drift_clock *clocks[VISOR_DRIFT_MACHINES + VISOR_DRIFT_REFERENCES];
    int count = 0, error = 0;

    for (int i = 0; i < plan->reference_count; i++)
        clocks[count++] = &plan->references[i];
    for (int i = 0; i < plan->machine_count; i++)
        if (plan->machines[i].via == VISOR_DRIFT_NTP)
            clocks[count++] = &plan->machines[i];
    for (int i = 0; i < count; i++) {
        queries[i] = (struct visor_ntpquery){.port = 0};
        memcpy(queries[i].name, clocks[i]->name, sizeof(queries[i].name));
    }
    if (count)
        error = visor_ntpquery_run(queries, count, ROUNDS, (int)(plan->timeout_s * 1000));
    for (int i = 0; i < count && !error; i++)
        take_answer(&queries[i], i < plan->reference_count, clocks[i]);
    return error;
}

/* ---- by ssh ---- */

/* "+0800" and nothing else: what a stranger's machine says is printed. */
static bool is_zone(const char *text)
{
    return (*text == '+' || *text == '-') && strspn(text + 1, "0123456789") == 4 &&
           strcspn(text + 5, "\r\n") == 0;
}

bool visor_drift_zones_differ(const struct visor_drift_plan *plan)
{
    const char *first = NULL;

    for (int i = 0; i < plan->machine_count; i++) {
        const char *zone = plan->machines[i].zone;

        if (first && *zone && strcmp(first, zone) != 0)
            return true;
        if (*zone)
            first = zone;
    }
    return false;
}

bool visor_drift_read_date(const char *line, int64_t *wall_ns, int64_t *half_step_ns,
                           char zone[VISOR_DRIFT_ZONE])
{
    size_t digits = strspn(line, "0123456789");
    const char *rest = line + digits;
    char *end;
    int64_t value;

    if (*rest == 'N') /* a `date` without nanoseconds */
        rest++;
    *zone = 0;
    if (*rest == ' ' && is_zone(rest + 1))
        snprintf(zone, VISOR_DRIFT_ZONE, "%.5s", rest + 1);
    else if (*rest && *rest != '\n' && *rest != '\r')
        return false;
    if (digits < 9 || digits > 19)
        return false;
    errno = 0;
    value = strtoll(line, &end, 10);
    if (errno)
        return false;
    *half_step_ns = digits > 12 ? 0 : VISOR_NS_PER_S / 2;
    if (digits <= 12 && value > INT64_MAX / VISOR_NS_PER_S - 1)
        return false;
    *wall_ns = digits > 12 ? value : value * VISOR_NS_PER_S + *half_step_ns;
    return true;
}

struct session {
    pid_t process;
    int to, from;
    int64_t until_ms;
};

static int64_t now_ms(void)
{
    return visor_clock_raw().ns / 1000000;
}

static bool open_session(struct session *session, const char *ssh, const char *host)
{
    int in[2], out[2];

    if (pipe2(in, O_CLOEXEC))
        return false;
    if (pipe2(out, O_CLOEXEC)) {
        close(in[0]), close(in[1]);
        return false;
    }
    session->process = fork();
    if (!session->process) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        execlp(ssh, ssh, "-T", "-o", "BatchMode=yes", "--", host, REMOTE_CLOCK, (char *)NULL);
        _exit(127);
    }
    close(in[0]), close(out[1]);
    session->to = in[1];
    session->from = out[0];
    return session->process > 0;
}

/* The exit status of the program, or -1. */
static int close_session(struct session *session)
{
    int status = 0;

    close(session->to), close(session->from);
    kill(session->process, SIGTERM);
    if (waitpid(session->process, &status, 0) < 0 || !WIFEXITED(status))
        return -1;
    return WEXITSTATUS(status);
}

/* One line; false: none in time. */
static bool read_line(const struct session *session, char *line, size_t size)
{
    size_t at = 0;

    while (at + 1 < size) {
        struct pollfd wait = {.fd = session->from, .events = POLLIN};
        int64_t left = session->until_ms - now_ms();

        if (left <= 0 || poll(&wait, 1, (int)left) <= 0 || read(session->from, line + at, 1) != 1)
            return false;
        if (line[at++] == '\n')
            break;
    }
    line[at] = 0;
    return true;
}

static bool exchange(const struct session *session, struct visor_drift_clock *clock)
{
    struct visor_drift_interval *found = &clock->clock;
    struct visor_reading asked, told;
    int64_t wall_ns, half_step_ns, away;
    char line[64];

    if (visor_clock_read_kernel(&asked) || write(session->to, "\n", 1) != 1 ||
        !read_line(session, line, sizeof(line)) || visor_clock_read_kernel(&told) ||
        !visor_drift_read_date(line, &wall_ns, &half_step_ns, clock->zone))
        return false;
    away = visor_mono_diff(told.raw, asked.raw);
    if (away / 2 + half_step_ns < found->uncertainty_ns) {
        found->uncertainty_ns = away / 2 + half_step_ns;
        found->offset_ns = wall_ns - (told.real.ns - away / 2);
    }
    return true;
}

static int ask_one_by_ssh(void *context, uint32_t index, void *to)
{
    const struct visor_drift_plan *plan = context;
    struct visor_drift_clock *clock = to;
    struct session session = {.until_ms = now_ms() + (int64_t)(plan->timeout_s * 1000)};
    int exchanges = 0, status;

    *clock = plan->machines[index];
    if (clock->via != VISOR_DRIFT_SSH)
        return 0;
    if (!open_session(&session, plan->ssh, clock->name)) {
        snprintf(clock->why, sizeof(clock->why), _("cannot be asked: %s"), strerror(errno));
        return 0;
    }
    while (exchanges < ROUNDS && exchange(&session, clock))
        exchanges++;
    status = close_session(&session);
    if (exchanges)
        return 0;
    if (status == 127)
        snprintf(clock->why, sizeof(clock->why), _("the program \"%s\" cannot be run"), plan->ssh);
    else
        snprintf(clock->why, sizeof(clock->why), "%s",
                 _("ssh gives no time: does \"ssh -o BatchMode=yes\" reach it without a "
                   "password?"));
    return 0;
}

static int ask_by_ssh(struct visor_drift_plan *plan)
{
    uint32_t count = (uint32_t)plan->machine_count;
    struct visor_drift_clock *found;
    void *results;
    bool wanted = false;
    int error;

    for (int i = 0; i < plan->machine_count; i++)
        wanted = wanted || plan->machines[i].via == VISOR_DRIFT_SSH;
    if (!wanted)
        return 0;
    signal(SIGPIPE, SIG_IGN);
    error = visor_jobs_run(ask_one_by_ssh, plan, count, count, sizeof(*found), &results);
    if (error)
        return error;
    found = results;
    for (int i = 0; i < plan->machine_count; i++)
        if (plan->machines[i].via == VISOR_DRIFT_SSH)
            plan->machines[i] = found[i];
    visor_jobs_done(results, count, sizeof(*found));
    return 0;
}

/* ---- the reference ---- */

/* What the daemon here knows, without asking anybody else. */
static bool ask_daemon(struct visor_drift_plan *plan)
{
    json_t *status;
    const json_t *bound;

    if (visor_ask(plan->socket, VISOR_CONTROL_STATUS, "", true, &status) != VISOR_CLI_YES)
        return false;
    bound = visor_field(status, "tracking.estimate_bound_ns");
    if (bound && *visor_field_text(status, "tracking.trust") != 'u') {
        plan->reference.offset_ns =
            visor_ns_from_seconds(visor_field_number(status, "tracking.offset_s"));
        plan->reference.uncertainty_ns = json_integer_value(bound);
        plan->agreeing = 1;
    }
    json_decref(status);
    return bound != NULL;
}

static void take_configured(struct visor_drift_plan *plan)
{
    struct visor_facts *facts = calloc(1, sizeof(*facts));

    if (!facts)
        return;
    visor_facts_gather(facts, "");
    plan->reference_count = 0;
    for (size_t i = 0; i < facts->source_count; i++)
        if (strcmp(facts->sources[i].directive, "refclock") != 0)
            visor_drift_add(plan->references, &plan->reference_count, VISOR_DRIFT_REFERENCES,
                            VISOR_DRIFT_NTP, facts->sources[i].name);
    free(facts);
}

static void tell_own_zone(char zone[VISOR_DRIFT_ZONE])
{
    time_t now = time(NULL);
    struct tm local;

    if (!localtime_r(&now, &local) || !strftime(zone, VISOR_DRIFT_ZONE, "%z", &local))
        *zone = 0;
}

static void forget(struct visor_drift_clock *clocks, int count)
{
    for (int i = 0; i < count; i++) {
        clocks[i].clock =
            clocks[i].via == VISOR_DRIFT_HERE ? (struct visor_drift_interval){0, 0} : UNKNOWN;
        clocks[i].error = UNKNOWN;
        *clocks[i].why = *clocks[i].zone = 0;
        if (clocks[i].via == VISOR_DRIFT_HERE)
            tell_own_zone(clocks[i].zone);
    }
}

int visor_drift_measure(struct visor_drift_plan *plan)
{
    bool answered = false;
    int error;

    plan->reference = UNKNOWN;
    plan->agreeing = 0;
    if (!plan->given) {
        answered = ask_daemon(plan);
        if (!answered)
            take_configured(plan);
    }
    forget(plan->machines, plan->machine_count);
    forget(plan->references, plan->reference_count);
    error = ask_by_ntp(plan);
    if (!error)
        error = ask_by_ssh(plan);
    if (!answered)
        plan->agreeing =
            visor_drift_agree(plan->references, plan->reference_count, &plan->reference);
    for (int i = 0; i < plan->machine_count; i++)
        conclude(plan, &plan->machines[i]);
    return error;
}
