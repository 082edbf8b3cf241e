"""rsyslog, started from the shipped snippets, hands dioptre each line with what the header said."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition

from tests.engines.broker import Broker
from tests.engines.rsyslog import Rsyslog, lacking
from tests.engines.secure import SecureBroker

pytestmark = [pytest.mark.engines, pytest.mark.skipif(bool(lacking()), reason=lacking())]
LOG_APPEND_TIME = {"message.timestamp.type": "LogAppendTime"}
Ship = Callable[..., Rsyslog]


@pytest.fixture
def ship(tmp_path: Path) -> Iterator[Ship]:
    """Starts an rsyslog from the shipped snippet; further words of the snippet are replaced as said."""
    started: list[Rsyslog] = []

    def start(brokers: str, topic: str, **replace: str) -> Rsyslog:
        places = {'"localhost:9092"': f'"{brokers}"', 'topic="logs"': f'topic="{topic}"'}
        one = Rsyslog(tmp_path / f"rsyslog{len(started)}", "dioptre.conf", {**places, **replace})
        started.append(one)
        one.start()
        return one

    yield start
    for one in started:
        one.stop()


def arrived(broker: Broker, topic: str, count: int, *, within_s: float = 60) -> dict[int, list[bytes]]:
    """Values by partition, once there are `count`, and a second later to see what is too much."""
    consumer = KafkaConsumer(bootstrap_servers=broker.bootstrap)
    places = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic))]
    until = time.monotonic() + within_s
    while sum(consumer.end_offsets(places).values()) < count and time.monotonic() < until:
        time.sleep(0.2)
    time.sleep(1)
    ends = consumer.end_offsets(places)
    found: dict[int, list[bytes]] = {}
    for place in places:
        consumer.assign([place])
        consumer.seek_to_beginning(place)
        found[place.partition] = [next(consumer).value for _ in range(ends[place])]
    consumer.close()
    return found


def count(found: dict[int, list[bytes]]) -> int:
    return sum(len(values) for values in found.values())


def events(broker: Broker, topic: str, lake: Path, columns: str) -> list[dict[str, Any]]:
    """Let dioptre read the topic to its end, and ask for columns of the events."""
    dioptre = str(Path(sys.executable).parent / "dioptre")
    where = ["--lake", str(lake)]
    read = [dioptre, "stream", "--until-end", "--brokers", broker.bootstrap, "--topic", topic, *where]
    done = subprocess.run(read, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr
    ask = [dioptre, "sql", *where, "--format", "jsonl", f"select {columns} from events"]
    answer = subprocess.run(ask, capture_output=True, text=True, check=True).stdout
    return [json.loads(line) for line in answer.splitlines()]


def test_lines_of_this_host_and_of_others_arrive_with_all_that_their_header_said(
    broker: Broker, topic: str, ship: Ship, tmp_path: Path
) -> None:
    broker.create_topic(topic, 3, LOG_APPEND_TIME)
    shipper = ship(broker.bootstrap, topic)
    shipper.log_locally("auth.crit", "sshd", "Failed password\tfor root")
    shipper.log_locally("local3.debug", "office", "geöffnet")
    shipper.log_remotely("-d", "-p", "cron.warning", "-t", "cron", "--rfc5424", "--msgid=RUN", message="took 7 s")
    shipper.log_remotely("-d", "-p", "kern.emerg", "-t", "kernel", "--rfc3164", message="panic: no init")
    shipper.log_remotely("-T", "-p", "daemon.info", "-t", "named", "--rfc5424", "--octet-count", message="zone loaded")
    shipper.datagram(b"<187>Oct 11 22:14:15 router1 %LINK-3-UPDOWN: Interface Gi0/1, changed state to down")
    shipper.datagram(b'<165>1 2026-10-11T22:14:15.003Z mail.example dovecot 17 ID47 [a@1 b="c"] login')
    assert count(arrived(broker, topic, 7)) == 7
    found = events(broker, topic, tmp_path / "lake", "host, app, severity, facility, procid, msgid, message")
    local = subprocess.run(["hostname"], capture_output=True, text=True, check=True).stdout.strip()
    wanted = [
        ("here", "sshd", 2, 4, "4711", None, "Failed password\tfor root"),
        ("here", "office", 7, 19, "4711", None, "geöffnet"),
        (local, "cron", 4, 9, None, "RUN", "took 7 s"),
        (local, "kernel", 0, 1, None, None, "panic: no init"),
        (local, "named", 6, 3, None, None, "zone loaded"),
        ("router1", "%LINK-3-UPDOWN", 3, 23, None, None, "Interface Gi0/1, changed state to down"),
        ("mail.example", "dovecot", 5, 20, "17", "ID47", "login"),
    ]
    assert sorted(map(str, (tuple(event.values()) for event in found))) == sorted(map(str, wanted))


def test_every_severity_of_every_facility_arrives_as_sent(
    broker: Broker, topic: str, ship: Ship, tmp_path: Path
) -> None:
    broker.create_topic(topic, settings=LOG_APPEND_TIME)
    shipper = ship(broker.bootstrap, topic)
    for priority in range(192):
        shipper.datagram(f"<{priority}>1 2026-10-11T22:14:15Z host app - - - priority is {priority}".encode())
    assert count(arrived(broker, topic, 192)) == 192
    found = events(broker, topic, tmp_path / "lake", "facility::int * 8 + severity as priority, message")
    assert all(event["message"] == f"priority is {event['priority']}" for event in found)
    assert len(found) == 192


def test_lines_are_spread_over_all_partitions(broker: Broker, topic: str, ship: Ship) -> None:
    broker.create_topic(topic, 3, LOG_APPEND_TIME)
    shipper = ship(broker.bootstrap, topic)
    for number in range(300):
        shipper.datagram(b"<14>1 2026-10-11T22:14:15Z host app - - - line %d" % number)
        time.sleep(0.005)
    found = arrived(broker, topic, 300)
    assert count(found) == 300
    assert all(found.values())


def test_with_a_key_all_lines_of_a_host_are_in_one_partition_in_order(broker: Broker, topic: str, ship: Ship) -> None:
    broker.create_topic(topic, 3, LOG_APPEND_TIME)
    shipper = ship(broker.bootstrap, topic, **{"#key=": "key="})
    for number in range(300):
        shipper.datagram(b"<14>1 2026-10-11T22:14:15Z host%d app - - - %03d" % (number % 10, number))
        time.sleep(0.002)
    found = arrived(broker, topic, 300)
    partitions: dict[bytes, set[int]] = {}
    for partition, values in found.items():
        for value in values:
            partitions.setdefault(value.split()[2], set()).add(partition)
    assert count(found) == 300
    assert {len(where) for where in partitions.values()} == {1}
    assert len(set.union(*partitions.values())) > 1
    for values in found.values():
        host0 = [value for value in values if b" host0 " in value]
        assert host0 == sorted(host0)


def test_a_device_whose_clock_runs_ahead_is_heard_where_the_broker_stamps(
    broker: Broker, topic: str, ship: Ship
) -> None:
    broker.create_topic(topic, settings=LOG_APPEND_TIME)
    shipper = ship(broker.bootstrap, topic)
    ahead = datetime.now(UTC) + timedelta(hours=5)
    shipper.datagram(f"<14>1 {ahead:%Y-%m-%dT%H:%M:%SZ} host app - - - early".encode())
    assert count(arrived(broker, topic, 1)) == 1


def test_nothing_is_lost_while_the_broker_is_away_and_only_the_line_at_hand_may_come_twice(
    tmp_path: Path, topic: str, ship: Ship
) -> None:
    own = Broker(tmp_path / "kafka")
    own.start()
    own.create_topic(topic, settings=LOG_APPEND_TIME)
    shipper = ship(own.bootstrap, topic)
    shipper.datagram(b"<14>1 2026-10-11T22:14:15Z host app - - - before")
    arrived(own, topic, 1)
    own.kill()
    for number in range(200):
        shipper.datagram(b"<14>1 2026-10-11T22:14:15Z host app - - - while away %d" % number)
        time.sleep(0.005)
    time.sleep(8)
    own.start()
    found = arrived(own, topic, 201)
    own.stop()
    assert len(set(found[0])) == 201
    assert count(found) <= 205  # once for each time that rsyslog suspended the action


def test_the_lines_for_tls_and_a_password_open_a_broker_that_wants_both(
    secure_broker: SecureBroker, topic: str, ship: Ship
) -> None:
    secure_broker.plain.create_topic(topic, settings=LOG_APPEND_TIME)
    signs = {
        f'#"{word}': f'"{word}' for word in ("security", "ssl", "sasl.mechanism", "sasl.username", "sasl.password")
    }
    own = {
        "/etc/ssl/certs/ca-certificates.crt": str(secure_broker.ca_file),
        "sasl.username=rsyslog": f"sasl.username={secure_broker.username}",
        "sasl.password=secret": f"sasl.password={secure_broker.password}",
    }
    ship(secure_broker.bootstrap, topic, **signs, **own).log_locally("auth.crit", "sshd", "hello")
    assert count(arrived(secure_broker.plain, topic, 1)) == 1
