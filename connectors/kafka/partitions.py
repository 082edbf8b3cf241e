"""A partition of a topic, where its log begins and ends, and the name of its chain in the lake."""

import hashlib
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from uuid import UUID

_SAFE = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, order=True)
class Partition:
    """A partition of a topic as it is now. A topic created anew under its name has other sources.

    Attributes:
        source: names its chain in the lake.
        fresh: it appeared while its topic was being read, so all its records are wanted, whatever the start policy.
    """

    topic: str
    number: int
    source: str
    fresh: bool = field(default=False, compare=False)

    def __str__(self) -> str:
        return f"{self.topic}/{self.number}"


@dataclass(frozen=True)
class Bounds:
    """Where a partition's log begins, and where a reader of committed records must stop.

    Attributes:
        end: the last stable offset; an open transaction holds it back.
        seen: `end` when this client first looked: what `latest` means. None: as `end`.
    """

    first: int
    end: int
    seen: int | None = field(default=None, compare=False)


def source_name(cluster_id: str | None, topic: str, topic_id: UUID | None, number: int) -> str:
    """Name the chain of a partition: kafka-<cluster id>-<topic id>-<number>.

    Args:
        cluster_id: as the broker tells it; one that is no plain word is hashed, None becomes `unnamed`.
        topic: its name, hashed in place of an id that the broker does not have.
        topic_id: None or zero: a broker before Kafka 2.8, which cannot tell a topic created anew from the old one.
        number: of the partition.
    """
    topic_part = base64url(topic_id.bytes) if topic_id and topic_id.int else f"name.{_hash(topic)}"
    cluster_part = cluster_id or "unnamed"
    if not _SAFE.fullmatch(cluster_part):
        cluster_part = f"name.{_hash(cluster_part)}"
    return f"kafka-{cluster_part}-{topic_part}-{number}"


def base64url(data: bytes) -> str:
    """Write an id as Kafka prints it: base64 for URLs, without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
