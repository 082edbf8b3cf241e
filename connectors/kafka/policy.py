"""Where to begin a source, and what to do when the broker has lost records: what is to be read now, as spans."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from connectors.kafka.errors import KafkaError
from connectors.kafka.partitions import Bounds, Partition

BEFORE_START, EXPIRED = "before_start", "expired"
"""What skipped positions count as: not wanted by the start policy, or there no more; gone before they were read."""
_LOOKS, _LOOK_S = 5, 1.0
"""A broker that has just taken over may tell an end that is too low; it is asked so often before it is believed."""


@dataclass(frozen=True)
class Policy:
    """Where a source without a chain begins, and what happens when records are gone before they were read.

    Attributes:
        start: `earliest`, `latest`, or the time (aware) of the first record to be read.
        on_loss: `stop`: KafkaError; `continue`: go on behind the loss, which is counted as skip `expired`.
    """

    start: Literal["earliest", "latest"] | datetime = "earliest"
    on_loss: Literal["stop", "continue"] = "stop"

    def __post_init__(self) -> None:
        if isinstance(self.start, datetime) and self.start.tzinfo is None:
            raise KafkaError(f"start = {self.start}: which zone? write one, such as {self.start}+00:00", permanent=True)
        if not isinstance(self.start, datetime) and self.start not in ("earliest", "latest"):
            raise KafkaError(f"start = {self.start!r}: earliest, latest or a time", permanent=True)
        if self.on_loss not in ("stop", "continue"):
            raise KafkaError(f"on_loss = {self.on_loss!r}: stop or continue", permanent=True)


@dataclass(frozen=True)
class Span:
    """What is to be read of a partition: the chain ends at `start`; [start, first) is skipped, [first, stop) read.

    Attributes:
        reason: what the skipped positions count as: `before_start`, `expired`; "" when nothing is skipped.
    """

    partition: Partition
    start: int
    first: int
    stop: int
    reason: str


class Asked(Protocol):
    """What is asked of a client."""

    def offsets_at(self, partitions: Iterable[Partition], when: datetime) -> dict[Partition, int]: ...
    def bounds(self, partitions: Iterable[Partition]) -> dict[Partition, Bounds]: ...


def spans(
    bounds: Mapping[Partition, Bounds], ends: Mapping[Partition, int | None], policy: Policy, client: Asked
) -> list[Span]:
    """Say what is to be read now, in the order of `bounds`; partitions without anything new are left out.

    Args:
        bounds: as `client.bounds` gave them.
        ends: where each chain ends; None or missing: it has not begun, so `policy.start` decides.
        policy: what to do at the start, and when records are gone.
        client: asked for the offsets at a time, and again for bounds that look as if the broker lost records.

    Raises:
        KafkaError: records are gone and the policy is to stop; `permanent`.
    """
    now = _settled(bounds, ends, client)
    new = [p for p in now if ends.get(p) is None]
    firsts = _firsts({p: now[p] for p in new}, policy, client)
    found = [_begun(p, firsts[p], now[p]) if p in firsts else _going_on(p, ends[p] or 0, now[p], policy) for p in now]
    return [span for span in found if span is not None]


def _settled(
    bounds: Mapping[Partition, Bounds], ends: Mapping[Partition, int | None], client: Asked
) -> dict[Partition, Bounds]:
    """Ask again, some seconds long, for the bounds of partitions that seem to end before their chains."""
    now = dict(bounds)
    for _ in range(_LOOKS):
        short = [p for p in now if (ends.get(p) or 0) > now[p].end]
        if not short:
            break
        time.sleep(_LOOK_S)
        now |= client.bounds(short)
    return now


def _firsts(bounds: Mapping[Partition, Bounds], policy: Policy, client: Asked) -> dict[Partition, int]:
    """Give the first offset wanted of each partition without a chain."""
    found = client.offsets_at(bounds, policy.start) if isinstance(policy.start, datetime) and bounds else {}
    if policy.start == "latest":
        found = {p: b.end if b.seen is None else b.seen for p, b in bounds.items()}
    wanted = {p: 0 if p.fresh else found.get(p, 0) for p in bounds}
    return {p: min(max(wanted[p], b.first), b.end) for p, b in bounds.items()}


def _begun(partition: Partition, first: int, bounds: Bounds) -> Span | None:
    """Begin a source: what lies before `first` is bound at once, also when nothing is to be read yet."""
    reason = BEFORE_START if first else ""
    return Span(partition, 0, first, bounds.end, reason) if bounds.end else None


def _going_on(partition: Partition, end: int, bounds: Bounds, policy: Policy) -> Span | None:
    """Go on with a source from the end of its chain."""
    if end > bounds.end:
        if policy.on_loss == "stop":
            raise KafkaError(
                f"{partition}: the broker's log ends at {bounds.end}, {end} was read: the broker lost records that the "
                f"lake holds, and what is written there anew up to {end} cannot be told apart; create the topic anew, "
                'or set on_loss = "continue" to go on from there',
                permanent=True,
            )
        return None
    if end < bounds.first and policy.on_loss == "stop":
        raise KafkaError(
            f"{partition}: {bounds.first - end} records, offsets {end} to {bounds.first - 1}, were deleted before they "
            'were read (retention); set on_loss = "continue" to count them as lost and go on',
            permanent=True,
        )
    first = max(end, bounds.first)
    reason = EXPIRED if first > end else ""
    return Span(partition, end, first, max(bounds.end, first), reason) if max(bounds.end, first) > end else None
