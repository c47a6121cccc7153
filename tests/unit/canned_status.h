/* A status in which every field has a value of its own, for tests of what is made from it. */
#ifndef VISOR_TESTS_CANNED_STATUS_H
#define VISOR_TESTS_CANNED_STATUS_H

#include "engine/status.h"

#include <stdlib.h>
#include <string.h>

static inline void canned_ntp(struct visor_source_status *s)
{
    visor_address_parse("192.0.2.200", &s->local);
    s->version = 4;
    s->mode = 4;
    s->remote_leap = VISOR_LEAP_INSERT;
    s->remote_stratum = 3;
    s->remote_poll = 7;
    s->precision = -24;
    s->root_delay = 0.0625;
    s->root_dispersion = 0.015625;
    s->response_time = 0.000030517578125;
    s->reply_offset = 0.0146484375;
    s->reply_delay = 0.021484375;
    s->reply_dispersion = 0.0068359375;
    s->jitter_asymmetry = -0.25;
    s->remote_refid = 0xc0000264;
    s->remote_reference.ns = INT64_C(1795468475580883178);
    s->tests = 0x3fd;
    s->interleaved = true;
    s->tx = VISOR_STAMPER_HARDWARE;
    s->rx = VISOR_STAMPER_KERNEL;
    s->total_tx = 101;
    s->total_rx = 99;
    s->total_valid = 98;
    s->total_good = 97;
    s->total_kernel_tx = 55;
    s->total_kernel_rx = 56;
    s->total_hardware_tx = 57;
    s->total_hardware_rx = 58;
}

static inline void canned_source(struct visor_source_status *s, uint32_t id, const char *address)
{
    double seed = id;

    s->id = id;
    if (visor_address_parse(address, &s->address)) {
        s->resolved = true;
        s->refid = (uint32_t)s->address.bytes[0] << 24 | (uint32_t)s->address.bytes[1] << 16 |
                   (uint32_t)s->address.bytes[2] << 8 | s->address.bytes[3];
    }
    s->address.port = 123;
    strcpy(s->name, address);
    s->online = true;
    s->poll = 6;
    s->reach = 0377;
    s->stratum = 3;
    s->last_sample_age = 10.0 * seed + 0.9;
    s->selected_age = seed + 0.5;
    s->last_offset = -0.0009765625 * seed;
    s->last_raw_offset = 0.0019531250 * seed;
    s->last_delay = 0.03125 * seed;
    s->last_dispersion = 0.00390625;
    s->estimated_offset = -0.00048828125 * seed;
    s->estimated_error = 0.0078125;
    s->lo = -0.03125 * seed;
    s->hi = 0.0625 * seed;
    s->score = 1.5;
    s->samples = 20 + (int)id;
    s->runs = 9;
    s->span = 1300.6;
    s->frequency_ppm = -0.125 * seed;
    s->skew_ppm = 0.25 * seed;
    s->sd = 0.0001220703125;
    s->bound_ns = 50000000;
    canned_ntp(s);
}

static inline void canned_tracking(struct visor_tracking *t)
{
    t->refid = 0xc0000201;
    t->source = 1;
    visor_address_parse("192.0.2.1", &t->address);
    strcpy(t->name, "192.0.2.1");
    t->stratum = 4;
    t->leap = VISOR_LEAP_INSERT;
    t->reference.ns = INT64_C(1795468566955233996);
    t->offset = 0.000030517578125;
    t->last_offset = 0.00006103515625;
    t->rms_offset = 0.0001220703125;
    t->frequency_ppm = -12.5;
    t->residual_frequency_ppm = 0.0078125;
    t->skew_ppm = 0.03125;
    t->root_delay = 0.09375;
    t->root_dispersion = 0.017578125;
    t->update_interval = 64.25;
    t->bound_ns = 64000000;
    t->estimate_bound_ns = 63969482;
    t->bound_growth_ppb = 1500.0;
    t->trust = VISOR_TRUST_SYNCHRONIZED;
}

/* The caller frees it. */
static inline struct visor_status *canned_status(void)
{
    static const char *const names[] = {"192.0.2.1", "2001:db8::2",     "192.0.2.3",
                                        "192.0.2.4", "ntp.example.net", "192.0.2.6"};
    static const enum visor_select_state states[] = {
        VISOR_STATE_SELECTED, VISOR_STATE_COMBINED,   VISOR_STATE_FALSETICKER,
        VISOR_STATE_JITTERY,  VISOR_STATE_NO_SAMPLES, VISOR_STATE_UNSELECTED_DISTANCE};
    struct visor_status *status = (struct visor_status *)calloc(1, sizeof(struct visor_status));
    struct visor_source_status *s;

    if (!status)
        abort();
    canned_tracking(&status->tracking);
    status->smoothing = (struct visor_smoothing_status){.enabled = true,
                                                        .active = true,
                                                        .offset = 0.25,
                                                        .frequency_ppm = -1.5,
                                                        .wander_ppm = -0.0625,
                                                        .last_update_age = 4.5,
                                                        .remaining = 100.25};
    status->manual.count = 2;
    for (int i = 0; i < 2; i++)
        status->manual.samples[i] = (struct visor_manual_sample){
            {INT64_C(1795468566000000000) + i * 1000000000}, 0.25 * (i + 1), -0.5 * (i + 1), 0.125};
    status->online = 4;
    status->offline = 1;
    status->burst_online = 2;
    status->burst_offline = 3;
    status->unresolved = 1;
    status->source_count = 7;
    for (uint32_t i = 0; i < 6; i++) {
        canned_source(&status->sources[i], i + 1, names[i]);
        status->sources[i].state = states[i];
    }
    status->sources[2].kind = VISOR_SOURCE_PEER;
    status->sources[2].options = VISOR_SELECT_PREFER;
    status->sources[2].effective_options = VISOR_SELECT_TRUST | VISOR_SELECT_REQUIRE;
    status->sources[1].leap = VISOR_LEAP_DELETE;
    status->sources[3].authenticated = true;
    status->sources[3].key = 10;
    status->sources[4].last_sample_age = status->sources[4].selected_age = -1.0;
    s = &status->sources[6];
    canned_source(s, 7, "GPSD");
    s->refclock = true;
    s->root_delay = s->root_dispersion = 0.0;
    s->refid = 0x47505344;
    s->stratum = 0;
    s->state = VISOR_STATE_NOT_SELECTABLE;
    s->options = s->effective_options = VISOR_SELECT_NOSELECT;
    return status;
}

#endif
