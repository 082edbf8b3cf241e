"""What deploy/compose runs, run here without containers: generator -> relay -> Kafka -> dioptre."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engines.broker import Broker
from tests.engines.process import Service, free_port
from tests.engines.rsyslog import SNIPPETS, lacking

pytestmark = [pytest.mark.engines, pytest.mark.skipif(bool(lacking()), reason=lacking())]
COMPOSE = SNIPPETS.parents[1] / "compose"


def dioptre(*words: str) -> str:
    command = [str(Path(sys.executable).parent / "dioptre"), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=180).stdout


def test_what_the_generator_sends_the_relay_ships_and_dioptre_labels(
    broker: Broker, topic: str, tmp_path: Path
) -> None:
    broker.create_topic(topic, 4, {"message.timestamp.type": "LogAppendTime"})
    port = str(free_port())
    relay = Service("relay", tmp_path / "relay.log")
    spool = {"SNIPPETS": str(SNIPPETS), "SPOOL": str(tmp_path), "PORT": port}
    relay.run([COMPOSE / "rsyslog" / "relay.sh"], env={"BROKERS": broker.bootstrap, "TOPIC": topic, **spool})
    relay.wait_until((tmp_path / "rsyslogd.pid").exists, within_s=30)
    amount = {"RELAY": "127.0.0.1", "PORT": port, "RATE": "30", "LINES": "60"}
    subprocess.run([COMPOSE / "generator" / "generate.sh"], env={**os.environ, **amount}, check=True, timeout=60)
    lake = ["--lake", str(tmp_path / "lake")]
    dioptre("stream", "--until-end", "--brokers", broker.bootstrap, "--topic", topic, *lake)
    relay.stop()
    asked = "select count(*) as events, count(distinct app) as apps, count(distinct severity) as severities from events"
    answer = json.loads(dioptre("sql", *lake, "--format", "jsonl", f"{asked} where app <> 'rsyslogd'"))
    assert answer == {"events": 60, "apps": 8, "severities": 6}
