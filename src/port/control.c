/* Connections of the control socket as a fixed table. One request at a time a connection: while its
 * reply is being made or sent, nothing more is read from it. What requests mean is timevisord's. */
#include "port/control.h"

#include "port/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum client_state { READING, ASKED, ANSWERING };

struct client {
    int fd; /* -1: free */
    enum client_state state;
    bool may_write, taken; /* taken: visor_control_next has given the request out */
    bool last;             /* close once the reply is out */
    uint32_t token;
    uint64_t used; /* turn of the last activity */
    struct visor_control_request request;
    size_t in_size;
    uint8_t in[VISOR_CONTROL_REQUEST_MAX];
    uint8_t *out; /* owned */
    size_t out_size, out_at;
};

struct visor_control {
    int fd;
    uid_t owner;
    uint32_t token;
    uint64_t turn;
    struct sockaddr_un address;
    int used; /* no connection is at or after this place */
    struct client clients[VISOR_CONTROL_CLIENTS];
};

static void client_close(struct client *client)
{
    close(client->fd);
    free(client->out);
    *client = (struct client){.fd = -1};
}

/* Does somebody listen there? */
static bool answers(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    bool answered;

    if (fd < 0)
        return false;
    answered = !connect(fd, (const struct sockaddr *)address, sizeof(*address));
    close(fd);
    return answered;
}

static int make_folder(const char *path)
{
    char copy[sizeof(((struct sockaddr_un *)NULL)->sun_path)];

    strcpy(copy, path);
    return mkdir(dirname(copy), 0755) && errno != EEXIST ? -errno : 0;
}

static int listen_at(struct visor_control *control)
{
    const struct sockaddr_un *address = &control->address;

    if (answers(address))
        return -EADDRINUSE;
    if (unlink(address->sun_path) && errno != ENOENT)
        return -errno;
    control->fd = visor_socket_open(AF_UNIX, SOCK_STREAM);
    if (control->fd < 0)
        return control->fd;
    if (bind(control->fd, (const struct sockaddr *)address, sizeof(*address)) ||
        chmod(address->sun_path, 0666) || listen(control->fd, VISOR_CONTROL_CLIENTS))
        return -errno;
    return 0;
}

int visor_control_new(const char *path, uid_t owner, struct visor_control **control)
{
    struct visor_control *made;
    int error;

    *control = NULL;
    if (!*path || strlen(path) >= sizeof(made->address.sun_path))
        return -ENAMETOOLONG;
    made = calloc(1, sizeof(*made));
    if (!made)
        return -ENOMEM;
    made->fd = -1;
    made->owner = owner;
    made->address.sun_family = AF_UNIX;
    strcpy(made->address.sun_path, path);
    for (int i = 0; i < VISOR_CONTROL_CLIENTS; i++)
        made->clients[i].fd = -1;
    error = make_folder(path);
    if (!error)
        error = listen_at(made);
    if (error) {
        if (made->fd >= 0)
            close(made->fd);
        free(made);
        return error;
    }
    *control = made;
    return 0;
}

void visor_control_free(struct visor_control *control)
{
    if (!control)
        return;
    for (int i = 0; i < VISOR_CONTROL_CLIENTS; i++)
        if (control->clients[i].fd >= 0)
            client_close(&control->clients[i]);
    unlink(control->address.sun_path);
    close(control->fd);
    free(control);
}

size_t visor_control_fds(struct visor_control *control, struct pollfd *fds, size_t max)
{
    size_t count = 0;

    while (control->used > 0 && control->clients[control->used - 1].fd < 0)
        control->used--;
    if (max)
        fds[count++] = (struct pollfd){.fd = control->fd, .events = POLLIN};
    for (int i = 0; i < control->used; i++) {
        const struct client *client = &control->clients[i];

        if (client->fd < 0 || count == max)
            continue;
        fds[count++] = (struct pollfd){
            .fd = client->fd,
            .events = client->state == READING     ? POLLIN
                      : client->state == ANSWERING ? POLLOUT
                                                   : 0,
        };
    }
    return count;
}

/* A free place, made by closing the connection that has been idle the longest if need be. */
static struct client *place(struct visor_control *control)
{
    struct client *oldest = &control->clients[0];

    for (int i = 0; i < VISOR_CONTROL_CLIENTS; i++) {
        struct client *client = &control->clients[i];

        if (client->fd < 0)
            return client;
        if (client->used < oldest->used)
            oldest = client;
    }
    client_close(oldest);
    return oldest;
}

static void accept_client(struct visor_control *control)
{
    int fd = accept(control->fd, NULL, NULL);
    struct ucred peer = {.uid = (uid_t)-1};
    socklen_t size = sizeof(peer);
    struct client *client;

    if (fd < 0)
        return;
    if (fcntl(fd, F_SETFL, O_NONBLOCK) || fcntl(fd, F_SETFD, FD_CLOEXEC)) {
        close(fd);
        return;
    }
    client = place(control);
    if (client - control->clients >= control->used)
        control->used = (int)(client - control->clients) + 1;
    *client = (struct client){.fd = fd, .state = READING, .used = ++control->turn};
    if (!getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size))
        client->may_write = peer.uid == 0 || peer.uid == control->owner;
}

static void client_write(struct client *client)
{
    while (client->out_at < client->out_size) {
        ssize_t sent = send(client->fd, client->out + client->out_at,
                            client->out_size - client->out_at, MSG_NOSIGNAL);

        if (sent < 0 && errno == EAGAIN)
            return;
        if (sent < 0) {
            client_close(client);
            return;
        }
        client->out_at += (size_t)sent;
    }
    free(client->out);
    client->out = NULL;
    client->state = READING;
    if (client->last)
        client_close(client);
}

static void client_answer(struct client *client, enum visor_control_result result, const char *json)
{
    struct visor_control_reply reply = {.result = result, .size = json ? strlen(json) : 0};

    if (reply.size > VISOR_CONTROL_BODY_MAX)
        reply = (struct visor_control_reply){.result = VISOR_CONTROL_FAILED};
    client->out_size = VISOR_CONTROL_HEADER + reply.size;
    client->out_at = 0;
    client->out = malloc(client->out_size);
    if (!client->out) {
        client_close(client);
        return;
    }
    visor_control_write_reply(&reply, client->out);
    if (reply.size)
        memcpy(client->out + VISOR_CONTROL_HEADER, json, reply.size);
    client->state = ANSWERING;
    client_write(client);
}

/* Looks for a whole request in what has come. */
static void client_parse(struct visor_control *control, struct client *client)
{
    size_t used = 0;

    switch (visor_control_read_request(client->in, client->in_size, &client->request, &used)) {
    case VISOR_CONTROL_INCOMPLETE:
        return;
    case VISOR_CONTROL_FOREIGN:
        client->last = true;
        client_answer(client, VISOR_CONTROL_VERSION_DIFFERS, NULL);
        return;
    case VISOR_CONTROL_WRONG:
        client_close(client);
        return;
    case VISOR_CONTROL_COMPLETE:
        break;
    }
    client->in_size -= used;
    memmove(client->in, client->in + used, client->in_size);
    if (visor_control_is_write(client->request.verb) && !client->may_write) {
        client_answer(client, VISOR_CONTROL_REFUSED, NULL);
        return;
    }
    client->state = ASKED;
    client->taken = false;
    client->token = ++control->token;
}

static void client_read(struct visor_control *control, struct client *client)
{
    ssize_t got;

    got = recv(client->fd, client->in + client->in_size, sizeof(client->in) - client->in_size, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        client_close(client);
        return;
    }
    client->in_size += (size_t)got;
    client_parse(control, client);
}

void visor_control_handle(struct visor_control *control, const struct pollfd *fds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!fds[i].revents)
            continue;
        if (fds[i].fd == control->fd) {
            accept_client(control);
            continue;
        }
        for (int j = 0; j < VISOR_CONTROL_CLIENTS; j++) {
            struct client *client = &control->clients[j];

            if (client->fd < 0 || client->fd != fds[i].fd)
                continue;
            client->used = ++control->turn;
            if (client->state == ANSWERING)
                client_write(client);
            else if (client->state == READING)
                client_read(control, client);
            else
                client_close(client); /* hung up while it was to wait */
            break;
        }
    }
}

bool visor_control_next(struct visor_control *control, struct visor_control_call *call)
{
    for (int i = 0; i < VISOR_CONTROL_CLIENTS; i++) {
        struct client *client = &control->clients[i];

        if (client->fd < 0)
            continue;
        if (client->state == READING && client->in_size)
            client_parse(control, client); /* sent ahead while we were answering */
        if (client->fd < 0 || client->state != ASKED || client->taken)
            continue;
        client->taken = true;
        *call = (struct visor_control_call){.token = client->token, .request = client->request};
        return true;
    }
    return false;
}

void visor_control_reply(struct visor_control *control, uint32_t token,
                         enum visor_control_result result, const char *json)
{
    for (int i = 0; i < VISOR_CONTROL_CLIENTS; i++) {
        struct client *client = &control->clients[i];

        if (client->fd >= 0 && client->state == ASKED && client->token == token) {
            client_answer(client, result, json);
            return;
        }
    }
}
