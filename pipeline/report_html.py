"""The report as one HTML page: what happened, how it was labelled, how far that is to be trusted, what it took."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pipeline import report_svg as draw
from pipeline.report_html_cost import cost
from pipeline.report_html_trust import drift_of, trust_of
from pipeline.report_page import bar, figures, legend, page, soft, table
from pipeline.report_svg import e, number

Told = Mapping[str, Any]

SERIES = 7
"""Domains with a colour of their own; the others share a grey, and `unknown` another."""

LINES = 40
"""Rows of a table at most."""


def html(told: Told, marks: Sequence[tuple[datetime, str]] = ()) -> str:
    """Draw the page of what `report.gather` gathered.

    Args:
        marks: (time, name) of deploys and the like, drawn as lines.
    """
    sections = []
    if told["pictures"]:
        sections = _events(told, marks)
    sections += [
        ("funnel", "Who labelled it", _funnel(told)),
        ("trust", "What is promised of the labels", trust_of(told)),
        ("drift", "Drift", drift_of(told)),
        ("cost", "What it took", cost(told)),
        ("quality", "Rejects and clocks", _quality(told)),
    ]
    if told["run"] and told["run"]["pace"]:
        sections.append(("pace", "The last backfill", _pace(told["run"])))
    return page(f"{told['lake']} - dioptre report", _head(told), sections)


def some(n: float) -> str:
    """Write a number, and nothing for 0: tables full of zeros hide what there is."""
    return number(n) if n else ""


def when(at: datetime | None) -> str:
    """Write a time to the second, UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if at else ""


def _head(told: Told) -> str:
    span, events = told["span"], told["span"]["events"]
    title = f"<h1>{e(told['lake'])}</h1>"
    if not events:
        return title + soft(f"The lake holds no events in this time. Written {when(told['written_at'])} UTC.")
    known = 1 - span["unknown"] / events
    shares = [
        (number(events), "events"), (number(told["kinds"]), "kinds of lines"),
        (f"{100 * known:.1f} %", "of events labelled"),
        (f"{100 * span['certified'] / events:.1f} %", "of events under a certificate"),
        (number(told["rejects"]), "lines without an event"), (number(span["hosts"]), "hosts"),
    ]  # fmt: skip
    outside = (
        f" {number(span['outside'])} events are stamped far from all others and not in the pictures."
        if span["outside"]
        else ""
    )
    line = f"{when(span['first'])} to {when(span['last'])} UTC. Written {when(told['written_at'])} UTC.{outside}"
    return title + soft(line) + figures(shares)


def _events(told: Told, marks: Sequence[tuple[datetime, str]]) -> list[tuple[str, str, str]]:
    """Draw what happened: pictures 1 to 4 of a backfill."""
    pictures = told["pictures"]
    times = draw.Times(pictures)
    return [
        ("events", "Events over time", _over_time(pictures, times, marks)),
        ("errors", "Errors by host", _errors(pictures)),
        ("top", "Loudest templates", _top(pictures, told["span"]["events"])),
        ("new", "What is new", _new(pictures, told["span"]["tenth"])),
    ]


def colors_of(names: Sequence[str]) -> dict[str, str]:
    """Give each domain its class: the loudest their own, `unknown` and the rest greys."""
    own = [name for name in names if name != "unknown"][:SERIES]
    return {name: f"f{own.index(name)}" if name in own else "f8" if name == "unknown" else "f7" for name in names}


def _over_time(pictures: Told, times: draw.Times, marks: Sequence[tuple[datetime, str]]) -> str:
    sums: Counter[str] = Counter()
    for row in pictures["domains"]:
        sums[row["domain"]] += row["n"]
    names = [name for name, _ in sorted(sums.items(), key=lambda item: (-item[1], item[0]))]
    colors = colors_of(names)
    shown = [n for n in names if colors[n] not in ("f7", "f8")]
    series = {name: [0] * times.bins for name in [*shown, *(["other"] if "f7" in colors.values() else [])]}
    if "unknown" in names:
        series["unknown"] = [0] * times.bins
    for row in pictures["domains"]:
        name = row["domain"] if row["domain"] in series else "other"
        series[name][min(row["bin"], times.bins - 1)] += row["n"]
    colors |= {"other": "f7"}
    ticks = [
        (row["first_seen"], f"{when(row['first_seen'])}  first seen: {row['template']}")
        for row in pictures["first_seen"]
    ]
    picture = draw.stacked(times, series, colors, {"ticks": ticks[-2000:], "lines": marks})
    entries = [(f"b{colors[name][1:]}", name) for name in series] + [("bnew", "a template seen for the first time")]
    return picture + legend(entries)


def _errors(pictures: Told) -> str:
    cells: dict[str, dict[int, int]] = {}
    for row in sorted(pictures["errors"], key=lambda row: str(row["host"])):
        cells.setdefault(str(row["host"]), {})[row["bin"]] = row["n"]
    if not cells:
        return soft("No event of level err or worse.")
    loud = sorted(cells, key=lambda name: -sum(cells[name].values()))
    remark = soft("Events of level err, crit, alert and emerg; stronger is more, by the logarithm.")
    return remark + draw.heat(draw.Times(pictures, left=150), {name: cells[name] for name in loud})


def _top(pictures: Told, events: int) -> str:
    bins: dict[str, list[int]] = {row["template_id"]: [0] * pictures["bins"] for row in pictures["top"]}
    for row in pictures["sparks"]:
        bins[row["template_id"]][min(row["bin"], pictures["bins"] - 1)] += row["n"]
    rows = [
        (
            draw.spark(bins[row["template_id"]]), number(row["n"]), f"{100 * row['n'] / max(1, events):.1f} %",
            _template(row), _label(row), _sure(row), _at(row["first_seen"]), _at(row["last_seen"]),
        )
        for row in pictures["top"]
    ]  # fmt: skip
    columns = ("over time", "events", "share", "template", "label", "sure", "first seen", "last seen")
    return table(columns, rows, right=(1, 2, 5)) if rows else soft("No templates.")


def _template(row: Told) -> str:
    text = str(row["template"] or row["template_id"])
    short = text if len(text) <= 240 else f"{text[:239]}…"
    return f'<code>{e(short)}</code><span class="soft">{e(row.get("app") or "")}</span>'


def _label(row: Told) -> str:
    label, by = str(row["label"] or "unknown"), str(row.get("stage") or "")
    css = "soft" if label == "unknown" else ""
    return f'<span class="n {css}">{e(label)}</span><br><span class="soft">{e(by)}</span>'


def _sure(row: Told) -> str:
    mark = ' <span class="good" title="under a certificate">✓</span>' if row.get("cert_id") else ""
    return f"{float(row['confidence'] or 0):.2f}{mark}"


def _new(pictures: Told, tenth: datetime) -> str:
    """List the templates seen first after the first tenth of the events: before that, all are new."""
    found = [row for row in pictures["first_seen"] if row["first_seen"] > tenth]
    if not found:
        return soft("No template was seen for the first time after the first tenth of the events.")
    loudest = sorted(found, key=lambda row: (-row["n"], row["first_seen"], row["template_id"]))
    rows = [
        (_at(row["first_seen"]), _template(row), _label(row), number(row["n"]), number(row["hosts"]))
        for row in loudest[:LINES]
    ]
    more = f" The loudest {LINES} are shown." if len(found) > LINES else ""
    remark = soft(f"{number(len(found))} templates were first seen after the first tenth of the events.{more}")
    return remark + table(("first seen", "template", "label", "events", "hosts"), rows, right=(3, 4))


def _at(at: datetime | None) -> str:
    """Write a time in two lines of a cell."""
    day, _, clock = when(at).partition(" ")
    return f'<span class="n">{day}<br><span class="soft">{clock}</span></span>'


ORDER = ("person", "rule", "registry", "tiny", "small", "cluster", "large", "remote", "continuation", "none")


def _funnel(told: Told) -> str:
    """Draw the cascade: share of events, kinds and seconds by stage."""
    events = {row["stage"]: row["events"] for row in told["funnel"]["events"]}
    kinds = {row["stage"]: row["kinds"] for row in told["funnel"]["kinds"]}
    ledger = {row["stage"]: row for row in told["funnel"]["ledger"]}
    stages = sorted({*events, *kinds, *ledger}, key=lambda s: (ORDER.index(s) if s in ORDER else len(ORDER), s))
    if not stages:
        return soft("Nothing was labelled yet.")
    all_events, cpu = max(1, sum(events.values())), sum(row["cpu_s"] for row in ledger.values()) or 1.0
    rows = []
    for stage in stages:
        row = ledger.get(stage, {})
        share, spent = events.get(stage, 0) / all_events, (row.get("cpu_s") or 0.0) / cpu
        calls = [some(row.get(name) or 0) for name in ("kinds", "exits", "escalations", "deferred")]
        seconds = f"{row['cpu_s']:,.2f}" if row.get("cpu_s") else ""
        rows.append((
            e(stage), some(events.get(stage, 0)), bar(share, "b0"), some(kinds.get(stage, 0)), *calls, seconds,
            bar(spent, "b1"),
        ))  # fmt: skip
    columns = ("stage", "events", "share", "kinds now", "calls", "answered", "passed on", "put off", "CPU-s", "share")
    remark = soft(
        "Events and kinds by who gave the label that holds today; calls and CPU-seconds as the ledger counts them. "
        "A call is one kind through one stage. continuation: a line that goes on with the one before; "
        "none: nobody was sure."
    )
    return remark + table(columns, rows, right=(1, 3, 4, 5, 6, 7, 8))


def _quality(told: Told) -> str:
    q = told["quality"]
    events = max(1, sum(row["n"] for row in q["clocks"]))
    meaning = {
        "exact": "the record told date and zone", "tz_assumed": "it told no zone", "year_inferred": "it told no year",
        "received": "it told no usable time: when it was received", "inherited": "a line that goes on",
    }  # fmt: skip
    clocks = [
        (e(row["quality"]), number(row["n"]), bar(row["n"] / events, "b0"), e(meaning.get(row["quality"], "")),
         f'<span class="bad">{number(row["ahead"])}</span>' if row["ahead"] else "0")
        for row in q["clocks"]
    ]  # fmt: skip
    out = "<h3>Clocks</h3>" + (
        table(("stamp", "events", "share", "meaning", "over a day ahead"), clocks, right=(1, 4))
        if clocks else soft("No events.")
    )  # fmt: skip
    rejects = [(e(row["reason"]), number(row["n"])) for row in q["rejects"]]
    out += "<h3>Lines that hold no event</h3>" + (
        table(("reason", "lines"), rejects, right=(1,)) if rejects else soft("None.")
    )
    issues = [(e(row["issue"]), number(row["n"])) for row in q["issues"]]
    return out + ("<h3>What was odd</h3>" + table(("issue", "events"), issues, right=(1,)) if issues else "")


def _pace(run: Told) -> str:
    """Draw lines a second and memory of the last backfill."""
    samples = run["pace"]
    speed, before = [], (0.0, 0)
    for seconds, lines, _ in samples:
        if seconds > before[0]:
            speed.append((seconds, (lines - before[1]) / (seconds - before[0])))
        before = (seconds, lines)
    memory = [(seconds, mib) for seconds, _, mib in samples]
    lines, seconds = run["events"] + run["rejects"], max(run["seconds"], 1e-3)
    rate = f"{number(round(lines / seconds))} lines/s"
    told = f"{number(lines)} lines in {seconds:,.1f} s: {rate}, {run['cpu_seconds']:,.1f} CPU-seconds."
    pictures = draw.lines(speed, "lines/s", "Lines a second over the run") + draw.lines(
        memory, "MiB", "Memory over the run"
    )
    return soft(told) + f'<div class="pair">{pictures}</div>'
