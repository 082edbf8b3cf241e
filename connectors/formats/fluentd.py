"""Fluentd's JSON. Its syslog input keeps time and severity in time and tag, which its Kafka output leaves out.

{"host": "h", "ident": "su", "pid": "77", "message": "..."}
"""

from connectors.formats.jsons import Record
from connectors.formats.names import Names
from connectors.formats.record import Context, Event

NAME = "json:fluentd"

NAMES = Names(
    format=NAME,
    message=("message", "log"),
    ts=("time", "timestamp"),
    host=("host", "hostname", "kubernetes.host"),
    app=("ident", "appname", "kubernetes.container_name", "container_name"),
    procid=("pid", "procid"),
    msgid=("msgid",),
    severity=("severity", "priority", "level"),
    facility=("facility",),
    pri=("pri",),
    data=("extradata",),
)


def sniff(record: Record) -> bool:
    """A syslog message by its names, or a container's line with the metadata that a filter added."""
    return ("ident" in record and "message" in record) or ("log" in record and "kubernetes" in record)


def parse(record: Record, text: str, ctx: Context) -> Event:
    """Read a record. Without a time of its own that of receipt holds; without a severity it has none."""
    return NAMES.event(record, text, ctx)
