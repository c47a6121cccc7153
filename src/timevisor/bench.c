/* timevisor bench clocks: what a reading of the time costs, beside a writer of 1000 publications a
 * second, and what it is worth. The segments are the bench's own, so that it needs no daemon. */
#include "timevisor/bench.h"

#include "port/clock.h"
#include "port/facts.h"
#include "port/segment.h"
#include "port/text.h"
#include "timevisor/cli.h"
#include "timevisor/clocksource.h"
#include "timevisor/quantity.h"
#include "timevisor/table.h"
#include "wire/vmclock.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#define SEGMENTS  3
#define PERIOD_NS 1000000
#define LOOKS     8 /* at the TSC; the second is enough if nothing is in the way */
/* A system call takes several times what the vDSO does, on any processor. */
#define VDSO_RATIO 0.67

enum { SEGMENT_PLAIN, SEGMENT_KERNEL, SEGMENT_VMCLOCK };

struct bench {
    char directory[64], paths[SEGMENTS][96], device[96];
    struct visor_segment_file files[SEGMENTS];
    timevisor *handles[SEGMENTS];
    pthread_t writer;
    atomic_bool ended;
    _Atomic int64_t published;

    struct visor_facts facts;
    struct visor_bench_clock clocks[VISOR_BENCH_CLOCKS];
    size_t clock_count;
    struct visor_bench_cores cores;
    struct visor_bench_timer timer;
};

struct wish {
    bool json, each;
    const char *drawing;
};

/* ---- the segments ---- */

static void publish(struct bench *bench)
{
    struct visor_reading now;
    struct visor_view view;

    if (visor_clock_read_kernel(&now))
        return;
    view = (struct visor_view){.version = 1,
                               .trust = VISOR_TRUST_SYNCHRONIZED,
                               .raw = now.raw,
                               .utc = now.real,
                               .rate_ppb = now.frequency_ppb,
                               .bound_ns = 100000,
                               .growth_ppb = 1000.0,
                               .verified = now.raw};
    for (int i = 0; i < SEGMENTS; i++)
        visor_segment_publish(&bench->files[i], &view, now.raw);
    bench->published++;
}

static void *write_on(void *argument)
{
    struct timespec rest = {.tv_nsec = PERIOD_NS};
    struct bench *bench = argument;

    while (!bench->ended) {
        publish(bench);
        nanosleep(&rest, NULL);
    }
    return NULL;
}

/* A file stands in for the device. */
static bool make_vmclock(const char *path)
{
    uint32_t page[VISOR_VMCLOCK_PAGE / 4] = {0x4b4c4356, 0x70, 1};
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool good = fd >= 0 && write(fd, page, sizeof(page)) == (ssize_t)sizeof(page);

    if (fd >= 0)
        close(fd);
    return good;
}

static bool make_segments(struct bench *bench)
{
    const char *base = access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm";

    snprintf(bench->directory, sizeof(bench->directory), "%s/timevisor-bench-XXXXXX", base);
    if (!mkdtemp(bench->directory))
        return false;
    snprintf(bench->device, sizeof(bench->device), "%s/vmclock", bench->directory);
    if (!make_vmclock(bench->device))
        return false;
    for (int i = 0; i < SEGMENTS; i++) {
        snprintf(bench->paths[i], sizeof(bench->paths[i]), "%s/clock%d", bench->directory, i);
        if (visor_segment_open(&bench->files[i], bench->paths[i],
                               i == SEGMENT_VMCLOCK ? bench->device : "/dev/null"))
            return false;
    }
    visor_tsc_done(&bench->files[SEGMENT_KERNEL].tsc);
    return true;
}

/* Until the segments have the TSC's rate, where the kernel counts by the TSC. They say themselves
 * when they will look again. */
static void learn_tsc(struct bench *bench)
{
    const struct visor_segment_file *last = &bench->files[SEGMENTS - 1];

    publish(bench);
    for (int i = 0; i < LOOKS && last->tsc.any && last->tsc.period == 0; i++) {
        int64_t ns = visor_mono_diff(last->due, visor_clock_raw());
        struct timespec rest = {ns / VISOR_NS_PER_S, ns % VISOR_NS_PER_S};

        if (ns > 0)
            nanosleep(&rest, NULL);
        publish(bench);
    }
}

static bool open_segments(struct bench *bench)
{
    learn_tsc(bench);
    if (pthread_create(&bench->writer, NULL, write_on, bench))
        return false;
    for (int i = 0; i < SEGMENTS; i++) {
        bench->handles[i] = timevisor_open(bench->paths[i]);
        if (!bench->handles[i])
            return false;
    }
    return true;
}

static void clean_up(struct bench *bench)
{
    if (bench->writer) {
        bench->ended = true;
        pthread_join(bench->writer, NULL);
    }
    for (int i = 0; i < SEGMENTS; i++) {
        timevisor_close(bench->handles[i]);
        if (bench->files[i].path[0])
            visor_segment_close(&bench->files[i]);
        unlink(bench->paths[i]);
    }
    unlink(bench->device);
    rmdir(bench->directory);
}

/* ---- what is measured ---- */

static struct visor_bench_clock *add(struct bench *bench, enum visor_bench_way way,
                                     const char *name)
{
    struct visor_bench_clock *clock = &bench->clocks[bench->clock_count];

    if (bench->clock_count == VISOR_BENCH_CLOCKS)
        return NULL;
    bench->clock_count++;
    clock->way = way;
    snprintf(clock->name, sizeof(clock->name), "%s", name);
    return clock;
}

static void add_kernel(struct bench *bench, enum visor_bench_way way, const char *name,
                       clockid_t id)
{
    struct visor_bench_clock *clock = add(bench, way, name);

    if (clock)
        clock->kernel = id;
}

static void add_library(struct bench *bench, const char *name, int segment)
{
    struct visor_bench_clock *clock = add(bench, VISOR_BENCH_LIBRARY, name);

    if (clock)
        clock->handle = bench->handles[segment];
}

static void list_clocks(struct bench *bench)
{
    add_kernel(bench, VISOR_BENCH_CALL, "clock_gettime(CLOCK_REALTIME)", CLOCK_REALTIME);
    add_kernel(bench, VISOR_BENCH_SYSCALL, "clock_gettime by a system call", CLOCK_REALTIME);
    add_kernel(bench, VISOR_BENCH_CALL, "clock_gettime(CLOCK_MONOTONIC)", CLOCK_MONOTONIC);
    add_kernel(bench, VISOR_BENCH_CALL, "clock_gettime(CLOCK_MONOTONIC_RAW)", CLOCK_MONOTONIC_RAW);
    add_kernel(bench, VISOR_BENCH_CALL, "clock_gettime(CLOCK_REALTIME_COARSE)",
               CLOCK_REALTIME_COARSE);
    if (visor_bench_has_tsc())
        add(bench, VISOR_BENCH_TSC, "rdtsc");
    add_library(bench, "timevisor_now()", SEGMENT_PLAIN);
    add_library(bench, "timevisor_now() by the kernel's counter", SEGMENT_KERNEL);
    add_library(bench, "timevisor_now() with a vmclock", SEGMENT_VMCLOCK);
}

/* While another clocksource is tried, nothing may end this program before it is put back. */
static bool measure_other(struct bench *bench, const char *name)
{
    struct visor_bench_clock pair[2] = {{.way = VISOR_BENCH_CALL, .kernel = CLOCK_REALTIME},
                                        {.way = VISOR_BENCH_SYSCALL, .kernel = CLOCK_REALTIME}};
    sigset_t all, old;
    bool done;

    snprintf(pair[0].name, sizeof(pair[0].name), "CLOCK_REALTIME by %.28s", name);
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &old);
    done = visor_clocksource_choose("", name) == 0;
    if (done)
        done = visor_bench_cost(pair, 2);
    if (visor_clocksource_choose("", bench->facts.clocksource))
        fprintf(stderr,
                _("timevisor bench: the clocksource could not be put back to %s: timevisor "
                  "clocksource %s\n"),
                bench->facts.clocksource, bench->facts.clocksource);
    sigprocmask(SIG_SETMASK, &old, NULL);
    if (done && bench->clock_count < VISOR_BENCH_CLOCKS) {
        pair[0].ratio = pair[0].median_ns / bench->clocks[0].median_ns;
        bench->clocks[bench->clock_count++] = pair[0];
    }
    return done;
}

static void measure_each(struct bench *bench)
{
    for (size_t i = 0; i < bench->facts.clocksource_count; i++) {
        const char *name = bench->facts.clocksources[i];

        if (strcmp(name, bench->facts.clocksource) != 0 && !measure_other(bench, name))
            fprintf(stderr, _("timevisor bench: %s could not be tried (only root may)\n"), name);
    }
}

static bool measure(struct bench *bench, const struct wish *wish)
{
    visor_facts_gather(&bench->facts, "");
    list_clocks(bench);
    if (!visor_bench_cost(bench->clocks, bench->clock_count) || !visor_bench_timer(&bench->timer))
        return false;
    visor_bench_cores(&bench->cores);
    if (wish->each)
        measure_each(bench);
    return true;
}

/* ---- what is told ---- */

static bool uses_vdso(const struct bench *bench)
{
    return bench->clocks[0].median_ns < VDSO_RATIO * bench->clocks[1].median_ns;
}

/* A sentence with the clocksource for %s. */
static const char *why_no_vdso(const struct bench *bench)
{
    const char *source = bench->facts.clocksource;

    if (getauxval(AT_SYSINFO_EHDR) == 0)
        return _("no vDSO is mapped (vdso=0, or a sandbox)");
    if (strcmp(source, "tsc") == 0)
        return _("this sandbox or libc asks the kernel although the TSC could be read");
    if (strcmp(source, "kvm-clock") == 0)
        return _("the host does not say that its TSC is stable, so kvm-clock needs the kernel");
    if (strncmp(source, "hyperv", 6) == 0)
        return _("the host gives no TSC page");
    return _("this clocksource cannot be read from a program: see timevisor clocksource");
}

static void print_row(struct visor_table *table, const char *const cells[5])
{
    for (int i = 0; i < 5; i++)
        visor_table_add(table, VISOR_PLAIN, cells[i]);
}

static void print_table(const struct bench *bench)
{
    struct visor_table *table = visor_table_new("lrrrr");

    if (!table)
        return;
    print_row(table,
              (const char *const[]){_("clock"), _("ns a call"), _("best"), _("ratio"), "p99.9"});
    for (size_t i = 0; i < bench->clock_count; i++) {
        const struct visor_bench_clock *clock = &bench->clocks[i];
        char cells[4][24];

        snprintf(cells[0], sizeof(cells[0]), "%.1f", clock->median_ns);
        snprintf(cells[1], sizeof(cells[1]), "%.1f", clock->best_ns);
        snprintf(cells[2], sizeof(cells[2]), "%.2f", clock->ratio);
        snprintf(cells[3], sizeof(cells[3]), "%.0f", clock->p999_ns);
        print_row(table,
                  (const char *const[]){clock->name, cells[0], cells[1], cells[2], cells[3]});
    }
    visor_table_print(table, stdout, false);
    visor_table_free(table);
}

static bool agree(const struct visor_bench_cores *cores)
{
    return cores->backward == 0 && cores->offset_ns <= cores->bound_ns;
}

static bool is_late(const struct visor_bench_timer *timer)
{
    return timer->p99_ns > 1e6;
}

static void tell_vdso(const struct bench *bench)
{
    if (uses_vdso(bench))
        printf(_("vDSO: in use; the clocksource is %s\n"), bench->facts.clocksource);
    else
        printf(_("vDSO: not in use: %s (clocksource %s)\n"), why_no_vdso(bench),
               bench->facts.clocksource);
}

static void tell_cores(const struct visor_bench_cores *cores)
{
    char offset[VISOR_QUANTITY_MAX], bound[VISOR_QUANTITY_MAX];

    if (cores->pairs == 0) {
        puts(_("Processors: one, which agrees with itself"));
        return;
    }
    printf(_("Processors: the first and %d others agree within %s ±%s; in %lld exchanges the time "
             "went back %lld times\n"),
           cores->pairs, visor_quantity_print(cores->offset_ns * 1e-9, offset),
           visor_quantity_print(cores->bound_ns * 1e-9, bound), (long long)cores->exchanges,
           (long long)cores->backward);
}

static void tell_timer(const struct visor_bench_timer *timer)
{
    char median[VISOR_QUANTITY_MAX], p99[VISOR_QUANTITY_MAX], worst[VISOR_QUANTITY_MAX],
        tick[VISOR_QUANTITY_MAX];

    printf(_("Timers: a sleep of 1 ms is late by %s (99 %%: %s, worst: %s); the tick is %s\n"),
           visor_quantity_print(timer->median_ns * 1e-9, median),
           visor_quantity_print(timer->p99_ns * 1e-9, p99),
           visor_quantity_print(timer->worst_ns * 1e-9, worst),
           visor_quantity_print(timer->tick_ns * 1e-9, tick));
}

static const char *verdict_of(const struct bench *bench)
{
    if (!agree(&bench->cores))
        return N_("bad: processors disagree on the time; an order by timestamps is not safe here");
    if (!uses_vdso(bench))
        return N_("dear: every reading asks the kernel");
    if (is_late(&bench->timer))
        return N_("good, but timers are late: the host takes the processors away");
    return N_("good");
}

static void tell(const struct bench *bench)
{
    struct timevisor_info info;

    timevisor_info(bench->handles[SEGMENT_PLAIN], &info);
    print_table(bench);
    puts(_("\nMedians beside 1000 publications a second; ratio to the first; p99.9 of calls timed\n"
           "one by one, with the reading that times them.\n"));
    tell_vdso(bench);
    puts(info.flags & TIMEVISOR_READS_TSC
             ? _("timevisor_now() counts by the TSC, as the kernel does here")
             : _("timevisor_now() asks the kernel: the kernel does not count by the TSC here"));
    tell_cores(&bench->cores);
    tell_timer(&bench->timer);
    printf(_("Verdict: %s\n"), _(verdict_of(bench)));
}

static json_t *clocks_json(const struct bench *bench)
{
    json_t *list = json_array();

    for (size_t i = 0; i < bench->clock_count; i++) {
        const struct visor_bench_clock *clock = &bench->clocks[i];

        json_array_append_new(list, json_pack("{s:s, s:f, s:f, s:f, s:f}", "name", clock->name,
                                              "ns", clock->median_ns, "best_ns", clock->best_ns,
                                              "ratio", clock->ratio, "p999_ns", clock->p999_ns));
    }
    return list;
}

static void print_json(const struct bench *bench)
{
    struct timevisor_info info;
    json_t *all;

    timevisor_info(bench->handles[SEGMENT_PLAIN], &info);
    all = json_pack("{s:i, s:s, s:I, s:s, s:b, s:s, s:o}", "version", 1, "counter",
                    info.flags & TIMEVISOR_READS_TSC ? "tsc" : "kernel", "publications",
                    (json_int_t)bench->published, "clocksource", bench->facts.clocksource, "vdso",
                    uses_vdso(bench), "verdict", verdict_of(bench), "clocks", clocks_json(bench));
    json_object_set_new(all, "processors",
                        json_pack("{s:i, s:I, s:I, s:f, s:f}", "pairs", bench->cores.pairs,
                                  "exchanges", (json_int_t)bench->cores.exchanges, "backward",
                                  (json_int_t)bench->cores.backward, "offset_ns",
                                  bench->cores.offset_ns, "bound_ns", bench->cores.bound_ns));
    json_object_set_new(all, "timer",
                        json_pack("{s:f, s:f, s:f, s:f}", "late_ns", bench->timer.median_ns,
                                  "late_p99_ns", bench->timer.p99_ns, "late_worst_ns",
                                  bench->timer.worst_ns, "tick_ns", bench->timer.tick_ns));
    json_dumpf(all, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(all);
}

static bool draw(const struct bench *bench, const char *path)
{
    FILE *out = fopen(path, "we");
    bool done = out != NULL;

    if (out) {
        visor_bench_draw(bench->clocks, bench->clock_count, out);
        done = !ferror(out);
        done = fclose(out) == 0 && done;
    }
    if (!done)
        fprintf(stderr, _("timevisor bench: %s could not be written: %s\n"), path, strerror(errno));
    return done;
}

static int run(const struct wish *wish)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    int result = VISOR_CLI_REFUSED;

    if (bench && make_segments(bench) && open_segments(bench) && measure(bench, wish)) {
        if (wish->json)
            print_json(bench);
        else
            tell(bench);
        if (!wish->drawing || draw(bench, wish->drawing))
            result = VISOR_CLI_YES;
    } else {
        fprintf(stderr, _("timevisor bench: no segment could be made: %s\n"), strerror(errno));
    }
    if (bench)
        clean_up(bench);
    free(bench);
    return result;
}

static void print_usage(FILE *out)
{
    fputs(_("Usage: timevisor bench clocks [--each] [--svg FILE] [--json]\n"
            "What a reading of the time costs here: by the kernel's clocks, by a system\n"
            "call, by the TSC, by libtimevisor; whether the vDSO is in use, and why not;\n"
            "whether processors agree; how late timers are. Takes about three seconds, and\n"
            "needs no daemon.\n\n"
            "  --each      also by each clocksource that the kernel offers: it is switched\n"
            "              for a moment, and put back (root)\n"
            "  --svg FILE  also a drawing\n"
            "  --json      for programs\n\n"
            "Exit status: 0 done, 4 it could not be measured.\n"),
          out);
}

int visor_cli_bench(int argc, char **argv)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'},
                                            {"each", no_argument, NULL, 'e'},
                                            {"svg", required_argument, NULL, 's'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    struct wish wish = {0};
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
        switch (option) {
        case 'j':
            wish.json = true;
            break;
        case 'e':
            wish.each = true;
            break;
        case 's':
            wish.drawing = optarg;
            break;
        case 'h':
            print_usage(stdout);
            return VISOR_CLI_YES;
        default:
            print_usage(stderr);
            return VISOR_CLI_USAGE;
        }
    if (optind + 1 != argc || strcmp(argv[optind], "clocks") != 0) {
        print_usage(stderr);
        return VISOR_CLI_USAGE;
    }
    return run(&wish);
}
