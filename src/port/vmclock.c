/* Maps the page and looks at it. Its pread() waits in the kernel while the page is being written,
 * so it is only used to make poll() silent again, and only when the page is not. */
#include "port/vmclock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEVICES       4
#define LOOK_NS       (VISOR_NS_PER_S / 4) /* without notifications */
#define TIME_NS       VISOR_NS_PER_S
#define SOON          3 /* readings of the time after a change */
#define SILENCE_TRIES 3
#define STUCK_NS      50000000 /* a write takes microseconds, or a pause of its writer */
#define RETRY_MIN_NS  VISOR_NS_PER_S
#define RETRY_MAX_NS  (64 * VISOR_NS_PER_S)

void visor_vmclock_device_init(struct visor_vmclock_device *device, const char *path)
{
    *device = (struct visor_vmclock_device){.fd = -1, .busy_since = {INT64_MAX}};
    if (path)
        snprintf(device->path, sizeof(device->path), "%s", path);
}

void visor_vmclock_device_done(struct visor_vmclock_device *device)
{
    if (device->page)
        munmap((void *)(uintptr_t)device->page, VISOR_VMCLOCK_PAGE);
    if (device->fd >= 0)
        close(device->fd);
    device->page = NULL;
    device->fd = -1;
    device->notifies = device->silent = device->timed = false;
}

int visor_vmclock_device_fd(const struct visor_vmclock_device *device)
{
    return device->notifies ? device->fd : -1;
}

visor_mono visor_vmclock_device_deadline(const struct visor_vmclock_device *device)
{
    return device->next;
}

static bool fail(struct visor_vmclock_device *device, enum visor_vmclock_state state, int error,
                 visor_mono now)
{
    visor_vmclock_device_done(device);
    device->state = state;
    device->error = -error;
    device->retry_ns = device->retry_ns == 0 ? RETRY_MIN_NS : 2 * device->retry_ns;
    if (device->retry_ns > RETRY_MAX_NS)
        device->retry_ns = RETRY_MAX_NS;
    /* What this machine does not have it will not get: nobody is woken to look for it. */
    device->next = visor_mono_add(now, device->retry_ns);
    if (error == -ENOENT && !device->told)
        device->next.ns = INT64_MAX;
    return false;
}

/* A descriptor of the device, whose path is then known, or -errno. */
static int open_any(struct visor_vmclock_device *device)
{
    int fd = -1;

    if (device->path[0]) {
        fd = open(device->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        return fd < 0 ? -errno : fd;
    }
    for (int i = 0; i < DEVICES && fd < 0; i++) {
        char path[sizeof(device->path)];

        snprintf(path, sizeof(path), "/dev/vmclock%d", i);
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (fd >= 0)
            memcpy(device->path, path, sizeof(path));
        else if (errno != ENOENT)
            return -errno;
    }
    return fd < 0 ? -ENOENT : fd;
}

/* A file must have what is mapped: who reads beyond its end is killed. */
static int map(struct visor_vmclock_device *device)
{
    struct stat status;
    void *page;

    if (fstat(device->fd, &status))
        return -errno;
    if (S_ISREG(status.st_mode) && status.st_size < VISOR_VMCLOCK_PAGE)
        return -EBADMSG;
    page = mmap(NULL, VISOR_VMCLOCK_PAGE, PROT_READ, MAP_SHARED, device->fd, 0);
    if (page == MAP_FAILED)
        return -errno;
    device->page = page;
    return 0;
}

static bool is_written(const struct visor_vmclock_device *device)
{
    const uint32_t *words = device->page;

    return le32toh(__atomic_load_n(&words[VISOR_VMCLOCK_AT_SEQUENCE / 4], __ATOMIC_RELAXED)) & 1;
}

/* Does poll() tell of what has not been read, and of nothing else? Kernels without that say that
 * there is always something to read, or that nobody will tell. */
static void silence(struct visor_vmclock_device *device)
{
    struct pollfd ready = {.fd = device->fd, .events = POLLIN};
    uint32_t sequence;

    device->silent = true;
    device->notifies = false;
    for (int i = 0; i < SILENCE_TRIES && !device->notifies && !is_written(device); i++)
        device->notifies = pread(device->fd, &sequence, sizeof(sequence),
                                 VISOR_VMCLOCK_AT_SEQUENCE) == (ssize_t)sizeof(sequence) &&
                           poll(&ready, 1, 0) == 0;
}

void visor_vmclock_device_readable(struct visor_vmclock_device *device)
{
    device->silent = false;
}

static bool open_device(struct visor_vmclock_device *device, visor_mono now)
{
    int error = open_any(device);

    if (error < 0)
        return fail(device, VISOR_VMCLOCK_ABSENT, error, now);
    device->fd = error;
    error = map(device);
    if (error)
        return fail(device, error == -EBADMSG ? VISOR_VMCLOCK_INVALID : VISOR_VMCLOCK_ABSENT, error,
                    now);
    return true;
}

void visor_vmclock_device_open(struct visor_vmclock_device *device, visor_mono now)
{
    if (!device->page)
        (void)open_device(device, now);
}

/* It is being written. For a moment that is nothing. */
static bool wait_for_writer(struct visor_vmclock_device *device, visor_mono now)
{
    if (device->busy_since.ns == INT64_MAX)
        device->busy_since = now;
    device->notifies = device->silent = false; /* it would tell of it again and again */
    if (visor_mono_diff(now, device->busy_since) >= STUCK_NS)
        device->state = VISOR_VMCLOCK_STUCK;
    device->next = visor_mono_add(now, LOOK_NS);
    return false;
}

static bool tell_marker(struct visor_vmclock_device *device, const struct visor_vmclock *clock,
                        visor_mono now, struct visor_event_witness *witness)
{
    if (device->told && device->marker == clock->marker)
        return false;
    device->soon = device->told ? SOON : device->soon;
    device->told = true;
    device->marker = clock->marker;
    *witness = (struct visor_event_witness){
        .kind = VISOR_WITNESS_VMCLOCK,
        .stamp = {.raw = now, .by = VISOR_STAMPER_DAEMON},
        .marker = clock->marker,
        .independent = true,
    };
    return true;
}

static bool tell_time(struct visor_vmclock_device *device, const struct visor_vmclock *clock,
                      visor_mono now, struct visor_event_witness *witness)
{
    struct visor_tsc_pair pair;
    visor_wall earliest, latest;

    if (visor_mono_before(now, device->time_at) && device->soon == 0)
        return false;
    device->timed = clock->timed && clock->counter == VISOR_VMCLOCK_X86_TSC &&
                    visor_tsc_pair_read(&pair) &&
                    visor_vmclock_time(clock, pair.tsc, &earliest, &latest) &&
                    visor_vmclock_time(clock, pair.tsc + pair.width, &(visor_wall){0}, &latest);
    device->time_at = visor_mono_add(now, TIME_NS);
    device->soon -= device->soon > 0;
    if (!device->timed)
        return false;
    *witness = (struct visor_event_witness){
        .kind = VISOR_WITNESS_VMCLOCK,
        .stamp = {.raw = pair.raw, .by = VISOR_STAMPER_DAEMON},
        .earliest = earliest,
        .latest = latest,
        .marker = clock->marker,
        .independent = true,
    };
    return true;
}

static void plan(struct visor_vmclock_device *device, visor_mono now)
{
    device->next.ns = INT64_MAX;
    if (!device->notifies)
        device->next = visor_mono_add(now, LOOK_NS);
    if (device->timed && visor_mono_before(device->time_at, device->next))
        device->next = device->time_at;
}

bool visor_vmclock_device_look(struct visor_vmclock_device *device, visor_mono now,
                               struct visor_event_witness *witness)
{
    struct visor_vmclock clock;

    if (!device->page && (visor_mono_before(now, device->next) || !open_device(device, now)))
        return false;
    if (!device->silent) /* first, lest a change after the look goes by unseen */
        silence(device);
    switch (visor_vmclock_read(device->page, &clock)) {
    case VISOR_VMCLOCK_OK:
        break;
    case VISOR_VMCLOCK_BUSY:
        return wait_for_writer(device, now);
    case VISOR_VMCLOCK_FOREIGN:
        return fail(device, VISOR_VMCLOCK_INVALID, -EBADMSG, now);
    }
    device->state = VISOR_VMCLOCK_SOUND;
    device->error = 0;
    device->retry_ns = 0;
    device->busy_since.ns = INT64_MAX;
    device->counts = clock.counts;
    device->generation = clock.generation;
    if (tell_marker(device, &clock, now, witness) || tell_time(device, &clock, now, witness))
        return true;
    plan(device, now);
    return false;
}
