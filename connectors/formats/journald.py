"""journald's `-o json`: `{"__REALTIME_TIMESTAMP": "1795173255004233", "_HOSTNAME": "h", "MESSAGE": "..."}`."""

from typing import Any

from connectors.formats import encoding
from connectors.formats.jsons import Record, scalar
from connectors.formats.names import Names
from connectors.formats.record import Context, Event, Rejected

NAME = "json:journald"

NAMES = Names(
    format=NAME,
    message=("MESSAGE",),
    ts=("__REALTIME_TIMESTAMP", "_SOURCE_REALTIME_TIMESTAMP", "@timestamp"),
    host=("_HOSTNAME",),
    app=("SYSLOG_IDENTIFIER", "_COMM"),
    procid=("_PID", "SYSLOG_PID"),
    msgid=("SYSLOG_MSGID",),
    severity=("PRIORITY",),
    facility=("SYSLOG_FACILITY",),
    hidden="__",
    whole=False,
)
"""What begins with two underscores is the journal's own: cursor, clocks, sequence."""


def sniff(record: Record) -> bool:
    """The journal's own stamp, or a message beside one of its trusted fields."""
    return "__REALTIME_TIMESTAMP" in record or ("MESSAGE" in record and ("_HOSTNAME" in record or "_BOOT_ID" in record))


def parse(record: Record, text: str, ctx: Context) -> Event:
    """Read an entry; a MESSAGE of byte numbers is decoded (`bad_utf8` as ever)."""
    if scalar(record.get("MESSAGE")) is not None:
        return NAMES.event(record, text, ctx)
    value = record.pop("MESSAGE", None)
    event = NAMES.event(record, text, ctx)
    event.message = _message(event, value)
    return event


def _message(event: Event, value: Any) -> str:
    """MESSAGE: null (too long for the journal's JSON), byte numbers, or a list when it was given twice."""
    if not isinstance(value, list) or not value:
        return ""
    if _is_bytes(value):
        return _decode(event, bytes(value))
    return "\n".join(_decode(event, bytes(part)) if _is_bytes(part) else _text(event, part) for part in value)


def _is_bytes(part: Any) -> bool:
    return isinstance(part, list) and part != [] and all(type(byte) is int and 0 <= byte <= 255 for byte in part)


def _decode(event: Event, raw: bytes) -> str:
    """Bytes of a message as text; what is no text at all is replaced, for the entry around it is an event."""
    decoded = encoding.decode(raw)
    if isinstance(decoded, Rejected):
        return _text(event, raw.decode("utf-8", "replace"))
    return _lossy(event, decoded.text, decoded.issues)


def _text(event: Event, part: Any) -> str:
    return _lossy(event, *encoding.clean(scalar(part) or ""))


def _lossy(event: Event, text: str, issues: tuple[str, ...]) -> str:
    """Flag what was lost, and keep the bytes."""
    for issue in issues:
        event.note(issue)
        event.keep_raw = True
    return text
