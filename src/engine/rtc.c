/* Tracks the RTC. Waiting for its edges and setting it is port/rtc.c's, the files and logs are the
 * daemon's. */
#include "engine/rtc.h"

#include "base/math.h"

#include "engine/combine.h"

#define FULL_DROP 4 /* oldest samples dropped at once when there is no room */
/* Temperature moves an RTC's rate by more than a longer line would know it better. */
#define SPAN_MAX_S    1140
#define FIT_MIN       3
#define SURPRISE_S    0.05
#define SURPRISE_RATE 2e-4
#define RELOCK        8                   /* samples after a trim */
#define NOISE_S       1e-7                /* of an edge, at the least */
#define SECONDS_MAX   INT64_C(8000000000) /* until 2223; the sum with FAST_MAX fits visor_wall */
#define FAST_MAX      1e9

void visor_rtc_init(struct visor_rtc *rtc, double autotrim_s)
{
    *rtc = (struct visor_rtc){.autotrim_s = autotrim_s > 0 ? autotrim_s : 0};
}

static void drop(struct visor_rtc *rtc, size_t first)
{
    for (size_t i = first; i < rtc->count; i++)
        rtc->samples[i - first] = rtc->samples[i];
    rtc->count -= first;
}

/* x: RTC seconds since the last sample; y: fast. */
static void points_of(const struct visor_rtc_sample *samples, size_t count,
                      const struct visor_view *view, struct visor_combine_point *points)
{
    int64_t last = samples[count - 1].seconds;

    for (size_t i = 0; i < count; i++) {
        visor_wall utc = visor_view_utc(view, samples[i].raw);

        points[i].x = (double)(samples[i].seconds - last);
        points[i].y = (double)(samples[i].seconds - utc.ns / VISOR_NS_PER_S) -
                      1e-9 * (double)(utc.ns % VISOR_NS_PER_S);
        points[i].sigma = NOISE_S;
    }
}

static int runs_of(const struct visor_combine_point *points, size_t count,
                   const struct visor_combined *line)
{
    bool last = false;
    int runs = 0;

    for (size_t i = 0; i < count; i++) {
        double off = points[i].y - line->y - line->slope * (points[i].x - line->x);
        bool above =
            visor_math_size(off) < NOISE_S ? !last : off > 0; /* on the line: either side */

        runs += i == 0 || above != last;
        last = above;
    }
    return runs;
}

static void fit(struct visor_rtc *rtc, const struct visor_view *view)
{
    struct visor_combine_point points[VISOR_RTC_SAMPLES_MAX];
    struct visor_combined line;

    if (rtc->count < FIT_MIN)
        return;
    points_of(rtc->samples, rtc->count, view, points);
    line = visor_combine(points, rtc->count, false, 0);
    rtc->known = true;
    rtc->reference_s = rtc->samples[rtc->count - 1].seconds;
    rtc->fast_s = line.y - line.slope * line.x;
    rtc->gain = line.slope;
    rtc->runs = runs_of(points, rtc->count, &line);
}

static void add(struct visor_rtc *rtc, visor_mono raw, int64_t seconds, uint64_t epoch)
{
    const struct visor_rtc_sample *last = rtc->count > 0 ? &rtc->samples[rtc->count - 1] : NULL;

    if (last &&
        (last->seconds >= seconds || !visor_mono_before(last->raw, raw) || rtc->epoch != epoch))
        rtc->count = 0;
    while (rtc->count > 0 && seconds - rtc->samples[0].seconds > SPAN_MAX_S)
        drop(rtc, 1);
    if (rtc->count == VISOR_RTC_SAMPLES_MAX)
        drop(rtc, FULL_DROP);
    rtc->samples[rtc->count++] = (struct visor_rtc_sample){raw, seconds};
    rtc->epoch = epoch;
}

/* Somebody has set the RTC forward: two samples in a row that no line through the old ones meets.
 * (One alone was an edge that we saw late.) */
static void look_for_step(struct visor_rtc *rtc, const struct visor_view *view)
{
    const struct visor_rtc_sample *last = &rtc->samples[rtc->count - 1];
    double since = (double)(last->seconds - rtc->reference_s), off;
    struct visor_combine_point point;

    if (!rtc->known || rtc->count < FIT_MIN)
        return;
    points_of(last, 1, view, &point);
    off = visor_math_size(point.y - rtc->fast_s - rtc->gain * since);
    rtc->surprises =
        off > SURPRISE_S + SURPRISE_RATE * visor_math_size(since) ? rtc->surprises + 1 : 0;
    if (rtc->surprises < 2)
        return;
    drop(rtc, rtc->count - 2);
    rtc->surprises = 0;
}

static enum visor_rtc_outcome relock(struct visor_rtc *rtc, const struct visor_view *view,
                                     struct visor_rtc_drift *drift)
{
    double fast;
    bool found;

    if (rtc->count < RELOCK)
        return VISOR_RTC_NOTHING;
    found = visor_rtc_fast(rtc->samples, rtc->count, view, &fast);
    rtc->reference_s = rtc->samples[rtc->count - 1].seconds;
    rtc->trimmed = false;
    rtc->known = false;
    rtc->count = 0;
    if (!found)
        return VISOR_RTC_NOTHING;
    rtc->fast_s = fast;
    *drift = (struct visor_rtc_drift){.valid = true,
                                      .reference_s = rtc->reference_s,
                                      .fast_s = fast,
                                      .gain_ppm = rtc->kept_gain * 1e6};
    return VISOR_RTC_SAVE;
}

enum visor_rtc_outcome visor_rtc_take(struct visor_rtc *rtc, visor_mono raw, int64_t seconds,
                                      const struct visor_view *view, struct visor_rtc_drift *drift)
{
    if (seconds > SECONDS_MAX || seconds < -SECONDS_MAX)
        return VISOR_RTC_NOTHING;
    add(rtc, raw, seconds, view->epoch);
    if (rtc->trimmed)
        return relock(rtc, view, drift);
    look_for_step(rtc, view);
    fit(rtc, view);
    if (rtc->known && rtc->autotrim_s > 0 && visor_math_size(rtc->fast_s) >= rtc->autotrim_s &&
        view->trust == VISOR_TRUST_SYNCHRONIZED)
        return VISOR_RTC_TRIM;
    return VISOR_RTC_NOTHING;
}

int visor_rtc_period_s(const struct visor_rtc *rtc)
{
    if (rtc->trimmed)
        return 0;
    return rtc->count < 4    ? 15
           : rtc->count < 6  ? 30
           : rtc->count < 10 ? 60
           : rtc->count < 14 ? 120
                             : 240;
}

bool visor_rtc_trim(struct visor_rtc *rtc, visor_mono now, const struct visor_view *view,
                    int64_t *seconds)
{
    visor_wall utc = visor_view_utc(view, now);
    int64_t whole = utc.ns / VISOR_NS_PER_S - (utc.ns % VISOR_NS_PER_S < 0 ? 1 : 0);

    if (!rtc->known || visor_math_size(rtc->fast_s) <= 1.0)
        return false;
    /* Half a second after it is set, an RTC begins the next second: it is off by half a second at
     * most. */
    *seconds = whole;
    rtc->kept_gain = rtc->gain;
    rtc->fast_s = 0.5 - (double)(utc.ns - whole * VISOR_NS_PER_S) * 1e-9;
    rtc->reference_s = whole;
    rtc->count = 0;
    rtc->trimmed = true;
    return true;
}

bool visor_rtc_drift(const struct visor_rtc *rtc, struct visor_rtc_drift *drift)
{
    *drift = (struct visor_rtc_drift){.valid = rtc->known,
                                      .reference_s = rtc->reference_s,
                                      .fast_s = rtc->fast_s,
                                      .gain_ppm = rtc->gain * 1e6};
    return rtc->known;
}

double visor_rtc_span_s(const struct visor_rtc *rtc)
{
    return rtc->count < 2
               ? 0.0
               : (double)(rtc->samples[rtc->count - 1].seconds - rtc->samples[0].seconds);
}

visor_wall visor_rtc_utc(const struct visor_rtc_drift *drift, int64_t seconds)
{
    double fast =
        drift->fast_s + ((double)seconds - (double)drift->reference_s) * drift->gain_ppm * 1e-6;

    if (seconds > SECONDS_MAX)
        seconds = SECONDS_MAX;
    if (seconds < -SECONDS_MAX)
        seconds = -SECONDS_MAX;
    if (!(visor_math_size(fast) < FAST_MAX)) /* NaN too: such a file says nothing */
        fast = 0;
    return (visor_wall){seconds * VISOR_NS_PER_S - visor_ns_from_seconds(fast)};
}

bool visor_rtc_fast(const struct visor_rtc_sample *samples, size_t count,
                    const struct visor_view *view, double *fast_s)
{
    struct visor_combine_point points[VISOR_RTC_SAMPLES_MAX];
    struct visor_combined line;

    if (count < FIT_MIN || count > VISOR_RTC_SAMPLES_MAX)
        return false;
    points_of(samples, count, view, points);
    line = visor_combine(points, count, true, 0);
    *fast_s = line.y - line.slope * line.x;
    return true;
}
