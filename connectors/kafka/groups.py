"""Publish offsets of a consumer group, so that others' graphs show how far this job is behind."""

import time
from collections.abc import Mapping
from typing import Any

from connectors.kafka.errors import KafkaError, told
from connectors.kafka.link import Link
from connectors.kafka.partitions import Partition

_AGAIN_S = 0.5


def publish(link: Link, group: str, ends: Mapping[Partition, int]) -> None:
    """Set the offsets of a group, of all partitions or of none known to fail.

    Raises:
        KafkaError: somebody subscribes with this group, it is not permitted, or nobody coordinates it in time.
    """
    if not ends:
        return
    deadline = time.monotonic() + link.timeout_s
    while True:
        failure = _try(link, group, ends)
        if failure is None:
            return
        if failure.permanent or time.monotonic() + _AGAIN_S >= deadline:
            raise failure
        time.sleep(_AGAIN_S)


def _try(link: Link, group: str, ends: Mapping[Partition, int]) -> KafkaError | None:
    """Find the coordinator and tell it the offsets; give what kept it from taking them."""
    from kafka.errors import for_code
    from kafka.protocol.metadata import FindCoordinatorRequest

    where = f"group {group}"
    found = link.send(FindCoordinatorRequest(key=group, key_type=0, max_version=3), where=where)
    if found.error_code:
        return told(for_code(found.error_code)(), where)
    answer = link.send(_commit(group, ends), found.node_id, where=where)
    codes = {p.error_code for topic in answer.topics for p in topic.partitions} - {0}
    if not codes:
        return None
    error = for_code(codes.pop())
    if error.__name__ in ("UnknownMemberIdError", "IllegalGenerationError", "RebalanceInProgressError"):
        return KafkaError(f"{where}: somebody subscribes with it; choose a group of its own", permanent=True)
    return told(error(), where)


def _commit(group: str, ends: Mapping[Partition, int]) -> Any:
    """Make the request of one who is no member of the group."""
    from kafka.protocol.consumer import OffsetCommitRequest

    of_topic = OffsetCommitRequest.OffsetCommitRequestTopic
    of_partition = of_topic.OffsetCommitRequestPartition
    named: dict[str, list[Any]] = {}
    for p, end in ends.items():
        one = of_partition(
            partition_index=p.number, committed_offset=end, committed_leader_epoch=-1, committed_metadata=""
        )
        named.setdefault(p.topic, []).append(one)
    return OffsetCommitRequest(
        group_id=group,
        generation_id_or_member_epoch=-1,
        member_id="",
        group_instance_id=None,
        retention_time_ms=-1,
        topics=[of_topic(name=name, partitions=parts) for name, parts in named.items()],
        max_version=8,
    )
