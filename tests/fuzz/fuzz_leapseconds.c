/* Leap second files, both kinds: what is taken is ascending and in steps of a second. */
#include "base/assert.h"
#include "config/leap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *wrong, struct visor_leap_table *table)
{
    VISOR_ASSERT((wrong != NULL) == (table->count == 0));
    for (size_t i = 1; i < table->count; i++) {
        int step = table->entries[i].tai_offset_s - table->entries[i - 1].tai_offset_s;

        VISOR_ASSERT(table->entries[i].utc_s > table->entries[i - 1].utc_s);
        VISOR_ASSERT(step == 1 || step == -1);
    }
    visor_leap_table_done(table);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct visor_leap_table table;

    check(visor_leap_read_list((const char *)data, size, &table), &table);
    check(visor_leap_read_zone((const char *)data, size, &table), &table);
    return 0;
}
