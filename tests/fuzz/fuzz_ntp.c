/* NTP packets: what is read and written again is the same, fields lie inside the packet, and the
 * conversions of timestamps and short values agree with themselves. */
#include "base/assert.h"
#include "wire/ntp.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_conversions(const struct visor_ntp_header *header)
{
    visor_wall wall = visor_ntp_to_wall(header->transmit);

    VISOR_ASSERT(wall.ns >= VISOR_NTP_ERA_START_S * VISOR_NS_PER_S);
    VISOR_ASSERT(visor_ntp_to_wall(visor_ntp_from_wall(wall)).ns == wall.ns ||
                 header->transmit < 2);
    VISOR_ASSERT(visor_ntp_short_to_ns(header->root_delay) >= 0);
    VISOR_ASSERT(visor_ntp_short_from_ns(visor_ntp_short_to_ns(header->root_delay)) >=
                 header->root_delay);
    VISOR_ASSERT(visor_ntp_diff_ns(header->transmit, header->transmit) == 0);
}

static void check_fields(const uint8_t *data, const struct visor_ntp_layout *layout)
{
    struct visor_ntp_field field;
    struct visor_ntp_mono_root root;
    uint8_t body[VISOR_NTP_MONO_ROOT_SIZE];
    size_t at = VISOR_NTP_HEADER, total = VISOR_NTP_HEADER;

    while (visor_ntp_field_next(data, layout, &at, &field)) {
        VISOR_ASSERT(field.body >= data && field.body + field.size <= data + layout->fields_end);
        total += field.size + 4;
        if (field.type == VISOR_NTP_FIELD_MONO_ROOT &&
            visor_ntp_mono_root_read(&root, field.body, field.size)) {
            visor_ntp_mono_root_write(&root, body);
            VISOR_ASSERT(!memcmp(body, field.body, sizeof(body)));
        }
    }
    VISOR_ASSERT(total == layout->fields_end);
    VISOR_ASSERT(layout->fields_end + layout->mac_size == layout->size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct visor_ntp_header header;
    struct visor_ntp_layout layout;
    uint8_t again[VISOR_NTP_HEADER];

    if (!visor_ntp_read(&header, &layout, data, size))
        return 0;
    VISOR_ASSERT(layout.size == size);
    VISOR_ASSERT(visor_ntp_write(&header, again, sizeof(again)) == VISOR_NTP_HEADER);
    VISOR_ASSERT(!memcmp(again, data, sizeof(again)));
    check_fields(data, &layout);
    check_conversions(&header);
    return 0;
}
