/* One look at the segment and the counter together, the short way and at length; and the time now,
 * which must cost no more than asking the kernel. */
#include "lib/handle.h"

#include "wire/vmclock.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

_Static_assert((int)TIMEVISOR_UNKNOWN == VISOR_TRUST_UNKNOWN &&
                   (int)TIMEVISOR_SYNCHRONIZED == VISOR_TRUST_SYNCHRONIZED &&
                   (int)TIMEVISOR_HOLDOVER == VISOR_TRUST_HOLDOVER &&
                   (int)TIMEVISOR_DISRUPTED == VISOR_TRUST_DISRUPTED,
               "the segment's numbers are the library's");

#define TRIES         8 /* to read the counter while the publication stays the same */
#define LOOK_EVERY_NS VISOR_NS_PER_S

/* ---- the counter ---- */

static visor_mono read_raw(const struct timevisor *handle)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC_RAW, &now);
    return (visor_mono){now.tv_sec * VISOR_NS_PER_S + now.tv_nsec - handle->offset_ns};
}

#ifdef __x86_64__
#define HAS_TSC 1

/* After all that was read before it. */
static inline uint64_t read_tsc(void)
{
    __builtin_ia32_lfence();
    return __builtin_ia32_rdtsc();
}

static inline void finish(void)
{
    __builtin_ia32_lfence();
}

/* 0, but neither compiler nor processor knows before the TSC was read: what is loaded from an
 * address that this was added to is loaded afterwards. It costs less than a fence. */
static inline uint64_t nothing_of(uint64_t tsc)
{
    __asm__("and $0, %0" : "+r"(tsc) : : "cc");
    return tsc;
}
#else
#define HAS_TSC 0

static inline uint64_t read_tsc(void)
{
    return 0;
}

static inline void finish(void)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static inline uint64_t nothing_of(uint64_t tsc)
{
    return tsc & 0;
}
#endif

/* Is the mapped TSC the kernel's counter, in this process? Asked once a file. */
static bool agrees(const struct timevisor *handle, const struct visor_segment_snapshot *snapshot)
{
    visor_mono before, after, raw;
    int64_t error_ns, more_ns;
    uint64_t first = read_tsc(), second;

    raw = read_raw(handle);
    second = read_tsc();
    return visor_segment_tsc(snapshot, first, &before, &error_ns) &&
           visor_segment_tsc(snapshot, second, &after, &more_ns) &&
           visor_mono_diff(before, raw) <= error_ns && visor_mono_diff(raw, after) <= more_ns;
}

static inline bool use_tsc(struct timevisor *handle, struct visor_handle_file *file,
                           const struct visor_segment_snapshot *snapshot)
{
    if (!HAS_TSC || snapshot->period == 0)
        return false;
    if (!atomic_load_explicit(&file->tsc, memory_order_relaxed)) {
        if (!agrees(handle, snapshot))
            return false;
        atomic_store_explicit(&file->tsc, true, memory_order_relaxed);
    }
    /* also where somebody has just put the page of the former file there */
    if (atomic_load_explicit(&handle->quick, memory_order_relaxed) != file->page) {
        atomic_store_explicit(&handle->quick_vmclock, file->vmclock, memory_order_relaxed);
        atomic_store_explicit(&handle->quick, file->page, memory_order_release);
    }
    return true;
}

/* Nothing was published for long. One of the callers looks, now and then; nobody waits for it. */
/* False: a thread of ours is at it, perhaps the one whose signal handler we are. One of the process
 * that we were forked from has not come with us. */
static bool may_look(struct timevisor *handle)
{
    int32_t self = (int32_t)getpid(), looking = atomic_load(&handle->looking);

    return looking != self && atomic_compare_exchange_strong(&handle->looking, &looking, self);
}

static void look_for_another(struct timevisor *handle, visor_mono now)
{
    int before = errno;

    if (now.ns < atomic_load_explicit(&handle->look_at, memory_order_relaxed) || !may_look(handle))
        return;
    atomic_store_explicit(&handle->look_at, now.ns + LOOK_EVERY_NS, memory_order_relaxed);
    visor_handle_move_on(handle);
    atomic_store(&handle->looking, 0);
    errno = before;
}

/* ---- one look ---- */

static inline void read_counter(struct timevisor *handle, struct visor_handle_file *file,
                                struct visor_handle_look *look)
{
    look->tsc = use_tsc(handle, file, &look->snapshot) &&
                visor_segment_tsc(&look->snapshot, read_tsc(), &look->raw, &look->error_ns);
    if (look->tsc)
        return;
    look->raw = read_raw(handle);
    look->error_ns = 1;
}

/* The marker is read after the counter: whatever it vouches for came before. */
static bool has_moved(const void *vmclock, uint64_t before)
{
    uint64_t marker;

    finish();
    return visor_vmclock_marker(vmclock, &marker) != VISOR_VMCLOCK_OK || marker != before;
}

static bool look_at(struct timevisor *handle, struct visor_handle_look *look)
{
    struct visor_handle_file *file = atomic_load_explicit(&handle->file, memory_order_acquire);
    uint64_t sequence;
    int tries = 0;

    do {
        if (visor_segment_read(file->page, &look->snapshot, &sequence) != VISOR_SEGMENT_OK)
            return false;
        read_counter(handle, file, look);
    } while (!visor_segment_current(file->page, sequence) && ++tries < TRIES);
    look->trust = look->snapshot.trust;
    if (look->snapshot.marked && file->vmclock && has_moved(file->vmclock, look->snapshot.marker))
        look->trust = VISOR_TRUST_DISRUPTED;
    return true;
}

bool visor_handle_look(struct timevisor *handle, struct visor_handle_look *look)
{
    bool found = look_at(handle, look);

    if (found && !visor_mono_before(look->snapshot.until, look->raw))
        return true;
    look_for_another(handle, found ? look->raw : read_raw(handle));
    if (look_at(handle, look))
        return true;
    *look = (struct visor_handle_look){.raw = read_raw(handle), .error_ns = 1};
    return false;
}

void visor_handle_interval(const struct visor_handle_look *look, visor_mono raw, int64_t error_ns,
                           struct visor_segment_interval *interval)
{
    if (look->trust == VISOR_TRUST_UNKNOWN || look->trust == VISOR_TRUST_DISRUPTED) {
        *interval = (struct visor_segment_interval){{INT64_MIN}, {INT64_MAX}, look->trust};
        return;
    }
    visor_segment_at(&look->snapshot, raw, error_ns, interval);
}

uint64_t visor_handle_boot(const struct timevisor *handle)
{
    return handle->first.page->boot[0];
}

visor_mono visor_handle_raw(const struct timevisor *handle, int64_t raw_ns)
{
    return (visor_mono){visor_ns_diff(raw_ns, handle->offset_ns)};
}

int64_t visor_handle_forward(struct timevisor *handle, int64_t ns)
{
    int64_t told = atomic_load_explicit(&handle->monotonic_ns, memory_order_relaxed);

    while (told < ns && !atomic_compare_exchange_weak(&handle->monotonic_ns, &told, ns))
        ;
    return told < ns ? ns : told;
}

uint32_t visor_handle_flags(const struct timevisor *handle, const struct visor_handle_look *look)
{
    const struct visor_handle_file *file = atomic_load(&handle->file);

    return (look->tsc ? TIMEVISOR_READS_TSC : 0u) |
           (file->page->device[0] ? TIMEVISOR_HAS_VMCLOCK : 0u) |
           (look->snapshot.marked && file->vmclock ? TIMEVISOR_WATCHES_VMCLOCK : 0u);
}

/* ---- the time now ---- */

/* By the kernel's counter, where there is nothing else to be found out. */
static bool now_by_kernel(timevisor *handle, struct visor_segment_interval *interval)
{
    const struct visor_handle_file *file =
        atomic_load_explicit(&handle->file, memory_order_acquire);
    struct visor_segment_snapshot line;
    uint64_t sequence;
    visor_mono raw;

    if (visor_segment_read_line(file->page, &line, &sequence) != VISOR_SEGMENT_OK ||
        (HAS_TSC && line.period != 0))
        return false;
    raw = read_raw(handle);
    if (raw.ns > line.until.ns || !visor_segment_current(file->page, sequence))
        return false;
    if (line.marked && file->vmclock && has_moved(file->vmclock, line.marker))
        line.trust = VISOR_TRUST_DISRUPTED;
    visor_segment_at(&line, raw, 1, interval);
    return true;
}

static __attribute__((noinline)) int now_at_length(timevisor *handle,
                                                   struct timevisor_interval *now)
{
    struct visor_handle_look look;
    struct visor_segment_interval interval = {{INT64_MIN}, {INT64_MAX}, VISOR_TRUST_UNKNOWN};

    if (!now_by_kernel(handle, &interval) && visor_handle_look(handle, &look))
        visor_handle_interval(&look, look.raw, look.error_ns, &interval);
    return visor_handle_tell(&interval, now);
}

/* The marker is within the publication that reckon() finds to be whole. */
static inline bool quick_is_still(const timevisor *handle, const struct visor_segment_quick *quick,
                                  uint64_t tsc)
{
    const char *vmclock = atomic_load_explicit(&handle->quick_vmclock, memory_order_relaxed);
    uint64_t marker = __atomic_load_n(&quick->slot[VISOR_SEGMENT_MARKER], __ATOMIC_RELAXED);

    return !vmclock || visor_vmclock_is_still(vmclock + nothing_of(tsc), marker);
}

int timevisor_now(timevisor *handle, struct timevisor_interval *now)
{
    const struct visor_segment *page = atomic_load_explicit(&handle->quick, memory_order_acquire);
    struct visor_segment_interval interval;
    struct visor_segment_quick quick;
    uint64_t tsc;

    if (!HAS_TSC || !page)
        return now_at_length(handle, now);
    visor_segment_load(page, &quick);
    tsc = read_tsc();
    if (quick.kind & VISOR_SEGMENT_MARKED && !quick_is_still(handle, &quick, tsc))
        return now_at_length(handle, now);
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    if (!visor_segment_reckon(page, &quick, tsc, &interval))
        return now_at_length(handle, now);
    return visor_handle_tell(&interval, now);
}
