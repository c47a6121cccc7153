"""The lab's table and its drawings."""
import math

import machine

COLOURS = {"timevisord": "#0072b2", "chronyd-usual": "#d55e00", "chronyd-best": "#cc9900"}
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 860, 420, 78, 18, 64, 46
LINKS = {"source": "with a source", "silent": "the source falls silent before"}


def number(value, digits=2, nothing="never"):
    return nothing if value is None else f"{value:.{digits}f}"


def percent(value):
    return "-" if value is None else f"{100 * value:.1f} %" if value else "0"


def at(fault, on):
    """A fault on a machine, as cells are named."""
    return fault if on == "rtc" else f"{fault}@{on}"


def count(pair):
    return "-" if pair is None else f"{pair[0]}/{pair[1]}"


def row(result):
    f = result["figures"]
    limit = f">{f['observed_s']:.0f}"
    now = "now_outside_before" in f
    return [at(result["fault"], result["machine"]), result["link"], result["daemon"],
            number(f["first_error_ms"], 1), number(f["noticed_s"]), number(f["below_10ms_s"], 2, limit),
            number(f["below_1ms_s"], 2, limit), number(f["overshoot_ms"], 1),
            number(f["synchronised_s"], 2, limit),
            percent(f["false_before"]), percent(f["false_after"]),
            number(f["now_synchronised_s"], 2, limit) if now else "-",
            count(f["now_outside_before"]) if now else "-",
            count(f["now_outside_after"]) if now else "-",
            share(f["now_available"] if now else f["available"])]


def share(value):
    """Rounded so that not all of it is told only of all of it."""
    return "-" if value is None else f"{math.floor(value * 10000) / 100:.2f} %"


HEADS = ["fault", "link", "daemon", "error ms", "noticed s", "<10 ms s", "<1 ms s", "overshoot ms",
         "in sync s", "false before", "false after", "now in sync s", "now wrong before",
         "now wrong after", "in sync after"]


def table(results):
    rows = [HEADS] + [row(result) for result in results]
    widths = [max(len(line[i]) for line in rows) for i in range(len(HEADS))]
    lines = ["  ".join(cell.ljust(width) if i < 3 else cell.rjust(width)
                       for i, (cell, width) in enumerate(zip(line, widths))).rstrip()
             for line in rows]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def markdown(results):
    lines = [HEADS, ["---"] * len(HEADS)] + [row(result) for result in results]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _scale(error_ms):
    """Linear below 1 ms, which is what a reading is good to; above, each decade is as high."""
    size = abs(error_ms)
    return math.copysign(math.log10(size) + 1 if size > 1 else size, error_ms)


def _axes(out, first, last, top, x, y):
    for decade in range(0, 9):
        for sign in (1, -1):
            value = sign * 10.0 ** decade
            if abs(_scale(value)) <= top:
                label = f"{value / 1000:+g} s" if abs(value) >= 1000 else f"{value:+g} ms"
                out.append(f'<path d="M{LEFT} {y(value):.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
                out.append(f'<text x="{LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{label}</text>')
    out.append(f'<path d="M{LEFT} {y(0):.1f}H{WIDTH - RIGHT}" stroke="#777"/>')
    step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 200, 500) if (last - first) / s <= 14)
    for at in range(math.ceil(first / step) * step, math.floor(last) + 1, step):
        out.append(f'<text x="{x(at):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{at}</text>')
    out.append(f'<path d="M{x(0):.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#777" stroke-dasharray="3 3"/>')
    out.append(f'<text x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 8}" text-anchor="middle">'
               's after the guest went on</text>')


def _curve(result, x, y, first, last):
    """Breaks where nothing was read; thin where the kernel says that it is not synchronised."""
    pieces, piece, before = [], [], None
    for at, error, half, unsynchronised, _ in result["curve"]:
        if not first <= at <= last or half > max(2.0, abs(error) / 2):
            continue  # outside, or not sharp enough to be drawn
        if before and (at - before[0] > 1.0 or unsynchronised != before[1]):
            pieces.append((before[1], piece))
            piece = piece[-1:] if at - before[0] <= 1.0 else []
        piece.append(f"{x(at):.1f} {y(error):.1f}")
        before = (at, unsynchronised)
    if before:
        pieces.append((before[1], piece))
    colour = COLOURS.get(result["daemon"], "#555")
    return [f'<path d="M{"L".join(points)}" fill="none" stroke="{colour}" '
            f'stroke-width="{1 if thin else 2.4}"{" stroke-dasharray=" + chr(34) + "4 3" + chr(34) if thin else ""}/>'
            for thin, points in pieces if points]


def svg(results):
    """One fault and link, all daemons."""
    curves = [point for result in results for point in result["curve"]]
    last = max(point[0] for point in curves)
    first = max(min(point[0] for point in curves), -max(5.0, 0.15 * last))
    top = max(2.0, *(abs(_scale(point[1])) for point in curves if point[0] >= first)) * 1.05

    def x(at):
        return LEFT + (at - first) / (last - first) * (WIDTH - LEFT - RIGHT)

    def y(error):
        middle = (TOP + HEIGHT - BOTTOM) / 2
        return middle - _scale(error) / top * (HEIGHT - TOP - BOTTOM) / 2

    fault, link = results[0]["fault"], results[0]["link"]
    on = machine.MACHINES[results[0]["machine"]][2]
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
           'font-family="sans-serif" font-size="12">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
           f'<text x="{LEFT}" y="22" font-size="15">The guest{" " if on else ""}{on} is '
           f'{machine.FAULTS[fault][3]}, {LINKS[link]}: true error of its clock</text>']
    _axes(out, first, last, top, x, y)
    for i, result in enumerate(results):
        out += _curve(result, x, y, first, last)
        at = LEFT + 150 * i
        out.append(f'<path d="M{at} 44h24" stroke-width="2.4" '
                   f'stroke="{COLOURS.get(result["daemon"], "#555")}"/>'
                   f'<text x="{at + 30}" y="48">{result["daemon"]}</text>')
    out.append(f'<text x="{WIDTH - RIGHT}" y="48" text-anchor="end">'
               'thick: says synchronised; thin: says that it is not</text></svg>')
    return "\n".join(out)
