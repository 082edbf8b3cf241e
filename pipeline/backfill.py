"""Archives into a lake: plan what the lake lacks, share it among processes, gather what they tell."""

import multiprocessing
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from multiprocessing import connection
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

from connectors import archives
from connectors.lake import Lake, LakeError
from pipeline.committed import Committed
from pipeline.job import Job
from schemas.version import VERSION

PRELOADED = [
    "pipeline.quiet",
    "pipeline.worker",
    "clustering.kernels.door",
    "connectors.formats.kernels.door",
    "pipeline.frozen",
]
"""The modules that worker processes start with; imported once, in this order, before they fork."""

HINTS_KEPT = 100_000
"""Finished files remembered in a run's record, so that the next run need not read them again to know them."""


@dataclass
class Summary:
    """What a backfill did.

    Attributes:
        events, rejects, kinds, unknown: rows written by this run; kinds first met by it; events labelled `unknown`.
        input_bytes: decompressed bytes that the segments written stand for.
        cpu_seconds: of this process and its workers; the import of Beam, once some 2 s, not counted.
        findings: (file, kind, detail) of what could not be read as it should.
        refused, skipped, waiting: files not read, with the reason; files that hold no complete line yet.
        stopped: somebody asked to stop before the end; run again to go on.
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


@dataclass(frozen=True)
class Planned:
    """What is to be done: the archives found, and the reads they need."""

    found: archives.Found
    plan: archives.Plan

    @property
    def bytes_on_disk(self) -> int:
        """Size of the archives that are to be read, as they lie."""
        return sum({r.archive.name: r.archive.size for r in self.plan.reads}.values())


class WorkerError(Exception):
    """A worker process failed; `trace` holds its traceback if it was a bug."""

    def __init__(self, message: str, trace: str | None = None) -> None:
        super().__init__(message)
        self.trace = trace


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
    *,
    workers: int = 1,
    options: Sequence[str] = (),
    on_commit: Callable[[Committed], None] = lambda _: None,
    on_outcome: Callable[[archives.Outcome], None] = lambda _: None,
    stop: threading.Event | None = None,
) -> Summary:
    """Read what was planned into the lake, each position once, whatever is killed on the way.

    Args:
        workers: processes; archives and ranges are shared among them by size.
        options: passed on to Beam.
        on_commit: called in this process after each segment.
        on_outcome: called in this process after each read.
        stop: set it to stop after the segments at hand.

    Raises:
        LakeError: the lake cannot be written.
        WorkerError: a process died, or met a bug.
    """
    assert job.lake is not None
    began, cpu = time.monotonic(), time.process_time()
    summary = _summary(job.lake, planned)
    outcomes: list[archives.Outcome] = []
    shares = share(planned.plan.reads, workers)
    try:
        for what, value in _run(job, shares, options, stop or threading.Event()):
            if what == "committed":
                _add(summary, value)
                on_commit(value)
            elif what == "cpu":
                summary.cpu_seconds += value
            elif what == "outcome":
                outcomes.append(value)
                on_outcome(value)
                summary.findings += [(f.name, f.kind, f.detail) for f in value.findings]
                summary.ends.update(value.ends)
    finally:
        summary.stopped = stop is not None and stop.is_set()
        summary.seconds = time.monotonic() - began
        summary.cpu_seconds += time.process_time() - cpu
        with suppress(LakeError):
            _record(Lake.open(job.lake), summary, planned, outcomes)
    return summary


def share(reads: Sequence[archives.Read], workers: int) -> list[list[archives.Read]]:
    """Share reads among workers, largest first to whoever has least; within a share the order stays."""
    loads = [0] * max(1, min(workers, len(reads)))
    shares: list[list[int]] = [[] for _ in loads]
    sizes = [max(1, r.archive.size // r.parts) for r in reads]
    for i in sorted(range(len(reads)), key=lambda i: -sizes[i]):
        least = loads.index(min(loads))
        loads[least] += sizes[i]
        shares[least].append(i)
    return [[reads[i] for i in sorted(own)] for own in shares if own]


def _run(
    job: Job, shares: list[list[archives.Read]], options: Sequence[str], stop: threading.Event
) -> Iterable[tuple[str, Any]]:
    """Run a process a share; yields what they tell."""
    if not shares:
        return
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    halt = context.Event()
    pipes: dict[Any, Any] = {}
    for reads in shares:
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_work, args=(job, reads, list(options), theirs, halt), daemon=True)
        process.start()
        theirs.close()
        pipes[ours] = process
    try:
        yield from _listen(pipes, halt, stop)
    finally:
        halt.set()
        for process in pipes.values():
            process.join(timeout=30)


def _work(*args: Any) -> None:
    """Import Beam only in the worker."""
    from pipeline import worker

    worker.run(*args)


def _listen(pipes: dict[Any, Any], halt: Any, stop: threading.Event) -> Iterable[tuple[str, Any]]:
    """Yield words from all workers until each is done; the first error stops the others and is raised."""
    failed: Exception | None = None
    left = dict(pipes)
    while left:
        if stop.is_set():
            halt.set()
        for pipe in connection.wait(list(left), timeout=0.2):
            try:
                what, value = cast(connection.Connection, pipe).recv()
            except (EOFError, OSError):
                process = left.pop(pipe)
                process.join(timeout=30)
                failed = failed or _died(process)
                halt.set()
                continue
            if what == "done":
                left.pop(pipe)
            elif what == "error":
                left.pop(pipe)
                halt.set()
                failed = failed or (LakeError(value[0]) if value[1] is None else WorkerError(*value))
            else:
                yield what, value
    if failed is not None:
        raise failed


def _died(process: Any) -> WorkerError:
    return WorkerError(f"a worker process ended with exit code {process.exitcode}; run the same command again to go on")


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
