"""A client against a real broker: every record once, every loss told, every failure one clear line in time."""

import os
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.kafka import Client, KafkaError, Policy, Span
from tests.engines.broker import Broker
from tests.engines.kafka_kit import (
    client,
    due,
    lines,
    partition_of,
    read,
    read_all,
    send,
    told,
    values,
)

pytestmark = pytest.mark.engines


@pytest.fixture
def reader(broker: Broker) -> Iterator[Client]:
    one = client(broker.bootstrap)
    yield one
    one.close()


def test_a_broker_that_is_there_passes_the_check(reader: Client) -> None:
    reader.check()


@pytest.mark.parametrize("brokers", [("localhost:1",), ("no-such-host.invalid:9092",)])
def test_no_broker_is_one_clear_line_in_time_and_may_pass(brokers: tuple[str, ...]) -> None:
    began = time.monotonic()
    with pytest.raises(KafkaError, match=r"nobody listens there|no host has this name") as error:
        client(brokers[0]).check()
    assert time.monotonic() - began < 15
    assert not error.value.permanent


def test_one_broker_of_several_suffices(broker: Broker) -> None:
    from connectors.kafka import Cluster

    Client(Cluster(("localhost:1", broker.bootstrap))).check()


def test_an_unknown_topic_is_told_with_the_nearest_and_not_created(broker: Broker, topic: str, reader: Client) -> None:
    broker.create_topic(topic)
    with pytest.raises(KafkaError, match=f"did you mean {topic}") as error:
        reader.partitions([topic + "x"])
    assert error.value.permanent
    with broker.admin() as admin:
        assert topic + "x" not in admin.list_topics()


@pytest.mark.parametrize("count", [1, 32])
def test_each_partition_is_read_for_itself(broker: Broker, topic: str, reader: Client, count: int) -> None:
    broker.create_topic(topic, partitions=count)
    for n in range(count):
        send(broker.bootstrap, topic, lines(10, start=n * 10), partition=n)
    found = read_all(reader, topic)
    assert sorted(values(found)) == sorted(lines(count * 10))
    assert len({batch.schema.metadata[b"source"] for batch in found}) == count


def test_partitions_that_appear_later_are_fresh(broker: Broker, topic: str, reader: Client) -> None:
    broker.create_topic(topic, partitions=1)
    assert [p.fresh for p in reader.partitions([topic])] == [False]
    broker.add_partitions(topic, 2)
    until = time.monotonic() + 10
    while len(found := reader.partitions([topic])) < 2 and time.monotonic() < until:
        time.sleep(0.2)
    assert [p.fresh for p in found] == [False, True]


@pytest.mark.parametrize("codec", [None, "gzip", "snappy", "lz4", "zstd"])
def test_every_codec_is_read(broker: Broker, topic: str, reader: Client, codec: str | None) -> None:
    broker.create_topic(topic)
    send(broker.bootstrap, topic, lines(5_000), compression_type=codec)
    assert values(read_all(reader, topic)) == lines(5_000)


def test_reading_goes_on_where_it_ended(broker: Broker, topic: str, reader: Client) -> None:
    broker.create_topic(topic)
    send(broker.bootstrap, topic, lines(100))
    assert values(read_all(reader, topic)) == lines(100)
    send(broker.bootstrap, topic, lines(100, start=100))
    assert values(read_all(reader, topic, end=100)) == lines(100, start=100)
    assert values(read_all(reader, topic, end=50)) == lines(150, start=50)
    assert read_all(reader, topic, end=200) == []


def test_batches_are_cut_by_rows_and_by_bytes(broker: Broker, topic: str, reader: Client) -> None:
    broker.create_topic(topic)
    send(broker.bootstrap, topic, [b"x" * 1_000] * 500)
    (span,) = due(reader, topic)
    assert max(b.num_rows for b in read(reader, span, rows=70)) == 70
    assert max(b.column("raw").nbytes for b in read(reader, span, size=20_000)) < 21_000


def test_records_of_a_megabyte_and_more_are_read(broker: Broker, topic: str, reader: Client) -> None:
    broker.create_topic(topic, settings={"max.message.bytes": 32 << 20})
    sent = [b"small", b"m" * (1 << 20), b"l" * (20 << 20), b"small"]
    send(broker.bootstrap, topic, sent, max_request_size=32 << 20, batch_size=1)
    (span,) = due(reader, topic)
    assert values(read(reader, span, size=1 << 20)) == sent


def test_a_tombstone_is_a_row_without_a_value(broker: Broker, topic: str, reader: Client) -> None:
    broker.create_topic(topic)
    send(broker.bootstrap, topic, [b"a", None, b"", b"b"])
    (batch,) = read_all(reader, topic)
    assert values([batch]) == [b"a", None, b"", b"b"]
    assert told(batch) == (0, 4, {})


def test_the_brokers_time_is_when_a_record_was_received(broker: Broker, topic: str, reader: Client) -> None:
    broker.create_topic(topic, settings={"message.timestamp.type": "LogAppendTime"})
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    send(broker.bootstrap, topic, [b"a"])
    (batch,) = read_all(reader, topic)
    assert before <= batch.column("observed_ts")[0].as_py() <= datetime.now(UTC)


def test_latest_reads_what_comes_after_the_first_look(broker: Broker, topic: str, reader: Client) -> None:
    broker.create_topic(topic, partitions=2)
    send(broker.bootstrap, topic, lines(10))
    latest = Policy("latest")
    (batch,) = read_all(reader, topic, policy=latest)
    assert (batch.num_rows, *told(batch)) == (0, 0, 10, {"before_start": 10})
    send(broker.bootstrap, topic, lines(5, start=10))
    send(broker.bootstrap, topic, [b"first of the empty one"], partition=1)
    assert values(read_all(reader, topic, policy=latest)) == [*lines(5, start=10), b"first of the empty one"]


def test_a_time_reads_from_its_first_record(broker: Broker, topic: str, reader: Client) -> None:
    broker.create_topic(topic, settings={"message.timestamp.type": "LogAppendTime"})
    send(broker.bootstrap, topic, lines(10))
    time.sleep(0.05)
    now = datetime.now(UTC)
    time.sleep(0.05)
    assert told(read_all(reader, topic, policy=Policy(now))[0]) == (0, 10, {"before_start": 10})
    send(broker.bootstrap, topic, lines(10, start=10))
    assert values(read_all(reader, topic, policy=Policy(now))) == lines(10, start=10)
    assert len(values(read_all(reader, topic, policy=Policy(now - timedelta(days=1))))) == 20


def test_offsets_are_published_for_lag_graphs(broker: Broker, topic: str, reader: Client) -> None:
    broker.create_topic(topic, partitions=2)
    first, second = reader.partitions([topic])
    reader.publish(f"g-{topic}", {first: 7, second: 0})
    reader.publish(f"g-{topic}", {first: 8})
    with broker.admin() as admin:
        offsets = admin.list_group_offsets(f"g-{topic}")[f"g-{topic}"]
    assert sorted((tp.partition, found.offset) for tp, found in offsets.items()) == [(0, 8), (1, 0)]


def test_a_group_that_somebody_subscribes_with_is_refused(broker: Broker, topic: str, reader: Client) -> None:
    from kafka import KafkaConsumer

    broker.create_topic(topic)
    other = KafkaConsumer(topic, bootstrap_servers=broker.bootstrap, group_id=f"g-{topic}")
    until = time.monotonic() + 20
    while not other.assignment() and time.monotonic() < until:
        other.poll(timeout_ms=200)
    with pytest.raises(KafkaError, match="somebody subscribes with it") as error:
        reader.publish(f"g-{topic}", {partition_of(reader, topic): 1})
    assert error.value.permanent
    other.close()


def test_threads_share_a_client(broker: Broker, topic: str, reader: Client) -> None:
    broker.create_topic(topic, partitions=4)
    for n in range(4):
        send(broker.bootstrap, topic, lines(2_000), partition=n)
    found: list[Any] = []

    def run(span: Span) -> None:
        found.append(values(read(reader, span, rows=300)))

    threads = [threading.Thread(target=run, args=(span,)) for span in due(reader, topic)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == [lines(2_000)] * 4


def test_a_fork_reads_with_connections_of_its_own(broker: Broker, topic: str, reader: Client) -> None:
    broker.create_topic(topic)
    send(broker.bootstrap, topic, lines(100))
    assert len(values(read_all(reader, topic))) == 100
    pid = os.fork()
    if not pid:
        try:
            ok = values(read_all(reader, topic)) == lines(100)
        finally:
            os._exit(0 if ok else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert len(values(read_all(reader, topic))) == 100
