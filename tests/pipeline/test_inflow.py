"""Lines that arrive on a stream: cut anywhere, bounded, and labelled as if they had come at once."""

import io

from hypothesis import given
from hypothesis import strategies as st

from pipeline.inflow import Flow, Lines, arriving, records_of
from pipeline.job import Job
from pipeline.once import Once

TRACE = (
    b"Nov 20 11:14:15 app1 shop[7]: order failed\n"
    b"Traceback (most recent call last):\n"
    b'  File "shop.py", line 3, in pay\n'
    b"ValueError: no card\n"
    b"  goes on\n"
    b"Nov 20 11:14:16 app1 shop[7]: next\n"
)


@given(st.lists(st.binary(max_size=30)), st.integers(1, 20))
def test_however_a_stream_is_cut_the_lines_are_the_same(parts: list[bytes], limit: int) -> None:
    lines, found = Lines(limit), []
    for part in parts:
        found += lines.feed(part)
    found += lines.end()
    expected, at = [], 0
    for line in io.BytesIO(b"".join(parts)):
        expected.append((line[:limit], at, len(line) > limit))
        at += len(line)
    assert found == expected


def test_a_line_without_end_takes_no_more_memory_than_the_limit() -> None:
    lines = Lines(1000)
    for _ in range(1000):
        assert lines.feed(b"x" * 1000) == []
    assert sum(map(len, lines._open)) <= 1000
    assert lines.feed(b"\nnext\n") == [(b"x" * 1000, 0, True), (b"next\n", 1_000_001, False)]


def test_what_is_there_is_given_at_once() -> None:
    class Slow(io.RawIOBase):
        def __init__(self) -> None:
            self.parts = [b"one\ntw", b"o\n", b"three"]

        def readable(self) -> bool:
            return True

        def readinto(self, into: bytearray) -> int:  # type: ignore[override]
            part = self.parts.pop(0) if self.parts else b""
            into[: len(part)] = part
            return len(part)

    batches = arriving(io.BufferedReader(Slow()), 100, lambda: 1)  # type: ignore[arg-type]
    assert [batch.column("raw").to_pylist() for batch in batches] == [[b"one\n"], [b"two\n"], [b"three"]]


def test_a_stack_trace_goes_on_across_every_cut() -> None:
    lines = [(line, i * 100, False) for i, line in enumerate(TRACE.splitlines(keepends=True))]
    once = Once(Job(None))
    whole = Flow(once).label(records_of(lines, 1)).to_pylist()
    assert [row["ts_quality"] for row in whole].count("inherited") == 4
    for cut in range(1, len(lines)):
        flow = Flow(once)
        parts = [flow.label(records_of(part, 1)).to_pylist() for part in (lines[:cut], lines[cut:])]
        assert parts[0] + parts[1] == whole


def test_line_by_line_is_the_same_as_at_once() -> None:
    lines = [(line, i * 100, False) for i, line in enumerate((TRACE + b"\n \n" + TRACE).splitlines(keepends=True))]
    once = Once(Job(None))
    flow = Flow(once)
    one_by_one = [row for line in lines for row in flow.label(records_of([line], 1)).to_pylist()]
    assert one_by_one == Flow(once).label(records_of(lines, 1)).to_pylist()
