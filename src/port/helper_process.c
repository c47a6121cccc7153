/* The helper's process. It forks once more for every request, so that a name whose servers are dead
 * delays no other, and a hook that never ends delays nobody. It does nothing itself that may block.
 *
 * A hold is kept by a worker (hold.c) that ends when our end of its pipe is closed: because the
 * group is to be released, or because we have died. Should the worker die, the group is released
 * here. */
#include "port/helper.h"
#include "port/hold.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define RESOLVERS_MAX 16
#define HOOKS_MAX     8
#define WAITING_MAX   128 /* names */
#define TICK_MS       20  /* names that wait for a worker to end look so often */

struct process {
    int fd; /* to the daemon */
    const struct visor_config *config;
    pid_t resolvers[RESOLVERS_MAX], hooks[HOOKS_MAX]; /* 0: free */
    int pipes[VISOR_CONFIG_HOLDS_MAX];                /* our end of a hold's; -1: it is not held */
    struct visor_helper_request waiting[WAITING_MAX]; /* ring */
    size_t first, count;
};

static struct visor_helper_reply reply_to(const struct visor_helper_request *request)
{
    struct visor_helper_reply reply;

    memset(&reply, 0, sizeof(reply)); /* padding too: it goes over a socket */
    reply.work = request->work;
    reply.query = request->query;
    reply.epoch = request->epoch;
    return reply;
}

static void tell(int fd, const struct visor_helper_reply *reply)
{
    while (send(fd, reply, sizeof(*reply), MSG_NOSIGNAL) < 0 && errno == EINTR)
        continue;
}

/* ---- workers ---- */

static void resolve(const struct process *process, const struct visor_helper_request *request)
{
    struct visor_helper_reply reply = reply_to(request);

    visor_helper_resolve(request, &reply.resolved);
    tell(process->fd, &reply);
}

static void run_hook(const struct process *process, const struct visor_helper_request *request)
{
    struct visor_helper_reply reply = reply_to(request);

    visor_hook_run(&process->config->hooks[request->query], &request->occasion, &reply.outcome);
    tell(process->fd, &reply);
}

/* A child that has none of our holds' pipes: whoever has one keeps it open. */
static pid_t split_off(struct process *process)
{
    pid_t child = fork();

    if (child != 0)
        return child;
    for (size_t i = 0; i < VISOR_CONFIG_HOLDS_MAX; i++)
        if (process->pipes[i] >= 0)
            close(process->pipes[i]);
    return 0;
}

static pid_t *free_place(pid_t *places, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (places[i] == 0)
            return &places[i];
    return NULL;
}

static void reap(struct process *process)
{
    pid_t ended;

    while ((ended = waitpid(-1, NULL, WNOHANG)) > 0) {
        for (size_t i = 0; i < RESOLVERS_MAX; i++)
            if (process->resolvers[i] == ended)
                process->resolvers[i] = 0;
        for (size_t i = 0; i < HOOKS_MAX; i++)
            if (process->hooks[i] == ended)
                process->hooks[i] = 0;
    }
}

/* False: no worker is free. */
static bool begin(struct process *process, pid_t *places, size_t count,
                  void (*work)(const struct process *, const struct visor_helper_request *),
                  const struct visor_helper_request *request)
{
    pid_t *place = free_place(places, count), child;

    if (!place)
        return false;
    child = split_off(process);
    if (child == 0) {
        work(process, request);
        _exit(0);
    }
    if (child < 0)
        return false;
    *place = child;
    return true;
}

/* ---- holds ---- */

static void keep(struct process *process, uint32_t index)
{
    struct visor_helper_reply reply =
        reply_to(&(struct visor_helper_request){.work = VISOR_HELPER_HOLD, .query = index});
    int ends[2] = {-1, -1};
    pid_t child;

    if (process->pipes[index] >= 0)
        return; /* it is held already */
    child = pipe2(ends, O_CLOEXEC) ? -1 : split_off(process);
    if (child == 0) {
        close(ends[1]);
        visor_hold_keep(&process->config->holds[index], process->fd, ends[0], &reply.outcome);
        tell(process->fd, &reply);
        _exit(0);
    }
    if (child > 0) {
        close(ends[0]);
        process->pipes[index] = ends[1];
        return;
    }
    reply.outcome.kind = VISOR_OUTCOME_FAILED;
    reply.outcome.status = errno;
    tell(process->fd, &reply);
    if (ends[0] >= 0) {
        close(ends[0]);
        close(ends[1]);
    }
}

static void let_go(struct process *process, size_t index)
{
    if (process->pipes[index] >= 0)
        close(process->pipes[index]);
    process->pipes[index] = -1;
}

/* Its keeper has ended: if it was killed, the group is frozen still. */
static void keeper_ended(struct process *process, size_t index)
{
    struct visor_helper_reply reply = reply_to(
        &(struct visor_helper_request){.work = VISOR_HELPER_HOLD, .query = (uint32_t)index});

    let_go(process, index);
    if (!visor_hold_release(&process->config->holds[index]))
        return;
    reply.outcome.kind = VISOR_OUTCOME_LEFT;
    tell(process->fd, &reply);
}

/* What an earlier daemon, killed together with all of its helpers, has left frozen. */
static void release_old(struct process *process)
{
    for (size_t i = 0; process->config && i < process->config->hold_count; i++)
        keeper_ended(process, i);
}

/* ---- requests ---- */

static void refuse(const struct process *process, const struct visor_helper_request *request)
{
    struct visor_helper_reply reply = reply_to(request);

    reply.outcome.kind = VISOR_OUTCOME_BUSY;
    reply.resolved.query = request->query;
    reply.resolved.result = VISOR_RESOLVE_TRY_AGAIN;
    tell(process->fd, &reply);
}

static void begin_waiting(struct process *process)
{
    while (process->count > 0 && begin(process, process->resolvers, RESOLVERS_MAX, resolve,
                                       &process->waiting[process->first])) {
        process->first = (process->first + 1) % WAITING_MAX;
        process->count--;
    }
}

static void handle(struct process *process, const struct visor_helper_request *request)
{
    size_t hooks = process->config ? process->config->hook_count : 0;
    size_t holds = process->config ? process->config->hold_count : 0;

    switch (request->work) {
    case VISOR_HELPER_RESOLVE:
        if (process->count == WAITING_MAX) {
            refuse(process, request);
            break;
        }
        process->waiting[(process->first + process->count++) % WAITING_MAX] = *request;
        begin_waiting(process);
        break;
    case VISOR_HELPER_HOOK:
        if (request->query < hooks && !begin(process, process->hooks, HOOKS_MAX, run_hook, request))
            refuse(process, request);
        break;
    case VISOR_HELPER_HOLD:
        for (uint32_t i = 0; i < holds; i++)
            keep(process, i);
        break;
    case VISOR_HELPER_RELEASE:
        for (size_t i = 0; i < holds; i++)
            let_go(process, i);
        break;
    default:
        break;
    }
}

/* False: the daemon's end is closed. */
static bool take(struct process *process)
{
    struct visor_helper_request request;
    ssize_t size = recv(process->fd, &request, sizeof(request), MSG_DONTWAIT);

    if (size < 0 && (errno == EINTR || errno == EAGAIN))
        return true;
    if (size != sizeof(request))
        return false;
    request.name[sizeof(request.name) - 1] = '\0';
    handle(process, &request);
    return true;
}

void visor_helper_serve(int fd, const struct visor_config *config)
{
    struct process process = {.fd = fd, .config = config};
    struct pollfd fds[1 + VISOR_CONFIG_HOLDS_MAX];
    bool open = true;

    /* what ends the daemon is not for us: its end closing is our sign, and releases what is held */
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    prctl(PR_SET_NAME, "timevisor-help");
    for (size_t i = 0; i < VISOR_CONFIG_HOLDS_MAX; i++)
        process.pipes[i] = -1;
    release_old(&process);
    while (open) {
        fds[0] = (struct pollfd){.fd = fd, .events = POLLIN};
        for (size_t i = 0; i < VISOR_CONFIG_HOLDS_MAX; i++)
            fds[i + 1] = (struct pollfd){.fd = process.pipes[i]}; /* no events: only its end */
        if (poll(fds, 1 + VISOR_CONFIG_HOLDS_MAX, process.count > 0 ? TICK_MS : -1) < 0 &&
            errno != EINTR)
            break;
        reap(&process);
        for (size_t i = 0; i < VISOR_CONFIG_HOLDS_MAX; i++)
            if (fds[i + 1].revents)
                keeper_ended(&process, i);
        begin_waiting(&process);
        if (fds[0].revents)
            open = take(&process);
    }
}
