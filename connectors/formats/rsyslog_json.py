"""rsyslog's JSON: the property `jsonmesg`, and list templates in the words of its documents.

{"msg": " 'su root' failed", "hostname": "h", "syslogtag": "su[77]:", "syslogseverity": "2", "timereported": "..."}
"""

import re

from connectors.formats import rfc5424
from connectors.formats.jsons import Fields, Record, set_codes
from connectors.formats.record import Context, Event

NAME = "json:rsyslog"

_TAGS = ("syslogtag", "syslog-tag", "syslog_tag")
_TAG = re.compile(r"([^\[\]:]+)(?:\[([^\]]*)\])?:?")
_TIMES = ("timereported", "timestamp", "@timestamp", "timegenerated")
_OWN = frozenset(("rawmsg", "timereported", "timegenerated", "fromhost", "fromhost-ip", "syslogfacility", "inputname"))


def sniff(record: Record) -> bool:
    """A syslog tag, or a program's name beside another of rsyslog's properties."""
    return any(tag in record for tag in _TAGS) or ("programname" in record and not _OWN.isdisjoint(record))


def parse(record: Record, text: str, ctx: Context) -> Event:
    """Read a message. The one blank in front that rsyslog keeps with `msg` is cut off; `rawmsg` is left out.

    Where the context maps a column to a field, that field alone is taken for it.
    """
    event = Event(format=NAME)
    taken = Fields(record, event, ctx)
    tag = _TAG.match(taken.word("tag", _TAGS) or "")
    message = taken.text("message", ("msg", "message"))
    event.message = text if message is None else message.removeprefix(" ")
    taken.time(_TIMES)
    event.host = taken.word("host", ("hostname", "host", "fromhost", "source"))
    event.app = taken.word("app", ("programname", "app-name", "appname", "app_name", "program")) or (tag and tag[1])
    event.procid = taken.word("procid", ("procid", "pid")) or (tag and tag[2]) or None
    event.msgid = taken.word("msgid", ("msgid",))
    set_codes(
        event,
        taken,
        ("pri",),
        ("syslogfacility", "syslogfacility-text", "facility"),
        ("syslogseverity", "syslogseverity-text", "severity", "level"),
    )
    _structured(event, taken.word("sd", ("structured-data", "structured_data")))
    taken.drop(("rawmsg", "rawmsg-after-pri", "syslogseverity-text", "syslogfacility-text", "protocol-version"))
    taken.rest()
    return event


def _structured(event: Event, data: str | None) -> None:
    """Unfold structured data that travels as one text."""
    if data is None:
        return
    end, attrs = rfc5424.structured(data, 0)
    for name, value in attrs.items() if end else (("structured-data", data),):
        event.tell(name, value)
    rfc5424.clock_quality(event)
