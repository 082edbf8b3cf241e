"""Let kafka-python's consumer hand over what it fetched undecoded; all else about fetching stays its own.

Its fetcher makes a `PartitionRecords` of each answer and takes records from it. Ours gives the whole answer as one
record, and says where the next fetch begins. What is relied on beyond kafka-python's documentation is checked by
`hand_over`, and by tests/engines/test_fetch.py.
"""

import inspect
from typing import Any, NamedTuple

from kafka.consumer.fetcher import Fetcher
from kafka.record import MemoryRecords

from connectors.kafka.batches import next_offset

_GIVEN = {"fetch_offset", "tp", "records", "aborted_transactions", "on_drain", "metric_aggregator"}
_CALLED = {"take", "drain"}


class Undecoded(NamedTuple):
    """The answer to one fetch of a partition.

    Attributes:
        data: batches, beginning with the one that holds the offset asked for; the last may be cut off.
        aborted: (producer, first offset) of the aborted transactions among them.
        next: where to fetch on.
    """

    data: bytes
    aborted: list[tuple[int, int]]
    next: int


class _Whole(Fetcher.PartitionRecords):  # type: ignore[misc]
    def __init__(self, fetch_offset: int, tp: Any, records: MemoryRecords, **given: Any) -> None:
        super().__init__(fetch_offset, tp, records, **given)
        self._data: bytes = records._buffer
        self._aborted = [(txn.producer_id, txn.first_offset) for txn in given.get("aborted_transactions") or []]

    def take(self, n: int | None = None) -> list[Undecoded]:
        """Give the one that there is; none of an empty answer."""
        if not self._data:
            self.drain()
            return []
        self.next_fetch_offset, self.leader_epoch = next_offset(memoryview(self._data), self.fetch_offset)
        self.bytes_read = len(self._data)
        self.drain()
        return [Undecoded(self._data, self._aborted, self.next_fetch_offset)]


def hand_over(consumer: Any) -> bool:
    """Let `consumer.poll` give a list of one Undecoded for a partition; False: this kafka-python cannot be made to."""
    fetcher = getattr(consumer, "_fetcher", None)
    known = getattr(fetcher, "PartitionRecords", None)
    if not isinstance(fetcher, Fetcher) or not inspect.isclass(known) or not hasattr(fetcher, "send_fetches"):
        return False
    if not set(inspect.signature(known).parameters) >= _GIVEN or not all(hasattr(known, name) for name in _CALLED):
        return False
    fetcher.PartitionRecords = _Whole
    return True
