/* NTP's sockets on the loopback: ports, addresses, stamps, whose reply it is. */
#include "port/clock.h"
#include "port/net.h"
#include "port/socket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <netinet/in.h>

#include <cmocka.h>

struct world {
    struct visor_stamp sent; /* of the last request */
    struct visor_config *config;
    struct visor_stamps stamps;
    struct visor_net *net;
};

/* A port that was free a moment ago. */
static uint16_t free_port(void)
{
    struct visor_address any = {.bytes = {127, 0, 0, 1}, .family = VISOR_FAMILY_IPV4}, own;
    struct sockaddr_storage name;
    socklen_t length = sizeof(name);
    int fd = visor_socket_open_udp(VISOR_FAMILY_IPV4, &any, NULL);

    assert_true(fd >= 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &length), 0);
    assert_true(visor_socket_address_read((struct sockaddr *)&name, &own));
    close(fd);
    return own.port;
}

static struct visor_address loopback(enum visor_family family, uint16_t port)
{
    struct visor_address address = {.family = (uint8_t)family, .port = port};

    if (family == VISOR_FAMILY_IPV4) {
        address.bytes[0] = 127;
        address.bytes[3] = 1;
    } else {
        address.bytes[15] = 1;
    }
    return address;
}

static int setup(void **state)
{
    static struct world world;
    struct visor_reading now;

    world.config = visor_config_new();
    world.config->port = free_port();
    world.config->bind_address4 = loopback(VISOR_FAMILY_IPV4, 0);
    visor_stamps_init(&world.stamps);
    visor_clock_read_kernel(&now);
    visor_stamps_note(&world.stamps, &now);
    world.net = visor_net_new(world.config, &world.stamps);
    *state = &world;
    return world.net ? 0 : -1;
}

static int teardown(void **state)
{
    struct world *world = *state;

    visor_net_free(world->net);
    visor_config_free(world->config);
    return 0;
}

/* The next socket that has something, or -1. */
static int wait_ready(struct world *world, short events)
{
    struct pollfd fds[VISOR_NET_SOCKETS_MAX];
    size_t count = visor_net_poll(world->net, false, fds, VISOR_NET_SOCKETS_MAX);

    for (size_t i = 0; i < count; i++)
        fds[i].events = events & POLLIN ? POLLIN : 0;
    if (poll(fds, count, 1000) <= 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (fds[i].revents & events)
            return fds[i].fd;
    return -1;
}

static int send_request(struct world *world, uint32_t source, uint8_t cookie, bool from_server)
{
    struct visor_action_send send = {.source = source,
                                     .token = cookie,
                                     .to =
                                         loopback(VISOR_FAMILY_IPV4, (uint16_t)world->config->port),
                                     .from_server = from_server,
                                     .size = 48};
    int error;

    send.data[0] = 0x23;
    send.data[47] = cookie;
    error = visor_net_send(world->net, &send, send.data, send.size, &world->sent);
    if (!error)
        assert_true(world->sent.by == VISOR_STAMPER_DAEMON ||
                    world->sent.by == VISOR_STAMPER_KERNEL);
    return error;
}

static const struct visor_datagram *receive_one(struct world *world)
{
    const struct visor_datagram *datagrams;
    int fd = wait_ready(world, POLLIN);

    assert_true(fd >= 0);
    assert_int_equal(visor_net_receive(world->net, fd, &datagrams), 1);
    return &datagrams[0];
}

static void test_exchange__request_reply_and_stamps(void **state)
{
    struct world *world = *state;
    struct visor_datagram request;
    const struct visor_datagram *reply;
    struct visor_reading before, after;
    uint8_t answer[48] = {0x24};
    int64_t slack;
    int tries = 0;

    assert_int_equal(visor_net_open_server(world->net), 0);
    assert_true(visor_net_serves(world->net));
    for (;;) { /* the kernel switches its stamps on a little after they are first asked for */
        visor_clock_read_kernel(&before);
        assert_int_equal(send_request(world, 7, 1, false), 0);
        request = *receive_one(world);
        visor_clock_read_kernel(&after);
        if (request.received.by == VISOR_STAMPER_KERNEL || ++tries == 200)
            break;
        usleep(10000);
    }
    assert_true(request.server);
    assert_int_equal(request.source, 0);
    assert_int_equal(request.size, 48);
    assert_int_equal(request.data[47], 1);
    assert_true(request.peer.port != world->config->port);
    assert_int_equal(request.local.bytes[0], 127);
    assert_int_equal(request.received.by, VISOR_STAMPER_KERNEL);
    slack = 10000 + before.width_ns + after.width_ns + request.received.error_ns;
    assert_true(visor_mono_diff(request.received.raw, before.raw) > -slack);
    assert_true(visor_mono_diff(after.raw, request.received.raw) > -slack);

    assert_int_equal(visor_net_reply(world->net, &request, answer, sizeof(answer), 0, false), 0);
    reply = receive_one(world);
    assert_false(reply->server);
    assert_int_equal(reply->source, 7);
    assert_int_equal(reply->peer.port, world->config->port);
    assert_int_equal(reply->data[0], 0x24);
}

static const struct visor_datagram *answer_one(struct world *world)
{
    struct visor_datagram request = *receive_one(world);
    uint8_t answer[48] = {0x24};

    assert_int_equal(visor_net_reply(world->net, &request, answer, sizeof(answer), 0, false), 0);
    return receive_one(world);
}

/* Replies that the kernel stamps may wait: they are as good when they are read. */
static void test_poll__patient_holds_back_what_is_stamped(void **state)
{
    struct world *world = *state;
    struct pollfd fds[VISOR_NET_SOCKETS_MAX], held;
    const struct visor_datagram *datagrams;
    struct visor_reading replied;
    size_t at = 0;
    int tries = 0, reply;

    visor_net_restrict(world->net, VISOR_FAMILY_IPV4);
    assert_int_equal(visor_net_open_server(world->net), 0);
    assert_int_equal(send_request(world, 7, 1, false), 0);
    assert_int_equal(visor_net_poll(world->net, true, fds, 4), 2); /* is it stamped? not known */
    assert_false(visor_net_held(world->net, &at, &held));
    while (answer_one(world)->received.by != VISOR_STAMPER_KERNEL && ++tries < 200) {
        usleep(10000);
        assert_int_equal(send_request(world, 7, 1, false), 0);
    }
    assert_int_equal(send_request(world, 7, 2, false), 0);
    answer_one(world);
    assert_int_equal(send_request(world, 7, 3, false), 0);
    reply = wait_ready(world, POLLIN);
    assert_int_equal(visor_net_receive(world->net, reply, &datagrams), 1);
    assert_int_equal(
        visor_net_reply(world->net, datagrams, (const uint8_t[48]){0x24}, 48, 0, false), 0);
    assert_true(wait_ready(world, POLLIN) != reply);
    visor_clock_read_kernel(&replied);
    usleep(20000);
    assert_int_equal(visor_net_poll(world->net, true, fds, 4), 1);
    assert_int_equal(fds[0].fd, reply); /* the server's */
    at = 0;
    assert_true(visor_net_held(world->net, &at, &held));
    assert_true(held.revents & POLLIN);
    assert_int_equal(visor_net_receive(world->net, held.fd, &datagrams), 1);
    assert_int_equal(datagrams->received.by, VISOR_STAMPER_KERNEL);
    assert_true(visor_mono_diff(datagrams->received.raw, replied.raw) < 10000 + replied.width_ns);
    assert_false(visor_net_held(world->net, &at, &held));
    assert_int_equal(visor_net_poll(world->net, false, fds, 4), 2);
    at = 0;
    assert_false(visor_net_held(world->net, &at, &held));
}

/* What is sent to the port of NTP over PTP goes wrapped, and is unwrapped there. */
static void test_exchange__over_ptp(void **state)
{
    struct world *world = *state;
    struct visor_action_send send = {.source = 9, .token = 1, .size = 48, .data = {0x23}};
    struct visor_datagram request;
    const struct visor_datagram *reply;
    struct visor_stamp sent;
    uint8_t answer[48] = {0x24};

    world->config->ptp_port = free_port();
    world->config->ptp_domain = 44;
    assert_int_equal(visor_net_open_ptp(world->net), 0);
    send.to = loopback(VISOR_FAMILY_IPV4, (uint16_t)world->config->ptp_port);
    assert_int_equal(visor_net_send(world->net, &send, send.data, send.size, &sent), 0);
    request = *receive_one(world);
    assert_true(request.ptp && request.server);
    assert_int_equal(request.size, 48);
    assert_int_equal(request.data[0], 0x23);
    assert_int_equal(request.peer.port, world->config->ptp_port);
    assert_int_equal(visor_net_reply(world->net, &request, answer, sizeof(answer), 0, false), 0);
    reply = receive_one(world);
    assert_true(reply->ptp);
    assert_int_equal(reply->source, 9);
    assert_int_equal(reply->data[0], 0x24);
}

/* The loopback interface stamps a request before sendmsg() returns; a reply's stamp is fetched. */
static void test_sent__kernel_stamps_of_request_and_reply(void **state)
{
    struct world *world = *state;
    struct visor_datagram request;
    struct visor_net_sent sent = {0};
    uint8_t answer[60] = {0x24};
    int fd, tries = 0;

    assert_int_equal(visor_net_open_server(world->net), 0);
    do { /* a reading may be interrupted: see above */
        assert_int_equal(send_request(world, 7, 42, false), 0);
        request = *receive_one(world);
    } while (world->sent.by != VISOR_STAMPER_KERNEL && ++tries < 20);
    assert_int_equal(world->sent.by, VISOR_STAMPER_KERNEL);
    assert_true(visor_mono_diff(request.received.raw, world->sent.raw) >=
                -(request.received.error_ns + world->sent.error_ns));
    assert_true(visor_mono_diff(request.received.raw, world->sent.raw) < VISOR_NS_PER_S);
    answer[47] = 9;
    assert_int_equal(visor_net_reply(world->net, &request, answer, sizeof(answer), 99, true), 0);
    fd = wait_ready(world, POLLERR);
    assert_true(fd >= 0);
    assert_true(visor_net_receive_sent(world->net, fd, &sent));
    assert_int_equal(sent.source, 0);
    assert_int_equal(sent.token, 99);
}

static void test_send__every_request_from_a_fresh_port(void **state)
{
    struct world *world = *state;
    uint16_t ports[4];
    size_t different = 0;

    assert_int_equal(visor_net_open_server(world->net), 0);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(send_request(world, 7, (uint8_t)i, false), 0);
        ports[i] = receive_one(world)->peer.port;
        for (size_t j = 0; j < i; j++)
            different += ports[i] != ports[j];
    }
    assert_true(different >= 5); /* of 6 pairs: one may meet again by chance */
}

static void test_send__acquisition_port_is_shared_and_replies_find_their_source(void **state)
{
    struct world *world = *state;
    struct visor_datagram request;
    uint8_t answer[48] = {0x24};

    world->config->acquisition_port = free_port();
    assert_int_equal(visor_net_open_server(world->net), 0);
    assert_int_equal(send_request(world, 7, 1, false), 0);
    request = *receive_one(world);
    assert_int_equal(request.peer.port, world->config->acquisition_port);
    assert_int_equal(visor_net_reply(world->net, &request, answer, sizeof(answer), 0, false), 0);
    assert_int_equal(receive_one(world)->source, 7);
    visor_net_close(world->net, 7); /* nobody waits for a reply any more */
    assert_int_equal(visor_net_reply(world->net, &request, answer, sizeof(answer), 0, false), 0);
    assert_int_equal(receive_one(world)->source, 0);
}

static void test_send__peers_use_the_server_s_port(void **state)
{
    struct world *world = *state;
    struct visor_address there = loopback(VISOR_FAMILY_IPV4, (uint16_t)world->config->port);

    assert_false(visor_net_is_peer(world->net, &there));
    assert_int_equal(send_request(world, 5, 1, true), 0);
    assert_int_equal(receive_one(world)->peer.port, world->config->port);
    assert_true(visor_net_is_peer(world->net, &there));
    there.port++;
    assert_false(visor_net_is_peer(world->net, &there));
}

static void test_receive__nothing_after_close(void **state)
{
    struct world *world = *state;
    const struct visor_datagram *datagrams;
    struct visor_net_sent sent;
    struct pollfd fds[8];

    visor_net_restrict(world->net, VISOR_FAMILY_IPV4);
    assert_int_equal(visor_net_open_server(world->net), 0);
    assert_int_equal(visor_net_poll(world->net, false, fds, 8), 1);
    visor_net_close_server(world->net);
    assert_int_equal(visor_net_poll(world->net, false, fds, 8), 0);
    assert_int_equal(visor_net_receive(world->net, fds[0].fd, &datagrams), 0);
    assert_false(visor_net_receive_sent(world->net, fds[0].fd, &sent));
}

/* Nobody listens: the ICMP error must be taken off the socket, or poll would never sleep again. */
static void test_receive__refused_request_leaves_no_error(void **state)
{
    struct world *world = *state;
    const struct visor_datagram *datagrams;
    struct visor_net_sent sent;
    struct pollfd fds[2];

    world->config->port = free_port();
    assert_int_equal(send_request(world, 7, 1, false), 0);
    assert_int_equal(visor_net_poll(world->net, false, fds, 2), 1);
    for (int i = 0; i < 4 && poll(fds, 1, 100) > 0; i++) {
        if (fds[0].revents & POLLERR && visor_net_receive_sent(world->net, fds[0].fd, &sent))
            continue;
        assert_int_equal(visor_net_receive(world->net, fds[0].fd, &datagrams), 0);
    }
    assert_int_equal(poll(fds, 1, 50), 0);
}

static void test_receive__too_long_is_dropped(void **state)
{
    struct world *world = *state;
    struct visor_address server = loopback(VISOR_FAMILY_IPV4, (uint16_t)world->config->port), any;
    static uint8_t large[VISOR_PACKET_MAX + 4] = {0x23};
    struct sockaddr_storage to;
    const struct visor_datagram *datagrams;
    socklen_t length = visor_socket_address_write(&server, &to);
    int fd;

    any = loopback(VISOR_FAMILY_IPV4, 0);
    assert_int_equal(visor_net_open_server(world->net), 0);
    fd = visor_socket_open_udp(VISOR_FAMILY_IPV4, &any, NULL);
    assert_true(fd >= 0);
    sendto(fd, large, sizeof(large), 0, (struct sockaddr *)&to, length);
    sendto(fd, large, 0, 0, (struct sockaddr *)&to, length);
    sendto(fd, large, VISOR_PACKET_MAX, 0, (struct sockaddr *)&to, length);
    assert_int_equal(visor_net_receive(world->net, wait_ready(world, POLLIN), &datagrams), 1);
    assert_int_equal(datagrams[0].size, VISOR_PACKET_MAX);
    close(fd);
}

static void test_open_server__a_taken_port_is_an_error(void **state)
{
    struct world *world = *state;
    struct visor_address taken = loopback(VISOR_FAMILY_IPV4, (uint16_t)world->config->port);
    int fd = visor_socket_open_udp(VISOR_FAMILY_IPV4, &taken, NULL);

    assert_true(fd >= 0);
    visor_net_restrict(world->net, VISOR_FAMILY_IPV4);
    assert_true(visor_net_open_server(world->net) < 0);
    assert_false(visor_net_serves(world->net));
    close(fd);
    assert_int_equal(visor_net_open_server(world->net), 0);
}

static void test_restrict__other_family_is_refused(void **state)
{
    struct world *world = *state;

    visor_net_restrict(world->net, VISOR_FAMILY_IPV6);
    assert_true(send_request(world, 7, 1, false) < 0);
}

static void test_address__survives_the_c_library(void **state)
{
    struct visor_address address = loopback(VISOR_FAMILY_IPV6, 123), back;
    struct sockaddr_storage storage;

    (void)state;
    assert_int_equal(visor_socket_address_write(&address, &storage), sizeof(struct sockaddr_in6));
    assert_true(visor_socket_address_read((struct sockaddr *)&storage, &back));
    assert_true(visor_address_same(&address, &back));
    assert_int_equal(back.port, 123);
    /* ::ffff:192.0.2.1 is IPv4 */
    memset(address.bytes, 0, 10);
    memset(address.bytes + 10, 0xff, 2);
    memcpy(address.bytes + 12, "\xc0\x00\x02\x01", 4);
    visor_socket_address_write(&address, &storage);
    assert_true(visor_socket_address_read((struct sockaddr *)&storage, &back));
    assert_int_equal(back.family, VISOR_FAMILY_IPV4);
    assert_int_equal(back.bytes[0], 192);
    storage.ss_family = AF_UNIX;
    assert_false(visor_socket_address_read((struct sockaddr *)&storage, &back));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_exchange__request_reply_and_stamps),
        TEST(test_poll__patient_holds_back_what_is_stamped),
        TEST(test_exchange__over_ptp),
        TEST(test_sent__kernel_stamps_of_request_and_reply),
        TEST(test_send__every_request_from_a_fresh_port),
        TEST(test_send__acquisition_port_is_shared_and_replies_find_their_source),
        TEST(test_send__peers_use_the_server_s_port),
        TEST(test_receive__nothing_after_close),
        TEST(test_receive__refused_request_leaves_no_error),
        TEST(test_receive__too_long_is_dropped),
        TEST(test_open_server__a_taken_port_is_an_error),
        TEST(test_restrict__other_family_is_refused),
        cmocka_unit_test(test_address__survives_the_c_library),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
