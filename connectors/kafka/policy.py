"""Where to begin a source, and what to do when the broker has lost records: what is to be read now, as spans."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from connectors.kafka.partitions import Bounds, Partition

if TYPE_CHECKING:
    from connectors.kafka.client import Client


@dataclass(frozen=True)
class Policy:
    """Where a source without a chain begins, and what happens when records are gone before they were read.

    Attributes:
        start: `earliest`, `latest`, or the time (aware) of the first record to be read.
        on_loss: `stop`: KafkaError; `continue`: go on behind the loss, which is counted as skip `expired`.
    """

    start: Literal["earliest", "latest"] | datetime = "earliest"
    on_loss: Literal["stop", "continue"] = "stop"


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


def spans(
    bounds: Mapping[Partition, Bounds], ends: Mapping[Partition, int | None], policy: Policy, client: "Client"
) -> list[Span]:
    """Say what is to be read now, in the order of `bounds`; partitions without anything new are left out.

    Args:
        bounds: as `client.bounds` gave them.
        ends: where each chain ends; None or missing: it has not begun, so `policy.start` decides. Give 0 for a
            partition that this job has seen empty, or that appeared after its start: all its records are wanted.
        policy: what to do at the start, and when records are gone.
        client: asked for the offsets at a time, and again for bounds that look as if the broker lost records.

    Raises:
        KafkaError: records are gone and the policy is to stop; `permanent`.
    """
    raise NotImplementedError
