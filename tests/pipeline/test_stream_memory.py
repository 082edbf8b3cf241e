"""What a worker gives back: what Beam's runs leave behind, and the heaps of threads."""

import ctypes
import gc
import subprocess
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from connectors.kafka import Partition, Span
from connectors.lake import Lake
from pipeline.committed import Committed
from pipeline.job import Job
from pipeline.stream_memory import Held, give_back, one_heap, settle
from pipeline.stream_run import Graph
from schemas.events import RECORDS, TS

PARTITION = Partition("logs", 0, "kafka-c-t-0")
ROWS = 500
HEAPS = """
import ctypes, sys, threading
from pipeline.stream_memory import one_heap
if sys.argv[1] == "one":
    one_heap()
libc = ctypes.CDLL(None)
gate = threading.Barrier(4)
def take():
    gate.wait()
    libc.malloc(1000)
    gate.wait()
threads = [threading.Thread(target=take) for _ in range(4)]
[t.start() for t in threads]
[t.join() for t in threads]
libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, "stdout"))
libc.fflush(None)
"""


class Source:
    """In the place of a worker and its client: gives lines, and counts what was committed."""

    def __init__(self) -> None:
        self.rows = 0

    @property
    def client(self) -> Any:
        return self

    def read(self, span: Span, **_: int) -> Iterator[pa.RecordBatch]:
        n, told = span.stop - span.start, {"source": span.partition.source, "name": str(span.partition), "skips": "{}"}
        told |= {"start": str(span.start), "end": str(span.stop), "topic": "logs", "alone": "1"}
        lines = pa.array([f"<13>Nov  3 10:00:00 h app[{i}]: took {i} ms".encode() for i in range(n)], pa.binary())
        at = pa.array(np.full(n, 1_700_000_000_000_000)).cast(TS)
        columns = [lines, pa.array(np.arange(span.start, span.stop)), at, pa.array(np.zeros(n, np.bool_))]
        yield pa.RecordBatch.from_arrays(columns, schema=RECORDS.with_metadata(told))

    def stopped(self) -> bool:
        return False

    def measure(self, _: Partition, __: pa.RecordBatch) -> None: ...

    def committed(self, one: Committed) -> None:
        self.rows += one.events


@pytest.fixture(autouse=True)
def _unfrozen() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_of_what_runs_have_held_nothing_is_left(tmp_path: Path) -> None:
    Lake.create(tmp_path / "lake")
    graph, source = Graph(Job(lake=tmp_path / "lake")), Source()

    def run(number: int) -> int:
        graph.run(source, [Span(PARTITION, number * ROWS, number * ROWS, (number + 1) * ROWS, "")])
        give_back()
        return pa.total_allocated_bytes()

    first = run(0)
    assert max(run(number) for number in range(1, 4)) - first < 10 * ROWS, "less than the lines of one run"
    assert source.rows == 4 * ROWS


def test_memory_is_given_back_when_enough_was_read_and_then_counted_anew() -> None:
    held = Held(enough=100)
    held.read(60)
    assert not held.rest()
    held.read(60)
    assert held.rest()
    assert not held.rest()


def test_what_is_there_after_the_first_time_is_not_looked_at_again_but_later_cycles_are() -> None:
    class Ring:
        def __init__(self) -> None:
            self.self = self

    held, before = Held(enough=1), gc.get_freeze_count()
    for _ in range(2):
        held.read(1)
        held.rest()
        settled = gc.get_freeze_count()
        assert settled > before + 10_000, "modules at least"
        gone = weakref.ref(Ring())
        assert gone() is not None
    held.read(1)
    held.rest()
    assert gone() is None
    assert gc.get_freeze_count() <= settled


def test_what_has_come_since_is_passed_over_too_once_it_has_settled() -> None:
    settle()
    before = gc.get_freeze_count()
    more = [[i] for i in range(5_000)]
    settle()
    assert gc.get_freeze_count() - before >= len(more)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_info"), reason="not glibc")
def test_threads_share_one_heap_when_told_to() -> None:
    def heaps(how: str) -> int:
        said = subprocess.run([sys.executable, "-c", HEAPS, how], capture_output=True, text=True, check=True)
        return said.stdout.count("<heap nr=")

    assert heaps("many") - heaps("one") >= 3, "of four threads; what libraries started before has heaps already"


def test_one_heap_is_no_matter_where_there_is_no_such_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    one_heap()
    give_back()
