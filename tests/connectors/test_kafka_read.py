"""Batches cut from what is fetched: each position of a span stands in exactly one, whatever is absent."""

import json
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.kafka.partitions import Partition
from connectors.kafka.policy import Span
from connectors.kafka.read import batches, skipped
from schemas.events import RECORDS

P = Partition("logs", 0, "kafka-c-t-0")
NOW_MS = int(time.time() * 1000)


@dataclass
class Log:
    """A log of (offset, value), fetched in chunks that end where `ends` say."""

    records: list[tuple[int, bytes | None]]
    ends: list[int]
    stamps: list[tuple[int, bool]] = field(default_factory=list)

    def fetch(self, start: int, *, rows: int, size: int) -> Any:
        assert rows > 0
        assert size > 0
        end = min(e for e in self.ends if e > start)
        found = [(o, v) for o, v in self.records if start <= o < end]
        stamps = self.stamps or [(NOW_MS, True)] * len(found)
        return Chunk(
            np.array([o for o, _ in found], np.int64),
            np.array([ms for ms, _ in stamps[: len(found)]], np.int64),
            np.array([a for _, a in stamps[: len(found)]], np.bool_),
            pa.array([v for _, v in found], pa.binary()),
            end,
        )

    def close(self) -> None:
        raise AssertionError("not asked to")


@dataclass
class Chunk:
    offsets: npt.NDArray[np.int64]
    timestamps: npt.NDArray[np.int64]
    appended: npt.NDArray[np.bool_]
    values: pa.BinaryArray
    next_offset: int
    unreadable: bool = False


def told(batch: pa.RecordBatch) -> tuple[int, int, dict[str, int]]:
    meta = batch.schema.metadata
    return int(meta[b"start"]), int(meta[b"end"]), json.loads(meta[b"skips"])


def read(log: Log, span: Span, rows: int = 100, size: int = 1 << 20) -> list[pa.RecordBatch]:
    return list(batches(span, log, batch_rows=rows, batch_bytes=size))


def test_a_batch_has_the_columns_of_records_and_says_what_it_is() -> None:
    (batch,) = read(Log([(0, b"a"), (1, None)], [2]), Span(P, 0, 0, 2, ""))
    assert batch.schema.equals(RECORDS)
    assert batch.column("raw").to_pylist() == [b"a", None]
    assert batch.column("source_offset").to_pylist() == [0, 1]
    assert batch.schema.metadata == {
        b"source": b"kafka-c-t-0", b"start": b"0", b"end": b"2", b"name": b"logs/0", b"topic": b"logs",
        b"skips": b"{}", b"alone": b"1",
    }  # fmt: skip


def test_absent_positions_are_counted_where_they_are() -> None:
    found = read(Log([(2, b"a"), (5, b"b")], [9]), Span(P, 0, 0, 9, ""), rows=1)
    assert [told(b) for b in found] == [(0, 3, {"absent": 2}), (3, 9, {"absent": 5})]


def test_skipped_positions_are_in_the_first_batch_under_their_reason() -> None:
    found = read(Log([(4, b"a"), (5, b"b")], [6]), Span(P, 1, 3, 6, "expired"), rows=1)
    assert [told(b) for b in found] == [(1, 5, {"expired": 2, "absent": 1}), (5, 6, {})]


def test_a_span_without_records_is_one_batch_without_rows() -> None:
    assert told(read(Log([], [3, 9]), Span(P, 0, 0, 9, ""))[0]) == (0, 9, {"absent": 9})
    assert told(skipped(Span(P, 0, 9, 9, "before_start"))) == (0, 9, {"before_start": 9})
    assert skipped(Span(P, 0, 9, 9, "before_start")).schema.equals(RECORDS)


def test_what_was_fetched_beyond_the_span_is_left_for_the_next() -> None:
    (batch,) = read(Log([(0, b"a"), (7, b"b")], [8]), Span(P, 0, 0, 5, ""))
    assert (batch.num_rows, *told(batch)) == (1, 0, 5, {"absent": 4})


def test_a_record_larger_than_a_batch_still_fits_one() -> None:
    found = read(Log([(0, b"x" * 50), (1, b"y" * 5), (2, b"z" * 5)], [3]), Span(P, 0, 0, 3, ""), size=10)
    assert [b.column("source_offset").to_pylist() for b in found] == [[0], [1, 2]]


def test_the_brokers_time_is_taken_and_the_producers_only_if_it_can_be() -> None:
    day = 86_400_000
    stamps = [(5, True), (NOW_MS - day, False), (5, False), (NOW_MS + 3 * day, False), (-1, False), (2**62, False)]
    log = Log([(n, b"") for n in range(len(stamps))], [len(stamps)], stamps)
    before = time.time_ns() // 1_000_000
    (batch,) = read(log, Span(P, 0, 0, len(stamps), ""))
    ms = [int(t.timestamp() * 1000) for t in batch.column("observed_ts").to_pylist()]
    assert ms[:2] == [5, NOW_MS - day]
    assert all(before <= t <= time.time_ns() // 1_000_000 for t in ms[2:])


def test_unreadable_positions_are_counted_apart_and_where_they_are() -> None:
    class Poisoned(Log):
        def fetch(self, start: int, *, rows: int, size: int) -> Any:
            found = super().fetch(start, rows=rows, size=size)
            found.unreadable = found.next_offset == 7
            return found

    log = Poisoned([(0, b"a"), (1, b"b"), (8, b"c")], [3, 7, 9])
    (batch,) = read(log, Span(P, 0, 0, 9, ""))
    assert told(batch) == (0, 9, {"absent": 2, "unreadable": 4})
    found = read(log, Span(P, 0, 0, 6, ""), rows=1)
    assert [told(b) for b in found] == [(0, 1, {}), (1, 3, {"absent": 1}), (3, 6, {"unreadable": 3})]


@st.composite
def logs(draw: st.DrawFn) -> tuple[Log, Span, int, int]:
    size = draw(st.integers(1, 60))
    offsets = sorted(draw(st.sets(st.integers(0, size - 1))))
    values = [draw(st.none() | st.binary(max_size=8)) for _ in offsets]
    ends = [*sorted(draw(st.sets(st.integers(1, size)))), size + 3]
    start, first, stop = sorted(draw(st.lists(st.integers(0, size), min_size=3, max_size=3)))
    span = Span(P, start, first, stop, "expired" if first > start else "")
    return Log(list(zip(offsets, values, strict=True)), ends), span, draw(st.integers(1, 9)), draw(st.integers(1, 30))


@given(logs())
def test_batches_stand_for_each_position_of_the_span_exactly_once(case: tuple[Log, Span, int, int]) -> None:
    log, span, rows, size = case
    if span.start == span.stop:
        return
    found = read(log, span, rows, size)
    at = span.start
    for batch in found:
        start, end, skips = told(batch)
        assert start == at
        at = end
        assert end - start == batch.num_rows + sum(skips.values())
        assert batch.num_rows <= rows
        lengths = [len(v) for v in batch.column("raw").to_pylist() if v is not None]
        assert sum(lengths) <= size or batch.num_rows == 1 or sum(n > 0 for n in lengths) == 1
    assert at == span.stop
    got = [(o, v) for b in found for o, v in zip(b["source_offset"].to_pylist(), b["raw"].to_pylist(), strict=True)]
    assert got == [(o, v) for o, v in log.records if span.first <= o < span.stop]


@pytest.mark.parametrize("position", [0, 3])
def test_a_slice_of_an_arrow_array_is_cut_like_any_other(position: int) -> None:
    class Sliced(Log):
        def fetch(self, start: int, *, rows: int, size: int) -> Any:
            chunk = super().fetch(start, rows=rows, size=size)
            chunk.values = pa.concat_arrays([pa.array([b"before"] * 5, pa.binary()), chunk.values]).slice(5)
            return chunk

    log = Sliced([(n, b"v" * n) for n in range(6)], [6])
    found = read(log, Span(P, position, position, 6, ""), size=7)
    assert [v for b in found for v in b["raw"].to_pylist()] == [b"v" * n for n in range(position, 6)]
