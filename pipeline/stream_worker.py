"""One process of a stream: looks what is new, and runs the graph over it, again and again."""

import signal
import time
import traceback
from collections.abc import Sequence
from dataclasses import replace
from multiprocessing.connection import Connection

import pyarrow as pa

from classifiers.ledger import METER
from connectors.kafka import Bounds, Client, KafkaError, Partition, Span, spans
from connectors.lake import GapError, LakeError
from pipeline import taken
from pipeline.committed import Committed
from pipeline.kept import kept
from pipeline.stream_flush import Flush
from pipeline.stream_memory import Held, one_heap
from pipeline.stream_run import Graph, cause_of
from pipeline.stream_words import Failure, Share, State, Task

TICKS = 10
"""Looks at the broker in the time of a flush; more would add little freshness and many requests."""

TICK_S = 0.5
"""Longest time between two looks."""

TURN_SEGMENTS = 4
"""Segments of a partition in one run: a long backlog of one is no reason for the others to wait."""

PATIENCE_S = 5.0
"""Longest time between two attempts while the broker is away."""

STATE_S = 0.5
"""Word of how the worker is doing goes to the supervisor this often."""


class Worker:
    """Reads its share of the partitions into the lake.

    Args:
        pipe: to the supervisor; when it is closed, the worker ends as if it was asked to.
    """

    def __init__(self, task: Task, pipe: Connection) -> None:
        self.job, self._policy, self._pipe = task.job, task.policy, pipe
        cluster = task.cluster if task.secret is None else replace(task.cluster, password=task.secret)
        self.client = Client(cluster)
        self.lake = kept(task.job).lake
        self._graph = Graph(task.job)
        self._flush: Flush[Partition] = Flush(task.flush_s, task.job.batch_rows, task.job.batch_bytes)
        self._held = Held()
        self._share = Share(())
        self._bounds: dict[Partition, Bounds] = {}
        self._ends: dict[Partition, int] = {}
        self._waiting, self._told_at = "", 0.0
        self._stopped = self._over = False

    def work(self) -> None:
        """Go on until asked to stop, or until a bounded share is read.

        Raises:
            KafkaError, LakeError: it cannot go on, now or ever.
        """
        patience = 0.0
        while not self.stopped() and not self._over:
            try:
                self._turn()
                patience = 0.0
            except GapError:  # another job has moved the chain, or lost its end: look again
                self._ends.clear()
            except KafkaError as error:
                if error.permanent:
                    raise
                self._waiting, patience = str(error), min(PATIENCE_S, max(0.2, 2 * patience))
            self._tell_state(at_once=patience > 0)
            self._rest(patience or self._tick())

    def stopped(self) -> bool:
        """Tell whether this worker was asked to stop, or its supervisor is gone; hear what else it says."""
        try:
            while not self._stopped and self._pipe.poll():
                what, value = self._pipe.recv()
                if what == "share":
                    self._take(value)
                self._stopped = self._stopped or what == "stop"
        except (EOFError, OSError):
            self._stopped = True
        return self._stopped

    def tell(self, what: str, value: object) -> None:
        """Send word to the supervisor; if it is gone, stop."""
        try:
            self._pipe.send((what, value))
        except (BrokenPipeError, OSError):
            self._stopped = True

    def committed(self, one: Committed) -> None:
        """Take note of a segment."""
        by_source = {p.source: p for p in self._share.partitions}
        if (partition := by_source.get(one.source)) is not None:
            self._ends[partition] = max(one.end, self._ends.get(partition, 0))
        self.tell("committed", one)
        self._tell_state()

    def measure(self, partition: Partition, records: pa.RecordBatch) -> None:
        """Learn how large records are."""
        size = records.nbytes
        self._held.read(size)
        self._flush.measure(partition, records.num_rows, size)

    def _take(self, share: Share) -> None:
        """Take over a share; what is no longer in it is forgotten."""
        self._share, self._over = share, False
        for partition in [p for p in self._bounds if p not in share.partitions]:
            self._flush.forget(partition)
            self._bounds.pop(partition)
            self._ends.pop(partition, None)

    def _turn(self) -> None:
        """Look what is new; if something is due, write it."""
        if not self._share.partitions:
            return
        self._bounds = self._look()
        now = time.monotonic()
        for partition, bounds in self._bounds.items():
            end = self._end_of(partition)
            rows = bounds.end - max(end or 0, bounds.first)
            self._flush.see(partition, max(0, rows), now, at_once=end is None and bounds.end > 0)
        bounded = self._share.stops is not None
        if due := list(self._bounds) if bounded else self._flush.due(now):
            self._write(due)

    def _look(self) -> dict[Partition, Bounds]:
        """Ask for the bounds; in a bounded run no farther than its stops. A topic that is away keeps no other waiting.

        Raises:
            KafkaError: nothing can be read.
        """
        asked, failure = self._share.partitions, None
        try:
            found = self.client.bounds(asked)
        except KafkaError as error:
            if error.permanent or len({p.topic for p in asked}) == 1:
                raise
            found, failure = self._look_apart(), error
        self._waiting = str(failure or "")
        stops, seen = self._share.stops or {}, self._share.seen
        return {p: replace(b, end=min(b.end, stops.get(p, b.end)), seen=seen.get(p, b.seen)) for p, b in found.items()}

    def _look_apart(self) -> dict[Partition, Bounds]:
        """Ask for the bounds topic by topic, and leave out those that cannot be read now."""
        found: dict[Partition, Bounds] = {}
        for topic in sorted({p.topic for p in self._share.partitions}):
            if self.stopped():
                break
            try:
                found |= self.client.bounds([p for p in self._share.partitions if p.topic == topic])
            except KafkaError as error:
                if error.permanent:
                    raise
        return found

    def _end_of(self, partition: Partition) -> int | None:
        """Where a chain ends; None: not begun. The folder is listed only while it is not known."""
        if partition not in self._ends and (end := self.lake.chain(partition.source).end()) is not None:
            self._ends[partition] = end
        return self._ends.get(partition)

    def _write(self, due: Sequence[Partition]) -> None:
        """Run the graph over what is due, the shortest first: who is nearly there is not to wait for a backlog."""
        for partition in due:
            if (end := self.lake.chain(partition.source).end()) is not None:
                self._ends[partition] = end
        bounds = {p: self._bounds[p] for p in due}
        todo = spans(bounds, {p: self._ends.get(p) for p in due}, self._policy, self.client)
        limit = TURN_SEGMENTS * self.job.batch_rows
        turn = [replace(s, stop=min(s.stop, s.first + limit)) for s in todo]
        if turn:
            self._run(sorted(turn, key=lambda s: s.stop - s.first))
        for partition in due:
            self._flush.written(partition)
        self._over = self._share.stops is not None and not todo

    def _run(self, todo: Sequence[Span]) -> None:
        """Run the graph, learn how long a run takes that does not fill a segment, and let go of what it held."""
        began = time.monotonic()
        self._graph.run(self, todo)
        if sum(s.stop - s.first for s in todo) < self.job.batch_rows:
            self._flush.took(time.monotonic() - began)
        self._held.rest()

    def _tick(self) -> float:
        """Give the time until the next look; none when more is waiting than one run took."""
        behind = any(b.end - self._ends.get(p, b.end) >= self.job.batch_rows for p, b in self._bounds.items())
        if behind or (self._share.stops is not None and self._share.partitions):
            return 0.0
        tick = min(TICK_S, self._flush.after_s / TICKS)
        return max(0.01, min(tick, self._flush.next_due(time.monotonic())))

    def _rest(self, seconds: float) -> None:
        """Wait, unless the supervisor has something to say."""
        try:
            self._pipe.poll(seconds)
        except (EOFError, OSError):
            self._stopped = True

    def _tell_state(self, *, at_once: bool = False) -> None:
        now = time.monotonic()
        if at_once or now - self._told_at >= STATE_S:
            self._told_at = now
            METER.settle()
            seconds, spent = dict(taken.SECONDS), METER.drain()
            self.tell("state", State(dict(self._bounds), dict(self._ends), self._waiting, seconds, spent))


def be(task: Task, pipe: Connection) -> None:
    """Be a worker: the target of a process. Errors travel as words; a bug brings its traceback along."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    one_heap()
    METER.begin(from_start=True)
    try:
        worker = Worker(task, pipe)
        worker.work()
        worker._tell_state(at_once=True)
        pipe.send(("cpu", time.process_time()))
        pipe.send(("done", None))
    except (BrokenPipeError, EOFError):
        return
    except BaseException as error:
        told = cause_of(error)
        trace = None if isinstance(told, KafkaError | LakeError) else traceback.format_exc()
        pipe.send(("failed", Failure(str(told), trace, isinstance(told, KafkaError))))
