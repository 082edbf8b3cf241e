"""What the tests of the Kafka source share: records sent, and records read back with what was counted."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from connectors.kafka import Client, Cluster, Partition, Policy, Span, spans


def send(bootstrap: str, topic: str, values: Iterable[bytes | None], **settings: Any) -> None:
    """Send values in order; `keys`: one for each; `partition`: 0 unless given; other settings are the producer's."""
    from kafka import KafkaProducer

    partition, keys = settings.pop("partition", 0), settings.pop("keys", None)
    producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=5, **settings)
    for n, value in enumerate(values):
        producer.send(topic, value, partition=partition, key=keys[n] if keys else b"k")
    producer.flush()
    producer.close()


@contextmanager
def transaction(bootstrap: str, name: str, *, commit: bool) -> Iterator[Any]:
    """A producer within one transaction, which is committed or aborted at the end."""
    from kafka import KafkaProducer

    producer = KafkaProducer(bootstrap_servers=bootstrap, transactional_id=name, acks="all", linger_ms=5)
    producer.init_transactions()
    producer.begin_transaction()
    yield producer
    producer.flush()
    if commit:
        producer.commit_transaction()
    else:
        producer.abort_transaction()
    producer.close()


def client(bootstrap: str, **settings: Any) -> Client:
    """A client of a broker of the tests."""
    timeout_s = settings.pop("timeout_s", 10.0)
    return Client(Cluster((bootstrap,), **settings), timeout_s=timeout_s)


def due(reader: Client, topic: str, end: int | None = None, policy: Policy | None = None) -> list[Span]:
    """What is to be read of a topic whose chains all end at `end`."""
    bounds = reader.bounds(reader.partitions([topic]))
    return spans(bounds, dict.fromkeys(bounds, end), policy or Policy(), reader)


def read(reader: Client, span: Span, rows: int = 50_000, size: int = 16 << 20) -> list[pa.RecordBatch]:
    """Read a span, checking that its batches stand for each of its positions once."""
    found, at = [], span.start
    for batch in reader.read(span, batch_rows=rows, batch_bytes=size):
        start, end, skips = told(batch)
        assert start == at
        assert end - start == batch.num_rows + sum(skips.values())
        at = end
        found.append(batch)
    assert at == span.stop
    return found


def read_all(reader: Client, topic: str, end: int | None = None, policy: Policy | None = None) -> list[pa.RecordBatch]:
    """Read all that is due of a topic."""
    return [batch for span in due(reader, topic, end, policy) for batch in read(reader, span)]


def told(batch: pa.RecordBatch) -> tuple[int, int, dict[str, int]]:
    """What a batch stands for: start, end, skips."""
    meta = batch.schema.metadata
    return int(meta[b"start"]), int(meta[b"end"]), json.loads(meta[b"skips"])


def lines(n: int, start: int = 0) -> list[bytes]:
    """Records that say their number."""
    return [b"line %d" % i for i in range(start, start + n)]


def values(batches: Sequence[pa.RecordBatch]) -> list[bytes | None]:
    """The records of batches."""
    return [value for batch in batches for value in batch.column("raw").to_pylist()]


def partition_of(reader: Client, topic: str, number: int = 0) -> Partition:
    """One partition of a topic."""
    return reader.partitions([topic])[number]


def until(done: Callable[[], bool], within_s: float) -> bool:
    """Wait until something is so."""
    end = time.monotonic() + within_s
    while not done() and time.monotonic() < end:
        time.sleep(0.2)
    return done()
