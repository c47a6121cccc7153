/* chronyd answers to the path of the asking socket, so ours lies beside its own: there it may write
 * whatever keeps it from the rest of the file system. */
#include "port/courier.h"

#include "engine/question.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static void forget(struct visor_courier *courier)
{
    if (courier->fd < 0)
        return;
    close(courier->fd);
    unlink(courier->own);
    courier->fd = -1;
}

void visor_courier_init(struct visor_courier *courier, const char *path)
{
    const char *slash = strrchr(path, '/');
    int length;

    *courier = (struct visor_courier){.fd = -1};
    if (!slash || strlen(path) >= sizeof(courier->path))
        return;
    length = snprintf(courier->own, sizeof(courier->own), "%.*s/timevisord.%d.sock",
                      (int)(slash - path), path, (int)getpid());
    if (length < (int)sizeof(courier->own))
        strcpy(courier->path, path);
}

void visor_courier_done(struct visor_courier *courier)
{
    forget(courier);
}

static int fail(struct visor_courier *courier)
{
    int error = -errno;

    forget(courier);
    return error;
}

int visor_courier_ask(struct visor_courier *courier, const struct visor_action_chronyd *question)
{
    struct sockaddr_un own = {.sun_family = AF_UNIX}, there = {.sun_family = AF_UNIX};
    uint8_t data[VISOR_CMDMON_MESSAGE_MAX];
    size_t size = visor_question_write(question, data, sizeof(data));

    forget(courier);
    if (!courier->path[0])
        return -ENAMETOOLONG;
    if (!size)
        return -EINVAL;
    strcpy(own.sun_path, courier->own);
    strcpy(there.sun_path, courier->path);
    courier->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (courier->fd < 0)
        return -errno;
    courier->asked = *question;
    unlink(courier->own); /* of a process of our number that was killed */
    if (bind(courier->fd, (const struct sockaddr *)&own, sizeof(own)) ||
        chmod(courier->own, 0666) || /* its directory keeps others out */
        connect(courier->fd, (const struct sockaddr *)&there, sizeof(there)) ||
        send(courier->fd, data, size, MSG_NOSIGNAL) != (ssize_t)size)
        return fail(courier);
    return 0;
}

int visor_courier_fd(const struct visor_courier *courier)
{
    return courier->fd;
}

bool visor_courier_take(struct visor_courier *courier, struct visor_event_chronyd *event)
{
    uint8_t data[VISOR_CMDMON_MESSAGE_MAX];
    ssize_t size = courier->fd < 0 ? -1 : recv(courier->fd, data, sizeof(data), 0);

    if (size < 0 && (courier->fd < 0 || errno == EAGAIN || errno == EINTR))
        return false;
    if (size < 0)
        *event = (struct visor_event_chronyd){.token = courier->asked.token, .error = errno};
    else if (!visor_question_read(&courier->asked, data, (size_t)size, event))
        return false;
    forget(courier);
    return true;
}
