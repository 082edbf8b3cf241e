"""Octet counting (RFC 6587 3.4.1) inside a record: `123 <34>1 ...`; counts are bytes."""

import re

from connectors.formats.record import Rejected

_COUNT = re.compile(rb"([1-9][0-9]{0,7}) (?=<(?:0|[1-9][0-9]{0,2})>)")


def frames(raw: bytes) -> tuple[list[bytes], bytes] | Rejected | None:
    """Cut a record into the frames it counts.

    Returns:
        The frames (at least one) and what is left behind them, which is no whole frame; None when the record does
        not begin with a count and a PRI; Rejected (`short_frame`) when its first frame is cut off.
    """
    if not raw[:1].isdigit() or _COUNT.match(raw) is None:
        return None
    found: list[bytes] = []
    at = 0
    while (count := _COUNT.match(raw, at)) is not None and count.end() + int(count[1]) <= len(raw):
        found.append(raw[count.end() : count.end() + int(count[1])])
        at = count.end() + int(count[1])
    if not found:
        assert count is not None
        return Rejected("short_frame", f"{int(count[1])} bytes counted, {len(raw) - count.end()} there")
    return found, raw[at:].strip(b"\r\n\0 ")
