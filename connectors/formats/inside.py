"""A header inside the message of a shipper's JSON: the line of a file, or what came over a socket, passed on unread."""

from collections.abc import Callable

from connectors.formats import cri, stamps
from connectors.formats.record import Context, Event

FIRST = frozenset("<0123456789%*.:")
WORDS = frozenset(stamps.MONTHS) | frozenset(("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"))


def may_be_headed(message: str) -> bool:
    """Say whether a message begins as lines with a header do."""
    return message[:1] in FIRST or message[:3] in WORDS


def unwrap(event: Event, ctx: Context, header: Callable[[str, Context], Event | None]) -> None:
    """Read the header inside the message, and let it speak where the JSON does not.

    The runtime's own (CRI) is read wherever it is; any other only if the JSON names no program, so that nothing is
    read twice. Stamp and host of the line come before those of the shipper, which may have another clock and name;
    then its host is kept as the attribute `forwarded_by`.

    Args:
        header: reads a line; None when it has no header.
    """
    message = event.message
    if not may_be_headed(message) or (event.app is not None and not cri.sniff(message)):
        return
    line = header(message, Context(ctx.observed_us, ctx.reference_us, ctx.tz))
    if line is None:
        return
    event.message = line.message
    if line.ts_us is not None:
        event.ts_us, event.ts_quality = line.ts_us, line.ts_quality
    if line.host is not None and event.host not in (None, line.host):
        event.tell("forwarded_by", event.host or "")
    event.host, event.app = line.host or event.host, event.app or line.app
    event.procid, event.msgid = event.procid or line.procid, event.msgid or line.msgid
    if event.severity is None:
        event.severity = line.severity
    if event.facility is None:
        event.facility = line.facility
    for name, value in (line.attrs or {}).items():
        if (event.attrs or {}).get(name) != value:
            event.tell(name, value)
    for issue in line.issues:
        event.note(issue)
    event.keep_raw = event.keep_raw or line.keep_raw
