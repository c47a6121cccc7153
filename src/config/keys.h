/* chrony's key file: symmetric keys by number, as an immutable table. What is computed with them
 * is in port/mac.h. */
#ifndef VISOR_CONFIG_KEYS_H
#define VISOR_CONFIG_KEYS_H

#include "config/diagnosis.h"
#include "config/loader.h"

#include <stddef.h>
#include <stdint.h>

#define VISOR_KEYS_MAX           65536
#define VISOR_KEYS_SECURE_LENGTH 10 /* bytes; chronyd warns about shorter ones (80 bits) */

/* The numbers of chronyc's protocol differ: see wire/cmdmon.h. */
enum visor_key_type {
    VISOR_KEY_MD5,
    VISOR_KEY_SHA1,
    VISOR_KEY_SHA256,
    VISOR_KEY_SHA384,
    VISOR_KEY_SHA512,
    VISOR_KEY_SHA3_224,
    VISOR_KEY_SHA3_256,
    VISOR_KEY_SHA3_384,
    VISOR_KEY_SHA3_512,
    VISOR_KEY_AES128,
    VISOR_KEY_AES256,
};

struct visor_key {
    uint32_t id; /* from 1 */
    enum visor_key_type type;
    size_t length;         /* bytes of `secret` */
    const uint8_t *secret; /* owned by the table */
};

struct visor_keys;

/* The table of a key file's text; `file` is its name in diagnoses. A line that is wrong is left
 * out with a warning, as chronyd does; of lines with the same ID the last counts. NULL without
 * memory. */
struct visor_keys *visor_keys_parse(const char *file, const char *text, size_t size,
                                    struct visor_diagnoses *diagnoses);

/* Reads and parses; a file that cannot be read is a warning and gives an empty table. */
struct visor_keys *visor_keys_load(const char *path, const struct visor_loader *loader,
                                   struct visor_diagnoses *diagnoses);

void visor_keys_free(struct visor_keys *keys); /* wipes the secrets; NULL allowed */

size_t visor_keys_count(const struct visor_keys *keys); /* NULL: 0 */

/* NULL: no such key, or `keys` is NULL. */
const struct visor_key *visor_keys_find(const struct visor_keys *keys, uint32_t id);

/* Bytes of the full digest, and its name as in the file. */
size_t visor_key_digest_length(enum visor_key_type type);
const char *visor_key_type_name(enum visor_key_type type);

#endif
