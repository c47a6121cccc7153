/* The bound of CLOCK_REALTIME out of the estimate's, for ClockBound's clients. */
#include "port/clockbound.h"

#include "port/clock.h"
#include "port/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define VOID_NS      (1000 * VISOR_NS_PER_S)
#define UNBOUNDED_NS INT64_C(1000000000000000000) /* which clients can still add and subtract */
#define SLACK_NS     1000                         /* of steering between two looks at the clock */

static int64_t size_of(int64_t ns)
{
    return ns < 0 ? visor_ns_diff(0, ns) : ns;
}

static enum visor_clockbound_status status_of(const struct visor_view *view)
{
    switch (view->trust) {
    case VISOR_TRUST_SYNCHRONIZED:
        return VISOR_CLOCKBOUND_SYNCHRONIZED;
    case VISOR_TRUST_HOLDOVER:
        return VISOR_CLOCKBOUND_FREE_RUNNING;
    case VISOR_TRUST_DISRUPTED:
        return VISOR_CLOCKBOUND_DISRUPTED;
    default:
        return VISOR_CLOCKBOUND_UNKNOWN;
    }
}

struct visor_clockbound visor_clockbound_of(const struct visor_view *view,
                                            const struct visor_reading *now, int64_t mono_ns)
{
    int64_t lacking = visor_wall_diff(visor_view_utc(view, now->raw), now->real);
    double apart = view->rate_ppb - now->frequency_ppb;
    double drift = view->growth_ppb + (apart < 0.0 ? -apart : apart) + 1.0;
    int64_t bound = visor_ns_add(visor_view_bound_ns(view, now->raw),
                                 visor_ns_add(size_of(lacking), now->width_ns + SLACK_NS));
    struct visor_clockbound told = {
        .status = status_of(view),
        .as_of_ns = mono_ns,
        .void_after_ns = mono_ns + VOID_NS,
        .bound_ns = bound < UNBOUNDED_NS ? bound : UNBOUNDED_NS,
        .max_drift_ppb = drift < (double)UINT32_MAX ? (uint32_t)drift + 1 : UINT32_MAX,
    };

    if (bound >= UNBOUNDED_NS && told.status != VISOR_CLOCKBOUND_DISRUPTED)
        told.status = VISOR_CLOCKBOUND_UNKNOWN;
    return told;
}

/* ---- the file ---- */

/* Whoever else owns it could cut it short, which would kill us, or write into it. */
static bool is_ours(const struct stat *status)
{
    return S_ISREG(status->st_mode) && (status->st_uid == geteuid() || status->st_uid == 0) &&
           !(status->st_mode & (S_IWGRP | S_IWOTH)) && status->st_size >= VISOR_CLOCKBOUND_SIZE;
}

static int map(struct visor_clockbound_file *file)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    struct stat status;
    int fd = open(file->path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    void *segment;
    int error = 0;

    if (fd < 0)
        return -errno;
    if (fstat(fd, &status) || !is_ours(&status))
        error = -EINVAL;
    else if (fcntl(fd, F_OFD_SETLK, &whole))
        error = -EAGAIN;
    segment = error ? MAP_FAILED
                    : mmap(NULL, VISOR_CLOCKBOUND_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (segment == MAP_FAILED) {
        close(fd);
        return error ? error : -errno;
    }
    file->fd = fd;
    file->segment = segment;
    return 0;
}

static int make(struct visor_clockbound_file *file)
{
    _Alignas(8) char segment[VISOR_CLOCKBOUND_SIZE];
    int error;

    visor_clockbound_init(segment);
    error = visor_file_replace(file->path, segment, sizeof(segment), 0644);
    if (!error)
        error = map(file);
    if (!error)
        fchmod(file->fd, 0644); /* whatever our umask is */
    return error;
}

/* What is half-written is a segment, too: the next publication completes it. */
static bool is_segment(const struct visor_clockbound_file *file)
{
    _Alignas(8) char copy[VISOR_CLOCKBOUND_SIZE];
    struct visor_clockbound told;

    memcpy(copy, file->segment, sizeof(copy));
    copy[__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 14 : 15] &= (char)~1;
    return visor_clockbound_read(copy, sizeof(copy), &told);
}

int visor_clockbound_open(struct visor_clockbound_file *file, const char *path)
{
    int error;

    *file = (struct visor_clockbound_file){.fd = -1};
    if (strlen(path) >= sizeof(file->path))
        return -ENAMETOOLONG;
    strcpy(file->path, path);
    error = visor_file_make_parent(path);
    if (!error)
        error = map(file);
    if (!error && !is_segment(file)) {
        visor_clockbound_close(file);
        strcpy(file->path, path);
        error = make(file);
    } else if (error == -ENOENT || error == -EINVAL || error == -ELOOP) {
        error = make(file);
    }
    if (error)
        file->path[0] = '\0';
    return error;
}

void visor_clockbound_close(struct visor_clockbound_file *file)
{
    if (file->segment)
        munmap(file->segment, VISOR_CLOCKBOUND_SIZE);
    if (file->fd >= 0)
        close(file->fd);
    *file = (struct visor_clockbound_file){.fd = -1};
}

/* A former daemon's word is better than that we know nothing yet; it ages by itself. */
static bool is_kept(const struct visor_clockbound_file *file, const struct visor_view *view,
                    int64_t mono_ns)
{
    struct visor_clockbound former;

    return !file->told && view->trust == VISOR_TRUST_UNKNOWN &&
           visor_clockbound_read(file->segment, VISOR_CLOCKBOUND_SIZE, &former) &&
           former.status != VISOR_CLOCKBOUND_UNKNOWN && former.as_of_ns <= mono_ns &&
           mono_ns < former.void_after_ns;
}

void visor_clockbound_publish(struct visor_clockbound_file *file, const struct visor_view *view,
                              const uint64_t *marker)
{
    struct visor_clockbound told;
    struct visor_reading now;
    struct timespec mono;
    int64_t mono_ns;

    if (!file->segment || clock_gettime(CLOCK_MONOTONIC_COARSE, &mono) ||
        visor_clock_read_kernel(&now))
        return;
    mono_ns = mono.tv_sec * VISOR_NS_PER_S + mono.tv_nsec;
    if (is_kept(file, view, mono_ns))
        return;
    told = visor_clockbound_of(view, &now, mono_ns);
    told.marked = marker != NULL;
    told.marker = marker ? *marker : 0;
    visor_clockbound_write(file->segment, &told);
    file->told = true;
}
