"""An export is one file that a colleague without the lake can ask, open in a spreadsheet, or load elsewhere."""

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from connectors.catalog import CatalogError, export
from connectors.lake import Lake
from tests.connectors.lake_rows import NOON, novel, rows

LOGIN, ACCESS = "a" * 16, "b" * 16


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Ten logins, one a minute from noon; five accesses at noon."""
    lake = Lake.create(tmp_path / "lake")
    for key, label in ((LOGIN, "auth.login_failure"), (ACCESS, "web.access")):
        lake.note_novel(novel(key, label=label, template_id=key, template=f"{label} <*>"))
    for i in range(10):
        told = {"key": LOGIN, "template_id": LOGIN, "label_at_ingest": "auth.login_failure", "params": str(i)}
        lake.chain("kafka-a").append(rows("kafka-a", [i], ts=NOON + timedelta(minutes=i), **told), i, i + 1, {})
    told = {"key": ACCESS, "template_id": ACCESS, "label_at_ingest": "web.access"}
    lake.chain("kafka-b").append(rows("kafka-b", range(5), **told), 0, 5, {})
    return lake


def ask(path: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path), read_only=True) as con:
        return con.execute(query).fetchall()


def test_a_duckdb_export_answers_without_the_lake(lake: Lake, tmp_path: Path) -> None:
    told = export(lake, tmp_path / "part.duckdb", labels=["auth"])
    lake.root.rename(tmp_path / "gone")
    assert (told.events, told.templates, told.format) == (10, 1, "duckdb")
    assert told.bytes == told.path.stat().st_size
    assert ask(told.path, "SELECT label, level, count(*) FROM events GROUP BY ALL") == [("auth.login_failure", 5, 10)]
    assert ask(told.path, "SELECT template_id, template FROM templates") == [(LOGIN, "auth.login_failure <*>")]
    assert ask(told.path, "SELECT count(*) FROM labels") == [(55,)]
    assert ask(told.path, "SELECT count(*), min(param(params, 1)) FROM recent('5m')") == [(5, "5")]
    assert ask(told.path, "SELECT template_id, n FROM new_since('2026-11-20 00:00:00+00')") == [(LOGIN, 10)]
    assert ask(told.path, "SELECT n FROM template_hours") == ask(told.path, "SELECT n FROM template_stats") == [(10,)]
    assert ask(told.path, "SELECT count(*) FROM otel_logs") == [(10,)]
    assert ask(told.path, "SELECT count(*) FROM around('web01', newest(), '90s')") == [(2,)]
    assert ask(told.path, "SELECT count(*) FROM spikes(newest())") == [(0,)]
    silent = "SELECT column_name FROM duckdb_columns() WHERE table_name = 'events' AND comment IS NULL"
    assert ask(told.path, silent) == []
    assert str(tmp_path).encode() not in told.path.read_bytes()


def test_since_is_included_and_until_is_not(lake: Lake, tmp_path: Path) -> None:
    told = export(lake, tmp_path / "x.parquet", since=NOON + timedelta(minutes=2), until=NOON + timedelta(minutes=5))
    stamps = pq.read_table(told.path)["ts"].to_pylist()
    assert stamps == [NOON + timedelta(minutes=i) for i in (2, 3, 4)]
    assert (told.events, told.templates) == (3, 1)


@pytest.mark.parametrize(
    ("chosen", "events"),
    [
        ({}, 15),
        ({"labels": ["auth"]}, 10),
        ({"labels": ["auth.login_failure", "web"]}, 15),
        ({"labels": ["unknown"]}, 0),
        ({"kinds": [ACCESS]}, 5),
        ({"kinds": [ACCESS], "labels": ["auth"]}, 0),
        ({"kinds": [LOGIN], "until": NOON + timedelta(minutes=1)}, 1),
        ({"since": datetime(2030, 1, 1, tzinfo=UTC)}, 0),
    ],
)
@pytest.mark.parametrize("suffix", ["duckdb", "parquet", "csv"])
def test_choices_are_met_all_at_once(
    lake: Lake, tmp_path: Path, chosen: dict[str, Any], events: int, suffix: str
) -> None:
    told = export(lake, tmp_path / f"part.{suffix}", **chosen)
    assert told.events == events
    read = f"read_csv('{told.path}', header = true)" if suffix == "csv" else f"'{told.path}'"
    with duckdb.connect() as con:
        if suffix == "duckdb":
            con.execute(f"ATTACH '{told.path}' AS part (READ_ONLY)")
            read = "part.events"
        assert con.execute(f"SELECT count(*) FROM {read}").fetchall() == [(events,)]


def test_a_spreadsheet_never_takes_log_text_for_a_formula(lake: Lake, tmp_path: Path) -> None:
    hostile = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "fine", 'a,"b"\nc', ""]
    for i, message in enumerate(hostile):
        batch = rows("kafka-c", [i], message=message, app=message, procid=message)
        lake.chain("kafka-c").append(batch, i, i + 1, {})
    told = export(lake, tmp_path / "x.csv")
    with told.path.open(newline="", encoding="utf-8") as lines:
        read = [row for row in csv.DictReader(lines) if row["source"] == "kafka-c"]
    safe = [("'" if i < 6 else "") + message for i, message in enumerate(hostile)]
    for column in ("message", "app", "procid"):
        assert [row[column] for row in read] == safe


@pytest.mark.parametrize(
    ("out", "chosen", "told"),
    [
        ("x.csv", {"labels": ["auht"]}, "auht: no such label; did you mean auth"),
        ("x.csv", {"kinds": ["' OR 1=1"]}, "not a template id; `dioptre templates list`"),
        ("x.csv", {"since": datetime(2026, 1, 1)}, "since = .*: has no time zone; write 2026-01-01T00:00:00"),
        ("x.txt", {}, "x.txt: no format told; end the name in .duckdb, .parquet or .csv"),
        ("there.csv", {}, "there.csv: exists; name another file"),
        ("none/x.csv", {}, "x.csv: no folder .*none; make it, or name another"),
        ("there.csv/x.csv", {}, "no folder"),
    ],
)
def test_what_cannot_be_exported_is_one_line(
    lake: Lake, tmp_path: Path, out: str, chosen: dict[str, Any], told: str
) -> None:
    (tmp_path / "there.csv").write_text("dear")
    with pytest.raises(CatalogError, match=told) as error:
        export(lake, tmp_path / out, **chosen)
    assert "\n" not in str(error.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lake", "there.csv"]
    assert (tmp_path / "there.csv").read_text() == "dear"


def test_a_file_is_replaced_only_when_that_is_asked_for(lake: Lake, tmp_path: Path) -> None:
    out = tmp_path / "x.csv"
    out.write_text("old")
    assert export(lake, out, overwrite=True).events == 15
    assert out.read_text().startswith("ts,")


def test_names_with_quotes_are_names(lake: Lake, tmp_path: Path) -> None:
    for name in ("it's.parquet", "it's.csv", "it's.duckdb"):
        assert export(lake, tmp_path / name).events == 15
