/* A blocking client for programs that have nothing else to do meanwhile. */
#include "port/inquiry.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int await(int fd, short events, int64_t until_ms)
{
    struct pollfd wait = {.fd = fd, .events = events};

    for (;;) {
        int64_t left = until_ms - now_ms();
        int ready = poll(&wait, 1, left > 0 ? (int)left : 0);

        if (ready > 0)
            return 0;
        if (!ready)
            return -ETIMEDOUT;
        if (errno != EINTR)
            return -errno;
    }
}

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd, error;

    if (strlen(path) >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    strcpy(address.sun_path, path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (!connect(fd, (const struct sockaddr *)&address, sizeof(address)))
        return fd;
    error = errno == EAGAIN ? -ETIMEDOUT : -errno; /* its queue is full */
    close(fd);
    return error;
}

/* Exactly `size` bytes, or why not. */
static int receive(int fd, void *to, size_t size, int64_t until_ms)
{
    for (size_t at = 0; at < size;) {
        ssize_t got = recv(fd, (char *)to + at, size - at, 0);
        int error;

        if (!got)
            return -EPROTO;
        if (got > 0) {
            at += (size_t)got;
            continue;
        }
        if (errno != EAGAIN && errno != EINTR)
            return -errno;
        error = await(fd, POLLIN, until_ms);
        if (error)
            return error;
    }
    return 0;
}

static int converse(int fd, const struct visor_control_request *request, int64_t until_ms,
                    struct visor_inquiry_answer *answer)
{
    uint8_t frame[VISOR_CONTROL_REQUEST_MAX], header[VISOR_CONTROL_HEADER];
    size_t size = visor_control_write_request(request, frame);
    struct visor_control_reply reply;
    int error;

    if (send(fd, frame, size, MSG_NOSIGNAL) != (ssize_t)size)
        return -EPIPE;
    error = receive(fd, header, sizeof(header), until_ms);
    if (error)
        return error;
    switch (visor_control_read_reply(header, sizeof(header), &reply)) {
    case VISOR_CONTROL_COMPLETE:
        break;
    case VISOR_CONTROL_FOREIGN:
        reply = (struct visor_control_reply){.result = VISOR_CONTROL_VERSION_DIFFERS};
        break;
    default:
        return -EPROTO;
    }
    answer->json = malloc(reply.size + 1);
    if (!answer->json)
        return -ENOMEM;
    answer->result = reply.result;
    answer->size = reply.size;
    answer->json[reply.size] = 0;
    error = receive(fd, answer->json, reply.size, until_ms);
    if (error) {
        free(answer->json);
        answer->json = NULL;
    }
    return error;
}

int visor_inquiry_ask(const char *path, const struct visor_control_request *request, int timeout_ms,
                      struct visor_inquiry_answer *answer)
{
    int64_t until_ms = now_ms() + timeout_ms;
    int fd = connect_to(path), error;

    *answer = (struct visor_inquiry_answer){.json = NULL};
    if (fd < 0)
        return fd;
    error = converse(fd, request, until_ms, answer);
    close(fd);
    return error;
}
