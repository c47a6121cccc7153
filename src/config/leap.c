/* Codecs of leap second files. When a leap second is due and what is done then is the engine's. */
#include "config/leap.h"
#include "base/bytes.h"
#include "config/fields.h"
#include "config/number.h"

#include <stdlib.h>
#include <string.h>

#define ENTRIES_MAX    1000
#define NTP_EPOCH_S    INT64_C(2208988800) /* 1900 to 1970 */
#define FIRST_S        INT64_C(63072000)   /* 1972-01-01, TAI - UTC = 10 s */
#define FIRST_OFFSET   10
#define KNOWN_S        INT64_C(1341100800) /* 2012-07-01, 35 s: every usable file has it */
#define KNOWN_OFFSET   35
#define FILE_BYTES_MAX (1024 * 1024)
#define ZONES          "/usr/share/zoneinfo/"

void visor_leap_table_done(struct visor_leap_table *table)
{
    free(table->entries);
    *table = (struct visor_leap_table){.entries = NULL};
}

static const char *add(struct visor_leap_table *table, int64_t utc_s, int64_t tai_offset)
{
    const struct visor_leap_entry *last = table->count ? &table->entries[table->count - 1] : NULL;

    if (table->count == ENTRIES_MAX)
        return N_("there are too many leap seconds");
    if (tai_offset < -1000 || tai_offset > 1000 || utc_s % 86400 != 0 ||
        (last && (utc_s <= last->utc_s ||
                  (tai_offset - last->tai_offset_s != 1 && tai_offset - last->tai_offset_s != -1))))
        return N_("the leap seconds in it make no sense");
    if ((table->count & (table->count - 1)) == 0) {
        size_t room = table->count ? 2 * table->count : 1;
        struct visor_leap_entry *entries = realloc(table->entries, room * sizeof(*entries));

        if (!entries)
            return N_("out of memory");
        table->entries = entries;
    }
    table->entries[table->count++] =
        (struct visor_leap_entry){.utc_s = utc_s, .tai_offset_s = (int)tai_offset};
    return NULL;
}

static const char *check(const struct visor_leap_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        if (table->entries[i].utc_s == KNOWN_S && table->entries[i].tai_offset_s == KNOWN_OFFSET)
            return NULL;
    return N_("the leap second of 2012 is missing in it");
}

/* One line: "#@ EXPIRY", another comment, blank, or "SECONDS-SINCE-1900 OFFSET [# …]". */
static const char *read_list_line(struct visor_fields line, struct visor_leap_table *table)
{
    char first[VISOR_FIELD_MAX];
    int64_t when, offset;
    struct visor_fields probe = line;

    if (line.size >= 2 && line.text[0] == '#' && line.text[1] == '@') {
        line.at = 2;
        when = visor_fields_whole(&line);
        if (line.failed || when < 0 || when > INT64_C(1) << 40)
            return N_("its date of expiry is not a number");
        table->expires_s = when - NTP_EPOCH_S;
        return NULL;
    }
    visor_fields_text(&probe, first, sizeof(first));
    if (first[0] == '#' || (!first[0] && probe.at >= probe.size))
        return NULL;
    when = visor_fields_whole(&line);
    offset = visor_fields_whole(&line);
    if (line.failed || when < 0 || when > INT64_C(1) << 40)
        return N_("a line of it is not a leap second");
    return add(table, when - NTP_EPOCH_S, offset);
}

const char *visor_leap_read_list(const char *text, size_t size, struct visor_leap_table *table)
{
    const char *wrong = NULL;

    *table = (struct visor_leap_table){.entries = NULL};
    for (size_t at = 0; at < size && !wrong;) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t length = end ? (size_t)(end - text) - at : size - at;

        /* a comment may be long, and its words too */
        if (length && text[at] == '#' && (length < 2 || text[at + 1] != '@'))
            wrong = NULL;
        else
            wrong = read_list_line(visor_fields_over(text + at, length), table);
        at += length + 1;
    }
    if (!wrong)
        wrong = check(table);
    if (wrong)
        visor_leap_table_done(table);
    return wrong;
}

struct zone_header {
    uint8_t version;
    uint32_t isutcnt, isstdcnt, leapcnt, timecnt, typecnt, charcnt;
};

static void read_header(struct visor_reader *reader, struct zone_header *header)
{
    uint8_t reserved[15];

    if (visor_read_u32(reader) != UINT32_C(0x545a6966)) /* "TZif" */
        reader->failed = true;
    header->version = visor_read_u8(reader);
    visor_read_bytes(reader, reserved, sizeof(reserved));
    header->isutcnt = visor_read_u32(reader);
    header->isstdcnt = visor_read_u32(reader);
    header->leapcnt = visor_read_u32(reader);
    header->timecnt = visor_read_u32(reader);
    header->typecnt = visor_read_u32(reader);
    header->charcnt = visor_read_u32(reader);
}

static void skip(struct visor_reader *reader, uint64_t bytes)
{
    if (reader->failed || bytes > reader->size - reader->at)
        reader->failed = true;
    else
        reader->at += bytes;
}

/* Bytes before the leap records, `width` a time. */
static uint64_t ahead_of_leaps(const struct zone_header *header, uint64_t width)
{
    return (uint64_t)header->timecnt * (width + 1) + (uint64_t)header->typecnt * 6 +
           header->charcnt;
}

/* Records are (when it occurs, counting leap seconds; correction from then on). An inserted second
 * occurs as 23:59:60, the new difference holds from the midnight behind it. */
static const char *read_leap_records(struct visor_reader *reader, uint32_t count, bool wide,
                                     struct visor_leap_table *table)
{
    int64_t before = 0;
    const char *wrong = add(table, FIRST_S, FIRST_OFFSET);

    for (uint32_t i = 0; i < count && !wrong; i++) {
        int64_t when =
            wide ? (int64_t)visor_read_u64(reader) : (int64_t)(int32_t)visor_read_u32(reader);
        int64_t correction = (int32_t)visor_read_u32(reader);

        if (reader->failed || when < 0 || when > INT64_C(1) << 40)
            return N_("the leap seconds in it make no sense");
        if (i == count - 1 && i > 0 && correction == before) {
            table->expires_s = when - correction; /* RFC 9636: when the list ends */
            break;
        }
        wrong = add(table, when - (correction > before ? before : correction),
                    FIRST_OFFSET + correction);
        before = correction;
    }
    return wrong;
}

static const char *read_zone(struct visor_reader *reader, struct visor_leap_table *table)
{
    struct zone_header header;
    bool wide;

    read_header(reader, &header);
    wide = header.version >= '2';
    if (wide) {
        skip(reader, ahead_of_leaps(&header, 4) + (uint64_t)header.leapcnt * 8 + header.isstdcnt +
                         header.isutcnt);
        read_header(reader, &header);
    }
    skip(reader, ahead_of_leaps(&header, wide ? 8 : 4));
    if (reader->failed)
        return N_("it is not a file of a time zone");
    return read_leap_records(reader, header.leapcnt, wide, table);
}

const char *visor_leap_read_zone(const char *data, size_t size, struct visor_leap_table *table)
{
    struct visor_reader reader = visor_reader_over(data, size);
    const char *wrong;

    *table = (struct visor_leap_table){.entries = NULL};
    wrong = read_zone(&reader, table);
    if (!wrong)
        wrong = check(table);
    if (wrong)
        visor_leap_table_done(table);
    return wrong;
}

static void warn(const char *path, const char *reason, struct visor_diagnoses *diagnoses)
{
    struct visor_diagnosis diagnosis = {.severity = VISOR_DIAGNOSIS_WARNING, .reason = reason};

    visor_diagnosis_copy(diagnosis.file, sizeof(diagnosis.file), path);
    visor_diagnoses_add(diagnoses, &diagnosis);
}

static bool load_one(const char *path,
                     const char *(*read)(const char *, size_t, struct visor_leap_table *),
                     const struct visor_loader *loader, struct visor_leap_table *table,
                     struct visor_diagnoses *diagnoses)
{
    const char *wrong;
    char *text;
    size_t size;

    if (loader->read_file(loader->context, path, FILE_BYTES_MAX, &text, &size) != VISOR_LOAD_OK) {
        warn(path, N_("the leap seconds cannot be read; the file is not used"), diagnoses);
        return false;
    }
    wrong = read(text, size, table);
    free(text);
    if (wrong)
        warn(path, wrong, diagnoses);
    return !wrong;
}

void visor_leap_load(const char *list, const char *zone, const struct visor_loader *loader,
                     struct visor_leap_table *table, struct visor_diagnoses *diagnoses)
{
    char path[sizeof(ZONES) + VISOR_CONFIG_NAME_MAX] = "";

    *table = (struct visor_leap_table){.entries = NULL};
    if (list[0] && load_one(list, visor_leap_read_list, loader, table, diagnoses))
        return;
    if (!zone[0])
        return;
    if (zone[0] != '/')
        memcpy(path, ZONES, sizeof(ZONES));
    memcpy(path + strlen(path), zone, strlen(zone) + 1);
    load_one(path, visor_leap_read_zone, loader, table, diagnoses);
}
