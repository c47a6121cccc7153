"""What `make check` holds timevisord to in a guest, what its witness costs there, how often it errs,
and what the command line tells there.

The claims are about the guest: time in which its own programs wished to run and could not, because
the host has other work, is taken off.
"""
import sys
import time

import figures
import image

NOTICED_S = {"stop-0.3": 1.1, "stop-5": 0.5}  # a short one shows at the RTC's next second
RECOVERED_S = 2.0
WATCH_S = 8
INSIDE = ("rtc", "vmclock")


class Report:
    """Claims that hold and do not, as TAP or as text."""

    def __init__(self, tap):
        self.tap, self.count, self.failed, self.results = tap, 0, 0, []

    def claim(self, good, words):
        self.count += 1
        self.failed += not good
        word = "ok" if good else "not ok"
        print(f"{word} {self.count} - {words}" if self.tap else f"{word}: {words}", flush=True)
        if not good:
            print(words, file=sys.stderr)

    def give_up(self, reason):
        if self.tap:
            for line in reason.splitlines():
                print("#", line)
        self.claim(False, reason.splitlines()[0])
        print(reason, file=sys.stderr)

    def end(self):
        if self.tap:
            print(f"1..{self.count}")
        return 1 if self.failed else 0


def within(value, late, limit):
    return value is not None and value - late <= limit


def judge(report, result):
    f, fault = result["figures"], result["fault"]
    late, limit = f["late_noticing_s"], NOTICED_S[fault]
    if result["accelerator"] == "tcg" or f["lost_s"] > 0.05:
        report.claim(f["lost_s"] > 0.2, f"{fault}: the guest's clocks lost {f['lost_s']} s")
        report.claim(within(f["noticed_s"], late, limit),
                     f"{fault}: noticed after {f['noticed_s']} s, {limit} s at most ({late:.2f} s late)")
    late = f["late_2s_s"]
    for key, words in (("below_10ms_s", "right to 10 ms"), ("synchronised_s", "synchronised again")):
        report.claim(within(f[key], late, RECOVERED_S),
                     f"{fault}: {words} after {f[key]} s, {RECOVERED_S} s at most ({late:.2f} s late)")
    report.claim(not f["false_after"], f"{fault}: share of false bounds once it was noticed: "
                                       f"{f['false_after']}")
    wrong = f.get("now_outside_after")
    report.claim(bool(wrong) and wrong[0] == 0,
                 f"{fault}: timevisor_now() once it was noticed: {wrong} (outside the truth, of)")
    report.claim(within(f.get("now_synchronised_s"), late, RECOVERED_S),
                 f"{fault}: timevisor_now() synchronized again after {f.get('now_synchronised_s')} s, "
                 f"{RECOVERED_S} s at most ({late:.2f} s late)")
    report.claim(f["overshoot_ms"] < 10, f"{fault}: overshoot {f['overshoot_ms']} ms, below 10")


def check(lab, cell_of, report):
    """timevisord with a source: one guest, stopped twice."""
    with cell_of(lab, "stop-0.3", "source", ["timevisord"]) as cell:
        cell.settle()
        for fault in NOTICED_S:
            result, = cell.strike(fault, WATCH_S)
            report.results.append(result)
            judge(report, result)
        said = cell.guests[0].serial()
        report.claim("the daemon has ended" not in said, "the daemon goes on")
        if report.failed:
            print(said[-2500:], file=sys.stderr)


def cost(lab, cell_of, seconds=120):
    """What watching the RTC costs: two guests at once, one whose daemon does not."""
    daemons = ["timevisord", "timevisord-blind"]
    lines = []
    with cell_of(lab, "stop-5", "source", daemons) as cell:
        cell.settle()
        time.sleep(15)
        before = [(g.processor_s(), used(lab, g)) for g in cell.guests]
        time.sleep(seconds)
        for guest, (host, own) in zip(cell.guests, before):
            lines.append(f"{guest.daemon}: the daemon took {100 * (used(lab, guest) - own) / seconds:.3f} % of "
                         f"the guest's processor, QEMU {100 * (guest.processor_s() - host) / seconds:.2f} % of "
                         "the host's")
    return "\n".join(lines)


def used(lab, guest):
    """CPU s of the daemon, by the guest's scheduler."""
    return max(r.processor for r in lab.watch.of(guest)) / 1e9


def calm(lab, cell_of, minutes):
    """Nothing happens to two guests, one of which is busy: whatever is noticed is an error."""
    lines = []
    with cell_of(lab, "stop-5", "source", ["timevisord", "timevisord-busy"]) as cell:
        cell.settle()
        began = {guest: lab.watch.last(guest) for guest in cell.guests}
        time.sleep(60 * minutes)
        for guest in cell.guests:
            readings = [r for r in lab.watch.of(guest) if r.at >= began[guest].at]
            hours = (readings[-1].at - readings[0].at) / 3.6e12
            false = sum(r.outside() for r in readings)
            away = figures.available(readings, readings[0].at, "away_ns")
            number = figures.disruptions(readings)
            lines.append(f"{guest.daemon}: {number} false disruptions in {60 * hours:.0f} min, "
                         f"{number / hours:.1f} an hour; synchronized {100 * away:.3f} % of the time; "
                         f"{false} of {len(readings)} readings outside the truth; its programs waited for "
                         f"a processor {100 * late_share(readings):.1f} % of the time")
    return "\n".join(lines)


def inside(lab, cell_of, seconds=120):
    """What the command line tells in guests, of a plain one and of one with vmclock and VMGENID."""
    for on in INSIDE:
        with cell_of(lab, "stop-5", "source", ["timevisord-asked"], on) as cell:
            end = time.monotonic() + seconds
            cell.settle()
            while image.ASKED_ALL not in cell.guests[0].said() and time.monotonic() < end:
                time.sleep(0.5)
            yield f"==== a guest of kind {on} ===="
            yield from cell.guests[0].said()


def late_share(readings):
    return (readings[-1].late - readings[0].late) / (readings[-1].at - readings[0].at)
