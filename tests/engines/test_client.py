"""A client against a real broker: every record once, every loss told, every failure one clear line in time."""

import os
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.kafka import Client, KafkaError, Policy, Span
from tests.engines.broker import Broker
from tests.engines.kafka_kit import (
    client,
    due,
    partition_of,
    read,
    read_all,
    send,
    told,
    transaction,
    until,
    values,
)

pytestmark = pytest.mark.engines
CONTINUE = Policy(on_loss="continue")


@pytest.fixture
def reader(broker: Broker) -> Iterator[Client]:
    one = client(broker.bootstrap)
    yield one
    one.close()


def lines(n: int, start: int = 0) -> list[bytes]:
    return [b"line %d" % i for i in range(start, start + n)]


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


def test_a_log_that_no_longer_begins_at_0_is_bound_from_there(broker: Broker, topic: str, reader: Client) -> None:
    broker.create_topic(topic)
    send(broker.bootstrap, topic, lines(10))
    broker.delete_records(topic, 0, 4)
    (batch,) = read_all(reader, topic)
    assert (values([batch]), told(batch)) == (lines(6, start=4), (0, 10, {"before_start": 4}))


def test_records_deleted_before_they_were_read_stop_or_are_counted(broker: Broker, topic: str, reader: Client) -> None:
    broker.create_topic(topic)
    send(broker.bootstrap, topic, lines(10))
    broker.delete_records(topic, 0, 4)
    with pytest.raises(KafkaError, match="2 records, offsets 2 to 3, were deleted") as error:
        due(reader, topic, end=2)
    assert error.value.permanent
    (batch,) = read_all(reader, topic, end=2, policy=CONTINUE)
    assert (values([batch]), told(batch)) == (lines(6, start=4), (2, 10, {"expired": 2}))


def test_records_deleted_after_they_were_found_due_are_told_and_due_anew(
    broker: Broker, topic: str, reader: Client
) -> None:
    broker.create_topic(topic)
    send(broker.bootstrap, topic, lines(10))
    (span,) = due(reader, topic)
    broker.delete_records(topic, 0, 4)
    with pytest.raises(KafkaError, match="offset 0 is not in the log") as error:
        read(reader, span)
    assert not error.value.permanent
    assert values(read_all(reader, topic)) == lines(6, start=4)


def test_a_chain_beyond_the_log_stops_or_waits(broker: Broker, topic: str, reader: Client) -> None:
    broker.create_topic(topic)
    send(broker.bootstrap, topic, lines(10))
    with pytest.raises(KafkaError, match="log ends at 10, 12 was read"):
        due(reader, topic, end=12)
    assert due(reader, topic, end=12, policy=CONTINUE) == []


def test_holes_of_a_compacted_topic_are_counted_as_absent(broker: Broker, topic: str, reader: Client) -> None:
    prompt = {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": 0.001, "segment.bytes": 1 << 20}
    broker.create_topic(topic, settings={**prompt, "max.compaction.lag.ms": 100, "segment.ms": 100})
    keys = [b"k%d" % (i % 10) for i in range(2_000)]
    for part in range(4):
        send(broker.bootstrap, topic, lines(500, start=part * 500), keys=keys[:500])
        time.sleep(0.3)
    until = time.monotonic() + 60
    while (rows := len(values(found := read_all(reader, topic)))) == 2_000 and time.monotonic() < until:
        time.sleep(1)
        send(broker.bootstrap, topic, [b"roll"], keys=[b"roll"])
    end = told(found[-1])[1]
    assert 10 <= rows < end
    assert sum(told(b)[2].get("absent", 0) for b in found) == end - rows


def test_only_committed_records_are_read_and_the_rest_is_absent(broker: Broker, topic: str, reader: Client) -> None:
    broker.create_topic(topic)
    with transaction(broker.bootstrap, f"{topic}-a", commit=True) as producer:
        for line in lines(10):
            producer.send(topic, line, partition=0)
    with transaction(broker.bootstrap, f"{topic}-b", commit=False) as producer:
        for _ in range(500):
            producer.send(topic, b"never", partition=0)
    # The markers follow when the producer has gone on already.
    assert until(lambda: due(reader, topic)[0].stop == 512, 10)
    (span,) = due(reader, topic)
    found = read(reader, span)
    assert values(found) == lines(10)
    assert sum(told(b)[2]["absent"] for b in found) == 502


def test_an_open_transaction_holds_the_end_back(broker: Broker, topic: str, reader: Client) -> None:
    broker.create_topic(topic)
    send(broker.bootstrap, topic, lines(10))
    with transaction(broker.bootstrap, f"{topic}-c", commit=True) as producer:
        producer.send(topic, b"later", partition=0)
        producer.flush()
        send(broker.bootstrap, topic, [b"behind it"])
        assert values(read_all(reader, topic)) == lines(10)
    assert until(lambda: due(reader, topic, end=10) != [], 10)
    assert values(read_all(reader, topic, end=10)) == [b"later", b"behind it"]


def test_a_topic_created_anew_is_another_chain_and_its_old_spans_are_refused(
    broker: Broker, topic: str, reader: Client
) -> None:
    broker.create_topic(topic)
    send(broker.bootstrap, topic, lines(10))
    old = partition_of(reader, topic)
    assert values(read_all(reader, topic)) == lines(10)
    broker.delete_topic(topic)
    with pytest.raises(KafkaError, match="was deleted") as error:
        reader.partitions([topic])
    assert not error.value.permanent
    broker.create_topic(topic)
    send(broker.bootstrap, topic, [b"new"] * 10)
    assert partition_of(reader, topic).source != old.source
    for ask in (lambda: reader.bounds([old]), lambda: read(reader, Span(old, 0, 0, 10, ""))):
        with pytest.raises(KafkaError, match="created anew") as error:
            ask()
        assert not error.value.permanent
    assert values(read_all(reader, topic)) == [b"new"] * 10


def test_a_deleted_topic_is_not_created_again_by_reading(broker: Broker, topic: str, reader: Client) -> None:
    broker.create_topic(topic)
    send(broker.bootstrap, topic, lines(10))
    (span,) = due(reader, topic)
    read(reader, span)
    broker.delete_topic(topic)
    for _ in range(3):
        with pytest.raises(KafkaError):
            reader.bounds([span.partition])
        with pytest.raises(KafkaError):
            read(client(broker.bootstrap, timeout_s=2), span)
    with broker.admin() as admin:
        assert topic not in admin.list_topics()


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


def test_a_broker_that_was_away_is_found_again_and_nothing_is_lost(tmp_path: Path, topic: str) -> None:
    own = Broker(tmp_path)
    own.start()
    own.create_topic(topic)
    send(own.bootstrap, topic, lines(100))
    reader = client(own.bootstrap, timeout_s=3)
    assert values(read_all(reader, topic)) == lines(100)
    (span,) = due(reader, topic)
    own.kill()
    began = time.monotonic()
    for ask in (lambda: due(reader, topic), lambda: read(reader, span)):
        with pytest.raises(KafkaError) as error:
            ask()
        assert not error.value.permanent
    assert time.monotonic() - began < 20
    own.start()
    send(own.bootstrap, topic, lines(100, start=100))
    assert values(read_all(reader, topic, end=100)) == lines(100, start=100)
    own.pause()
    began = time.monotonic()
    with pytest.raises(KafkaError, match="no answer in time") as error:
        due(reader, topic, end=200)
    assert not error.value.permanent
    assert time.monotonic() - began < 10
    own.resume()
    send(own.bootstrap, topic, lines(100, start=200))
    assert values(read_all(reader, topic, end=200)) == lines(100, start=200)
    reader.close()
    own.stop()
