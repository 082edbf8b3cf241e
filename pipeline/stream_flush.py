"""When what has come is to be written: after some seconds, or at once when there is enough of it. Reads no clock."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

FORGET = 0.5
"""Weight of the latest in what is learnt: bytes a record, seconds a run."""


@dataclass
class _Waiting:
    """Records of one partition that are not written yet. `since`: when the first of them was seen."""

    rows: int = 0
    since: float = 0.0
    at_once: bool = False


@dataclass
class Flush(Generic[K]):
    """Decides, partition by partition, what is to be written now.

    When the oldest record has waited long enough, all partitions with something new are written: one run is dearer
    than a segment more. A partition that is full is written by itself, so that the quiet ones make few files.

    Attributes:
        after_s: seconds a record waits at most.
        rows, size: records and bytes that make a partition full.
    """

    after_s: float
    rows: int
    size: int
    _lead_s: float = 0.0
    _waiting: dict[K, _Waiting] = field(default_factory=dict)
    _bytes: dict[K, float] = field(default_factory=dict)

    def see(self, partition: K, rows: int, now: float, *, at_once: bool = False) -> None:
        """Note that `rows` records of a partition wait; `at_once`: they are not to."""
        if not rows and not at_once:
            self._waiting.pop(partition, None)
            return
        waiting = self._waiting.setdefault(partition, _Waiting(since=now))
        waiting.rows, waiting.at_once = rows, at_once

    def due(self, now: float) -> list[K]:
        """List the partitions to be written now, in the order in which they began to wait."""
        if self._waiting and self.next_due(now) <= 0:
            return list(self._waiting)
        return [k for k, w in self._waiting.items() if self._full(k, w)]

    def next_due(self, now: float) -> float:
        """Give the seconds until something is due that is known of by now; after_s if nothing is.

        It is due so much earlier that a run as long as the last ones ends in time.
        """
        wait = self.after_s - self._lead_s
        return min((w.since + wait - now for w in self._waiting.values()), default=self.after_s)

    def took(self, seconds: float) -> None:
        """Learn how long a run takes; half the time that a record may wait is always left for others to join it."""
        lead = self._lead_s + FORGET * (seconds - self._lead_s)
        self._lead_s = min(self.after_s / 2, lead)

    def written(self, partition: K) -> None:
        """Note that a partition was written: what waits now begins to wait anew."""
        self._waiting.pop(partition, None)

    def measure(self, partition: K, rows: int, size: int) -> None:
        """Learn how large the records of a partition are."""
        if rows:
            before = self._bytes.get(partition, size / rows)
            self._bytes[partition] = before + FORGET * (size / rows - before)

    def forget(self, partition: K) -> None:
        """Drop a partition that is no longer ours."""
        self._waiting.pop(partition, None)
        self._bytes.pop(partition, None)

    def _full(self, partition: K, waiting: _Waiting) -> bool:
        size = waiting.rows * self._bytes.get(partition, 0.0)
        return waiting.at_once or waiting.rows >= self.rows or size >= self.size
