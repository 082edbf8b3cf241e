"""journald's `-o json`: `{"__REALTIME_TIMESTAMP": "1795173255004233", "_HOSTNAME": "h", "MESSAGE": "..."}`."""

from typing import Any

from connectors.formats import encoding
from connectors.formats.jsons import Fields, Record, scalar, set_codes
from connectors.formats.record import Context, Event, Rejected

NAME = "json:journald"


def sniff(record: Record) -> bool:
    """The journal's own stamp, or a message beside one of its trusted fields."""
    return "__REALTIME_TIMESTAMP" in record or ("MESSAGE" in record and ("_HOSTNAME" in record or "_BOOT_ID" in record))


def parse(record: Record, text: str, ctx: Context) -> Event:
    """Read an entry. App is SYSLOG_IDENTIFIER, else _COMM; procid _PID, else SYSLOG_PID.

    A MESSAGE of byte numbers is decoded (`bad_utf8` as ever). Attributes are the other fields but the journal's
    addresses (`__CURSOR`, ...).
    """
    event = Event(format=NAME)
    taken = Fields(record, event, ctx)
    event.message = _message(taken)
    taken.time(("__REALTIME_TIMESTAMP", "_SOURCE_REALTIME_TIMESTAMP"))
    event.host = taken.word("host", ("_HOSTNAME",))
    event.app = taken.word("app", ("SYSLOG_IDENTIFIER", "_COMM"))
    event.procid = taken.word("procid", ("_PID", "SYSLOG_PID"))
    event.msgid = taken.word("msgid", ("SYSLOG_MSGID",))
    set_codes(event, taken, (), ("SYSLOG_FACILITY",), ("PRIORITY",))
    taken.drop([name for name in record if name.startswith("__")])
    taken.rest()
    return event


def _message(taken: Fields) -> str:
    """MESSAGE: text, null (too long for the journal's JSON), byte numbers, or a list when it was given twice."""
    if (text := taken.text("message", ("MESSAGE",))) is not None:
        return text
    value = taken.pop("MESSAGE")
    if not isinstance(value, list) or not value:
        return ""
    if all(type(byte) is int and 0 <= byte <= 255 for byte in value):
        return _decode(taken, bytes(value))
    return "\n".join(_part(taken, part) for part in value)


def _part(taken: Fields, part: Any) -> str:
    if isinstance(part, list) and part and all(type(byte) is int and 0 <= byte <= 255 for byte in part):
        return _decode(taken, bytes(part))
    return taken.clean(scalar(part) or "")


def _decode(taken: Fields, raw: bytes) -> str:
    """Bytes of a message as text; what is no text at all is replaced, for the entry around it is an event."""
    decoded = encoding.decode(raw)
    if isinstance(decoded, Rejected):
        return taken.clean(raw.decode("utf-8", "replace"))
    for issue in decoded.issues:
        taken.lost(issue)
    return decoded.text
