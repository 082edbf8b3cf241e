"""Kafka as a Beam source: a splittable DoFn over offsets, one element a partition; bounded or unbounded."""

import logging
import pickle
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import apache_beam as beam
import pyarrow as pa
from apache_beam.io.restriction_trackers import OffsetRange
from apache_beam.pvalue import PBegin, PCollection
from apache_beam.utils.timestamp import Duration

import connectors.beam_coder  # noqa: F401 - registers the coder of record batches
from connectors.kafka.client import Client, shared
from connectors.kafka.cluster import Cluster
from connectors.kafka.errors import KafkaError
from connectors.kafka.partitions import Partition
from connectors.kafka.policy import Policy, Span, spans
from connectors.kafka.restrictions import Offsets, UnboundedOffsets, Watched
from connectors.lake import Lake

_LOG = logging.getLogger(__name__)
_BUNDLE_S = 1.0
"""Flink's checkpoints wait behind an open bundle, so one ends after this long."""
_BACKOFF_S = (1.0, 5.0)
_TICK_S = 1.0
"""The watch of topics looks so often whether to stop."""


def never() -> bool:
    """Say that nobody has asked to stop."""
    return False


@dataclass(frozen=True)
class Reads:
    """How partitions are read.

    Attributes:
        lake: the lake whose chains say where to begin; None: the restriction alone does.
        batch_rows, batch_bytes: of one batch, at most.
        flush_s: unbounded: a partition that has been read up is looked at again after so long.
        stopped: once it says so, sources take no more, claim their remainder and end; has to survive pickling.
    """

    cluster: Cluster
    policy: Policy = field(default_factory=Policy)
    lake: Path | None = None
    batch_rows: int = 50_000
    batch_bytes: int = 16 << 20
    flush_s: float = 5.0
    stopped: Callable[[], bool] = never

    def client(self) -> Client:
        """Give this process's client."""
        return shared(pickle.dumps(self.cluster))

    def check(self, topics: Sequence[str]) -> list[Partition]:
        """List the partitions of topics before a job is handed in: Flink restarts a job that fails, again and again.

        Raises:
            KafkaError: no broker, a wrong password, an unknown topic, ...
        """
        return self.client().partitions(topics)

    def due(self, partition: Partition, restriction: OffsetRange) -> list[Span]:
        """Say what is to be read of a partition now: from where both chain and restriction end, within the latter.

        Raises:
            KafkaError: as `spans` and `Client.bounds`.
        """
        known = _lake(self.lake).chain(partition.source).end() if self.lake else None
        end = max(known or 0, restriction.start) if known is not None or restriction.start else None
        client = self.client()
        found = spans(client.bounds([partition]), {partition: end}, self.policy, client)
        within = [replace(s, stop=min(s.stop, restriction.stop)) for s in found]
        return [replace(s, first=min(s.first, s.stop)) for s in within if s.start < s.stop]


class ReadPartitions(beam.PTransform):
    """Partitions -> RECORDS batches of what the lake lacks.

    An element is one partition, and never split. Positions are claimed once a batch, before it goes on.

    Args:
        reads: how.
        stops: bounded: each partition is read up to this offset, or to its end if that comes first, or as far as its
            broker lets us: see how far the chain has come. None: unbounded.
    """

    def __init__(self, reads: Reads, *, stops: Mapping[Partition, int] | None = None) -> None:
        super().__init__()
        self._reads, self._stops = reads, stops

    def expand(self, partitions: PCollection[Partition]) -> PCollection[pa.RecordBatch]:
        if self._stops is not None:
            return partitions | beam.ParDo(_Bounded(self._reads, self._stops)).with_output_types(pa.RecordBatch)
        return partitions | beam.ParDo(_Unbounded(self._reads)).with_output_types(pa.RecordBatch)


class ReadTopics(beam.PTransform):
    """Nothing -> the partitions of topics, unbounded: those that appear later too, `every_s` after they do."""

    def __init__(self, reads: Reads, topics: Sequence[str], *, every_s: float = 15.0) -> None:
        super().__init__()
        self._reads, self._topics, self._every_s = reads, tuple(topics), every_s

    def expand(self, begin: PBegin) -> PCollection[Partition]:
        watch = beam.ParDo(_Watch(self._reads, self._every_s)).with_output_types(Partition)
        return begin | beam.Create([self._topics], reshuffle=False) | watch


class _Unbounded(beam.DoFn):
    def __init__(self, reads: Reads) -> None:
        self._reads = reads
        self._failures: dict[Partition, int] = {}

    @beam.DoFn.unbounded_per_element()
    def process(
        self, partition: Partition, tracker: Any = beam.DoFn.RestrictionParam(UnboundedOffsets())
    ) -> Iterator[pa.RecordBatch]:
        until, restriction = time.monotonic() + _BUNDLE_S, tracker.current_restriction()
        wait_s = self._reads.flush_s
        try:
            for span in () if self._reads.stopped() else self._reads.due(partition, restriction):
                with closing(_batches(self._reads, span)) as batches:
                    for end, batch in batches:
                        if not tracker.try_claim(end - 1):
                            return
                        yield batch
                        wait_s = 0.0 if end < span.stop else self._reads.flush_s
                        if time.monotonic() > until or self._reads.stopped():
                            break
            self._failures.pop(partition, None)
        except KafkaError as error:
            wait_s = self._backoff(partition, error)
        if self._reads.stopped():
            tracker.try_claim(restriction.stop - 1)
            return
        tracker.defer_remainder(Duration(seconds=wait_s))

    def _backoff(self, partition: Partition, error: KafkaError) -> float:
        """Say how long to wait after a failure that may pass; raise one that will not."""
        if error.permanent:
            raise error
        failed = self._failures[partition] = self._failures.get(partition, 0) + 1
        _LOG.warning("%s", error)
        return float(min(_BACKOFF_S[1], _BACKOFF_S[0] * 2 ** (failed - 1)))


class _Bounded(beam.DoFn, Offsets):
    """Its own provider of restrictions, for they depend on the stops."""

    def __init__(self, reads: Reads, stops: Mapping[Partition, int]) -> None:
        Offsets.__init__(self, stops)
        self._reads = reads

    def process(self, partition: Partition, tracker: Any = beam.DoFn.RestrictionParam()) -> Iterator[pa.RecordBatch]:
        restriction = tracker.current_restriction()
        claimed = restriction.start
        try:
            for span in self._reads.due(partition, restriction):
                with closing(_batches(self._reads, span)) as batches:
                    for end, batch in batches:
                        if self._reads.stopped() or not tracker.try_claim(end - 1):
                            break
                        claimed = end
                        yield batch
        except KafkaError as error:
            if error.permanent:
                raise
            _LOG.warning("%s", error)
        if claimed < restriction.stop:
            tracker.try_claim(restriction.stop - 1)


class _Watch(beam.DoFn):
    def __init__(self, reads: Reads, every_s: float) -> None:
        self._reads, self._every_s = reads, every_s
        self._due = 0.0

    @beam.DoFn.unbounded_per_element()
    def process(
        self, topics: tuple[str, ...], tracker: Any = beam.DoFn.RestrictionParam(Watched())
    ) -> Iterator[Partition]:
        if self._reads.stopped():
            tracker.try_claim(None)
            return
        known = tracker.current_restriction().known
        new = [p for p in self._listed(topics) if p.source not in known]
        if new and not tracker.try_claim([p.source for p in new]):
            return
        for partition in new:
            yield replace(partition, fresh=partition.fresh or bool(known))
        tracker.defer_remainder(Duration(seconds=_TICK_S))

    def _listed(self, topics: tuple[str, ...]) -> list[Partition]:
        """List the partitions if it is time to, and the brokers answer."""
        if time.monotonic() < self._due:
            return []
        self._due = time.monotonic() + self._every_s
        try:
            return self._reads.client().partitions(topics)
        except KafkaError as error:
            if error.permanent:
                raise
            _LOG.warning("%s", error)
            return []


def _batches(reads: Reads, span: Span) -> Generator[tuple[int, pa.RecordBatch], None, None]:
    """Read a span; beside each batch the position behind it."""
    for batch in reads.client().read(span, batch_rows=reads.batch_rows, batch_bytes=reads.batch_bytes):
        yield int(batch.schema.metadata[b"end"]), batch


@cache
def _lake(path: Path) -> Lake:
    """Open a lake, once a process: its chains keep the footers they have read."""
    return Lake.open(path)
