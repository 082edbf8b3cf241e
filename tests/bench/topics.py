"""Fill a topic with lines of the benches, as record batches made by the hundred: some two microseconds a line."""

import functools
import itertools
import re
import struct
import time
from collections.abc import Iterator, Mapping

from crc32c import crc32c

from connectors.kafka.cluster import Cluster
from connectors.kafka.link import Link
from tests.bench.lines import Mill

BATCH = 500
"""Records in a batch: 80 to 100 KB, between Java's default (16 KB) and what librdkafka does under load."""
_HEADER = struct.Struct(">qiibIhiqqqhii")
_NO_DATA = re.compile(rb"(<[0-9]+>1 [^ ]+ [^ ]+ [^ ]+ [^ ]+ -) - ")
_ORIGIN = {165: rb'\1 [origin ip="nodea"] ', 200: rb'\1 [origin enterpriseId="88888888" software="rsyslogd" ip="a"] '}
"""Structured data, for lines without, that brings a line of RFC 5424 from 150 bytes to so many on average."""


def lines(count: int, size: int) -> Iterator[bytes]:
    """Spell `count` lines of RFC 5424, `size` (165 or 200) bytes on average."""
    mill = Mill()
    for block in mill.blocks(count):
        for line in mill.spell(block, *mill.heads(block, "rfc5424")).to_pybytes().splitlines():
            yield _NO_DATA.sub(_ORIGIN[size], line, count=1)


def batch(values: list[bytes], ms: int) -> bytes:
    """Make a record batch, uncompressed, without keys and headers."""
    records = b"".join(_record(i, value) for i, value in enumerate(values))
    n = len(values)
    head = _HEADER.pack(0, _HEADER.size - 12 + len(records), -1, 2, 0, 0, n - 1, ms, ms, -1, -1, -1, n)
    crc = crc32c(head[21:] + records)
    return head[:17] + struct.pack(">I", crc) + head[21:] + records


def fill(bootstrap: str, topics: Mapping[str, int], count: int, size: int) -> None:
    """Append the same `count` lines to topics that exist, batches in turn to each topic's partitions."""
    cluster = Cluster((bootstrap,))
    spelt = lines(count, size)
    for turn, values in enumerate(iter(lambda: list(itertools.islice(spelt, BATCH)), [])):
        made = batch(values, time.time_ns() // 1_000_000)
        for topic, partitions in topics.items():
            send(cluster, topic, turn % partitions, made)


def send(cluster: Cluster, topic: str, partition: int, records: bytes) -> None:
    """Append a batch to a partition that the broker 1 leads, as it is.

    Raises:
        RuntimeError: the broker does not take it.
    """
    from kafka.protocol.producer import ProduceRequest

    data = ProduceRequest.TopicProduceData
    part = data.PartitionProduceData(index=partition, records=records)
    request = ProduceRequest(
        transactional_id=None, acks=1, timeout_ms=30_000, topic_data=[data(name=topic, partition_data=[part])],
        min_version=3, max_version=9,
    )  # fmt: skip
    (answer,) = (p for t in _link(cluster.brokers).send(request, 1).responses for p in t.partition_responses)
    if answer.error_code:
        raise RuntimeError(f"{topic}/{partition}: the broker took no batch: error {answer.error_code}")


@functools.cache
def _link(brokers: tuple[str, ...]) -> Link:
    return Link(Cluster(brokers), 60.0)


def _record(delta: int, value: bytes) -> bytes:
    body = b"\0\0" + _varint(delta) + b"\1" + _varint(len(value)) + value + b"\0"
    return _varint(len(body)) + body


def _varint(value: int) -> bytes:
    """Write a number that is not negative as a zigzag varint."""
    value <<= 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
