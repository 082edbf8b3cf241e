"""Archives into a lake: plan what the lake lacks, have it read, gather what the workers tell."""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from classifiers.ledger import METER, Ledger
from connectors import archives
from connectors.lake import Lake, LakeError
from pipeline.committed import Committed
from pipeline.job import Job
from pipeline.pace import Pace
from pipeline.team import Team
from schemas.version import VERSION

HINTS_KEPT = 100_000
"""Finished files remembered in a run's record, so that the next run need not read them again to know them."""


@dataclass
class Summary:
    """What a backfill did.

    Attributes:
        events, rejects, kinds, unknown: rows written by this run; kinds first met by it; events labelled `unknown`.
        input_bytes: decompressed bytes that the segments written stand for.
        cpu_seconds: of this process and its workers, from their start.
        findings: (file, kind, detail) of what could not be read as it should.
        refused, skipped, waiting: files not read, with the reason; files that hold no complete line yet.
        stopped: somebody asked to stop before the end; run again to go on.
        pace: (seconds since it began, lines written, MiB of all processes), some times over the run.
    """

    lake: str
    run_id: str
    archives: int = 0
    done_before: int = 0
    events: int = 0
    rejects: int = 0
    kinds: int = 0
    unknown: int = 0
    segments: int = 0
    input_bytes: int = 0
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    stopped: bool = False
    findings: list[tuple[str, str, str]] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    ends: dict[str, int] = field(default_factory=dict)
    pace: list[tuple[float, int, float]] = field(default_factory=list)


@dataclass(frozen=True)
class Planned:
    """What is to be done: the archives found, and the reads they need."""

    found: archives.Found
    plan: archives.Plan

    @property
    def bytes_on_disk(self) -> int:
        """Size of the archives that are to be read, as they lie."""
        return sum({r.archive.name: r.archive.size for r in self.plan.reads}.values())


def plan(lake: Lake, specs: Sequence[str], since: datetime | None = None, until: datetime | None = None) -> Planned:
    """Find archives and decide what the lake lacks of them.

    Raises:
        ArchiveError: a spec names nothing.
    """
    return plan_found(lake, archives.find(specs, since=since, until=until))


def plan_found(lake: Lake, found: archives.Found) -> Planned:
    """Decide what the lake lacks of archives that were found."""
    return Planned(found, archives.plan(found.archives, lake.chain, lake.range_size, hints=_hints(lake)))


def backfill(
    job: Job,
    planned: Planned,
    team: Team,
    *,
    on_commit: Callable[[Committed], None] = lambda _: None,
    on_outcome: Callable[[archives.Outcome], None] = lambda _: None,
    stop: threading.Event | None = None,
) -> Summary:
    """Read what was planned into the lake, each position once, whatever is killed on the way.

    Args:
        team: worker processes that were started with the reads of the plan.
        on_commit: called in this process after each segment.
        on_outcome: called in this process after each read.
        stop: set it to stop after the segments at hand.

    Raises:
        LakeError: the lake cannot be written.
        WorkerError: a process died, or met a bug.
    """
    assert job.lake is not None
    began = time.monotonic()
    told = _Told(_summary(job.lake, planned), Pace(team.pids()), on_commit, on_outcome)
    summary, ledger = told.summary, told.ledger
    METER.begin(from_start=True)
    try:
        for what, value in team.listen(stop or threading.Event()):
            told.take(what, value)
    finally:
        summary.stopped = stop is not None and stop.is_set()
        summary.seconds = time.monotonic() - began
        summary.cpu_seconds += METER.settle()
        ledger.take(METER.drain())
        summary.pace = told.pace.samples
        with suppress(LakeError):
            _record(Lake.open(job.lake), summary, planned, told.outcomes)
            Lake.open(job.lake).note_ledger(ledger.table(summary.run_id, job.coefficients), job.coefficients)
    return summary


@dataclass
class _Told:
    """What the workers have told, put together."""

    summary: Summary
    pace: Pace
    on_commit: Callable[[Committed], None]
    on_outcome: Callable[[archives.Outcome], None]
    ledger: Ledger = field(default_factory=Ledger)
    outcomes: list[archives.Outcome] = field(default_factory=list)

    def take(self, what: str, value: Any) -> None:
        if what == "committed":
            self._committed(value)
        elif what == "cpu":
            self.summary.cpu_seconds += value
        elif what == "ledger":
            self.ledger.take(value)
        elif what == "outcome":
            self._outcome(value)

    def _committed(self, value: Committed) -> None:
        _add(self.summary, value)
        for footer in value.written:
            self.ledger.written(footer["stages"] or {}, footer["domains"])
        self.pace.look(self.summary.events + self.summary.rejects)
        self.on_commit(value)

    def _outcome(self, value: archives.Outcome) -> None:
        self.outcomes.append(value)
        self.on_outcome(value)
        self.summary.findings += [(f.name, f.kind, f.detail) for f in value.findings]
        self.summary.ends.update(value.ends)


def _summary(lake: Path, planned: Planned) -> Summary:
    run_id = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid4().hex[:8]}"
    summary = Summary(str(lake), run_id, archives=len(planned.found.archives), done_before=len(planned.plan.done))
    summary.refused = [(str(r.path), r.reason) for r in planned.found.refused]
    summary.skipped = [(str(r.path), r.reason) for r in getattr(planned.found, "skipped", [])]
    summary.waiting = [a.name for a in planned.plan.waiting]
    summary.findings = [(f.name, f.kind, f.detail) for f in planned.plan.findings]
    return summary


def _add(summary: Summary, committed: Committed) -> None:
    summary.events += committed.events
    summary.rejects += committed.rejects
    summary.kinds += committed.novel
    summary.unknown += committed.unknown
    summary.segments += 1
    summary.input_bytes += committed.end - committed.start
    summary.ends[committed.source] = max(committed.end, summary.ends.get(committed.source, 0))


def _record(lake: Lake, summary: Summary, planned: Planned, outcomes: list[archives.Outcome]) -> None:
    """Leave a record of the run: it informs people and `lake verify`, and spares the next run a pass."""
    hints = {**planned.plan.hints, **archives.hints_of(outcomes)}
    told = asdict(summary) | {
        "command": "backfill",
        "version": VERSION,
        "written_at": datetime.now(UTC).isoformat(),
        "hints": [[*stamp, ends] for stamp, ends in list(hints.items())[:HINTS_KEPT]],
    }
    if summary.segments or hints:
        lake.record_run(told)


def _hints(lake: Lake) -> dict[Any, dict[str, int]]:
    """Files that earlier runs have finished."""
    return {tuple(hint[:-1]): hint[-1] for run in lake.runs() for hint in run.get("hints", [])}
