/* The small state files that survive a restart, in chronyd's format: driftfile and rtcfile. */
#ifndef VISOR_CONFIG_DRIFT_H
#define VISOR_CONFIG_DRIFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VISOR_DRIFT_TEXT 128 /* room for either file */

/* driftfile: how fast the uncorrected clock runs. chronyd's sign and ours differ: in the file, and
 * here, + means that the clock gains (frequency_ppb of the engine is the negative, times 1000). */
struct visor_drift {
    double frequency_ppm;
    double skew_ppm; /* bound of its error, 1e-6 … 1e6 */
};

/* rtcfile: how wrong the RTC was at a moment, and how fast it gains. */
struct visor_rtc_drift {
    bool valid;
    int64_t reference_s; /* since 1970, UTC */
    double fast_s;       /* + : the RTC is ahead */
    double gain_ppm;     /* + : the RTC gains */
};

/* False: the text is not two finite numbers at its start (or the rate cannot be a clock's, over
 * 500000 ppm); then the clock's rate is unknown. */
bool visor_drift_read(const char *text, size_t size, struct visor_drift *drift);
char *visor_drift_write(const struct visor_drift *drift, char text[VISOR_DRIFT_TEXT]);

/* As above, four numbers. */
bool visor_rtc_drift_read(const char *text, size_t size, struct visor_rtc_drift *drift);
char *visor_rtc_drift_write(const struct visor_rtc_drift *drift, char text[VISOR_DRIFT_TEXT]);

/* hwclock's /etc/adjtime: whether its third line says UTC; `otherwise` if it says nothing. */
bool visor_adjtime_is_utc(const char *text, size_t size, bool otherwise);

#endif
