"""JSON records read by the many say what they say one by one; and the records of shippers are read by the many."""

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_formats import CASES, LINES

from connectors.formats import objects, vector
from connectors.formats import parse as parsing
from connectors.formats.block import Block
from connectors.formats.line import parse_record
from connectors.formats.parse import Reading, parse
from connectors.formats.record import Context
from schemas.events import RECORDS, TS

NOW = int(datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp() * 1_000_000)
OBJECTS = [line for line in LINES if line[:1] == b"{"]
FIELDS = {"message": "body.text", "ts": "t", "host": "node"}


def check(values: list[bytes], reading: Reading) -> None:
    n = len(values)
    columns = [
        pa.array(values, pa.binary()),
        pa.array(range(n), pa.int64()),
        pa.array([NOW] * n, TS),
        pa.array([False] * n),
    ]
    batch = parse(pa.RecordBatch.from_arrays(columns, schema=RECORDS), reading)
    rows = batch.set_column(0, "ts", batch.column("ts").cast(pa.int64())).to_pylist()
    at = 0
    for number, value in enumerate(values):
        said = parse_record(value, Context(NOW, None, reading.tz, reading.format, reading.fields))
        if not isinstance(said, list):
            assert rows[at]["reject_reason"] == said.reason
            at += 1
            continue
        for ordinal, e in enumerate(said):
            want = {
                "ts": NOW if e.ts_us is None else e.ts_us, "ts_quality": e.ts_quality, "host": e.host, "app": e.app,
                "procid": e.procid, "msgid": e.msgid, "facility": e.facility, "severity": e.severity,
                "message": e.message, "attrs": list(e.attrs.items()) if e.attrs else None, "format": e.format,
                "issues": e.issues or None, "raw": value if e.keep_raw else None, "reject_reason": None,
                "source_offset": number, "ordinal": ordinal,
            }  # fmt: skip
            assert {name: rows[at][name] for name in want} == want, value
            at += 1
    assert at == len(rows)


@pytest.fixture(autouse=True)
def kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsing, "FEW_ROWS", 0)


WORDS = st.sampled_from(
    "|-| |web01| web01 |web\u00a01|crit|34|192|5|10|info|WARN|auth|local7|24|su[77]:|su|a b[7]: |[x]:|4242|ünï|\U0001f600|"
    "2026-11-20T11:59:58.123456+01:00|2026-11-20T11:59:58Z|2026-11-20T11:59:58|1795175998|1795175998123|Nov 20 11:59:58|"
    "1795175998.123456|1795175998123456789|0|99999999999999999999|1795175998.|007|<34>x|<34>Nov 20 11:59:58 h su: x|"
    "2026-11-20T11:59:58.1Z stdout F hi|Monday|[a b=\"c\"] |%ASA-6-302013: Built|\ttab|two\nlines\n\n|q\"uote|b\\s|\x7f|\x01|a\0b|"
    "\ufeffx|\ud800|\u2028|nul\x00|caf\u00e9| 7|100% sure".split("|")
)  # fmt: skip
SCALAR = st.one_of(
    WORDS, st.integers(-10, 200), st.sampled_from([1795175998, 1795175998123456789, 10**25, -0.0, 1.5, 1e400, 1795175998.004233]),
    st.floats(allow_nan=True), st.booleans(), st.none(), st.text(max_size=4),
)  # fmt: skip
VALUE = st.recursive(
    SCALAR,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b.c", "name", "code", "é"]), inner, max_size=3)
    ),
    max_leaves=4,
)
KEYS = st.sampled_from(
    "message|msg|log|MESSAGE|@timestamp|timestamp|time|t|host|hostname|node|HOST|_HOSTNAME|app|appname|ident|PROGRAM|programname|"
    "syslogtag|procid|pid|msgid|severity|level|PRIORITY|facility|pri|source_type|extradata|structured-data|kubernetes|agent|ecs|"
    "short_message|rawmsg|__REALTIME_TIMESTAMP|_SDATA|body|body.text|log.level|x|y\u00e9|z".split("|")
)
OBJECT = st.dictionaries(KEYS, VALUE, max_size=9)
WRITTEN = st.builds(
    lambda value, ascii_, tight, end: json.dumps(value, ensure_ascii=ascii_, separators=(",", ":") if tight else None).encode("utf-8", "surrogatepass") + end,
    OBJECT, st.booleans(), st.booleans(), st.sampled_from([b"", b"\n", b" \r\n", b"\0"]),
)  # fmt: skip


@st.composite
def mangled(draw: st.DrawFn) -> bytes:
    line = draw(WRITTEN | st.sampled_from(OBJECTS))
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(line)))
        odd = draw(
            st.sampled_from(
                [
                    b"",
                    b",",
                    b'"',
                    b"}",
                    b"{",
                    b"[",
                    b"\\",
                    b"\\u00e9",
                    b"\\ud83d\\ude00",
                    b"-0",
                    b"01",
                    b" ",
                    b"\xff",
                    b'"a":1,',
                ]
            )
        )
        line = line[:at] + odd + line[at + draw(st.integers(0, 3)) :]
    return line


def by_the_many(line: bytes) -> vector.Found:
    found = vector.Found.nothing(2)
    objects.read(Block.of(pa.array([line, line])), np.array([NOW, NOW]), Context(NOW, None, UTC), vector.Memo(), found)
    return found


READINGS = st.builds(
    Reading, format=st.sampled_from(["auto"] * 4 + ["json", "json:vector", "json:ecs", "rfc3164"]),
    tz=st.sampled_from([UTC, ZoneInfo("Europe/Berlin")]), fields=st.sampled_from([{}, {}, FIELDS]), alone=st.just(True),
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(mangled(), max_size=8), READINGS)
def test_objects_by_the_many_say_what_they_say_one_by_one(values: list[bytes], reading: Reading) -> None:
    check(values, reading)


def test_the_cases_of_the_formats_say_so_by_the_many_too() -> None:
    check(LINES * 3, Reading(alone=True))


@pytest.mark.parametrize("case", [c for c in CASES if c["event"]["format"].startswith("json:") and not c["event"].get("issues")],
                         ids=lambda case: case["claim"])  # fmt: skip
def test_the_records_of_shippers_are_read_by_the_many_unless_a_header_is_inside(case: dict[str, object]) -> None:
    line = str(case["line"]).encode()
    found = by_the_many(line)
    inside = any(word in line for word in (b"<34>1 ", b'"Nov 20', b" stderr F", b'"extradata"'))
    assert (found.format >= 0).all() != inside


@pytest.mark.parametrize("tags", ['["a","b"]', "[]", '[1,{"x":[true,"]"]}]', '[["é"], null ]'])
def test_records_with_lists_are_read_by_the_many_too(tags: str) -> None:
    line = f'{{"message":"x","tags":{tags},"of":{{"it":{tags}}},"n":1}}'.encode()
    assert (by_the_many(line).format >= 0).all()
    check([line], Reading(alone=True))


@pytest.mark.parametrize("part", ["", ".1", ".123456", ".1234567", ".123456789", ".99999999"])
@pytest.mark.parametrize("zone", ["Z", "+01:00"])
def test_stamps_to_the_nanosecond_as_docker_writes_them_are_read_by_the_many(part: str, zone: str) -> None:
    line = f'{{"log":"text\\n","stream":"stderr","time":"2026-11-20T11:59:58{part}{zone}"}}'.encode()
    assert (by_the_many(line).format >= 0).all()
    check([line], Reading(alone=True))


def test_a_fraction_with_something_else_in_it_is_left_to_the_lines() -> None:
    for part in (".123456x", ".1234567-9", ".1234567890", "."):
        line = f'{{"message":"x","time":"2026-11-20T11:59:58{part}Z"}}'.encode()
        assert (by_the_many(line).format < 0).all()
        check([line], Reading(alone=True))


def test_a_list_that_is_none_makes_no_object() -> None:
    lines = [b'{"message":"x","tags":[1}}', b'{"message":"x","tags":[1 2]}', b'{"@version":[1 2],"@timestamp":"t","message":"x"}',
             b'{"message":"x","tags":[1,]}', b'{"message":"x","tags":["a]}', b'{"message":"x","tags":["\\x"]}']  # fmt: skip
    check(lines, Reading(alone=True))
    assert all((by_the_many(line).format < 0).all() for line in lines)


def test_shapes_without_end_are_left_to_the_lines() -> None:
    check([b'{"message":"x","%s":%d}' % (b"k" * n, n) for n in range(200)], Reading(alone=True))
    check([b'{"message":"x","k%d":{"y":[1,{"z":%d.50}]}}' % (n, n) for n in range(5000)], Reading(alone=True))
    check([json.dumps({"message": "x", "a" * size: "y"}).encode() for size in (900, 1100, 9000)], Reading(alone=True))
    check([b'{"a":' * depth + b"1" + b"}" * depth for depth in (1, 63, 64, 65, 66)], Reading(alone=True))
    check([b'{"a":' + b"[" * depth + b"]" * depth + b"}" for depth in (1, 62, 63, 64, 65)], Reading(alone=True))


@pytest.mark.parametrize("size", [1023, 1024, 1025])
def test_values_are_cut_alike(size: int) -> None:
    check([json.dumps({"message": "x", "k": letter * size}).encode() for letter in "aé"], Reading(alone=True))
    check([json.dumps({"message": "x", "k": ["a" * size]}).encode()], Reading(alone=True))
    check(
        [json.dumps({"message": "x"} | {f"k{n}": n for n in range(count)}).encode() for count in (63, 64, 65)],
        Reading(),
    )
