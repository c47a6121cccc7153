/* What chronyc asks, answered: access rules, reports from the status model, commands to the engine
 * or to the daemon. It knows nothing of sockets (port/monitor.h) and of bytes (wire/cmdmon.h). The
 * daemon stands behind `struct visor_chronyc_host`, and a test can.
 *
 * Who may ask what, as chronyd has it: the UNIX socket everything; a host by UDP the reports that
 * `opencommands` lists, if it is this machine (loopback) or `cmdallow` lets it. Others get no
 * answer at all; what is not open gets "not authorised". */
#ifndef VISOR_TIMEVISORD_CHRONYC_H
#define VISOR_TIMEVISORD_CHRONYC_H

#include "config/config.h"
#include "engine/action.h"
#include "engine/status.h"
#include "wire/cmdmon.h"

/* Which of the two access tables. */
enum visor_chronyc_table { VISOR_CHRONYC_NTP, VISOR_CHRONYC_COMMAND };

enum visor_chronyc_act {
    VISOR_CHRONYC_DUMP,      /* write the sources' histories */
    VISOR_CHRONYC_CYCLELOGS, /* open log files anew */
    VISOR_CHRONYC_REKEY,     /* read the key file again */
    VISOR_CHRONYC_RELOAD,    /* read `sourcedir` again */
    VISOR_CHRONYC_SHUTDOWN,
    VISOR_CHRONYC_TRIM_RTC,
    VISOR_CHRONYC_WRITE_RTC,
};

/* What the answers need of the daemon. A function that is NULL means: there is no such thing here
 * (no clients' log, no RTC, …). */
struct visor_chronyc_host {
    /* The status as of now; valid until the next call. Never NULL. */
    const struct visor_status *(*status)(void *context);
    /* Hand a command to the engine; its answer. The event's strings are valid for the call. */
    void (*command)(void *context, const struct visor_event_command *command,
                    struct visor_action_answer *answer);
    enum visor_cmdmon_status (*act)(void *context, enum visor_chronyc_act act);

    /* May this address ask us? And a new rule, which comes last. */
    bool (*allowed)(void *context, enum visor_chronyc_table table,
                    const struct visor_address *address);
    enum visor_cmdmon_status (*restricted)(void *context, enum visor_chronyc_table table,
                                           const struct visor_access_config *rule);
    /* Count a request (address of family NONE: by the UNIX socket). False: too many of them. */
    bool (*admit)(void *context, const struct visor_address *address);
    /* Is there a way to this address now? For `onoffline`. */
    bool (*routed)(void *context, const struct visor_address *address);

    /* Clients' log: size of its table, 0 if it is off; and an entry (false: none there). */
    uint32_t (*client_count)(void *context);
    bool (*client)(void *context, const struct visor_cmdmon_clients_query *query, uint32_t index,
                   struct visor_cmdmon_client *client);
    void (*server_stats)(void *context, struct visor_cmdmon_server_stats *stats);
    bool (*rtc)(void *context, struct visor_cmdmon_rtc *rtc);
    /* Type (as chronyd numbers them) and length in bits of a key; false: unknown key. */
    bool (*key)(void *context, uint32_t key, uint16_t *type, uint16_t *bits);
};

struct visor_chronyc {
    const struct visor_chronyc_host *host;
    void *context;          /* the host's */
    uint32_t open_commands; /* of the configuration */
};

/* `from`: family NONE for the UNIX socket. Returns the size of the reply, which is not longer than
 * the request nor `reply_size`; 0: none is to be sent. */
size_t visor_chronyc_handle(const struct visor_chronyc *chronyc, const struct visor_address *from,
                            const uint8_t *request, size_t request_size, uint8_t *reply,
                            size_t reply_size);

#endif
