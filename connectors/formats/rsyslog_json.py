"""rsyslog's JSON: the property `jsonmesg`, and list templates in the words of its documents.

{"msg": " 'su root' failed", "hostname": "h", "syslogtag": "su[77]:", "syslogseverity": "2", "timereported": "..."}
"""

from connectors.formats.jsons import Record
from connectors.formats.names import Names
from connectors.formats.record import Context, Event

NAME = "json:rsyslog"

_TAGS = ("syslogtag", "syslog-tag", "syslog_tag")
_OWN = frozenset(("rawmsg", "timereported", "timegenerated", "fromhost", "fromhost-ip", "syslogfacility", "inputname"))
NAMES = Names(
    format=NAME,
    message=("msg", "message"),
    ts=("timereported", "timestamp", "@timestamp", "timegenerated"),
    host=("hostname", "host", "fromhost", "source"),
    app=("programname", "app-name", "appname", "app_name", "program"),
    procid=("procid", "pid"),
    msgid=("msgid",),
    severity=("syslogseverity", "syslogseverity-text", "severity", "level"),
    facility=("syslogfacility", "syslogfacility-text", "facility"),
    pri=("pri",),
    tag=_TAGS,
    data=("structured-data", "structured_data"),
    drop=("rawmsg", "rawmsg-after-pri", "syslogseverity-text", "syslogfacility-text", "protocol-version"),
    blank=True,
)


def sniff(record: Record) -> bool:
    """A syslog tag, or a program's name beside another of rsyslog's properties."""
    return any(tag in record for tag in _TAGS) or ("programname" in record and not _OWN.isdisjoint(record))


def parse(record: Record, text: str, ctx: Context) -> Event:
    """Read a message. The one blank in front that rsyslog keeps with `msg` is cut off; `rawmsg` is left out."""
    return NAMES.event(record, text, ctx)
