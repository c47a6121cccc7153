/* Who asked how often, and who asks too often: one record an address in a table of fixed size, and
 * a token bucket in it for each service. A full slot forgets the address that has been silent the
 * longest. Not for several threads at once. */
#ifndef VISOR_ENGINE_CLIENTS_H
#define VISOR_ENGINE_CLIENTS_H

#include "base/address.h"
#include "base/rng.h"
#include "base/time.h"
#include "config/config.h"
#include "engine/event.h"

enum visor_service {
    VISOR_SERVICE_NTP,
    VISOR_SERVICE_NTSKE,
    VISOR_SERVICE_COMMAND,
    VISOR_SERVICE_COUNT
};

enum visor_limit {
    VISOR_LIMIT_PASS,
    VISOR_LIMIT_DROP,
    VISOR_LIMIT_KISS, /* answer with a kiss-o'-death (NTP only) */
};

#define VISOR_CLIENTS_NEVER       UINT32_MAX
#define VISOR_CLIENTS_NO_INTERVAL 127

struct visor_client_report {
    struct visor_address address;
    uint32_t hits[VISOR_SERVICE_COUNT], drops[VISOR_SERVICE_COUNT];
    int8_t interval[VISOR_SERVICE_COUNT]; /* log2 s between requests; 127: unknown */
    int8_t timeout_interval;              /* NTP: between requests after one without reply */
    uint32_t age_s[VISOR_SERVICE_COUNT];  /* of the last request */
};

/* `serverstats`; the caller adds what the exchanges hold. */
struct visor_clients_totals {
    uint64_t hits[VISOR_SERVICE_COUNT], drops[VISOR_SERVICE_COUNT];
    uint64_t forgotten; /* records replaced by others */
    uint64_t authenticated, interleaved;
    uint64_t rx[4], tx[4]; /* by enum visor_stamper */
};

struct visor_clients;

/* Three quarters of `clientloglimit` go to the records (96 bytes each), the rest is meant for the
 * exchanges. What `clientlog…`, `ratelimit` and `cmdratelimit` say. `config` is not kept. With
 * `noclientlog` there are totals only, and no limits. NULL without memory. */
struct visor_clients *visor_clients_new(const struct visor_config *config, struct visor_rng *rng);
void visor_clients_free(struct visor_clients *clients); /* NULL allowed */

/* New limits, old records. */
void visor_clients_configure(struct visor_clients *clients, const struct visor_config *config);

/* A request came: count it, and may it be answered? */
enum visor_limit visor_clients_admit(struct visor_clients *clients, enum visor_service service,
                                     const struct visor_address *address, visor_mono now);

/* An NTP reply is sent: what its request and its transmit timestamp were. */
void visor_clients_count(struct visor_clients *clients, bool authenticated, bool interleaved,
                         enum visor_stamper rx, enum visor_stamper tx);

/* log2 s: the least interval the NTP limit lets through; -19 without a limit. */
int8_t visor_clients_min_poll(const struct visor_clients *clients);

/* Records by index, 0 … capacity - 1 (0 with noclientlog). False: none there, or fewer hits of
 * every service than `min_hits`. `reset` sets its hits and drops to 0 afterwards. */
size_t visor_clients_capacity(const struct visor_clients *clients);
bool visor_clients_report(struct visor_clients *clients, size_t index, uint32_t min_hits,
                          bool reset, visor_mono now, struct visor_client_report *report);
void visor_clients_totals(const struct visor_clients *clients, struct visor_clients_totals *totals);

#endif
