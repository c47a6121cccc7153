/* The client log. A bucket is kept as the time at which it will be full again (GCRA): an answer
 * puts that off by one interval, and it must not lie further ahead than a burst allows. So that
 * nobody can silence a client by asking in its name, a random part of what is over the limit is
 * answered all the same (`leak`). */
#include "engine/clients.h"

#include <stdlib.h>
#include <string.h>

#define WAYS           8
#define QUARTERS       4 /* intervals are averaged in quarters of log2 */
#define NO_RATE        INT16_MIN
#define RATE_OF_SECOND 119 /* quarter_log2() of 1e9 ns */
#define INTERVAL_MIN   (-19)
#define INTERVAL_MAX   12

struct service {
    visor_mono last; /* INT64_MIN: never */
    visor_mono full; /* when the bucket will be full */
    uint32_t hits;
    uint16_t drops;
    int16_t rate; /* quarter_log2() of the interval, averaged */
};

struct record {
    struct service services[VISOR_SERVICE_COUNT];
    uint8_t bytes[16];
    uint8_t family;  /* NONE: empty */
    uint8_t dropped; /* services whose last request got no reply, as bits */
    int16_t timeout_rate;
};

struct limit {
    int64_t cost_ns, burst_ns; /* cost 0: no limit */
    int leak, kod;             /* log2 of the parts answered */
};

struct visor_clients {
    struct visor_rng *rng;
    uint64_t seed;
    struct limit limits[VISOR_SERVICE_COUNT];
    int8_t min_poll;
    struct visor_clients_totals totals;
    size_t slots;
    struct record records[];
};

static int64_t interval_ns(int log2_s)
{
    return log2_s >= 0 ? VISOR_NS_PER_S << log2_s : VISOR_NS_PER_S >> -log2_s;
}

static int clamp(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

static void set_limit(struct limit *limit, const struct visor_ratelimit_config *config)
{
    *limit = (struct limit){0};
    if (!config->enabled)
        return;
    limit->cost_ns = interval_ns(clamp(config->interval, INTERVAL_MIN, INTERVAL_MAX));
    limit->burst_ns = limit->cost_ns * clamp(config->burst, 1, 255);
    limit->leak = clamp(config->leak, 1, 4);
    limit->kod = clamp(config->kod, 0, 4);
}

void visor_clients_configure(struct visor_clients *clients, const struct visor_config *config)
{
    set_limit(&clients->limits[VISOR_SERVICE_NTP], &config->ratelimit);
    set_limit(&clients->limits[VISOR_SERVICE_COMMAND], &config->cmd_ratelimit);
    clients->min_poll = (int8_t)(config->ratelimit.enabled
                                     ? clamp(config->ratelimit.interval, INTERVAL_MIN, INTERVAL_MAX)
                                     : INTERVAL_MIN);
}

struct visor_clients *visor_clients_new(const struct visor_config *config, struct visor_rng *rng)
{
    size_t slots = config->client_log ? 1 : 0;
    struct visor_clients *clients;

    while (slots && slots < ((size_t)1 << 21) &&
           slots * 2 * WAYS * sizeof(struct record) <= config->client_log_limit / 4 * 3)
        slots *= 2;
    clients = calloc(1, sizeof(*clients) + slots * WAYS * sizeof(struct record));
    if (!clients)
        return NULL;
    clients->rng = rng;
    clients->seed = visor_rng_next(rng) | 1;
    clients->slots = slots;
    visor_clients_configure(clients, config);
    return clients;
}

void visor_clients_free(struct visor_clients *clients)
{
    free(clients);
}

/* ---- finding a record ---- */

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 32)) * UINT64_C(0xd6e8feb86659fd93);
    x = (x ^ (x >> 32)) * UINT64_C(0xd6e8feb86659fd93);
    return x ^ (x >> 32);
}

static size_t slot_of(const struct visor_clients *clients, const struct visor_address *address)
{
    uint64_t words[2];

    memcpy(words, address->bytes, sizeof(words));
    return (size_t)mix(mix(words[0] ^ clients->seed) + words[1] + address->family) &
           (clients->slots - 1);
}

static visor_mono last_hit(const struct record *record)
{
    visor_mono last = record->services[0].last;

    for (int i = 1; i < VISOR_SERVICE_COUNT; i++)
        if (visor_mono_before(last, record->services[i].last))
            last = record->services[i].last;
    return last;
}

static uint64_t all_hits(const struct record *record)
{
    uint64_t hits = 0;

    for (int i = 0; i < VISOR_SERVICE_COUNT; i++)
        hits += record->services[i].hits;
    return hits;
}

static void renew(struct record *record, const struct visor_address *address)
{
    *record = (struct record){.family = address->family, .timeout_rate = NO_RATE};
    memcpy(record->bytes, address->bytes, sizeof(record->bytes));
    for (int i = 0; i < VISOR_SERVICE_COUNT; i++)
        record->services[i] =
            (struct service){.last = {INT64_MIN}, .full = {INT64_MIN}, .rate = NO_RATE};
}

static struct record *find(struct visor_clients *clients, const struct visor_address *address)
{
    struct record *slot, *oldest;

    if (!clients->slots || address->family == VISOR_FAMILY_NONE)
        return NULL;
    slot = oldest = &clients->records[slot_of(clients, address) * WAYS];
    for (int i = 0; i < WAYS; i++) {
        struct record *record = &slot[i];
        visor_mono last, least;

        if (record->family == VISOR_FAMILY_NONE) {
            renew(record, address);
            return record;
        }
        if (record->family == address->family &&
            !memcmp(record->bytes, address->bytes, sizeof(record->bytes)))
            return record;
        last = last_hit(record);
        least = last_hit(oldest);
        if (visor_mono_before(last, least) ||
            (last.ns == least.ns && all_hits(record) < all_hits(oldest)))
            oldest = record;
    }
    clients->totals.forgotten++;
    renew(oldest, address);
    return oldest;
}

/* ---- rates and limits ---- */

/* 4 log2(ns), by the leading bits; within a quarter. */
static int16_t quarter_log2(int64_t ns)
{
    int log = 0;

    if (ns < 8)
        ns = 8;
    for (int step = 32; step; step /= 2)
        if (ns >> (log + step))
            log += step;
    return (int16_t)(log * QUARTERS + (int)(ns >> (log - 2) & 3));
}

/* Shorter intervals come often and move the average slowly, longer ones rarely and quickly. */
static void average(int16_t *rate, int16_t seen)
{
    if (*rate == NO_RATE)
        *rate = seen;
    else if (seen < *rate)
        --*rate;
    else if (seen > *rate + QUARTERS * 5 / 2)
        *rate = (int16_t)(seen - QUARTERS * 5 / 2);
    else
        *rate = (int16_t)((*rate + seen) / 2);
}

static bool one_in(struct visor_clients *clients, int log2_n)
{
    return (visor_rng_next(clients->rng) >> 32 & ((UINT64_C(1) << log2_n) - 1)) == 0;
}

static void note_hit(struct record *record, enum visor_service which, visor_mono now)
{
    struct service *service = &record->services[which];
    visor_mono last = service->last;
    bool dropped = record->dropped >> which & 1;

    service->hits++;
    service->last = now;
    if (last.ns != INT64_MIN && !visor_mono_before(now, last))
        average(which == VISOR_SERVICE_NTP && dropped ? &record->timeout_rate : &service->rate,
                quarter_log2(visor_mono_diff(now, last)));
}

/* A client that asks more than twice as often when it gets no reply is better answered: there only
 * the leak is dropped. */
static bool worse_when_dropped(const struct record *record, enum visor_service which)
{
    int16_t rate = record->services[which].rate;

    return which == VISOR_SERVICE_NTP && record->timeout_rate != NO_RATE && rate != NO_RATE &&
           record->timeout_rate + QUARTERS < rate;
}

enum visor_limit visor_clients_admit(struct visor_clients *clients, enum visor_service which,
                                     const struct visor_address *address, visor_mono now)
{
    const struct limit *limit = &clients->limits[which];
    struct record *record = find(clients, address);
    struct service *service;

    clients->totals.hits[which]++;
    if (!record)
        return VISOR_LIMIT_PASS;
    service = &record->services[which];
    note_hit(record, which, now);
    record->dropped &= (uint8_t) ~(1u << which);
    if (!limit->cost_ns)
        return VISOR_LIMIT_PASS;
    if (visor_mono_before(service->full, now))
        service->full = now;
    if (visor_ns_add(visor_mono_diff(service->full, now), limit->cost_ns) <= limit->burst_ns) {
        service->full.ns += limit->cost_ns;
        return VISOR_LIMIT_PASS;
    }
    if (one_in(clients, limit->leak) != worse_when_dropped(record, which)) {
        service->full = visor_mono_add(now, limit->burst_ns);
        return VISOR_LIMIT_PASS;
    }
    if (which == VISOR_SERVICE_NTP && limit->kod > 0 && one_in(clients, limit->kod))
        return VISOR_LIMIT_KISS;
    record->dropped |= (uint8_t)(1u << which);
    service->drops++;
    clients->totals.drops[which]++;
    return VISOR_LIMIT_DROP;
}

void visor_clients_count(struct visor_clients *clients, bool authenticated, bool interleaved,
                         enum visor_stamper rx, enum visor_stamper tx)
{
    clients->totals.authenticated += authenticated;
    clients->totals.interleaved += interleaved;
    clients->totals.rx[rx & 3]++;
    clients->totals.tx[tx & 3]++;
}

int8_t visor_clients_min_poll(const struct visor_clients *clients)
{
    return clients->min_poll;
}

/* ---- reports ---- */

size_t visor_clients_capacity(const struct visor_clients *clients)
{
    return clients->slots * WAYS;
}

static int8_t interval_of(int16_t rate)
{
    int quarters = rate - RATE_OF_SECOND;

    if (rate == NO_RATE)
        return VISOR_CLIENTS_NO_INTERVAL;
    return (int8_t)((quarters + (quarters < 0 ? -QUARTERS / 2 : QUARTERS / 2)) / QUARTERS);
}

static uint32_t age_of(visor_mono now, visor_mono last)
{
    int64_t age;

    if (last.ns == INT64_MIN)
        return VISOR_CLIENTS_NEVER;
    age = visor_mono_diff(now, last) / VISOR_NS_PER_S;
    return age < 0 ? 0 : age >= VISOR_CLIENTS_NEVER ? VISOR_CLIENTS_NEVER - 1 : (uint32_t)age;
}

bool visor_clients_report(struct visor_clients *clients, size_t index, uint32_t min_hits,
                          bool reset, visor_mono now, struct visor_client_report *report)
{
    struct record *record;
    bool enough = min_hits == 0;

    if (index >= visor_clients_capacity(clients))
        return false;
    record = &clients->records[index];
    if (record->family == VISOR_FAMILY_NONE)
        return false;
    *report = (struct visor_client_report){.address = {.family = record->family},
                                           .timeout_interval = interval_of(record->timeout_rate)};
    memcpy(report->address.bytes, record->bytes, sizeof(record->bytes));
    for (int i = 0; i < VISOR_SERVICE_COUNT; i++) {
        struct service *service = &record->services[i];

        enough = enough || service->hits >= min_hits;
        report->hits[i] = service->hits;
        report->drops[i] = service->drops;
        report->interval[i] = interval_of(service->rate);
        report->age_s[i] = age_of(now, service->last);
        if (reset)
            service->hits = service->drops = 0;
    }
    return enough;
}

void visor_clients_totals(const struct visor_clients *clients, struct visor_clients_totals *totals)
{
    *totals = clients->totals;
}
