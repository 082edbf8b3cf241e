"""Whatever the bytes, a record has an answer: well-formed, storable, the same twice, and soon."""

import time
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_formats import CONTEXT, LINES

from connectors.formats.line import Event, Rejected, parse_record
from schemas.events import REJECTS, TS_QUALITIES

ODD = [
    b"",
    b" ",
    b"\0",
    b"\xff",
    b"\xf0\x9f\x98\x80",
    b":",
    b"[",
    b"]",
    b'"',
    b"\\",
    b"%",
    b"<",
    b"9" * 30,
    b"\\ud800",
    b"NaN",
]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A good line, cut and joined with another or with odd bytes."""
    line = draw(st.sampled_from(LINES))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(line)))
        other = draw(st.sampled_from(LINES) | st.sampled_from(ODD) | st.binary(max_size=3))
        back = draw(st.integers(0, len(line)))
        line = line[:at] + other + line[back:]
    return line[:2000]


def check(raw: bytes) -> None:
    context = replace(CONTEXT, tz=ZoneInfo("Europe/Berlin"))
    parsed = parse_record(raw, context)
    assert parsed == parse_record(raw, context)
    if isinstance(parsed, Rejected):
        assert parsed.reason in REJECTS
        return
    assert parsed
    for event in parsed:
        storable(event)
        follow = parse_record(b"\tat x", replace(context, previous=event))
        assert isinstance(follow, list)


def storable(event: Event) -> None:
    words = [event.host, event.app, event.procid, event.msgid, event.message, event.format, *event.issues]
    for word in [*words, *(event.attrs or {}).keys(), *(event.attrs or {}).values()]:
        assert word is None or "\0" not in word.encode().decode()
    assert all(word is None or word for word in (event.host, event.app, event.procid, event.msgid))
    assert event.severity in (None, *range(8))
    assert event.facility in (None, *range(24))
    assert event.ts_quality in TS_QUALITIES
    assert (event.ts_us is None) == (event.ts_quality == "received")
    assert event.ts_us is None or abs(event.ts_us) < 2**62


@given(st.binary(max_size=300))
@settings(max_examples=500, deadline=None)
def test_any_bytes_have_an_answer(raw: bytes) -> None:
    check(raw)


@given(st.text(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_text_is_an_event_unless_it_is_blank_binary_or_deep(text: str) -> None:
    check(text.encode("utf-8", "surrogatepass"))


@given(mutated())
@settings(max_examples=1000, deadline=None)
def test_a_mangled_line_has_an_answer(raw: bytes) -> None:
    check(raw)


HEADS = [
    b"",
    b"<34>Nov 20 11:59:58 ",
    b"Nov 20 11:59:58 web01 app[",
    b"<34>1 2026-11-20T11:59:58Z h a p m [a ",
    b"<189>1: *",
]
FILLS = [b" ", b"a", b"1:", b"a:", b"[", b"\\", b'a="', b' a="b"', b"%A-3-", b'{"a":', b"a.", b"-", b"\xff", b"/1"]


@pytest.mark.parametrize("head", HEADS)
def test_a_line_of_64_kib_takes_no_longer_than_its_length(head: bytes) -> None:
    for fill in FILLS:
        raw = head + fill * (65536 // len(fill))
        began = time.process_time()
        parse_record(raw, CONTEXT)
        assert time.process_time() - began < 0.25, fill
