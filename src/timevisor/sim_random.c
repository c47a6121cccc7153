/* Random worlds, seed after seed: only what fails is shown, and the sum. */
#include "port/text.h"
#include "sim/chaos.h"
#include "sim/script.h"
#include "timevisor/commit.h"
#include "timevisor/jobs.h"
#include "timevisor/quantity.h"
#include "timevisor/sim.h"
#include "timevisor/table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A host's witnesses that tell the time or that it moved: bits, and how long bounds were false. */
enum { RTC, VMCLOCK, PHC, SETS_LOG2 };
#define SETS (1 << SETS_LOG2)

struct visor_random_set {
    double hosts, windows, windows_s, longest_s;
};

/* Of one seed: sums over its hosts, and the first host that failed. */
struct visor_random_result {
    bool done, failed, refused;
    double hours, events, packets, windows, windows_s, longest_s, worst;
    struct visor_random_set sets[SETS];
    struct visor_outcome first;
    uint32_t line; /* of the first unmet expectation */
};

static int set_of(const struct visor_scenario_host *host)
{
    return (host->rtc.exists && !host->rtc.derived ? 1 << RTC : 0) |
           (host->watches & 1u << VISOR_WITNESS_VMCLOCK ? 1 << VMCLOCK : 0) |
           (host->watches & 1u << VISOR_WITNESS_PHC ? 1 << PHC : 0);
}

static void add_to_set(struct visor_random_set *sum, const struct visor_random_set *set)
{
    sum->hosts += set->hosts;
    sum->windows += set->windows;
    sum->windows_s += set->windows_s;
    if (set->longest_s > sum->longest_s)
        sum->longest_s = set->longest_s;
}

static void add(struct visor_random_result *result, const struct visor_outcome *outcome,
                const struct visor_scenario *scenario)
{
    const double *m = outcome->metric;

    result->hours += scenario->duration / 3600.0;
    result->events += m[VISOR_METRIC_EVENTS];
    result->packets += m[VISOR_METRIC_SENT];
    result->windows += m[VISOR_METRIC_WINDOWS];
    result->windows_s += m[VISOR_METRIC_WINDOWS_TOTAL];
    if (m[VISOR_METRIC_WINDOWS_LONGEST] > result->longest_s)
        result->longest_s = m[VISOR_METRIC_WINDOWS_LONGEST];
    if (m[VISOR_METRIC_WINDOWS_WORST] > result->worst)
        result->worst = m[VISOR_METRIC_WINDOWS_WORST];
    if (result->failed || (outcome->violation < 0 && outcome->unmet == 0))
        return;
    result->failed = true;
    result->first = *outcome;
    if (outcome->unmet > 0)
        result->line = scenario->expects[outcome->unmet_index].line;
}

static void run_scenario(const struct visor_scenario *scenario, uint64_t seed,
                         struct visor_random_result *result)
{
    struct visor_world *world = visor_world_new(scenario, seed);

    result->done = world && visor_world_run(world);
    for (size_t i = 0; result->done && i < world->host_count; i++) {
        struct visor_outcome outcome = {0};

        visor_outcome_of(world, i, 0, &outcome);
        add(result, &outcome, scenario);
        add_to_set(&result->sets[set_of(world->hosts[i].model)],
                   &(struct visor_random_set){1.0, outcome.metric[VISOR_METRIC_WINDOWS],
                                              outcome.metric[VISOR_METRIC_WINDOWS_TOTAL],
                                              outcome.metric[VISOR_METRIC_WINDOWS_LONGEST]});
    }
    visor_world_free(world);
}

static int run_seed(void *context, uint32_t index, void *to)
{
    const uint64_t *first = context;
    struct visor_random_result *result = to;
    struct visor_scenario scenario;
    struct visor_diagnoses diagnoses;
    char text[VISOR_CHAOS_TEXT_MAX];
    size_t size = visor_chaos_write(*first + index, text);

    memset(result, 0, sizeof(*result));
    visor_scenario_init(&scenario);
    visor_diagnoses_init(&diagnoses);
    if (visor_script_read(&scenario, "random", text, size, &diagnoses))
        run_scenario(&scenario, *first + index, result);
    else
        result->refused = true;
    visor_diagnoses_done(&diagnoses);
    visor_scenario_done(&scenario);
    return result->done || result->refused ? 0 : -1;
}

static void print_failure(uint64_t seed, const struct visor_random_result *result, FILE *to)
{
    const struct visor_outcome *o = &result->first;

    if (result->refused)
        fprintf(to, _("seed %" PRIu64 ": its scenario is refused\n"), seed);
    else if (o->violation >= 0)
        fprintf(to,
                _("seed %" PRIu64 ": VIOLATION (%s) host %s at %.3f s: %.6g where at most %.6g "
                  "is allowed; %.0f in all\n"),
                seed, visor_violation_name((enum visor_violation)o->violation), o->name,
                o->violation_at, o->violation_error, o->violation_bound,
                o->metric[VISOR_METRIC_VIOLATIONS]);
    else
        fprintf(to, _("seed %" PRIu64 ": UNMET line %" PRIu32 ": host %s at %.0f s: %.6g\n"), seed,
                result->line, o->name, o->unmet_at, o->unmet_value);
    fprintf(to,
            _("  run it again: timevisor sim --random 1 --seed %" PRIu64
              " (its scenario: --show; commit %s)\n"),
            seed, VISOR_COMMIT);
}

static const char *set_name(int set)
{
    static const char *const names[SETS] = {
        "-",   "rtc",      "vmclock",      "rtc, vmclock",
        "phc", "rtc, phc", "vmclock, phc", "rtc, vmclock, phc",
    };

    return names[set];
}

static void print_sets(const struct visor_random_set *sets, FILE *to)
{
    struct visor_table *table = visor_table_new("lrrrr");
    char text[3][VISOR_QUANTITY_MAX];

    if (!table)
        return;
    visor_table_add(table, VISOR_BOLD, _("witnesses"));
    visor_table_add(table, VISOR_BOLD, _("hosts"));
    visor_table_add(table, VISOR_BOLD, _("false bounds"));
    visor_table_add(table, VISOR_BOLD, _("mean"));
    visor_table_add(table, VISOR_BOLD, _("longest"));
    for (int set = 0; set < SETS; set++) {
        const struct visor_random_set *s = &sets[set];

        if (s->hosts == 0.0)
            continue;
        visor_table_add(table, VISOR_PLAIN, set_name(set));
        snprintf(text[0], sizeof(text[0]), "%.0f", s->hosts);
        visor_table_add(table, VISOR_PLAIN, text[0]);
        snprintf(text[0], sizeof(text[0]), "%.0f", s->windows);
        visor_table_add(table, VISOR_PLAIN, text[0]);
        visor_table_add(table, VISOR_PLAIN,
                        s->windows > 0.0 ? visor_quantity_print(s->windows_s / s->windows, text[1])
                                         : "-");
        visor_table_add(table, VISOR_PLAIN, visor_quantity_print(s->longest_s, text[2]));
    }
    visor_table_print(table, to, visor_table_wants_color(to));
    visor_table_free(table);
}

static void print_sum(const struct visor_random_result *sum, uint32_t count, uint32_t failed,
                      FILE *to)
{
    char text[2][VISOR_QUANTITY_MAX];

    fprintf(to, _("%" PRIu32 " random worlds, %.0f host hours, %.0f events; %" PRIu32 " failed\n"),
            count, sum->hours, sum->events, failed);
    if (sum->windows > 0.0)
        fprintf(to,
                _("False bounds between a fault and the first event that could reveal it: %.0f, "
                  "%s in all, longest %s, worst error/bound %.3g\n"),
                sum->windows, visor_quantity_print(sum->windows_s, text[0]),
                visor_quantity_print(sum->longest_s, text[1]), sum->worst);
    print_sets(sum->sets, to);
}

static void print_json(const struct visor_random_result *results, uint64_t seed,
                       const struct visor_random_result *sum, uint32_t count, FILE *to)
{
    const char *comma = "";

    fprintf(to,
            "{\"version\": 1, \"worlds\": %" PRIu32 ", \"host_hours\": %.9g, \"events\": %.0f, "
            "\"excused_windows\": %.0f, \"excused_total_s\": %.9g, "
            "\"excused_longest_s\": %.9g, \"excused_worst_ratio\": %.9g, \"sets\": [",
            count, sum->hours, sum->events, sum->windows, sum->windows_s, sum->longest_s,
            sum->worst);
    for (int set = 0; set < SETS; set++)
        fprintf(to,
                "%s\n  {\"witnesses\": \"%s\", \"hosts\": %.0f, \"windows\": %.0f, "
                "\"total_s\": %.9g, \"longest_s\": %.9g}",
                set ? "," : "", set ? set_name(set) : "", sum->sets[set].hosts,
                sum->sets[set].windows, sum->sets[set].windows_s, sum->sets[set].longest_s);
    fputs("], \"failed\": [", to);
    for (uint32_t i = 0; i < count; i++) {
        const struct visor_outcome *o = &results[i].first;

        if (!results[i].failed && !results[i].refused)
            continue;
        fprintf(to, "%s\n  {\"seed\": %" PRIu64, comma, seed + i);
        if (results[i].failed)
            fprintf(to,
                    ", \"kind\": \"%s\", \"host\": \"%s\", \"at_s\": %.9g, \"value\": %.9g, "
                    "\"limit\": %.9g",
                    o->violation >= 0 ? visor_violation_name((enum visor_violation)o->violation)
                                      : "unmet",
                    o->name, o->violation >= 0 ? o->violation_at : o->unmet_at,
                    o->violation >= 0 ? o->violation_error : o->unmet_value, o->violation_bound);
        fputc('}', to);
        comma = ",";
    }
    fputs("]}\n", to);
}

int visor_sim_random(const struct visor_sim_random *job, FILE *to, bool *good)
{
    const struct visor_random_result *results;
    struct visor_random_result sum = {0};
    uint64_t seed = job->seed;
    uint32_t failed = 0;
    void *memory = NULL;
    int error = visor_jobs_run(run_seed, &seed, job->count, job->jobs, sizeof(*results), &memory);

    *good = false;
    if (error)
        return error;
    results = memory;
    for (uint32_t i = 0; i < job->count; i++) {
        const struct visor_random_result *r = &results[i];

        if ((r->failed || r->refused) && failed++ < 20 && !job->json)
            print_failure(seed + i, r, to);
        sum.hours += r->hours;
        sum.events += r->events;
        sum.windows += r->windows;
        sum.windows_s += r->windows_s;
        sum.longest_s = r->longest_s > sum.longest_s ? r->longest_s : sum.longest_s;
        sum.worst = r->worst > sum.worst ? r->worst : sum.worst;
        for (int set = 0; set < SETS; set++)
            add_to_set(&sum.sets[set], &r->sets[set]);
    }
    if (job->json)
        print_json(results, seed, &sum, job->count, to);
    else
        print_sum(&sum, job->count, failed, to);
    visor_jobs_done(memory, job->count, sizeof(*results));
    *good = failed == 0;
    return 0;
}
