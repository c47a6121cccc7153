/* The RTC in the daemon: `-s`, `rtcfile`, `rtcautotrim`, rtc.log, and chronyc's rtcdata, trimrtc
 * and writertc. With `rtcsync` instead, the kernel copies the time to the RTC and there is nothing
 * to do but the clock's status. */
#ifndef VISOR_TIMEVISORD_RTC_H
#define VISOR_TIMEVISORD_RTC_H

#include "timevisord/daemon.h"
#include "wire/cmdmon.h"

struct visor_rtc_service;

/* -s: set the clock from the RTC, corrected by what rtcfile knows; from the drift file's date if
 * there is no RTC or it is before that. With rtcfile that takes some nine seconds: the edges of
 * the RTC are waited for. */
void visor_rtc_service_set_clock(struct visor_daemon *daemon);

/* NULL: there is no rtcfile in the configuration, or no memory. */
struct visor_rtc_service *visor_rtc_service_new(struct visor_daemon *daemon);
/* Writes rtcfile. NULL allowed. */
void visor_rtc_service_free(struct visor_rtc_service *service);

/* For the loop; NULL allowed. */
int visor_rtc_service_fd(const struct visor_rtc_service *service);
visor_mono visor_rtc_service_deadline(const struct visor_rtc_service *service);
void visor_rtc_service_readable(struct visor_rtc_service *service);
void visor_rtc_service_tick(struct visor_rtc_service *service, visor_mono now);

/* Its device cannot be used, and it is read by another way. */
bool visor_rtc_service_polls(const struct visor_rtc_service *service);

/* chronyc; NULL allowed. */
bool visor_rtc_service_report(const struct visor_rtc_service *service,
                              struct visor_cmdmon_rtc *report);
enum visor_cmdmon_status visor_rtc_service_trim(struct visor_rtc_service *service);
enum visor_cmdmon_status visor_rtc_service_write(struct visor_rtc_service *service);

#endif
