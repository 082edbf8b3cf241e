"""JSON of no known shipper: the usual names of message, time, host, program and level."""

from connectors.formats import pri
from connectors.formats.jsons import Fields, Record
from connectors.formats.record import Context, Event

NAME = "json"

_MESSAGES = ("message", "msg", "log", "MESSAGE", "event")
_TIMES = ("@timestamp", "timestamp", "time", "ts", "datetime", "eventTime", "ISODATE")
_LEVELS = ("severity", "level", "levelname", "loglevel", "log.level", "PRIORITY", "lvl")
_PINO = {10: 7, 20: 7, 30: 6, 40: 4, 50: 3, 60: 2}
"""Levels of bunyan and pino, in tens."""


def sniff(record: Record) -> bool:
    """Any object will do."""
    return True


def parse(record: Record, text: str, ctx: Context) -> Event:
    """Take what the usual names hold; the message is the whole text when none of its names holds any.

    Where the context maps a column to a field, that field alone is taken for it.
    """
    event = Event(format=NAME)
    taken = Fields(record, event, ctx)
    message = taken.code("message", _MESSAGES, lambda value: value)
    event.message = text if message is None else taken.clean(message).rstrip("\r\n\0")
    taken.time(_TIMES)
    event.host = taken.word("host", ("host", "hostname", "HOST", "host.name"))
    event.app = taken.word(
        "app", ("app", "service", "program", "appname", "application", "ident", "PROGRAM", "service.name")
    )
    event.procid = taken.word("procid", ("procid", "pid", "PID"))
    event.msgid = taken.word("msgid", ("msgid", "MSGID"))
    event.severity = taken.code("severity", _LEVELS, _severity)
    event.facility = taken.code("facility", ("facility", "FACILITY"), pri.facility)
    value = taken.code("pri", ("pri",), lambda word: pri.read(f"<{word}>")[0])
    if value is not None:
        event.facility, event.severity = pri.split(value)
    taken.rest()
    return event


def _severity(word: str) -> int | None:
    """A level's name, a syslog digit, or one of bunyan's tens."""
    if word in ("10", "20", "30", "40", "50", "60"):
        return _PINO[int(word)]
    return pri.severity(word)
