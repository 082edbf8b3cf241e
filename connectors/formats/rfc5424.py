"""RFC 5424: `<PRI>VERSION TIMESTAMP HOSTNAME APP-NAME PROCID MSGID STRUCTURED-DATA MSG`."""

import re

from connectors.formats import pri, stamps
from connectors.formats.record import Context, Event

NAME = "rfc5424"

_FRONT = re.compile(r"(?:<[0-9]{1,3}>)?[1-9][0-9]{0,2} {1,3}(-|[0-9]{4}-[0-9]{2}-[^ ]{1,40})(?: |$)")
_FIELDS = re.compile(
    r" {0,2}([^ ]{1,255}) {1,3}([^ ]{1,255}) {1,3}([^ ]{1,255}) {1,3}([^ ]{1,255})(?: {1,3}(?=[^ ])|$)"
)
_ELEMENT = re.compile(r'\[([^\x00-\x20="\]\x7f]+)')
_PARAM = re.compile(r' +([^\x00-\x20="\]\x7f]+)="([^"\\]*(?:\\.[^"\\]*)*)"', re.DOTALL)
_ESCAPE = re.compile(r'\\(["\\\]])')


def sniff(text: str) -> bool:
    """A version number between PRI and stamp; without a PRI, four fields and structured data must follow too."""
    front = _FRONT.match(text)
    if front is None:
        return False
    if text[0] == "<":
        return True
    fields = _FIELDS.match(text, front.end())
    return fields is not None and (text.startswith("[", fields.end()) or text[fields.end() :][:2] in ("-", "- "))


def parse(text: str, ctx: Context) -> Event | None:
    """Read the header; `-` is null. None when no version and stamp follow the PRI, or the PRI is none.

    A header cut short keeps its stamp, and the rest is the message (issue `bad_header`). Structured data that breaks
    the grammar is left at the front of the message (issue `bad_sd`). Both keep the bytes.
    """
    value, _ = pri.read(text)
    front = _FRONT.match(text)
    if front is None or (value is None and text[0] == "<"):
        return None
    event = Event(format=NAME)
    event.facility, event.severity = pri.split(value)
    if value is None:
        event.note("no_pri")
    _stamp(event, front[1], ctx)
    fields = _FIELDS.match(text, front.end())
    if fields is None:
        event.message, event.keep_raw = text[front.end() :], True
        event.note("bad_header")
        return event
    event.host, event.app, event.procid, event.msgid = (None if word == "-" else word for word in fields.groups())
    at = _data(event, text, fields.end())
    event.message = text[at + 1 :] if text.startswith("\ufeff", at) else text[at:]
    clock_quality(event)
    return event


def _stamp(event: Event, word: str, ctx: Context) -> None:
    """Take the TIMESTAMP; `-` leaves the time of receipt, and so does a word that is no time (issue `bad_ts`)."""
    if word == "-":
        return
    stamp = stamps.iso(word, 0, ctx)
    if stamp is None or stamp.end != len(word):
        event.note("bad_ts")
        event.keep_raw = True
    else:
        event.time(stamp)


def _data(event: Event, text: str, at: int) -> int:
    """Read STRUCTURED-DATA at `at` into attrs; the position of MSG, or `at` itself when it is broken."""
    if text.startswith("-", at):
        end = at + 1
        attrs: dict[str, str] = {}
    else:
        end, attrs = structured(text, at)
    if end > at and text[end : end + 1] in ("", " "):
        for name, value in attrs.items():
            event.tell(name, value)
        return min(end + 1, len(text))
    event.note("bad_sd")
    event.keep_raw = True
    return at


def structured(text: str, at: int) -> tuple[int, dict[str, str]]:
    """Read the SD-ELEMENTs that begin at `at`: (the position after them, `sdid.param` -> value, unescaped).

    An element without parameters gives `sdid` -> "". A parameter told twice keeps its values, joined by commas. An
    unescaped `]` in a value is let pass. The position is `at` when the grammar is broken.
    """
    attrs: dict[str, str] = {}
    end = at
    while (element := _ELEMENT.match(text, end)) is not None:
        end, bare = element.end(), True
        while (param := _PARAM.match(text, end)) is not None:
            name, value = f"{element[1]}.{param[1]}", param[2]
            value = _ESCAPE.sub(r"\1", value) if "\\" in value else value
            attrs[name] = f"{attrs[name]},{value}" if name in attrs else value
            end, bare = param.end(), False
        if not text.startswith("]", end):
            return at, {}
        end += 1
        if bare:
            attrs.setdefault(element[1], "")
    return end, attrs


def clock_quality(event: Event) -> None:
    """Heed timeQuality (RFC 5424 7.1): a sender unsure of its zone, or whose clock is not synchronised."""
    if event.attrs is None:
        return
    if event.attrs.get("timeQuality.tzKnown") == "0" and event.ts_quality == "exact":
        event.ts_quality = "tz_assumed"
    if event.attrs.get("timeQuality.isSynced") == "0":
        event.note("clock_unsynced")
