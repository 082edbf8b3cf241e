"""journalctl's other lines: short-full (`Fri 2026-11-20 11:59:58 CET host app[1]: text`) and short-unix.

short, short-precise and short-iso are what rfc3164 and iso read anyway.
"""

import re

from connectors.formats import stamps
from connectors.formats.record import Context, Event, Stamp
from connectors.formats.rfc3164 import after_stamp, fill

NAME = "iso"

_FULL = re.compile(r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (?=[0-9]{4}-[0-9]{2}-[0-9]{2} )")
_UNIX = re.compile(r"([0-9]{9,11}\.[0-9]{6}) (?=[^ ])")


def sniff(text: str) -> bool:
    """A weekday and an ISO date, or seconds since 1970 with six decimals."""
    return (_FULL.match(text) or _UNIX.match(text)) is not None


def parse(text: str, ctx: Context) -> Event | None:
    """Read stamp, host and tag; None unless all are there."""
    if (full := _FULL.match(text)) is not None:
        stamp = stamps.iso(text, full.end(), ctx)
    elif (unix := _UNIX.match(text)) is not None:
        us = stamps.number(unix[1])
        stamp = None if us is None else Stamp(us, "exact", (), unix.end() - 1)
    else:
        return None
    if stamp is None:
        return None
    event = Event(format=NAME)
    event.time(stamp)
    fill(event, text, after_stamp(text, stamp.end))
    return event if event.host is not None and event.app is not None else None
