/* SHM: the shared memory segment of ntpd's driver 28, as gpsd and ptp4l write it.
 *
 * In mode 1 the writer raises `count` before and after it writes, in mode 0 it only sets `valid`.
 * The reader clears `valid`, so that a sample is taken once. */
#include "port/refclock.h"
#include "wire/sock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>

#define DEFAULT_MODE 0600

static int shm_open_segment(struct visor_refclock_device *device)
{
    int unit = (int)strtol(device->path, NULL, 10), id;
    int mode = visor_refclock_device_number(device, "perm", DEFAULT_MODE, 8) & 0777;
    void *memory;

    errno = ENOENT; /* simulators refuse without saying why */
    id = shmget(VISOR_SHM_KEY + unit, sizeof(struct visor_shm_segment), IPC_CREAT | mode);
    if (id < 0)
        return -errno;
    memory = shmat(id, NULL, 0);
    if (memory == (void *)-1)
        return -errno;
    device->memory = memory;
    return 0;
}

static void shm_done(struct visor_refclock_device *device)
{
    shmdt(device->memory);
    device->memory = NULL;
}

static int shm_measure(struct visor_refclock_device *device, struct visor_refclock_measured *out)
{
    volatile struct visor_shm_segment *shared = device->memory;
    struct visor_shm_segment copy;
    struct visor_sock_sample sample;
    enum visor_sock_verdict verdict;
    int count = shared->count;

    if (!shared->valid)
        return -EAGAIN;
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    memcpy(&copy, device->memory, sizeof(copy));
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    if (copy.mode == 1 && (copy.count != count || shared->count != count))
        return -EAGAIN;
    shared->valid = 0;
    verdict = visor_shm_read(&copy, &sample);
    if (verdict == VISOR_SOCK_EMPTY)
        return -EAGAIN;
    if (verdict != VISOR_SOCK_OK)
        return -EBADMSG;
    out->stamp_ns = sample.system.ns;
    out->reference = sample.reference;
    out->leap = sample.leap < 0 || sample.leap > 2 ? VISOR_LEAP_HINT_UNSYNCHRONIZED
                                                   : (enum visor_leap_hint)sample.leap;
    return 0;
}

static const char *const options[] = {"perm=", NULL};

const struct visor_refclock_ops visor_refclock_shm = {.name = "SHM",
                                                      .options = options,
                                                      .open = shm_open_segment,
                                                      .measure = shm_measure,
                                                      .done = shm_done};
