/* Reads key files: "ID [TYPE] KEY" a line, the key as characters, ASCII:characters or HEX:digits.
 * Never shows a secret in a diagnosis. */
#include "config/keys.h"
#include "config/number.h"
#include "config/words.h"

#include <stdlib.h>
#include <string.h>

#define FILE_BYTES_MAX (4 * 1024 * 1024)

struct visor_keys {
    struct visor_key *items; /* by ID */
    size_t count;
    uint8_t *secrets; /* all of them, one after another */
    size_t secret_bytes, secret_room;
};

static const struct {
    const char *name;
    uint8_t digest; /* bytes */
    uint8_t key;    /* bytes that the key must have; 0: any number */
} types[] = {
    [VISOR_KEY_MD5] = {"MD5", 16, 0},           [VISOR_KEY_SHA1] = {"SHA1", 20, 0},
    [VISOR_KEY_SHA256] = {"SHA256", 32, 0},     [VISOR_KEY_SHA384] = {"SHA384", 48, 0},
    [VISOR_KEY_SHA512] = {"SHA512", 64, 0},     [VISOR_KEY_SHA3_224] = {"SHA3-224", 28, 0},
    [VISOR_KEY_SHA3_256] = {"SHA3-256", 32, 0}, [VISOR_KEY_SHA3_384] = {"SHA3-384", 48, 0},
    [VISOR_KEY_SHA3_512] = {"SHA3-512", 64, 0}, [VISOR_KEY_AES128] = {"AES128", 16, 16},
    [VISOR_KEY_AES256] = {"AES256", 16, 32},
};

#define TYPES (sizeof(types) / sizeof(types[0]))

struct reading {
    struct visor_keys *keys;
    struct visor_diagnoses *diagnoses;
    const char *file;
    uint32_t line;
    struct visor_words words;
};

/* `first`, %1: never the key itself. */
static void warn(struct reading *reading, const char *reason, const char *first)
{
    struct visor_diagnosis diagnosis = {
        .severity = VISOR_DIAGNOSIS_WARNING, .line = reading->line, .reason = reason};

    visor_diagnosis_copy(diagnosis.file, sizeof(diagnosis.file), reading->file);
    visor_diagnosis_copy(diagnosis.detail[0], sizeof(diagnosis.detail[0]), first ? first : "");
    visor_diagnoses_add(reading->diagnoses, &diagnosis);
}

static void warn_type(struct reading *reading, const char *type)
{
    const char *names[TYPES], *nearest;
    struct visor_diagnosis diagnosis = {
        .severity = VISOR_DIAGNOSIS_WARNING,
        .line = reading->line,
        .reason = N_("'%w' is not a type of key known here; the key is left out")};

    for (size_t i = 0; i < TYPES; i++)
        names[i] = types[i].name;
    nearest = visor_diagnosis_nearest(type, names, TYPES);
    visor_diagnosis_copy(diagnosis.file, sizeof(diagnosis.file), reading->file);
    visor_diagnosis_copy(diagnosis.word, sizeof(diagnosis.word), type);
    visor_diagnosis_copy(diagnosis.suggestion, sizeof(diagnosis.suggestion),
                         nearest ? nearest : "");
    visor_diagnoses_add(reading->diagnoses, &diagnosis);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if ((c | 32) >= 'a' && (c | 32) <= 'f')
        return (c | 32) - 'a' + 10;
    return -1;
}

/* Bytes of the key in `to`, 0 if there are none or the digits are wrong. */
static size_t decode(const char *text, uint8_t *to)
{
    size_t length = 0;

    if (strncmp(text, "HEX:", 4) != 0) {
        text += strncmp(text, "ASCII:", 6) == 0 ? 6 : 0;
        for (; text[length]; length++)
            to[length] = (uint8_t)text[length];
        return length;
    }
    for (text += 4; *text; text += 2) {
        int high = hex_digit(text[0]), low = text[1] ? hex_digit(text[1]) : -1;

        if (high < 0 || low < 0)
            return 0;
        to[length++] = (uint8_t)(high * 16 + low);
    }
    return length;
}

/* Where `id` is or belongs. */
static size_t place_of(const struct visor_keys *keys, uint32_t id)
{
    size_t low = 0, high = keys->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (keys->items[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void insert(struct reading *reading, const struct visor_key *key)
{
    struct visor_keys *keys = reading->keys;
    size_t at = place_of(keys, key->id);
    char id[VISOR_NUMBER_TEXT];

    if (at < keys->count && keys->items[at].id == key->id) {
        warn(reading, N_("key %1 was given before; this line counts"),
             visor_number_print_whole(key->id, id));
        keys->items[at] = *key;
        return;
    }
    if (keys->count == VISOR_KEYS_MAX) {
        warn(reading, N_("too many keys; key %1 is left out"),
             visor_number_print_whole(key->id, id));
        return;
    }
    if ((keys->count & (keys->count - 1)) == 0) {
        size_t room = keys->count ? 2 * keys->count : 1;
        struct visor_key *items = realloc(keys->items, room * sizeof(*items));

        if (!items) {
            warn(reading, N_("out of memory"), NULL);
            return;
        }
        keys->items = items;
    }
    memmove(&keys->items[at + 1], &keys->items[at], (keys->count - at) * sizeof(*key));
    keys->items[at] = *key;
    keys->count++;
}

static bool find_type(const char *name, enum visor_key_type *type)
{
    for (size_t i = 0; i < TYPES; i++)
        if (visor_words_same(name, types[i].name)) {
            *type = (enum visor_key_type)i;
            return true;
        }
    return false;
}

static void read_key(struct reading *reading)
{
    struct visor_keys *keys = reading->keys;
    const char *id = visor_words_take(&reading->words);
    const char *type = reading->words.count == 3 ? visor_words_take(&reading->words) : "MD5";
    const char *text = visor_words_take(&reading->words);
    struct visor_key key = {.secret = keys->secrets + keys->secret_bytes};
    int64_t number;
    size_t taken;

    if (reading->words.count < 2 || reading->words.count > 3) {
        warn(reading, N_("a line wants an ID, a type (or none: MD5) and a key"), NULL);
        return;
    }
    taken = visor_number_read_whole(id, &number);
    if (!taken || id[taken] || number < 1 || number > UINT32_MAX) {
        warn(reading, N_("'%1' is not an ID: 1 to 4294967295; the key is left out"), id);
        return;
    }
    key.id = (uint32_t)number;
    if (!find_type(type, &key.type)) {
        warn_type(reading, type);
        return;
    }
    key.length = decode(text, keys->secrets + keys->secret_bytes);
    if (!key.length) {
        warn(reading, N_("key %1 is empty or has wrong hexadecimal digits; it is left out"), id);
        return;
    }
    if (types[key.type].key && key.length != types[key.type].key) {
        warn(reading,
             key.type == VISOR_KEY_AES128
                 ? N_("key %1 has the wrong length: AES128 wants 16 bytes; it is left out")
                 : N_("key %1 has the wrong length: AES256 wants 32 bytes; it is left out"),
             id);
        return;
    }
    keys->secret_bytes += key.length;
    insert(reading, &key);
}

static void read_lines(struct reading *reading, const char *text, size_t size)
{
    for (size_t at = 0; at < size;) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t length = end ? (size_t)(end - text) - at : size - at;

        reading->line++;
        if (!visor_words_split(&reading->words, text + at, length))
            warn(reading, N_("the line is too long or not text; it is left out"), NULL);
        else if (reading->words.count)
            read_key(reading);
        at += length + 1;
    }
    explicit_bzero(&reading->words, sizeof(reading->words));
}

struct visor_keys *visor_keys_parse(const char *file, const char *text, size_t size,
                                    struct visor_diagnoses *diagnoses)
{
    struct visor_keys *keys = calloc(1, sizeof(*keys));
    struct reading reading = {.keys = keys, .diagnoses = diagnoses, .file = file};

    if (!keys)
        return NULL;
    keys->secret_room = size + 1; /* no key is longer than its text */
    keys->secrets = malloc(keys->secret_room);
    if (!keys->secrets) {
        free(keys);
        return NULL;
    }
    read_lines(&reading, text, size);
    return keys;
}

struct visor_keys *visor_keys_load(const char *path, const struct visor_loader *loader,
                                   struct visor_diagnoses *diagnoses)
{
    struct reading reading = {.diagnoses = diagnoses, .file = path};
    struct visor_keys *keys;
    char *text;
    size_t size;

    switch (loader->read_file(loader->context, path, FILE_BYTES_MAX, &text, &size)) {
    case VISOR_LOAD_OK:
        keys = visor_keys_parse(path, text, size, diagnoses);
        explicit_bzero(text, size);
        free(text);
        return keys;
    case VISOR_LOAD_MISSING:
        warn(&reading, N_("the key file does not exist"), NULL);
        break;
    case VISOR_LOAD_DENIED:
        warn(&reading, N_("the key file may not be read"), NULL);
        break;
    default:
        warn(&reading, N_("the key file cannot be read"), NULL);
        break;
    }
    return visor_keys_parse(path, "", 0, diagnoses);
}

void visor_keys_free(struct visor_keys *keys)
{
    if (!keys)
        return;
    explicit_bzero(keys->secrets, keys->secret_room);
    free(keys->secrets);
    free(keys->items);
    free(keys);
}

size_t visor_keys_count(const struct visor_keys *keys)
{
    return keys ? keys->count : 0;
}

const struct visor_key *visor_keys_find(const struct visor_keys *keys, uint32_t id)
{
    size_t at;

    if (!keys)
        return NULL;
    at = place_of(keys, id);
    return at < keys->count && keys->items[at].id == id ? &keys->items[at] : NULL;
}

size_t visor_key_digest_length(enum visor_key_type type)
{
    return types[type].digest;
}

const char *visor_key_type_name(enum visor_key_type type)
{
    return types[type].name;
}
