/* Serves the canned status to chronyc, by a UNIX socket and by UDP on loopback, until its standard
 * input ends. First it prints the same status as JSON, one line, for the comparison.
 *     serve SOCKET UDP-PORT */
#include "../unit/canned_status.h"

#include "port/monitor.h"
#include "port/statusjson.h"
#include "timevisord/chronyc.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct visor_status *host_status(void *context)
{
    return context;
}

static void host_command(void *context, const struct visor_event_command *command,
                         struct visor_action_answer *answer)
{
    (void)context;
    (void)command;
    answer->answer = VISOR_ANSWER_OK;
}

static enum visor_cmdmon_status host_act(void *context, enum visor_chronyc_act act)
{
    (void)context;
    (void)act;
    return VISOR_CMDMON_SUCCESS;
}

static bool host_allowed(void *context, enum visor_chronyc_table table,
                         const struct visor_address *address)
{
    (void)context;
    (void)address;
    return table == VISOR_CHRONYC_NTP;
}

static enum visor_cmdmon_status host_restricted(void *context, enum visor_chronyc_table table,
                                                const struct visor_access_config *rule)
{
    (void)context;
    (void)table;
    return rule->prefix == 8 ? VISOR_CMDMON_SUCCESS : VISOR_CMDMON_BAD_SUBNET;
}

static bool host_routed(void *context, const struct visor_address *address)
{
    (void)context;
    (void)address;
    return true;
}

static uint32_t host_client_count(void *context)
{
    (void)context;
    return 30;
}

/* Every second index is a client, with numbers that tell of it. */
static bool host_client(void *context, const struct visor_cmdmon_clients_query *query,
                        uint32_t index, struct visor_cmdmon_client *c)
{
    (void)context;
    (void)query;
    if (index % 2 != 0)
        return false;
    c->address.address.family = VISOR_FAMILY_IPV4;
    memcpy(c->address.address.bytes, "\x0a\0\0", 3);
    c->address.address.bytes[3] = (uint8_t)index;
    c->ntp_hits = 1000 + index;
    c->ntp_drops = 2000 + index;
    c->cmd_hits = 3000 + index;
    c->cmd_drops = 4000 + index;
    c->ntp_interval = 6;
    c->ntp_timeout_interval = 127;
    c->cmd_interval = -3;
    c->nke_interval = 127;
    c->last_ntp_age = 5000 + index;
    c->last_cmd_age = 6000 + index;
    c->last_nke_age = VISOR_CMDMON_NEVER;
    return true;
}

static void host_server_stats(void *context, struct visor_cmdmon_server_stats *s)
{
    (void)context;
    *s = (struct visor_cmdmon_server_stats){.ntp_hits = 1,
                                            .nke_hits = 2,
                                            .cmd_hits = 3,
                                            .ntp_drops = 4,
                                            .nke_drops = 5,
                                            .cmd_drops = 6,
                                            .log_drops = 7,
                                            .ntp_auth_hits = 8,
                                            .ntp_interleaved_hits = 9,
                                            .ntp_timestamps = 10,
                                            .ntp_span_seconds = 11,
                                            .daemon_rx = 12,
                                            .daemon_tx = 13,
                                            .kernel_rx = 14,
                                            .kernel_tx = 15,
                                            .hardware_rx = 16,
                                            .hardware_tx = 17};
}

static bool host_rtc(void *context, struct visor_cmdmon_rtc *rtc)
{
    (void)context;
    *rtc = (struct visor_cmdmon_rtc){.reference = {INT64_C(1500000000000000000)},
                                     .samples = 12,
                                     .runs = 5,
                                     .span = 3600,
                                     .fast = -0.25,
                                     .gain_ppm = 1.5};
    return true;
}

static bool host_key(void *context, uint32_t key, uint16_t *type, uint16_t *bits)
{
    (void)context;
    *type = 3;
    *bits = 256;
    return key == 10;
}

static const struct visor_chronyc_host host = {
    .status = host_status,
    .command = host_command,
    .act = host_act,
    .allowed = host_allowed,
    .restricted = host_restricted,
    .routed = host_routed,
    .client_count = host_client_count,
    .client = host_client,
    .server_stats = host_server_stats,
    .rtc = host_rtc,
    .key = host_key,
};

static size_t answer(void *context, const struct visor_monitor_peer *peer, const uint8_t *request,
                     size_t size, uint8_t *reply)
{
    return visor_chronyc_handle(context, &peer->remote, request, size, reply,
                                VISOR_MONITOR_MESSAGE_MAX);
}

static void serve(struct visor_monitor *monitor, struct visor_chronyc *chronyc)
{
    int fds[VISOR_MONITOR_SOCKETS];
    size_t count = visor_monitor_fds(monitor, fds);
    struct pollfd set[VISOR_MONITOR_SOCKETS + 1] = {{.fd = STDIN_FILENO, .events = POLLIN}};

    for (size_t i = 0; i < count; i++)
        set[i + 1] = (struct pollfd){.fd = fds[i], .events = POLLIN};
    while (poll(set, count + 1, -1) >= 0 && !set[0].revents)
        for (size_t i = 1; i <= count; i++)
            if (set[i].revents)
                visor_monitor_handle(monitor, set[i].fd, answer, chronyc);
}

int main(int argc, char **argv)
{
    struct visor_status *status = canned_status();
    struct visor_chronyc chronyc = {&host, status, VISOR_OPEN_DEFAULT};
    struct visor_config *config = visor_config_new();
    struct visor_log *log = visor_log_new();
    json_t *json = visor_statusjson_write(status);
    struct visor_monitor *monitor;

    if (argc != 3 || !config || !log || !json)
        return 2;
    config->cmd_port = atoi(argv[2]);
    monitor = visor_monitor_new(config, 0, log);
    if (!monitor)
        return 2;
    visor_monitor_open_path(monitor, argv[1], log);
    json_dumpf(json, stdout, JSON_COMPACT);
    putchar('\n');
    fflush(stdout);
    serve(monitor, &chronyc);
    visor_monitor_free(monitor);
    json_decref(json);
    visor_log_free(log);
    visor_config_free(config);
    free(status);
    return 0;
}
