"""The Beam source on real engines before a real broker: all records once, new partitions, losses, an orderly end."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.kafka import Cluster, KafkaError, Policy
from connectors.kafka.source import Reads
from connectors.lake import Lake
from tests.engines.broker import Broker
from tests.engines.kafka_kit import client, send, until
from tests.engines.prism import Prism
from tests.engines.source_kit import Asked, kept, kept_values, read_up, stream

pytestmark = pytest.mark.engines


@pytest.fixture(params=["prism", "flink"])
def engine(request: pytest.FixtureRequest) -> list[str]:
    """Options of a job on each engine, its workers in this process."""
    found: list[str] = request.getfixturevalue(request.param).options()
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "kept"
    made.mkdir()
    return made


@pytest.fixture
def reads(broker: Broker, tmp_path: Path) -> Callable[..., Reads]:
    def make(**more: Any) -> Reads:
        return Reads(Cluster((broker.bootstrap,)), flush_s=0.5, stopped=Asked(tmp_path / "stop"), **more)

    return make


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[list[Any]]:
    """Jobs to be ended after the test."""
    running: list[Any] = []
    yield running
    (tmp_path / "stop").touch()
    for job in running:
        end(job)


def end(job: Any) -> str:
    """Wait until a job is done, or cancel it: Flink's goes on when its sources have ended, and calls that an error."""
    try:
        state = str(job.wait_until_finish(5_000))
        if state in ("DONE", "FAILED", "CANCELLED"):
            return state
        job.cancel()
        return "CANCELLED"
    except Exception as error:
        return str(error)


def lines(n: int, start: int = 0) -> list[bytes]:
    return [b"line %06d" % i for i in range(start, start + n)]


def text(n: int) -> list[str]:
    return [line.decode() for line in lines(n)]


def test_a_bounded_run_reads_up_to_the_stops_and_the_next_goes_on(
    broker: Broker, topic: str, folder: Path, tmp_path: Path, reads: Callable[..., Reads]
) -> None:
    broker.create_topic(topic, partitions=2)
    lake = Lake.create(tmp_path / "lake")
    send(broker.bootstrap, topic, lines(3_000))
    reader = client(broker.bootstrap)
    first, second = reader.partitions([topic])
    settings = reads(lake=lake.root, batch_rows=1_000)
    read_up(settings, {first: 2_500, second: 0}, folder)
    assert kept_values(folder) == text(2_500)
    assert lake.chain(first.source).end() == 2_500
    read_up(settings, {first: 3_000, second: 0}, folder)
    assert [(int(t["start"]), int(t["end"])) for t in kept(folder)] == [
        (0, 1_000), (1_000, 2_000), (2_000, 2_500), (2_500, 3_000),
    ]  # fmt: skip
    read_up(settings, {first: 9_999, second: 9_999}, folder)
    assert kept_values(folder) == text(3_000)
    reader.close()


def test_a_bounded_run_binds_the_start_and_counts_a_loss(
    broker: Broker, topic: str, folder: Path, tmp_path: Path, reads: Callable[..., Reads]
) -> None:
    broker.create_topic(topic)
    lake = Lake.create(tmp_path / "lake")
    send(broker.bootstrap, topic, lines(10))
    reader = client(broker.bootstrap)
    (only,) = reader.partitions([topic])
    read_up(reads(lake=lake.root, policy=Policy("latest")), {only: 10}, folder)
    assert lake.chain(only.source).end() == 10
    send(broker.bootstrap, topic, lines(10, start=10))
    broker.delete_records(topic, 0, 15)
    with pytest.raises(Exception, match="5 records, offsets 10 to 14, were deleted"):
        read_up(reads(lake=lake.root), {only: 20}, folder)
    read_up(reads(lake=lake.root, policy=Policy(on_loss="continue")), {only: 20}, folder)
    assert [s.footer["skips"] for s in lake.chain(only.source).segments()] == [{"before_start": 10}, {"expired": 5}]
    assert kept_values(folder) == text(20)[15:]
    reader.close()


def test_a_bounded_run_whose_broker_is_away_ends_and_the_next_goes_on(topic: str, folder: Path, tmp_path: Path) -> None:
    own = Broker(tmp_path / "broker")
    own.start()
    own.create_topic(topic)
    send(own.bootstrap, topic, lines(100))
    reader = client(own.bootstrap)
    (only,) = reader.partitions([topic])
    settings = Reads(Cluster((own.bootstrap,)), lake=Lake.create(tmp_path / "lake").root)
    own.kill()
    read_up(settings, {only: 100}, folder)
    assert kept(folder) == []
    own.start()
    read_up(settings, {only: 100}, folder)
    assert kept_values(folder) == text(100)
    own.stop()


def test_partitions_are_read_as_they_appear_and_the_end_is_orderly(
    broker: Broker, topic: str, folder: Path, tmp_path: Path, reads: Callable[..., Reads], engine: list[str],
    jobs: list[Any],
) -> None:  # fmt: skip
    broker.create_topic(topic, partitions=2)
    send(broker.bootstrap, topic, lines(1_000), partition=0)
    send(broker.bootstrap, topic, lines(1_000, start=1_000), partition=1)
    jobs.append(stream(engine, reads(), [topic], folder))
    assert until(lambda: kept_values(folder) == text(2_000), 60)
    broker.add_partitions(topic, 3)
    time.sleep(1)
    send(broker.bootstrap, topic, lines(1_000, start=2_000), partition=2)
    assert until(lambda: kept_values(folder) == text(3_000), 30)
    (tmp_path / "stop").touch()
    assert end(jobs.pop()) == ("CANCELLED" if any("checkpointing" in option for option in engine) else "DONE")
    assert kept_values(folder) == text(3_000)


def test_a_second_job_begins_where_the_chain_ends(
    broker: Broker, topic: str, folder: Path, tmp_path: Path, reads: Callable[..., Reads], engine: list[str],
    jobs: list[Any],
) -> None:  # fmt: skip
    broker.create_topic(topic)
    lake = Lake.create(tmp_path / "lake")
    send(broker.bootstrap, topic, lines(500))
    jobs.append(stream(engine, reads(lake=lake.root), [topic], folder))
    assert until(lambda: len(kept_values(folder)) == 500, 60)
    (tmp_path / "stop").touch()
    end(jobs.pop())
    (tmp_path / "stop").unlink()
    send(broker.bootstrap, topic, lines(500, start=500))
    jobs.append(stream(engine, reads(lake=lake.root), [topic], folder))
    assert until(lambda: len(kept_values(folder)) == 1_000, 60)
    assert kept_values(folder) == text(1_000)


def test_an_unknown_topic_ends_the_job_with_one_clear_line_in_time(
    broker: Broker, topic: str, folder: Path, reads: Callable[..., Reads], prism: Prism
) -> None:
    broker.create_topic(topic)
    began = time.monotonic()
    job = stream(prism.options(), reads(), [topic + "x"], folder)
    with pytest.raises(Exception, match=f"did you mean {topic}"):
        job.wait_until_finish(40_000)
    assert time.monotonic() - began < 15


def test_an_unknown_topic_is_told_before_the_job_is_handed_in(topic: str, reads: Callable[..., Reads]) -> None:
    with pytest.raises(KafkaError, match="no such topic"):
        reads().check([topic])


def test_a_broker_that_is_away_is_waited_for_and_nothing_is_lost_or_doubled(
    topic: str, folder: Path, tmp_path: Path, engine: list[str], jobs: list[Any]
) -> None:
    own = Broker(tmp_path / "broker")
    own.start()
    own.create_topic(topic)
    send(own.bootstrap, topic, lines(1_000))
    settings = Reads(Cluster((own.bootstrap,)), flush_s=0.5, stopped=Asked(tmp_path / "stop"))
    jobs.append(stream(engine, settings, [topic], folder))
    assert until(lambda: len(kept_values(folder)) == 1_000, 60)
    own.kill()
    time.sleep(20)
    own.start()
    send(own.bootstrap, topic, lines(1_000, start=1_000))
    assert until(lambda: len(kept_values(folder)) >= 2_000, 60)
    assert kept_values(folder) == text(2_000)
    own.stop()
