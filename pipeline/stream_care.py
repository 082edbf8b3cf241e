"""What is done beside the reading of a stream: kinds counted, offsets published, files compacted, the run recorded."""

import contextlib
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from classifiers.ledger import METER
from connectors.kafka import Client, Partition
from connectors.lake import Lake, LakeError
from pipeline.certify_gauges import gauges
from pipeline.job import Job
from pipeline.stream_compact import Compactor
from pipeline.stream_cpu import cpu_of, fork_server
from pipeline.stream_learn import Learning
from pipeline.stream_plan import Listener, Plan
from pipeline.stream_totals import Totals
from pipeline.stream_watch import Watch
from schemas.ledger import PIPELINE
from schemas.version import VERSION

LEDGER_EVERY_S = 600.0
"""The ledger gets a file of what was done since, this often: a kill loses so much of it, and nothing else."""

RECORD_EVERY_S = 60.0
"""The record of the run in the lake is written this often."""

KINDS_EVERY_S = 1.0


class Care:
    """Looks after a stream until closed.

    Args:
        client: the only client of this process.
        partitions: what is read at the start.
    """

    def __init__(
        self,
        job: Job,
        plan: Plan,
        client: Client,
        partitions: list[Partition],
        listener: Listener,
        now: Callable[[], float],
    ) -> None:
        assert job.lake is not None
        self.job, self.plan, self.client, self.listener, self.now = job, plan, client, listener, now
        self.lake = Lake.open(job.lake)
        kinds = self.lake.kinds().num_rows
        self.totals = Totals(job.run, now(), kinds=kinds, kinds_before=kinds)
        self.totals.certificates = gauges(self.lake)
        self.partitions = partitions
        self.compactor = Compactor(
            job.lake, 0.0 if plan.until_end else plan.compact_every_s, now(), grace_s=plan.grace_s,
            ledger=self.totals.ledger,
        )  # fmt: skip
        every_s = 0.0 if plan.until_end else plan.learn_every_s
        self.learning = Learning(job, every_s, now(), ledger=self.totals.ledger)
        self._watch = Watch(client, plan.topics, plan.group)
        self._kinds_at = self._recorded_at = self._ledger_at = now()
        METER.begin(from_start=True)
        self._counted = 0
        self._forking_s = 0.0
        self._told: dict[str, str] = {}

    def look(self) -> bool:
        """Do what is due; tell whether partitions have appeared or gone."""
        now, changed = self.now(), False
        self._watch.reached(self._reached())
        while not self._watch.heard.empty():
            what, value = self._watch.heard.get()
            changed = self.listed(value) or changed if what == "partitions" else changed
            self._once(what, "" if what == "partitions" else str(value))
        if (failure := self.compactor.look(now)) is not None:
            self.listener.log("compaction failed", error=failure)
        if (failure := self.learning.look(now)) is not None:
            self.listener.log("learning failed", error=failure)
        if self.totals.segments > self._counted and now - self._kinds_at >= KINDS_EVERY_S:
            self._count_kinds()
        if now - self._recorded_at >= RECORD_EVERY_S:
            self._record()
        if now - self._ledger_at >= LEDGER_EVERY_S:
            self._note_ledger()
        return changed

    def listed(self, partitions: Iterable[Partition]) -> bool:
        """Take over the partitions that the broker lists; tell whether they are others than before."""
        now = list(partitions)
        if self.plan.until_end or set(now) == set(self.partitions):
            return False
        appeared = len(set(now) - set(self.partitions))
        self.partitions = now
        self.totals.only(now)
        self.listener.log("partitions", total=len(now), new=appeared)
        return True

    def close(self) -> None:
        """Publish and record the end, end what runs."""
        self.compactor.kill()
        self.learning.kill()
        self._watch.reached(self._reached())
        self._watch.close()
        self._count_kinds()
        self._record()
        self._note_ledger()

    def _once(self, what: str, error: str) -> None:
        """Log a failure once, until it is another or over; what was heard last of the other kind stays."""
        kind = "unseen" if what == "partitions" else what
        if error and error != self._told.get(kind):
            said = {"unseen": "partitions not listed", "unpublished": "group offsets not published"}[kind]
            self.listener.log(said, error=error)
        self._told[kind] = error

    def _reached(self) -> dict[Partition, int]:
        return {p: self.totals.ends[p.source] for p in self.partitions if p.source in self.totals.ends}

    def _count_kinds(self) -> None:
        """Count the lake's kinds, which workers meet at once."""
        self._kinds_at, self._counted = self.now(), self.totals.segments
        with contextlib.suppress(LakeError):
            self.totals.kinds = self.lake.kinds().num_rows

    def _note_ledger(self) -> None:
        """Write what was done since the last time, by all processes of the job, into the ledger."""
        self._ledger_at = self.now()
        METER.settle()
        before, self._forking_s = self._forking_s, cpu_of(fork_server())
        METER.add(PIPELINE, cpu_s=max(0.0, self._forking_s - before))
        self.totals.ledger.take(METER.drain())
        with contextlib.suppress(LakeError):
            rows = self.totals.ledger.table(self.job.run, self.job.coefficients)
            self.lake.note_ledger(rows, self.job.coefficients)

    def _record(self) -> None:
        """Leave a record of the run, which informs people and `lake verify`."""
        self._recorded_at = self.now()
        self.totals.certificates = gauges(self.lake)
        totals = self.totals
        told: dict[str, Any] = {
            "run_id": self.job.run, "command": "stream", "version": VERSION, "topics": list(self.plan.topics),
            "events": totals.events, "rejects": totals.rejected, "segments": totals.segments,
            "calls": dict(self.learning.calls),
            "ends": {p.source: end for p, end in self._reached().items() if end},
            "written_at": datetime.now(UTC).isoformat(),
        }  # fmt: skip
        if totals.segments:
            with contextlib.suppress(LakeError):
                self.lake.record_run(told)
