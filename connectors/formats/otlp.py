"""OTLP in JSON, as the OpenTelemetry collector's Kafka exporter writes it: one record, many events.

{"resourceLogs": [{"resource": {"attributes": [...]}, "scopeLogs": [{"logRecords": [{"timeUnixNano": "...", ...}]}]}]}
"""

import base64
import binascii
from collections.abc import Iterator
from typing import Any

from connectors.formats import pri, stamps
from connectors.formats.jsons import Fields, Record, compact, scalar
from connectors.formats.record import Context, Event, Rejected, Stamp

NAME = "otlp-json"

_NUMBERS = (7,) * 8 + (6, 5, 5, 5, 4, 4, 4, 4, 3, 2, 1, 1, 0, 0, 0, 0)
"""Severity by SeverityNumber 1 to 24. Source: OpenTelemetry, logs data model, appendix B, turned round."""
_LEVELS = {"TRACE": 1, "DEBUG": 5, "INFO": 9, "WARN": 13, "ERROR": 17, "FATAL": 21}
_HOSTS = ("hostname", "syslog.hostname", "host.name", "k8s.node.name")
_APPS = ("appname", "syslog.appname", "service.name", "k8s.container.name", "container.name", "process.executable.name")
_PIDS = ("proc_id", "syslog.procid", "process.pid")
_MESSAGES = ("message", "msg", "log")


def sniff(record: Record) -> bool:
    """The one field of an export request."""
    return "resourceLogs" in record


def parse(record: Record, text: str, ctx: Context) -> list[Event] | Rejected:
    """Read the log records in their order; Rejected (`empty`) when there are none.

    Attributes are those of resource and log record by their names, the scope as `otel.scope.name` and `.version`, and
    `trace_id`, `span_id`, `event.name`. A record without a time has that at which the collector saw it.
    """
    events = [_event(log, shared, ctx) for log, shared in _logs(record)]
    return events or Rejected("empty", "an OTLP request without a log record")


def _logs(record: Record) -> Iterator[tuple[Record, Record]]:
    """Each log record, and the attributes that it shares with those of its resource and scope."""
    for of_resource in _objects(record.get("resourceLogs")):
        resource = _attributes(_object(of_resource.get("resource")))
        for of_scope in _objects(of_resource.get("scopeLogs")):
            scope = _object(of_scope.get("scope"))
            named = {f"otel.scope.{key}": scope[key] for key in ("name", "version") if scope.get(key)}
            shared = resource | _attributes(scope) | named
            for log in _objects(of_scope.get("logRecords")):
                yield log, shared


def _event(log: Record, shared: Record, ctx: Context) -> Event:
    """Read one log record."""
    event = Event(format=NAME)
    own = {name: log[key] for name, key in _IDS.items() if log.get(key)}
    taken = Fields(shared | _attributes(log) | own, event, ctx)
    event.message = _message(log.get("body"), taken)
    event.time(_time(log))
    event.host, event.app = taken.word("host", _HOSTS), taken.word("app", _APPS)
    event.procid, event.msgid = taken.word("procid", _PIDS), taken.word("msgid", ("msg_id", "syslog.msgid"))
    _severity(event, log, taken)
    taken.rest(("structured_data",))
    return event


_IDS = {"trace_id": "traceId", "span_id": "spanId", "event.name": "eventName"}


def _message(body: Any, taken: Fields) -> str:
    """The body as text. Of the syslog receiver it is the whole line, and the message an attribute."""
    value = _value(body)
    if (syslog := taken.pop("message") if taken.has("priority") else None) is not None:
        value = syslog
    if isinstance(value, dict):
        inner = Fields(value, taken.event, taken.ctx)
        text = inner.text("message", _MESSAGES)
        if text is not None:
            inner.rest()
            return text
    text = scalar(value)
    if text is None:
        text = "" if value is None else compact(value)
    return taken.clean(text).rstrip("\r\n\0")


def _time(log: Record) -> Stamp | None:
    """The time of the event, else when it was seen; 0 is none."""
    for name in ("timeUnixNano", "observedTimeUnixNano"):
        nanos = scalar(log.get(name)) or ""
        if nanos.isascii() and nanos.isdigit() and len(nanos) <= 20 and (us := int(nanos) // 1000):
            return Stamp(us, "exact", (), 0) if us <= stamps.LAST_US else None
    return None


def _severity(event: Event, log: Record, taken: Fields) -> None:
    """Take severity by number, else by word; facility, and what neither tells, from the syslog receiver's fields."""
    word, number = log.get("severityText"), log.get("severityNumber")
    if isinstance(number, str):
        name = number.removeprefix("SEVERITY_NUMBER_")
        number = _LEVELS.get(name.rstrip("234"), -1) + (int(name[-1]) - 1 if name[-1:] in ("2", "3", "4") else 0)
    if isinstance(number, int) and 1 <= number <= len(_NUMBERS):
        event.severity = _NUMBERS[number - 1]
    elif isinstance(word, str):
        event.severity = pri.severity(word)
    if isinstance(word, str) and word and pri.severity(word) != event.severity:
        event.tell("severity_text", taken.clean(word))
    value = taken.code("pri", ("priority",), lambda text: pri.read(f"<{text}>")[0])
    event.facility = taken.code("facility", ("facility", "syslog.facility.code"), pri.facility)
    if value is not None:
        event.facility = value >> 3 if event.facility is None else event.facility
        event.severity = value & 7 if event.severity is None else event.severity


def _attributes(of: Record) -> Record:
    """Attributes as an object of plain values."""
    return {
        pair["key"]: _value(pair.get("value"))
        for pair in _objects(of.get("attributes"))
        if isinstance(pair.get("key"), str)
    }


def _value(value: Any) -> Any:
    """An AnyValue as plain JSON; bytes as text."""
    if not isinstance(value, dict) or not value:
        return None
    kind, inner = next(iter(value.items()))
    if kind == "kvlistValue":
        return {pair["key"]: _value(pair.get("value")) for pair in _objects(_object(inner).get("values"))
                if isinstance(pair.get("key"), str)}  # fmt: skip
    if kind == "arrayValue":
        return [_value(one) for one in _objects(_object(inner).get("values"))]
    if kind == "bytesValue" and isinstance(inner, str):
        return _bytes(inner)
    return inner


def _bytes(coded: str) -> str:
    try:
        return base64.b64decode(coded, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return coded


def _object(value: Any) -> Record:
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> list[Record]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
