"""syslog-ng's `$(format-json)`, scopes rfc3164 and rfc5424.

{"PROGRAM": "su", "PRIORITY": "crit", "PID": "77", "MESSAGE": "...", "ISODATE": "...", "HOST": "h", "FACILITY": "auth"}
"""

from connectors.formats.jsons import Record
from connectors.formats.names import Names
from connectors.formats.record import Context, Event

NAME = "json:syslog-ng"

_OWN = frozenset(("PROGRAM", "ISODATE", "LEGACY_MSGHDR"))
NAMES = Names(
    format=NAME,
    message=("MESSAGE", "MSG"),
    ts=("ISODATE", "S_ISODATE", "UNIXTIME", "DATE", "TIMESTAMP", "R_ISODATE"),
    host=("HOST", "HOST_FROM"),
    app=("PROGRAM",),
    procid=("PID",),
    msgid=("MSGID",),
    severity=("PRIORITY", "LEVEL", "LEVEL_NUM"),
    facility=("FACILITY", "FACILITY_NUM"),
    pri=("PRI",),
    data=("SDATA",),
    drop=("LEGACY_MSGHDR", "DATE"),
    within=("_SDATA", "SDATA", ".SDATA"),
)


def sniff(record: Record) -> bool:
    """A message in the names of syslog-ng's macros."""
    return "MESSAGE" in record and not _OWN.isdisjoint(record)


def parse(record: Record, text: str, ctx: Context) -> Event:
    """Read a message; structured data, which syslog-ng writes as nested objects, becomes `sdid.param`."""
    return NAMES.event(record, text, ctx)
