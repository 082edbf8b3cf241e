"""A client when records are gone, absent or uncommitted, or the broker is: nothing lost unsaid, nothing read twice."""

import time
from collections.abc import Iterator
from pathlib import Path

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
