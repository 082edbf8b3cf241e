"""What a stream is to do, and who is told how it goes."""

from dataclasses import dataclass
from typing import Any, Protocol

from connectors.kafka import Client, Cluster, Partition, Policy
from pipeline.stream_totals import Totals


class Listener(Protocol):
    """Whoever is told how a stream is going."""

    def tick(self, totals: Totals, now: float) -> None:
        """Look at the totals; called several times a second."""

    def log(self, event: str, **told: Any) -> None:
        """Hear of something that people may want to know."""


@dataclass(frozen=True)
class Plan:
    """What is to be read, and how.

    Attributes:
        workers: processes of the embedded stream; engines have their own options for that.
        until_end: read up to the end offsets of now, then end.
        group: whose offsets tell others how far the lake is; "": none.
        compact_every_s, learn_every_s: seconds between compactions, and passes of learning; 0: none.
        grace_s: how long files that a compaction has replaced stay.
    """

    cluster: Cluster
    topics: tuple[str, ...]
    policy: Policy
    workers: int = 1
    flush_s: float = 5.0
    until_end: bool = False
    group: str = ""
    compact_every_s: float = 0.0
    grace_s: float = 7_200.0
    learn_every_s: float = 0.0


def begin(client: Client, plan: Plan) -> list[Partition]:
    """Connect, log in and list the partitions, before anything is written.

    Raises:
        KafkaError: it cannot be done.
    """
    client.check()
    return client.partitions(plan.topics)
