"""Compaction moves rows from landing to day files and changes nothing else: not one position, not one answer."""

import contextlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from connectors.catalog import Session
from connectors.lake import Compacted, Lake, compact, compacting, step
from tests.connectors.lake_rows import NOON, add, kinds, rows

LATER = timedelta(hours=3)
ALL = "SELECT count(*) AS n, count(DISTINCT (source, source_offset)) AS d, sum(hash(message)) AS h FROM events_raw"


def squeeze(lake: Lake, **how: Any) -> Compacted:
    """Compact what is sealed, at once."""
    return compact(lake, **{"older_than_s": 0, **how})


def asked(lake: Lake, query: str = ALL) -> list[dict[str, Any]]:
    with Session(lake, threads=1) as session:
        return list(session.run(query).to_pylist())


def landing(lake: Lake, source: str = "kafka-a") -> list[int]:
    return sorted(int(p.stem) for p in (lake.root / "events/landing" / source).glob("*.parquet"))


def day_files(lake: Lake) -> list[str]:
    return sorted(str(p.relative_to(lake.root / "events")) for p in lake.root.glob("events/day=*/*.parquet"))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Ten segments of one source, a single one of another."""
    lake = Lake.create(tmp_path / "lake")
    for start in range(0, 100, 10):
        add(lake.chain("kafka-a"), start, start + 10, name="logs/0")
    add(lake.chain("kafka-b"), 0, 5)
    return lake


def test_all_but_the_newest_of_each_chain_is_compacted_and_no_answer_changes(lake: Lake) -> None:
    before = asked(lake)
    done = squeeze(lake)
    assert (done.segments, done.rows, done.more, done.refused) == (9, 90, False, [])
    assert [name[:15] for name in done.made] == ["day=2026-11-20/"]
    assert done.made == day_files(lake)
    assert (lake.base("kafka-a"), lake.base("kafka-b")) == (90, 0)
    assert landing(lake) == list(range(0, 100, 10))
    assert asked(lake) == before
    assert squeeze(lake) == Compacted()


def test_what_was_replaced_goes_after_the_grace_and_not_before(lake: Lake) -> None:
    before = asked(lake)
    squeeze(lake)
    assert compact(lake, now=datetime.now(UTC) + timedelta(hours=1.9)).removed == 0
    assert compact(lake, now=datetime.now(UTC) + timedelta(hours=2.1)).removed == 9
    assert landing(lake) == [90]
    assert asked(lake) == before


def test_a_chain_goes_on_behind_its_compacted_part(lake: Lake) -> None:
    squeeze(lake)
    squeeze(lake, grace_s=0)
    chain = Lake.open(lake.root).chain("kafka-a")
    assert (chain.first(), chain.end(), chain.prefix(), chain.hole()) == (0, 100, "hash to 100", None)
    assert [(s.start, s.end, s.footer["positions"]) for s in chain.segments()] == [(0, 90, 90), (90, 100, 10)]
    add(chain, 95, 120)
    squeeze(lake, grace_s=0)
    assert (lake.base("kafka-a"), lake.chain("kafka-a").end()) == (100, 120)
    assert lake.chain("kafka-a").segments()[0].footer["segments"] == 10


def test_the_newest_is_taken_once_its_chain_is_at_rest_and_the_chain_still_knows_its_end(lake: Lake) -> None:
    before = asked(lake)
    done = compact(lake, now=datetime.now(UTC) + timedelta(days=2))
    assert (done.segments, lake.base("kafka-a"), lake.base("kafka-b")) == (11, 100, 5)
    compact(lake, now=datetime.now(UTC) + timedelta(days=3))
    assert not any((lake.root / "events/landing").glob("kafka-*"))
    again = Lake.open(lake.root)
    assert (again.sources(), again.chain("kafka-a").end(), again.chain("kafka-b").end()) == (
        ["kafka-a", "kafka-b"],
        100,
        5,
    )
    assert again.chain("kafka-a").prefix() == "hash to 100"
    assert asked(lake) == before
    add(again.chain("kafka-b"), 5, 7)
    assert asked(lake, "SELECT count(*) AS n FROM events") == [{"n": 107}]


def test_the_marks_by_which_a_file_is_known_again_stay(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path)
    chain = lake.chain("file-0123456789abcdef.0000")
    add(chain, 0, 10, marks=[[4, "m4"], [8, "m8"]])
    add(chain, 10, 20, marks=[[14, "m14"]])
    add(chain, 20, 30)
    squeeze(lake)
    footer = Lake.open(lake.root).chain(chain.source).segments()[0].footer
    assert footer["marks"] == [[4, "m4"], [8, "m8"], [10, "hash to 10"], [14, "m14"], [20, "hash to 20"]]
    assert footer["prefix"] == "hash to 20"


def test_small_traffic_waits_for_company(lake: Lake) -> None:
    now = datetime.now(UTC)
    assert compact(lake, now=now + timedelta(minutes=14)).segments == 0
    assert compact(lake, now=now + timedelta(minutes=16)).segments == 9


def test_many_segments_are_compacted_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.lake.compacting.MANY", 12)
    lake = Lake.create(tmp_path)
    for start in range(12):
        add(lake.chain("kafka-a"), start, start + 1)
    assert compact(lake).segments == 0
    add(lake.chain("kafka-a"), 12, 13)
    assert compact(lake).segments == 12


def test_a_call_reads_no_more_than_it_may_and_says_that_there_is_more(lake: Lake) -> None:
    done = squeeze(lake, most_bytes=20_000)
    assert 0 < done.segments < 9
    assert done.more
    while done.more:
        done = squeeze(lake, most_bytes=20_000)
    assert lake.base("kafka-a") == 90


def test_rows_go_to_the_day_of_their_stamp_sorted_and_impossible_stamps_aside(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path)
    now = datetime.now(UTC)
    stamps = [now - timedelta(days=d, hours=h) for d in (2, 1) for h in (3, 5, 4)]
    stamps += [datetime(1970, 1, 1, tzinfo=UTC), now + timedelta(days=40)]
    for i, ts in enumerate([*stamps, now]):
        lake.chain("kafka-a").append(rows("kafka-a", [i], ts=ts), i, i + 1, {})
    squeeze(lake)
    found = {}
    for name in day_files(lake):
        table = pq.ParquetFile(lake.root / "events" / name).read()
        found[name.partition("/")[0]] = table["ts"].to_pylist()
    assert found.pop("day=quarantine") == sorted(stamps[6:])
    assert found == {d: sorted(t for t in stamps[:6] if f"day={t:%Y-%m-%d}" == d) for d in found}
    assert sorted(t for told in found.values() for t in told) == sorted(stamps[:6])
    assert lake.compacted().ranges["kafka-a"].newest == max(stamps[:6]).isoformat()


def test_a_compacted_row_is_stamped_with_the_label_of_then_and_keeps_that_of_its_ingest(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path)
    lake.publish(kinds("k1", label="network.link"))
    chain = lake.chain("kafka-a")
    chain.append(rows("kafka-a", [0], key="k1"), 0, 1, {})
    chain.append(rows("kafka-a", [1], key="k1", stage="continuation"), 1, 2, {})
    chain.append(rows("kafka-a", [2], reject_reason="empty", key=None, raw=b"\xff"), 2, 3, {})
    add(chain, 3, 4)
    squeeze(lake)
    [name] = day_files(lake)
    table = pq.ParquetFile(lake.root / "events" / name).read().select(["label_at_ingest", "label", "key", "raw"])
    assert [tuple(row.values()) for row in table.to_pylist()] == [
        ("auth.failure", "network.link", "k1", None),
        ("auth.failure", "auth.failure", "k1", None),
        ("auth.failure", "auth.failure", None, b"\xff"),
    ]
    lake.publish(kinds("k1", label="network.dns"))
    assert asked(lake, "SELECT label FROM events WHERE source_offset = 0") == [{"label": "network.dns"}]
    assert asked(lake, "SELECT source_offset AS o, raw FROM rejects") == [{"o": 2, "raw": b"\xff"}]


def test_every_column_survives_as_it_was(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path)
    odd = {
        "attrs": [("a", "ä\0"), ("b", None)],
        "issues": ["bad_utf8", "x"],
        "raw": b"\0\xff",
        "procid": "7",
        "msgid": "m",
    }
    odd |= {"facility": 3, "severity": 0, "params": "a b", "cert_id": "c", "message": "\u2028 \0 é\n"}
    chain = lake.chain("kafka-a")
    chain.append(rows("kafka-a", range(3), **odd), 0, 3, {})
    chain.append(rows("kafka-a", range(3, 5), host=None, app=None, confidence=None, attrs=[]), 3, 5, {})
    add(chain, 5, 6)
    query = "SELECT * FROM events_raw ORDER BY source_offset"
    before = asked(lake, query)
    squeeze(lake)
    squeeze(lake, grace_s=0)
    assert landing(lake) == [5]
    assert asked(lake, query) == before


def test_small_files_of_a_day_become_one(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path)
    for start in range(0, 18, 2):
        add(lake.chain("kafka-a"), start, start + 1)
        add(lake.chain("kafka-a"), start + 1, start + 2)
        squeeze(lake)
    before = asked(lake)
    assert len(lake.compacted().files) < 9
    assert sum(f.rows for f in lake.compacted().files.values()) == 17
    later = datetime.now(UTC) + LATER
    compact(lake, now=later, grace_s=0)
    assert asked(lake) == before


def test_a_record_that_says_everything_stands_for_those_before_it(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.lake.compacting.WHOLE_EVERY", 3)
    for start in range(100, 140, 10):
        add(lake.chain("kafka-a"), start, start + 10)
        squeeze(lake)
    state = Lake.open(lake.root).compacted()
    assert state.whole >= 3
    compact(lake, now=datetime.now(UTC) + LATER)
    compact(lake, now=datetime.now(UTC) + LATER, grace_s=0)
    numbers = lake.compactions().numbers()
    assert numbers[0] > 1
    again = Lake.open(lake.root).compacted()
    assert (again.ranges, again.files) == (lake.compacted().ranges, lake.compacted().files)
    assert asked(lake, "SELECT count(*) AS n FROM events") == [{"n": 145}]


def test_a_source_whose_rows_are_not_what_its_footers_say_is_left_alone(lake: Lake) -> None:
    from tests.connectors.lake_rows import rewrite

    rewrite(lake.root / f"events/landing/kafka-a/{10:020d}.parquet", footer={"events": 9, "rejects": 1})
    for start in (5, 10):
        add(lake.chain("kafka-b"), start, start + 5)
    done = squeeze(Lake.open(lake.root))
    assert (done.refused, done.segments) == (["kafka-a"], 2)
    assert (lake.base("kafka-a"), lake.base("kafka-b")) == (0, 10)
    assert len(day_files(lake)) == 1


def test_two_compactions_at_once_leave_one_result(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    before = asked(lake)
    first = step.switch

    def beaten(other: Lake, record: Any, **how: Any) -> Any:
        monkeypatch.setattr(step, "switch", first)
        monkeypatch.setattr(compacting, "alone", free)
        assert squeeze(Lake.open(lake.root)).segments == 9
        return first(other, record, **how)

    free = lambda *_, **__: contextlib.nullcontext(True)  # noqa: E731
    monkeypatch.setattr(step, "switch", beaten)
    assert squeeze(lake).segments == 0
    assert lake.compacted().sequence == 1
    assert len(day_files(lake)) == 1
    assert asked(lake) == before


def test_while_one_compaction_works_another_does_nothing(lake: Lake) -> None:
    from connectors.lake.switch import alone

    with alone(lake, wait_s=0) as free:
        assert free
        assert squeeze(lake) == Compacted()
    assert squeeze(lake).segments == 9


def test_a_stale_writer_that_brings_a_freed_name_back_is_ignored_by_everybody(lake: Lake) -> None:
    before = asked(lake)
    stale = Lake.open(lake.root).chain("kafka-a")
    assert stale.end() == 100
    old = (lake.root / f"events/landing/kafka-a/{10:020d}.parquet").read_bytes()
    squeeze(lake)
    squeeze(lake, grace_s=0)
    (lake.root / f"events/landing/kafka-a/{10:020d}.parquet").write_bytes(old)
    assert asked(lake) == before
    assert asked(
        lake,
        "SELECT sum(missing) AS m, sum(doubled) AS d FROM (SELECT 0 AS missing, count(*) - 110 AS doubled FROM segments)",
    )
    assert [s.start for s in Lake.open(lake.root).chain("kafka-a").segments()] == [0, 90]
    assert add(stale, 15, 105).rows_written == 5
    assert asked(lake, "SELECT count(*) AS n, count(DISTINCT (source, source_offset)) AS d FROM events") == [
        {"n": 110, "d": 110}
    ]


def test_segments_and_sources_tell_of_the_compacted_part(lake: Lake) -> None:
    query = "SELECT source, start_offset, end_offset, events, positions FROM segments ORDER BY 1, 2"
    squeeze(lake)
    assert [tuple(r.values()) for r in asked(lake, query)] == [
        ("kafka-a", 0, 90, 90, 90),
        ("kafka-a", 90, 100, 10, 10),
        ("kafka-b", 0, 5, 5, 5),
    ]
    told = asked(
        lake, "SELECT source, name, events, rejects, skipped, start_offset, end_offset FROM sources ORDER BY 1"
    )
    assert [tuple(row.values()) for row in told] == [
        ("kafka-a", "logs/0", 100, 0, 0, 0, 100),
        ("kafka-b", "kafka-b", 5, 0, 0, 0, 5),
    ]


def test_a_record_is_readable_by_people(lake: Lake) -> None:
    squeeze(lake)
    told = json.loads((lake.root / "compactions/0000000001.json").read_text())
    assert (told["sequence"], told["why"], told["format_version"]) == (1, "compact", 1)
    assert told["took"]["kafka-a"]["end"] == 90
    assert told["made"][0]["rows"] == 90
    assert NOON.isoformat() == told["made"][0]["min_ts"]
