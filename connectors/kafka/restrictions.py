"""What a Beam engine keeps of a source: the offsets of a partition still to be claimed, the partitions known."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from apache_beam.io.iobase import RestrictionProgress, RestrictionTracker
from apache_beam.io.restriction_trackers import OffsetRange, OffsetRestrictionTracker
from apache_beam.transforms.core import RestrictionProvider

from connectors.kafka.partitions import Partition

_NO_END = (1 << 63) - 1


class _Tracker(OffsetRestrictionTracker):
    """Offsets claimed in order. Never split but by the source itself: what another would read has a gap before it."""

    def try_split(self, fraction_of_remainder: float) -> Any:
        return super().try_split(0) if fraction_of_remainder == 0 else None


class _UnboundedTracker(_Tracker):
    def is_bounded(self) -> bool:
        return False


class Offsets(RestrictionProvider):
    """[0, stop) of each partition."""

    def __init__(self, stops: Mapping[Partition, int]) -> None:
        self._stops = dict(stops)

    def initial_restriction(self, element: Partition) -> OffsetRange:
        return OffsetRange(0, self._stops.get(element, 0))

    def create_tracker(self, restriction: OffsetRange) -> RestrictionTracker:
        return _Tracker(restriction)

    def restriction_size(self, element: Partition, restriction: OffsetRange) -> int:
        return int(restriction.size())


class UnboundedOffsets(RestrictionProvider):
    """All offsets from 0 on; where to begin, the chain knows."""

    def initial_restriction(self, element: Partition) -> OffsetRange:
        return OffsetRange(0, _NO_END)

    def create_tracker(self, restriction: OffsetRange) -> RestrictionTracker:
        return _UnboundedTracker(restriction)

    def restriction_size(self, element: Partition, restriction: OffsetRange) -> int:
        return 1


@dataclass(frozen=True)
class Known:
    """The sources given out so far, by name; `done`: no more are looked for."""

    known: frozenset[str] = frozenset()
    done: bool = False


class _KnownTracker(RestrictionTracker):
    """Claims names of sources, and None for: no more."""

    def __init__(self, restriction: Known) -> None:
        self._now = restriction
        self._split = False

    def current_restriction(self) -> Known:
        return self._now

    def try_claim(self, position: Iterable[str] | None) -> bool:
        if self._split:
            return False
        self._now = Known(self._now.known | frozenset(position or ()), position is None)
        return True

    def try_split(self, fraction_of_remainder: float) -> tuple[Known, Known] | None:
        if fraction_of_remainder != 0 or self._now.done or self._split:
            return None
        residual, self._split = self._now, True
        self._now = Known(residual.known, done=True)
        return self._now, residual

    def check_done(self) -> None:
        if not self._now.done:
            raise ValueError("partitions are still looked for")

    def current_progress(self) -> RestrictionProgress:
        return RestrictionProgress(completed=len(self._now.known), remaining=0 if self._now.done else 1)

    def is_bounded(self) -> bool:
        return False


class Watched(RestrictionProvider):
    """Nothing is known at first."""

    def initial_restriction(self, element: object) -> Known:
        return Known()

    def create_tracker(self, restriction: Known) -> RestrictionTracker:
        return _KnownTracker(restriction)

    def restriction_size(self, element: object, restriction: Known) -> int:
        return 1
