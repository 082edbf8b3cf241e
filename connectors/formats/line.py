"""One record to its events: decode, find the format that fits, apply the rules that hold for all formats.

A new wire format is a file with NAME, `sniff` and `parse`, and one entry in TEXTS or JSONS.
"""

from collections.abc import Sequence
from typing import Protocol

from connectors.formats import (
    cisco,
    continuation,
    cri,
    encoding,
    framing,
    iso,
    journald,
    journald_short,
    json_any,
    jsons,
    plain,
    pri,
    rfc3164,
    rfc5424,
    rsyslog_json,
    stamps,
)
from connectors.formats.record import Context, Event, Rejected

__all__ = ["NAMES", "Context", "Event", "Rejected", "parse_record", "parse_text"]


class TextFormat(Protocol):
    """A format of text lines. `sniff` is cheap and may be wrong; `parse` gives None when it was."""

    NAME: str

    def sniff(self, text: str, /) -> bool: ...
    def parse(self, text: str, ctx: Context, /) -> Event | None: ...


class JsonFormat(Protocol):
    """A format of JSON objects; the second argument of `parse` is the record's text."""

    NAME: str

    def sniff(self, record: jsons.Record, /) -> bool: ...
    def parse(self, record: jsons.Record, text: str, ctx: Context, /) -> Event: ...


TEXTS: Sequence[TextFormat] = (rfc5424, cisco, cri, iso, rfc3164, journald_short)
"""In the order they are asked."""
JSONS: Sequence[JsonFormat] = (journald, rsyslog_json, json_any)
"""In the order they are asked; the last takes any object."""
NAMES = tuple(dict.fromkeys([*(text.NAME for text in TEXTS), *(known.NAME for known in JSONS), plain.NAME]))
"""What `Context.format` may be, beside `auto`."""


def parse_record(raw: bytes, ctx: Context) -> list[Event] | Rejected:
    """Parse one record.

    Any bytes give an answer: several events only where the record counts several octet frames; Rejected only for a
    record that holds no event (`schemas.events.REJECTS`).

    Raises:
        ValueError: `ctx.format` is neither `auto` nor one of NAMES.
    """
    if ctx.format != "auto" and ctx.format not in NAMES:
        raise ValueError(f"format {ctx.format!r}: not one of auto, {', '.join(NAMES)}")
    framed = framing.frames(raw)
    if framed is None:
        event = _one(raw, ctx)
        return [event] if isinstance(event, Event) else event
    if isinstance(framed, Rejected):
        return framed
    return _framed(*framed, ctx)


def _framed(frames: list[bytes], rest: bytes, ctx: Context) -> list[Event] | Rejected:
    """The events of a record's frames; bytes left over are flagged on the last."""
    parsed = [_one(frame, ctx) for frame in frames]
    events = [event for event in parsed if isinstance(event, Event)]
    if not events:
        return next(one for one in parsed if isinstance(one, Rejected))
    if rest or len(events) < len(parsed):
        events[-1].note("trailing_bytes")
        events[-1].keep_raw = True
    return events


def _one(raw: bytes, ctx: Context) -> Event | Rejected:
    decoded = encoding.decode(raw)
    if isinstance(decoded, Rejected):
        return decoded
    event = parse_text(decoded.text, ctx)
    if isinstance(event, Event) and decoded.issues:
        for issue in decoded.issues:
            event.note(issue)
        event.keep_raw = event.keep_raw or decoded.keep_raw
    return event


def parse_text(text: str, ctx: Context) -> Event | Rejected:
    """Parse the text of one record: as `parse_record`, once bytes and frames are done with. `text` is not empty."""
    if jsons.is_like(text) and jsons.too_deep(text):
        return Rejected("too_deep", f"JSON nested deeper than {jsons.DEPTH}")
    event = _json(text, ctx) or _text(text, ctx)
    if event is None:
        event = _bare(text, ctx)
    if event.ts_us is None:
        event.ts_quality = "received"
    elif event.ts_quality != "inherited" and not stamps.plausible(event.ts_us, ctx):
        event.note("ts_out_of_range")
    return event


def _json(text: str, ctx: Context) -> Event | None:
    if ctx.format != "auto" and not ctx.format.startswith("json"):
        return None
    record = jsons.load(text) if text.lstrip(" \t\r\n")[:1] == "{" else None
    if record is None:
        return None
    for known in JSONS:
        if ctx.format == known.NAME or (ctx.format == "auto" and known.sniff(record)):
            return known.parse(record, text, ctx)
    return None


def _text(text: str, ctx: Context) -> Event | None:
    for known in TEXTS:
        if ctx.format in ("auto", known.NAME) and known.sniff(text) and (event := known.parse(text, ctx)) is not None:
            return event
    return None


def _bare(text: str, ctx: Context) -> Event:
    """A line without a header: plain, or one that goes on with the line before."""
    event = plain.parse(text, ctx)
    if ctx.format not in ("auto", plain.NAME):
        event.note("format_mismatch")
    if event.ts_us is None and ctx.previous is not None and continuation.continues(text, ctx.previous):
        return continuation.inherit(text, ctx.previous)
    if pri.malformed(text):
        event.note("bad_pri")
    if text.startswith('{"'):
        event.note("bad_json")
    return event
