/* The segment's file, the writer's lock, and what else goes into a publication: the TSC's line and
 * the vmclock marker. */
#include "port/segment.h"

#include "port/file.h"
#include "wire/vmclock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEARTBEAT_NS (16 * VISOR_NS_PER_S)
#define LOOK_NS      (4 * VISOR_NS_PER_S) /* at what may have changed behind our back */
#define WARM_UP_NS   VISOR_NS_PER_S       /* while the TSC's rate is still being learnt */
#define WARM_PPB     20.0
#define STUCK_NS     (5 * VISOR_NS_PER_S) /* of a write that takes microseconds, or a pause */
#define BUSY_LOOK_NS VISOR_NS_PER_S
#define BOOT_ID      "/proc/sys/kernel/random/boot_id"
#define TIMENS       "/proc/self/timens_offsets"

/* ---- what the machine tells ---- */

static ssize_t read_small(const char *path, char *text, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got;

    if (fd < 0)
        return -1;
    got = read(fd, text, size);
    close(fd);
    return got;
}

static int read_boot(uint64_t boot[2])
{
    char text[64];
    ssize_t got = read_small(BOOT_ID, text, sizeof(text));

    return got > 0 && visor_segment_read_boot(text, (size_t)got, boot) ? 0 : -ENOSYS;
}

/* Our own time namespace's offset; 0 where the kernel has none. */
static int64_t read_timens(void)
{
    char text[128];
    ssize_t got = read_small(TIMENS, text, sizeof(text));
    int64_t offset_ns = 0;

    if (got > 0)
        visor_segment_read_timens(text, (size_t)got, &offset_ns);
    return offset_ns;
}

/* A file must have what is mapped: who reads beyond its end is killed. */
static void map_vmclock(struct visor_segment_file *file, const char *device)
{
    int fd = open(device, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    void *page = MAP_FAILED;

    if (fd < 0)
        return;
    if (fstat(fd, &status) == 0 &&
        (!S_ISREG(status.st_mode) || status.st_size >= VISOR_VMCLOCK_PAGE))
        page = mmap(NULL, VISOR_VMCLOCK_PAGE, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (page == MAP_FAILED)
        return;
    if (visor_vmclock_check(page, VISOR_VMCLOCK_PAGE) != VISOR_VMCLOCK_OK) {
        munmap(page, VISOR_VMCLOCK_PAGE);
        return;
    }
    (void)visor_vmclock_marker(page, &file->marker); /* also while it is being written */
    file->vmclock = page;
    snprintf(file->device, sizeof(file->device), "%s", device);
}

/* It may come later than we, when its driver is loaded. */
static void seek_vmclock(struct visor_segment_file *file)
{
    if (file->wanted && file->wanted[0])
        map_vmclock(file, file->wanted);
    for (int i = 0; i < 4 && !file->wanted && !file->vmclock; i++) {
        char device[32];

        snprintf(device, sizeof(device), "/dev/vmclock%d", i);
        map_vmclock(file, device);
    }
}

/* ---- the file ---- */

static bool is_ours(const struct stat *status)
{
    return S_ISREG(status->st_mode) && (status->st_uid == geteuid() || status->st_uid == 0) &&
           !(status->st_mode & (S_IWGRP | S_IWOTH)) && status->st_size == VISOR_SEGMENT_SIZE;
}

/* The segment that is there, mapped; NULL: none that can be gone on with. */
static struct visor_segment *open_existing(struct visor_segment_file *file)
{
    int fd = open(file->path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    struct stat status;
    void *page;

    if (fd < 0)
        return NULL;
    if (fstat(fd, &status) || !is_ours(&status)) {
        close(fd);
        return NULL;
    }
    page = mmap(NULL, VISOR_SEGMENT_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED) {
        close(fd);
        return NULL;
    }
    file->fd = fd;
    return page;
}

static void drop(struct visor_segment_file *file)
{
    if (file->page)
        munmap(file->page, VISOR_SEGMENT_SIZE);
    if (file->fd >= 0)
        close(file->fd);
    file->page = NULL;
    file->fd = -1;
    file->owned = false;
}

/* What was published is told by this kernel since it started. */
static bool read_former(const struct visor_segment_file *file,
                        struct visor_segment_snapshot *former)
{
    uint64_t sequence;

    return file->page && visor_segment_check(file->page, VISOR_SEGMENT_SIZE) == VISOR_SEGMENT_OK &&
           memcmp(file->page->boot, file->boot, sizeof(file->boot)) == 0 &&
           visor_segment_read(file->page, former, &sequence) == VISOR_SEGMENT_OK;
}

static bool can_be_continued(const struct visor_segment_file *file)
{
    return file->page && visor_segment_check(file->page, VISOR_SEGMENT_SIZE) == VISOR_SEGMENT_OK &&
           memcmp(file->page->boot, file->boot, sizeof(file->boot)) == 0 &&
           strcmp(file->page->device, file->device) == 0;
}

/* A new file with what was published so far, put in the place of the old one. */
static int make(struct visor_segment_file *file, const struct visor_segment_snapshot *former)
{
    _Alignas(64) char page[VISOR_SEGMENT_SIZE];
    struct visor_segment *segment = (struct visor_segment *)page;
    int error;

    visor_segment_init(segment, file->boot, file->device);
    if (former)
        visor_segment_write(segment, former);
    error = visor_file_replace(file->path, page, sizeof(page), 0644);
    if (error)
        return error;
    file->page = open_existing(file);
    if (!file->page)
        return -EIO;
    fchmod(file->fd, 0644); /* whatever our umask is */
    return 0;
}

static bool lock(const struct visor_segment_file *file)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    return fcntl(file->fd, F_OFD_SETLK, &whole) == 0;
}

/* The file at the path is still the one that we have open. */
static bool in_place(const struct visor_segment_file *file)
{
    struct stat ours, there;

    return fstat(file->fd, &ours) == 0 && stat(file->path, &there) == 0 &&
           ours.st_ino == there.st_ino && ours.st_dev == there.st_dev;
}

/* With the lock in hand: goes on from what is there, or makes it anew. */
static int take(struct visor_segment_file *file)
{
    struct visor_segment_snapshot former;
    bool any = read_former(file, &former);
    int error = 0;

    if (!can_be_continued(file)) {
        drop(file);
        error = make(file, any ? &former : NULL);
        if (!error && !lock(file))
            error = -EAGAIN;
        if (error)
            return error;
    }
    visor_segment_publisher_init(&file->publisher, any ? &former : NULL);
    file->publisher.shift_ns = -read_timens();
    file->owned = true;
    return 0;
}

static int acquire(struct visor_segment_file *file)
{
    int error = 0;

    if (!file->page || !in_place(file)) {
        drop(file);
        file->page = open_existing(file);
    }
    if (!file->page)
        error = make(file, NULL);
    if (error)
        return error;
    return lock(file) ? take(file) : -EAGAIN;
}

int visor_segment_open(struct visor_segment_file *file, const char *path, const char *vmclock)
{
    int error;

    *file = (struct visor_segment_file){.fd = -1, .blind_ns = VISOR_NS_MAX, .busy_ns = -1};
    file->moved.ns = file->look_at.ns = INT64_MIN;
    if (snprintf(file->path, sizeof(file->path), "%s", path) >= (int)sizeof(file->path))
        return -ENAMETOOLONG;
    error = read_boot(file->boot);
    if (!error)
        error = visor_file_make_parent(path);
    if (error)
        return error;
    file->wanted = vmclock;
    seek_vmclock(file);
    visor_tsc_init(&file->tsc);
    error = acquire(file);
    if (error && error != -EAGAIN)
        visor_segment_close(file);
    return error;
}

void visor_segment_close(struct visor_segment_file *file)
{
    drop(file);
    visor_tsc_done(&file->tsc);
    if (file->vmclock)
        munmap((void *)(uintptr_t)file->vmclock, VISOR_VMCLOCK_PAGE);
    file->vmclock = NULL;
    file->path[0] = '\0';
}

/* ---- publishing ---- */

/* While the vmclock page is being written, a move may be under way. One that stays so has lost its
 * writer: it says nothing any more, and there is no marker until it can be read again. */
static bool is_stuck(struct visor_segment_file *file, bool busy, visor_mono now)
{
    const struct visor_segment_publisher *publisher = &file->publisher;
    int64_t passed = visor_mono_diff(now, file->busy_at);

    if (!busy)
        file->busy_ns = -1;
    else if (file->busy_ns < 0) /* where no reader has relied on it yet, there is no need to wait */
        file->busy_ns = publisher->own || publisher->last.marked ? 0 : STUCK_NS;
    else
        file->busy_ns += passed < BUSY_LOOK_NS ? passed : BUSY_LOOK_NS; /* a pause is no wait */
    file->busy_at = now;
    if (busy)
        file->due = visor_mono_add(now, BUSY_LOOK_NS);
    return file->busy_ns >= STUCK_NS;
}

/* The hypervisor has moved the machine: what was measured before is void until it was measured
 * again, whatever the engine knows of it yet. */
static void heed_vmclock(struct visor_segment_file *file, struct visor_view *view, visor_mono now)
{
    const struct visor_segment_snapshot *last = &file->publisher.last;
    uint64_t marker = 0;
    bool busy;

    if (!file->vmclock)
        return;
    busy = visor_vmclock_marker(file->vmclock, &marker) != VISOR_VMCLOCK_OK;
    file->marked = !is_stuck(file, busy, now);
    if ((busy && file->marked) || marker != file->marker)
        file->moved = now;
    if (file->publisher.any && (last->marked || last->marker != 0) && marker != last->marker)
        file->publisher.disturbed = true;
    file->marker = marker;
    if (visor_mono_before(view->verified, file->moved) || view->verified.ns == file->moved.ns) {
        view->trust = VISOR_TRUST_DISRUPTED;
        view->bound_ns = VISOR_NS_MAX;
    }
}

static void add_tsc(struct visor_segment_file *file, struct visor_segment_snapshot *snapshot)
{
    struct visor_tsc_line line;

    if (file->tsc.period == 0)
        return;
    line = visor_tsc_line_at(&file->tsc, visor_mono_add(snapshot->raw, -file->publisher.shift_ns));
    snapshot->tsc = line.tsc;
    snapshot->period = line.period;
    snapshot->tsc_ns = line.error_ns;
    snapshot->tsc_ppb = line.growth_ppb;
}

/* These system calls cost as much as all else that a publication does. After a disruption, and
 * while the TSC's rate is being learnt, they are worth it. */
static int look(struct visor_segment_file *file, const struct visor_view *view, visor_mono now)
{
    int error = 0;

    if (file->owned && visor_mono_before(now, file->look_at) && view->epoch == file->epoch)
        return 0;
    if (!file->vmclock)
        seek_vmclock(file);
    if (!file->owned || !in_place(file))
        error = acquire(file);
    else if (!can_be_continued(file)) /* readers learn of the device by another file */
        error = take(file);
    if (error)
        return error;
    visor_tsc_look(&file->tsc);
    file->epoch = view->epoch;
    file->look_at = visor_mono_add(now, LOOK_NS);
    return 0;
}

/* Not later than was planned, however often is published. */
static void look_soon(struct visor_segment_file *file, visor_mono at)
{
    if (visor_mono_before(at, file->look_at))
        file->look_at = at;
    if (visor_mono_before(file->look_at, file->due))
        file->due = file->look_at;
}

int visor_segment_publish(struct visor_segment_file *file, const struct visor_view *view,
                          visor_mono now)
{
    struct visor_view told = *view;
    struct visor_segment_snapshot *next = &file->publisher.last;
    int error;

    if (!file->path[0])
        return 0;
    file->due = visor_mono_add(now, HEARTBEAT_NS);
    error = look(file, view, now);
    if (error)
        return error;
    heed_vmclock(file, &told, now);
    if (!visor_segment_publisher_next(&file->publisher, &told, now))
        return 0;
    add_tsc(file, next);
    if (file->tsc.any && (next->period == 0 || next->tsc_ppb > WARM_PPB))
        look_soon(file, visor_mono_add(now, WARM_UP_NS));
    next->blind_ns = file->blind_ns;
    next->marked = file->marked;
    next->marker = file->marker;
    visor_segment_write(file->page, next);
    return 0;
}
