"""Processes that are kept running, signals that drain, labels taken over, errors found in what Beam puts around them."""

import os
import signal
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from connectors.kafka import KafkaError, Span
from connectors.kafka.partitions import Partition
from connectors.lake import GapError, Lake, LakeError
from pipeline.job import Job
from pipeline.kept import Kept, kept
from pipeline.stream_signals import ONE_REQUEST_S, draining
from pipeline.supervise import FIRST_PAUSE_S, LONGEST_PAUSE_S, STEADY_S, Crew, Word
from schemas.events import PARSED
from schemas.registry import KINDS


def echo(name: str, pipe: Connection) -> None:
    """Be a process that says what it hears, until it hears `end`."""
    pipe.send(("pid", os.getpid()))
    while True:
        what, value = pipe.recv()
        if what == "end":
            pipe.send(("done", name))
            return
        pipe.send((what, value))


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def crew(clock: Clock) -> Iterator[Crew]:
    one = Crew(echo, clock)
    yield one
    one.kill()


def heard(crew: Crew, what: str, within_s: float = 60.0) -> Word:
    """Wait for a word."""
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        for word in crew.hear(0.1):
            if word.what == what:
                return word
    raise AssertionError(f"nobody said {what}")


def test_processes_are_heard_by_their_numbers_and_end_when_told(crew: Crew) -> None:
    crew.start(0, "a")
    crew.start(1, "b")
    crew.say(1, "hello", 5)
    assert heard(crew, "hello") == Word(1, "hello", 5)
    crew.say(0, "end")
    assert heard(crew, "done") == Word(0, "done", "a")
    crew.leave(0)
    assert crew.numbers() == [1]


def test_who_dies_is_told_of_and_the_next_hears_what_the_last_was_told(crew: Crew, clock: Clock) -> None:
    crew.start(0, "a")
    crew.say(0, "share", "old")
    crew.say(0, "share", "new")
    first = heard(crew, "pid").value
    heard(crew, "share")
    os.kill(first, signal.SIGKILL)
    assert heard(crew, "died").value == -signal.SIGKILL
    assert crew.again(0) == FIRST_PAUSE_S
    assert list(crew.hear(0.1)) == []
    clock.now += FIRST_PAUSE_S
    assert heard(crew, "pid").value != first
    assert heard(crew, "share").value == "new"


def test_who_dies_again_and_again_waits_longer_until_he_lives_a_while(crew: Crew, clock: Clock) -> None:
    crew.start(0, "a")
    pauses = [crew.again(0) for _ in range(9)]
    assert pauses[:3] == [FIRST_PAUSE_S, 2 * FIRST_PAUSE_S, 4 * FIRST_PAUSE_S]
    assert pauses[-1] == LONGEST_PAUSE_S
    clock.now += LONGEST_PAUSE_S
    heard(crew, "pid")
    clock.now += STEADY_S
    assert crew.again(0) == FIRST_PAUSE_S


def test_nobody_is_left_behind(crew: Crew) -> None:
    crew.start(0, "a")
    pid = heard(crew, "pid").value
    crew.kill()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_drains_and_the_second_ends_it(number: int, clock: Clock) -> None:
    with draining(clock) as asked:
        signal.raise_signal(signal.Signals(number))
        assert asked.stop.wait(1)
        assert asked.by == number
        clock.now += ONE_REQUEST_S  # one request still: `timeout` signals a process, and then its group
        signal.raise_signal(signal.Signals(number))
        clock.now += 0.1
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.Signals(number))


def test_signals_are_as_before_afterwards() -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    with draining():
        pass
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def parsed(message: str) -> pa.RecordBatch:
    now = pa.scalar(0, PARSED.field("ts").type).as_py()
    row: dict[str, Any] = {
        "ts": now, "ts_quality": "exact", "observed_ts": now, "host": "h", "app": "a", "message": message,
        "format": "plain", "source_offset": 0, "ordinal": 0,
    }  # fmt: skip
    return pa.RecordBatch.from_pylist([row], schema=PARSED.with_metadata({"source": "s"}))


def label(keeps: Kept, message: str) -> tuple[str, str]:
    row = keeps.label(parsed(message)).events.to_pylist()[0]
    return row["label_at_ingest"], row["stage"]


def publish(lake: Lake, name: str) -> None:
    rows = [row | {"label": name, "stage": "person", "confidence": 1.0} for row in lake.kinds().to_pylist()]
    lake.publish(pa.Table.from_pylist(rows, KINDS))


def test_a_label_that_was_published_holds_after_the_next_look(tmp_path: Path, clock: Clock) -> None:
    lake = Lake.create(tmp_path / "lake")
    keeps = Kept(Job(lake.root, refresh_s=5.0), clock)
    lake.note_novel(keeps.label(parsed("disk sda is full")).novel)
    publish(lake, "storage.disk")
    assert label(keeps, "disk sda is full")[1] != "person"
    clock.now = 5.0
    assert label(keeps, "disk sda is full") == ("storage.disk", "person")
    publish(lake, "storage.filesystem")
    assert label(keeps, "disk sda is full") == ("storage.disk", "person")
    clock.now = 10.0
    assert label(keeps, "disk sda is full") == ("storage.filesystem", "person")


def test_a_look_reads_only_registry_files_that_are_new(tmp_path: Path, clock: Clock) -> None:
    lake = Lake.create(tmp_path / "lake")
    keeps = Kept(Job(lake.root, refresh_s=5.0), clock)
    lake.note_novel(keeps.label(parsed("disk sda is full")).novel)
    publish(lake, "storage.disk")
    clock.now = 5.0
    label(keeps, "disk sda is full")
    for file in [*(lake.root / "novel").iterdir(), *(lake.root / "registry").iterdir()]:
        file.write_bytes(b"not to be read again")
    clock.now = 10.0
    assert label(keeps, "disk sda is full") == ("storage.disk", "person")


def test_what_a_process_keeps_is_made_once_a_job_and_anew_for_another_lake(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path / "lake")
    assert kept(Job(lake.root)) is kept(Job(lake.root))
    assert kept(Job(lake.root)) is not kept(Job(lake.root, floor=0.5))
    before = kept(Job(lake.root))
    lake.root.rename(tmp_path / "old")
    Lake.create(tmp_path / "lake")
    assert kept(Job(lake.root)) is not before


class Fails:
    """A client whose reads fail."""

    def __init__(self, error: Exception) -> None:
        self.client, self._error = self, error

    def read(self, *_: object, **__: object) -> Iterator[pa.RecordBatch]:
        raise self._error
        yield

    def stopped(self) -> bool:
        return False


@pytest.mark.parametrize(
    "error", [KafkaError("wrong password", permanent=True), LakeError("disk full"), GapError("behind")]
)
def test_an_error_of_ours_comes_out_of_beam_as_it_went_in(error: Exception, tmp_path: Path) -> None:
    import pipeline.quiet  # noqa: F401 - before Beam
    from pipeline.stream_run import Graph

    lake = Lake.create(tmp_path / "lake")
    with pytest.raises(type(error)) as caught:
        Graph(Job(lake.root)).run(Fails(error), [Span(Partition("t", 0, "kafka-a"), 0, 0, 1, "")])  # type: ignore[arg-type]
    assert caught.value is error


def test_a_graph_leaves_no_temporary_folder_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pipeline.quiet  # noqa: F401 - before Beam
    from pipeline.stream_run import Graph

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    Graph(Job(tmp_path / "lake"))
    assert not list(tmp_path.iterdir())
