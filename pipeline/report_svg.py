"""Pictures as SVG text, drawn by us: stacked bars, a heat map, small lines, a curve. Colours are those of the page."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Any

from pipeline.cli.output import clean
from pipeline.report_sql import WIDTHS

WIDE, LEFT, RIGHT = 960, 56, 12
"""Units of a picture that is as wide as the page; of its margins."""

LABELS = 7
"""Most labels of a time axis."""

Row = Mapping[str, Any]


def e(text: object) -> str:
    """Make text harmless in HTML and SVG: what comes from logs is shown, and never obeyed."""
    return escape(clean(text), quote=True)


def number(n: float) -> str:
    """Write a number for people: 1,204; 1.2 M; 0.034."""
    for size, unit in ((1e9, " G"), (1e6, " M")):
        if abs(n) >= size:
            return f"{n / size:.3g}{unit}"
    if n == int(n):
        return f"{int(n):,}"
    if abs(n) >= 1000:
        return f"{n:,.0f}"
    return f"{n:.3g}" if abs(n) >= 1e-4 or abs(n) < 1e-8 else f"{n:.{1 - math.floor(math.log10(abs(n)))}f}"


def svg(width: float, height: float, body: str, label: str, *, css: str = "") -> str:
    """Wrap a picture; `label` is read aloud in its place."""
    return (
        f'<svg class="{css}" viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{e(label)}" '
        f'preserveAspectRatio="xMidYMid meet">{body}</svg>'
    )


def text(x: float, y: float, told: object, css: str = "", anchor: str = "start") -> str:
    """Write a word in a picture."""
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{css}" text-anchor="{anchor}">{e(told)}</text>'


def rect(x: float, y: float, w: float, h: float, css: str, title: str = "", style: str = "") -> str:
    """Draw a box; `title` is shown when it is pointed at."""
    told = f"<title>{e(title)}</title>" if title else ""
    more = f' style="{style}"' if style else ""
    at = f'x="{x:.1f}" y="{y:.1f}" width="{max(0.0, w):.1f}" height="{max(0.0, h):.1f}"'
    return f'<rect {at} class="{css}"{more}>{told}</rect>'


def line(x1: float, y1: float, x2: float, y2: float, css: str, title: str = "") -> str:
    """Draw a line."""
    told = f"<title>{e(title)}</title>" if title else ""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{css}">{told}</line>'


class Times:
    """The time axis of a picture: bins of equal width from left to right."""

    def __init__(self, pictures: Row, left: float = LEFT, right: float = RIGHT) -> None:
        self.first: datetime = pictures["first"].astimezone(UTC)
        self.width_s, self.bins = int(pictures["width_s"]), max(1, int(pictures["bins"]))
        self.left, self.step = left, (WIDE - left - right) / self.bins

    def x(self, bin_: float) -> float:
        """Give where a bin begins."""
        return self.left + bin_ * self.step

    def at(self, when: datetime) -> float | None:
        """Give where a time lies; None: outside."""
        bin_ = (when.astimezone(UTC) - self.first).total_seconds() / self.width_s
        return self.x(bin_) if 0 <= bin_ <= self.bins else None

    def named(self, bin_: int) -> str:
        """Name a bin by when it begins."""
        return self._named(self.first + timedelta(seconds=bin_ * self.width_s), self.width_s)

    def labels(self, y: float) -> str:
        """Write the axis: half a dozen round times."""
        whole = self.bins * self.width_s
        step = next((width for width in WIDTHS if whole / width <= LABELS), whole)
        first = -(-int(self.first.timestamp()) // step) * step
        out = ""
        for seconds in range(first, first + whole + 1, step):
            when = datetime.fromtimestamp(seconds, UTC)
            if (x := self.at(when)) is not None and x < WIDE - RIGHT - 30:
                out += text(x, y, self._named(when, step), "tick") + line(x, y - 14, x, y - 10, "axis")
        return out or text(self.left, y, self.named(0), "tick")

    def _named(self, when: datetime, step: int) -> str:
        """Write a time as exactly as a step asks for, without the day where there is one."""
        if step >= 86_400:
            return f"{when:%Y-%m-%d}"
        clock = f"{when:%H:%M:%S}" if step < 60 else f"{when:%H:%M}"
        return clock if self.bins * self.width_s <= 86_400 else f"{when:%m-%d} {clock}"


def stacked(times: Times, series: Mapping[str, Sequence[int]], colors: Mapping[str, str], marks: Row) -> str:
    """Draw bars of several parts, the first series lowest.

    Args:
        series: name -> counts by bin. colors: name -> class.
        marks: `ticks`, (time, title) of what was first seen; `lines`, (time, title) of deploys.
    """
    height, base = 250.0, 200.0
    sums = [sum(counts[i] for counts in series.values()) for i in range(times.bins)]
    top = max([1, *sums])
    body = grid(top, base, 16.0)
    for i, whole in enumerate(sums):
        y = base
        for name, counts in series.items():
            h = counts[i] / top * (base - 16)
            y -= h
            if counts[i]:
                told = f"{times.named(i)}  {name}: {number(counts[i])} of {number(whole)}"
                body += rect(times.x(i) + 0.5, y, times.step - 1, h, colors[name], told)
    for when, told in marks.get("ticks", ()):
        if (x := times.at(when)) is not None:
            body += line(x, base + 3, x, base + 13, "new", told)
    for when, told in marks.get("lines", ()):
        if (x := times.at(when)) is not None:
            body += line(x, 8, x, base, "mark", told) + text(x + 3, 14, told, "tick")
    body += line(times.left, base, WIDE - RIGHT, base, "axis") + times.labels(base + 30)
    return svg(WIDE, height, body, "Events over time, by domain")


def grid(top: float, base: float, ceiling: float, unit: str = "") -> str:
    """Draw the lines of a scale from 0 to the top, with their numbers."""
    body = ""
    for part in (0.0, 0.5, 1.0):
        y = base - part * (base - ceiling)
        body += line(LEFT, y, WIDE - RIGHT, y, "grid") + text(LEFT - 6, y + 4, number(top * part) + unit, "tick", "end")
    return body


def heat(times: Times, cells: Mapping[str, Mapping[int, int]]) -> str:
    """Draw a heat map: a row a name, stronger where there is more (by the logarithm)."""
    tall, top = 18.0, max((n for row in cells.values() for n in row.values()), default=1)
    body = ""
    for at, (name, row) in enumerate(cells.items()):
        y = at * tall
        short = name if len(name) <= 22 else name[:21] + "…"
        body += text(times.left - 8, y + 13, short, "tick", "end")
        body += rect(times.left, y + 1, WIDE - RIGHT - times.left, tall - 2, "empty")
        for i, n in row.items():
            strength = 0.18 + 0.82 * math.log1p(n) / math.log1p(top)
            told = f"{times.named(i)}  {name}: {number(n)}"
            body += rect(times.x(i), y + 1, times.step - 0.6, tall - 2, "hot", told, f"fill-opacity:{strength:.2f}")
    end = len(cells) * tall
    return svg(WIDE, end + 24, body + times.labels(end + 18), "Errors by host over time")


def spark(counts: Sequence[int]) -> str:
    """Draw a small area of counts by bin."""
    w, h, top = 110.0, 22.0, max([1, *counts])
    step = w / max(1, len(counts))
    points = " ".join(f"{i * step + step / 2:.1f},{h - 1 - n / top * (h - 3):.1f}" for i, n in enumerate(counts))
    body = f'<polygon points="0,{h} {points} {w},{h}" class="area"/><polyline points="{points}" class="curve"/>'
    return svg(w, h, body, f"{number(sum(counts))} over time", css="spark")


def lines(points: Sequence[tuple[float, float]], unit: str, label: str) -> str:
    """Draw one line over seconds; half as wide as the page."""
    w, base, ceiling, left = 470.0, 130.0, 14.0, 62.0
    wide = max([1e-9, *(x for x, _ in points)])
    top = max([1e-9, *(y for _, y in points)])
    body = ""
    for part in (0.0, 0.5, 1.0):
        y = base - part * (base - ceiling)
        body += line(left, y, w - 8, y, "grid") + text(left - 6, y + 4, number(top * part), "tick", "end")
    at = [(left + x / wide * (w - 8 - left), base - y / top * (base - ceiling)) for x, y in points]
    drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
    body += f'<polyline points="{drawn}" class="curve"/>'
    body += "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.2" class="dot"/>' for x, y in at[-1:])
    body += text(left, base + 18, "0 s", "tick") + text(w - 8, base + 18, f"{number(wide)} s", "tick", "end")
    return svg(w, 156, body + text(left, 9, unit, "tick"), label)


def curve(
    curves: Mapping[str, Sequence[Row]], certified: Sequence[tuple[str, float, float, str]], colors: Mapping[str, str]
) -> str:
    """Draw risk against coverage, a line a depth, and the points that are certified: (depth, coverage, risk, title)."""
    w, base, ceiling, left = 960.0, 230.0, 16.0, LEFT
    risks = [row["risk"] for rows in curves.values() for row in rows if row["coverage"] > 0.02]
    worst = max([0.0, *risks, *(risk for _, _, risk, _ in certified)])
    top = next(round_ for round_ in (0.1, 0.2, 0.4, 0.6, 0.8, 1.0) if worst <= round_)
    body = ""
    for part in (0.0, 0.25, 0.5, 0.75, 1.0):
        y, x = base - part * (base - ceiling), left + part * (w - RIGHT - left)
        body += line(left, y, w - RIGHT, y, "grid") + text(left - 6, y + 4, f"{100 * top * part:.0f} %", "tick", "end")
        body += text(x, base + 18, f"{100 * part:.0f} %", "tick", "middle" if part else "start")

    def at(coverage: float, risk: float) -> tuple[float, float]:
        return left + coverage * (w - RIGHT - left), base - min(1.0, risk / top) * (base - ceiling)

    for name, rows in curves.items():
        drawn = " ".join("{:.1f},{:.1f}".format(*at(row["coverage"], row["risk"])) for row in rows)
        body += f'<polyline points="{drawn}" class="curve {colors[name]}"/>'
    for name, coverage, risk, told in certified:
        x, y = at(coverage, risk)
        body += (
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6" class="point {colors[name]}"><title>{e(told)}</title></circle>'
        )
        body += text(x + 9, y - 7, told.partition(":")[0], "tick")
    body += text(left + (w - left) / 2, base + 34, "coverage: share of kinds answered", "tick", "middle")
    return svg(w, 272, body, "Share of wrong answers against share of kinds answered")
