"""Identity: what is renamed, rotated, compressed, grown or copied is read once; what differs is told apart."""

import os
import pickle
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.archives import find, hints_of, in_step, plan, read
from connectors.archives.records import NOTHING
from tests.connectors.archives_kit import MemoryLake, backfill, put

HEAD = b"# opened\n"


def some_lines(n: int, seed: int = 0) -> bytes:
    rnd = random.Random(seed)
    return HEAD + b"".join(b"%d %s\n" % (i, rnd.randbytes(rnd.randrange(30)).hex().encode()) for i in range(n))


def families(lake: MemoryLake) -> list[bytes]:
    """The bytes of each family, in order of its name."""
    stems = dict.fromkeys(row[0] for row in lake.rows())
    return [b"".join(row[2] for row in lake.rows() if row[0] == stem) for stem in stems]


@pytest.mark.parametrize("range_size", [1 << 30, 5000])
def test_a_file_that_grows_is_rotated_compressed_and_renamed_is_read_once(tmp_path: Path, range_size: int) -> None:
    data, lake = some_lines(1000), MemoryLake()
    for end in (100, 7000, 7001, 20_000):
        backfill(lake, [put(tmp_path / "syslog", data[:end].rpartition(b"\n")[0] + b"\n")], range_size=range_size)
    (tmp_path / "syslog").rename(tmp_path / "syslog.1")
    put(tmp_path / "syslog.1", data[:25_000].rpartition(b"\n")[0] + b"\n")
    backfill(lake, [tmp_path], range_size=range_size)
    (tmp_path / "syslog.1").unlink()
    for codec in ("gzip", "zstd", "plain"):
        run = backfill(lake, [put(tmp_path / f"other-{codec}", data, codec)], range_size=range_size)
        assert families(lake) == [data]
    assert [d.why for d in run.plan.done] == ["read before"]


def test_files_with_the_same_first_line_are_told_apart_all_new_in_one_run(tmp_path: Path) -> None:
    datas = [some_lines(1 + 30 * seed, seed) for seed in range(1, 8)] + [HEAD, HEAD + b"x\n", HEAD + b"y\n"]
    for i, data in enumerate(datas):
        put(tmp_path / f"{i}.log", data, "gzip" if i % 2 else "plain")
    lake = MemoryLake()
    run = backfill(lake, [tmp_path])
    assert sorted(families(lake)) == sorted(data for data in datas if data != HEAD)
    assert [d.why[:10] for d in run.plan.done] == ["same bytes"]
    assert backfill(lake, [tmp_path]).plan.reads == []


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("codec", ["plain", "xz"])
def test_a_copy_or_the_beginning_of_a_file_adds_nothing(tmp_path: Path, codec: str, at_once: bool) -> None:
    data, lake = some_lines(3000), MemoryLake()
    files = [put(tmp_path / "whole", data), put(tmp_path / "copy", data, codec)]
    for n in (1, 2, 60, 100_000, len(data) - 5):
        files.append(put(tmp_path / f"first{n}", data[: data.index(b"\n", n) + 1], codec))
    for specs in [files] if at_once else [[f] for f in files]:
        backfill(lake, specs, batch_rows=500)
    assert families(lake) == [data]


def test_a_file_that_goes_another_way_after_a_common_beginning_is_another(tmp_path: Path) -> None:
    common = some_lines(500)
    one, other = common + b"one\n", common + b"two\n"
    lake = MemoryLake()
    for data in (common, one, other, other + b"more\n"):
        backfill(lake, [put(tmp_path / "a", data)])
    assert families(lake) == [one, other + b"more\n"]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    files=st.lists(st.lists(st.sampled_from([b"a\n", b"b\n", b"cc\n"]), max_size=6), min_size=1, max_size=6),
    range_size=st.integers(1, 12),
    runs=st.lists(st.integers(0, 3), max_size=3),
    codec=st.sampled_from(["plain", "gzip"]),
)
def test_each_content_is_in_the_lake_once_whatever_was_killed(
    tmp_path: Path, files: list[list[bytes]], range_size: int, runs: list[int], codec: str
) -> None:
    datas = [HEAD + b"".join(lines) for lines in files]
    paths = [put(tmp_path / str(i), data, codec) for i, data in enumerate(datas)]
    lake = MemoryLake()
    for stop in [*runs, -1]:
        backfill(lake, paths, range_size=range_size, batches=stop, batch_rows=2)
    longest = {d for d in datas if not any(e != d and e.startswith(d) for e in datas)}
    assert sorted(families(lake)) == sorted(longest)
    assert backfill(lake, paths, range_size=range_size).plan.reads == []


def test_ranges_of_a_plain_file_may_be_read_in_any_order_and_a_compressed_copy_fills_the_gaps(tmp_path: Path) -> None:
    data, lake = some_lines(2000), MemoryLake()
    path = put(tmp_path / "a", data)
    reads = plan(find([str(path)]).archives, lake.chain, 4096).reads
    assert [(r.first, r.last) for r in reads] == [(k, k) for k in range(len(data) // 4096 + 1)]
    for r in [pickle.loads(pickle.dumps(r)) for r in (reads[3], reads[1])]:
        for batch in read(r):
            lake.append(batch, 4096)
    backfill(lake, [put(tmp_path / "a.gz", data, "gzip")], range_size=4096)
    assert families(lake) == [data]


def test_hints_spare_the_pass_over_what_has_not_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = MemoryLake()
    paths = [put(tmp_path / "a", some_lines(3000)), put(tmp_path / "b", some_lines(3000, 1), "gzip")]
    hints = hints_of(backfill(lake, paths, range_size=4096).outcomes)
    assert len(hints) == 2
    assert backfill(lake, paths, range_size=4096).plan.hints == hints
    with monkeypatch.context() as patch:
        patch.setattr("connectors.archives.planner.head_of", None)
        run = backfill(lake, paths, range_size=4096, hints=hints)
    assert [d.why for d in run.plan.done] == ["unchanged since it was read"] * 2
    put(paths[0], some_lines(3001))
    assert len(backfill(lake, paths, range_size=4096, hints=hints).plan.done) == 1
    lake.chains.popitem()
    assert len(backfill(lake, paths, range_size=4096, hints=hints).plan.reads) == 1


def test_a_file_with_a_waiting_line_gives_no_hint(tmp_path: Path) -> None:
    path = put(tmp_path / "a", b"one\ntw")
    os.utime(path)
    assert hints_of(backfill(MemoryLake(), [path]).outcomes) == {}


def test_a_file_replaced_after_it_was_found_is_left_to_the_next_run(tmp_path: Path) -> None:
    path, lake = put(tmp_path / "a", some_lines(10)), MemoryLake()
    [r] = plan(find([str(path)]).archives, lake.chain, 1 << 30).reads
    put(tmp_path / "b", some_lines(10, 1)).replace(path)
    reader = read(r)
    with pytest.raises(StopIteration) as stopped:
        next(reader)
    assert [f.kind for f in stopped.value.value.findings] == ["replaced"]
    assert not stopped.value.value.complete


@pytest.mark.parametrize("codec", ["plain", "gzip"])
def test_two_runs_on_files_that_begin_alike_end_in_two_families(tmp_path: Path, codec: str) -> None:
    """Both runs plan while the lake is empty, and then take turns; the sink asks in_step, as it should."""
    datas, lake = [some_lines(400, 1), some_lines(500, 2)], MemoryLake()
    paths = [put(tmp_path / str(i), data, codec) for i, data in enumerate(datas)]
    plans = [plan(find([str(p)]).archives, lake.chain, 1 << 30).reads for p in paths]
    readers = [read(reads[0], lake_chain=lake.chain, batch_rows=90) for reads in plans]
    while readers:
        for reader in list(readers):
            batch = next(reader, None)
            if batch is None:
                readers.remove(reader)
                continue
            told = batch.schema.metadata
            if in_step(lake.chain(told[b"source"].decode()), int(told[b"start"]), told[b"before"].decode()):
                lake.append(batch, 1 << 30)
    assert sorted(families(lake)) == sorted(datas)


@pytest.mark.parametrize("codec", ["plain", "gzip"])
@pytest.mark.parametrize("seed", range(4))
def test_two_runs_on_one_file_that_take_turns_at_random_double_nothing(tmp_path: Path, codec: str, seed: int) -> None:
    data, lake, rnd = some_lines(2000), MemoryLake(), random.Random(seed)
    [r] = plan(find([str(put(tmp_path / "a", data, codec))]).archives, lake.chain, 1 << 30).reads
    readers = [read(r, lake_chain=lake.chain, batch_rows=90) for _ in range(2)]
    given = 0
    while readers:
        reader = rnd.choice(readers)
        for _ in range(rnd.randrange(1, 6)):
            if (batch := next(reader, None)) is None:
                readers.remove(reader)
                break
            lake.append(batch, 1 << 30)
            given += 1
    assert families(lake) == [data]
    assert given < 40


def test_a_range_whose_chain_was_begun_by_another_file_moves_to_a_free_family(tmp_path: Path) -> None:
    one, other, lake = some_lines(50, 1), some_lines(50, 2), MemoryLake()
    paths = [put(tmp_path / str(i), data) for i, data in enumerate((one, other))]
    [late] = plan(find([str(paths[1])]).archives, lake.chain, 1 << 30).reads
    backfill(lake, [paths[0]])
    for batch in read(late, lake_chain=lake.chain):
        lake.append(batch, 1 << 30)
    assert families(lake) == [one, other]


def test_in_step_is_the_empty_hash_at_the_beginning_of_a_chain() -> None:
    assert in_step(MemoryLake().chain("file-0.0000"), 0, NOTHING)
    assert not in_step(MemoryLake().chain("file-0.0000"), 0, "ab")
