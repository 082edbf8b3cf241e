"""What has expired is in no answer and in no file, and every position is still counted and never read again."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.lake import Expired, Lake, expire, verify
from tests.connectors.lake_rows import NOON, add, rows
from tests.connectors.test_lake_compact import asked, day_files, landing, squeeze


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A row a day for eight days, six of them compacted; an impossible stamp; an old archive that is still in landing."""
    lake = Lake.create(tmp_path / "lake")
    for i in range(8):
        ts = NOON + timedelta(days=i - 8) if i else datetime(1970, 1, 1, tzinfo=UTC)
        lake.chain("kafka-a").append(rows("kafka-a", [i], ts=ts), i, i + 1, {"prefix": f"hash to {i + 1}"})
        if i == 6:
            squeeze(lake)
    for i in range(2):
        lake.chain("kafka-b").append(rows("kafka-b", [i], ts=NOON - timedelta(days=30)), i, i + 1, {})
    return lake


def test_days_that_are_over_go_and_segments_that_are_wholly_older(lake: Lake) -> None:
    before = NOON - timedelta(days=4)
    done = expire(lake, before, grace_s=-1)
    assert (done.days, done.files, done.events) == (["2026-11-13", "2026-11-14", "2026-11-15"], 5, 5)
    assert [
        r["ts"] for r in asked(lake, "SELECT ts FROM events ORDER BY ts") if r["ts"] > datetime(2000, 1, 1, tzinfo=UTC)
    ] == [NOON - timedelta(days=d) for d in (4, 3, 2, 1)]
    assert len(day_files(lake)) == 3
    assert not landing(lake, "kafka-b")
    told = verify(lake, deep=True)
    assert (told.findings, told.total.missing, told.total.skips) == ([], 0, {"expired": 5})
    chain = Lake.open(lake.root).chain("kafka-b")
    assert (chain.end(), Lake.open(lake.root).chain("kafka-a").prefix()) == (2, "hash to 8")
    assert expire(lake, before) == Expired()
    assert add(chain, 0, 2).rows_written == 0
    assert add(chain, 0, 3).rows_written == 1


def test_a_dry_run_tells_what_would_go_and_touches_nothing(lake: Lake) -> None:
    before = {p: p.stat().st_mtime_ns for p in lake.root.rglob("*")}
    told = expire(lake, NOON - timedelta(days=4), dry_run=True)
    assert {p: p.stat().st_mtime_ns for p in lake.root.rglob("*")} == before
    assert expire(lake, NOON - timedelta(days=4)) == told


def test_files_stay_for_the_grace_and_answers_change_at_once(lake: Lake) -> None:
    expire(lake, NOON - timedelta(days=4))
    assert len(day_files(lake)) == 6
    assert asked(lake, "SELECT count(*) AS n FROM events") == [{"n": 5}]


def test_rows_with_impossible_stamps_go_by_the_time_of_their_ingest(lake: Lake) -> None:
    assert "quarantine" in expire(lake, NOON + timedelta(days=1), dry_run=True).days
    assert "quarantine" not in expire(lake, NOON - timedelta(days=1), dry_run=True).days


def test_everything_may_expire_and_the_lake_goes_on(lake: Lake) -> None:
    expire(lake, NOON + timedelta(days=2), grace_s=-1)
    assert asked(lake, "SELECT count(*) AS n FROM events_raw") == [{"n": 0}]
    again = Lake.open(lake.root)
    assert (again.chain("kafka-a").end(), verify(again).findings) == (8, [])
    add(again.chain("kafka-a"), 8, 10)
    assert asked(again, "SELECT count(*) AS n FROM events_raw") == [{"n": 2}]
    squeeze(again, newest_after_s=0)
    assert verify(again, deep=True).findings == []
