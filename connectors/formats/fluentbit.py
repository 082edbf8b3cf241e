"""Fluent Bit's JSON: its syslog parsers, files of containers with Kubernetes metadata; @timestamp as a number or ISO.

{"@timestamp": 1795173255.004233, "pri": "34", "host": "h", "ident": "su", "pid": "77", "message": "..."}
"""

from connectors.formats.jsons import Record
from connectors.formats.names import Names
from connectors.formats.record import Context, Event

NAME = "json:fluentbit"

_OWN = frozenset(("ident", "log", "pri", "stream", "kubernetes"))
NAMES = Names(
    format=NAME,
    message=("message", "log", "msg"),
    ts=("@timestamp", "time", "timestamp"),
    host=("host", "hostname", "kubernetes.host"),
    app=("ident", "appname", "kubernetes.container_name", "container_name"),
    procid=("pid", "procid"),
    msgid=("msgid",),
    severity=("severity", "level"),
    facility=("facility",),
    pri=("pri",),
    data=("extradata",),
)


def sniff(record: Record) -> bool:
    """The time its Kafka output adds, beside a field of its parsers."""
    return "@timestamp" in record and not _OWN.isdisjoint(record) and not isinstance(record.get("log"), dict)


def parse(record: Record, text: str, ctx: Context) -> Event:
    """Read a record."""
    return NAMES.event(record, text, ctx)
