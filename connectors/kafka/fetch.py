"""Fetch the records of a partition by kafka-python's consumer, but decode them ourselves, without Python for each."""

import logging
import time
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from connectors.kafka.batches import BadBatch
from connectors.kafka.cluster import Cluster
from connectors.kafka.errors import KafkaError
from connectors.kafka.partitions import Partition
from connectors.kafka.polled import Polled, PolledFetcher
from connectors.kafka.records import decode

if TYPE_CHECKING:
    from connectors.kafka.undecoded import Undecoded

_POLL_MS = 500


class LeanFetcher(PolledFetcher):
    """A consumer assigned to one partition; a connectors.kafka.read.Fetcher.

    Where kafka-python is not as it was known, it reads as PolledFetcher does. While an answer is decoded and worked
    on, the next is on its way; so a fetcher holds up to two, of `max_partition_fetch_bytes` each.
    """

    def __init__(self, cluster: Cluster, partition: Partition, timeout_s: float) -> None:
        super().__init__(cluster, partition, timeout_s)
        from connectors.kafka.undecoded import hand_over  # imports kafka

        self.lean = hand_over(self._consumer)
        self._check_crc = bool(self._consumer.config["check_crcs"])
        self._held: Undecoded | None = None

    def _polled(self, start: int, rows: int) -> Polled:
        if not self.lean:
            return super()._polled(start, rows)
        if self._at != start:
            self._consumer.seek(self._tp, start)
            self._held = None
        held = self._held or self._answer()
        found = self._decoded(held, start)
        self._at = found.next_offset
        self._held = held if self._at < held.next else None
        return found

    def _decoded(self, held: "Undecoded", start: int) -> Polled:
        """Decode an answer from `start` on; a batch that nobody can unpack is passed over.

        Raises:
            KafkaError: bytes have changed on their way, or on the broker's disk; this may pass.
        """
        try:
            found = decode(held.data, start, aborted=held.aborted, check_crc=self._check_crc)
        except BadBatch as bad:
            if bad.damaged:
                raise KafkaError(f"{self._partition}: {bad}; it is fetched again") from bad
            logging.getLogger(__name__).error("%s: %s; it is skipped", self._partition, bad)
            none = np.zeros(0, np.int64)
            return Polled(none, none, none.astype(np.bool_), pa.array([], pa.binary()), bad.next, unreadable=True)
        return Polled(found.offsets, found.timestamps, found.appended, found.values, found.next_offset)

    def _answer(self) -> "Undecoded":
        """Wait for an answer that holds something, and ask for the next where the log goes on."""
        deadline = time.monotonic() + self._timeout_s
        while True:
            answers: list[Undecoded] = self._consumer.poll(timeout_ms=_POLL_MS).get(self._tp, [])
            for held in answers:
                if (self._consumer.highwater(self._tp) or 0) > held.next:
                    self._consumer._fetcher.send_fetches()
                return held
            if time.monotonic() > deadline:
                raise KafkaError(f"{self._partition}: no record came in {self._timeout_s:g} s; is its broker away?")
