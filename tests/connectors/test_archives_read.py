"""Reading: lines, positions, ranges, codecs, limits; the same for every codec and every way of cutting."""

import gzip
import io
import json
import os
import time
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.archives import Limits, find, plan, read
from connectors.archives.codecs import CHUNK, Source, decoder
from tests.connectors.archives_kit import COMPRESS, MemoryLake, backfill, put

CODECS = sorted(COMPRESS)
LINES = st.lists(
    st.sampled_from([b"", b"a", b" b", b"\tc", b"word \r", b"\xff\x00", b"x" * 11, b"y" * 40]), max_size=30
)


def whole_lines(data: bytes) -> list[bytes]:
    return [line + b"\n" for line in data.split(b"\n")[:-1]] + ([data.split(b"\n")[-1]] if data[-1:] != b"\n" else [])


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    lines=LINES,
    ended=st.booleans(),
    range_size=st.integers(1, 200),
    rows=st.integers(1, 9),
    size=st.integers(1, 100),
    line_bytes=st.integers(2, 60),
    stops=st.lists(st.integers(0, 4), max_size=4),
    codec=st.sampled_from(["plain", "gzip"]),
)
def test_records_are_the_lines_however_they_are_cut_and_wherever_reading_stopped(
    place: Path,
    lines: list[bytes],
    ended: bool,
    range_size: int,
    rows: int,
    size: int,
    line_bytes: int,
    stops: list[int],
    codec: str,
) -> None:
    data = b"first\n" + b"\n".join(lines) + (b"\n" if ended and lines else b"")
    path, lake = put(place / "a.log", data, codec), MemoryLake()
    limits = Limits(line_bytes=line_bytes)
    for stop in [*stops, -1]:
        done = backfill(
            lake, [path], range_size=range_size, batches=stop, batch_rows=rows, batch_bytes=size, limits=limits
        )
    expected, at = [], 0
    for line in whole_lines(data):
        expected.append((at, line[:line_bytes], len(line) > line_bytes))
        at += len(line)
    assert [row[1:] for row in lake.rows()] == expected
    assert all(outcome.complete for outcome in done.outcomes)
    for source, chain in lake.chains.items():
        number = int(source.rsplit(".", 1)[1])
        assert all(number == row[0] // range_size for piece in chain.pieces for row in piece.rows)
        assert [p.start for p in chain.pieces] == [chain.base, *(p.end for p in chain.pieces[:-1])]
    again = backfill(lake, [path], range_size=range_size, batch_rows=rows, batch_bytes=size, limits=limits)
    assert [row[1:] for row in lake.rows()] == expected
    assert all(outcome.complete for outcome in again.outcomes)


@pytest.mark.parametrize("codec", CODECS)
def test_every_codec_gives_the_same_batches_and_the_same_hashes(tmp_path: Path, codec: str) -> None:
    data = b"".join(b"Nov 22 10:00:00 host app[%d]: line\n" % i for i in range(50_000))
    told = []
    for name in ("plain", codec):
        found = find([str(put(tmp_path / name, data, name))]).archives
        work = plan(found, MemoryLake().chain, 1 << 19).reads
        batches = [b for r in work for b in read(r, batch_rows=7_000)]
        told.append([(b.schema.metadata[b"end"], b.schema.metadata[b"prefix"], b.column("raw")) for b in batches])
    assert told[0] == told[1]


@pytest.mark.parametrize("codec", [c for c in CODECS if c != "plain"])
def test_members_one_after_another_are_one_content(tmp_path: Path, codec: str) -> None:
    path, lake = tmp_path / "a", MemoryLake()
    pad = {"gzip": b"\0" * 100, "xz": b"\0" * 8}.get(codec, b"")
    path.write_bytes(COMPRESS[codec](b"one\ntw") + COMPRESS[codec](b"") + COMPRESS[codec](b"o\nthree\n") + pad)
    assert not backfill(lake, [path]).findings
    assert lake.lines() == [b"one\n", b"two\n", b"three\n"]


@pytest.mark.parametrize("codec", [c for c in CODECS if c != "plain"])
def test_garbage_behind_the_last_member_is_a_note(tmp_path: Path, codec: str) -> None:
    path, lake = tmp_path / "a", MemoryLake()
    path.write_bytes(COMPRESS[codec](b"one\ntwo") + b"garbage")
    assert [f.kind for f in backfill(lake, [path]).findings] == ["trailing"]
    assert lake.lines() == [b"one\n", b"two"]


@pytest.mark.parametrize("codec", [c for c in CODECS if c != "plain"])
def test_an_archive_cut_at_any_byte_gives_what_it_holds_and_goes_on_when_it_is_whole(
    tmp_path: Path, codec: str
) -> None:
    data = b"".join(b"%d said %s\n" % (i, os.urandom(20).hex().encode()) for i in range(300))
    packed = COMPRESS[codec](data)
    for cut in range(1, len(packed), len(packed) // 12):
        path, lake = tmp_path / "a", MemoryLake()
        path.write_bytes(packed[:cut])
        run = backfill(lake, [path])
        kinds = {f.kind for f in [*run.findings, *run.plan.findings]}
        if cut > 10:
            assert kinds == {"truncated"}
        assert data.startswith(b"".join(lake.lines()))
        assert all(line.endswith(b"\n") for line in lake.lines())
        if run.plan.reads or cut <= 10:
            path.write_bytes(packed)
            backfill(MemoryLake() if cut <= 10 else lake, [path])
            assert cut <= 10 or b"".join(lake.lines()) == data


@pytest.mark.parametrize("codec", [c for c in CODECS if c != "plain"])
def test_a_damaged_byte_is_a_finding_and_the_lines_before_it_stay(tmp_path: Path, codec: str) -> None:
    data = b"".join(b"%d said %s\n" % (i, os.urandom(20).hex().encode()) for i in range(30_000))
    packed = bytearray(COMPRESS[codec](data))
    packed[len(packed) * 3 // 4] ^= 0xFF
    path, lake = tmp_path / "a", MemoryLake()
    path.write_bytes(packed)
    os.utime(path, (0, 0))
    assert "corrupt" in {f.kind for f in backfill(lake, [path]).findings}
    assert sum(data.startswith(b"".join(lake.lines()[:n])) for n in (10, 1000, 5000)) == 3
    assert len(lake.lines()) > 5000


def test_a_gzip_with_a_wrong_checksum_loses_no_line(tmp_path: Path) -> None:
    data = b"".join(b"line %d\n" % i for i in range(1000))
    packed = bytearray(gzip.compress(data))
    packed[-6] ^= 1
    path, lake = tmp_path / "a", MemoryLake()
    path.write_bytes(packed)
    assert [f.kind for f in backfill(lake, [path]).findings] == ["corrupt"]
    assert b"".join(lake.lines()) == data


def test_a_window_beyond_the_limit_is_a_finding_not_an_allocation(tmp_path: Path) -> None:
    packer = zstandard.ZstdCompressor(
        compression_params=zstandard.ZstdCompressionParameters(window_log=28)
    ).compressobj()
    path = tmp_path / "a"
    path.write_bytes(packer.compress(b"line\n") + packer.flush())
    run = backfill(MemoryLake(), [path])
    assert [f.kind for f in run.plan.findings] == ["limit"]


def test_a_continuation_line_stays_with_its_parent(tmp_path: Path) -> None:
    data = b"".join(b"parent %d\n child\n\tchild\n" % i for i in range(100))
    [r] = plan(find([str(put(tmp_path / "a", data))]).archives, MemoryLake().chain, 1 << 30).reads
    batches = list(read(r, batch_rows=7))
    assert all(b.column("raw")[0].as_py().startswith(b"parent") for b in batches)
    assert b"".join(x for b in batches for x in b.column("raw").to_pylist()) == data
    assert len(batches) == 50


def test_a_long_line_is_truncated_at_64_kib_and_positions_go_on_behind_it(tmp_path: Path) -> None:
    sizes = [65_535, 65_536, 3_000_000, 1, 70_000]
    data = b"".join(b"x" * n + b"\n" for n in sizes)
    for codec in ("plain", "gzip"):
        lake = MemoryLake()
        backfill(lake, [put(tmp_path / codec, data, codec)])
        rows = lake.rows()
        assert [row[1] for row in rows] == [sum(sizes[:i]) + i for i in range(5)]
        assert [len(row[2]) for row in rows] == [65_536, 65_536, 65_536, 2, 65_536]
        assert [row[3] for row in rows] == [False, True, True, False, True]


@pytest.mark.parametrize("range_size", [1 << 30, 9])
def test_the_last_line_of_a_file_in_use_waits_for_its_end(tmp_path: Path, range_size: int) -> None:
    """With ranges of 9 bytes the unended line crosses a border, and its rest still belongs to its own range."""
    lake = MemoryLake()
    path = put(tmp_path / "a", b"one\ntw", mtime=time.time())
    run = backfill(lake, [path], range_size=range_size)
    assert lake.lines() == [b"one\n"]
    assert run.outcomes[0].waiting == 2
    assert not run.outcomes[0].complete
    path = put(path, b"one\ntwo\nthr", mtime=time.time() - 61)
    backfill(lake, [path], range_size=range_size)
    assert lake.lines() == [b"one\n", b"two\n", b"thr"]
    backfill(lake, [put(path, b"one\ntwo\nthree\nfour\n")], range_size=range_size)
    assert lake.lines() == [b"one\n", b"two\n", b"thr", b"ee\n", b"four\n"]


def test_a_file_without_a_complete_line_waits_and_an_empty_one_is_no_source(tmp_path: Path) -> None:
    started, empty = put(tmp_path / "a", b"one", mtime=time.time()), put(tmp_path / "b", b"")
    hollow = put(tmp_path / "c", b"", "gzip")
    run = backfill(lake := MemoryLake(), [started, empty, hollow])
    assert [a.path for a in run.plan.waiting] == [started]
    assert [d.archive.path for d in run.plan.done] == [empty, hollow]
    assert not lake.chains


def test_cr_alone_ends_no_line_and_crlf_is_kept(tmp_path: Path) -> None:
    backfill(lake := MemoryLake(), [put(tmp_path / "a", b"one\rtwo\r\nthree\n")])
    assert lake.lines() == [b"one\rtwo\r\n", b"three\n"]


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("gz in gz", gzip.compress(gzip.compress(b"line\n" * 9999, mtime=0), mtime=0), "nested_archive"),
        ("zst in xz", COMPRESS["xz"](COMPRESS["zstd"](b"line\n")), "nested_archive"),
        ("zip", b"PK\x03\x04" + b"0" * 9000, "nested_archive"),
        ("tar in gz", gzip.compress(b"name".ljust(257, b"\0") + b"ustar\0" + b"0" * 9000, mtime=0), "nested_archive"),
        ("UTF-16", "line\n".encode("utf-16") * 3000, "unsupported_encoding"),
    ],
)
def test_a_file_that_is_no_log_is_one_reject(tmp_path: Path, name: str, data: bytes, reason: str) -> None:
    lake, path = MemoryLake(), tmp_path / name
    path.write_bytes(data)
    backfill(lake, [path], range_size=5000)
    assert (lake.lines(), lake.rejects()) == ([], [(0, reason)])
    again = backfill(lake, [path], range_size=5000)
    assert len(again.plan.done) == len(lake.rejects()) == 1


def test_a_bomb_keeps_the_lines_before_it_and_is_one_reject_each_time(tmp_path: Path) -> None:
    path, lake = tmp_path / "a.gz", MemoryLake()
    with gzip.open(path, "wb") as out:
        out.writelines([b"good line\n"] * 100 + [b"and an open one"])
        for _ in range(80):
            out.write(bytes(1 << 20))
    run = backfill(lake, [path])
    assert lake.lines() == [b"good line\n"] * 100
    assert lake.rejects() == [(1000, "bomb")]
    assert [f.kind for f in run.findings] == ["bomb"]
    backfill(lake, [path])
    assert len(lake.rejects()) == 1


def test_a_bomb_that_begins_behind_a_whole_line_is_a_record_of_its_own(tmp_path: Path) -> None:
    lines = b"x" * 63 + b"\n"
    lake, path = MemoryLake(), put(tmp_path / "a", lines * (3 * CHUNK // 64), "gzip")
    backfill(lake, [path], limits=Limits(ratio=2, ratio_after=CHUNK + 1))
    assert len(lake.rows()) == CHUNK // 64
    assert lake.rejects() == [(CHUNK, "bomb")]


def test_metadata_says_what_a_batch_stands_for(tmp_path: Path) -> None:
    [r] = plan(
        find([str(put(tmp_path / "messages-20261101", b"one\n two\n"))]).archives, MemoryLake().chain, 1 << 30
    ).reads
    [batch] = read(r)
    told = {k.decode(): v.decode() for k, v in batch.schema.metadata.items()}
    assert told["source"] == r.source(0) == r.stem + ".0000"
    assert (told["start"], told["end"]) == ("0", "9")
    assert told["reference"] == "2026-11-01T00:00:00+00:00"
    assert json.loads(told["skips"]) == {"inside_records": 7}
    assert json.loads(told["rejects"]) == []
    assert batch.column("observed_ts")[0].as_py().isoformat() == told["reference"]


def test_standard_input_piped_twice_doubles_nothing() -> None:
    lake, data = MemoryLake(), b"".join(b"line %d\n" % i for i in range(1000)) + b"unended"
    for _ in range(2):
        backfill(lake, ["-"], stdin=io.BytesIO(gzip.compress(data)))
        assert b"".join(lake.lines()) == data
    backfill(lake, ["-"], stdin=io.BytesIO(data))
    assert b"".join(lake.lines()) == data


def test_zstd_frames_of_every_make_are_read_and_skippable_ones_passed_over(tmp_path: Path) -> None:
    plain = zstandard.ZstdCompressor(write_content_size=False, write_checksum=False)
    stream = zstandard.ZstdCompressor(level=19, threads=0).compressobj()
    runs = b"z" * 3_000_000 + b"\n"
    parts = [b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc", plain.compress(b"one\n"), stream.compress(runs) + stream.flush()]
    path, lake = tmp_path / "a", MemoryLake()
    path.write_bytes(b"".join([*parts, COMPRESS["zstd"](os.urandom(300_000).hex().encode() + b"\nlast\n")]))
    assert not backfill(lake, [path]).findings
    assert [row[1] for row in lake.rows()] == [0, 4, 3_000_005, 3_600_006]


@pytest.mark.parametrize("codec", [c for c in CODECS if c != "plain"])
def test_no_decoder_gives_more_at_once_than_it_may(codec: str) -> None:
    source = Source(io.BytesIO(COMPRESS[codec](bytes(1 << 26))))
    assert max(len(chunk) for chunk in decoder(codec)(source, Limits())) <= CHUNK
