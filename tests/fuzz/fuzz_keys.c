/* Key files: whatever is taken can be found and used, and has the length that its type wants. */
#include "base/assert.h"
#include "config/keys.h"
#include "port/mac.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct visor_diagnoses diagnoses;
    struct visor_keys *keys;
    uint8_t mac[VISOR_MAC_MAX];

    visor_diagnoses_init(&diagnoses);
    keys = visor_keys_parse("f", (const char *)data, size, &diagnoses);
    VISOR_ASSERT(keys);
    for (uint32_t id = 0; id < 40; id++) {
        const struct visor_key *key = visor_keys_find(keys, id);
        size_t length;

        if (!key)
            continue;
        VISOR_ASSERT(key->id == id && id && key->length);
        length = visor_mac_write(key, data, size, mac, sizeof(mac));
        VISOR_ASSERT(length == visor_key_digest_length(key->type));
        VISOR_ASSERT(visor_mac_check(key, 3, data, size, mac, length));
    }
    visor_keys_free(keys);
    visor_diagnoses_done(&diagnoses);
    return 0;
}
