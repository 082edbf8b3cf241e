"""A stream on an engine that runs without end: the same graph, handed to Prism or Flink, and watched from here."""

import os
import re
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.runner import PipelineState

from connectors.kafka import Client, KafkaError, Partition
from connectors.kafka.source import ReadPartitions, Reads, ReadTopics
from connectors.lake import LakeError
from pipeline import taken
from pipeline.beam_options import checked
from pipeline.job import Job
from pipeline.stream_care import Care
from pipeline.stream_guard import EngineError
from pipeline.stream_plan import Listener, Plan
from pipeline.stream_totals import Totals
from pipeline.stream_words import State
from pipeline.transforms import Commit, Label, Parse

LOOK_S = 1.0
"""How far the engine is, is read from the lake this often."""

SILENT_S = 30.0
"""An engine that has taken nothing for so long though records wait is asked again: Flink's first job may hang."""

SUBMISSIONS = 3
DRAIN_S = 5.0
"""Sources that were asked to end get so long; then the job is cancelled, which loses nothing."""

CANCEL_S = 5.0

_STOP = threading.Event()
"""Asks the sources in this process to end; those in other processes are ended with the job."""

_ENDED = (PipelineState.DONE, PipelineState.FAILED, PipelineState.CANCELLED, PipelineState.DRAINED)
_OURS = re.compile(r"(KafkaError|LakeError|GapError|TornError): (.+?)(?: \[while running|\\n|\n|$)")


def stopping() -> bool:
    """Tell the sources whether to end."""
    return _STOP.is_set()


class EngineStream:
    """Hands the graph in, watches the lake fill, hands it in again if the engine takes nothing.

    Args:
        options: Beam's, with the runner among them.
    """

    def __init__(
        self,
        job: Job,
        plan: Plan,
        client: Client,
        partitions: list[Partition],
        listener: Listener,
        options: Sequence[str],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.job, self.plan, self._client, self._listener, self._now = job, plan, client, listener, now
        checked(options)
        self._options = list(options)
        self._stops = {p: b.end for p, b in client.bounds(partitions).items()} if plan.until_end else None
        self._care = Care(job, plan, client, partitions, listener, now)
        self.totals = self._care.totals
        self._result: Any = None
        self._submitted_at = 0.0

    def run(self, stop: threading.Event) -> Totals:
        """Go on until `stop` is set, or a bounded run is read; what was written stays, however this ends.

        Raises:
            KafkaError, LakeError: it cannot go on.
            EngineError: the engine has failed.
        """
        _STOP.clear()
        try:
            self._submit()
            self._go_on(stop)
        finally:
            self._end()
            self._look()
            self.totals.cpu_seconds = time.process_time()
            self._care.close()
        return self.totals

    def processes(self) -> dict[str, int]:
        """Give what each process of the job is, and its id; the engine's own are not among them."""
        pid = self._care.compactor.pid()
        return {"supervisor": os.getpid()} | ({} if pid is None else {"compactor": pid})

    def _submit(self) -> None:
        """Hand the graph in.

        Raises:
            EngineError: nobody takes it.
        """
        p = beam.Pipeline(options=PipelineOptions(self._options))
        build(p, self.job, self.plan, self._care.partitions, self._stops)
        try:
            self._result = p.run()
        except Exception as error:
            raise EngineError(f"the engine does not take the job: {_line(error)}; is it running?") from error
        self._submitted_at = self._now()

    def _go_on(self, stop: threading.Event) -> None:
        """Watch until the job has ended, or somebody asks to stop."""
        submissions = 1
        while not stop.wait(LOOK_S):
            self._look()
            self._care.look()
            self._listener.tick(self.totals, self._now())
            if self._state() in _ENDED:
                return self._ended()
            if self._all_read():
                return None
            if self._silent():
                if submissions == SUBMISSIONS:
                    raise EngineError(f"the engine took no record in {submissions} attempts; look at its log")
                submissions += 1
                self._listener.log("submitting again", why=f"the engine took no record in {SILENT_S:.0f} s")
                self._cancel()
                self._submit()
        return None

    def _look(self) -> None:
        """Read from the lake what was written, and from the brokers what is still to come."""
        partitions = self._care.partitions
        before = self.totals.segments
        self.totals.recount(self._care.lake, partitions)
        if self.totals.segments > before:
            self.totals.committed_at = self._now()
        ends = {p: end for p in partitions if (end := self._care.lake.chain(p.source).end()) is not None}
        waiting = ""
        try:
            bounds = self._client.bounds(partitions)
        except KafkaError as error:
            if error.permanent:
                raise
            bounds, waiting = {}, str(error)
        self.totals.heard(0, State(bounds, ends, waiting, dict(taken.SECONDS)), self._now())

    def _silent(self) -> bool:
        """Tell whether nothing was ever taken though records wait, for too long."""
        waits = any(self.totals.lag().values())
        took = bool(self.totals.segments) or bool(taken.SECONDS)
        return waits and not took and self._now() - self._submitted_at > SILENT_S

    def _all_read(self) -> bool:
        """Tell whether a bounded run is read and written; Flink goes on running such a job all the same."""
        ends = {p: self._care.lake.chain(p.source).end() or 0 for p in self._stops or {}}
        return self._stops is not None and all(ends[p] >= stop for p, stop in self._stops.items())

    def _state(self) -> str:
        try:
            return str(self._result.state)
        except Exception as error:
            raise EngineError(f"the engine is gone: {_line(error)}; start it, and the stream again") from error

    def _ended(self) -> None:
        """Find out why the job has ended by itself.

        Raises:
            KafkaError, LakeError: ours, out of what the engine tells.
            EngineError: anything else, unless it was to end.
        """
        try:
            self._result.wait_until_finish()
        except Exception as error:
            raise cause_of(str(error)) from error
        if self._stops is None:
            raise EngineError("the engine has ended the job, which has no end; look at its log")

    def _end(self) -> None:
        """Ask the sources to end, wait, cancel what is left."""
        _STOP.set()
        if self._result is None:
            return
        until = time.monotonic() + DRAIN_S
        try:
            while self._result.state not in _ENDED and time.monotonic() < until:
                time.sleep(0.2)
            if self._result.state not in _ENDED:
                self._cancel()
        except Exception as error:  # an engine that is gone has nothing left to end
            self._listener.log("engine gone", error=_line(error))

    def _cancel(self) -> None:
        """Cancel the job; that it says so is no failure."""
        thread = threading.Thread(target=_quietly, args=(self._result.cancel,), daemon=True)
        thread.start()
        thread.join(CANCEL_S)


def build(
    p: beam.Pipeline, job: Job, plan: Plan, partitions: Sequence[Partition], stops: dict[Partition, int] | None
) -> None:
    """Put the graph together: topics as their partitions appear, or partitions up to their stops."""
    reads = Reads(
        plan.cluster, plan.policy, job.lake, batch_rows=job.batch_rows, batch_bytes=job.batch_bytes,
        flush_s=plan.flush_s, stopped=stopping,
    )  # fmt: skip
    if stops is None:
        found = p | "Topics" >> ReadTopics(reads, plan.topics)
    else:
        found = p | "Partitions" >> beam.Create(list(partitions), reshuffle=False)
    records = found | "Read" >> ReadPartitions(reads, stops=stops)
    _ = records | "Parse" >> Parse(job) | "Label" >> Label(job) | "Commit" >> Commit(job)


def cause_of(told: str) -> Exception:
    """Make an error of ours of what an engine tells of it; EngineError if it is none."""
    if match := _OURS.search(told):
        name, message = match.groups()
        return KafkaError(message, permanent=True) if name == "KafkaError" else LakeError(message)
    return EngineError(f"the engine has failed: {_line(told)}; look at its log")


def _line(error: object) -> str:
    """Give the first line that says something."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    details = [line for line in lines if line.startswith(("details =", "debug_error_string"))]
    return (details or lines or [type(error).__name__])[0][:300]


def _quietly(do: Callable[[], object]) -> None:
    try:
        do()
    except Exception:
        return
