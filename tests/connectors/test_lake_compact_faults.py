"""Verify names whatever is wrong with a compacted lake; repair and forget heal it; nothing that is killed harms it."""

import os
import random
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.lake import Lake, TornError, forget, repair, verify
from tests.connectors.lake_rows import add
from tests.connectors.test_lake_compact import LATER, asked, day_files, landing, squeeze


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Two compactions on one day, and what they replaced gone; the newest segment of each chain in landing."""
    lake = Lake.create(tmp_path / "lake")
    for start in range(0, 60, 10):
        add(lake.chain("kafka-a"), start, start + 10)
        add(lake.chain("kafka-b"), start, start + 10)
        if start in (20, 50):
            squeeze(lake)
    squeeze(lake, grace_s=0)
    lake.record_run({"run_id": "r1", "ends": {"kafka-a": 60, "kafka-b": 60}})
    assert verify(lake, deep=True).findings == []
    assert (len(day_files(lake)), landing(lake)) == (2, [50])
    return lake


def found(lake: Lake, **how: Any) -> list[tuple[str, str, str]]:
    return [(f.severity, f.where, f.what) for f in verify(lake.root, **how).findings]


def test_the_totals_of_a_compacted_lake_add_up(lake: Lake) -> None:
    told = verify(lake)
    assert [(t.source, t.start, t.end, t.segments, t.events, t.missing) for t in told.sources] == [
        ("kafka-a", 0, 60, 6, 60, 0),
        ("kafka-b", 0, 60, 6, 60, 0),
    ]


def test_a_compacted_file_cut_at_any_of_50_bytes_is_named(lake: Lake) -> None:
    path = lake.root / "events" / day_files(lake)[0]
    dice, kept = random.Random(5), path.read_bytes()
    for size in [0, 1, len(kept) - 1, *(dice.randrange(len(kept)) for _ in range(47))]:
        os.truncate(path, size)
        [(severity, where, what)] = found(lake)
        assert (severity, where) == ("error", str(path.relative_to(lake.root)))
        assert what.startswith(f"torn: it has {size} bytes, {len(kept)} were written")
        path.write_bytes(kept)
    assert found(lake) == []


def test_a_flipped_byte_is_named_when_looking_deep(lake: Lake) -> None:
    path = lake.root / "events" / day_files(lake)[0]
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    assert "damaged: its bytes are not those that were written" in found(lake, deep=True)[0][2]


def test_a_lost_compacted_file_is_named_counted_as_lost_and_read_again_once_forgotten(lake: Lake) -> None:
    name = day_files(lake)[0]
    rows = lake.compacted().files[name].rows
    (lake.root / "events" / name).unlink()
    assert found(lake) == [("error", f"events/{name}", f"missing ({rows} rows)")]
    assert [a.did for a in repair(lake.root, dry_run=True)] == [f"count as lost, move to quarantine/events/{name}"]
    repair(lake.root)
    told = verify(lake.root)
    assert told.ok
    assert told.total.skips == {"lost": rows}
    assert [f.what for f in told.findings] == [f"{rows // 2} positions were lost with a compacted file"] * 2
    assert asked(lake, "SELECT count(*) AS n FROM events") == [{"n": 120 - rows}]
    for source in ("kafka-a", "kafka-b"):
        forget(lake, source)
        add(lake.chain(source), 0, 60)
    assert verify(lake.root).findings == []
    assert asked(lake, "SELECT count(*) AS n, count(DISTINCT (source, source_offset)) AS d FROM events") == [
        {"n": 120, "d": 120}
    ]


def test_a_torn_compacted_file_is_moved_aside(lake: Lake) -> None:
    name = day_files(lake)[0]
    os.truncate(lake.root / "events" / name, 50)
    repair(lake.root)
    assert (lake.root / "quarantine/events" / name).exists()
    assert verify(lake.root).ok


def test_a_doubled_compacted_file_is_named_and_read_by_nobody(lake: Lake) -> None:
    before = asked(lake)
    path = lake.root / "events" / day_files(lake)[0]
    shutil.copy(path, path.with_name("copy.parquet"))
    assert asked(lake) == before
    [(severity, where, what)] = found(lake)
    assert (severity, where) == ("info", f"events/{path.parent.name}/copy.parquet")
    assert "no compaction tells of it, so nobody reads it" in what
    squeeze(lake, now=datetime.now(UTC) + LATER, grace_s=-1)
    assert found(lake) == []


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("how", ["delete", "cut"])
def test_a_lost_record_is_named_and_made_anew_from_its_copy(lake: Lake, number: int, how: str) -> None:
    before = asked(lake)
    path = lake.root / f"compactions/{number:010d}.json"
    path.unlink() if how == "delete" else os.truncate(path, 40)
    again = Lake.open(lake.root)
    assert again.chain("kafka-a").end() == 60
    assert asked(again) == before
    [(severity, where, _)] = found(again)
    assert (severity, where) == ("error", f"compactions/{path.name}")
    repair(lake.root)
    assert found(again) == []


def test_a_record_lost_with_its_copy_stops_readers_and_writers_and_is_named(lake: Lake) -> None:
    for suffix in ("json", "copy"):
        (lake.root / f"compactions/0000000001.{suffix}").unlink()
    again = Lake.open(lake.root)
    for ask in (
        lambda: again.chain("kafka-a").end(),
        lambda: asked(again),
        lambda: add(again.chain("kafka-a"), 60, 70),
    ):
        with pytest.raises(TornError, match=r"0000000001.json: missing: later ones are there; `dioptre lake verify`"):
            ask()
    assert ("error", "compactions/0000000001.json", "missing: later ones are there") in found(again)


def test_landing_files_that_should_have_gone_are_named(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    old = lake.root / f"events/landing/kafka-a/{10:020d}.parquet"
    shutil.copy(lake.root / f"events/landing/kafka-a/{50:020d}.parquet", old)
    monkeypatch.setattr("connectors.lake.check_compacted.GRACE_S", 0.0)
    assert found(lake) == [
        ("info", "events/landing/kafka-a", "1 files before 50, where landing begins, should have gone")
    ]
    squeeze(lake, grace_s=0)
    assert found(lake) == []


def test_rows_that_records_tell_of_otherwise_are_named(lake: Lake) -> None:
    import json

    for suffix in ("json", "copy"):
        path = lake.root / f"compactions/0000000001.{suffix}"
        told = json.loads(path.read_text())
        told["took"]["kafka-a"] |= {"events": 7, "positions": 7, "skips": {"x": 13}}
        path.write_text(json.dumps(told))
    what = "its records say 37 events of kafka-a, its files hold 50"
    assert ("error", "compactions", what) in found(Lake.open(lake.root))


def test_a_lost_file_of_marks_is_named(lake: Lake) -> None:
    [path, *_] = sorted((lake.root / "compactions").glob("*.marks"))
    path.unlink()
    assert [(s, w) for s, w, _ in found(Lake.open(lake.root))] == [("error", f"compactions/{path.name}")]


def test_a_forgotten_source_goes_from_day_files_too_and_is_kept_aside(lake: Lake) -> None:
    import pyarrow.parquet as pq

    aside = forget(lake, "kafka-a")
    kept = pq.read_table(aside / "compacted/compacted.parquet")
    assert kept["source_offset"].to_pylist() == list(range(50))
    assert [p.name for p in (aside / "landing").iterdir()] == [f"{50:020d}.parquet"]
    assert (lake.sources(), lake.chain("kafka-a").end()) == (["kafka-b"], None)
    assert asked(lake, "SELECT source, count(*) AS n FROM events GROUP BY 1") == [{"source": "kafka-b", "n": 60}]
    assert verify(lake).findings == []
    add(lake.chain("kafka-a"), 0, 60)
    assert verify(lake).findings == []
    squeeze(lake, newest_after_s=0)
    assert asked(lake, "SELECT count(*) AS n FROM events") == [{"n": 120}]
