"""A partition of a topic, where its log begins and ends, and the name of its chain in the lake."""

import hashlib
import re
from dataclasses import dataclass
from uuid import UUID

_SAFE = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, order=True)
class Partition:
    """A partition of a topic as it is now; `source` names its chain. A topic created anew has other sources."""

    topic: str
    number: int
    source: str

    def __str__(self) -> str:
        return f"{self.topic}/{self.number}"


@dataclass(frozen=True)
class Bounds:
    """Where a partition's log begins, and the last stable offset: where a reader of committed records must stop."""

    first: int
    end: int


def source_name(cluster_id: str | None, topic: str, topic_id: UUID | None, number: int) -> str:
    """Name the chain of a partition: kafka-<cluster id>-<topic id>-<number>.

    Args:
        cluster_id: as the broker tells it; one that is no plain word is hashed, None becomes `unnamed`.
        topic: its name, hashed in place of an id that the broker does not have.
        topic_id: None or zero: a broker before Kafka 2.8, which cannot tell a topic created anew from the old one.
        number: of the partition.
    """
    topic_part = base64url(topic_id.bytes) if topic_id else f"name.{_hash(topic)}"
    cluster_part = cluster_id or "unnamed"
    if not _SAFE.fullmatch(cluster_part):
        cluster_part = f"name.{_hash(cluster_part)}"
    return f"kafka-{cluster_part}-{topic_part}-{number}"


def base64url(data: bytes) -> str:
    """Write an id as Kafka prints it: base64 for URLs, without padding."""
    from base64 import urlsafe_b64encode

    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
