"""What readings say about one guest and one fault. Times in s after it went on, errors in ms."""
from watch import SYNCHRONIZED

BIN_NS = 100 * 10**6
LIMITS_MS = (10, 1)
SHARP_MS = 5  # half the width of a reading that says how wrong a clock is; or a tenth of its error
SLACK_NS = 5 * 10**6  # of a moment that was reckoned from the guest's counter


def seconds(ns):
    return round(ns / 1e9, 3)


def sharp(readings, zero):
    """The narrowest reading of each tenth of a second: (s, error, half its width, reading)."""
    best = {}
    for reading in readings:
        key = (reading.at - zero) // BIN_NS
        if key not in best or reading.came - reading.asked < best[key].came - best[key].asked:
            best[key] = reading
    return [((r.at - zero) / 1e9, r.error / 1e6, (r.came - r.asked) / 2e6, r)
            for _, r in sorted(best.items())]


def first_change(readings, resumed, names):
    """When one of these marks of the probe first lay after the resume: ns of the host and of the
    guest's counter; None: never."""
    for reading in readings:
        raws = [getattr(reading, name) for name in names if getattr(reading, name)]
        marks = [(reading.host_time(raw), raw) for raw in raws]
        marks = [mark for mark in marks if mark[0] >= resumed - SLACK_NS]
        if marks:
            at, raw = min(marks)
            return max(resumed, at), raw
    return None


def below(bins, limit_ms):
    """From when on no reading shows that the clock is wrong by the limit; None: not to the end."""
    since = 0.0
    for at, error, half, *_ in bins:
        if abs(error) - half >= limit_ms:
            since = None
        elif since is None:
            since = round(at, 2)
    return since


def share(readings):
    return sum(r.false() for r in readings) / len(readings) if readings else None


def outside(readings):
    """How many readings of timevisor_now() the true time was outside of, and of how many."""
    return [sum(r.outside() for r in readings), len(readings)]


def again(readings, resumed, well, name):
    """From when on all is well, to the end, s; None: it is not. The probe marked the moment."""
    bad = [r for r in readings if not well(r)]
    later = [r for r in readings if not bad or r.at > bad[-1].at]
    if not later:
        return None
    mark = first_change(later, resumed, (name,))
    at = mark[0] if mark else resumed
    if bad:  # between the last bad reading and the first good one
        at = min(max(at if mark else later[0].at, bad[-1].at), later[0].at)
    return seconds(at - resumed)


def well_by_kernel(reading):
    return not reading.unsynchronised and not reading.false()


def well_by_library(reading):
    return reading.now_status == SYNCHRONIZED and not reading.outside()


def available(readings, since, name):
    """Share of the time from `since` (ns; None: never) on in which it was synchronised."""
    known = [r for r in readings if since is not None and r.at >= since]
    if len(known) < 2:
        return None
    away = getattr(known[-1], name) - getattr(known[0], name)
    return 1 - away / max(1, known[-1].raw - known[0].raw)


def disruptions(readings):
    """How many timevisord has counted."""
    epochs = [r.epoch for r in readings if r.now_status]
    return sum(one != next_one for one, next_one in zip(epochs, epochs[1:]))


def first_well(readings, well):
    return next((r.at for r in readings if well(r)), None)


def late_until(readings, before, moment):
    """For how long, s, the guest's programs could not run although they wished to."""
    known = [r.late for r in readings if r.at >= moment] or [readings[-1].late]
    return max(0, known[0] - before) / 1e9


def lost(before, after):
    """By how much the guest's counter fell behind in between, s."""
    return (after.at - before.at - (after.raw - before.raw)) / 1e9


def split(after, noticed):
    """Before it was noticed, and from then on."""
    return ([r for r in after if not noticed or r.raw < noticed[1]],
            [r for r in after if noticed and r.raw >= noticed[1]])


def by_library(after, resumed, noticed):
    """The same of timevisor_now(); nothing in a guest that has no clock segment."""
    if all(r.now_status == 0 for r in after):
        return {}
    left = first_change(after, resumed, ("left_at",))
    noticed = min((mark for mark in (left, noticed) if mark), default=None)
    before, later = split(after, noticed)
    first = first_well(split(after, left)[1] or after, well_by_library)
    return {
        "now_noticed_s": noticed and seconds(noticed[0] - resumed),
        "now_synchronised_s": again(after, resumed, well_by_library, "back_at"),
        "now_outside_before": outside(before),
        "now_outside_after": outside(later) if noticed else None,
        "now_available": available(after, first, "away_ns"),
    }


def of(readings, began, resumed):
    """`began`: until then all was well; `resumed`: from then on the guest goes on."""
    ready = [r for r in readings if r.came < began]
    after = [r for r in readings if r.at >= resumed]
    if not after or not ready:
        return None
    bins = sharp(after, resumed)
    noticed = first_change(after, resumed, ("unsynchronised_at", "stepped_at"))
    before, later = split(after, noticed)
    first = first_well(later or after, well_by_kernel)
    errors = [b[1] for b in bins if b[2] <= max(SHARP_MS, abs(b[1]) / 10)] or [min(bins, key=lambda b: b[2])[1]]
    sign = -1 if errors[0] < 0 else 1
    found = {
        "before_ms": round(sharp(ready, resumed)[-1][1], 3),
        "first_error_ms": round(errors[0], 3),
        "lost_s": round(lost(ready[-1], after[0]), 3),
        "half_width_ms": round(sorted(b[2] for b in bins)[len(bins) // 2], 3),
        "noticed_s": noticed and seconds(noticed[0] - resumed),
        "overshoot_ms": round(max(0.0, *(-sign * error for error in errors)), 3),
        "worst_after_ms": round(max(errors, key=abs), 3),
        "synchronised_s": again(after, resumed, well_by_kernel, "synchronised_at"),
        "available": available(after, first, "unsynchronised_ns"),
        "observed_s": round(bins[-1][0], 1),
        "false_before": share(before),
        "false_after": share(later),
        "false_during": share([r for r in readings if began <= r.at < resumed]),
        "outside_during": sum(r.outside() for r in readings if began <= r.at < resumed),
        "unsynchronised_during": any(r.unsynchronised for r in readings if began <= r.at),
        "late_noticing_s": late_until(after, ready[-1].late, noticed[0] if noticed else resumed),
        "late_2s_s": late_until(after, ready[-1].late, resumed + 2 * 10**9),
        "disruptions": disruptions(readings),
        **by_library(after, resumed, noticed),
    }
    for limit in LIMITS_MS:
        found[f"below_{limit}ms_s"] = below(bins, limit)
    return found


def curve(readings, resumed):
    """For drawings and for others: s, error ms, half its width ms, unsynchronised, maxerror ms."""
    return [[round(at, 3), round(error, 4), round(half, 4), int(r.unsynchronised),
             round(r.maxerror / 1e6, 3)] for at, error, half, r in sharp(readings, resumed)]
