"""The broker of the tests does what the tests trust it to do."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import InvalidTimestampError

from tests.engines.broker import Broker

pytestmark = pytest.mark.engines


def send(broker: Broker, topic: str, *values: bytes) -> None:
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap)
    for value in values:
        producer.send(topic, value)
    producer.close()


def values(broker: Broker, topic: str, count: int) -> list[bytes]:
    consumer = KafkaConsumer(
        bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest", consumer_timeout_ms=20_000
    )
    consumer.assign([TopicPartition(topic, 0)])
    found = [next(consumer).value for _ in range(count)]
    consumer.close()
    return found


def test_a_topic_can_be_given_more_partitions_and_deleted(broker: Broker, topic: str) -> None:
    broker.create_topic(topic, partitions=2)
    broker.add_partitions(topic, 3)
    with broker.admin() as admin:
        assert len(admin.describe_topics([topic])[0]["partitions"]) == 3
    broker.delete_topic(topic)


def test_a_killed_broker_comes_back_with_its_records_at_the_same_address(tmp_path: Path, topic: str) -> None:
    own = Broker(tmp_path)
    own.start()
    own.create_topic(topic, settings={"message.timestamp.type": "LogAppendTime"})
    send(own, topic, b"one", b"two")
    own.kill()
    own.start()
    assert values(own, topic, 2) == [b"one", b"two"]
    own.stop()


def test_records_before_a_given_offset_can_be_made_to_go(broker: Broker, topic: str) -> None:
    broker.create_topic(topic)
    send(broker, topic, b"one", b"two")
    broker.delete_records(topic, 0, 1)
    assert values(broker, topic, 1) == [b"two"]


def test_a_record_from_the_future_is_refused_unless_the_broker_stamps(broker: Broker, topic: str) -> None:
    broker.create_topic(topic)
    broker.create_topic(f"{topic}-stamped", settings={"message.timestamp.type": "LogAppendTime"})
    in_five_hours = int((time.time() + 5 * 3600) * 1000)
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap)
    producer.send(f"{topic}-stamped", b"early", timestamp_ms=in_five_hours).get(timeout=20)
    with pytest.raises(InvalidTimestampError):
        producer.send(topic, b"early", timestamp_ms=in_five_hours).get(timeout=20)
    producer.close()


def test_a_program_ends_when_the_tests_that_started_it_are_killed(tmp_path: Path) -> None:
    script = (
        "import os, pathlib\nfrom tests.engines.process import Service\n"
        f"one = Service('sleeper', pathlib.Path({str(tmp_path / 'log')!r}))\n"
        "one.run(['sleep', '600'])\nprint(one.pid, flush=True)\nos.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    pid = int(done.stdout)
    until = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and time.monotonic() < until:
        time.sleep(0.1)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
