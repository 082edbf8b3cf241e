"""Cisco IOS, IOS-XE, IOS-XR, NX-OS and ASA: whatever stands in front of `%FACILITY-SEVERITY-MNEMONIC:`.

    <189>000123: *Mar  1 00:00:46.123 UTC: %LINK-3-UPDOWN: Interface GigabitEthernet0/1, changed state to down
    Nov 20 2026 11:59:58 fw01 : %ASA-6-302013: Built inbound TCP connection ...

The message begins at the `%`: the mnemonic says more about the kind of line than any other word, so it stays with the
text, and stands in `msgid` too. The first stamp is the time; a second one (the device's, behind a relay's) goes to
attrs as `device_time`, a second host as `origin`, the sequence number as `seq`.
"""

import re

from connectors.formats import pri, stamps
from connectors.formats.record import Context, Event, Stamp
from connectors.formats.rfc3164 import HOST, IPV6, TAG, is_host, is_tag

NAME = "cisco"

_NEAR = 256
_MNEMONIC = re.compile(
    r"%([A-Za-z0-9_]{1,40}(?:-[A-Za-z0-9_/]{1,40}){0,4}-([0-7])-[A-Za-z0-9_]{1,64}) ?:(?![A-Za-z0-9])"
)
_GAP = re.compile(r"[ :]{1,4}")
_SEQUENCE = re.compile(r"([0-9]{1,12}): ?")
_UPTIME = re.compile(r"((?:[0-9]{1,6}:[0-9]{2}:[0-9]{2}|(?:[0-9]{1,4}[ywdhm]){1,4})): ")
_NODE = re.compile(r"((?:RP|LC|[0-9]{1,3})(?:/[A-Za-z0-9]{1,8}){1,4}):")
_CONTEXT = re.compile(r"%\$ ([^%]{1,64}) %\$ ")
_PROCESS = re.compile(rf"({TAG})\[([^\]\r\n]{{1,128}})\]: ")
_WORD = re.compile(rf"({HOST}|{IPV6})(?: ?: | |: ?)")


def sniff(text: str) -> bool:
    """A mnemonic near the front."""
    return text.find("%", 0, _NEAR) >= 0 and _MNEMONIC.search(text, 0, 2 * _NEAR) is not None


def parse(text: str, ctx: Context) -> Event | None:
    """Read what stands before the mnemonic.

    Severity is the PRI's, else the mnemonic's digit. A stamp marked `*` or `.` means a clock that was never set or has
    lost its source (issue `clock_unsynced`).

    Returns:
        None when a word before the mnemonic is none of a device's header, or nothing but words stands there.
    """
    mnemonic = _MNEMONIC.search(text, 0, 2 * _NEAR)
    value, at = pri.read(text)
    if mnemonic is None or mnemonic.start() > _NEAR:
        return None
    event = Event(format=NAME, msgid="%" + mnemonic[1], message=text[mnemonic.start() :])
    event.facility, event.severity = pri.split(value)
    if event.severity is None:
        event.severity = int(mnemonic[2])
    front = _Front(event, ctx)
    end = mnemonic.start()
    while at < end:
        step = front.step(text, at)
        if step is None or step > end:
            return None
        at = step
    return event if value is not None or front.certain or end == 0 else None


class _Front:
    """Reads a device's header, a piece at a time, into an event."""

    def __init__(self, event: Event, ctx: Context) -> None:
        self.event, self.ctx = event, ctx
        self.certain = False
        """True: something was there that only a header holds."""
        self._stamped = False

    def step(self, text: str, at: int) -> int | None:
        """Read the piece at `at`; the position after it, or None when it is no part of a header."""
        if (gap := _GAP.match(text, at)) is not None:
            return gap.end()
        if (end := self._time(text, at)) is not None or (end := self._detail(text, at)) is not None:
            self.certain = True
            return end
        return self._name(text, at)

    def _time(self, text: str, at: int) -> int | None:
        marked = text[at : at + 1] in ("*", ".")
        stamp = stamps.bsd(text, at + marked, self.ctx, unknown_zone=True) or stamps.iso(text, at + marked, self.ctx)
        if stamp is None:
            return None
        self._take(stamp, text[at : stamp.end])
        if marked:
            self.event.note("clock_unsynced")
        return stamp.end

    def _take(self, stamp: Stamp, words: str) -> None:
        if self._stamped:
            self.event.tell("device_time", words)
        else:
            self.event.time(stamp)
        self._stamped = True

    def _detail(self, text: str, at: int) -> int | None:
        """Sequence number, uptime, node of a chassis, virtual device, or process."""
        if (process := _PROCESS.match(text, at)) is not None and is_tag(process[1]) and self.event.app is None:
            self.event.app, self.event.procid = process[1], process[2]
            return process.end()
        details = (("uptime", _UPTIME), ("seq", _SEQUENCE), ("node", _NODE), ("context", _CONTEXT))
        for name, pattern in details:
            if (found := pattern.match(text, at)) is not None:
                self.event.tell(name, found[1])
                return found.end()
        return None

    def _name(self, text: str, at: int) -> int | None:
        """The device's host, or the second one, with a colon, behind a relay's."""
        found = _WORD.match(text, at)
        if found is None or self.event.app is not None or not is_host(found[1]):
            return None
        if self.event.host is None:
            self.event.host = found[1]
        elif "origin" not in (self.event.attrs or ()) and ":" in found[0][len(found[1]) :]:
            self.event.tell("origin", found[1])
        else:
            return None
        return found.end()
