/* Text of the drift file and the RTC's file. When they are read and written is the daemon's part.
 */
#include "config/drift.h"
#include "config/fields.h"
#include "config/text.h"

#include <string.h>

#define RATE_MAX_PPM 500000.0 /* no clock is that wrong */
#define SKEW_MIN_PPM 1e-6     /* chronyd's least */
#define SKEW_MAX_PPM 1e6      /* nothing is known */

static bool within(double value, double limit)
{
    return value >= -limit && value <= limit;
}

bool visor_drift_read(const char *text, size_t size, struct visor_drift *drift)
{
    struct visor_fields fields = visor_fields_over(text, size);

    drift->frequency_ppm = visor_fields_real(&fields);
    drift->skew_ppm = visor_fields_real(&fields);
    if (drift->skew_ppm < SKEW_MIN_PPM)
        drift->skew_ppm = SKEW_MIN_PPM;
    if (drift->skew_ppm > SKEW_MAX_PPM)
        drift->skew_ppm = SKEW_MAX_PPM;
    return !fields.failed && within(drift->frequency_ppm, RATE_MAX_PPM);
}

char *visor_drift_write(const struct visor_drift *drift, char text[VISOR_DRIFT_TEXT])
{
    struct visor_text out = visor_text_over(text, VISOR_DRIFT_TEXT);

    visor_text_put_fixed(&out, drift->frequency_ppm, 20, 6);
    visor_text_put_char(&out, ' ');
    visor_text_put_fixed(&out, drift->skew_ppm, 20, 6);
    visor_text_put_char(&out, '\n');
    return text;
}

bool visor_rtc_drift_read(const char *text, size_t size, struct visor_rtc_drift *drift)
{
    struct visor_fields fields = visor_fields_over(text, size);
    double reference;

    drift->valid = visor_fields_whole(&fields) != 0;
    reference = visor_fields_real(&fields);
    drift->fast_s = visor_fields_real(&fields);
    drift->gain_ppm = visor_fields_real(&fields);
    if (fields.failed || !within(reference, 1e15) || !within(drift->gain_ppm, RATE_MAX_PPM) ||
        !within(drift->fast_s, 1e10))
        return false;
    drift->reference_s = (int64_t)reference;
    return true;
}

char *visor_rtc_drift_write(const struct visor_rtc_drift *drift, char text[VISOR_DRIFT_TEXT])
{
    struct visor_text out = visor_text_over(text, VISOR_DRIFT_TEXT);

    visor_text_put(&out, drift->valid ? "1 " : "0 ");
    visor_text_put_whole(&out, drift->reference_s);
    visor_text_put_char(&out, ' ');
    visor_text_put_fixed(&out, drift->fast_s, 0, 6);
    visor_text_put_char(&out, ' ');
    visor_text_put_fixed(&out, drift->gain_ppm, 0, 3);
    visor_text_put_char(&out, '\n');
    return text;
}

bool visor_adjtime_is_utc(const char *text, size_t size, bool otherwise)
{
    struct visor_fields fields = visor_fields_over(text, size);

    visor_fields_next_line(&fields);
    if (!visor_fields_next_line(&fields))
        return otherwise;
    if (size - fields.at >= 5 && memcmp(text + fields.at, "LOCAL", 5) == 0)
        return false;
    if (size - fields.at >= 3 && memcmp(text + fields.at, "UTC", 3) == 0)
        return true;
    return otherwise;
}
