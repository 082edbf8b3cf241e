"""Learning beside a stream: nobody waits for it, whatever becomes of it."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import cast

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from learn_kit import Last, learner, meet, new_lake, rows

from classifiers.ledger import Ledger
from connectors.lake import Lake
from pipeline.job import Job
from pipeline.learn import Learned, Learner
from pipeline.stream_cpu import cpu_of
from pipeline.stream_learn import Learning, be

LINES = [("named", "zone transfer from primary completed"), ("chronyd", "selected source as reference clock")]
PATIENCE_S = 60.0


def quick(job: Job, pipe: Connection) -> None:
    assert job.lake is not None
    be(learner(Lake.open(job.lake)), pipe)


def asked(lake: Path) -> Path:
    """The file that says that the last stage of `slow` is asked."""
    return lake.with_name("asked")


def may_answer(lake: Path) -> Path:
    """The file that the last stage of `slow` waits for."""
    return lake.with_name("may-answer")


def slow(job: Job, pipe: Connection) -> None:
    lake = job.lake
    assert lake is not None

    def hang() -> None:
        asked(lake).touch()
        until(may_answer(lake).exists)

    be(learner(Lake.open(lake), Last(first=hang)), pipe)


def endless(job: Job, pipe: Connection) -> None:
    assert job.lake is not None
    be(learner(Lake.open(job.lake), Last(first=threading.Event().wait)), pipe)


def busy(job: Job, pipe: Connection) -> None:
    while True:
        pass


class Hoarder:
    """In the place of a learner: a pass leaves a megabyte in a cycle, and tells what was held when it began."""

    def __init__(self, lake: Lake) -> None:
        self.lake = lake

    def once(self) -> Learned:
        held = pa.total_allocated_bytes()
        left: list[object] = [pc.cast(pa.array(range(1 << 17)), pa.float64())]
        left.append(left)
        return Learned(calls={"held": held}, published=1)


def hoarding(job: Job, pipe: Connection) -> None:
    assert job.lake is not None
    be(cast("Learner", Hoarder(Lake.open(job.lake))), pipe)


def until(true: Callable[[], bool]) -> None:
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < PATIENCE_S, "waited too long"
        time.sleep(0.05)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    made = new_lake(tmp_path / "lake")
    meet(made, LINES[:1])
    return made


@pytest.fixture
def started(lake: Lake) -> Iterator[Callable[..., Learning]]:
    made: list[Learning] = []

    def start(target: Callable[..., None], hangs_s: float = 900.0) -> Learning:
        made.append(Learning(Job(lake.root), 1.0, 0.0, hangs_s=hangs_s, target=target))
        return made[-1]

    yield start
    for one in made:
        one.kill()


def test_what_a_pass_took_reaches_the_ledger_also_where_it_publishes_nothing_and_where_it_is_killed(lake: Lake) -> None:
    ledger = Ledger()
    learning = Learning(Job(lake.root), 1.0, 0.0, target=quick, ledger=ledger)
    try:
        learning.look(2.0)
        until(lambda: learning.look(2.1) is None and settled(lake) == [True])
        learning.look(4.0)
        until(lambda: bool(learning.look(4.1) or learning._asked is None))
        passes = ledger.drain()
        assert {(stage, name) for _, stage, _, name, _ in passes} == {("learn", "cpu_s")}
        pid, itself = learning.pid(), float(pc.sum(lake.ledger()[0]["cpu_s"]).as_py())
        told = itself + sum(n for *_, n in passes)
        assert told == pytest.approx(cpu_of(pid), abs=0.05)
    finally:
        learning.kill()
    killed = Learning(Job(lake.root), 1.0, 0.0, target=busy, ledger=ledger)
    killed.look(2.0)
    until(lambda: cpu_of(killed.pid()) > 0.3)
    killed.kill()
    assert [(stage, n > 0.2) for _, stage, _, _, n in ledger.drain()] == [("learn", True)]


def test_what_a_pass_has_held_is_given_back_before_the_next(started: Callable[..., Learning]) -> None:
    learning, held = started(hoarding), []
    for now in (2.0, 4.0):
        learning.look(now)
        until(lambda now=now: not learning.look(now) and learning._asked is None)  # type: ignore[misc]
        held.append(learning.calls["held"])
    assert held[1] - 2 * held[0] < 1 << 20, "of the second pass, less the first's, which is counted twice"


def settled(lake: Lake) -> list[object]:
    return [row["settled"] for row in rows(lake).values()]


def test_nothing_is_started_before_it_is_due_and_nothing_ever_when_it_is_off(lake: Lake) -> None:
    off = Learning(Job(lake.root), 0.0, 0.0, target=quick)
    assert (off.look(1e9), off.pid()) == (None, None)
    on = Learning(Job(lake.root), 30.0, 0.0, target=quick)
    assert (on.look(29.0), on.pid()) == (None, None)


def test_while_the_last_stage_hangs_new_kinds_are_noted_and_labels_settle_afterwards(
    lake: Lake, started: Callable[..., Learning]
) -> None:
    learning = started(slow)
    assert learning.look(2.0) is None
    first = learning.pid()
    until(asked(lake.root).exists)
    meet(lake, LINES[1:], first=9)
    for now in (3.5, 5.0, 6.5):
        assert learning.look(now) is None
    assert learning.pid() == first
    assert settled(lake) == [False, False]
    may_answer(lake.root).touch()
    began = time.monotonic()

    def went_on() -> bool:
        assert learning.look(7.0 + time.monotonic() - began) is None
        return settled(lake) == [True, True]

    until(went_on)
    assert learning.pid() == first


def test_a_learner_that_died_is_told_of_and_another_settles_the_labels(
    lake: Lake, started: Callable[..., Learning]
) -> None:
    learning = started(slow)
    learning.look(2.0)
    until(asked(lake.root).exists)
    os.kill(learning.pid() or 0, signal.SIGKILL)
    may_answer(lake.root).touch()
    told: list[str | None] = []

    def heard() -> bool:
        told.append(learning.look(2.1))
        return told[-1] is not None

    until(heard)
    assert told[-1] == "the learner ended with exit code -9"
    assert learning.pid() is None
    began = time.monotonic()

    def settles() -> bool:
        learning.look(10.0 + time.monotonic() - began)
        return settled(lake) == [True]

    until(settles)


def test_a_pass_that_hangs_is_given_up(lake: Lake, started: Callable[..., Learning]) -> None:
    learning = started(endless, hangs_s=5.0)
    learning.look(2.0)
    first = learning.pid()
    assert learning.look(6.9) is None
    assert learning.look(7.1) == "learning took more than 5 s; it begins anew"
    assert learning.pid() not in (None, first)
