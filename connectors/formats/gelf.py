"""GELF, Graylog's JSON: fields of one's own begin with an underscore.

{"version": "1.1", "host": "h", "short_message": "...", "timestamp": 1795173255.004, "level": 2, "_app": "su"}
"""

from connectors.formats.jsons import Record
from connectors.formats.names import Names
from connectors.formats.record import Context, Event

NAME = "json:gelf"

NAMES = Names(
    format=NAME,
    message=("full_message", "short_message"),
    ts=("timestamp",),
    host=("host",),
    app=("_app", "_application", "_application_name", "_ident", "_container_name", "_service"),
    procid=("_pid", "_procid", "_process_id"),
    msgid=("_msgid",),
    severity=("level",),
    facility=("_facility", "facility"),
    drop=("short_message", "version"),
)


def sniff(record: Record) -> bool:
    """The field that every message must hold."""
    return "short_message" in record


def parse(record: Record, text: str, ctx: Context) -> Event:
    """Read a message: the full one where there is one, for it begins with the short one."""
    return NAMES.event(record, text, ctx)
