"""What shippers put on a topic: JSON in their own words, many events in one record, and binaries that are named."""

import json
import struct
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from test_formats import CONTEXT, event

from connectors.formats import otlp
from connectors.formats.line import Event, Rejected, parse_record
from connectors.formats.parse import Reading, parse
from schemas.events import RECORDS, TS

NOW = int(datetime(2026, 11, 22, tzinfo=UTC).timestamp()) * 1_000_000
NANOS = 1_795_175_998_123_456_789


def logs(*records: dict[str, Any]) -> bytes:
    return json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]} for record in records]}).encode()


def events(record: bytes) -> list[Event]:
    found = parse_record(record, CONTEXT)
    assert isinstance(found, list)
    return found


def reject(record: bytes) -> Rejected:
    found = parse_record(record, CONTEXT)
    assert isinstance(found, Rejected)
    return found


def test_a_request_of_otlp_gives_a_row_for_each_log_record() -> None:
    several = logs(*({"timeUnixNano": str(NANOS + n), "body": {"stringValue": f"event {n}"}} for n in range(3)))
    values = [several, b"<34>Nov 20 11:59:58 web01 su: x", logs({"body": {"stringValue": "alone"}})]
    columns = [pa.array(values), pa.array([7, 8, 9]), pa.array([NOW] * 3, TS), pa.array([False] * 3)]
    rows = parse(pa.RecordBatch.from_arrays(columns, schema=RECORDS), Reading(alone=True)).to_pylist()
    assert [(row["source_offset"], row["ordinal"], row["message"]) for row in rows] == [
        (7, 0, "event 0"), (7, 1, "event 1"), (7, 2, "event 2"), (8, 0, "x"), (9, 0, "alone"),
    ]  # fmt: skip


def test_a_request_without_log_records_holds_no_event() -> None:
    assert reject(b'{"resourceLogs":[]}').reason == "empty"
    assert reject(b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[]}]},7]}').reason == "empty"


@pytest.mark.parametrize(
    ("number", "severity"),
    [(5, 7), (9, 6), (10, 5), (13, 4), (17, 3), (18, 2), (19, 1), (21, 0), (1, 7), (24, 0), (0, None), (25, None)],
)
def test_a_severity_number_is_the_severity_it_was_made_of(number: int, severity: int | None) -> None:
    [found] = events(logs({"severityNumber": number, "body": {"stringValue": "x"}}))
    assert found.severity == severity


def test_severity_numbers_may_go_by_their_names() -> None:
    told = {"SEVERITY_NUMBER_ERROR2": 2, "SEVERITY_NUMBER_INFO": 6, "SEVERITY_NUMBER_UNSPECIFIED": None, "x": None}
    for name, severity in told.items():
        assert events(logs({"severityNumber": name, "body": {"stringValue": "x"}}))[0].severity == severity


ODD = (
    [],
    {},
    None,
    "x",
    7,
    [None],
    [[]],
    {"key": 1},
    {"stringValue": 7},
    {"arrayValue": 7},
    {"kvlistValue": {"values": 7}},
)


@pytest.mark.parametrize("odd", ODD, ids=repr)
@pytest.mark.parametrize("name", ["body", "attributes", "timeUnixNano", "severityNumber", "severityText", "traceId"])
def test_whatever_stands_in_a_field_of_otlp_there_is_an_event(name: str, odd: object) -> None:
    [found] = events(logs({"body": {"stringValue": "x"}} | {name: odd}))
    assert found.format == otlp.NAME
    assert all(isinstance(value, str) for value in [found.message, *(found.attrs or {}).values()])


@pytest.mark.parametrize(
    "epoch", ["1795175998", "1795175998123", "1795175998123456", "1795175998123456789", "1795175998.123456"]
)
@pytest.mark.parametrize("quote", ["", '"'])
def test_a_field_map_reads_time_since_1970_in_any_unit(epoch: str, quote: str) -> None:
    line = f'{{"meta":{{"at":{{"t":{quote}{epoch}{quote}}},"node":{{"name":"web01"}}}},"body":{{"text":"paid"}}}}'
    fields = {"ts": "meta.at.t", "host": "meta.node.name", "message": "body.text"}
    found = event(line, fields=fields)
    digits = epoch.replace(".", "")[10:16].ljust(6, "0")
    assert (found.ts_us, found.ts_quality) == (1_795_175_998_000_000 + int(digits), "exact")
    assert (found.host, found.message, found.attrs) == ("web01", "paid", None)


def test_nothing_is_made_up_where_a_record_tells_nothing() -> None:
    for line in ('{"source_type":"x","message":"m"}', '{"@timestamp":"x","log":"m"}', '{"ident":"-","message":"m"}'):
        found = event(line)
        assert (found.host, found.app, found.severity, found.facility, found.ts_us) == (None,) * 5, line


def test_a_message_that_only_looks_headed_stays_whole() -> None:
    for message in ("2 of 3 disks are full", "<b>bold</b>", "Monitor is up", "%s is no format", "2026-11-20 is a day"):
        found = event(json.dumps({"@timestamp": 1795175998, "log": message}))
        assert (found.message, found.app, found.host) == (message, None, None)


BINARIES = {
    "otlp_json": b"\n\x0f\n\x0d\n\x0b\n\x04host\x12\x03\n\x01x",
    "to json": b"\x82\xaa@timestamp\xcb" + struct.pack(">d", 1795175998.5) + b"\xa3log\xa2hi",
    "schema 7": b"\0" + struct.pack(">I", 7) + b"\x0cweb01\x02\x10no space",
    "Avro file": b"Obj\x01\x04\x16avro.schema\x02\xff",
}


@pytest.mark.parametrize("said", BINARIES)
def test_a_binary_is_named_with_what_would_be_right(said: str) -> None:
    found = reject(BINARIES[said])
    assert found.reason == "binary"
    assert said in found.detail


def test_text_behind_a_hole_in_a_file_is_no_registrys_header() -> None:
    assert events(b"\0\0\0\0\0\0\0\0Nov 20 11:59:58 web01 app: grew")[0].issues == ["nul"]
