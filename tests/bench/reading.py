"""Read a topic to its end in this process, in one of the ways that bench_stream compares; tells what it took as JSON.

poll    kafka-python's own loop: consumer.poll, record by record
fetch   the same consumer with nothing decoded: connections, protocol, copies
decode  fetched and decoded into Arrow (LeanFetcher)
read    as the stream reads it (Client.read): RECORDS batches
"""

import json
import sys
import time
from collections.abc import Callable, Iterator

from connectors.kafka import Client, Cluster, Span
from connectors.kafka.fetch import LeanFetcher
from connectors.kafka.partitions import Partition
from connectors.kafka.polled import PolledFetcher

BATCH_ROWS, BATCH_BYTES = 50_000, 16 << 20


def poll(cluster: Cluster, partition: Partition, stop: int) -> Iterator[int]:
    """Poll until `stop`; records of each poll."""
    fetcher = PolledFetcher(cluster, partition, 30.0)
    consumer, at = fetcher._consumer, 0
    consumer.seek(fetcher._tp, 0)
    while at < stop:
        for records in consumer.poll(timeout_ms=500, max_records=BATCH_ROWS).values():
            at = records[-1].offset + 1
            yield len(records)


def fetch(cluster: Cluster, partition: Partition, stop: int) -> Iterator[int]:
    """Fetch until `stop` and decode nothing."""
    fetcher, at = LeanFetcher(cluster, partition, 30.0), 0
    fetcher._consumer.seek(fetcher._tp, 0)
    while at < stop:
        answer = fetcher._answer()
        yield answer.next - at
        at = answer.next


def decode(cluster: Cluster, partition: Partition, stop: int) -> Iterator[int]:
    """Fetch and decode until `stop`."""
    fetcher, at = LeanFetcher(cluster, partition, 30.0), 0
    while at < stop:
        found = fetcher.fetch(at, rows=BATCH_ROWS, size=BATCH_BYTES)
        at = found.next_offset
        yield len(found.offsets)


def read(cluster: Cluster, partition: Partition, stop: int) -> Iterator[int]:
    """Read as the stream does, until `stop`."""
    client = Client(cluster, timeout_s=30.0)
    for batch in client.read(Span(partition, 0, 0, stop, ""), batch_rows=BATCH_ROWS, batch_bytes=BATCH_BYTES):
        yield batch.num_rows


WAYS: dict[str, Callable[[Cluster, Partition, int], Iterator[int]]] = {
    "poll": poll, "fetch": fetch, "decode": decode, "read": read,
}  # fmt: skip


def main() -> None:
    """`python -m tests.bench.reading WAY BOOTSTRAP TOPIC`: reads twice, and tells of the second time."""
    way, bootstrap, topic = sys.argv[1:]
    client = Client(Cluster((bootstrap,)), timeout_s=30.0)
    (partition,) = client.partitions([topic])
    stop = client.bounds([partition])[partition].end
    list(zip(range(2), WAYS[way](client.cluster, partition, stop), strict=False))  # imports, compiles, connects
    wall, cpu = time.monotonic(), time.process_time()
    records = sum(WAYS[way](client.cluster, partition, stop))
    print(json.dumps({"records": records, "wall_s": time.monotonic() - wall, "cpu_s": time.process_time() - cpu}))


if __name__ == "__main__":
    main()
