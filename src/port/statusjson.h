/* The JSON form of the status model: one writer for the control socket, the command line, metrics
 * and reports. docs/status.schema.json describes it; "version" is VISOR_STATUS_VERSION, raised when
 * a field changes its meaning or goes (new fields do not raise it).
 *
 * Signs and units are the model's (offset = reference - local, seconds as numbers, …_ppm, …_ns);
 * what is unknown or unbounded is null. */
#ifndef VISOR_PORT_STATUSJSON_H
#define VISOR_PORT_STATUSJSON_H

#include "engine/status.h"

#include <jansson.h>

/* The whole status; the caller owns the reference. NULL without memory. */
json_t *visor_statusjson_write(const struct visor_status *status);

/* One source as it stands in "sources", one server's words for the same enums elsewhere. */
json_t *visor_statusjson_source(const struct visor_source_status *source);

/* Words for enums; of the last two also where they come as mere numbers. */
const char *visor_statusjson_trust(enum visor_trust trust);
const char *visor_statusjson_leap(enum visor_leap leap);
const char *visor_statusjson_mode(enum visor_mode mode);
const char *visor_statusjson_state(enum visor_select_state state);
const char *visor_statusjson_fault(enum visor_source_fault fault);
const char *visor_statusjson_answer(uint16_t status); /* of chronyd: "OK", … */
const char *visor_statusjson_level(uint32_t level);
const char *visor_statusjson_cause(uint32_t cause);

/* Names of witnesses, bits 1 << enum visor_witness_kind. A new reference; NULL without memory. */
json_t *visor_statusjson_witnesses(uint32_t evidence);

#endif
