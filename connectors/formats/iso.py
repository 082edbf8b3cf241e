"""The ISO file formats: rsyslog's RSYSLOG_FileFormat, syslog-ng's ${ISODATE}, journalctl's short-iso; also after a PRI.

2026-11-20T11:59:58.123456+01:00 web01 sshd[4242]: Failed password for root
"""

import re

from connectors.formats import pri, stamps
from connectors.formats.record import Context, Event
from connectors.formats.rfc3164 import after_stamp, fill, is_address, tagless

NAME = "iso"

_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_FRONT = re.compile(
    rf"<[0-9]{{1,3}}> ?{_DATE}[Tt ]|{_DATE}[Tt]|"
    rf"{_DATE} [0-9:.,]{{8,20}}(?: ?(?:[A-Z]{{1,5}}|[+-][0-9:]{{4,6}}))? [^ ]{{1,255}} {{1,3}}[^ ]{{1,48}} ?\["
)
_NUMERIC_ZONE = re.compile(r".*[+-][0-9]{2}:?[0-9]{2}")


def sniff(text: str) -> bool:
    """A date in front, perhaps after a PRI; with a blank after it, two words and a bracket must follow."""
    return _FRONT.match(text) is not None


def parse(text: str, ctx: Context) -> Event | None:
    """Read PRI, stamp, host and tag.

    Returns:
        None for a line that only begins with a stamp, as programs write them too. So without a PRI it takes: after
        `T`, a host with a tag, a tag with a process id, or a host alone where the zone is numeric (as syslog daemons
        write it, and programs seldom) or the message one that daemons write untagged; after a blank, a host and a
        tag with a process id.
    """
    value, at = pri.read(text)
    if value is None and text[:1] == "<":
        return None
    at += text[at : at + 1] == " "
    stamp = stamps.iso(text, at, ctx)
    if stamp is None:
        return None
    event = Event(format=NAME)
    event.facility, event.severity = pri.split(value)
    event.time(stamp)
    fill(event, text, after_stamp(text, stamp.end))
    if value is not None or _is_header(event, text[at : stamp.end]):
        return event
    return None


def _is_header(event: Event, stamp: str) -> bool:
    """Say whether what was read after the stamp is a syslog header rather than a program's own words."""
    if stamp[10] == " ":
        return event.host is not None and event.procid is not None
    if event.app is not None:
        return event.host is not None or event.procid is not None
    if event.host is None:
        return False
    return tagless(event.message) or (_NUMERIC_ZONE.fullmatch(stamp) is not None and not is_address(event.host))
