"""A topic into a lake, for months: shares partitions among processes, keeps them running, counts what they tell."""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from connectors.kafka import Client, Cluster, KafkaError, Partition, Policy
from connectors.lake import Lake, LakeError
from pipeline.job import Job
from pipeline.stream_compact import Compactor
from pipeline.stream_share import share
from pipeline.stream_totals import Totals
from pipeline.stream_watch import Watch
from pipeline.stream_words import Failure, Share, Task
from pipeline.supervise import Crew, Word
from schemas.version import VERSION

PRELOADED = [
    "pipeline.quiet",
    "pipeline.stream_worker",
    "clustering.kernels.door",
    "connectors.formats.kernels.door",
    "pipeline.frozen",
]
"""The modules that worker processes start with; imported once, in this order, before they fork."""

DRAIN_S = 20.0
"""Workers that were asked to stop get so long to finish the batch at hand; then they are ended, which loses nothing."""

RECORD_EVERY_S = 60.0
"""The record of the run in the lake is written this often."""

BUGS = 3
"""A worker that fails so often in a row by a bug, without a commit between, ends the job."""

EAR_S = 0.2


class BrokenWorkerError(Exception):
    """A worker fails again and again; `trace` holds its traceback."""

    def __init__(self, message: str, trace: str | None) -> None:
        super().__init__(message)
        self.trace = trace


class Listener(Protocol):
    """Whoever is told how a stream is going."""

    def tick(self, totals: Totals, now: float) -> None:
        """Several times a second."""

    def log(self, event: str, **told: Any) -> None:
        """Something happened that people may want to know."""


@dataclass(frozen=True)
class Plan:
    """What is to be read, and how.

    Attributes:
        until_end: read up to the end offsets of now, then end.
        group: whose offsets tell others how far the lake is; "": none.
        compact_every_s: seconds between compactions; 0: none.
    """

    cluster: Cluster
    topics: tuple[str, ...]
    policy: Policy
    workers: int = 1
    flush_s: float = 5.0
    until_end: bool = False
    group: str = ""
    compact_every_s: float = 0.0


def begin(client: Client, plan: Plan) -> list[Partition]:
    """Connect, log in and list the partitions, before anything is written.

    Raises:
        KafkaError: it cannot be done.
    """
    client.check()
    return client.partitions(plan.topics)


class Stream:
    """The supervisor of a stream.

    Args:
        client: the only client of this process.
        partitions: as `begin` gave them.
    """

    def __init__(
        self,
        job: Job,
        plan: Plan,
        client: Client,
        partitions: list[Partition],
        listener: Listener,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        assert job.lake is not None
        self.job, self.plan, self._client, self._listener, self._now = job, plan, client, listener, now
        self._lake = Lake.open(job.lake)
        self.totals = Totals(job.run, now(), kinds=self._lake.kinds().num_rows)
        self._partitions = partitions
        self._seen = {p: b.end for p, b in client.bounds(partitions).items()}
        self._stops = self._seen if plan.until_end else None
        self._shared: dict[Partition, int] = {}
        self._bugs = 0
        self._kinds_at = self._recorded_at = now()
        self._unpublished = self._unseen = ""
        self.crew = Crew(_be, now)
        self.compactor = Compactor(job.lake, 0.0 if plan.until_end else plan.compact_every_s, now())

    def run(self, stop: threading.Event) -> Totals:
        """Go on until `stop` is set or a bounded run is read; what was written stays, however this ends.

        Raises:
            KafkaError, LakeError: it cannot go on.
            BrokenWorkerError: a bug.
        """
        watch = Watch(self._client, self.plan.topics, self.plan.group)
        try:
            self._assign()
            self._go_on(watch, stop)
        finally:
            self.crew.kill()
            self.compactor.kill()
            watch.reached(self._reached())
            watch.close()
            self._count_kinds()
            self._record()
        return self.totals

    def processes(self) -> dict[str, int]:
        """Give what each process of the job is, and its id; safe to ask from another thread."""
        found = {"supervisor": os.getpid()} | {f"worker-{n}": pid for n, pid in self.crew.pids().items()}
        pid = self.compactor.pid()
        return found if pid is None else found | {"compactor": pid}

    def _go_on(self, watch: Watch, stop: threading.Event) -> None:
        """Hear and act until nobody is left."""
        asked: float | None = None
        while len(self.crew):
            for word in self.crew.hear(EAR_S):
                self._hear(word, stopping=asked is not None)
            now = self._now()
            if stop.is_set() and asked is None:
                asked = now
                self._listener.log("draining", within_s=DRAIN_S)
                for number in self.crew.numbers():
                    self.crew.say(number, "stop")
            if asked is not None and now - asked > DRAIN_S:
                return
            self._look_after(watch, now)
            self._listener.tick(self.totals, now)

    def _look_after(self, watch: Watch, now: float) -> None:
        """Do what is due beside the hearing."""
        watch.reached(self._reached())
        while not watch.heard.empty():
            self._watched(*watch.heard.get())
        if (failure := self.compactor.look(now)) is not None:
            self._listener.log("compaction failed", error=failure)
        if self.totals.novel and now - self._kinds_at >= 1:
            self._count_kinds()
        if now - self._recorded_at >= RECORD_EVERY_S:
            self._record()

    def _assign(self) -> None:
        """Share the partitions, start the workers that are missing, tell each what is new for it."""
        workers = max(1, min(self.plan.workers, len(self._partitions)))
        shared = share(self._partitions, workers, self._shared)
        for number in range(workers):
            own = [p for p, n in shared.items() if n == number]
            if number not in self.crew.numbers():
                self.crew.start(number, self._task())
            elif own == [p for p, n in self._shared.items() if n == number]:
                continue
            stops = None if self._stops is None else {p: self._stops[p] for p in own}
            seen = {p: self._seen[p] for p in own if p in self._seen}
            self.crew.say(number, "share", Share(tuple(own), stops, seen))
        self._shared = shared
        self.totals.only(shared)

    def _task(self) -> Task:
        plan = self.plan
        return Task(self.job, plan.cluster, plan.policy, plan.flush_s, plan.cluster.password)

    def _hear(self, word: Word, *, stopping: bool) -> None:
        """Act on what a worker says."""
        number, what, value = word
        if what == "committed":
            self._bugs = 0
            self.totals.committed(value, self._now())
        elif what == "state":
            self._told_to_wait(number, value.waiting)
            self.totals.heard(number, value, self._now())
        elif what == "cpu":
            self.totals.cpu_seconds += value
        elif what == "done":
            self._gone(number)
            self.crew.leave(number)
        elif what == "failed":
            self._failed(number, value)
        elif what == "died":
            self._died(number, f"exit code {value}", stopping=stopping)

    def _told_to_wait(self, number: int, waiting: str) -> None:
        """Log when a worker begins to wait, and when it goes on."""
        before = self.totals.waiting.get(number, "")
        if waiting and not before:
            self._listener.log("waiting", worker=number, error=waiting)
        elif before and not waiting:
            self._listener.log("going on", worker=number)

    def _gone(self, number: int) -> None:
        """Count what a process wrote and did not tell, if it did."""
        self.totals.gone(number)
        self.totals.recount(self._lake, [p for p, n in self._shared.items() if n == number])

    def _died(self, number: int, why: str, *, stopping: bool) -> None:
        """Start a worker that died again; the chains tell the next where to go on."""
        self._gone(number)
        if stopping:
            self.crew.leave(number)
            return
        self.totals.restarts += 1
        pause = self.crew.again(number)
        self._listener.log("worker died", worker=number, why=why, again_in_s=pause)

    def _failed(self, number: int, failure: Failure) -> None:
        """End the job by what no second attempt would mend; of a topic made anew, go on with the new one."""
        if failure.kafka and self._is_new(self._client.partitions(self.plan.topics)):
            self._died(number, failure.message, stopping=False)
            return
        if failure.trace is None:
            raise KafkaError(failure.message, permanent=True) if failure.kafka else LakeError(failure.message)
        self._bugs += 1
        if self._bugs >= BUGS:
            raise BrokenWorkerError(failure.message, failure.trace)
        self._listener.log("worker failed", worker=number, error=failure.message, trace=failure.trace)
        self._died(number, failure.message, stopping=False)

    def _watched(self, what: str, value: Any) -> None:
        """Act on what the watching thread found out; each failure is logged once, until it is another or over."""
        if what == "partitions":
            self._unseen = ""
            self._is_new(value)
        elif what == "unseen" and str(value) != self._unseen:
            self._unseen = str(value)
            self._listener.log("partitions not listed", error=self._unseen)
        elif what == "unpublished" and str(value) != self._unpublished:
            self._unpublished = str(value)
            self._listener.log("group offsets not published", error=self._unpublished)

    def _is_new(self, partitions: list[Partition]) -> bool:
        """Take over partitions that have appeared or gone; tell whether some have."""
        if self._stops is not None or set(partitions) == set(self._partitions):
            return False
        appeared = len(set(partitions) - set(self._partitions))
        self._partitions = partitions
        self._listener.log("partitions", total=len(partitions), new=appeared)
        self._assign()
        return True

    def _reached(self) -> Mapping[Partition, int]:
        return {p: self.totals.ends[p.source] for p in self._shared if p.source in self.totals.ends}

    def _count_kinds(self) -> None:
        """Count the lake's kinds, which workers meet at once."""
        self._kinds_at = self._now()
        with contextlib.suppress(LakeError):
            self.totals.kinds = self._lake.kinds().num_rows

    def _record(self) -> None:
        """Leave a record of the run, which informs people and `lake verify`."""
        self._recorded_at = self._now()
        told = {
            "run_id": self.job.run, "command": "stream", "version": VERSION, "topics": list(self.plan.topics),
            "events": self.totals.events, "rejects": self.totals.rejected, "segments": self.totals.segments,
            "ends": {p.source: end for p, end in self._reached().items() if end},
            "written_at": datetime.now(UTC).isoformat(),
        }  # fmt: skip
        if self.totals.segments:
            with contextlib.suppress(LakeError):
                self._lake.record_run(told)


def _be(*args: Any) -> None:
    """Import Beam only in the worker."""
    from pipeline import stream_worker

    stream_worker.be(*args)
