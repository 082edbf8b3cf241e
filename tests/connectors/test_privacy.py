"""Masks: what they take away, what they leave, and that they come before all else."""

import pyarrow as pa
import pytest

from connectors.formats.parse import parse
from connectors.privacy import NAMES, Masks
from schemas.events import RECORDS, TS

ALL = Masks(NAMES)


def masked(text: str, masks: Masks = ALL) -> str:
    return str(masks.column(pa.array([text]))[0])


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("Failed password for ann from 192.0.2.7 port 22 ssh2", ["ann", "192.0.2.7"]),
        ("peer 2001:db8:0:1:1:1:1:1 and fe80::1 via 52:54:00:12:34:56", ["2001:db8", "fe80::1", "52:54:00"]),
        ("queued for Ann.Lee@mail.example.org", ["Ann.Lee", "example.org"]),
        ('{"user":"ann","password":"hunter2"}', ["ann", "hunter2"]),
        ('{\\"password\\":\\"hunter2\\"}', ["hunter2"]),
        ("login user=ann token=abc123def", ["ann", "abc123def"]),
        ("Authorization: Bearer abcdefghijkl", ["abcdefghijkl"]),
        ("clone https://bot:hunter2@git.example/x", ["hunter2"]),
        ("jwt eyJhbGciOiJI.eyJzdWIiOiIx.sig", ["eyJhbGci"]),
        ("api_key=XK12", ["XK12"]),
        ("redis://:s3cret@cache:6379 and postgres://u:p@ss@h", ["s3cret", "p@ss"]),
        ("password:  hunter2", ["hunter2"]),
        ('password = "two words"', ["two", "words"]),
        ('{"password":"ab;rest\\"more"}', ["ab", "rest", "more"]),
        ("password=abc,rest", ["abc", "rest"]),
        ("Authorization: Token x1y2", ["x1y2"]),
        ("Cookie: a=1; sid=x9", ["x9"]),
    ],
)
def test_personal_data_and_secrets_go(text: str, gone: list[str]) -> None:
    assert not [word for word in gone if word in masked(text)]


def test_the_rest_stays() -> None:
    for text in ("Started at 11:59:58, version 1.2.3", "password check passed", "user session opened", "a::b()"):
        assert masked(text) == text


def test_bytes_that_are_no_text_are_masked_too() -> None:
    assert b"hunter2" not in ALL.column(pa.array([b"\xff\xfe password=hunter2 \x80"], pa.binary()))[0].as_py()


def test_an_own_pattern_is_masked() -> None:
    assert masked("order A-1234 paid", Masks((), ["A-[0-9]+"])) == "order <masked> paid"


def test_nothing_is_masked_unless_asked() -> None:
    assert not Masks()
    with pytest.raises(ValueError, match="none of address, mail"):
        Masks(("phone",))
    with pytest.raises(ValueError, match="regular expression"):
        Masks((), ["("])


def test_what_escapes_hid_is_masked_once_it_is_read() -> None:
    raw = b'{"__REALTIME_TIMESTAMP":"1795173255004233","MESSAGE":[112,97,115,115,119,111,114,100,61,99,97,110,97,114,121,255]}'
    columns = [pa.array([raw], pa.binary()), pa.array([0]), pa.array([0], TS), pa.array([False])]
    records = pa.RecordBatch.from_arrays(columns, schema=RECORDS)
    row = ALL.parsed(parse(records)).to_pylist()[0]
    assert "canary" not in str(row)
    assert row["message"].startswith("password=<secret>")
    assert row["raw"] is None


def test_an_address_for_a_host_is_masked_and_the_header_is_still_read() -> None:
    columns = [
        pa.array([b"Nov 20 11:14:21 198.51.100.77 app: hi"], pa.binary()),
        pa.array([0]),
        pa.array([0], TS),
        pa.array([False]),
    ]
    row = ALL.parsed(parse(pa.RecordBatch.from_arrays(columns, schema=RECORDS))).to_pylist()[0]
    assert (row["host"], row["app"], row["message"], row["format"]) == ("<ip>", "app", "hi", "rfc3164")


def test_patterns_beyond_ascii_are_masked_in_text() -> None:
    own = Masks((), ["[а-я]+"])
    records = pa.RecordBatch.from_arrays(
        [pa.array(["é привет".encode()], pa.binary()), pa.array([0]), pa.array([0], TS), pa.array([False])],
        schema=RECORDS,
    )
    assert own.parsed(parse(records)).column("message").to_pylist() == ["é <masked>"]
