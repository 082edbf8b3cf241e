"""A lake is made, opened and refused with a clear line; DuckDB reads it as it lies."""

import json
import pickle
from pathlib import Path

import pyarrow as pa
import pytest

from connectors.lake import Lake, LakeError, verify
from schemas.events import SEGMENT
from schemas.taxonomy import taxonomy
from tests.connectors.lake_rows import NOON, add, ask, rows


def test_a_new_lake_is_empty_sound_and_can_be_asked(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path / "new" / "lake", range_size=1000)
    assert (lake.range_size, lake.taxonomy_hash, lake.sources()) == (1000, taxonomy().hash, [])
    assert verify(lake).findings == []
    assert ask(lake.root, "SELECT count(*) FROM events") == [(0,)]


def test_creating_a_lake_twice_opens_it_and_keeps_its_range_size(tmp_path: Path) -> None:
    add(Lake.create(tmp_path, range_size=1000).chain("kafka-a"), 0, 5)
    again = Lake.create(tmp_path, range_size=2000)
    assert (again.range_size, again.sources()) == (1000, ["kafka-a"])


def test_a_creation_that_broke_off_is_finished_by_the_next(tmp_path: Path) -> None:
    (tmp_path / "events").mkdir()
    (tmp_path / "staging").mkdir()
    assert verify(Lake.create(tmp_path)).ok


def test_a_folder_that_holds_something_else_is_never_made_a_lake(tmp_path: Path) -> None:
    (tmp_path / "thesis.doc").write_text("dear")
    with pytest.raises(LakeError, match=r"not empty and not a lake \(it holds 'thesis.doc'\); name a new"):
        Lake.create(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.doc"]


def test_what_is_no_lake_is_refused_with_what_would_be_right(tmp_path: Path) -> None:
    Lake.create(tmp_path / "inner")
    (tmp_path / "file").write_text("")
    for place, told in {
        tmp_path / "nowhere": "no such folder; `dioptre backfill",
        tmp_path: rf"not a lake: no lake.json in it; did you mean {tmp_path}/inner\?",
        tmp_path / "file": "not a folder",
    }.items():
        with pytest.raises(LakeError, match=told):
            Lake.open(place)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('{"format_version": 2, "range_size": 5}', "format version 2, this dioptre reads 1; use a dioptre that"),
        ('{"format_ver', "damaged: not JSON: .*`dioptre lake repair` restores it"),
        ("[]", "damaged: no format_version"),
        ('{"format_version": 1, "range_size": 0}', "damaged: range_size is 0"),
    ],
)
def test_a_lake_of_another_version_or_a_damaged_one_is_not_opened(tmp_path: Path, content: str, told: str) -> None:
    Lake.create(tmp_path)
    (tmp_path / "lake.json").write_text(content)
    with pytest.raises(LakeError, match=told) as error:
        Lake.open(tmp_path)
    assert str(error.value).startswith(f"{tmp_path}/lake.json: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("source", ["", ".", "..", "_empty", ".x", "a/b", "a b", "é", "x" * 201, "a\n"])
def test_a_name_that_could_leave_its_folder_is_no_source(tmp_path: Path, source: str) -> None:
    with pytest.raises(LakeError, match="no name for a source; use 1 to 200"):
        Lake.create(tmp_path).chain(source)


def test_nothing_in_a_lake_says_where_it_lies(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path / "here")
    add(lake.chain("kafka-a"), 0, 5)
    lake.record_run({"run_id": "r1", "ends": {"kafka-a": 5}})
    assert not [p for p in lake.root.rglob("*") if p.is_file() and str(tmp_path).encode() in p.read_bytes()]
    moved = lake.root.rename(tmp_path / "there")
    assert verify(moved).ok
    assert Lake.open(moved).chain("kafka-a").end() == 5


def test_a_lake_survives_pickling(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path, range_size=1000)
    add(lake.chain("kafka-a"), 0, 5)
    again = pickle.loads(pickle.dumps(lake))
    assert (again.root, again.range_size, again.chain("kafka-a").end()) == (tmp_path, 1000, 5)


def test_duckdb_reads_the_columns_as_their_plain_types(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path)
    batch = rows("kafka-a", [0], attrs=[("k", "v")], issues=["odd"], raw=b"\xff", severity=3, params="a b")
    lake.chain("kafka-a").append(batch, 0, 1, {})
    types = {name: kind for name, kind, *_ in ask(tmp_path, "DESCRIBE SELECT * FROM events")}
    assert list(types) == SEGMENT.names
    assert {types[f.name] for f in SEGMENT if pa.types.is_dictionary(f.type)} == {"VARCHAR"}
    assert types["ts"] == types["ingest_ts"] == "TIMESTAMP WITH TIME ZONE"
    assert (types["attrs"], types["issues"]) == ("MAP(VARCHAR, VARCHAR)", "VARCHAR[]")
    query = "SELECT ts, host, severity, attrs, issues, raw, cert_id, settled FROM events"
    assert ask(tmp_path, query) == [(NOON, "web01", 3, {"k": "v"}, ["odd"], b"\xff", None, False)]


def test_runs_are_read_oldest_first_and_a_torn_one_is_left_out(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path)
    lake.record_run({"run_id": "z", "lines": 1})
    lake.record_run({"run_id": "a", "lines": 2})
    torn = lake.record_run({"run_id": "torn"})
    torn.write_text(torn.read_text()[:-5])
    assert [(run["run_id"], run["lines"]) for run in lake.runs()] == [("z", 1), ("a", 2)]
    with pytest.raises(LakeError, match=r"run_id '\.\./x': cannot name a file"):
        lake.record_run({"run_id": "../x"})
    assert json.loads((tmp_path / "runs" / "a.json").read_text())["lines"] == 2
