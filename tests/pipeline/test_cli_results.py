"""Answers to queries as table, JSON, JSON lines, CSV and Parquet; where a statement ends at the prompt."""

import csv
import io
import json
import sys
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cli_kit import EVIL, _Stream, harmless

from pipeline.cli.errors import CommandError
from pipeline.cli.prompt import Prompt, complete
from pipeline.cli.results import Format, rows, tamed, write


def answer(query: str) -> pa.Table:
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        return con.sql(query).to_arrow_table()


def written(table: pa.Table, form: Format, monkeypatch: pytest.MonkeyPatch, *, terminal: bool = False) -> str:
    stream = _Stream(terminal)
    monkeypatch.setattr(sys, "stdout", stream)
    write(table, form, None)
    return stream.text()


WILD = """
SELECT 1 AS a, 'x' AS a, sum(i) AS total, [1, 2] AS list, MAP {'k': 'v'} AS map, {'s': 1} AS struct, NULL AS nothing,
  'inf'::DOUBLE AS inf, DATE '2026-01-02' AS day, TIMESTAMPTZ '2026-01-02 03:04:05.6+00' AS ts, 'b\\x00'::BLOB AS raw,
  INTERVAL 1 HOUR AS span, 1.5::DECIMAL(4, 2) AS dec, true AS yes
FROM range(3) t(i)
"""


def test_every_type_becomes_json_and_names_that_repeat_are_told_apart() -> None:
    row = next(rows(answer(WILD)))
    assert (row["a"], row["a_2"] if "a_2" in row else row["a_1"]) == (1, "x")
    assert row["total"] == 3
    assert row["map"] == {"k": "v"}
    assert row["inf"] is None
    assert row["dec"] == 1.5
    assert json.loads(json.dumps(row, default=str))["day"] == "2026-01-02"


def test_json_is_one_document_with_columns_and_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    told = json.loads(written(answer(WILD), Format.JSON, monkeypatch))
    assert told["schema_version"] == 1
    assert [c["name"] for c in told["columns"]][:1] == ["a"]
    assert told["rows"][0]["ts"] == "2026-01-02T03:04:05.600000Z"


def test_an_answer_without_rows_is_json_too(monkeypatch: pytest.MonkeyPatch) -> None:
    assert json.loads(written(answer("SELECT 1 AS x WHERE false"), Format.JSON, monkeypatch))["rows"] == []


def test_json_lines_are_an_object_each(monkeypatch: pytest.MonkeyPatch) -> None:
    told = written(answer("SELECT i FROM range(3) t(i)"), Format.JSONL, monkeypatch)
    assert [json.loads(line) for line in told.splitlines()] == [{"i": 0}, {"i": 1}, {"i": 2}]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\n=1"])
def test_csv_holds_no_formula(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert tamed(text) == f"'{text}"
    table = pa.table({"=x": [text]})
    told = list(csv.reader(io.StringIO(written(table, Format.CSV, monkeypatch), newline="")))
    assert told == [["'=x"], [f"'{text}"]]


def test_csv_keeps_numbers_times_and_line_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    table = answer(
        "SELECT -1 AS n, TIMESTAMPTZ '2026-01-02 03:04:05+00' AS ts, 'a' || chr(10) || 'b' AS text, NULL AS x"
    )
    told = list(csv.reader(io.StringIO(written(table, Format.CSV, monkeypatch))))
    assert told[1] == ["-1", "2026-01-02T03:04:05Z", "a\nb", ""]


@pytest.mark.parametrize("form", [Format.TABLE, Format.JSON, Format.JSONL, Format.CSV])
@pytest.mark.parametrize("terminal", [True, False])
def test_no_answer_steers_a_terminal(form: Format, terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    told = written(pa.table({"a\x1b[2J": [EVIL]}), form, monkeypatch, terminal=terminal)
    assert harmless(told)


def test_parquet_keeps_every_byte_and_goes_into_a_file_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = pa.table({"text": [EVIL], "n": [1]})
    write(table, Format.PARQUET, tmp_path / "x.parquet")
    assert pq.read_table(tmp_path / "x.parquet").to_pydict() == {"text": [EVIL], "n": [1]}
    assert [p.name for p in tmp_path.iterdir()] == ["x.parquet"]


def test_parquet_is_refused_by_a_terminal_and_a_table_by_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CommandError, match="not for a terminal"):
        written(pa.table({"a": [1]}), Format.PARQUET, monkeypatch, terminal=True)
    with pytest.raises(CommandError, match="for reading"):
        write(pa.table({"a": [1]}), Format.TABLE, tmp_path / "x")


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "x.csv").mkdir()
    with pytest.raises(OSError, match=r"x\.csv"):
        write(pa.table({"a": [1]}), Format.CSV, tmp_path / "x.csv")
    assert [p.name for p in tmp_path.iterdir()] == ["x.csv"]


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("SELECT 1;", True),
        ("SELECT 1", False),
        ("SELECT 1; ", True),
        ("SELECT ';", False),
        ("SELECT ';'", False),
        ("SELECT ';';", True),
        ('SELECT ";" ;', True),
        ("SELECT 1 -- done;", False),
        ("SELECT 1; -- done", True),
        ("SELECT /* ; ", False),
        ("SELECT /* ; */ 1;", True),
        ("SELECT 'it''s;", False),
        ("SELECT 1\n;", True),
        ("", False),
    ],
)
def test_a_statement_ends_with_a_semicolon_that_counts(text: str, ends: bool) -> None:
    assert complete(text) is ends


def test_the_prompt_gathers_lines_obeys_dots_and_survives_failures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed = iter(["SELECT", "1;", "bad;", ".format json", "SELECT 2;", ".help", "", ".quit", "never;"])
    monkeypatch.setattr("builtins.input", lambda _: next(typed))
    asked: list[tuple[str, Format]] = []
    failed: list[BaseException] = []

    def ask(statement: str, form: Format) -> None:
        asked.append((statement, form))
        if statement == "bad;":
            raise CommandError("no")

    Prompt(ask, failed.append).run()
    assert asked == [("SELECT\n1;", Format.TABLE), ("bad;", Format.TABLE), ("SELECT 2;", Format.JSON)]
    assert [str(e) for e in failed] == ["no"]
    assert ".schema NAME" in capsys.readouterr().err
