/* What the server says about its clock, and its replies. */
#include "engine/serve.h"

#define UNSYNCHRONIZED_NS VISOR_NS_PER_S /* root delay and dispersion of who knows nothing */
#define LOCAL_STEP_NS     (64 * VISOR_NS_PER_S)

/* `local` is its own reference at all times: a time just past, changing now and then. */
static visor_wall local_reference(const struct visor_view *view, visor_mono raw)
{
    int64_t ns = visor_view_utc(view, raw).ns - VISOR_NS_PER_S;
    int64_t rest = ns % LOCAL_STEP_NS;

    return (visor_wall){ns - (rest < 0 ? rest + LOCAL_STEP_NS : rest)};
}

void visor_serve_describe(const struct visor_view *view, visor_mono raw,
                          struct visor_ntp_header *header)
{
    double elapsed = (double)visor_mono_diff(raw, view->raw);
    double growth = elapsed > 0.0 ? elapsed * view->dispersion_rate_ppb * 1e-9 : 0.0;
    int64_t dispersion = view->root_dispersion_ns;
    bool local = view->refid == VISOR_NTP_REFID_LOCAL;

    *header = (struct visor_ntp_header){.precision = view->precision};
    if (view->stratum == 0 || view->stratum >= VISOR_NTP_STRATUM_MAX) {
        header->leap = VISOR_LEAP_UNSYNCHRONIZED;
        header->root_delay = header->root_dispersion = visor_ntp_short_from_ns(UNSYNCHRONIZED_NS);
        return;
    }
    if (growth >= 1e18 || dispersion >= INT64_C(1000000000000000000))
        dispersion = INT64_C(1000000000000000000);
    else
        dispersion += (int64_t)growth + (growth > 0.0);
    header->leap = view->leap;
    header->stratum = view->stratum;
    header->refid = view->refid;
    header->reference = visor_ntp_from_wall(local ? local_reference(view, raw) : view->reference);
    header->root_delay = visor_ntp_short_from_ns(view->root_delay_ns);
    header->root_dispersion = visor_ntp_short_from_ns(dispersion);
}

void visor_serve_mono_root(const struct visor_view *view, visor_mono raw, uint64_t receive,
                           struct visor_ntp_mono_root *root)
{
    double elapsed = (double)visor_mono_diff(raw, view->raw);
    double growth = elapsed > 0.0 ? elapsed * view->dispersion_rate_ppb * 1e-9 : 0.0;

    *root = (struct visor_ntp_mono_root){.epoch = view->continuous_epoch};
    if (view->stratum == 0 || view->stratum >= VISOR_NTP_STRATUM_MAX) {
        root->root_delay = root->root_dispersion = visor_ntp_short28_from_ns(UNSYNCHRONIZED_NS);
    } else {
        root->root_delay = visor_ntp_short28_from_ns(view->root_delay_ns);
        root->root_dispersion = growth >= 1e18
                                    ? UINT32_MAX
                                    : visor_ntp_short28_from_ns(view->root_dispersion_ns +
                                                                (int64_t)growth + (growth > 0.0));
    }
    if (receive && view->continuous_epoch)
        root->receive =
            visor_ntp_from_wall(visor_wall_add(visor_ntp_to_wall(receive), view->continuous_ns));
}
