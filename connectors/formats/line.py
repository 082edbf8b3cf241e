"""One record to its events: decode, find the format that fits, apply the rules that hold for all formats.

A new wire format is a file with NAME, `sniff` and `parse`, and one entry in TEXTS or JSONS.
"""

from collections.abc import Sequence
from typing import Protocol

from connectors.formats import (
    cisco,
    continuation,
    cri,
    ecs,
    encoding,
    fluentbit,
    fluentd,
    framing,
    gelf,
    inside,
    iso,
    journald,
    journald_short,
    json_any,
    jsons,
    otlp,
    plain,
    pri,
    rfc3164,
    rfc5424,
    rsyslog_json,
    stamps,
    syslog_ng,
    vector_json,
)
from connectors.formats.record import Context, Event, Rejected

__all__ = ["NAMES", "Context", "Event", "Rejected", "parse_record", "parse_text"]


class TextFormat(Protocol):
    """A format of text lines. `sniff` is cheap and may be wrong; `parse` gives None when it was."""

    NAME: str

    def sniff(self, text: str, /) -> bool: ...
    def parse(self, text: str, ctx: Context, /) -> Event | None: ...


class JsonFormat(Protocol):
    """A format of JSON objects; the second argument of `parse` is the record's text. `sniff` looks at keys alone."""

    NAME: str

    def sniff(self, record: jsons.Record, /) -> bool: ...
    def parse(self, record: jsons.Record, text: str, ctx: Context, /) -> Event | list[Event] | Rejected: ...


TEXTS: Sequence[TextFormat] = (rfc5424, cisco, cri, iso, rfc3164, journald_short)
"""In the order they are asked."""
JSONS: Sequence[JsonFormat] = (
    otlp, vector_json, journald, rsyslog_json, gelf, ecs, fluentbit, syslog_ng, fluentd, json_any
)  # fmt: skip
"""In the order they are asked; the last takes any object."""
NAMES = tuple(dict.fromkeys([*(text.NAME for text in TEXTS), *(known.NAME for known in JSONS), plain.NAME]))
"""What `Context.format` may be, beside `auto`."""
_JSON_NAMES = frozenset(known.NAME for known in JSONS)


def parse_record(raw: bytes, ctx: Context) -> list[Event] | Rejected:
    """Parse one record.

    Any bytes give an answer: several events only where the record counts several octet frames, or is a request of
    OTLP; Rejected only for a record that holds no event (`schemas.events.REJECTS`).

    Raises:
        ValueError: `ctx.format` is neither `auto` nor one of NAMES.
    """
    if ctx.format != "auto" and ctx.format not in NAMES:
        raise ValueError(f"format {ctx.format!r}: not one of auto, {', '.join(NAMES)}")
    framed = framing.frames(raw)
    if framed is None:
        return _one(raw, ctx)
    if isinstance(framed, Rejected):
        return framed
    return _framed(*framed, ctx)


def _framed(frames: list[bytes], rest: bytes, ctx: Context) -> list[Event] | Rejected:
    """The events of a record's frames; bytes left over are flagged on the last."""
    parsed = [_one(frame, ctx) for frame in frames]
    events = [event for events in parsed if isinstance(events, list) for event in events]
    if not events:
        return next(one for one in parsed if isinstance(one, Rejected))
    if rest or any(isinstance(one, Rejected) for one in parsed):
        events[-1].note("trailing_bytes")
        events[-1].keep_raw = True
    return events


def _one(raw: bytes, ctx: Context) -> list[Event] | Rejected:
    decoded = encoding.decode(raw)
    if isinstance(decoded, Rejected):
        return decoded
    events = parse_text(decoded.text, ctx)
    if isinstance(events, list) and decoded.issues:
        for event in events:
            for issue in decoded.issues:
                event.note(issue)
            event.keep_raw = event.keep_raw or decoded.keep_raw
    return events


def parse_text(text: str, ctx: Context) -> list[Event] | Rejected:
    """Parse the text of one record: as `parse_record`, once bytes and frames are done with. `text` is not empty."""
    if jsons.is_like(text) and jsons.too_deep(text):
        return Rejected("too_deep", f"JSON nested deeper than {jsons.DEPTH}")
    found = _json(text, ctx) or _text(text, ctx) or _bare(text, ctx)
    if isinstance(found, Rejected):
        return found
    events = found if isinstance(found, list) else [found]
    for event in events:
        if event.ts_us is None:
            event.ts_quality = "received"
        elif event.ts_quality != "inherited" and not stamps.plausible(event.ts_us, ctx):
            event.note("ts_out_of_range")
    return events


def _json(text: str, ctx: Context) -> Event | list[Event] | Rejected | None:
    if text.lstrip(" \t\r\n")[:1] != "{" or (ctx.format != "auto" and ctx.format not in _JSON_NAMES):
        return None
    record = jsons.load(text)
    found_by = None if record is None else known(record, ctx)
    if record is None or found_by is None:
        return None
    found = found_by.parse(record, text, ctx)
    for event in found if isinstance(found, list) else [found]:
        if isinstance(event, Event):
            inside.unwrap(event, ctx, _text)
    return found


def known(record: jsons.Record, ctx: Context) -> JsonFormat | None:
    """The format of a JSON object."""
    if ctx.format == "auto":
        return next((one for one in JSONS if one.sniff(record)), None)
    return next((one for one in JSONS if ctx.format == one.NAME), None)


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
