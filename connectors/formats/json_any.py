"""JSON of no known shipper: the usual names of message, time, host, program and level."""

from connectors.formats import pri
from connectors.formats.jsons import Record
from connectors.formats.names import Names
from connectors.formats.record import Context, Event

NAME = "json"

_PINO = {10: 7, 20: 7, 30: 6, 40: 4, 50: 3, 60: 2}
"""Levels of bunyan and pino, in tens."""


def sniff(record: Record) -> bool:
    """Any object will do."""
    return True


def parse(record: Record, text: str, ctx: Context) -> Event:
    """Take what the usual names hold; the message is the whole text when none of its names holds any."""
    return NAMES.event(record, text, ctx)


def _severity(word: str) -> int | None:
    """A level's name, a syslog digit, or one of bunyan's tens."""
    if word in ("10", "20", "30", "40", "50", "60"):
        return _PINO[int(word)]
    return pri.severity(word)


NAMES = Names(
    format=NAME,
    message=("message", "msg", "log", "MESSAGE", "event"),
    ts=("@timestamp", "timestamp", "time", "ts", "datetime", "eventTime", "ISODATE"),
    host=("host", "hostname", "HOST", "host.name"),
    app=("app", "service", "program", "appname", "application", "ident", "PROGRAM", "service.name"),
    procid=("procid", "pid", "PID"),
    msgid=("msgid", "MSGID"),
    severity=("severity", "level", "levelname", "loglevel", "log.level", "PRIORITY", "lvl"),
    facility=("facility", "FACILITY"),
    pri=("pri",),
    level=_severity,
)
