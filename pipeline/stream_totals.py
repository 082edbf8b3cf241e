"""What a stream has done so far, as its workers tell and the footers of its segments hold it; reads no clock."""

import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from classifiers.ledger import Ledger
from connectors.kafka import Bounds, Partition
from pipeline.committed import Committed
from pipeline.stream_words import State

if TYPE_CHECKING:
    from connectors.lake import Lake
    from pipeline.certify_gauges import Gauge


@dataclass
class Totals:
    """Counts of a run. One thread counts; another that reads more than one number holds `lock` meanwhile.

    Attributes:
        run: names this run in the footers of its segments.
        lines: (source, event | reject | skip) -> positions; an event more of one record counts as one more event.
        stages, rejects, skips: events by stage, rejects by reason, skipped positions by reason.
        ends, bounds: where the chains end, and what the broker has of the partitions.
        told: source -> up to where the segments of this run were counted.
        names: source -> topic/number.
        kinds, kinds_before: that the lake knows, and knew when this run began.
        waiting: worker -> why it cannot go on for the time being.
        seconds: stage -> seconds, over all workers that ever were.
        restarts: workers that died and were started again.
        ledger: what the workers' stages did and took, and the events of the segments, since it was last written.
        certificates: how they stand.
        committed_at, behind_since: times, by the caller's clock, of the last commit, and since when something waits.
    """

    run: str
    began: float
    lines: Counter[tuple[str, str]] = field(default_factory=Counter)
    stages: Counter[str] = field(default_factory=Counter)
    rejects: Counter[str] = field(default_factory=Counter)
    skips: Counter[str] = field(default_factory=Counter)
    segments: int = 0
    novel: int = 0
    kinds: int = 0
    kinds_before: int = 0
    restarts: int = 0
    cpu_seconds: float = 0.0
    ends: dict[str, int] = field(default_factory=dict)
    bounds: dict[Partition, Bounds] = field(default_factory=dict)
    waiting: dict[int, str] = field(default_factory=dict)
    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    told: dict[str, int] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    certificates: "tuple[Gauge, ...]" = ()
    committed_at: float | None = None
    behind_since: float | None = None
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    ledger: Ledger = field(default_factory=Ledger, repr=False)
    _of_process: dict[int, Mapping[str, float]] = field(default_factory=dict)
    _read: frozenset[Partition] | None = None

    @property
    def events(self) -> int:
        """Events written."""
        return sum(n for (_, fate), n in self.lines.items() if fate == "event")

    @property
    def unknown(self) -> int:
        """Events that nobody was sure of."""
        from classifiers.cascade import NOBODY

        return self.stages[NOBODY]

    @property
    def rejected(self) -> int:
        """Positions that held no event."""
        return self.rejects.total()

    def committed(self, one: Committed, now: float) -> None:
        """Count a commit."""
        with self.lock:
            for footer in one.written:
                self.count(one.source, one.name, footer)
            self.novel += one.novel
            self._reach(one.source, one.end)
            self.committed_at = now
            self._look(now)

    def count(self, source: str, name: str, footer: Mapping[str, Any]) -> None:
        """Count a segment that this run has written."""
        self.names[source] = name
        self.segments += 1
        self.lines[source, "event"] += footer["events"]
        self.lines[source, "reject"] += footer["rejects"]
        self.lines[source, "skip"] += sum((footer["skips"] or {}).values())
        self.stages.update(footer["stages"] or {})
        self.ledger.written(footer["stages"] or {}, footer.get("domains"))
        self.rejects.update(footer["reject_reasons"] or {})
        self.skips.update(footer["skips"] or {})
        self.told[source] = max(footer["end"], self.told.get(source, 0))
        self._reach(source, footer["end"])

    def recount(self, lake: "Lake", partitions: Iterable[Partition]) -> None:
        """Count what a worker wrote and did not live to tell: the segments of this run behind the end that is known."""
        for partition in partitions:
            known = self.told.get(partition.source, 0)
            for segment in lake.chain(partition.source).segments():
                if segment.start >= known and segment.footer.get("run") == self.run:
                    with self.lock:
                        self.count(partition.source, str(partition), segment.footer)

    def heard(self, worker: int, state: State, now: float) -> None:
        """Take over how a worker is doing."""
        self.ledger.take(state.spent)
        with self.lock:
            self.bounds.update({p: b for p, b in state.bounds.items() if self._read is None or p in self._read})
            self.waiting[worker] = state.waiting
            for partition, end in state.ends.items():
                self.told.setdefault(partition.source, end)
                self._reach(partition.source, end)
            before = self._of_process.get(worker, {})
            for stage, seconds in state.seconds.items():
                self.seconds[stage] += seconds - before.get(stage, 0.0)
            self._of_process[worker] = state.seconds
            self._look(now)

    def gone(self, worker: int) -> None:
        """Forget how a worker was doing."""
        with self.lock:
            self.waiting.pop(worker, None)
            self._of_process.pop(worker, None)

    def only(self, partitions: Iterable[Partition]) -> None:
        """Drop the bounds of partitions that are no longer read; a worker that has yet to hear so may tell of them."""
        with self.lock:
            self._read = wanted = frozenset(partitions)
            self.bounds = {p: b for p, b in self.bounds.items() if p in wanted}

    def lag(self) -> dict[Partition, int]:
        """Records that the broker has and the lake lacks, by partition."""
        return {p: max(0, b.end - max(self.ends.get(p.source, 0), b.first)) for p, b in self.bounds.items()}

    def commit_age(self, now: float) -> float:
        """Give the seconds since the last commit, or since something began to wait; 0 while nothing waits."""
        if self.behind_since is None:
            return 0.0
        return now - max(self.behind_since, self.committed_at or self.behind_since)

    def _reach(self, source: str, end: int) -> None:
        self.ends[source] = max(end, self.ends.get(source, 0))

    def _look(self, now: float) -> None:
        """Note since when something waits."""
        if not any(self.lag().values()):
            self.behind_since = None
        elif self.behind_since is None:
            self.behind_since = now
