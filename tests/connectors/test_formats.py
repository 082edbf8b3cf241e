"""What each wire format makes of a record: a table of claims, and what holds across formats."""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.formats.line import NAMES, Context, Event, Rejected, parse_record
from schemas.events import REJECTS, TS_QUALITIES

NOW = datetime(2026, 11, 22, tzinfo=UTC)
US = int(NOW.timestamp()) * 1_000_000
CONTEXT = Context(observed_us=US, reference_us=US, tz=UTC)
CASES = [
    json.loads(line) for line in Path(__file__).with_name("cases").joinpath("formats.jsonl").open(encoding="utf-8")
]
LINES = [case["line"].encode() for case in CASES]


def event(record: str | bytes, **context: Any) -> Event:
    raw = record.encode() if isinstance(record, str) else record
    parsed = parse_record(raw, replace(CONTEXT, **context))
    assert isinstance(parsed, list)
    assert len(parsed) == 1
    return parsed[0]


def rejected(record: bytes) -> str:
    parsed = parse_record(record, CONTEXT)
    assert isinstance(parsed, Rejected), parsed
    assert parsed.reason in REJECTS
    return parsed.reason


def told(found: Event) -> Mapping[str, Any]:
    """The event's fields that say something, the time as ISO."""
    fields = {name: getattr(found, name) for name in found.__slots__ if name != "ts_us"}
    ts = None if found.ts_us is None else datetime.fromtimestamp(found.ts_us // 1_000_000, UTC)
    fields["ts"] = None if ts is None else ts.replace(microsecond=found.ts_us % 1_000_000, tzinfo=None).isoformat()
    return {name: value for name, value in fields.items() if value not in (None, []) and value is not False}


@pytest.mark.parametrize("case", CASES, ids=[case["claim"] for case in CASES])
def test_the_record_means(case: dict[str, Any]) -> None:
    assert told(event(case["line"])) == case["event"]


def test_the_table_meets_every_format_and_quality() -> None:
    assert {case["event"]["format"] for case in CASES} == set(NAMES)
    assert {case["event"]["ts_quality"] for case in CASES} == set(TS_QUALITIES) - {"inherited"}


def test_a_line_end_changes_nothing() -> None:
    for line in LINES:
        if not line.endswith(b"\n") and not line[:3].isdigit():
            assert event(line + b"\r\n\0") == event(line)


def test_the_format_asked_for_is_the_only_one_tried() -> None:
    assert event("Nov 20 11:59:58 web01 sshd[1]: x", format="rfc3164").app == "sshd"
    other = event("Nov 20 11:59:58 web01 sshd[1]: x", format="rfc5424")
    assert (other.format, other.app, other.issues) == ("plain", None, ["format_mismatch"])
    assert event('{"MESSAGE": "x"}', format="plain").message == '{"MESSAGE": "x"}'


def test_an_unknown_format_is_refused_with_what_would_be_right() -> None:
    with pytest.raises(ValueError, match="'syslog': not one of auto, rfc5424"):
        event("x", format="syslog")


def test_a_field_map_reads_home_made_json() -> None:
    line = '{"when": 1795173255, "from": {"name": "web01"}, "prog": "su", "lvl": "crit", "what": "hi", "message": "no"}'
    fields = {"ts": "when", "host": "from.name", "app": "prog", "severity": "lvl", "message": "what"}
    found = event(line, fields=fields)
    assert (found.host, found.app, found.severity, found.message) == ("web01", "su", 2, "hi")
    assert found.attrs == {"message": "no"}
    assert found.ts_us == 1795173255_000000


def test_attributes_are_bounded_and_the_bytes_kept_where_they_are_cut() -> None:
    many = event(json.dumps({"message": "x"} | {f"k{n}": n for n in range(100)}))
    long = event(json.dumps({"message": "x", "k": "v" * 2000}))
    assert many.attrs is not None
    assert len(many.attrs) == 64
    assert long.attrs == {"k": "v" * 1024}
    assert many.keep_raw
    assert long.keep_raw
    assert many.issues == long.issues == ["attrs_cut"]


def test_json_deeper_than_64_is_rejected_unread() -> None:
    assert rejected(b'{"a":' * 5000) == "too_deep"
    assert rejected(b"[" * 5000) == "too_deep"
    assert event('{"message": "x", "a": ' + "[" * 63 + "]" * 63 + "}").message == "x"
    assert event('{"message": "' + "[" * 5000 + '"}').message == "[" * 5000


def test_frames_are_counted_in_bytes() -> None:
    frame = "<34>1 - - - - - - für".encode()
    two = parse_record(b"%d %s%d %s\n" % (len(frame), frame, len(frame), frame), CONTEXT)
    assert isinstance(two, list)
    assert [one.message for one in two] == ["für", "für"]
    assert not two[1].issues
    assert rejected(b"%d %s" % (len(frame) + 1, frame)) == "short_frame"
    left = event(b"%d %s99 <34>cut off" % (len(frame), frame))
    assert (left.message, left.issues, left.keep_raw) == ("für", ["trailing_bytes"], True)


@pytest.mark.parametrize("record", [b"", b"\n", b" \t\r\n", b"\0\0", b"\xef\xbb\xbf\n", b"\xff\xfe\n\0"])
def test_blanks_hold_no_event(record: bytes) -> None:
    assert rejected(record) == "empty"


BINARY = {
    "every byte": bytes(range(256)),
    "gzip": b"\x1f\x8b\x08\0\0\0\0\0abc",
    "controls alone": b"\x01\x02",
    "high bytes alone": b"\xff" * 20,
    "OTLP": b"\n\x0f\n\x0d\n\x0b\n\x04host\x12\x03\n\x01x",
    "msgpack": b"\x82\xa3msg\xa5hello\xa4time\xcb\x41\xda\xb3\x00\x00\x00\x00\x00",
}


@pytest.mark.parametrize("record", BINARY.values(), ids=BINARY)
def test_what_is_no_text_is_rejected(record: bytes) -> None:
    assert rejected(record) == "binary"


def test_utf16_is_read_with_its_mark_and_refused_without() -> None:
    text = "<13>Nov 20 11:59:58 web01 app: grüß"
    for codec, mark in (("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff")):
        found = event(mark + text.encode(codec))
        assert (found.app, found.message, found.issues) == ("app", "grüß", ["utf16"])
        assert rejected(text.encode(codec)) == "unsupported_encoding"
    assert rejected(b"\xff\xfe\0\0" + text.encode("utf-32-le")) == "unsupported_encoding"


def test_bad_bytes_are_replaced_flagged_and_kept() -> None:
    found = event(b"<13>Nov 20 11:59:58 web01 app: caf\xe9 \0 end")
    assert found.message == "caf\ufffd \ufffd end"
    assert (found.issues, found.keep_raw) == (["bad_utf8", "nul"], True)
    assert event("<13>Nov 20 11:59:58 web01 app: \ufffd").issues == []


def test_text_in_an_old_code_is_an_event() -> None:
    found = event("Nov 20 11:59:58 web01 app: ошибка доступа к файлу".encode("cp1251"))
    assert (found.app, found.issues) == ("app", ["bad_utf8"])


def test_a_traceback_goes_on_with_the_line_before() -> None:
    lines = [
        "<11>Nov 20 11:59:58 web01 app[7]: request failed",
        "Traceback (most recent call last):",
        '  File "/srv/app.py", line 3, in main',
        "ValueError: no such thing",
        "Something else altogether",
    ]
    events: list[Event] = []
    for line in lines:
        events.append(event(line, previous=events[-1] if events else None))
    for one, line in zip(events[1:4], lines[1:4], strict=True):
        assert (one.host, one.app, one.severity, one.format) == ("web01", "app", 3, "rfc3164")
        assert (one.ts_us, one.ts_quality) == (events[0].ts_us, "inherited")
        assert (one.message, one.issues) == (line, ["continuation"])
    assert (events[4].format, events[4].host, events[4].issues) == ("plain", None, [])


@pytest.mark.parametrize(
    "line",
    [
        "\tat com.example.Foo.bar(Foo.java:12)",
        "Caused by: java.io.IOException: closed",
        "... 12 more",
        "java.lang.IllegalStateException: no",
        "}",
    ],
)
def test_a_stack_goes_on_with_a_stamped_line_and_with_nothing_else(line: str) -> None:
    stamped = event("2026-11-20 11:59:58,123 ERROR failed")
    assert event(line, previous=stamped).ts_us == stamped.ts_us
    assert event(line, previous=event("words")).format == "plain"
    assert event(line).ts_quality == "received"


def test_a_header_begins_a_new_event_whatever_was_before() -> None:
    before = event("<11>Nov 20 11:59:58 web01 app[7]: request failed")
    found = event("<14>Nov 20 12:00:00 web02 cron[8]: done", previous=before)
    assert (found.host, found.severity, found.issues) == ("web02", 6, [])


def test_nothing_heavy_is_loaded_for_a_line() -> None:
    code = "import sys, connectors.formats.line; print({'pyarrow', 'numpy', 'apache_beam'} & set(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "set()"
