"""What the brokers say of topics: their ids, partitions and leaders; and where the logs of partitions begin and end."""

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any
from uuid import UUID

from connectors.kafka.errors import KafkaError, told
from connectors.kafka.link import Link
from connectors.kafka.partitions import Partition, source_name

EARLIEST, LATEST = -2, -1
"""In place of a time: the begin of the log; its last stable offset."""
UNKNOWN = "no such topic"
_AGAIN_S = 0.2
_COMMITTED = 1


@dataclass(frozen=True)
class Topic:
    """A topic as it is now: its id (None: the broker has none), and who leads each partition (-1: nobody now)."""

    cluster_id: str | None
    name: str
    id: UUID | None
    leaders: Mapping[int, int]

    def partitions(self) -> list[Partition]:
        """List its partitions by number."""
        return [self.partition(number) for number in sorted(self.leaders)]

    def partition(self, number: int) -> Partition:
        """Give a partition; it need not exist."""
        return Partition(self.name, number, source_name(self.cluster_id, self.name, self.id, number))


def describe(link: Link, topics: Sequence[str]) -> dict[str, Topic | KafkaError]:
    """Ask for topics by name; in place of one that cannot be read stands why. None is ever created.

    Raises:
        KafkaError: no broker answers.
    """
    from kafka.protocol.metadata import MetadataRequest

    names = [MetadataRequest.MetadataRequestTopic(name=topic) for topic in topics]
    request = MetadataRequest(topics=names, allow_auto_topic_creation=False, min_version=4)
    deadline = time.monotonic() + link.timeout_s
    while True:
        answer = link.send(request)
        found = {t.name: _topic(answer.cluster_id, t) for t in answer.topics}
        settled = all(isinstance(t, Topic) or t.permanent for t in found.values())
        if settled or time.monotonic() + _AGAIN_S >= deadline:
            return found
        time.sleep(_AGAIN_S)


def names(link: Link) -> list[str]:
    """List the topics that this user may see, those of Kafka itself left out."""
    from kafka.protocol.metadata import MetadataRequest

    return sorted(t.name for t in link.send(MetadataRequest(topics=None)).topics if not t.is_internal)


def unknown(link: Link, topic: str) -> KafkaError:
    """Say that a topic is unknown, and which is the nearest."""
    known = names(link)
    near = get_close_matches(topic, known, n=1, cutoff=0.6)
    few = ", ".join(known[:5]) + (", ..." if len(known) > 5 else "")
    right = (
        f"did you mean {near[0]}?" if near else f"there are: {few}" if known else "there is none that this user sees"
    )
    return KafkaError(f"{topic}: {link.cluster} has {UNKNOWN}; {right}", permanent=True)


def offsets(link: Link, wanted: Mapping[Partition, int]) -> dict[Partition, int]:
    """Give the offset of each partition at EARLIEST, LATEST or a time (ms since 1970); -1: no record so late.

    Raises:
        KafkaError: a topic is gone or was created anew, no leader, or no broker answers within the link's timeout.
    """
    deadline = time.monotonic() + link.timeout_s
    found: dict[Partition, int] = {}
    while left := {p: when for p, when in wanted.items() if p not in found}:
        failure = _ask(link, left, found)
        if failure and time.monotonic() + _AGAIN_S >= deadline:
            raise failure
        if failure:
            time.sleep(_AGAIN_S)
    return {p: found[p] for p in wanted}


def same(link: Link, partitions: Iterable[Partition]) -> dict[Partition, int]:
    """Check that partitions are still those of the topics they were listed of; give their leaders (-1: none now).

    Raises:
        KafkaError: a topic is gone, or was created anew: list its partitions again.
    """
    partitions = list(partitions)
    topics = describe(link, list(dict.fromkeys(p.topic for p in partitions)))
    return {p: _leader(topics[p.topic], p) for p in partitions}


def _topic(cluster_id: str | None, data: Any) -> "Topic | KafkaError":
    """Read what is told of one topic."""
    from kafka.errors import for_code

    if data.error_code:
        error = for_code(data.error_code)
        gone = error.__name__ == "UnknownTopicOrPartitionError"
        return KafkaError(f"{data.name}: {UNKNOWN}", permanent=True) if gone else told(error(), data.name)
    leaders = {p.partition_index: p.leader_id for p in data.partitions}
    return Topic(cluster_id, data.name, data.topic_id, leaders)


def _leader(topic: Topic | KafkaError, partition: Partition) -> int:
    if isinstance(topic, KafkaError):
        raise KafkaError(str(topic) + "; it was there before: was it deleted?" if topic.permanent else str(topic))
    if topic.partition(partition.number) != partition:
        raise KafkaError(f"{partition.topic}: was deleted and created anew; its partitions are to be listed again")
    return topic.leaders.get(partition.number, -1)


def _ask(link: Link, wanted: Mapping[Partition, int], found: dict[Partition, int]) -> KafkaError | None:
    """Ask the leaders once; fill `found`; give what kept one of them from answering."""
    failure: KafkaError | None = None
    by_leader: dict[int, list[Partition]] = {}
    for partition, leader in same(link, wanted).items():
        by_leader.setdefault(leader, []).append(partition)
    if nobody := by_leader.pop(-1, None):
        failure = KafkaError(f"{nobody[0]}: no broker leads it now; start the brokers that hold it")
    for leader, theirs in by_leader.items():
        answer = link.send(_list_offsets(theirs, wanted), leader, where=theirs[0].topic)
        failure = _take(answer, theirs, found) or failure
    return failure


def _list_offsets(partitions: Collection[Partition], wanted: Mapping[Partition, int]) -> Any:
    """Make the request for the offsets of partitions that one broker leads."""
    from kafka.protocol.consumer import ListOffsetsRequest

    of_topic = ListOffsetsRequest.ListOffsetsTopic
    asked: dict[str, list[Any]] = {}
    for p in partitions:
        one = of_topic.ListOffsetsPartition(partition_index=p.number, current_leader_epoch=-1, timestamp=wanted[p])
        asked.setdefault(p.topic, []).append(one)
    return ListOffsetsRequest(isolation_level=_COMMITTED, topics=list(asked.items()), min_version=2)


def _take(answer: Any, partitions: Collection[Partition], found: dict[Partition, int]) -> KafkaError | None:
    """Read the answer into `found`; give the first failure that may pass.

    Raises:
        KafkaError: a failure that will not pass.
    """
    from kafka.errors import for_code

    failure: KafkaError | None = None
    by_name = {(p.topic, p.number): p for p in partitions}
    for topic in answer.topics:
        for one in topic.partitions:
            partition = by_name[topic.name, one.partition_index]
            if one.error_code:
                failure = told(for_code(one.error_code)(), str(partition))
                if failure.permanent:
                    raise failure
            else:
                found[partition] = one.offset
    return failure
