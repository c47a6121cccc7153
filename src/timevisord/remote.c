/* Each function of the host is one sentence about the daemon. Left to others: the rules of who may
 * ask what (chronyc.c). */
#include "timevisord/remote.h"
#include "timevisord/dumps.h"

#include "port/monitor.h"
#include "port/socket.h"
#include "port/text.h"
#include "timevisord/chronyc.h"
#include "timevisord/daemon.h"
#include "timevisord/reload.h"
#include "timevisord/rtc.h"
#include "timevisord/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct visor_remote {
    struct visor_daemon *daemon;
    struct visor_monitor *monitor;
    struct visor_chronyc chronyc;
    struct visor_status status;
};

static struct visor_remote *self(void *context)
{
    return context;
}

static const struct visor_status *host_status(void *context)
{
    struct visor_remote *remote = self(context);
    struct visor_daemon *daemon = remote->daemon;
    struct visor_reading now;

    if (!daemon->clock.ops->read(&daemon->clock, &now))
        visor_engine_status(daemon->engine, &now, &remote->status);
    return &remote->status;
}

static void host_command(void *context, const struct visor_event_command *command,
                         struct visor_action_answer *answer)
{
    visor_daemon_command(self(context)->daemon, command, answer);
}

static enum visor_cmdmon_status host_act(void *context, enum visor_chronyc_act act)
{
    struct visor_daemon *daemon = self(context)->daemon;

    switch (act) {
    case VISOR_CHRONYC_CYCLELOGS:
        visor_logfile_cycle(daemon->logfile);
        visor_log_reopen(daemon->log);
        return VISOR_CMDMON_SUCCESS;
    case VISOR_CHRONYC_REKEY:
        return visor_daemon_load_keys(daemon) ? VISOR_CMDMON_FAILED : VISOR_CMDMON_SUCCESS;
    case VISOR_CHRONYC_SHUTDOWN:
        visor_log_write(daemon->log, VISOR_SEVERITY_INFO, "Received shutdown command");
        daemon->ended = true;
        return VISOR_CMDMON_SUCCESS;
    case VISOR_CHRONYC_TRIM_RTC:
        return visor_rtc_service_trim(daemon->rtc);
    case VISOR_CHRONYC_WRITE_RTC:
        return visor_rtc_service_write(daemon->rtc);
    case VISOR_CHRONYC_RELOAD:
        return visor_reload_sources(daemon) ? VISOR_CMDMON_FAILED : VISOR_CMDMON_SUCCESS;
    case VISOR_CHRONYC_DUMP:
        visor_dumps_write(daemon); /* what fails is logged; chronyd says OK to this in any case */
        return VISOR_CMDMON_SUCCESS;
    }
    return VISOR_CMDMON_FAILED;
}

/* ---- access ---- */

static bool host_allowed(void *context, enum visor_chronyc_table table,
                         const struct visor_address *address)
{
    return visor_rules_allow(self(context)->daemon->rules, table, address);
}

static enum visor_cmdmon_status host_restricted(void *context, enum visor_chronyc_table table,
                                                const struct visor_access_config *rule)
{
    return visor_rules_add(self(context)->daemon->rules, table, rule) ? VISOR_CMDMON_SUCCESS
                                                                      : VISOR_CMDMON_FAILED;
}

static bool host_admit(void *context, const struct visor_address *address)
{
    struct visor_remote *remote = self(context);

    return visor_clients_admit(remote->daemon->server.clients, VISOR_SERVICE_COMMAND, address,
                               visor_clock_raw()) == VISOR_LIMIT_PASS;
}

static bool host_routed(void *context, const struct visor_address *address)
{
    (void)context;
    return visor_socket_routed(address);
}

/* ---- the server's memory ---- */

static uint32_t host_client_count(void *context)
{
    return (uint32_t)visor_clients_capacity(self(context)->daemon->server.clients);
}

static bool host_client(void *context, const struct visor_cmdmon_clients_query *query,
                        uint32_t index, struct visor_cmdmon_client *out)
{
    struct visor_remote *remote = self(context);
    struct visor_client_report r;

    if (!visor_clients_report(remote->daemon->server.clients, index, query->min_hits,
                              query->reset != 0, visor_clock_raw(), &r))
        return false;
    *out = (struct visor_cmdmon_client){
        .address.address = r.address,
        .ntp_hits = r.hits[VISOR_SERVICE_NTP],
        .nke_hits = r.hits[VISOR_SERVICE_NTSKE],
        .cmd_hits = r.hits[VISOR_SERVICE_COMMAND],
        .ntp_drops = r.drops[VISOR_SERVICE_NTP],
        .nke_drops = r.drops[VISOR_SERVICE_NTSKE],
        .cmd_drops = r.drops[VISOR_SERVICE_COMMAND],
        .ntp_interval = r.interval[VISOR_SERVICE_NTP],
        .nke_interval = r.interval[VISOR_SERVICE_NTSKE],
        .cmd_interval = r.interval[VISOR_SERVICE_COMMAND],
        .ntp_timeout_interval = r.timeout_interval,
        .last_ntp_age = r.age_s[VISOR_SERVICE_NTP],
        .last_nke_age = r.age_s[VISOR_SERVICE_NTSKE],
        .last_cmd_age = r.age_s[VISOR_SERVICE_COMMAND],
    };
    return true;
}

static void host_server_stats(void *context, struct visor_cmdmon_server_stats *out)
{
    struct visor_server *server = &self(context)->daemon->server;
    struct visor_clients_totals t;
    uint32_t span = 0;

    visor_clients_totals(server->clients, &t);
    *out = (struct visor_cmdmon_server_stats){
        .ntp_hits = t.hits[VISOR_SERVICE_NTP],
        .nke_hits = t.hits[VISOR_SERVICE_NTSKE],
        .cmd_hits = t.hits[VISOR_SERVICE_COMMAND],
        .ntp_drops = t.drops[VISOR_SERVICE_NTP],
        .nke_drops = t.drops[VISOR_SERVICE_NTSKE],
        .cmd_drops = t.drops[VISOR_SERVICE_COMMAND],
        .log_drops = t.forgotten,
        .ntp_auth_hits = t.authenticated,
        .ntp_interleaved_hits = t.interleaved,
        .daemon_rx = t.rx[VISOR_STAMPER_DAEMON],
        .daemon_tx = t.tx[VISOR_STAMPER_DAEMON],
        .kernel_rx = t.rx[VISOR_STAMPER_KERNEL],
        .kernel_tx = t.tx[VISOR_STAMPER_KERNEL],
        .hardware_rx = t.rx[VISOR_STAMPER_HARDWARE],
        .hardware_tx = t.tx[VISOR_STAMPER_HARDWARE],
    };
    if (server->exchanges)
        out->ntp_timestamps = visor_exchanges_held(server->exchanges, &span);
    out->ntp_span_seconds = span;
}

static bool host_rtc(void *context, struct visor_cmdmon_rtc *report)
{
    return visor_rtc_service_report(self(context)->daemon->rtc, report);
}

/* chronyd's numbers of hash functions and ciphers. */
static bool host_key(void *context, uint32_t id, uint16_t *type, uint16_t *bits)
{
    static const uint16_t types[] = {
        [VISOR_KEY_MD5] = 1,      [VISOR_KEY_SHA1] = 2,     [VISOR_KEY_SHA256] = 3,
        [VISOR_KEY_SHA384] = 4,   [VISOR_KEY_SHA512] = 5,   [VISOR_KEY_SHA3_224] = 6,
        [VISOR_KEY_SHA3_256] = 7, [VISOR_KEY_SHA3_384] = 8, [VISOR_KEY_SHA3_512] = 9,
        [VISOR_KEY_AES128] = 13,  [VISOR_KEY_AES256] = 14,
    };
    const struct visor_key *key = visor_keys_find(self(context)->daemon->keys, id);

    if (!key)
        return false;
    *type = types[key->type];
    *bits = (uint16_t)(8 * key->length);
    return true;
}

static const struct visor_chronyc_host host = {
    .status = host_status,
    .command = host_command,
    .act = host_act,
    .allowed = host_allowed,
    .restricted = host_restricted,
    .admit = host_admit,
    .routed = host_routed,
    .client_count = host_client_count,
    .client = host_client,
    .server_stats = host_server_stats,
    .rtc = host_rtc,
    .key = host_key,
};

/* ---- from outside ---- */

struct visor_remote *visor_remote_new(struct visor_daemon *daemon)
{
    struct visor_remote *remote = calloc(1, sizeof *remote);
    struct visor_config quiet = *daemon->config;

    if (!remote)
        return NULL;
    remote->daemon = daemon;
    remote->chronyc = (struct visor_chronyc){.host = &host, .context = remote};
    if (daemon->server.silent)
        quiet.cmd_port = 0;
    remote->monitor = visor_monitor_new(&quiet, (int)daemon->options.only, daemon->log);
    if (!remote->monitor) {
        visor_remote_free(remote);
        return NULL;
    }
    remote->chronyc.open_commands = daemon->config->open_commands;
    return remote;
}

void visor_remote_free(struct visor_remote *remote)
{
    if (!remote)
        return;
    visor_monitor_free(remote->monitor);
    free(remote);
}

void visor_remote_open_path(struct visor_remote *remote)
{
    struct visor_daemon *daemon = remote->daemon;

    if (!daemon->server.silent)
        visor_monitor_open_path(remote->monitor, daemon->config->bind_cmd_path, daemon->log);
}

size_t visor_remote_fds(const struct visor_remote *remote, int fds[VISOR_REMOTE_FDS])
{
    return visor_monitor_fds(remote->monitor, fds);
}

static size_t answer(void *context, const struct visor_monitor_peer *peer, const uint8_t *request,
                     size_t size, uint8_t *reply)
{
    return visor_chronyc_handle(&self(context)->chronyc, &peer->remote, request, size, reply,
                                VISOR_MONITOR_MESSAGE_MAX);
}

void visor_remote_handle(struct visor_remote *remote, int fd)
{
    visor_monitor_handle(remote->monitor, fd, answer, remote);
}
