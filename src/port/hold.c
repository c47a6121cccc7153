/* The keeper of a frozen control group. It ignores what a service manager sends to end a daemon: it
 * ends when the daemon has, and has released the group by then. */
#include "port/hold.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define OWN_LONGEST 4096

static int open_file(const char *cgroup, const char *name, int flags)
{
    char path[PATH_MAX + 32];

    snprintf(path, sizeof(path), "%s/%s", cgroup, name);
    return open(path, flags | O_CLOEXEC);
}

/* Of a control group's path, the length that leads to where they are mounted; 0: it is none. */
static size_t mount_length(const char *path)
{
    char here[PATH_MAX];
    size_t length = 0;
    int fd;

    strcpy(here, path);
    while (here[0] && (fd = open_file(here, "cgroup.controllers", O_RDONLY)) >= 0) {
        close(fd);
        length = strlen(here);
        *strrchr(here, '/') = '\0';
    }
    return length;
}

/* "0::/system.slice/timevisord.service" of /proc/self/cgroup, without "0::". */
static bool read_own(char *own, size_t size)
{
    char text[4096], *line, *end;
    int fd = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

    if (fd >= 0)
        close(fd);
    if (length <= 0)
        return false;
    text[length] = '\0';
    line = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");
    if (!line)
        return false;
    line = strchr(line, '/');
    if (!line)
        return false;
    end = strchr(line, '\n');
    if (end)
        *end = '\0';
    snprintf(own, size, "%s", line);
    return true;
}

bool visor_hold_has_us(const char *cgroup)
{
    char resolved[PATH_MAX], own[OWN_LONGEST];
    size_t mount, length;

    if (!realpath(cgroup, resolved) || !read_own(own, sizeof(own)))
        return false;
    mount = mount_length(resolved);
    length = strlen(resolved + mount); /* of its path below the mount, as ours is one */
    return mount > 0 && strncmp(own, resolved + mount, length) == 0 &&
           (own[length] == '/' || own[length] == '\0' || length == 0);
}

static bool put(int fd, char state)
{
    return pwrite(fd, &state, 1, 0) == 1;
}

static bool is_frozen(const char *cgroup)
{
    int fd = open_file(cgroup, "cgroup.freeze", O_RDONLY);
    char state = '0';

    if (fd < 0)
        return false;
    if (read(fd, &state, 1) < 0)
        state = '0';
    close(fd);
    return state == '1';
}

bool visor_hold_release(const struct visor_hold_config *hold)
{
    bool done;
    int fd;

    if (!is_frozen(hold->cgroup))
        return false;
    fd = open_file(hold->cgroup, "cgroup.freeze", O_WRONLY);
    if (fd < 0)
        return false;
    done = put(fd, '0');
    close(fd);
    return done;
}

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* True: the limit is over. */
static bool wait_for_end(int daemon, int helper, double until)
{
    struct pollfd ends[] = {{.fd = daemon}, {.fd = helper}}; /* no events: only their ends */
    double left;

    while ((left = until - now_s()) > 0.0)
        if (poll(ends, 2, left < 60.0 ? (int)(left * 1e3) + 1 : 60000) > 0)
            return false;
    return true;
}

void visor_hold_keep(const struct visor_hold_config *hold, int daemon, int helper,
                     struct visor_outcome *outcome)
{
    double begun = now_s();
    int fd;

    *outcome = (struct visor_outcome){.kind = VISOR_OUTCOME_FAILED};
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    if (visor_hold_has_us(hold->cgroup)) {
        outcome->status = EDEADLK;
        return;
    }
    fd = open_file(hold->cgroup, "cgroup.freeze", O_RDWR);
    if (fd < 0 || !put(fd, '1')) {
        outcome->status = errno;
        if (fd >= 0)
            close(fd);
        return;
    }
    outcome->kind =
        wait_for_end(daemon, helper, begun + hold->limit) ? VISOR_OUTCOME_LATE : VISOR_OUTCOME_DONE;
    outcome->status = put(fd, '0') ? 0 : errno;
    outcome->seconds = now_s() - begun;
    close(fd);
}
