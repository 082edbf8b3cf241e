"""Topics into a lake, for months: shares partitions among processes, keeps them running, counts what they tell."""

import os
import threading
import time
from collections.abc import Callable
from typing import Any

from connectors.kafka import Client, KafkaError, Partition
from connectors.lake import LakeError
from pipeline.job import Job
from pipeline.stream_care import Care
from pipeline.stream_plan import Listener, Plan
from pipeline.stream_share import share
from pipeline.stream_totals import Totals
from pipeline.stream_words import Failure, Share, Task
from pipeline.supervise import Crew, Word

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

BUGS = 3
"""A worker that fails so often in a row by a bug, without a commit between, ends the job."""

EAR_S = 0.2


class BrokenWorkerError(Exception):
    """A worker fails again and again; `trace` holds its traceback."""

    def __init__(self, message: str, trace: str | None) -> None:
        super().__init__(message)
        self.trace = trace


class Stream:
    """The supervisor of a stream.

    Args:
        client: the only client of this process.
        partitions: as `stream_plan.begin` gave them.
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
        self.job, self.plan, self._client, self._listener, self._now = job, plan, client, listener, now
        self._seen = {p: b.end for p, b in client.bounds(partitions).items()}
        self._care = Care(job, plan, client, partitions, listener, now)
        self.totals = self._care.totals
        self._shared: dict[Partition, int] = {}
        self._bugs = 0
        self.crew = Crew(_be, now)

    def run(self, stop: threading.Event) -> Totals:
        """Go on until `stop` is set or a bounded run is read; what was written stays, however this ends.

        Raises:
            KafkaError, LakeError: it cannot go on.
            BrokenWorkerError: a bug.
        """
        try:
            self._assign()
            self._go_on(stop)
        finally:
            self.crew.kill()
            self._care.close()
        return self.totals

    def processes(self) -> dict[str, int]:
        """Give what each process of the job is, and its id; safe to ask from another thread."""
        found = {"supervisor": os.getpid()} | {f"worker-{n}": pid for n, pid in self.crew.pids().items()}
        beside = {"compactor": self._care.compactor.pid(), "learner": self._care.learning.pid()}
        return found | {name: pid for name, pid in beside.items() if pid is not None}

    def _go_on(self, stop: threading.Event) -> None:
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
            if self._care.look():
                self._assign()
            self._listener.tick(self.totals, now)

    def _assign(self) -> None:
        """Share the partitions, start the workers that are missing, tell each what is new for it."""
        partitions = self._care.partitions
        workers = max(1, min(self.plan.workers, len(partitions)))
        shared = share(partitions, workers, self._shared)
        for number in range(workers):
            own = [p for p, n in shared.items() if n == number]
            if number not in self.crew.numbers():
                self.crew.start(number, self._task())
            elif own == [p for p, n in self._shared.items() if n == number]:
                continue
            seen = {p: self._seen[p] for p in own if p in self._seen}
            self.crew.say(number, "share", Share(tuple(own), seen if self.plan.until_end else None, seen))
        self._shared = shared

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
        self.totals.recount(self._care.lake, [p for p, n in self._shared.items() if n == number])

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
        if failure.kafka and self._care.listed(self._client.partitions(self.plan.topics)):
            self._assign()
            self._died(number, failure.message, stopping=False)
            return
        if failure.trace is None:
            raise KafkaError(failure.message, permanent=True) if failure.kafka else LakeError(failure.message)
        self._bugs += 1
        if self._bugs >= BUGS:
            raise BrokenWorkerError(failure.message, failure.trace)
        self._listener.log("worker failed", worker=number, error=failure.message, trace=failure.trace)
        self._died(number, failure.message, stopping=False)


def _be(*args: Any) -> None:
    """Import Beam only in the worker."""
    from pipeline import stream_worker

    stream_worker.be(*args)
