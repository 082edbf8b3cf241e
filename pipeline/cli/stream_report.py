"""How a stream is going: one line on a terminal, JSON lines of a log without one, a summary at the end."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.cli.options import OPTIONS
from pipeline.cli.output import bars_shown, clean, console, emit_json, logger, out, plural, say

if TYPE_CHECKING:
    from pipeline.stream_totals import Totals

LOG_EVERY_S = 10.0
"""Without a terminal, what was committed is told this often."""

DRAW_EVERY_S = 0.5
RATE_OVER_S = 5.0
"""The rate shown is that of the last seconds."""


@dataclass(frozen=True)
class _Point:
    """How far the stream was at a time."""

    at: float
    records: int


class Report:
    """Tells people how a stream is going, while the block runs."""

    def __init__(self) -> None:
        self._live: Any = None
        self._points: list[_Point] = []
        self._drawn = self._logged = 0.0
        self._told = (0, 0)

    def __enter__(self) -> "Report":
        if bars_shown():
            import sys

            from rich.live import Live

            self._live = Live(console=console(sys.stderr), transient=True, auto_refresh=False)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def tick(self, totals: "Totals", now: float) -> None:
        """Draw the line, or log now and then."""
        if not self._points or now - self._points[-1].at >= DRAW_EVERY_S:
            self._points.append(_Point(now, _records(totals)))
            self._points = [p for p in self._points if now - p.at <= RATE_OVER_S] or self._points[-1:]
        if self._live is not None and now - self._drawn >= DRAW_EVERY_S:
            self._drawn = now
            from rich.text import Text

            self._live.update(Text(line(totals, self._rate(), now), no_wrap=True, overflow="ellipsis"), refresh=True)
        elif self._live is None and now - self._logged >= LOG_EVERY_S:
            self._logged = now
            self._log_commits(totals, now)

    def log(self, event: str, **told: Any) -> None:
        """Tell that something happened."""
        if OPTIONS.quiet:
            return
        told = {k: v for k, v in told.items() if k != "trace" or OPTIONS.verbose}
        if self._live is None:
            bad = "error" in told or "why" in told
            (logger().warning if bad else logger().info)(event, **told)
        else:
            words = "  ".join(f"{k}: {v}" for k, v in told.items())
            self._live.console.print(clean(f"{event}  {words}" if words else event))

    def _rate(self) -> float:
        first, last = self._points[0], self._points[-1]
        return (last.records - first.records) / max(last.at - first.at, 0.001)

    def _log_commits(self, totals: "Totals", now: float) -> None:
        """Tell what was committed since the last time, if something was, or something waits."""
        lag = sum(totals.lag().values())
        told = (totals.segments, lag)
        if OPTIONS.quiet or (told == self._told and not lag):
            return
        self._told = told
        logger().info(
            "committed", records=_records(totals), events=totals.events, rejects=totals.rejected,
            segments=totals.segments, kinds=totals.kinds, lag=lag, records_per_s=round(self._rate()),
            commit_age_s=round(totals.commit_age(now), 1),
        )  # fmt: skip


def _records(totals: "Totals") -> int:
    return totals.events + totals.rejected


def line(totals: "Totals", rate: float, now: float) -> str:
    """Write the one line that a terminal shows."""
    lag, age = sum(totals.lag().values()), totals.commit_age(now)
    parts = [f"{rate:,.0f} records/s", f"lag {lag:,}", plural(totals.kinds, "kind")]
    if age >= 1:
        parts.append(f"last commit {age:.0f} s ago")
    if totals.rejected:
        parts.append(plural(totals.rejected, "reject"))
    if waiting := sorted(filter(None, totals.waiting.values())):
        parts.append(f"waiting: {clean(waiting[0])}")
    elif not totals.bounds:
        parts = ["starting"]
    return "stream  " + "  ".join(parts)


def summary(totals: "Totals", seconds: float, by_signal: bool) -> dict[str, Any]:
    """Make the object that --json prints, and the log ends with."""
    return {
        "run_id": totals.run,
        "stopped": by_signal,
        "seconds": round(seconds, 3),
        "cpu_seconds": round(totals.cpu_seconds, 3),
        "events": totals.events,
        "rejects": dict(totals.rejects),
        "skipped": dict(totals.skips),
        "kinds": totals.kinds,
        "kinds_new": totals.kinds - totals.kinds_before,
        "unknown": totals.unknown,
        "stages": dict(totals.stages),
        "segments": totals.segments,
        "restarts": totals.restarts,
        "lag": sum(totals.lag().values()),
        "partitions": [
            {"topic": p.topic, "partition": p.number, "source": p.source, "end": totals.ends.get(p.source)}
            for p in sorted(totals.bounds)
        ],
    }


def tell(told: dict[str, Any], lake: object, *, json: bool) -> None:
    """Tell what a stream came to: to programs on stdout, to people in a sentence, to logs as their last line."""
    if json:
        emit_json(told)
    if bars_shown():
        rejects = sum(told["rejects"].values())
        said = f"{told['events']:,} events, {plural(rejects, 'reject')} into {clean(lake)} in {told['seconds']:,.1f} s"
        (say if json else out)(said)
    elif not OPTIONS.quiet:
        logger().info("stopped", **{k: v for k, v in told.items() if k != "partitions"})
