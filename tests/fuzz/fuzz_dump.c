/* State files: dumps, drift and RTC files. What is taken is written so that it is taken again. */
#include "base/assert.h"
#include "config/drift.h"
#include "config/dump.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_dump(const char *text, size_t size)
{
    static const int64_t now = INT64_C(1800000000) * 1000000000;
    struct visor_dump first, second;
    char written[VISOR_DUMP_TEXT];
    size_t length;

    if (!visor_dump_read(text, size, now, &first))
        return;
    length = visor_dump_write(&first, written, sizeof(written));
    VISOR_ASSERT(length > 0 && length < sizeof(written));
    VISOR_ASSERT(visor_dump_read(written, length, now, &second));
    VISOR_ASSERT(second.count == first.count && strcmp(second.name, first.name) == 0);
    VISOR_ASSERT(second.samples[0].at_ns == first.samples[0].at_ns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct visor_drift drift;
    struct visor_rtc_drift rtc;
    char written[VISOR_DRIFT_TEXT];

    check_dump(text, size);
    if (visor_drift_read(text, size, &drift)) {
        visor_drift_write(&drift, written);
        VISOR_ASSERT(visor_drift_read(written, strlen(written), &drift));
    }
    if (visor_rtc_drift_read(text, size, &rtc)) {
        visor_rtc_drift_write(&rtc, written);
        VISOR_ASSERT(visor_rtc_drift_read(written, strlen(written), &rtc));
    }
    visor_adjtime_is_utc(text, size, false);
    return 0;
}
