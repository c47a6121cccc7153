"""What readings say about one guest and one fault. Times in s after it went on, errors in ms."""
BIN_NS = 100 * 10**6
LIMITS_MS = (10, 1)
SHARP_MS = 5  # half the width of a reading that says how wrong a clock is
SLACK_NS = 5 * 10**6  # of a moment that was reckoned from the guest's counter


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
    """When one of these marks of the probe first lay after the resume, ns; None: never."""
    for reading in readings:
        marks = [reading.host_time(getattr(reading, name)) for name in names
                 if getattr(reading, name)]
        marks = [mark for mark in marks if mark >= resumed - SLACK_NS]
        if marks:
            return max(resumed, min(marks))
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


def synchronised_again(readings, resumed):
    """From when on the kernel says synchronised, truly and to the end, s; None: it does not."""
    bad = [r for r in readings if r.unsynchronised or r.false()]
    later = [r for r in readings if not bad or r.at > bad[-1].at]
    if not later:
        return None
    mark = first_change(later, resumed, ("synchronised_at",))
    if bad:  # between the last bad reading and the first good one
        mark = min(max(mark or later[0].at, bad[-1].at), later[0].at)
    return ((mark or resumed) - resumed) / 1e9


def late_until(readings, before, moment):
    """For how long, s, the guest's programs could not run although they wished to."""
    known = [r.late for r in readings if r.at >= moment] or [readings[-1].late]
    return max(0, known[0] - before) / 1e9


def lost(before, after):
    """By how much the guest's counter fell behind in between, s."""
    return (after.at - before.at - (after.raw - before.raw)) / 1e9


def of(readings, began, resumed):
    """`began`: until then all was well; `resumed`: from then on the guest goes on."""
    ready = [r for r in readings if r.came < began]
    after = [r for r in readings if r.at >= resumed]
    if not after or not ready:
        return None
    bins = sharp(after, resumed)
    noticed = first_change(after, resumed, ("unsynchronised_at", "stepped_at"))
    again = synchronised_again(after, resumed)
    sign = -1 if bins[0][1] < 0 else 1
    errors = [b[1] for b in bins if b[2] <= SHARP_MS] or [bins[0][1]]
    found = {
        "before_ms": round(sharp(ready, resumed)[-1][1], 3),
        "first_error_ms": round(bins[0][1], 3),
        "lost_s": round(lost(ready[-1], after[0]), 3),
        "half_width_ms": round(sorted(b[2] for b in bins)[len(bins) // 2], 3),
        "noticed_s": noticed and round((noticed - resumed) / 1e9, 3),
        "overshoot_ms": round(max(0.0, *(-sign * error for error in errors)), 3),
        "worst_after_ms": round(max(errors, key=abs), 3),
        "synchronised_s": None if again is None else round(again, 3),
        "observed_s": round(bins[-1][0], 1),
        "false_before": share([r for r in after if noticed is None or r.at < noticed]),
        "false_after": None if noticed is None else share([r for r in after if r.at >= noticed]),
        "false_during": share([r for r in readings if began <= r.at < resumed]),
        "unsynchronised_during": any(r.unsynchronised for r in readings if began <= r.at),
        "late_noticing_s": late_until(after, ready[-1].late, noticed or resumed),
        "late_2s_s": late_until(after, ready[-1].late, resumed + 2 * 10**9),
    }
    for limit in LIMITS_MS:
        found[f"below_{limit}ms_s"] = below(bins, limit)
    return found


def curve(readings, resumed):
    """For drawings and for others: s, error ms, half its width ms, unsynchronised, maxerror ms."""
    return [[round(at, 3), round(error, 4), round(half, 4), int(r.unsynchronised),
             round(r.maxerror / 1e6, 3)] for at, error, half, r in sharp(readings, resumed)]
