"""Count what stages do and take: kinds, exits, CPU-seconds, events, by hour, stage and domain; never line by line."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from schemas.ledger import CLUSTER, COUNTS, LEDGER, PIPELINE, Coefficients
from schemas.registry import RULE, Verdict
from schemas.taxonomy import domain_of

if TYPE_CHECKING:
    from classifiers.tally import Tally

Row = tuple[int, str, str, str, float]
"""(hour, in seconds since 1970; stage; domain; what of COUNTS; how many): plain values, which go through a pipe."""

_HOUR = 3600


class Ledger:
    """Adds up by hour, stage and domain. Safe among threads.

    Args:
        now: the clock, in seconds since 1970.
    """

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now, self._lock = now, threading.Lock()
        self._counts: defaultdict[tuple[int, str, str, str], float] = defaultdict(float)

    def add(self, stage: str, domain: str = "", **counts: float) -> None:
        """Add to the hour of now; `counts` are of COUNTS. What is 0 makes no row."""
        hour = int(self._now()) // _HOUR * _HOUR
        self.take((hour, stage, domain, name, n) for name, n in counts.items())

    def take(self, rows: Iterable[Row]) -> None:
        """Add what another process has drained.

        Raises:
            ValueError: a count that the ledger does not know.
        """
        with self._lock:
            for hour, stage, domain, name, n in rows:
                if name not in COUNTS:
                    raise ValueError(f"ledger: no such count {name!r}; known: {', '.join(COUNTS)}")
                if n:
                    self._counts[hour, stage, domain, name] += n

    def written(self, stages: Mapping[str, int], domains: Mapping[str, Mapping[str, int]] | None) -> None:
        """Add the events of a segment, as its footer counts them; without `domains` they count under none."""
        for stage, events in stages.items():
            parts = (domains or {}).get(stage, {})
            for domain, n in parts.items():
                self.add(stage, domain, events=n)
            self.add(stage, events=events - sum(parts.values()))

    def drain(self) -> list[Row]:
        """Give all that was added, and begin anew."""
        with self._lock:
            rows = [(*place, n) for place, n in self._counts.items()]
            self._counts.clear()
        return rows

    def table(self, run: str, coefficients: Coefficients) -> pa.Table:
        """Give all that was added, of the schema LEDGER, and begin anew."""
        found: dict[tuple[int, str, str], dict[str, float]] = {}
        for hour, stage, domain, name, n in self.drain():
            found.setdefault((hour, stage, domain), {})[name] = n
        same = {"run": run, "coefficients": coefficients.id}
        rows = [
            {"hour": datetime.fromtimestamp(hour, UTC), "stage": stage, "domain": domain, **same}
            | {name: counts.get(name, 0) for name in COUNTS}
            for (hour, stage, domain), counts in sorted(found.items())
        ]
        return pa.Table.from_pylist(rows, LEDGER)


class Meter(Ledger):
    """A ledger that also measures what stages take of this process; `settle` puts what is left to the rest's account.

    Args:
        cpu, thread_cpu: CPU-seconds of the process, of all its threads, and of the thread that asks.
    """

    def __init__(
        self,
        now: Callable[[], float] = time.time,
        cpu: Callable[[], float] = time.process_time,
        thread_cpu: Callable[[], float] = time.thread_time,
    ) -> None:
        super().__init__(now)
        self._cpu, self._thread_cpu = cpu, thread_cpu
        self._since, self._told = cpu(), 0.0

    def begin(self, *, from_start: bool = False) -> None:
        """Forget what was counted before, in this process or the one that it was forked from.

        Args:
            from_start: what the process has taken since its start is to be counted, not only what comes now.
        """
        self.drain()
        self._since, self._told = 0.0 if from_start else self._cpu(), 0.0

    @contextmanager
    def by(self, stage: str) -> Iterator[None]:
        """Count the CPU-seconds of the block, in this thread, for a stage. Blocks do not hold one another."""
        began = self._thread_cpu()
        try:
            yield
        finally:
            self.spent(stage, "", self._thread_cpu() - began)

    def spent(self, stage: str, domain: str, seconds: float) -> None:
        """Add CPU-seconds of this process that a stage has taken."""
        with self._lock:
            self._told += seconds
        self.add(stage, domain, cpu_s=seconds)

    def tallied(self, tally: "Tally | None") -> None:
        """Take over what a cascade has counted since the last time; None: it counts nothing."""
        for stage, domain, count in tally.take() if tally is not None else ():
            self.spent(stage, domain, count.cpu_s)
            told = {name: getattr(count, name) for name in COUNTS if name not in ("events", "cpu_s")}
            self.add(stage, domain, **told)

    def ruled(self, verdicts: Sequence[Verdict | None]) -> None:
        """Count kinds that were put to the operator's rules; what no rule fits goes on."""
        for verdict in verdicts:
            answered = verdict is not None
            domain = domain_of(verdict.label) if verdict is not None else ""
            self.add(RULE, domain, kinds=1, exits=int(answered), escalations=int(not answered))

    def clustered(self, verdicts: Sequence[Verdict]) -> None:
        """Count kinds that went through the clusters: some take a cluster's label, the others are asked about."""
        for verdict in verdicts:
            answered = verdict.stage == CLUSTER
            domain = domain_of(verdict.label)
            self.add(CLUSTER, domain, kinds=1, exits=int(answered), escalations=int(not answered))

    def settle(self, rest: str = PIPELINE) -> float:
        """Put what this process has taken since `begin`, or since the last time, and no stage did, to the rest.

        Returns:
            CPU-seconds of the process since then.
        """
        now = self._cpu()
        with self._lock:
            whole, told = now - self._since, self._told
            self._since, self._told = now, 0.0
        self.add(rest, cpu_s=max(0.0, whole - told))
        return whole


METER = Meter()
"""Of this process: the stages count here, and whoever runs them drains it."""
