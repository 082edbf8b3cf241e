"""A chain takes each position once: older, overlapping and newer batches, holes, threads, bugs of the caller."""

import os
import threading
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from connectors.lake import Chain, GapError, Lake, LakeError, forget, verify
from connectors.lake import chain as chain_module
from connectors.lake.segments import read_segment
from schemas.events import SEGMENT
from tests.connectors.lake_rows import add, messages, rows

FILE = "file-0123456789abcdef.0002"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.create(tmp_path, range_size=1000)


def lines(*spans: tuple[int, int]) -> list[str]:
    return [f"line {p}" for start, end in spans for p in range(start, end)]


def spans(chain: Chain) -> list[tuple[int, int]]:
    return [(s.start, s.end) for s in chain.segments()]


def test_a_chain_begins_where_its_source_does(lake: Lake) -> None:
    for source, base in {"kafka-a": 0, FILE: 2000, "file-0123456789abcdef-3.0001": 1000, "file-x.0007": 0}.items():
        chain = lake.chain(source)
        assert (chain.end(), chain.first(), chain.prefix(), chain.segments()) == (None, None, None, [])
        with pytest.raises(GapError, match=f"ends at {base}, the batch begins at {base + 1}; run .* from {base}"):
            add(chain, base + 1, base + 9)
        add(chain, base, base + 9)
        assert (chain.first(), chain.end(), chain.prefix()) == (base, base + 9, f"hash to {base + 9}")
    assert lake.sources() == sorted(["kafka-a", FILE, "file-0123456789abcdef-3.0001", "file-x.0007"])


def test_older_overlapping_and_newer_batches_leave_each_position_once(lake: Lake) -> None:
    chain = lake.chain("kafka-a")
    assert add(chain, 0, 10).rows_written == 10
    assert add(chain, 0, 10) == add(chain, 3, 7)  # all there: nothing written
    overlapping = add(chain, 5, 15)
    assert (overlapping.rows_written, overlapping.end) == (5, 15)
    assert [p.name for p in overlapping.created] == ["00000000000000000010.parquet"]
    assert spans(chain) == [(0, 10), (10, 15)]
    assert messages(lake.root) == lines((0, 15))
    assert verify(lake).ok


def test_a_batch_beyond_the_end_is_refused_and_nothing_is_written(lake: Lake) -> None:
    chain = lake.chain("kafka-a")
    add(chain, 0, 10)
    with pytest.raises(
        GapError,
        match="kafka-a: the chain ends at 10, the batch begins at 11; run the same command again: it reads from 10",
    ):
        add(chain, 11, 20)
    assert spans(chain) == [(0, 10)]


def test_another_process_is_seen_before_a_gap_is_cried(lake: Lake) -> None:
    mine, other = lake.chain("kafka-a"), Lake.open(lake.root).chain("kafka-a")
    add(mine, 0, 10)
    add(other, 10, 20)
    assert add(mine, 20, 30).end == 30


def test_a_batch_fills_the_hole_and_goes_on_behind_what_exists(lake: Lake) -> None:
    chain = lake.chain("kafka-a")
    for start in (0, 10, 20, 30):
        add(chain, start, start + 10)
    chain.segments()[1].path.unlink()
    assert (chain.end(), chain.prefix(), chain.hole()) == (10, "hash to 10", (10, 20))
    filled = add(chain, 10, 45)
    assert [p.name[-10:-8] for p in filled.created] == ["10", "40"]
    assert (filled.rows_written, filled.end, chain.hole()) == (15, 45, None)
    assert spans(chain) == [(0, 10), (10, 20), (20, 30), (30, 40), (40, 45)]
    assert messages(lake.root) == lines((0, 45))
    assert verify(lake).ok


def test_a_lost_first_segment_is_read_again_from_the_base(lake: Lake) -> None:
    chain = lake.chain(FILE)
    add(chain, 2000, 2010)
    add(chain, 2010, 2020)
    chain.segments()[0].path.unlink()
    assert (chain.end(), chain.first(), chain.hole()) == (None, None, (2000, 2010))
    add(chain, 2000, 2007)
    add(chain, 2007, 2015)
    assert spans(chain) == [(2000, 2007), (2007, 2010), (2010, 2020)]
    assert verify(lake).ok


def test_a_filled_hole_knows_no_prefix_hash_but_its_neighbours_do(lake: Lake) -> None:
    chain = lake.chain("kafka-a")
    for start in (0, 10, 20):
        add(chain, start, start + 10)
    chain.segments()[1].path.unlink()
    add(chain, 10, 25)
    assert chain.prefix() == "hash to 30"
    chain.segments()[2].path.unlink()
    assert (chain.end(), chain.prefix(), chain.known()) == (20, None, (10, "hash to 10"))


def test_what_a_chain_knows_of_a_segment_takes_little_memory(lake: Lake) -> None:
    marks = [[position, f"{position:012x}"] for position in range(100)]
    (path,) = lake.chain("kafka-a").append(rows("kafka-a", [0]), 0, 1, {"skips": {}, "marks": marks}).created
    read_segment(path)
    tracemalloc.start()
    known = [read_segment(path) for _ in range(200)]
    held = tracemalloc.get_traced_memory()[0] / len(known)
    tracemalloc.stop()
    assert known[0].footer["marks"] == marks
    assert held < 5_000, f"{held:.0f} bytes a segment"


def test_the_footer_holds_the_counts_and_what_the_caller_told(lake: Lake) -> None:
    chain = lake.chain("kafka-a")
    batch = rows("kafka-a", [2, 3, 5], reject_reason="empty")
    chain.append(batch, 0, 10, {"skips": {"tombstone": 6, "marker": 1, "other": 0}, "prefix": "p", "name": "n"})
    (segment,) = chain.segments()
    footer = dict(segment.footer)
    assert footer.pop("written_at").endswith("+00:00")
    assert footer == {
        "format_version": 1,
        "source": "kafka-a",
        "start": 0,
        "end": 10,
        "events": 0,
        "rejects": 3,
        "positions": 3,
        "reject_reasons": {"empty": 3},
        "stages": {},
        "domains": {},
        "skips": {"tombstone": 6, "marker": 1},
        "prefix": "p",
        "name": "n",
    }


def test_a_record_of_several_events_counts_as_one_position(lake: Lake) -> None:
    chain = lake.chain("kafka-a")
    three = [rows("kafka-a", [4], ordinal=n).to_pylist()[0] for n in range(3)]
    batch = pa.RecordBatch.from_pylist(three, schema=SEGMENT)
    chain.append(batch, 0, 5, {"skips": {"marker": 4}})
    footer = chain.segments()[0].footer
    assert (footer["positions"], footer["events"]) == (1, 3)
    assert verify(lake).ok


def test_a_range_without_a_row_is_a_segment_of_skips(lake: Lake) -> None:
    chain = lake.chain("kafka-a")
    assert chain.append(rows("kafka-a", []), 0, 7, {"skips": {"marker": 7}}).rows_written == 0
    add(chain, 7, 9)
    assert (chain.end(), messages(lake.root)) == (9, lines((7, 9)))
    assert verify(lake).total.skips == {"marker": 7}


def test_the_skips_of_a_part_of_a_batch_still_add_up(lake: Lake) -> None:
    chain = lake.chain("kafka-a")
    add(chain, 0, 3)
    chain.append(rows("kafka-a", [0, 4, 8]), 0, 10, {"skips": {"inside_records": 7}})
    chain.append(rows("kafka-a", [8, 12]), 5, 15, {"skips": {"tombstone": 7, "marker": 1}})
    assert [s.footer["skips"] for s in chain.segments()] == [{}, {"inside_records": 5}, {"part_of_batch": 4}]
    assert verify(lake).ok


@pytest.mark.parametrize(
    ("positions", "start", "end", "told"),
    [
        ([1, 2, 2], 1, 3, "position 2 is doubled"),
        ([2, 1], 1, 3, "position 1 stands after 2"),
        ([1, 2, 3], 1, 3, r"position 3 is outside \[1, 3\)"),
        ([0, 1, 2], 1, 3, r"position 0 is outside \[1, 3\)"),
        ([], 3, 3, r"\[3, 3\) is no range"),
        ([0], 0, 3, r"\[0, 3\) is not 1 positions \+ skips {}: 2 should be skipped"),
    ],
)
def test_rows_that_do_not_fit_their_range_are_a_bug(
    lake: Lake, positions: list[int], start: int, end: int, told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        lake.chain("kafka-a").append(rows("kafka-a", positions), start, end, {})
    assert lake.sources() == []


def test_rows_of_another_source_or_other_columns_are_a_bug(lake: Lake) -> None:
    chain = lake.chain("kafka-a")
    with pytest.raises(ValueError, match="rows of another source: 'kafka-b'"):
        chain.append(rows("kafka-b", [0]), 0, 1, {})
    with pytest.raises(ValueError, match="host is missing, should be"):
        chain.append(rows("kafka-a", [0]).drop_columns(["host"]), 0, 1, {})


def test_a_torn_segment_stops_its_own_chain_and_no_other(lake: Lake) -> None:
    add(lake.chain("kafka-a"), 0, 5)
    add(lake.chain("kafka-b"), 0, 5)
    path = lake.chain("kafka-a").segments()[0].path
    path.write_bytes(path.read_bytes()[:-9])
    lake = Lake.open(lake.root)
    with pytest.raises(LakeError, match=rf"{path}: torn or unreadable: .*`dioptre lake repair` moves it aside"):
        lake.chain("kafka-a").end()
    assert add(lake.chain("kafka-b"), 5, 9).end == 9


def meanwhile(monkeypatch: pytest.MonkeyPatch, where: str, what: Callable[[], object]) -> None:
    """Have `what` happen once, in the moment before the next call of `where`."""
    module, name = {"encode": (chain_module, "encode"), "link": (os, "link")}[where]
    real, left = getattr(module, name), [what]

    def late(*args: Any) -> Any:
        if left:
            left.pop()()
        return real(*args)

    monkeypatch.setattr(module, name, late)


def test_the_loser_of_a_race_writes_only_what_the_winner_left(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, other = lake.chain("kafka-a"), Lake.open(lake.root).chain("kafka-a")
    add(mine, 0, 10)
    meanwhile(monkeypatch, "link", lambda: add(other, 5, 25))
    assert add(mine, 10, 50).rows_written == 25
    assert spans(mine) == [(0, 10), (10, 25), (25, 50)]
    assert messages(lake.root) == lines((0, 50))


def test_a_writer_that_slept_through_others_and_a_repair_overlaps_nothing(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, other = lake.chain("kafka-a"), Lake.open(lake.root).chain("kafka-a")
    add(mine, 0, 10)

    def others() -> None:
        add(other, 10, 20)
        add(other, 20, 30)
        other.segments()[1].path.unlink()

    meanwhile(monkeypatch, "encode", others)
    assert add(mine, 10, 50).end == 50
    assert spans(mine) == [(0, 10), (10, 20), (20, 30), (30, 50)]
    assert messages(lake.root) == lines((0, 50))


def test_whoever_moves_files_waits_for_a_writer_that_is_about_to_create(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(lake.chain("kafka-a"), 0, 10)
    mover = threading.Thread(target=forget, args=(Lake.open(lake.root), "kafka-a"))
    waited = []

    def move() -> None:
        mover.start()
        mover.join(0.3)
        waited.append(mover.is_alive())

    meanwhile(monkeypatch, "link", move)
    add(lake.chain("kafka-a"), 10, 20)
    mover.join()
    assert waited == [True]
    assert lake.sources() == []


def test_threads_on_one_chain_write_each_position_once(lake: Lake) -> None:
    chains = [Lake.open(lake.root).chain("kafka-a") for _ in range(3)]

    def feed(number: int) -> list[Any]:
        chain = chains[number % 3]
        return [add(chain, e, e + 7 + number) for _ in range(12) if (e := chain.end() or 0) is not None]

    with ThreadPoolExecutor(6) as threads:
        done = [a for many in threads.map(feed, range(6)) for a in many]
    end = chains[0].end()
    assert end is not None
    assert messages(lake.root) == lines((0, end))
    assert sum(a.rows_written for a in done) == end
    assert verify(lake).ok


def test_a_batch_that_must_go_on_with_the_chain_is_left_out_when_the_chain_has_moved(lake: Lake) -> None:
    chain = lake.chain("s")
    add(chain, 0, 10)
    for start, end in ((5, 15), (0, 10), (0, 12), (12, 15)):
        moved = chain.append(rows("s", range(start, end)), start, end, {}, at_tail=True) if start <= 10 else None
        assert moved is None or (moved.rows_written, moved.created) == (0, [])
    assert chain.append(rows("s", range(10, 12)), 10, 12, {}, at_tail=True).rows_written == 2
    assert spans(chain) == [(0, 10), (10, 12)]
