"""`dioptre label`: one line of JSON a record, in order, whatever the record is."""

import base64
import bz2
import gzip
import json
import lzma
from pathlib import Path
from typing import Any

import pytest
import zstandard
from cli_kit import EVIL, dioptre, harmless

from pipeline.rendered import FIELDS

AUTH = b"<34>Nov 20 11:14:15 web01 sshd[811]: Failed password for root from 192.0.2.7 port 22 ssh2"
NOW = ("--now", "2026-11-22T12:00:00Z")


def label(stdin: bytes, *more: str) -> list[dict[str, Any]]:
    ran = dioptre("label", *NOW, *more, stdin=stdin)
    assert ran.code == 0, ran.err
    assert harmless(ran.out)
    return [json.loads(line) for line in ran.out.splitlines()]


def wrapped(*objects: object) -> bytes:
    return "".join(json.dumps(one) + "\n" for one in objects).encode()


def test_a_line_gives_every_field_by_its_name() -> None:
    [row] = label(AUTH)
    assert tuple(row) == FIELDS
    assert row["status"] == "ok"
    assert (row["ts"], row["ts_quality"]) == ("2026-11-20T11:14:15.000000Z", "year_inferred")
    assert row["observed_ts"] == "2026-11-22T12:00:00.000000Z"
    assert (row["host"], row["app"], row["procid"], row["msgid"]) == ("web01", "sshd", "811", None)
    assert (row["facility"], row["severity"], row["format"]) == (4, 2, "rfc3164")
    assert row["message"] == "Failed password for root from 192.0.2.7 port 22 ssh2"
    assert (row["template"], row["params"]) == (
        "Failed password for root from <*> port <*> <*>", ["192.0.2.7", "22", "ssh2"],
    )  # fmt: skip
    assert (row["label"], row["domain"], row["stage"]) == ("auth.login_failure", "auth", "tiny")
    assert 0.5 < row["confidence"] <= 1
    assert row["attrs"] is row["raw"] is row["issues"] is None


def test_every_line_gives_one_line_in_order_empty_ones_too() -> None:
    rows = label(AUTH + b"\n\n \n" + AUTH + b"\n\x00\x01\x02\x03\x04\x05\x06\x07\n" + b"last without end")
    assert [(row["status"], row["reason"]) for row in rows] == [
        ("ok", None), ("reject", "empty"), ("reject", "empty"), ("ok", None), ("reject", "binary"), ("ok", None),
    ]  # fmt: skip
    assert [row["source_offset"] for row in rows] == sorted(row["source_offset"] for row in rows)
    assert rows[1]["label"] is rows[1]["message"] is rows[1]["key"] is None
    assert rows[1]["detail"]
    assert base64.b64decode(rows[4]["raw"]).startswith(b"\x00\x01")


def test_structured_data_issues_and_bytes_come_along() -> None:
    record = b'<165>1 2026-11-20T22:14:15.003Z h app 1 ID47 [ex@1 a="1" b="x\\"y"] caf\xe9 open'
    [row] = label(record)
    assert row["attrs"] == {"ex@1.a": "1", "ex@1.b": 'x"y'}
    assert row["msgid"] == "ID47"
    assert row["issues"] == ["bad_utf8"]
    assert base64.b64decode(row["raw"]) == record
    assert row["ts"] == "2026-11-20T22:14:15.003000Z"


def test_a_record_of_several_events_is_one_line_that_holds_them_all() -> None:
    frame = b"%d %s" % (len(AUTH), AUTH)
    rows = label(frame + frame + b"\n" + AUTH + b"\n")
    assert len(rows) == 2
    assert [event["ordinal"] for event in rows[0]["events"]] == [0, 1]
    assert rows[0]["label"] == rows[0]["events"][1]["label"] == "auth.login_failure"
    assert "events" not in rows[1]


def test_hostile_text_is_escaped() -> None:
    [row] = label(b"Nov 20 11:14:15 h evil[1]: " + EVIL.encode())
    assert row["message"] == EVIL


def test_a_stack_trace_takes_over_the_header_of_its_line() -> None:
    rows = label(b"Nov 20 11:14:15 h shop[1]: order failed\n\tat com.shop.Pay(Pay.java:3)\n")
    assert rows[1]["ts"] == rows[0]["ts"]
    assert rows[1]["app"] == "shop"
    assert (rows[1]["stage"], rows[1]["label"]) == ("continuation", rows[0]["label"])
    assert rows[1]["template"]


def test_the_zone_and_the_format_are_those_asked_for() -> None:
    assert label(AUTH, "--tz", "Europe/Berlin")[0]["ts"] == "2026-11-20T10:14:15.000000Z"
    assert label(AUTH, "--format", "plain")[0]["message"] == AUTH.decode()
    assert label(AUTH, "--now", "2020-03-01")[0]["ts"].startswith("2019-11-20")


def test_json_lines_echo_their_id_and_keep_newlines_in_the_record() -> None:
    rows = label(
        wrapped({"id": 7, "raw": AUTH.decode()}, {"raw": "Nov 20 11:14:15 h a: one\n\ttwo"}, {"id": {"n": "x"}, "raw": ""}),
        "--jsonl", "raw",
    )  # fmt: skip
    assert [row["id"] for row in rows] == [7, None, {"n": "x"}]
    assert tuple(rows[0]) == ("id", *FIELDS)
    assert rows[1]["message"] == "one\n\ttwo"
    assert (rows[2]["status"], rows[2]["reason"]) == ("reject", "empty")


def test_json_lines_without_a_record_are_told_apart() -> None:
    odd = wrapped({"id": 1, "raw": None}, {"id": 2}, {"id": 3, "raw": 4}, [1]) + b"{no json\n\n" + b"NaN\n"
    rows = label(odd + wrapped({"id": 9, "raw": "fine, thanks"}), "--jsonl", "raw")
    assert [(row["id"], row["status"], row["reason"]) for row in rows] == [
        (1, "skip", "tombstone"), (2, "skip", "missing_field"), (3, "reject", "bad_jsonl"),
        (None, "reject", "bad_jsonl"), (None, "reject", "bad_jsonl"), (None, "reject", "bad_jsonl"),
        (None, "reject", "bad_jsonl"), (9, "ok", None),
    ]  # fmt: skip
    assert all(tuple(row) == ("id", *FIELDS) for row in rows)


def test_records_in_json_lines_have_nothing_to_do_with_one_another() -> None:
    rows = label(
        wrapped({"r": "Nov 20 11:14:15 h shop[1]: failed"}, {"r": "\tat com.shop.Pay(Pay.java:3)"}), "--jsonl", "r"
    )
    assert rows[1]["app"] is None
    assert rows[1]["ts_quality"] == "received"


def test_base64_gives_the_very_bytes() -> None:
    raw = b"<34>Nov 20 11:14:15 h app: caf\xe9\n"
    coded = base64.b64encode(raw).decode()
    [by_field] = label(wrapped({"id": "a", "b": coded}), "--jsonl", "b", "--base64")
    [by_line] = label(coded.encode() + b"\n", "--base64")
    assert by_field["message"] == by_line["message"] == "caf\ufffd"
    assert base64.b64decode(by_line["raw"]) == raw
    bad = label(wrapped({"id": "a", "b": "%%%"}), "--jsonl", "b", "--base64")
    assert (bad[0]["status"], bad[0]["reason"], bad[0]["id"]) == ("reject", "bad_base64", "a")


def test_bytes_and_lone_surrogates_in_json_are_taken_as_they_are() -> None:
    rows = label(b'{"id":"\\ud800","r":"x \\ud800 y z"}\n{"id":2,"r":"caf\xe9 au lait"}\n', "--jsonl", "r")
    assert [row["status"] for row in rows] == ["ok", "ok"]
    assert rows[1]["issues"] == ["bad_utf8"]


def test_a_long_record_is_cut_and_flagged() -> None:
    long = "Nov 20 11:14:15 h app: " + "word " * 20_000
    [row] = label(long.encode() + b"\n")
    [in_json] = label(wrapped({"r": long}), "--jsonl", "r")
    assert row["issues"] == in_json["issues"] == ["truncated"]
    assert row["message"][:60_000] == in_json["message"][:60_000]


@pytest.mark.parametrize(
    ("name", "packed"),
    [
        ("a.log", bytes), ("a.gz", gzip.compress), ("a.bz2", bz2.compress), ("a.xz", lzma.compress),
        ("a.zst", zstandard.ZstdCompressor().compress),
    ],
)  # fmt: skip
def test_files_of_every_codec_give_the_same(tmp_path: Path, name: str, packed: Any) -> None:
    lines = b"".join(AUTH[:-1] + b"%d\n" % i for i in range(50)) + b"the end"
    (tmp_path / name).write_bytes(packed(lines))
    by_file = dioptre("label", *NOW, str(tmp_path / name))
    by_pipe = dioptre("label", *NOW, stdin=packed(lines))
    assert by_file.code == by_pipe.code == 0
    assert by_file.out == by_pipe.out
    assert len(by_file.out.splitlines()) == 51


def test_with_a_lake_a_persons_label_is_used(own: Path) -> None:
    from connectors.lake import Lake

    lake = Lake.open(own / "lake")
    row = next(r for r in lake.kinds().to_pylist() if r["app"] == "sshd")
    table = (
        lake.kinds()
        .schema.empty_table()
        .from_pylist([row | {"label": "security.intrusion", "stage": "person", "confidence": 1.0}], lake.kinds().schema)
    )
    lake.publish(table)
    line = b"Nov  1 00:00:07 web0 sshd[1]: Failed password for invalid user u1 from 203.0.113.9 port 40000 ssh2"
    [with_lake] = label(line, "--lake", "lake")
    [without] = label(line)
    assert (with_lake["label"], with_lake["stage"]) == ("security.intrusion", "person")
    assert without["stage"] == "tiny"


def test_what_cannot_be_read_is_told_in_one_line() -> None:
    for argv, word in [
        (["nowhere.log"], "nowhere.log"), (["-", "--tz", "Mars/Base"], "Mars/Base"), (["-", "--now", "soon"], "soon"),
        (["-", "--lake", "nolake"], "nolake"), (["-", "--format", "morse"], "morse"),
    ]:  # fmt: skip
        ran = dioptre("label", *argv)
        assert ran.code == 2
        assert word in ran.err
        assert len(ran.err.splitlines()) <= 2


def test_of_a_file_the_template_is_that_after_merging_and_the_key_stays(tmp_path: Path) -> None:
    lines = [f"Nov 20 11:14:15 h app[1]: cache holds {size} now" for size in ("12 MB", "7 kB", "3 GB")]
    (tmp_path / "x.log").write_text("\n".join(lines))
    (tmp_path / "x.jsonl").write_bytes(wrapped(*({"m": line} for line in lines)))
    for file, more in (("x.log", ()), ("x.jsonl", ("--jsonl", "m"))):
        rows = [json.loads(line) for line in dioptre("label", str(tmp_path / file), *NOW, *more).out.splitlines()]
        assert {row["template"] for row in rows} == {"cache holds <*> now"}
        assert len({row["template_id"] for row in rows}) == 1
        assert len({row["key"] for row in rows} - {rows[0]["template_id"]}) == 3
    assert len({row["template"] for row in label("\n".join(lines).encode())}) == 3
