"""What the supervisor of a stream and its workers tell one another, over a pipe. Imports neither Beam nor Kafka."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from connectors.kafka import Bounds, Cluster, Partition, Policy

if TYPE_CHECKING:
    from classifiers.ledger import Row
    from pipeline.job import Job


@dataclass(frozen=True)
class Task:
    """What a worker is started with. `secret`: the password, which a pickled cluster leaves out.

    Attributes:
        flush_s: seconds a record waits at most before it is written.
    """

    job: "Job"
    cluster: Cluster
    policy: Policy
    flush_s: float
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Share:
    """The partitions of a worker.

    Attributes:
        stops: up to where each is read in a bounded run; None: without end.
        seen: their ends when the job began: what the start policy `latest` means, whichever worker looks.
    """

    partitions: tuple[Partition, ...]
    stops: Mapping[Partition, int] | None = None
    seen: Mapping[Partition, int] = field(default_factory=dict)


@dataclass(frozen=True)
class State:
    """How a worker is doing.

    Attributes:
        bounds: of its partitions, as the broker told last.
        ends: where their chains end, as far as the worker knows.
        waiting: why it cannot go on for the time being; "": it can.
        seconds: by stage, taken since the start of the process.
        spent: rows of the ledger since the last word.
    """

    bounds: Mapping[Partition, Bounds]
    ends: Mapping[Partition, int]
    waiting: str
    seconds: Mapping[str, float]
    spent: Sequence["Row"] = ()


@dataclass(frozen=True)
class Failure:
    """Why a worker ended. `trace`: of a bug; None: the message says it all."""

    message: str
    trace: str | None
    kafka: bool
