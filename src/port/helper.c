/* The daemon's side of the helper: a process that answers requests over a socket pair
 * (helper_process.c), or the same work done in-process. Who asks again, and when, is the engine's
 * affair. */
#include "port/helper.h"

#include "port/socket.h"

#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define QUEUE_MAX 64 /* requests waiting in-process */

struct visor_helper {
    enum visor_helper_carrier carrier;
    int fd;
    pid_t process;
    size_t asked; /* of the process, and not answered */
    bool told;    /* that it has ended, or there was none */
    bool talks;   /* it has holds, of which it speaks unasked */
    struct visor_helper_request queue[QUEUE_MAX];
    size_t queued;
};

static bool wanted(uint32_t family, const struct visor_address *address)
{
    return family == VISOR_FAMILY_NONE || family == address->family;
}

static enum visor_resolve_result result_of(int error)
{
    return error == EAI_AGAIN || error == EAI_SYSTEM || error == EAI_MEMORY
               ? VISOR_RESOLVE_TRY_AGAIN
               : VISOR_RESOLVE_FAILED;
}

void visor_helper_resolve(const struct visor_helper_request *request,
                          struct visor_event_resolved *resolved)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM}, *found, *next;
    struct visor_address address;
    int error;

    *resolved = (struct visor_event_resolved){.query = request->query};
    resolved->result = VISOR_RESOLVE_FAILED;
    if (visor_address_parse(request->name, &address)) {
        if (wanted(request->family, &address)) {
            resolved->addresses[resolved->count++] = address;
            resolved->result = VISOR_RESOLVE_OK;
        }
        return;
    }
    if (request->family)
        hints.ai_family = request->family == VISOR_FAMILY_IPV6 ? AF_INET6 : AF_INET;
    error = getaddrinfo(request->name, NULL, &hints, &found);
    if (error) {
        resolved->result = result_of(error);
        return;
    }
    for (next = found; next && resolved->count < VISOR_RESOLVE_MAX; next = next->ai_next)
        if (visor_socket_address_read(next->ai_addr, &address) &&
            wanted(request->family, &address)) {
            address.port = 0;
            resolved->addresses[resolved->count++] = address;
        }
    freeaddrinfo(found);
    if (resolved->count)
        resolved->result = VISOR_RESOLVE_OK;
}

/* What is left where there is no process: names. */
static void answer(const struct visor_helper_request *request, struct visor_helper_reply *reply)
{
    memset(reply, 0, sizeof(*reply));
    reply->work = request->work;
    reply->query = request->query;
    reply->epoch = request->epoch;
    if (request->work == VISOR_HELPER_RESOLVE)
        visor_helper_resolve(request, &reply->resolved);
    else
        reply->outcome.kind = VISOR_OUTCOME_NOBODY;
}

/* A simulator under which no process may fork has no such sockets, or none that the kernel knows.
 */
static bool can_fork(void)
{
    int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0), copy;

    if (fd < 0)
        return false;
    copy = dup(fd);
    close(fd);
    if (copy < 0)
        return false;
    close(copy);
    return true;
}

static void start_process(struct visor_helper *helper, const struct visor_config *config)
{
    int pair[2];

    if (!can_fork() || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
        return;
    helper->process = fork();
    if (helper->process == 0) {
        close(pair[0]);
        visor_helper_serve(pair[1], config);
        _exit(0);
    }
    close(pair[1]);
    if (helper->process < 0) {
        close(pair[0]);
        return;
    }
    helper->fd = pair[0];
    helper->carrier = VISOR_HELPER_PROCESS;
    helper->told = false;
}

struct visor_helper *visor_helper_new(enum visor_helper_carrier carrier,
                                      const struct visor_config *config)
{
    struct visor_helper *helper = calloc(1, sizeof(*helper));

    if (!helper)
        return NULL;
    helper->carrier = VISOR_HELPER_IN_PROCESS;
    helper->told = true;
    helper->talks = config && config->hold_count > 0;
    helper->fd = -1;
    if (carrier == VISOR_HELPER_PROCESS)
        start_process(helper, config);
    return helper;
}

static void stop_process(struct visor_helper *helper)
{
    if (helper->carrier != VISOR_HELPER_PROCESS)
        return;
    close(helper->fd);
    kill(helper->process, SIGKILL);
    waitpid(helper->process, NULL, 0);
    helper->fd = -1;
    helper->asked = 0;
    helper->carrier = VISOR_HELPER_IN_PROCESS;
}

void visor_helper_free(struct visor_helper *helper)
{
    if (!helper)
        return;
    stop_process(helper);
    free(helper);
}

enum visor_helper_carrier visor_helper_carrier(const struct visor_helper *helper)
{
    return helper->carrier;
}

pid_t visor_helper_process(const struct visor_helper *helper)
{
    return helper->carrier == VISOR_HELPER_PROCESS ? helper->process : 0;
}

int visor_helper_fd(const struct visor_helper *helper)
{
    return helper->asked || helper->talks ? helper->fd : -1;
}

bool visor_helper_pending(const struct visor_helper *helper)
{
    return helper->queued > 0;
}

/* Its workers keep its end of the socket open for a while. */
static void look_after(struct visor_helper *helper)
{
    if (helper->carrier != VISOR_HELPER_PROCESS ||
        waitpid(helper->process, NULL, WNOHANG) != helper->process)
        return;
    close(helper->fd);
    helper->fd = -1;
    helper->process = 0;
    helper->asked = 0;
    helper->carrier = VISOR_HELPER_IN_PROCESS;
}

bool visor_helper_has_ended(struct visor_helper *helper)
{
    bool news;

    look_after(helper);
    news = helper->carrier != VISOR_HELPER_PROCESS && !helper->told;
    helper->told |= news;
    return news;
}

int visor_helper_ask(struct visor_helper *helper, const struct visor_helper_request *request)
{
    look_after(helper);
    if (helper->carrier == VISOR_HELPER_PROCESS) {
        if (send(helper->fd, request, sizeof(*request), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
            helper->asked++;
            return 0;
        }
        if (errno == EAGAIN)
            return -EAGAIN;
        stop_process(helper); /* it has ended */
    }
    if (helper->queued == QUEUE_MAX)
        return -EAGAIN;
    helper->queue[helper->queued++] = *request;
    return 0;
}

bool visor_helper_next(struct visor_helper *helper, struct visor_helper_reply *reply)
{
    ssize_t size;

    if (helper->carrier == VISOR_HELPER_PROCESS) {
        size = recv(helper->fd, reply, sizeof(*reply), MSG_DONTWAIT);
        if (size == sizeof(*reply) && reply->resolved.count <= VISOR_RESOLVE_MAX) {
            helper->asked -= helper->asked > 0;
            return true;
        }
        if (size >= 0 || (errno != EAGAIN && errno != EINTR))
            stop_process(helper);
        return false;
    }
    if (!helper->queued)
        return false;
    answer(&helper->queue[0], reply);
    helper->queued--;
    memmove(&helper->queue[0], &helper->queue[1], helper->queued * sizeof(helper->queue[0]));
    return true;
}
