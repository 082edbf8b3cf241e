"""CRI, what container runtimes write: `2026-11-20T11:59:58.123456789Z stdout F text`."""

import re

from connectors.formats import stamps
from connectors.formats.record import Context, Event

NAME = "cri"

_FRONT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2}) (stdout|stderr) ([FP])(?: |$)"
)


def sniff(text: str) -> bool:
    """A stream and a tag behind an ISO stamp."""
    return _FRONT.match(text) is not None


def parse(text: str, ctx: Context) -> Event | None:
    """Read stamp, stream and tag; a part of a longer line (`P`) gets the issue `partial`. None when it is no CRI."""
    front = _FRONT.match(text)
    if front is None:
        return None
    event = Event(format=NAME, message=text[front.end() :], attrs={"stream": front[1]})
    event.time(stamps.iso(text, 0, ctx))
    if front[2] == "P":
        event.note("partial")
    return event
