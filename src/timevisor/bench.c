/* timevisor bench clocks: what a reading of the time costs, beside a writer of 1000 publications a
 * second. The segments are the bench's own, so that it needs no daemon. */
#include "port/clock.h"
#include "port/segment.h"
#include "port/text.h"
#include "timevisor/cli.h"
#include "timevisor/table.h"
#include "wire/vmclock.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <timevisor/timevisor.h>
#include <unistd.h>

#define SEGMENTS  3
#define CLOCKS    (3 + SEGMENTS)
#define ROUNDS    101
#define BATCH     10000  /* calls of a round */
#define SINGLES   200000 /* calls that are timed one by one */
#define PERIOD_NS 1000000

enum { SEGMENT_PLAIN, SEGMENT_KERNEL, SEGMENT_VMCLOCK };

struct bench {
    char directory[64], paths[SEGMENTS][96], device[96];
    struct visor_segment_file files[SEGMENTS];
    timevisor *handles[SEGMENTS];
    pthread_t writer;
    atomic_bool ended;
    _Atomic int64_t published;
};

struct clock {
    const char *name;
    clockid_t kernel;  /* where there is no handle */
    timevisor *handle; /* NULL: the kernel's */
    double ns[ROUNDS], ratio[ROUNDS];
    double median_ns, best_ns, median_ratio, p999_ns;
};

/* ---- what is measured ---- */

static int64_t raw_ns(void)
{
    return visor_clock_raw().ns;
}

static double time_batch(const struct clock *clock)
{
    int64_t began = raw_ns();

    if (clock->handle) {
        struct timevisor_interval now;

        for (int i = 0; i < BATCH; i++)
            timevisor_now(clock->handle, &now);
    } else {
        struct timespec now;

        for (int i = 0; i < BATCH; i++)
            clock_gettime(clock->kernel, &now);
    }
    return (double)(raw_ns() - began) / BATCH;
}

static int64_t time_one(const struct clock *clock)
{
    struct timevisor_interval interval;
    struct timespec now;
    int64_t began = raw_ns();

    if (clock->handle)
        timevisor_now(clock->handle, &interval);
    else
        clock_gettime(clock->kernel, &now);
    return raw_ns() - began;
}

static int compare(const void *a, const void *b)
{
    double first = *(const double *)a, second = *(const double *)b;

    return first < second ? -1 : first > second;
}

static double median_of(double *values)
{
    qsort(values, ROUNDS, sizeof(values[0]), compare);
    return values[ROUNDS / 2];
}

/* In turn, so that whatever else the machine does meets all alike. */
static void measure(struct clock *clocks)
{
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < CLOCKS; i++) {
            clocks[i].ns[round] = time_batch(&clocks[i]);
            clocks[i].ratio[round] = clocks[i].ns[round] / clocks[0].ns[round];
        }
    for (int i = 0; i < CLOCKS; i++) {
        clocks[i].median_ns = median_of(clocks[i].ns);
        clocks[i].best_ns = clocks[i].ns[0];
        clocks[i].median_ratio = median_of(clocks[i].ratio);
    }
}

/* Including one of the two readings that time it. */
static bool measure_tail(struct clock *clocks)
{
    double *times = calloc(SINGLES, sizeof(*times));

    for (int i = 0; i < CLOCKS && times; i++) {
        for (int j = 0; j < SINGLES; j++)
            times[j] = (double)time_one(&clocks[i]);
        qsort(times, SINGLES, sizeof(*times), compare);
        clocks[i].p999_ns = times[SINGLES - SINGLES / 1000];
    }
    free(times);
    return times != NULL;
}

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
    return pthread_create(&bench->writer, NULL, write_on, bench) == 0;
}

/* The TSC's rate is known after half a second. */
static bool open_segments(struct bench *bench)
{
    struct timespec rest = {.tv_nsec = 500000000};

    nanosleep(&rest, NULL);
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

/* ---- what is told ---- */

static void print_row(struct visor_table *table, const char *const cells[5])
{
    for (int i = 0; i < 5; i++)
        visor_table_add(table, VISOR_PLAIN, cells[i]);
}

static void print_table(const struct clock *clocks)
{
    struct visor_table *table = visor_table_new("lrrrr");

    if (!table)
        return;
    print_row(table,
              (const char *const[]){_("clock"), _("ns a call"), _("best"), _("ratio"), "p99.9"});
    for (int i = 0; i < CLOCKS; i++) {
        char cells[4][24];

        snprintf(cells[0], sizeof(cells[0]), "%.1f", clocks[i].median_ns);
        snprintf(cells[1], sizeof(cells[1]), "%.1f", clocks[i].best_ns);
        snprintf(cells[2], sizeof(cells[2]), "%.2f", clocks[i].median_ratio);
        snprintf(cells[3], sizeof(cells[3]), "%.0f", clocks[i].p999_ns);
        print_row(table,
                  (const char *const[]){clocks[i].name, cells[0], cells[1], cells[2], cells[3]});
    }
    visor_table_print(table, stdout, false);
    visor_table_free(table);
}

static void print_json(const struct bench *bench, const struct clock *clocks, bool tsc)
{
    json_t *list = json_array();
    json_t *all =
        json_pack("{s:s, s:I, s:i, s:o}", "counter", tsc ? "tsc" : "kernel", "publications",
                  (json_int_t)bench->published, "calls", ROUNDS * BATCH, "clocks", list);

    for (int i = 0; i < CLOCKS; i++)
        json_array_append_new(list,
                              json_pack("{s:s, s:f, s:f, s:f, s:f}", "name", clocks[i].name, "ns",
                                        clocks[i].median_ns, "best_ns", clocks[i].best_ns, "ratio",
                                        clocks[i].median_ratio, "p999_ns", clocks[i].p999_ns));
    json_dumpf(all, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(all);
}

static void tell(const struct bench *bench, const struct clock *clocks, bool json)
{
    struct timevisor_info info;

    timevisor_info(bench->handles[SEGMENT_PLAIN], &info);
    if (json) {
        print_json(bench, clocks, (info.flags & TIMEVISOR_READS_TSC) != 0);
        return;
    }
    print_table(clocks);
    puts(info.flags & TIMEVISOR_READS_TSC
             ? _("\nThe kernel counts by the TSC here, and so does timevisor_now().")
             : _("\nThe kernel does not count by the TSC here: timevisor_now() asks the kernel."));
    puts(_("Medians beside 1000 publications a second; ratio to CLOCK_REALTIME; p99.9 of calls\n"
           "timed one by one, with the reading that times them."));
}

static int run(bool json)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    struct clock *clocks = calloc(CLOCKS, sizeof(*clocks));
    int result = VISOR_CLI_REFUSED;

    if (bench && clocks && make_segments(bench) && open_segments(bench)) {
        const struct clock all[CLOCKS] = {
            {.name = "clock_gettime(CLOCK_REALTIME)", .kernel = CLOCK_REALTIME},
            {.name = "clock_gettime(CLOCK_MONOTONIC)", .kernel = CLOCK_MONOTONIC},
            {.name = "clock_gettime(CLOCK_MONOTONIC_RAW)", .kernel = CLOCK_MONOTONIC_RAW},
            {.name = "timevisor_now()", .handle = bench->handles[SEGMENT_PLAIN]},
            {.name = "timevisor_now() by the kernel's counter",
             .handle = bench->handles[SEGMENT_KERNEL]},
            {.name = "timevisor_now() with a vmclock", .handle = bench->handles[SEGMENT_VMCLOCK]},
        };

        memcpy(clocks, all, sizeof(all));
        measure(clocks);
        if (measure_tail(clocks)) {
            tell(bench, clocks, json);
            result = VISOR_CLI_YES;
        }
    } else {
        fprintf(stderr, _("timevisor bench: no segment could be made: %s\n"), strerror(errno));
    }
    if (bench)
        clean_up(bench);
    free(clocks);
    free(bench);
    return result;
}

static void print_usage(FILE *out)
{
    fputs(_("Usage: timevisor bench clocks [--json]\n"
            "What a reading of the time costs here: the kernel's clocks, and libtimevisor's.\n"
            "Takes about a second, and needs no daemon.\n\n"
            "Exit status: 0 done, 4 no segment could be made.\n"),
          out);
}

int visor_cli_bench(int argc, char **argv)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {0}};
    bool json = false;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'h') {
            print_usage(stdout);
            return VISOR_CLI_YES;
        }
        if (option != 'j') {
            print_usage(stderr);
            return VISOR_CLI_USAGE;
        }
        json = true;
    }
    if (optind + 1 != argc || strcmp(argv[optind], "clocks") != 0) {
        print_usage(stderr);
        return VISOR_CLI_USAGE;
    }
    return run(json);
}
