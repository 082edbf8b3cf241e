"""Learns beside a running stream: in a process of its own, of low priority, that nobody waits for."""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from classifiers.ledger import Ledger
from pipeline.job import Job
from pipeline.stream_cpu import cpu_of
from schemas.ledger import LEARN, Coefficients

if TYPE_CHECKING:
    from pipeline.learn import Learned, Learner

PACKAGED = Coefficients()

NICENESS = 15
"""Lower priority than whoever reads and writes, and than compaction: labels may come later."""

HANGS_S = 900.0
"""A pass that takes longer is ended and begun anew; what it has not published was never seen by anybody."""


class Learning:
    """Asks a process for a pass every so many seconds, unless one still runs; starts it again when it has died.

    Args:
        every_s: 0: never.
        hangs_s: a pass that takes longer is given up.
        ledger: takes what the process did and did not write into the lake's ledger itself.
    """

    def __init__(
        self,
        job: Job,
        every_s: float,
        now: float,
        *,
        hangs_s: float = HANGS_S,
        target: Callable[..., None] | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        self._ledger, self._accounted = ledger or Ledger(), 0.0
        self._job, self._every_s, self._next, self._hangs_s = job, every_s, now + every_s, hangs_s
        self._target = target or learn
        self._process: Any = None
        self._pipe: Any = None
        self._asked: float | None = None
        self.calls: Counter[str] = Counter()

    def look(self, now: float) -> str | None:
        """Do what is due, in no time; gives what went wrong, if something did."""
        if not self._every_s:
            return None
        failure = self._hear() if self._process is not None else None
        if self._asked is not None and now - self._asked > self._hangs_s:
            failure = f"learning took more than {self._hangs_s:g} s; it begins anew"
            self.kill()
        if self._asked is None and now >= self._next:
            self._next = now + self._every_s
            self._ask(now)
        return failure

    def pid(self) -> int | None:
        """Give the process id of the learner."""
        process = self._process
        return None if process is None else int(process.pid)

    def kill(self) -> None:
        """End the learner, whatever it does; what it has not published was never seen by anybody."""
        if self._process is not None:
            self._ledger.add(LEARN, cpu_s=max(0.0, cpu_of(self._process.pid) - self._accounted))
            self._process.kill()
            self._process.join()
            self._pipe.close()
        self._process = self._asked = None
        self._accounted = 0.0

    def _ask(self, now: float) -> None:
        """Ask for a pass; start who is asked, if need be."""
        if self._process is None:
            context = get_context("forkserver")
            self._pipe, theirs = context.Pipe()
            self._process = context.Process(target=self._target, args=(self._job, theirs), daemon=True)
            self._process.start()
            theirs.close()
        try:
            self._pipe.send("learn")
            self._asked = now
        except (BrokenPipeError, OSError):
            self.kill()

    def _hear(self) -> str | None:
        """Hear how the last pass went."""
        try:
            if not self._pipe.poll():
                return None
            told = self._pipe.recv()
        except (EOFError, OSError):
            self._process.join()
            code = self._process.exitcode
            self.kill()
            return f"the learner ended with exit code {code}"
        self._asked = None
        if isinstance(told, str):
            return told
        self.calls.update(told["calls"])
        self._ledger.take(told["spent"])
        self._accounted = told["cpu_s"]
        return None


def learn(job: Job, pipe: Connection) -> None:
    """Be the process: do a pass each time it is asked for; tell what it did, or what went wrong."""
    from connectors.lake import Lake
    from pipeline.learn_run import learner_of

    assert job.lake is not None
    be(learner_of(Lake.open(job.lake), job), pipe, job.run, job.coefficients)


def be(learner: "Learner", pipe: Connection, run: str = "", coefficients: Coefficients = PACKAGED) -> None:
    """Do passes until the other end is gone."""
    from classifiers.card import ModelError
    from classifiers.ledger import METER
    from classifiers.serving import rest
    from connectors.lake import LakeError
    from pipeline.stream_memory import settle

    os.nice(NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    totals: Counter[str] = Counter()
    METER.begin(from_start=True)
    try:
        while pipe.recv() == "learn":
            rested = rest()
            try:
                learned = learner.once()
                if rested or learned.published:
                    settle()
                METER.settle(LEARN)
                if learned.published:
                    _record(learner, learned, totals, run)
                    learner.lake.note_ledger(METER.table(_name(run), coefficients), coefficients)
                spent = METER.drain()  # a pass that published nothing leaves no file of its own
                pipe.send(asdict(learned) | {"spent": spent, "cpu_s": time.process_time()})
            except (LakeError, ModelError) as error:
                pipe.send(str(error))
    except (EOFError, BrokenPipeError, OSError):
        return


def _record(learner: "Learner", learned: "Learned", totals: Counter[str], run: str) -> None:
    """Leave a record of what this process has learnt so far, which informs people."""
    totals.update(learned.calls)
    totals.update({"published": learned.published, "vectors": learned.vectors})
    calls = {name: n for name, n in totals.items() if name not in ("published", "vectors")}
    told = {"command": "learn", "published": totals["published"], "vectors": totals["vectors"], "calls": calls}
    learner.lake.record_run({"run_id": _name(run), **told})


def _name(run: str) -> str:
    return f"learn-{run or os.getpid()}"
