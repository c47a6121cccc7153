/* The status model in chronyc's reports: its fields, its signs (most offsets the other way round:
 * positive when the local clock is fast), its words for states. */
#ifndef VISOR_TIMEVISORD_REPORTS_H
#define VISOR_TIMEVISORD_REPORTS_H

#include "engine/status.h"
#include "wire/cmdmon.h"

/* The source of an address or of a number without address; NULL: none. */
const struct visor_source_status *visor_reports_find(const struct visor_status *status,
                                                     const struct visor_cmdmon_address *address);

void visor_reports_tracking(const struct visor_status *status, struct visor_cmdmon_tracking *out);
void visor_reports_activity(const struct visor_status *status, struct visor_cmdmon_activity *out);
void visor_reports_smoothing(const struct visor_smoothing_status *smoothing,
                             struct visor_cmdmon_smoothing *out);
void visor_reports_manual(const struct visor_manual_status *manual,
                          struct visor_cmdmon_manual_list *out);
void visor_reports_source(const struct visor_source_status *source,
                          struct visor_cmdmon_source_data *out);
void visor_reports_sourcestats(const struct visor_source_status *source,
                               struct visor_cmdmon_sourcestats *out);
void visor_reports_selection(const struct visor_source_status *source,
                             struct visor_cmdmon_select_data *out);
void visor_reports_ntp(const struct visor_source_status *source, struct visor_cmdmon_ntp_data *out);

#endif
