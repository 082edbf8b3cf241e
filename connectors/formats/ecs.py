"""The Elastic Common Schema, as Filebeat, Elastic Agent and the ECS loggers write it.

{"@timestamp": "...", "log": {"syslog": {"severity": {"code": 5}, "hostname": "h", "appname": "su"}}, "message": "..."}
"""

from connectors.formats.jsons import Record
from connectors.formats.names import Names
from connectors.formats.record import Context, Event

NAME = "json:ecs"

_OWN = frozenset(("ecs", "ecs.version", "@metadata", "agent", "log.level"))
NAMES = Names(
    format=NAME,
    message=("message", "event.original"),
    ts=("@timestamp",),
    host=("log.syslog.hostname", "hostname", "host.hostname", "host.name"),
    app=(
        "log.syslog.appname", "process.program", "process.name", "service.name",
        "kubernetes.container.name", "container.name",
    ),
    procid=("log.syslog.procid", "process.pid"),
    msgid=("log.syslog.msgid",),
    severity=("log.syslog.severity.code", "log.syslog.severity.name", "syslog.severity_label", "log.level"),
    facility=("log.syslog.facility.code", "log.syslog.facility.name", "syslog.facility"),
    pri=("log.syslog.priority", "syslog.priority"),
    drop=(
        "@metadata", "ecs", "ecs.version", "event.original", "log.syslog.version", "log.syslog.severity",
        "log.syslog.facility", "log.syslog.priority",
    ),
    within=("log.syslog.structured_data",),
)  # fmt: skip
"""`syslog` and `process.program` are of Filebeat's older syslog input."""


def sniff(record: Record) -> bool:
    """The schema's own stamp, beside what Beats or the ECS loggers add."""
    return "@timestamp" in record and (not _OWN.isdisjoint(record) or isinstance(record.get("log"), dict))


def parse(record: Record, text: str, ctx: Context) -> Event:
    """Read an event. `host.name` is the machine that shipped it, so the sender's own name comes first."""
    return NAMES.event(record, text, ctx)
