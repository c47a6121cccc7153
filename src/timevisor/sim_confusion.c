/* What is told of a fault, by what a machine's witnesses can see: a matrix for each set of them. */
#include "port/text.h"
#include "sim/confusion.h"
#include "sim/script.h"
#include "timevisor/jobs.h"
#include "timevisor/quantity.h"
#include "timevisor/sim.h"
#include "timevisor/table.h"

#include "engine/kind.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define UNNOTICED VISOR_DISRUPTION_KINDS
#define TOLD      (VISOR_DISRUPTION_KINDS + 1) /* kinds, and unnoticed */
#define RIGHT     0.99

struct result {
    bool done;
    int told;       /* a kind, UNKNOWN, or UNNOTICED */
    double false_s; /* longest time with a false bound */
    uint32_t violations;
};

/* While a world runs. */
struct hearing {
    const struct visor_world *world;
    int64_t begins; /* true ns of the fault */
    enum visor_disruption_kind truth;
    int told;
};

struct sum {
    uint64_t told[VISOR_CONFUSION_FAULTS][TOLD];
    double *windows; /* s, of faults that stop the counter */
    size_t window_count;
};

/* Of several judgements a wrong one counts, else one that knows. */
static void hear(void *context, const struct visor_host *host, int64_t at,
                 const struct visor_action *action)
{
    struct hearing *hearing = context;
    int kind = (int)(action->message.count[0] % 256);

    (void)host;
    if (action->kind != VISOR_ACTION_LOG || action->message.kind != VISOR_MESSAGE_JUDGED ||
        at < hearing->begins)
        return;
    if (hearing->told == UNNOTICED || hearing->told == VISOR_DISRUPTION_UNKNOWN ||
        (hearing->told == (int)hearing->truth && kind != VISOR_DISRUPTION_UNKNOWN))
        hearing->told = kind;
}

static bool run(const struct visor_scenario *scenario, uint64_t seed, struct hearing *hearing,
                struct result *result)
{
    struct visor_world *world = visor_world_new(scenario, seed);

    if (!world)
        return false;
    world->observer = (struct visor_observer){.context = hearing, .action = hear};
    result->done = visor_world_run(world);
    result->told = hearing->told;
    result->false_s =
        visor_seconds_from_ns(world->hosts[0].checker.windows[VISOR_VIOLATION_BOUND].longest_ns);
    for (int i = 0; i < VISOR_VIOLATION_KINDS; i++)
        result->violations += (uint32_t)world->hosts[0].checker.violations[i];
    visor_world_free(world);
    return result->done;
}

static int piece(void *context, uint32_t index, void *to)
{
    const uint64_t *first = context;
    uint64_t seed = *first + index / VISOR_CONFUSION_SETS;
    struct hearing hearing = {.told = UNNOTICED};
    struct visor_scenario scenario;
    struct visor_diagnoses diagnoses;
    char text[VISOR_CONFUSION_TEXT_MAX];
    double begins;
    size_t size = visor_confusion_write(seed, index % VISOR_CONFUSION_SETS, text, &begins);
    struct result *result = to;
    bool good;

    memset(result, 0, sizeof(*result));
    hearing.begins = visor_ns_from_seconds(begins);
    hearing.truth = visor_confusion_fault(visor_confusion_fault_of(seed))->kind;
    visor_scenario_init(&scenario);
    visor_diagnoses_init(&diagnoses);
    good = visor_script_read(&scenario, "confusion", text, size, &diagnoses) &&
           run(&scenario, seed, &hearing, result);
    visor_diagnoses_done(&diagnoses);
    visor_scenario_done(&scenario);
    return good ? 0 : -1;
}

/* ---- sums ---- */

static int by_size(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* Faults after which our own clocks tell a false time until somebody says so. */
static bool jumps(size_t fault)
{
    enum visor_disruption_kind kind = visor_confusion_fault(fault)->kind;

    return kind == VISOR_DISRUPTION_PAUSE || kind == VISOR_DISRUPTION_SUSPEND ||
           kind == VISOR_DISRUPTION_RESTORE;
}

static bool add(struct sum sums[VISOR_CONFUSION_SETS], const struct visor_sim_random *job,
                const struct result *results)
{
    for (size_t set = 0; set < VISOR_CONFUSION_SETS; set++) {
        struct sum *sum = &sums[set];

        sum->windows = calloc((size_t)job->count + 1, sizeof(*sum->windows));
        if (!sum->windows)
            return false;
        for (uint32_t i = 0; i < job->count; i++) {
            const struct result *r = &results[(size_t)i * VISOR_CONFUSION_SETS + set];

            sum->told[visor_confusion_fault_of(job->seed + i)][r->told]++;
            if (r->false_s > 0.0 && jumps(visor_confusion_fault_of(job->seed + i)))
                sum->windows[sum->window_count++] = r->false_s;
        }
        qsort(sum->windows, sum->window_count, sizeof(*sum->windows), by_size);
    }
    return true;
}

/* Told as it was; or, where these witnesses cannot know, told nothing. */
static bool is_good(const struct sum *sum, size_t set, size_t fault)
{
    enum visor_disruption_kind truth = visor_confusion_fault(fault)->kind;
    uint64_t all = 0, wrong, right = sum->told[fault][truth];

    for (int kind = 0; kind < TOLD; kind++)
        all += sum->told[fault][kind];
    wrong = all - right - sum->told[fault][VISOR_DISRUPTION_UNKNOWN] - sum->told[fault][UNNOTICED];
    if (!(visor_confusion_set(set)->tells & 1u << fault))
        right = all - wrong;
    return (double)right >= RIGHT * (double)all;
}

static double window(const struct sum *sum, double share)
{
    return sum->window_count ? sum->windows[(size_t)(share * (double)(sum->window_count - 1))]
                             : 0.0;
}

/* ---- print ---- */

static void print_set(const struct sum *sum, size_t set, FILE *to)
{
    struct visor_table *table = visor_table_new("lrrrrrrrrrrr");
    char text[VISOR_QUANTITY_MAX], most[VISOR_QUANTITY_MAX], longest[VISOR_QUANTITY_MAX];

    if (!table)
        return;
    fprintf(to, "\n%s\n", visor_confusion_set(set)->name);
    visor_table_add(table, VISOR_BOLD, _("it was, and is told"));
    for (int kind = 0; kind < VISOR_DISRUPTION_KINDS; kind++)
        visor_table_add(table, VISOR_BOLD, visor_kind_word((enum visor_disruption_kind)kind));
    visor_table_add(table, VISOR_BOLD, _("unnoticed"));
    visor_table_add(table, VISOR_BOLD, "");
    for (size_t fault = 0; fault < VISOR_CONFUSION_FAULTS; fault++) {
        bool good = is_good(sum, set, fault);

        visor_table_add(table, VISOR_PLAIN, visor_confusion_fault(fault)->name);
        for (int kind = 0; kind < TOLD; kind++) {
            snprintf(text, sizeof(text), "%" PRIu64, sum->told[fault][kind]);
            visor_table_add(table, VISOR_PLAIN, sum->told[fault][kind] ? text : "");
        }
        visor_table_add(table, good ? VISOR_GOOD : VISOR_BAD,
                        !good                                           ? _("wrong")
                        : visor_confusion_set(set)->tells & 1u << fault ? _("told")
                                                                        : "");
    }
    visor_table_print(table, to, visor_table_wants_color(to));
    visor_table_free(table);
    fprintf(to, _("A false bound lasts %s (99 %%: %s, longest %s)\n"),
            visor_quantity_print(window(sum, 0.5), text),
            visor_quantity_print(window(sum, 0.99), most),
            visor_quantity_print(window(sum, 1.0), longest));
}

/* `first`: of the worlds with a violation, seed by seed. */
static void print_json(const struct sum *sums, bool good, uint64_t failed, uint64_t seed,
                       uint32_t first, FILE *to)
{
    fprintf(to, "{\"version\": 1, \"good\": %s, \"violations\": %" PRIu64, good ? "true" : "false",
            failed);
    if (failed > 0)
        fprintf(to, ", \"first_violation\": {\"seed\": %" PRIu64 ", \"witnesses\": \"%s\"}",
                seed + first / VISOR_CONFUSION_SETS,
                visor_confusion_set(first % VISOR_CONFUSION_SETS)->name);
    fputs(", \"sets\": [", to);
    for (size_t set = 0; set < VISOR_CONFUSION_SETS; set++) {
        fprintf(to,
                "%s\n  {\"witnesses\": \"%s\", \"false_bound_median_s\": %.6g, "
                "\"false_bound_p99_s\": %.6g, \"false_bound_longest_s\": %.6g, \"faults\": [",
                set ? "," : "", visor_confusion_set(set)->name, window(&sums[set], 0.5),
                window(&sums[set], 0.99), window(&sums[set], 1.0));
        for (size_t fault = 0; fault < VISOR_CONFUSION_FAULTS; fault++) {
            fprintf(to, "%s\n    {\"fault\": \"%s\", \"distinguishable\": %s, \"good\": %s",
                    fault ? "," : "", visor_confusion_fault(fault)->name,
                    visor_confusion_set(set)->tells & 1u << fault ? "true" : "false",
                    is_good(&sums[set], set, fault) ? "true" : "false");
            for (int kind = 0; kind < TOLD; kind++)
                fprintf(to, ", \"%s\": %" PRIu64,
                        kind == UNNOTICED ? "unnoticed"
                                          : visor_kind_word((enum visor_disruption_kind)kind),
                        sums[set].told[fault][kind]);
            fputc('}', to);
        }
        fputs("]}", to);
    }
    fputs("]}\n", to);
}

int visor_sim_confusion(const struct visor_sim_random *job, FILE *to, bool *good)
{
    struct sum sums[VISOR_CONFUSION_SETS] = {0};
    const struct result *results;
    uint32_t count = job->count * VISOR_CONFUSION_SETS, first = 0;
    uint64_t seed = job->seed, violations = 0;
    void *memory = NULL;
    int error = visor_jobs_run(piece, &seed, count, job->jobs, sizeof(*results), &memory);

    *good = false;
    if (error)
        return error;
    results = memory;
    for (uint32_t i = 0; i < count; i++)
        if (results[i].violations > 0 && violations++ == 0)
            first = i;
    if (violations > 0 && !job->json)
        fprintf(to, _("A violation: seed %" PRIu64 ", witnesses \"%s\"\n"),
                seed + first / VISOR_CONFUSION_SETS,
                visor_confusion_set(first % VISOR_CONFUSION_SETS)->name);
    *good = add(sums, job, results) && violations == 0;
    for (size_t set = 0; set < VISOR_CONFUSION_SETS; set++)
        for (size_t fault = 0; fault < VISOR_CONFUSION_FAULTS; fault++)
            *good &= is_good(&sums[set], set, fault);
    if (job->json)
        print_json(sums, *good, violations, seed, first, to);
    for (size_t set = 0; set < VISOR_CONFUSION_SETS && !job->json; set++)
        print_set(&sums[set], set, to);
    if (!job->json)
        fprintf(to, _("%" PRIu32 " seeds, %" PRIu64 " worlds with a violation\n"), job->count,
                violations);
    for (size_t set = 0; set < VISOR_CONFUSION_SETS; set++)
        free(sums[set].windows);
    visor_jobs_done(memory, count, sizeof(*results));
    return 0;
}
