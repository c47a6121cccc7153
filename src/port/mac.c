/* MACs by nettle. Finding keys and placing the MAC in a packet is the callers' part. */
#include "port/mac.h"

#include <nettle/cmac.h>
#include <nettle/md5.h>
#include <nettle/memops.h>
#include <nettle/nettle-meta.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>
#include <nettle/sha3.h>
#include <string.h>

#define VERSION4_DIGEST_MAX 20

static const struct nettle_hash *hash_of(enum visor_key_type type)
{
    switch (type) {
    case VISOR_KEY_MD5:
        return &nettle_md5;
    case VISOR_KEY_SHA1:
        return &nettle_sha1;
    case VISOR_KEY_SHA256:
        return &nettle_sha256;
    case VISOR_KEY_SHA384:
        return &nettle_sha384;
    case VISOR_KEY_SHA512:
        return &nettle_sha512;
    case VISOR_KEY_SHA3_224:
        return &nettle_sha3_224;
    case VISOR_KEY_SHA3_256:
        return &nettle_sha3_256;
    case VISOR_KEY_SHA3_384:
        return &nettle_sha3_384;
    case VISOR_KEY_SHA3_512:
        return &nettle_sha3_512;
    case VISOR_KEY_AES128:
    case VISOR_KEY_AES256:
        break;
    }
    return NULL;
}

static void hash(const struct nettle_hash *algorithm, const struct visor_key *key, const void *data,
                 size_t size, uint8_t *digest)
{
    union {
        struct md5_ctx md5;
        struct sha1_ctx sha1;
        struct sha256_ctx sha256;
        struct sha512_ctx sha512;
        struct sha3_224_ctx sha3_224;
        struct sha3_256_ctx sha3_256;
        struct sha3_384_ctx sha3_384;
        struct sha3_512_ctx sha3_512;
    } context;

    algorithm->init(&context);
    algorithm->update(&context, key->length, key->secret);
    algorithm->update(&context, size, data);
    algorithm->digest(&context, algorithm->digest_size, digest);
    explicit_bzero(&context, sizeof(context));
}

static void cmac(const struct visor_key *key, const void *data, size_t size, uint8_t *digest)
{
    union {
        struct cmac_aes128_ctx aes128;
        struct cmac_aes256_ctx aes256;
    } context;

    if (key->type == VISOR_KEY_AES128) {
        cmac_aes128_set_key(&context.aes128, key->secret);
        cmac_aes128_update(&context.aes128, size, data);
        cmac_aes128_digest(&context.aes128, CMAC128_DIGEST_SIZE, digest);
    } else {
        cmac_aes256_set_key(&context.aes256, key->secret);
        cmac_aes256_update(&context.aes256, size, data);
        cmac_aes256_digest(&context.aes256, CMAC128_DIGEST_SIZE, digest);
    }
    explicit_bzero(&context, sizeof(context));
}

static size_t at_most(size_t size, size_t limit)
{
    return size < limit ? size : limit;
}

size_t visor_mac_length(const struct visor_key *key, int version)
{
    size_t length = visor_key_digest_length(key->type);

    return version == 4 ? at_most(length, VERSION4_DIGEST_MAX) : length;
}

size_t visor_mac_write(const struct visor_key *key, const void *data, size_t size, uint8_t *mac,
                       size_t room)
{
    const struct nettle_hash *algorithm = hash_of(key->type);
    uint8_t digest[VISOR_MAC_MAX];
    size_t length = at_most(visor_key_digest_length(key->type), room);

    if (algorithm)
        hash(algorithm, key, data, size, digest);
    else
        cmac(key, data, size, digest);
    memcpy(mac, digest, length);
    return length;
}

bool visor_mac_check(const struct visor_key *key, int version, const void *data, size_t size,
                     const uint8_t *mac, size_t mac_size)
{
    uint8_t right[VISOR_MAC_MAX];
    size_t most =
        version == 4 && mac_size <= VERSION4_DIGEST_MAX ? VERSION4_DIGEST_MAX : VISOR_MAC_MAX;
    size_t length = visor_mac_write(key, data, size, right, most);

    return length == mac_size && memeql_sec(right, mac, length);
}
