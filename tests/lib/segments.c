/* The clock segment under stress; results as TAP.
 *
 *     segments torn READS      readers beside a writer that never rests: no publication is torn
 *     segments killed TIMES    writers killed at random moments: what is read stays whole
 *     segments agree READERS   so many processes read one segment: do their clocks agree?
 *     segments quiet CALLS      the library's functions make no system call
 *     segments serve SECONDS   for other tests: a clock that is 1000 s ahead, and every 0.2 s by
 * 0.1 s less for as long; prints the segment's path
 */
#include "port/clock.h"
#include "port/segment.h"

#include <timevisor/timevisor.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char directory[64], path[96];

static int64_t now_ns(void)
{
    return visor_clock_raw().ns;
}

static void *shared(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED)
        exit(2);
    return memory;
}

static int finish(const char *name, bool good)
{
    printf("%sok 1 - %s\n1..1\n", good ? "" : "not ", name);
    unlink(path);
    rmdir(directory);
    return good ? 0 : 1;
}

/* ---- publications of which every word tells the same number ---- */

static struct visor_segment_snapshot numbered(int64_t number)
{
    return (struct visor_segment_snapshot){
        .trust = VISOR_TRUST_SYNCHRONIZED,
        .tai_offset_s = (int16_t)(number & 0x7fff),
        .raw = {number},
        .utc = {number + 1},
        .rate_ppb = (double)(number & 0xffff),
        .bound_ns = number + 2,
        .growth_ppb = (double)number,
        .until = {number + 1000000000000},
        .tsc = (uint64_t)number,
        .period = (UINT64_C(1) << 47) + ((uint64_t)number & 0xffffffff),
        .tsc_ns = number & 0xffffff,
        .tsc_ppb = (double)(number & 0xfff),
        .epoch = (uint64_t)number + 3,
        .marker = (uint64_t)number + 4,
        .blind_ns = number + 5,
        .since = {number + 6},
        .checked = {number + 7},
        .published = {number + 8},
    };
}

static bool is_whole(const struct visor_segment_snapshot *s)
{
    struct visor_segment_snapshot w = numbered(s->raw.ns);

    return s->tai_offset_s == w.tai_offset_s && s->utc.ns == w.utc.ns &&
           s->rate_ppb == w.rate_ppb && s->bound_ns == w.bound_ns &&
           s->growth_ppb == w.growth_ppb && s->until.ns == w.until.ns && s->tsc == w.tsc &&
           s->period == w.period && s->tsc_ns == w.tsc_ns && s->tsc_ppb == w.tsc_ppb &&
           s->epoch == w.epoch && s->marker == w.marker && s->blind_ns == w.blind_ns &&
           s->since.ns == w.since.ns && s->checked.ns == w.checked.ns &&
           s->published.ns == w.published.ns;
}

/* The short way's words are made of the others. */
static bool is_quick_whole(const struct visor_segment *segment, int64_t *number)
{
    struct visor_segment_quick quick;
    struct visor_segment_interval at;
    struct visor_segment_snapshot w;

    visor_segment_load(segment, &quick);
    if (!visor_segment_reckon(segment, &quick, quick.tsc, &at))
        return true; /* published meanwhile: nothing was taken */
    *number = (int64_t)quick.tsc;
    w = numbered(*number);
    return (int64_t)quick.utc == w.utc.ns && quick.rate >= w.period &&
           quick.rate - w.period <= w.period / 10000 && quick.bound >= (uint64_t)w.bound_ns &&
           quick.bound - (uint64_t)w.bound_ns <= (uint64_t)w.tsc_ns * 2 + 8;
}

/* ---- torn ---- */

struct torn {
    struct visor_segment *segment;
    atomic_bool ended;
    int64_t reads; /* of each reader */
    atomic_llong torn, busy, back, published;
};

static void *write_on(void *argument)
{
    struct torn *torn = argument;
    int64_t number = 1;

    while (!torn->ended) {
        struct visor_segment_snapshot snapshot = numbered(number * 1000003);

        visor_segment_write(torn->segment, &snapshot);
        number++;
    }
    torn->published = number;
    return NULL;
}

static void *read_on(void *argument)
{
    struct torn *torn = argument;
    struct visor_segment_snapshot got;
    int64_t last = 0, number = 0;
    uint64_t sequence;

    for (int64_t i = 0; i < torn->reads; i++) {
        if (i & 1) {
            torn->torn += !is_quick_whole(torn->segment, &number);
        } else {
            enum visor_segment_verdict verdict = visor_segment_read(torn->segment, &got, &sequence);

            torn->busy += verdict == VISOR_SEGMENT_BUSY;
            torn->torn +=
                verdict == VISOR_SEGMENT_WRONG || (verdict == VISOR_SEGMENT_OK && !is_whole(&got));
            number = verdict == VISOR_SEGMENT_OK ? got.raw.ns : number;
        }
        torn->back += number < last;
        last = number;
    }
    return NULL;
}

static int be_torn(int64_t reads)
{
    enum { READERS = 3 };
    struct torn torn = {.segment = shared(VISOR_SEGMENT_SIZE), .reads = reads / READERS + 1};
    const uint64_t boot[2] = {1, 2};
    struct visor_segment_snapshot first = numbered(1);
    pthread_t writer, readers[READERS];
    int64_t began = now_ns();

    visor_segment_init(torn.segment, boot, "");
    visor_segment_write(torn.segment, &first);
    pthread_create(&writer, NULL, write_on, &torn);
    for (int i = 0; i < READERS; i++)
        pthread_create(&readers[i], NULL, read_on, &torn);
    for (int i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    torn.ended = true;
    pthread_join(writer, NULL);
    printf("# %lld reads beside %lld publications in %.1f s: %lld torn, %lld went back, "
           "%lld gave up\n",
           (long long)torn.reads * READERS, (long long)torn.published,
           (double)(now_ns() - began) * 1e-9, (long long)torn.torn, (long long)torn.back,
           (long long)torn.busy);
    return finish("no torn read", torn.torn == 0 && torn.back == 0 && torn.published > 1000 &&
                                      torn.busy < torn.reads / 1000);
}

/* ---- killed ---- */

/* Takes the segment over as a daemon does, then writes until it is killed. */
static void write_until_killed(int ready)
{
    struct visor_segment_file file;
    int64_t number;

    if (visor_segment_open(&file, path, "/nothing"))
        _exit(3);
    number = file.publisher.any ? file.publisher.last.raw.ns : 1000;
    if (write(ready, "", 1) != 1)
        _exit(3);
    for (;;) {
        struct visor_segment_snapshot snapshot = numbered(++number);

        visor_segment_write(file.page, &snapshot);
    }
}

static pid_t start_writer(void)
{
    int ends[2];
    pid_t child;
    char byte;

    if (pipe(ends))
        exit(2);
    child = fork();
    if (child == 0)
        write_until_killed(ends[1]);
    close(ends[1]);
    if (read(ends[0], &byte, 1) != 1)
        exit(2);
    close(ends[0]);
    return child;
}

static const struct visor_segment *map_segment(void)
{
    int fd = open(path, O_RDONLY);
    void *page = mmap(NULL, VISOR_SEGMENT_SIZE, PROT_READ, MAP_SHARED, fd, 0);

    close(fd);
    if (page == MAP_FAILED)
        exit(2);
    return page;
}

static int be_killed(int64_t times)
{
    const struct visor_segment *segment = NULL;
    struct visor_segment_snapshot got;
    int64_t last = 0, bad = 0, half = 0, empty = 0, whole = 0;
    uint64_t sequence;

    srand(1);
    for (int64_t i = 0; i < times; i++) {
        pid_t child = start_writer();
        struct timespec rest = {.tv_nsec = 1000 + rand() % 300000};
        enum visor_segment_verdict verdict;

        nanosleep(&rest, NULL);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        if (!segment)
            segment = map_segment();
        half += (int64_t)((segment->slots[0][0] | segment->slots[1][0]) & 1);
        verdict = visor_segment_read(segment, &got, &sequence);
        if (verdict == VISOR_SEGMENT_EMPTY && last == 0) {
            empty++;
            continue;
        }
        whole += verdict == VISOR_SEGMENT_OK;
        bad += verdict != VISOR_SEGMENT_OK || !is_whole(&got) || got.raw.ns < last;
        last = got.raw.ns;
    }
    printf("# %lld writers killed, %lld of them half-way through; %lld publications, %lld bad "
           "readings\n",
           (long long)times, (long long)half, (long long)last - 1000, (long long)bad);
    return finish("valid right after a writer was killed",
                  bad == 0 && half > 0 && whole + empty == times && whole > times / 2);
}

/* ---- agree ---- */

#define NEAR_NS    240 /* both within this of a third: within 500 of one another */
#define APART_NS   500
#define COMPARE_NS 100000000 /* given to it at most */

/* One reader asks (`ping`), the other one answers with its time. */
struct table {
    atomic_int turn, answered; /* number of the round, of the answer */
    _Atomic int64_t answer;
    atomic_int ended;
    atomic_bool apart; /* it is in a time namespace */
};

static int64_t middle_of(timevisor *handle, int64_t *width)
{
    struct timevisor_interval now;

    timevisor_now(handle, &now);
    if (now.status != TIMEVISOR_SYNCHRONIZED)
        exit(4);
    *width = now.latest_ns - now.earliest_ns;
    return now.earliest_ns + *width / 2;
}

/* The next child has a counter of its own, as in a container; false: without the right to do so. */
static bool enter_namespace(void)
{
    static const char offset[] = "monotonic 4000 7\n";
    int fd;
    bool entered;

    if (unshare(CLONE_NEWTIME))
        return false;
    fd = open("/proc/self/timens_offsets", O_WRONLY);
    entered = fd >= 0 && write(fd, offset, sizeof(offset) - 1) == (ssize_t)sizeof(offset) - 1;
    close(fd);
    return entered;
}

static void answer(struct table *table, bool apart)
{
    int round = 0, status = 3;
    timevisor *handle;
    int64_t width;

    if (apart && enter_namespace()) {
        pid_t child = fork();

        if (child > 0) {
            waitpid(child, &status, 0);
            _exit(WEXITSTATUS(status));
        }
        table->apart = true;
    }
    handle = timevisor_open(path);
    if (!handle)
        _exit(3);
    table->answered = 0;
    while (!table->ended) {
        for (int spins = 1; table->turn == round && !table->ended; spins++)
            if (spins % 1000 == 0)
                sched_yield();
        round = table->turn;
        table->answer = middle_of(handle, &width);
        table->answered = round;
    }
    _exit(0);
}

/* Bounds of the other's clock against ours, ns: narrower with every round. */
static bool compare(timevisor *handle, struct table *table, int64_t *least, int64_t *most)
{
    int64_t began = now_ns();

    *least = INT64_MIN;
    *most = INT64_MAX;
    for (int round = 1; now_ns() - began < COMPARE_NS; round++) {
        int64_t width, before = middle_of(handle, &width), after, other;

        table->turn = round;
        for (int spins = 1; table->answered != round; spins++)
            if (spins % 1000 == 0)
                sched_yield();
        other = table->answer;
        after = middle_of(handle, &width);
        *least = other - after > *least ? other - after : *least;
        *most = other - before < *most ? other - before : *most;
        if (*least > -NEAR_NS && *most < NEAR_NS)
            return true;
    }
    return false;
}

/* The daemon: the same line over and over, its TSC mapped anew every time. */
static void *publish_on(void *argument)
{
    static struct visor_segment_file file;
    struct table *table = argument;
    struct visor_reading now;
    struct timespec rest = {.tv_nsec = 1000000};

    if (visor_clock_read_kernel(&now) || visor_segment_open(&file, path, "/nothing"))
        exit(2);
    for (;;) {
        struct visor_view view = {.version = 1,
                                  .trust = VISOR_TRUST_SYNCHRONIZED,
                                  .raw = now.raw,
                                  .utc = now.real,
                                  .rate_ppb = 12345.0,
                                  .bound_ns = 50000,
                                  .growth_ppb = 1000.0,
                                  .verified = now.raw};

        visor_segment_publish(&file, &view, visor_clock_raw());
        table->answered = 1;
        if (table->ended)
            return NULL;
        nanosleep(&rest, NULL);
    }
}

/* What is known of all readers' clocks against the first's. */
struct spread {
    int64_t least, most;                /* none is surely outside */
    int64_t highest_least, lowest_most; /* one is surely above, one surely below */
    int near;                           /* surely within NEAR_NS */
    int apart;                          /* in time namespaces */
};

static void compare_one(timevisor *handle, struct table *table, bool apart, struct spread *spread)
{
    int64_t low, high;
    pid_t child;

    *table = (struct table){.answered = -1};
    child = fork();
    if (child == 0)
        answer(table, apart);
    while (table->answered < 0)
        sched_yield();
    spread->near += compare(handle, table, &low, &high);
    spread->apart += table->apart;
    table->ended = 1;
    waitpid(child, NULL, 0);
    spread->least = low < spread->least ? low : spread->least;
    spread->most = high > spread->most ? high : spread->most;
    spread->highest_least = low > spread->highest_least ? low : spread->highest_least;
    spread->lowest_most = high < spread->lowest_most ? high : spread->lowest_most;
}

static int agree(int readers)
{
    struct table *table = shared(sizeof(*table)), *daemon = shared(sizeof(*daemon));
    struct spread spread = {INT64_MAX, INT64_MIN, INT64_MIN, INT64_MAX, 0, 0};
    pthread_t publisher;
    timevisor *handle;

    pthread_create(&publisher, NULL, publish_on, daemon);
    while (!daemon->answered)
        sched_yield();
    usleep(300000); /* the TSC's rate is learnt meanwhile */
    handle = timevisor_open(path);
    if (!handle)
        return finish(timevisor_strerror(errno), false);
    for (int i = 1; i < readers; i++)
        compare_one(handle, table, i % 2, &spread);
    daemon->ended = 1;
    pthread_join(publisher, NULL);
    printf("# %d readers, %d of them in time namespaces: each within [%lld, %lld] ns of the first; "
           "%d surely within %d ns\n",
           readers, spread.apart, (long long)spread.least, (long long)spread.most, spread.near,
           NEAR_NS);
    timevisor_close(handle);
    /* How narrowly it can be known is the machine's business; that two differ is ours. */
    return finish("readers of one segment agree",
                  spread.highest_least <= APART_NS && spread.lowest_most >= -APART_NS &&
                      spread.highest_least - spread.lowest_most <= APART_NS);
}

/* ---- quiet ---- */

/* Kills whoever makes any system call but the one by which a process ends. */
static bool forbid_calls(void)
{
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    };
    struct sock_fprog filter = {.len = sizeof(program) / sizeof(program[0]), .filter = program};

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

static void call_everything(timevisor *handle, int64_t times)
{
    struct timevisor_interval now;
    struct timevisor_stamp from, to;
    struct timevisor_duration duration;
    struct timevisor_info info;
    char text[TIMEVISOR_FORMAT_MAX];
    uint64_t clock = 0, stamp;

    for (int64_t i = 0; i < times; i++) {
        timevisor_now(handle, &now);
        timevisor_after(handle, 0);
        timevisor_before(handle, 0);
        timevisor_stamp(handle, &from);
        timevisor_stamp(handle, &to);
        timevisor_confirm(handle, &from);
        timevisor_convert(handle, &from, &now);
        timevisor_convert_raw(handle, from.raw_ns, &now);
        timevisor_elapsed(handle, &from, &to, &duration);
        timevisor_monotonic(handle);
        timevisor_hlc_now(handle, &clock, &stamp);
        timevisor_hlc_receive(handle, &clock, stamp, 0, &stamp);
        timevisor_format(now.earliest_ns, 480, text, sizeof(text));
        timevisor_info(handle, &info);
    }
}

/* Status of a process that calls all, and then, if wished, what is forbidden. */
static int status_of_child(timevisor *handle, int64_t times, bool forbidden)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        if (!forbid_calls())
            _exit(9);
        call_everything(handle, times);
        if (forbidden)
            getppid();
        _exit(7);
    }
    waitpid(child, &status, 0);
    return status;
}

static int be_quiet(int64_t times)
{
    struct table *daemon = shared(sizeof(*daemon));
    pthread_t publisher;
    int quiet, caught;
    timevisor *handle;

    pthread_create(&publisher, NULL, publish_on, daemon);
    while (!daemon->answered)
        sched_yield();
    usleep(300000);
    handle = timevisor_open(path);
    if (!handle)
        return finish(timevisor_strerror(errno), false);
    quiet = status_of_child(handle, times, false);
    caught = status_of_child(handle, 1, true);
    daemon->ended = 1;
    pthread_join(publisher, NULL);
    timevisor_close(handle);
    if (WIFEXITED(quiet) && WEXITSTATUS(quiet) == 9) {
        printf("ok 1 - no system call # SKIP it cannot be forbidden here\n1..1\n");
        return 0;
    }
    return finish("no system call",
                  WIFEXITED(quiet) && WEXITSTATUS(quiet) == 7 && WIFSIGNALED(caught));
}

/* ---- serve ---- */

static int serve(int64_t seconds)
{
    struct visor_segment_file file;
    int64_t began = now_ns();
    bool less = false;

    if (visor_segment_open(&file, path, "/nothing"))
        return 1;
    while (now_ns() - began < seconds * VISOR_NS_PER_S) {
        struct visor_reading now;
        struct visor_view view;

        visor_clock_read_kernel(&now);
        view = (struct visor_view){
            .version = 1,
            .trust = VISOR_TRUST_SYNCHRONIZED,
            .raw = now.raw,
            .utc = visor_wall_add(now.real, INT64_C(1000000000000) - (less ? 100000000 : 0)),
            .bound_ns = 1000,
            .verified = now.raw,
            .tai_offset_s = 37};
        visor_segment_publish(&file, &view, now.raw);
        if (puts(path) < 0 || fflush(stdout))
            break;
        less = !less;
        usleep(100000);
    }
    visor_segment_close(&file);
    unlink(path);
    rmdir(directory);
    return 0;
}

int main(int argc, char **argv)
{
    int64_t count = argc == 3 ? strtoll(argv[2], NULL, 10) : 0;

    strcpy(directory, "/tmp/visor-segments-XXXXXX");
    if (count < 2 || !mkdtemp(directory)) {
        fprintf(stderr, "segments torn|killed|agree|quiet|serve COUNT\n");
        return 2;
    }
    snprintf(path, sizeof(path), "%s/clock", directory);
    if (!strcmp(argv[1], "torn"))
        return be_torn(count);
    if (!strcmp(argv[1], "killed"))
        return be_killed(count);
    if (!strcmp(argv[1], "quiet"))
        return be_quiet(count);
    if (!strcmp(argv[1], "serve"))
        return serve(count);
    return agree((int)count);
}
