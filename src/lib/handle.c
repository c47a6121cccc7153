/* Opens segments, and the next one when a daemon has put another in its place. The handle then maps
 * that one, too, and moves on; what it had mapped before stays mapped until it is closed, since
 * other threads, or the code that a signal handler has interrupted, may be reading it. Who moves on
 * may be a signal handler itself, so what is noted of the files is in pages from mmap(). */
#include "lib/handle.h"

#include "wire/vmclock.h"
#include <timevisor/timevisor.h>

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#define BOOT_ID "/proc/sys/kernel/random/boot_id"
#define TMPFS   0x01021994
#define RAMFS   0x858458f6
#define SPARES  4096 /* bytes: a page */

/* ---- opening ---- */

/* Who could deceive us is nobody who could not do so anyway. */
static bool is_trusted(const char *path, const struct stat *status)
{
    char directory[VISOR_HANDLE_PATH];
    char *slash;
    struct stat above;

    if (status->st_mode & (S_IWGRP | S_IWOTH))
        return false;
    if (status->st_uid == 0 || status->st_uid == geteuid())
        return true;
    strcpy(directory, path);
    slash = strrchr(directory, '/');
    if (!slash)
        strcpy(directory, ".");
    else
        slash[slash == directory] = '\0';
    return stat(directory, &above) == 0 && above.st_uid == status->st_uid;
}

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

/* A file in memory does not outlive the machine's run; any other tells which run it is of. */
static bool is_of_this_boot(int fd, const struct visor_segment *page)
{
    struct statfs system;
    uint64_t boot[2];
    char text[64];
    ssize_t got;

    if (fstatfs(fd, &system) == 0 && (system.f_type == TMPFS || system.f_type == RAMFS))
        return true;
    got = read_small(BOOT_ID, text, sizeof(text));
    return got > 0 && visor_segment_read_boot(text, (size_t)got, boot) &&
           memcmp(boot, page->boot, sizeof(boot)) == 0;
}

/* 0 or an errno of timevisor_open(). */
static int judge(int fd, const struct visor_segment *page)
{
    switch (visor_segment_check(page, VISOR_SEGMENT_SIZE)) {
    case VISOR_SEGMENT_OK:
        return is_of_this_boot(fd, page) ? 0 : ESTALE;
    case VISOR_SEGMENT_VERSION_DIFFERS:
        return EPROTONOSUPPORT;
    default:
        return EPROTO;
    }
}

static const void *map_vmclock(const char *device)
{
    int fd = device[0] ? open(device, O_RDONLY | O_CLOEXEC) : -1;
    struct stat status;
    void *page = MAP_FAILED;

    if (fd < 0)
        return NULL;
    if (fstat(fd, &status) == 0 &&
        (!S_ISREG(status.st_mode) || status.st_size >= VISOR_VMCLOCK_PAGE))
        page = mmap(NULL, VISOR_VMCLOCK_PAGE, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (page == MAP_FAILED)
        return NULL;
    if (visor_vmclock_check(page, VISOR_VMCLOCK_PAGE) == VISOR_VMCLOCK_OK)
        return page;
    munmap(page, VISOR_VMCLOCK_PAGE);
    return NULL;
}

static int map_page(int fd, const char *path, struct visor_handle_file *file)
{
    struct stat status;
    void *page;
    int error;

    if (fstat(fd, &status))
        return errno;
    if (!S_ISREG(status.st_mode) || status.st_size < VISOR_SEGMENT_SIZE)
        return EPROTO;
    if (!is_trusted(path, &status))
        return EPERM;
    page = mmap(NULL, VISOR_SEGMENT_SIZE, PROT_READ, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED)
        return errno;
    error = judge(fd, page);
    if (error) {
        munmap(page, VISOR_SEGMENT_SIZE);
        return error;
    }
    file->page = page;
    file->device = status.st_dev;
    file->inode = status.st_ino;
    file->vmclock = map_vmclock(file->page->device);
    return 0;
}

static int open_file(const char *path, struct visor_handle_file *file)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC), error;

    if (fd < 0)
        return errno;
    error = map_page(fd, path, file);
    close(fd);
    return error;
}

/* What /proc/self/timens_offsets tells is of children, so that it must be the same namespace. */
static void find_offset(struct timevisor *handle)
{
    char text[128], own[64], children[64];
    ssize_t got = read_small("/proc/self/timens_offsets", text, sizeof(text));
    ssize_t length = readlink("/proc/self/ns/time", own, sizeof(own));

    if (got < 0) { /* a kernel without time namespaces, if there is a /proc at all */
        handle->offset_known = access("/proc/self/stat", F_OK) == 0;
        return;
    }
    handle->offset_known =
        length > 0 &&
        readlink("/proc/self/ns/time_for_children", children, sizeof(children)) == length &&
        memcmp(own, children, (size_t)length) == 0 &&
        visor_segment_read_timens(text, (size_t)got, &handle->offset_ns);
}

timevisor *timevisor_open(const char *path)
{
    const char *wanted = path ? path : secure_getenv("TIMEVISOR_CLOCK");
    size_t length;
    struct timevisor *handle;
    int error;

    wanted = wanted ? wanted : VISOR_SEGMENT_PATH;
    length = strlen(wanted);
    if (length >= VISOR_HANDLE_PATH) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    handle = calloc(1, sizeof(*handle));
    if (!handle)
        return NULL;
    memcpy(handle->path, wanted, length + 1);
    find_offset(handle);
    handle->file = &handle->first;
    error = handle->offset_known ? open_file(handle->path, &handle->first) : ENOTSUP;
    if (error) {
        free(handle);
        errno = error;
        return NULL;
    }
    return handle;
}

void timevisor_close(timevisor *handle)
{
    struct visor_handle_file *file, *former;

    if (!handle)
        return;
    if (handle->spares == SPARES / sizeof(*file)) /* none of them was used */
        munmap(handle->spare, SPARES);
    for (file = handle->file; file; file = former) {
        former = file->former;
        munmap((void *)(uintptr_t)file->page, VISOR_SEGMENT_SIZE);
        if (file->vmclock)
            munmap((void *)(uintptr_t)file->vmclock, VISOR_VMCLOCK_PAGE);
        if (former && (uintptr_t)file % SPARES == 0) /* the first of its page is the last to go */
            munmap(file, SPARES);
    }
    free(handle);
}

/* ---- another file in its place ---- */

static bool has_spare(struct timevisor *handle)
{
    void *page;

    if (handle->spares > 0)
        return true;
    page = mmap(NULL, SPARES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return false;
    handle->spare = page;
    handle->spares = SPARES / sizeof(*handle->spare);
    return true;
}

/* A child forked in the middle of it must find the list whole: a spare is taken before it is used.
 */
void visor_handle_move_on(struct timevisor *handle)
{
    struct visor_handle_file *former = atomic_load(&handle->file), *next;
    struct stat status;

    if (stat(handle->path, &status) ||
        (status.st_ino == former->inode && status.st_dev == former->device) || !has_spare(handle))
        return;
    next = handle->spare;
    if (open_file(handle->path, next))
        return;
    next->former = former;
    handle->spare++;
    handle->spares--;
    atomic_store(&handle->file, next);
    atomic_store(&handle->quick, NULL);
}
