"""`dioptre stream` against a real broker: exact rows, clean ends, clear failures, labels that change while it runs."""

import json
import os
import re
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pytest

from connectors.catalog import Session
from connectors.lake import Lake, verify
from schemas.registry import KINDS
from tests.engines.broker import Broker
from tests.engines.flink import FlinkJobServer
from tests.engines.kafka_kit import send
from tests.engines.prism import Prism
from tests.engines.process import free_port
from tests.engines.scene import BIN

pytestmark = pytest.mark.engines

PATIENCE_S = 120.0
"""Nothing here takes so long, unless the machine does ten things at once."""

ODD: list[bytes | None] = [
    b"", None, b"\x00\xff\x00\x01\x02", b"{" * 5000, b"<999>x", b"\xff\xfe\xfd", b"no header at all",
    b'{"message":', b"\x0a\x05hello", b"<34>", b" " * 70_000,
]  # fmt: skip


def lines(count: int, first: int = 0) -> list[bytes | None]:
    return [
        b"<34>1 2026-01-31T12:00:00Z web%d app%d - - - job %d is done" % (n % 3, n % 5, n)
        for n in range(first, first + count)
    ]


class Running:
    """One `dioptre stream` that runs; what it says goes to files."""

    def __init__(self, folder: Path, *options: str | Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.out, self.err = folder / "out", folder / "err"
        with self.out.open("w") as out, self.err.open("w") as err:
            self.process = subprocess.Popen(
                [BIN, "stream", *options], stdout=out, stderr=err, start_new_session=True, cwd=folder
            )

    def ended(self, within_s: float = PATIENCE_S) -> int:
        return self.process.wait(within_s)

    def logged(self) -> list[dict[str, Any]]:
        """The lines of its log, each of them JSON."""
        return [json.loads(line) for line in self.err.read_text().splitlines()]

    def said(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out.read_text())
        return found

    def workers(self) -> list[psutil.Process]:
        """The processes that read: those below the fork server."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        return [p for p in children if not p.children() and "resource_tracker" not in " ".join(p.cmdline())]


@contextmanager
def running(folder: Path, *options: str | Path) -> Iterator[Running]:
    one = Running(folder, *options)
    try:
        yield one
    finally:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()


def options(broker: Broker, lake: Path, *topics: str) -> list[str | Path]:
    return [
        "--brokers",
        broker.bootstrap,
        "--lake",
        lake,
        "--flush-s",
        "1",
        "--json",
        *(w for t in topics for w in ("--topic", t)),
    ]


def read_all(folder: Path, broker: Broker, lake: Path, topic: str, *more: str) -> dict[str, Any]:
    with running(folder, *options(broker, lake, topic), "--until-end", *more) as job:
        assert job.ended() == 0, job.err.read_text()
        return job.said()


def ask(lake: Path, query: str) -> list[dict[str, Any]]:
    with Session(Lake.open(lake), threads=1) as session:
        rows: list[dict[str, Any]] = session.run(query).to_pylist()
    return rows


def count(lake: Path) -> int:
    return int(ask(lake, "SELECT count(*) AS n FROM events")[0]["n"]) if (lake / "lake.json").exists() else 0


def until(true: Any, within_s: float = PATIENCE_S) -> None:
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.2)


def jobs(lake: Path) -> list[str]:
    """The numbers of the jobs that the lake tells of, doubled ones too."""
    rows = ask(lake, "SELECT regexp_extract(message, 'job ([0-9]+) is', 1) AS n FROM events")
    return sorted((row["n"] for row in rows if row["n"]), key=int)


def numbers(count: int) -> list[str]:
    return [str(n) for n in range(count)]


def test_a_bounded_run_brings_what_is_there_and_a_second_one_nothing(
    broker: Broker, topic: str, tmp_path: Path
) -> None:
    broker.create_topic(topic, 2)
    for partition in (0, 1):
        send(broker.bootstrap, topic, lines(1000, 1000 * partition), partition=partition)
    told = read_all(tmp_path, broker, tmp_path / "lake", topic)
    assert (told["events"], told["lag"], told["segments"], told["kinds"]) == (2000, 0, 2, 1)
    assert [p["end"] for p in told["partitions"]] == [1000, 1000]
    assert jobs(tmp_path / "lake") == numbers(2000)
    assert read_all(tmp_path, broker, tmp_path / "lake", topic)["events"] == 0
    send(broker.bootstrap, topic, lines(10, 2000))
    assert read_all(tmp_path, broker, tmp_path / "lake", topic)["events"] == 10
    assert jobs(tmp_path / "lake") == numbers(2010)


def test_records_that_cannot_be_read_are_rejects_and_stop_nothing(broker: Broker, topic: str, tmp_path: Path) -> None:
    broker.create_topic(topic)
    send(broker.bootstrap, topic, [*ODD, *lines(5), *ODD], max_request_size=1 << 20)
    told = read_all(tmp_path, broker, tmp_path / "lake", topic)
    assert jobs(tmp_path / "lake") == numbers(5)
    assert told["skipped"] == {"tombstone": 2}
    found = verify(Lake.open(tmp_path / "lake"))
    assert found.ok
    assert (found.total.events, found.total.rejects) == (told["events"], sum(told["rejects"].values()))
    assert ask(tmp_path / "lake", "SELECT count(*) AS n FROM rejects")[0]["n"] == sum(told["rejects"].values()) > 0


def test_sigterm_drains_and_the_log_is_json(broker: Broker, topic: str, tmp_path: Path) -> None:
    broker.create_topic(topic)
    lake = tmp_path / "lake"
    with running(tmp_path, *options(broker, lake, topic)) as job:
        send(broker.bootstrap, topic, lines(500))
        until(lambda: count(lake) == 500)
        began = time.monotonic()
        job.process.send_signal(signal.SIGTERM)
        assert job.ended() == 0
    assert time.monotonic() - began < 30
    assert job.said()["stopped"] is True
    assert job.said()["events"] == 500
    logged = job.logged()
    assert [logged[0]["event"], logged[-1]["event"]] == ["start", "stopped"]
    assert {"level", "timestamp"} <= logged[0].keys()
    assert not list(lake.rglob("*.part"))


def test_ctrl_c_drains_too_and_says_so_by_its_exit_code(broker: Broker, topic: str, tmp_path: Path) -> None:
    broker.create_topic(topic)
    with running(tmp_path, *options(broker, tmp_path / "lake", topic)) as job:
        send(broker.bootstrap, topic, lines(10))
        until(lambda: count(tmp_path / "lake") == 10)
        job.process.send_signal(signal.SIGINT)
        assert job.ended() == 130
    assert job.said()["events"] == 10


def test_two_jobs_on_one_lake_write_everything_once(broker: Broker, topic: str, tmp_path: Path) -> None:
    broker.create_topic(topic, 3)
    lake = tmp_path / "lake"
    with running(tmp_path / "a", *options(broker, lake, topic)) as a:
        until(lambda: (lake / "lake.json").exists())
        with running(tmp_path / "b", *options(broker, lake, topic), "--workers", "2") as b:
            for n in range(20):
                send(broker.bootstrap, topic, lines(100, 100 * n), partition=n % 3)
                time.sleep(0.3)
            until(lambda: count(lake) >= 2000)
            for job in (a, b):
                job.process.send_signal(signal.SIGTERM)
            assert (a.ended(), b.ended()) == (0, 0)
    assert jobs(lake) == numbers(2000)
    assert verify(Lake.open(lake)).ok
    assert a.said()["events"] + b.said()["events"] == 2000


def metrics(port: int) -> dict[str, float]:
    """Sums of the samples by name."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    found: dict[str, float] = {}
    for name, value in re.findall(r"^(\w+)(?:\{[^}]*\})? ([0-9.e+-]+)$", text, re.M):
        found[name] = found.get(name, 0.0) + float(value)
    return found


def test_workers_that_are_killed_come_back_and_the_metrics_stay_true(
    broker: Broker, topic: str, tmp_path: Path
) -> None:
    broker.create_topic(topic, 2)
    lake, port = tmp_path / "lake", free_port()
    with running(tmp_path, *options(broker, lake, topic), "--workers", "2", "--listen", f"127.0.0.1:{port}") as job:
        until(lambda: (lake / "lake.json").exists() and len(job.workers()) == 2)
        for n in range(6):
            send(broker.bootstrap, topic, lines(200, 200 * n), partition=n % 2)
            if n in (2, 4):
                for worker in job.workers():
                    worker.kill()
            time.sleep(0.5)
        until(lambda: count(lake) == 1200)
        until(lambda: metrics(port)["dioptre_lag_records"] == 0)
        told = metrics(port)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10) as answer:
            assert answer.status == 200
        job.process.send_signal(signal.SIGTERM)
        assert job.ended() == 0
    held = verify(Lake.open(lake))
    assert held.ok
    assert jobs(lake) == numbers(1200)
    assert told["dioptre_events_total"] == told["dioptre_lines_total"] == held.total.events
    assert told["dioptre_segments_total"] == held.total.segments
    assert told["dioptre_worker_restarts_total"] == job.said()["restarts"] == 4
    assert any(line["event"] == "worker died" for line in job.logged())


def test_a_label_given_by_a_person_is_taken_over_while_running(broker: Broker, topic: str, tmp_path: Path) -> None:
    broker.create_topic(topic)
    lake = tmp_path / "lake"
    with running(tmp_path, *options(broker, lake, topic)) as job:
        send(broker.bootstrap, topic, lines(5))
        until(lambda: count(lake) == 5)
        opened = Lake.open(lake)
        kinds = [
            row | {"label": "auth.login", "stage": "person", "confidence": 1.0, "settled": True}
            for row in opened.kinds().to_pylist()
        ]
        opened.publish(pa.Table.from_pylist(kinds, KINDS))
        time.sleep(10)
        send(broker.bootstrap, topic, lines(5, 5))
        until(lambda: count(lake) == 10)
        job.process.send_signal(signal.SIGTERM)
        assert job.ended() == 0
    rows = ask(lake, "SELECT source_offset < 5 AS before, label_at_ingest, stage FROM events_raw")
    assert {(r["label_at_ingest"], r["stage"]) for r in rows if not r["before"]} == {("auth.login", "person")}
    assert {r["stage"] for r in rows if r["before"]} != {"person"}


def test_partitions_that_appear_are_read_from_their_first_record(broker: Broker, topic: str, tmp_path: Path) -> None:
    broker.create_topic(topic)
    send(broker.bootstrap, topic, lines(10))
    lake = tmp_path / "lake"
    with running(tmp_path, *options(broker, lake, topic), "--start", "latest", "--workers", "2") as job:
        until(lambda: (lake / "lake.json").exists() and Lake.open(lake).sources())
        broker.add_partitions(topic, 3)
        send(broker.bootstrap, topic, lines(20), partition=2)
        until(lambda: count(lake) == 20, within_s=60)
        job.process.send_signal(signal.SIGTERM)
        assert job.ended() == 0
    assert job.said()["skipped"] == {"before_start": 10}
    assert len(job.said()["partitions"]) == 3


def test_a_topic_created_anew_is_a_new_chain(broker: Broker, topic: str, tmp_path: Path) -> None:
    broker.create_topic(topic)
    send(broker.bootstrap, topic, lines(10))
    lake = tmp_path / "lake"
    with running(tmp_path, *options(broker, lake, topic)) as job:
        until(lambda: count(lake) == 10)
        broker.delete_topic(topic)
        time.sleep(2)
        broker.create_topic(topic)
        send(broker.bootstrap, topic, lines(7))
        until(lambda: count(lake) == 17)
        job.process.send_signal(signal.SIGTERM)
        assert job.ended() == 0
    assert len(Lake.open(lake).sources()) == 2
    assert verify(Lake.open(lake)).ok


def failed(folder: Path, *words: str | Path) -> tuple[int, str, float]:
    began = time.monotonic()
    done = subprocess.run([BIN, "stream", *words], capture_output=True, text=True, cwd=folder, timeout=PATIENCE_S)
    return done.returncode, done.stderr, time.monotonic() - began


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--topic", "logz"], "logz: {broker} has no such topic"),
        (["--topic", "logs", "--brokers", "localhost:1"], "localhost:1: nobody listens there"),
        (["--brokers", "localhost:1"], "no topic is named"),
        (["--topic", "logs", "--runner", "DirectRunner"], "--runner DirectRunner: it is another runner from one job"),
        (["--topic", "logs", "--runner", "FlinkRunner", "--", "--flink_mastr=x"], "--flink_mastr is not an option"),
        (["--topic", "logs", "--", "--flink_mastr=x"], "--flink_mastr=x: without an engine"),
        (
            ["--topic", "logs", "--runner", "PortableRunner", "--", "--job_endpoint=localhost:1"],
            "localhost:1: no job server",
        ),
        (["--topic", "logs", "--start", "yesterdaz"], "--start yesterdaz: not a time"),
    ],
)
def test_what_will_never_work_is_told_at_once(given: Sequence[str], told: str, broker: Broker, tmp_path: Path) -> None:
    own = [] if "--brokers" in given else ["--brokers", broker.bootstrap]
    code, err, seconds = failed(tmp_path, *own, "--lake", tmp_path / "lake", *given)
    assert code == 2
    assert err.startswith("error: " + told.format(broker=broker.bootstrap)), err
    assert len(err.splitlines()) <= 2
    assert seconds < 15 * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    assert not (tmp_path / "lake").exists()


def test_a_lake_that_cannot_be_written_ends_the_job_in_one_line(broker: Broker, topic: str, tmp_path: Path) -> None:
    broker.create_topic(topic)
    send(broker.bootstrap, topic, lines(10))
    lake = Lake.create(tmp_path / "lake").root
    landing = lake / "events" / "landing"
    landing.rename(lake / "events" / "aside")
    landing.write_text("no folder")
    code, err, _ = failed(tmp_path, *options(broker, lake, topic)[:-3], "--topic", topic, "--until-end")
    assert code == 2
    told = [line for line in err.splitlines() if not line.startswith("{")]
    assert told[0].startswith(f"error: {tmp_path}/lake: cannot")
    assert "Traceback" not in err


def on_engine(broker: Broker, topic: str, folder: Path, name: str, beam: list[str]) -> Running:
    """Stream on an engine, end it by SIGTERM after all has arrived."""
    broker.create_topic(topic, 2)
    send(broker.bootstrap, topic, lines(300))
    lake = folder / "lake"
    with running(folder, *options(broker, lake, topic), "--runner", name, "--", *beam) as job:
        until(lambda: count(lake) == 300)
        send(broker.bootstrap, topic, lines(200, 300), partition=1)
        until(lambda: count(lake) == 500)
        began = time.monotonic()
        job.process.send_signal(signal.SIGTERM)
        assert job.ended() == 0, job.err.read_text()
        assert time.monotonic() - began < 30 * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    assert jobs(lake) == numbers(500)
    assert verify(Lake.open(lake)).ok
    return job


def test_prism_streams_and_drains(broker: Broker, prism: Prism, topic: str, tmp_path: Path) -> None:
    job = on_engine(broker, topic, tmp_path, "PortableRunner", prism.options()[1:])
    assert job.said()["events"] == 500


def test_flink_streams_and_drains(broker: Broker, flink: FlinkJobServer, topic: str, tmp_path: Path) -> None:
    job = on_engine(broker, topic, tmp_path, "PortableRunner", flink.options()[1:])
    assert job.said()["events"] == 500


@pytest.mark.parametrize("engine", ["prism", "flink"])
def test_a_bounded_run_on_an_engine_ends_by_itself(
    engine: str, broker: Broker, topic: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    broker.create_topic(topic, 2)
    send(broker.bootstrap, topic, lines(100))
    lake, beam = tmp_path / "lake", request.getfixturevalue(engine).options()[1:]
    words = [*options(broker, lake, topic), "--until-end", "--runner", "PortableRunner", "--", *beam]
    with running(tmp_path, *words) as job:
        assert job.ended() == 0, job.err.read_text()
    assert jobs(lake) == numbers(100)
