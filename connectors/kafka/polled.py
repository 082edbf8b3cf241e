"""Fetch the records of a partition by kafka-python's own consumer, record by record."""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from connectors.kafka.cluster import Cluster
from connectors.kafka.errors import KafkaError, config_error, told
from connectors.kafka.link import close, quiet
from connectors.kafka.partitions import Partition

_OURS = {
    "group_id": None, "enable_auto_commit": False, "auto_offset_reset": "none", "isolation_level": "read_committed",
    "consumer_timeout_ms": 1_000,
}  # fmt: skip
_DEFAULTS = {
    "max_partition_fetch_bytes": 8 << 20, "fetch_max_bytes": 16 << 20, "max_poll_records": 50_000,
    "metrics_enabled": False,
}  # fmt: skip
_POLL_MS = 500
_GUESS_BYTES = 1_024
"""What a record is taken to weigh until some were seen."""


@dataclass(frozen=True)
class Polled:
    """Records as they were polled; see connectors.kafka.read.Fetched."""

    offsets: npt.NDArray[np.int64]
    timestamps: npt.NDArray[np.int64]
    appended: npt.NDArray[np.bool_]
    values: pa.BinaryArray
    next_offset: int
    unreadable: bool = False


class PolledFetcher:
    """A consumer assigned to one partition; a connectors.kafka.read.Fetcher."""

    def __init__(self, cluster: Cluster, partition: Partition, timeout_s: float) -> None:
        from kafka import KafkaConsumer, TopicPartition
        from kafka.errors import KafkaConfigurationError

        from connectors.kafka import patient

        quiet()
        self._partition, self._timeout_s = partition, timeout_s
        self._user, self._at = cluster.username, -1
        self._guess = float(_GUESS_BYTES)
        self._tp = TopicPartition(partition.topic, partition.number)
        ms = int(timeout_s * 1_000)
        timeouts = {"request_timeout_ms": ms, "bootstrap_timeout_ms": ms}
        made: list[Any] = []

        def make(**settings: Any) -> Any:
            made.append(patient.client(settings))
            return made[0]

        settings = {**_DEFAULTS, **timeouts, **cluster.settings(), **_OURS, "kafka_client": make}
        try:
            self._consumer: Any = KafkaConsumer(**settings)
        except Exception as error:
            for client in made:  # the consumer does not close what it has opened when it fails
                close(client)
            if isinstance(error, KafkaConfigurationError | ValueError):
                raise config_error(error) from None
            raise told(error, str(cluster), self._user) from error
        self._consumer._cluster.config["allow_auto_create_topics"] = False
        self._consumer.assign([self._tp])

    def fetch(self, start: int, *, rows: int, size: int) -> Polled:
        """Poll until there is something from `start` on; see connectors.kafka.read.Fetcher.

        Raises:
            KafkaError: nothing comes in time, or `start` is not in the log.
        """
        from kafka.errors import LogTruncationError, OffsetOutOfRangeError

        try:
            return self._polled(start, max(1, min(rows, int(size / self._guess))))
        except OffsetOutOfRangeError:
            raise KafkaError(f"{self._partition}: offset {start} is not in the log; ask for its bounds again") from None
        except LogTruncationError:
            raise KafkaError(
                f"{self._partition}: the broker lost records before offset {start} that were read (unclean leader "
                "election), and wrote others in their place; create the topic anew",
                permanent=True,
            ) from None
        except KafkaError:
            raise
        except Exception as error:
            raise told(error, str(self._partition), self._user) from error

    def close(self) -> None:
        """Close the connections."""
        self._consumer.close(autocommit=False, timeout_ms=1_000)

    def _polled(self, start: int, rows: int) -> Polled:
        if self._at != start:
            self._consumer.seek(self._tp, start)
        deadline = time.monotonic() + self._timeout_s
        while True:
            records = self._consumer.poll(timeout_ms=_POLL_MS, max_records=rows).get(self._tp, [])
            self._at = self._consumer.position(self._tp, timeout_ms=_POLL_MS)
            if records or self._at > start:
                return self._columns(records)
            if time.monotonic() > deadline:
                raise KafkaError(f"{self._partition}: no record came in {self._timeout_s:g} s; is its broker away?")

    def _columns(self, records: list[Any]) -> Polled:
        n = len(records)
        values = [r.value for r in records]
        if n:
            self._guess = max(1.0, sum(len(v) for v in values if v is not None) / n)
        return Polled(
            np.fromiter((r.offset for r in records), np.int64, n),
            np.fromiter((-1 if r.timestamp is None else r.timestamp for r in records), np.int64, n),
            np.fromiter((r.timestamp_type == 1 for r in records), np.bool_, n),
            pa.array(values, pa.binary()),
            self._at,
        )
