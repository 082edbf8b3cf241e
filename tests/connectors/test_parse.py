"""Records of a topic have nothing to do with one another: each says what it says alone, however many come along."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_vector import LINES, RECORD

from connectors.formats import parse as parsing
from connectors.formats import vector
from connectors.formats.block import Block
from connectors.formats.line import parse_record
from connectors.formats.parse import Reading, parse
from connectors.formats.record import Context
from schemas.events import RECORDS, TS

NOW = int(datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp() * 1_000_000)
DAY = 86_400_000_000
SHAPES = {
    "iso": b"2026-11-20T11:59:58.123456+01:00 web01 sshd[4242]: Failed password for root\n",
    "rfc5424": b'<36>1 2026-11-20T11:59:58.123456+01:00 vm app1 - - [timeQuality tzKnown="1" isSynced="0"] text\n',
    "rfc3164": b"<34>Nov 20 11:14:15 host su[77]: 'su root' failed\n",
}
"""Of rsyslog: omkafka's default template, SyslogProtocol23Format, ForwardFormat."""


def topic(values: list[bytes], received: list[int]) -> pa.RecordBatch:
    n = len(values)
    columns = [
        pa.array(values, pa.binary()),
        pa.array(range(n), pa.int64()),
        pa.array(received, TS),
        pa.array([False] * n),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=RECORDS.with_metadata({"alone": "1"}))


def check(values: list[bytes], received: list[int], tz: str) -> None:
    zone = ZoneInfo(tz)
    rows = parse(topic(values, received), Reading(tz=zone)).to_pylist()
    at = 0
    for value, us in zip(values, received, strict=True):
        said = parse_record(value, Context(us, us, zone))
        for one in said if isinstance(said, list) else [said]:
            row, at = rows[at], at + 1
            if not isinstance(said, list):
                assert (row["reject_reason"], row["raw"]) == (said.reason, value)
                continue
            told = {
                name: getattr(one, name)
                for name in ("host", "app", "procid", "facility", "severity", "message", "format")
            }  # type: ignore[union-attr]
            assert {name: row[name] for name in told} == told
            assert int(row["ts"].timestamp() * 1e6 + 0.5) == (us if one.ts_us is None else one.ts_us)  # type: ignore[union-attr]
            assert (row["issues"] or []) == one.issues  # type: ignore[union-attr]
    assert at == len(rows)


VALUE = st.lists(RECORD, min_size=1, max_size=4).map(b"".join) | st.builds(
    lambda head, tail: head + b"\n" + tail,
    LINES,
    st.sampled_from([b"\tat a.B(C.java:1)", b"two", b"\n\n x\n", b"100% sure"]),
)
RECEIVED = st.integers(-400, 400).map(lambda days: NOW + days * DAY // 8) | st.sampled_from(
    [NOW, NOW + 42 * DAY, NOW - 330 * DAY]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(VALUE, RECEIVED), max_size=20), st.booleans(), st.sampled_from(["UTC", "Europe/Berlin"]))
def test_each_record_says_what_it_says_alone(pairs: list[tuple[bytes, int]], few: bool, tz: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parsing, "FEW_ROWS", 1 << 60 if few else 0)
        check([value for value, _ in pairs], [us for _, us in pairs], tz)


@pytest.mark.parametrize("few", [False, True])
def test_a_line_that_looks_like_a_continuation_is_none_in_a_topic(few: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "FEW_ROWS", 1 << 60 if few else 0)
    values = [SHAPES["iso"], b"\tat com.shop.Pay(Pay.java:3)\n", SHAPES["iso"], b"Caused by: x\n"]
    rows = parse(topic(values, [NOW] * 4)).to_pylist()
    assert [row["ts_quality"] for row in rows] == ["exact", "received"] * 2
    assert [row["app"] for row in rows] == ["sshd", None] * 2


@pytest.mark.parametrize("shape", SHAPES)
def test_one_record_of_many_lines_is_one_event_on_the_fast_path(shape: str) -> None:
    value = SHAPES[shape] + b"Traceback (most recent call last):\n  File x\nValueError: 7\n"
    found = vector.read(Block.of(pa.array([value])), np.array([NOW]), Context(NOW, None, UTC), vector.Memo())
    assert vector.FORMATS[found.format[0]] == shape
    [row] = parse(topic([value], [NOW])).to_pylist()
    assert row["message"].splitlines()[1:] == ["Traceback (most recent call last):", "  File x", "ValueError: 7"]
    assert not row["message"].endswith("\n")


def test_the_receipt_of_each_record_decides_its_year() -> None:
    value = b"<34>Jan  2 00:30:00 web01 su[1]: x"
    days = [datetime(year, month, day, tzinfo=UTC) for year, month, day in ((2025, 6, 1), (2025, 12, 30), (2026, 1, 3))]
    received = [int(day.timestamp()) * 1_000_000 for day in days]
    many = [*received, *received] * 10
    years = [row["ts"].year for row in parse(topic([value] * 60, many)).to_pylist()]
    assert years == [2025, 2025, 2026] * 20


@pytest.mark.parametrize("shape", SHAPES)
def test_a_topic_takes_the_fast_path_though_each_record_has_its_own_receipt(shape: str) -> None:
    raw = pa.array([SHAPES[shape]] * 1000)
    received = NOW + np.arange(1000) * 60_000_000
    found = vector.read(Block.of(raw), received, Context(-1, None, UTC), vector.Memo())
    assert (found.format == vector.FORMATS.index(shape)).all()
