"""Talk to Kafka: partitions, bounds, records in Arrow batches, offsets for others' lag graphs."""

import os
import pickle
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any

import pyarrow as pa

from connectors.kafka import groups, topics
from connectors.kafka.cluster import Cluster
from connectors.kafka.errors import KafkaError
from connectors.kafka.fetch import LeanFetcher
from connectors.kafka.link import Link
from connectors.kafka.partitions import Bounds, Partition
from connectors.kafka.policy import Span
from connectors.kafka.read import Fetcher, batches, skipped

_IDLE = 32
"""Fetchers kept for the next read; each has a thread and a connection to the broker that leads its partition."""


class Client:
    """A client of one cluster. Safe among threads; connects when first asked, and again after a failure or a fork.

    Args:
        cluster: where and how.
        timeout_s: no call waits longer for an answer, and `read` no longer for its next record.
        fetcher: makes what fetches the records of a partition.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        timeout_s: float = 10.0,
        fetcher: Callable[[Cluster, Partition, float], Fetcher] = LeanFetcher,
    ) -> None:
        self.cluster = cluster
        self.timeout_s = timeout_s
        self._fetcher = fetcher
        self._link = Link(cluster, timeout_s)
        self._idle: dict[Partition, Fetcher] = {}
        self._listed: dict[str, set[Partition]] = {}
        self._seen: dict[Partition, int] = {}
        self._lock = threading.Lock()
        self._pid = os.getpid()

    def __reduce__(self) -> tuple[Any, ...]:
        return _client, (self.cluster, self.timeout_s, self._fetcher)

    def check(self) -> None:
        """Connect and log in.

        Raises:
            KafkaError: no broker, a wrong password, a certificate that is not trusted, ...
        """
        self._link.open()

    def partitions(self, topics_: Sequence[str]) -> list[Partition]:
        """List the partitions of topics, by topic as given and number. Never creates a topic.

        Raises:
            KafkaError: no such topic (permanent, unless this client has seen it before; the nearest name is told),
                or the broker is away.
        """
        found = topics.describe(self._link, topics_)
        return [p for name in dict.fromkeys(topics_) for p in self._appeared(name, found[name])]

    def bounds(self, partitions: Iterable[Partition]) -> dict[Partition, Bounds]:
        """Say where the logs begin and end (last stable offset: an open transaction holds it back).

        Raises:
            KafkaError: a topic is gone, or was created anew under its name; or the broker is away.
        """
        wanted = list(partitions)
        firsts = topics.offsets(self._link, dict.fromkeys(wanted, topics.EARLIEST))
        ends = topics.offsets(self._link, dict.fromkeys(wanted, topics.LATEST))
        with self._lock:
            return {p: Bounds(firsts[p], ends[p], self._seen.setdefault(p, ends[p])) for p in wanted}

    def offsets_at(self, partitions: Iterable[Partition], when: datetime) -> dict[Partition, int]:
        """Give the offset of the first record at or after a time (aware); where there is none, the end.

        Raises:
            KafkaError: as for `bounds`.
        """
        wanted = list(partitions)
        found = topics.offsets(self._link, dict.fromkeys(wanted, max(0, int(when.timestamp() * 1_000))))
        late = [p for p in wanted if found[p] < 0]
        return found | topics.offsets(self._link, dict.fromkeys(late, topics.LATEST))

    def publish(self, group: str, ends: Mapping[Partition, int]) -> None:
        """Set the offsets of a consumer group, for others' lag graphs; never used to resume.

        Raises:
            KafkaError: it cannot be done, e.g. because somebody subscribes with this group.
        """
        groups.publish(self._link, group, ends)

    def read(self, span: Span, *, batch_rows: int, batch_bytes: int) -> Iterator[pa.RecordBatch]:
        """Yield RECORDS batches which together stand for exactly [span.start, span.stop).

        Args:
            span: what to read; the first batch takes the skipped positions along.
            batch_rows, batch_bytes: at most so many rows, and bytes of records, in a batch; one record always fits.

        Yields:
            metadata (bytes): source, start, end, name, topic, alone, skips (JSON: reason -> positions).

        Raises:
            KafkaError: the broker is away, or the log has changed below the span: what was yielded is good; ask for
                new spans.
        """
        if span.first == span.stop:
            topics.same(self._link, [span.partition])
            yield skipped(span)
            return
        with self._lent(span.partition) as fetcher:
            for batch in batches(span, fetcher, batch_rows=batch_rows, batch_bytes=batch_bytes):
                # A fetch names a topic, not its id: were it created anew meanwhile, these would be the new records.
                topics.same(self._link, [span.partition])
                yield batch

    def close(self) -> None:
        """Close all connections; the next call connects again."""
        with self._lock:
            idle, self._idle = list(self._idle.values()), {}
        for fetcher in idle:
            fetcher.close()
        self._link.close()

    @contextmanager
    def _lent(self, partition: Partition) -> Iterator[Fetcher]:
        """Lend a fetcher, kept for the next read unless something failed."""
        fetcher = self._take(partition)
        try:
            yield fetcher
        except Exception:
            fetcher.close()
            raise
        except GeneratorExit:
            self._give(partition, fetcher)
            raise
        self._give(partition, fetcher)

    def _appeared(self, name: str, topic: topics.Topic | KafkaError) -> list[Partition]:
        """Give the partitions of a topic; those that were not there when it was first listed are fresh."""
        if isinstance(topic, KafkaError):
            if not topic.permanent or topics.UNKNOWN not in str(topic):
                raise topic
            if name in self._listed:
                raise KafkaError(f"{name}: the topic was deleted; it is read again when it is back")
            raise topics.unknown(self._link, name)
        now = topic.partitions()
        with self._lock:
            first = self._listed.setdefault(name, set(now))
        return [p if p in first else replace(p, fresh=True) for p in now]

    def _take(self, partition: Partition) -> Fetcher:
        """Take the idle fetcher of a partition, or make one; what a parent process opened is left to it."""
        with self._lock:
            if self._pid != os.getpid():
                self._idle, self._pid = {}, os.getpid()
            fetcher = self._idle.pop(partition, None)
        if fetcher is None:
            topics.same(self._link, [partition])
            fetcher = self._fetcher(self.cluster, partition, self.timeout_s)
        return fetcher

    def _give(self, partition: Partition, fetcher: Fetcher) -> None:
        """Keep a fetcher for the next read; of too many the one unused for longest is closed."""
        with self._lock:
            old = self._idle.pop(partition, None)
            self._idle[partition] = fetcher
            oldest = next(iter(self._idle)) if len(self._idle) > _IDLE else None
            gone = self._idle.pop(oldest) if oldest is not None else None
        for unused in (old, gone):
            if unused is not None:
                unused.close()


@cache
def shared(cluster: bytes) -> Client:
    """Give the one client of this process for a cluster, pickled: all that read here share its connections."""
    return Client(pickle.loads(cluster))


def _client(cluster: Cluster, timeout_s: float, fetcher: Callable[[Cluster, Partition, float], Fetcher]) -> Client:
    return Client(cluster, timeout_s=timeout_s, fetcher=fetcher)
