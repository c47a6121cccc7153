/* Preloaded into QEMU and into the source of a cell whose guests are to believe that a day has
 * passed: the time of day is further on by as many ns as stand in the file $LAB_SHIFT, which is
 * read each time. The host's own clock stays as it is. The kernel's stamps of packets would not be
 * shifted, so there are none. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#define NS_PER_S INT64_C(1000000000)

static int64_t shift_ns(void)
{
    static const volatile int64_t *shift;

    if (!shift) {
        const char *path = getenv("LAB_SHIFT");
        int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        void *page = mmap(NULL, sizeof(*shift), PROT_READ, MAP_SHARED, fd, 0);

        if (page == MAP_FAILED)
            abort(); /* a cell without its shift would be measured wrongly */
        shift = page;
    }
    return *shift;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    static int (*real)(clockid_t, struct timespec *);
    int status;

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    status = real(clock, now);
    if (status == 0 && clock == CLOCK_REALTIME) {
        int64_t ns = now->tv_nsec + shift_ns();

        now->tv_sec += ns / NS_PER_S;
        now->tv_nsec = ns % NS_PER_S;
    }
    return status;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec precise;

    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &precise) != 0)
        return -1;
    *now = (struct timeval){precise.tv_sec, precise.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *to)
{
    struct timespec now = {0};

    clock_gettime(CLOCK_REALTIME, &now);
    if (to)
        *to = now.tv_sec;
    return now.tv_sec;
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
    static int (*real)(int, int, int, const void *, socklen_t);

    if (level == SOL_SOCKET &&
        (name == SO_TIMESTAMP || name == SO_TIMESTAMPNS || name == SO_TIMESTAMPING)) {
        errno = ENOPROTOOPT;
        return -1;
    }
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "setsockopt");
    return real(fd, level, name, value, length);
}
