"""What the lean fetcher gives is what kafka-python's own consumer gives; and kafka-python is as it relies on."""

import json
import struct
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import zstandard
from crc32c import crc32c
from kafka import KafkaProducer

from connectors.kafka import Client, Span, records
from connectors.kafka.cluster import Cluster
from connectors.kafka.errors import KafkaError
from connectors.kafka.fetch import LeanFetcher
from connectors.kafka.partitions import Partition
from connectors.kafka.polled import PolledFetcher
from connectors.kafka.undecoded import hand_over
from tests.bench.topics import batch, send
from tests.engines.broker import Broker

pytestmark = pytest.mark.engines

Row = tuple[int, int, bool, bytes | None]


@pytest.fixture(params=["by one", "by kernel"])
def few(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "FEW_RECORDS", 0 if request.param == "by kernel" else 1 << 40)


def produce(broker: Broker, topic: str, values: list[bytes | None], **settings: Any) -> None:
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap, **settings)
    for value in values:
        producer.send(topic, value, key=b"key", headers=[("a", b"b")])
    producer.close()


def read(kind: type[PolledFetcher], broker: Broker, topic: str, start: int, stop: int, **client: Any) -> list[Row]:
    """Fetch up to `stop`; the positions that fetches stand for must be the whole range."""
    fetcher = kind(Cluster((broker.bootstrap,), client=client), Partition(topic, 0, "x"), 10.0)
    rows: list[Row] = []
    at = start
    while at < stop:
        found = fetcher.fetch(at, rows=1000, size=1 << 20)
        assert found.next_offset > at
        columns = (found.offsets.tolist(), found.timestamps.tolist(), found.appended.tolist(), found.values.to_pylist())
        rows += zip(*columns, strict=True)
        at = found.next_offset
    assert at == stop
    fetcher.close()
    return rows


def alike(broker: Broker, topic: str, start: int, stop: int, **client: Any) -> list[Row]:
    lean = read(LeanFetcher, broker, topic, start, stop, **client)
    assert lean == read(PolledFetcher, broker, topic, start, stop, **client)
    return lean


def test_kafka_python_is_as_we_know_it_and_hands_over_undecoded(broker: Broker, topic: str) -> None:
    broker.create_topic(topic)
    fetcher = LeanFetcher(Cluster((broker.bootstrap,)), Partition(topic, 0, "x"), 10.0)
    assert fetcher.lean, "kafka-python has changed: mend connectors/kafka/undecoded.py, or reading is ten times as dear"
    fetcher.close()


def test_another_kafka_python_is_read_record_by_record(
    broker: Broker, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not hand_over(SimpleNamespace())
    assert not hand_over(SimpleNamespace(_fetcher=SimpleNamespace(PartitionRecords=dict)))
    monkeypatch.setattr("connectors.kafka.undecoded._GIVEN", {"something new"})
    broker.create_topic(topic)
    produce(broker, topic, [b"one", None])
    assert [row[3] for row in read(LeanFetcher, broker, topic, 0, 2)] == [b"one", None]


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("codec", [None, "gzip", "snappy", "lz4", "zstd"])
def test_each_codec_reads_alike_from_any_offset(broker: Broker, topic: str, codec: str | None) -> None:
    broker.create_topic(topic)
    values = [None if i % 50 == 9 else b"line %d " % i * (i % 30) for i in range(400)]
    produce(broker, topic, values, compression_type=codec, linger_ms=50)
    assert [row[3] for row in alike(broker, topic, 0, 400)] == values
    for start in (1, 123, 399):
        assert [row[0] for row in alike(broker, topic, start, 400)] == list(range(start, 400))


def test_the_broker_s_time_is_told_apart(broker: Broker, topic: str) -> None:
    broker.create_topic(topic, settings={"message.timestamp.type": "LogAppendTime"})
    produce(broker, topic, [b"a", b"b"])
    assert [row[2] for row in alike(broker, topic, 0, 2)] == [True, True]


def test_fetches_smaller_than_a_batch_and_records_of_a_megabyte_read_alike(broker: Broker, topic: str) -> None:
    broker.create_topic(topic)
    values = [bytes([65 + i % 26]) * (1_000_000 if i % 10 == 5 else 100) for i in range(40)]
    produce(broker, topic, values, linger_ms=50)
    assert [row[3] for row in alike(broker, topic, 0, 40, max_partition_fetch_bytes=20_000)] == values


def transact(broker: Broker, topic: str, name: str, batches: list[tuple[list[bytes], Callable[[Any], None]]]) -> None:
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap, transactional_id=name)
    producer.init_transactions()
    for values, end in batches:
        producer.begin_transaction()
        for value in values:
            producer.send(topic, value)
        producer.flush()
        end(producer)
    producer.close()


@pytest.mark.usefixtures("few")
def test_aborted_transactions_and_markers_are_left_out_alike(broker: Broker, topic: str) -> None:
    broker.create_topic(topic)
    commit, abort = KafkaProducer.commit_transaction, KafkaProducer.abort_transaction
    produce(broker, topic, [b"plain"])
    transact(broker, topic, f"{topic}-1", [([b"kept", b"kept"], commit), ([b"gone"] * 3, abort), ([b"kept"], commit)])
    transact(broker, topic, f"{topic}-2", [([b"gone"], abort), ([b"gone"], abort)])
    rows = alike(broker, topic, 0, 1 + 3 + 4 + 2 + 4)
    assert [(row[0], row[3]) for row in rows] == [(0, b"plain"), (1, b"kept"), (2, b"kept"), (8, b"kept")]
    assert [row[0] for row in alike(broker, topic, 5, 14)] == [8]


def test_an_offset_that_is_gone_or_not_yet_there_is_one_clear_error(broker: Broker, topic: str) -> None:
    broker.create_topic(topic)
    produce(broker, topic, [b"one", b"two", b"three"])
    broker.delete_records(topic, 0, 2)
    assert [row[3] for row in alike(broker, topic, 2, 3)] == [b"three"]
    for start in (0, 7):
        with pytest.raises(KafkaError, match=f"{topic}/0: offset {start} is not in the log"):
            read(LeanFetcher, broker, topic, start, 8)


def test_what_is_produced_while_reading_is_read_next(broker: Broker, topic: str) -> None:
    broker.create_topic(topic)
    fetcher = LeanFetcher(Cluster((broker.bootstrap,)), Partition(topic, 0, "x"), 10.0)
    for n in range(5):
        produce(broker, topic, [b"%d" % n])
        assert fetcher.fetch(n, rows=10, size=1000).values.to_pylist() == [b"%d" % n]
    assert fetcher.fetch(1, rows=10, size=1000).offsets.tolist() == [1, 2, 3, 4]
    fetcher.close()


def bomb(size: int) -> bytes:
    """A batch of one record of `size` zeros, compressed to a thousandth."""
    made = bytearray(batch([bytes(size)], time.time_ns() // 1_000_000))
    struct.pack_into(">h", made, 21, 4)
    made[61:] = zstandard.compress(bytes(made[61:]))
    struct.pack_into(">i", made, 8, len(made) - 12)
    struct.pack_into(">I", made, 17, crc32c(made[21:]))
    return bytes(made)


def test_a_bomb_is_counted_as_unreadable_and_stops_nothing(broker: Broker, topic: str) -> None:
    broker.create_topic(topic)
    produce(broker, topic, [b"before"])
    send(Cluster((broker.bootstrap,)), topic, 0, bomb(records.Limits().batch + 1))
    produce(broker, topic, [b"after"])
    client = Client(Cluster((broker.bootstrap,)))
    (partition,) = client.partitions([topic])
    (found,) = client.read(Span(partition, 0, 0, 3, ""), batch_rows=10, batch_bytes=1 << 20)
    assert found.column("raw").to_pylist() == [b"before", b"after"]
    assert json.loads(found.schema.metadata[b"skips"]) == {"unreadable": 1}
    client.close()


@pytest.fixture
def own(tmp_path: Any) -> Iterator[Broker]:
    one = Broker(tmp_path)
    one.start()
    yield one
    one.stop()


def test_a_broker_that_was_killed_and_came_back_is_read_on(own: Broker, topic: str) -> None:
    own.create_topic(topic)
    produce(own, topic, [b"one"])
    fetcher = LeanFetcher(Cluster((own.bootstrap,)), Partition(topic, 0, "x"), 30.0)
    assert fetcher.fetch(0, rows=10, size=1000).next_offset == 1
    own.kill()
    own.start()
    produce(own, topic, [b"two"])
    assert fetcher.fetch(1, rows=10, size=1000).values.to_pylist() == [b"two"]
    fetcher.close()
