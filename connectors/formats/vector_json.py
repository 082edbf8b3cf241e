"""Vector's JSON, of its syslog, file, socket, Kubernetes and journal sources.

{"appname": "su", "facility": "auth", "severity": "crit", "hostname": "h", "source_type": "syslog", "message": "..."}
"""

from connectors.formats.jsons import Record
from connectors.formats.names import Names
from connectors.formats.record import Context, Event

NAME = "json:vector"

NAMES = Names(
    format=NAME,
    message=("message",),
    ts=("timestamp",),
    host=("hostname", "kubernetes.pod_node_name", "host"),
    app=("appname", "kubernetes.container_name", "container_name", "SYSLOG_IDENTIFIER", "_COMM"),
    procid=("procid", "_PID"),
    msgid=("msgid",),
    severity=("severity", "PRIORITY", "level"),
    facility=("facility", "SYSLOG_FACILITY"),
    drop=("host", "version", "__CURSOR", "__REALTIME_TIMESTAMP", "__MONOTONIC_TIMESTAMP", "__SEQNUM", "__SEQNUM_ID"),
)
"""`host` is a copy of `hostname` where there is one; structured data are objects beside the others."""


def sniff(record: Record) -> bool:
    """What only Vector writes beside a message."""
    return "source_type" in record and "message" in record


def parse(record: Record, text: str, ctx: Context) -> Event:
    """Read an event of Vector's legacy namespace, which its Kafka sink writes."""
    return NAMES.event(record, text, ctx)
