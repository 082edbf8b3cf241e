"""Talk to Kafka: partitions, bounds, records in Arrow batches, offsets for others' lag graphs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

import pyarrow as pa

from connectors.kafka.cluster import Cluster
from connectors.kafka.partitions import Bounds, Partition
from connectors.kafka.policy import Span


class Client:
    """A client of one cluster. Safe among threads; connects when first asked, and again after a failure or a fork.

    Args:
        cluster: where and how.
        timeout_s: no call waits longer for an answer, and `read` no longer for its next record.
    """

    def __init__(self, cluster: Cluster, *, timeout_s: float = 10.0) -> None:
        self.cluster = cluster
        self.timeout_s = timeout_s

    def check(self) -> None:
        """Connect and log in.

        Raises:
            KafkaError: no broker, a wrong password, a certificate that is not trusted, ...
        """
        raise NotImplementedError

    def partitions(self, topics: Sequence[str]) -> list[Partition]:
        """List the partitions of topics, by topic as given and number. Never creates a topic.

        Raises:
            KafkaError: no such topic (permanent; the nearest name is told), or the broker is away.
        """
        raise NotImplementedError

    def bounds(self, partitions: Iterable[Partition]) -> dict[Partition, Bounds]:
        """Say where the logs begin and end (last stable offset: an open transaction holds it back).

        Raises:
            KafkaError: a topic is gone, or was created anew under its name; or the broker is away.
        """
        raise NotImplementedError

    def offsets_at(self, partitions: Iterable[Partition], when: datetime) -> dict[Partition, int]:
        """Give the offset of the first record at or after a time (aware); where there is none, the end."""
        raise NotImplementedError

    def publish(self, group: str, ends: Mapping[Partition, int]) -> None:
        """Set the offsets of a consumer group, for others' lag graphs; never used to resume.

        Raises:
            KafkaError: it cannot be done, e.g. because somebody subscribes with this group.
        """
        raise NotImplementedError

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
        raise NotImplementedError

    def close(self) -> None:
        """Close all connections; the next call connects again."""
