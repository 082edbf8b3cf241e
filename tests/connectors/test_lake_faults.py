"""Verify names each fault by its file and what is wrong; repair and reading again heal it."""

import json
import os
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors.lake import Finding, Lake, LakeError, forget, repair, verify
from connectors.lake.layout import RANGE_SIZE
from connectors.lake.segments import FOOTER
from tests.connectors.lake_rows import add, kinds, messages, novel, rewrite

LANDING = "events/landing/kafka-a"
NAMES = [f"{LANDING}/{n:020d}.parquet" for n in (0, 10, 20, 30)]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Four segments of ten positions, one of another source, a run that recorded the ends, a novel and a registry."""
    lake = Lake.create(tmp_path)
    for start in (0, 10, 20, 30):
        add(lake.chain("kafka-a"), start, start + 10)
    add(lake.chain("kafka-b"), 0, 5)
    lake.note_novel(novel("k1"))
    lake.publish(kinds("k1"))
    lake.publish(kinds("k2"))
    lake.record_run({"run_id": "r1", "ends": {"kafka-a": 40, "kafka-b": 5}})
    assert verify(lake, deep=True).findings == []
    return lake


def found(lake: Lake, **how: Any) -> list[tuple[str, str]]:
    return [(f.where, f.what) for f in verify(lake.root, **how).findings]


def only(lake: Lake, **how: Any) -> Finding:
    (finding,) = verify(lake.root, **how).findings
    assert finding.hint
    return finding


def heal(lake: Lake) -> None:
    """Repair, read the source again as a backfill would, and find everything there once."""
    repair(lake)
    chain = Lake.open(lake.root).chain("kafka-a")
    while (end := chain.end() or 0) < 40:
        add(chain, end, min(end + 7, 40))
    assert found(lake) == []
    assert messages(lake.root) == [f"line {p}" for p in (*range(40), *range(5))]


def test_the_totals_add_up_by_source_and_in_all(lake: Lake) -> None:
    told = verify(lake)
    assert [(t.source, t.start, t.end, t.segments, t.events) for t in told.sources] == [
        ("kafka-a", 0, 40, 4, 40),
        ("kafka-b", 0, 5, 1, 5),
    ]
    assert (told.total.segments, told.total.events, told.total.rejects, told.total.missing) == (5, 45, 0, 0)


def test_a_segment_cut_at_any_of_50_bytes_is_named_and_healed(lake: Lake) -> None:
    path = lake.root / NAMES[3]
    dice = random.Random(7)
    for size in [0, 1, *(dice.randrange(path.stat().st_size) for _ in range(48))]:
        os.truncate(path, size)
        told = verify(lake)
        (finding,) = told.findings
        assert (finding.severity, finding.where, finding.mend) == ("error", NAMES[3], "quarantine")
        assert "torn or unreadable" in finding.what
        assert told.sources[0].missing == 10
        repair(lake)
        assert add(Lake.open(lake.root).chain("kafka-a"), 30, 40).rows_written == 10
    heal(lake)
    assert len(list((lake.root / "quarantine" / LANDING).iterdir())) == 50


@pytest.mark.parametrize("lost", [0, 1, 2, 3])
def test_a_deleted_segment_is_named_wherever_it_lay(lake: Lake, lost: int) -> None:
    (lake.root / NAMES[lost]).unlink()
    finding = only(lake)
    assert (finding.severity, finding.where) == ("error", NAMES[lost])
    hole = f"missing: positions {lost * 10} to {lost * 10 + 10} are in no segment"
    assert finding.what == (hole if lost < 3 else "missing: run r1 recorded the end 40, the chain ends at 30")
    assert verify(lake).sources[0].missing == 10
    heal(lake)


def test_a_deleted_chain_is_named_until_it_is_forgotten(lake: Lake) -> None:
    (lake.root / f"events/landing/kafka-b/{0:020d}.parquet").unlink()
    (lake.root / "events/landing/kafka-b").rmdir()
    assert "run r1 recorded the end 5, the chain ends at 0" in only(lake).what
    add(lake.chain("kafka-b"), 0, 5)
    assert found(lake) == []


def doubled(table: pa.Table) -> pa.Table:
    return pa.concat_tables([table.slice(0, 4), table.slice(3)])


def shifted(table: pa.Table) -> pa.Table:
    offset = table.schema.get_field_index("source_offset")
    return table.set_column(offset, table.schema.field(offset), pa.array(range(14, 24), pa.int64()))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (doubled, "position 13 is doubled"),
        (doubled, "its footer says 10 events, its rows are 11"),
        (lambda t: t.slice(0, 9), "its footer says 10 events, its rows are 9"),
        (lambda t: t.slice(0, 9), "its footer says 10 positions, its rows are 9"),
        (lambda t: t.take([1, 0, *range(2, 10)]), "position 10 stands after 11"),
        (shifted, "position 23 is outside [10, 20)"),
        (lambda t: t.drop_columns(["host"]), "its columns are not those of a segment"),
        (lambda t: t.set_column(0, "ts", t["ts"].cast(pa.int64())), "its columns are not those of a segment"),
    ],
)
def test_rows_that_are_not_what_the_footer_says_are_named_and_healed(lake: Lake, change: Any, told: str) -> None:
    path = lake.root / NAMES[1]
    rewrite(path, change(pq.ParquetFile(path).read()))
    assert (NAMES[1], f"{told} (begins at 10)") in found(lake)
    heal(lake)


@pytest.mark.parametrize(
    ("footer", "told"),
    [
        ({"start": 11}, "wrong name: its footer begins at 11"),
        ({"end": 10}, "its footer ends at 10, not beyond its start 10"),
        ({"end": 21}, "its footer does not add up: end - start is 11, positions 10 + skips 0"),
        ({"skips": {"x": 1}}, "its footer does not add up: end - start is 10, positions 10 + skips 1"),
        ({"events": 9}, "its footer says 9 events, its rows are 10"),
        ({"rejects": 1}, "its footer says 1 rejects, its rows are 0"),
        ({"source": "kafka-z"}, "lies in the chain of kafka-a, its footer says kafka-z"),
        ({"positions": None}, "its footer lacks counts: events, rejects, positions or skips"),
    ],
)
def test_a_footer_that_does_not_fit_is_named_and_healed(lake: Lake, footer: dict[str, Any], told: str) -> None:
    rewrite(lake.root / NAMES[1], footer=footer)
    assert found(lake) == [(NAMES[1], f"{told} (begins at 10)")]
    heal(lake)


def test_a_segment_of_a_newer_format_is_named_and_left_alone(lake: Lake) -> None:
    rewrite(lake.root / NAMES[1], footer={"format_version": 2})
    assert only(lake).what.startswith("format version 2, this dioptre reads 1")
    assert repair(lake) == []


def test_a_parquet_file_that_is_no_segment_is_named(lake: Lake) -> None:
    pq.write_table(pa.table({"a": [1]}), lake.root / NAMES[1])
    assert only(lake).what.startswith("not a segment: no b'dioptre' in its footer")
    heal(lake)


def test_an_overlap_is_named_and_healed(lake: Lake) -> None:
    path = lake.root / NAMES[1]
    wide = pa.concat_tables([pq.ParquetFile(lake.root / name).read() for name in NAMES[1:3]]).slice(0, 13)
    rewrite(path, wide, {"end": 23, "events": 13, "positions": 13})
    what = f"overlaps {path.name}: positions 20 to 23 are doubled"
    assert [(f.where, f.what) for f in verify(lake).findings] == [(NAMES[2], what)]
    heal(lake)


def test_a_flipped_byte_in_any_column_is_found_when_looking_deep(lake: Lake) -> None:
    path = lake.root / NAMES[1]
    data = bytearray(path.read_bytes())
    column = pq.read_metadata(path).row_group(0).column(9)
    assert column.path_in_schema == "message"
    data[column.data_page_offset + column.total_compressed_size - 3] ^= 1
    path.write_bytes(data)
    assert found(lake) == []
    assert only(lake, deep=True).where == NAMES[1]


def test_foreign_files_are_named_and_those_that_queries_read_are_moved(lake: Lake) -> None:
    landing = lake.root / "events/landing"
    (landing / "notes.txt").write_text("mine")
    (landing / "kafka-a/copy of it.parquet").write_bytes((lake.root / NAMES[0]).read_bytes())
    (landing / "_empty/x.parquet").write_text("")
    (landing / "my folder").mkdir()
    (landing / "my folder/a.parquet").write_text("")
    told = {f.where.removeprefix("events/landing/"): (f.severity, f.mend) for f in verify(lake).findings}
    moved = dict.fromkeys(("kafka-a/copy of it.parquet", "_empty/x.parquet", "my folder"), ("error", "quarantine"))
    assert told == {**moved, "notes.txt": ("warning", "")}
    repair(lake)
    assert only(lake).where == "events/landing/notes.txt"


def test_only_old_leftovers_in_staging_are_named_and_removed(lake: Lake) -> None:
    for name, age_s in {"old.part": 7200, "young.part": 60}.items():
        path = lake.root / "staging" / name
        path.write_text("half a file")
        os.utime(path, (path.stat().st_mtime - age_s,) * 2)
    assert (only(lake).severity, only(lake).where, verify(lake).ok) == ("info", "staging/old.part", True)
    assert [(a.where, a.did) for a in repair(lake)] == [("staging/old.part", "remove")]
    assert [p.name for p in (lake.root / "staging").iterdir()] == ["young.part"]


def test_torn_novel_registry_and_runs_are_named_and_moved(lake: Lake) -> None:
    torn = ["novel", "registry", "runs"]
    for folder in torn:
        path = sorted((lake.root / folder).iterdir())[-1]
        os.truncate(path, path.stat().st_size // 2)
    assert sorted(where.partition("/")[0] for where, _ in found(lake)) == torn
    assert lake.kinds().column("key").to_pylist() == ["k1"]
    repair(lake)
    assert found(lake) == []


@pytest.mark.parametrize(
    "content", ["[]", '{"run_id": "r2"}', '{"run_id": "r1", "ends": {"../..": 5}}', '{"run_id": "r1", "ends": 5}']
)
def test_a_run_that_record_run_did_not_write_is_named(lake: Lake, content: str) -> None:
    (lake.root / "runs/r1.json").write_text(content)
    assert (only(lake).severity, only(lake).where) == ("warning", "runs/r1.json")
    assert lake.runs() == []


def test_a_missing_registry_number_is_named(lake: Lake) -> None:
    (lake.root / "registry/0000000001.parquet").unlink()
    assert found(lake) == [("registry/0000000001.parquet", "missing: later ones are there")]


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"format_version": 1, "range_size": "x"}', None])
def test_a_damaged_lake_json_is_named_and_restored(lake: Lake, content: str | None) -> None:
    path = lake.root / "lake.json"
    before = path.read_text()
    path.unlink() if content is None else path.write_text(content)
    assert only(lake).where == "lake.json"
    repair(lake.root)
    assert (path.read_text(), found(lake)) == (before, [])


def test_a_range_size_changed_by_hand_is_named_and_set_back(lake: Lake) -> None:
    path = lake.root / "lake.json"
    before = path.read_text()
    path.write_text(json.dumps(json.loads(before) | {"range_size": 5}))
    assert only(lake).what == f"range_size is 5, it was {RANGE_SIZE} when the lake was made"
    repair(lake)
    assert path.read_text() == before


def test_the_zero_row_segment_and_folders_are_made_anew(lake: Lake) -> None:
    empty = lake.root / f"events/landing/_empty/{0:020d}.parquet"
    (lake.root / "certificates").rmdir()
    os.truncate(empty, 100)
    assert [where for where, _ in found(lake)] == ["certificates", f"events/landing/_empty/{0:020d}.parquet"]
    repair(lake)
    assert (found(lake), FOOTER in pq.read_metadata(empty).metadata) == ([], True)


def test_a_dry_run_says_what_repair_then_does(lake: Lake) -> None:
    os.truncate(lake.root / NAMES[1], 50)
    before = sorted(lake.root.rglob("*"))
    would = repair(lake, dry_run=True)
    assert [(a.where, a.did) for a in would] == [(NAMES[1], f"move to quarantine/{NAMES[1]}")]
    assert sorted(lake.root.rglob("*")) == before
    assert repair(lake) == would
    assert repair(lake) == []


def test_a_forgotten_source_is_kept_aside_and_read_again_from_its_beginning(lake: Lake) -> None:
    chain = lake.chain("kafka-a")
    aside = forget(lake, "kafka-a", dry_run=True)
    assert (chain.end(), aside.exists()) == (40, False)
    aside = forget(lake, "kafka-a")
    assert len(list(aside.iterdir())) == 4
    assert (chain.end(), lake.sources(), found(lake)) == (None, ["kafka-b"], [])
    add(chain, 0, 40)
    assert (chain.end(), found(lake)) == (40, [])


def test_forgetting_an_unknown_source_names_the_nearest(lake: Lake) -> None:
    with pytest.raises(LakeError, match=r"kafka-aa: no such source in .*; did you mean kafka-a\?"):
        forget(lake, "kafka-aa")


def test_a_folder_that_is_no_lake_is_not_verified(tmp_path: Path) -> None:
    with pytest.raises(LakeError, match=r"not a lake: no lake.json in it"):
        verify(tmp_path)


def test_a_lake_of_a_newer_version_is_neither_verified_nor_mended(lake: Lake) -> None:
    path = lake.root / "lake.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format_version": 99}))
    for mend in (lambda: verify(lake.root), lambda: repair(lake.root)):
        with pytest.raises(LakeError, match="format version 99, this dioptre reads 1; use a dioptre that reads it"):
            mend()
    assert json.loads(path.read_text())["format_version"] == 99
