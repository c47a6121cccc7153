/* A hash table of small buckets; no chains, no growth, no deletion but by age. */
#include "engine/exchanges.h"

#include <stdlib.h>
#include <string.h>

#define WAYS          4
#define SENT_LIMIT_NS VISOR_NS_PER_S /* a reply does not lie longer in a queue */

struct entry {
    uint64_t timestamp; /* 0: empty */
    visor_mono received;
    visor_wall utc;
    int64_t sent_ns; /* after `received` */
    uint8_t by;      /* enum visor_stamper */
    bool taken;
};

struct visor_exchanges {
    size_t mask; /* of buckets */
    struct entry entries[];
};

struct visor_exchanges *visor_exchanges_new(size_t bytes)
{
    size_t buckets = 1;
    struct visor_exchanges *exchanges;

    while (buckets < ((size_t)1 << 24) && buckets * 2 * WAYS * sizeof(struct entry) <= bytes)
        buckets *= 2;
    exchanges = calloc(1, sizeof(*exchanges) + buckets * WAYS * sizeof(struct entry));
    if (exchanges)
        exchanges->mask = buckets - 1;
    return exchanges;
}

void visor_exchanges_free(struct visor_exchanges *exchanges)
{
    free(exchanges);
}

static struct entry *bucket_of(struct visor_exchanges *exchanges, uint64_t timestamp)
{
    uint64_t hash = timestamp * UINT64_C(0x9e3779b97f4a7c15);

    return exchanges->entries + ((hash >> 32) & exchanges->mask) * WAYS;
}

static struct entry *find(struct visor_exchanges *exchanges, uint64_t timestamp)
{
    struct entry *bucket = bucket_of(exchanges, timestamp);

    for (int i = 0; timestamp && i < WAYS; i++)
        if (bucket[i].timestamp == timestamp)
            return &bucket[i];
    return NULL;
}

void visor_exchanges_put(struct visor_exchanges *exchanges, uint64_t timestamp, visor_mono received,
                         visor_wall utc, struct visor_stamp sent)
{
    struct entry *bucket = bucket_of(exchanges, timestamp), *oldest = bucket;
    struct entry *same = find(exchanges, timestamp);

    if (same) { /* two replies cannot be told apart: neither may be used */
        same->taken = true;
        return;
    }
    for (int i = 0; i < WAYS; i++) {
        if (!bucket[i].timestamp) {
            oldest = &bucket[i];
            break;
        }
        if (visor_mono_before(bucket[i].received, oldest->received))
            oldest = &bucket[i];
    }
    *oldest = (struct entry){.timestamp = timestamp, .received = received, .utc = utc};
    visor_exchanges_sent(exchanges, timestamp, sent);
}

void visor_exchanges_sent(struct visor_exchanges *exchanges, uint64_t timestamp,
                          struct visor_stamp sent)
{
    struct entry *entry = find(exchanges, timestamp);
    int64_t after;

    if (!entry || sent.by < entry->by)
        return;
    after = visor_mono_diff(sent.raw, entry->received);
    if (after < 0 || after > SENT_LIMIT_NS)
        return;
    entry->sent_ns = after;
    entry->by = (uint8_t)sent.by;
}

bool visor_exchanges_take(struct visor_exchanges *exchanges, uint64_t timestamp, visor_wall *sent,
                          enum visor_stamper *by)
{
    struct entry *entry = find(exchanges, timestamp);

    if (!entry || entry->taken || entry->by == VISOR_STAMPER_NONE)
        return false;
    entry->taken = true;
    *sent = visor_wall_add(entry->utc, entry->sent_ns);
    *by = (enum visor_stamper)entry->by;
    return true;
}

size_t visor_exchanges_held(const struct visor_exchanges *exchanges, uint32_t *span_s)
{
    size_t held = 0;
    int64_t oldest = INT64_MAX, newest = INT64_MIN;

    for (size_t i = 0; i < (exchanges->mask + 1) * WAYS; i++) {
        const struct entry *entry = &exchanges->entries[i];

        if (!entry->timestamp)
            continue;
        held++;
        oldest = entry->received.ns < oldest ? entry->received.ns : oldest;
        newest = entry->received.ns > newest ? entry->received.ns : newest;
    }
    *span_s = held ? (uint32_t)((newest - oldest) / VISOR_NS_PER_S) : 0;
    return held;
}

void visor_exchanges_clear(struct visor_exchanges *exchanges)
{
    memset(exchanges->entries, 0, (exchanges->mask + 1) * WAYS * sizeof(struct entry));
}
