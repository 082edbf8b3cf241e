"""The vectorised formats say what the per-line path says, wherever both apply; and they do apply to plain lines."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.formats import vector
from connectors.formats.block import Block
from connectors.formats.line import parse_record
from connectors.formats.parse import Reading, parse
from connectors.formats.record import Context, Event
from schemas.events import RECORDS, TS

NOW = int(datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp() * 1_000_000)
LINE_ENDS = [b"\n", b"\r\n", b"", b" \n", b"\0\n"]


def records(lines: list[bytes | None]) -> pa.RecordBatch:
    n = len(lines)
    truncated = pa.array([False] * n)
    return pa.RecordBatch.from_arrays(
        [pa.array(lines, pa.binary()), pa.array(range(n), pa.int64()), pa.array([NOW] * n, TS), truncated],
        schema=RECORDS,
    )


def expected(lines: list[bytes], tz: object = UTC) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    previous: Event | None = None
    for raw in lines:
        said = parse_record(raw, Context(NOW, NOW, tz, previous=None if raw[:1] in (b"<", b"{") else previous))  # type: ignore[arg-type]
        if not isinstance(said, list):
            rows.append({"reject_reason": said.reason})
            previous = None
            continue
        previous = said[-1]
        rows += [
            {
                "ts": NOW if e.ts_us is None else e.ts_us, "ts_quality": e.ts_quality, "host": e.host, "app": e.app,
                "procid": e.procid, "msgid": e.msgid, "facility": e.facility, "severity": e.severity, "message": e.message,
                "attrs": list(e.attrs.items()) if e.attrs else None, "format": e.format, "issues": e.issues or None,
                "reject_reason": None, "ordinal": i, "raw": raw if e.keep_raw else None,
            }
            for i, e in enumerate(said)
        ]  # fmt: skip
    return rows


def check(lines: list[bytes], tz: object = UTC) -> None:
    batch = parse(records(list(lines)), Reading(tz=tz))  # type: ignore[arg-type]
    got = batch.set_column(0, "ts", batch.column("ts").cast(pa.int64())).to_pylist()
    want = expected(lines, tz)
    assert len(got) == len(want)
    for g, w in zip(got, want, strict=True):
        assert {name: g[name] for name in w} == w


PRIS = st.sampled_from(["", "<34>", "<0>", "<191>", "<192>", "<034>", "<>", "<5", "<34> ", "<13>1 ", "<13>1 "])
STAMPS = st.sampled_from(
    "Nov 20 11:59:58|Nov  5 01:02:03|Feb 29 00:00:00|Nov 20 23:59:60|Dec 31 23:59:59|Nov 23 11:59:59|Nov 23 12:00:01|"
    "Mar 29 02:30:00|Oct 25 02:30:00|Nov 20 11:5x:58|Nov 20 24:00:00|2026-11-20T11:59:58Z|2026-11-20T11:59:58.123456+01:00|"
    "2026-11-20T11:59:58.1-05:30|2026-02-30T11:59:58Z|2026-11-20T11:59:60Z|2026-11-20T11:59:58.123456789Z|2026-11-20T11:59:58|"
    "1990-01-01T00:00:00Z|2026-11-20T11:59:58,5Z|-|nov 20 11:59:58|2026-11-20T11:59:58.12a456Z|2026-11-20T1:59:58Z".split(
        "|"
    )
)
HOSTS = st.sampled_from(
    ["web01", "10.0.0.1", "INFO", "a.b.c", "CET", "2026", "db-1", "ünï", "host:", "-", "A", "TZ-6", "stdout", "fe80::1"]
)
TAGS = st.sampled_from(
    "sshd[12]:|cron:|kernel:|su[x]:|postfix/smtpd[1234567]:|app|CEF:|a b:|%ASA-6-1:|INFO:|12:|systemd[1] :|x[1]|x[]:|:|a:b|x[123456789012]:".split(
        "|"
    )
)
DATA = st.sampled_from(["-", '[a b="c"]', '[a b="c] d"]', "[a]", '[a][b c="d"]', "[a b=c]", "[", '[t\\] x="\\""]',
                        '[timeQuality tzKnown="1" isSynced="0"]', '[timeQuality tzKnown="0"]', '[a b="c"]\t'])  # fmt: skip
MESSAGES = st.sampled_from(
    ["hello", "", " x", "%LINK-3-UPDOWN: y", "99% cpu", "[ID 702911 auth.notice] z", "a: b: c", "tab\there", "é ü", "bad \x00 nul",
     "\x1b[31mred", "x" * 300, "100%a", "\ufeffbom", "app: 45: %SYS-5-X: y", "\x7f"]
)  # fmt: skip
OLD = st.builds("{}{} {} {} {}".format, PRIS, STAMPS, HOSTS, TAGS, MESSAGES)
NEW = st.builds("<34>1 {} {} {} {} {} {} {}".format, STAMPS, HOSTS, st.sampled_from(["app", "-"]), st.sampled_from(["1", "-"]),
                st.sampled_from(["ID1", "-"]), DATA, MESSAGES)  # fmt: skip
LINES = st.one_of(OLD, NEW, MESSAGES, st.just("\tat a.B(C.java:1)"), st.just("Caused by: x")).map(str.encode)
RECORD = st.builds(lambda line, end: line + end, st.one_of(LINES, st.binary(max_size=30)), st.sampled_from(LINE_ENDS))


@settings(max_examples=400, deadline=None)
@given(st.lists(RECORD, max_size=25))
def test_both_paths_agree(lines: list[bytes]) -> None:
    check(lines)


@settings(max_examples=60, deadline=None)
@given(st.lists(RECORD, max_size=25), st.sampled_from(["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe"]))
def test_both_paths_agree_in_any_zone(lines: list[bytes], zone: str) -> None:
    check(lines, ZoneInfo(zone))


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("rfc3164", b"<34>Nov 20 11:59:58 web01 sshd[4242]: Failed password for root\n"),
        ("rfc3164", b"Nov  5 11:59:58 10.0.0.1 cron: x\n"),
        ("rfc5424", b'<165>1 2026-11-20T22:14:15.003Z web01 app 77 ID47 [a b="c"] An event\n'),
        ("rfc5424", b"<165>1 2026-11-20T22:14:15.003000+02:00 web01 - - - - An event\n"),
        ("iso", b"2026-11-20T11:59:58.123456+01:00 web01 sshd[4242]: Failed\r\n"),
        ("iso", b"<13>2026-11-20T11:59:58Z web01 app: x\n"),
    ],
)
def test_plain_lines_take_the_fast_path(name: str, line: bytes) -> None:
    block = Block.of(pa.array([line], pa.binary()))
    found = vector.read(block, np.array([NOW]), Context(NOW, NOW, UTC), vector.Memo())
    assert vector.FORMATS[found.format[0]] == name


def test_a_tombstone_leaves_no_row_and_is_counted() -> None:
    batch = parse(records([b"a\n", None, b"b\n"]))
    assert batch.column("source_offset").to_pylist() == [0, 2]
    assert batch.schema.metadata[b"skips"] == b'{"tombstone": 1}'


def test_rejects_of_the_reader_become_rows_in_their_places() -> None:
    batch = records([b"a\n", b"b\n"]).replace_schema_metadata(
        {
            b"rejects": b'[{"offset": 9, "reason": "bomb", "detail": "too much"}]',
            b"reference": b"2026-11-20T00:00:00+00:00",
        }
    )
    parsed = parse(batch)
    assert parsed.column("reject_reason").to_pylist() == [None, None, "bomb"]
    assert parsed.column("source_offset").to_pylist() == [0, 1, 9]


def test_a_truncated_line_says_so() -> None:
    batch = records([b"<34>Nov 20 11:59:58 web01 app: cut off here\n"]).set_column(
        3, RECORDS.field(3), pa.array([True])
    )
    assert parse(batch).column("issues").to_pylist() == [["truncated"]]
