"""`dioptre backfill` in this process: what it reads, what it leaves, and what it tells."""

import gzip
import json
import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import pytest
from backfill_kit import archive, assert_whole, log, positions
from cli_kit import dioptre

from connectors.catalog import CATALOG, fresh
from connectors.lake import Lake
from pipeline.cli.keeping import Keeper
from pipeline.cli.progress import Volume


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Path]:
    """An empty folder to work in."""
    (tmp_path / "w").mkdir()
    with chdir(tmp_path / "w"):
        yield tmp_path / "w"


def test_every_codec_is_read_once_however_often_it_is_named(there: Path) -> None:
    lines = archive(there / "logs", 300)
    ran = dioptre("backfill", "logs", "logs/*", "logs/*.gz", "--lake", "lake", "--workers", "1")
    assert ran.code == 0, ran.err
    assert_whole(there / "lake", lines)
    assert ran.out.startswith(f"{lines:,} lines -> ")
    again = dioptre("backfill", "logs", "--lake", "lake")
    assert again.out.startswith("nothing new in 5 files")
    checked = dioptre("lake", "verify", "--lake", "lake", "--against", "logs", "--json")
    assert checked.code == 0, checked.out
    assert_whole(there / "lake", lines)


def test_rotated_compressed_and_grown_files_double_nothing(there: Path) -> None:
    body = log(600, 1)
    half = body.index(b"\n", len(body) // 2) + 1
    logs = there / "logs"
    logs.mkdir()
    (logs / "app.log").write_bytes(body[:half])
    assert dioptre("backfill", "logs", "--lake", "lake").code == 0
    (logs / "app.log").write_bytes(body)
    assert dioptre("backfill", "logs", "--lake", "lake").code == 0
    assert_whole(there / "lake", 600)
    (logs / "app.log").rename(logs / "app.log.1")
    (logs / "app.log").write_bytes(log(50, 2))
    (logs / "app.log.2.gz").write_bytes(gzip.compress(body))
    (logs / "copy.log").write_bytes(body[:half])
    assert dioptre("backfill", "logs", "--lake", "lake").code == 0
    assert_whole(there / "lake", 650)


def test_what_is_stored_is_what_label_says(there: Path) -> None:
    (there / "a.log").write_bytes(log(200, 3))
    assert dioptre("backfill", "a.log", "--lake", "lake").code == 0
    import pyarrow.parquet as pq

    [segment] = (there / "lake").glob("events/landing/file-*/*.parquet")
    stored = pq.read_table(segment).to_pylist()
    said = [json.loads(line) for line in dioptre("label", "a.log").out.splitlines()]
    assert len(stored) == len(said) == 200
    for row, one in zip(stored, said, strict=True):
        for name in ("host", "app", "procid", "severity", "format", "key", "stage", "source_offset"):
            assert row[name] == one[name] or (one["status"] == "reject" and one[name] is None)
        assert (row["label_at_ingest"] == one["label"]) or row["reject_reason"] == one["reason"] == "empty"


def test_a_dry_run_tells_the_plan_and_writes_nothing(there: Path) -> None:
    archive(there / "logs", 20)
    ran = dioptre("backfill", "logs", "--lake", "lake", "--dry-run", "--json")
    assert not (there / "lake").exists()
    assert {(r["codec"], r["from"]) for r in ran.json["reads"]} == {
        (codec, 0) for codec in ("plain", "gzip", "bz2", "xz", "zstd")
    }
    assert dioptre("backfill", "logs/app0.log", "--lake", "lake").code == 0
    with (there / "logs/app0.log").open("ab") as out:
        out.write(b"Nov 20 11:14:15 h app: more\n")
    planned = dioptre("backfill", "logs", "--lake", "lake", "--dry-run", "--json").json["reads"]
    assert [r["from"] > 0 for r in planned] == [True, False, False, False, False]
    table = dioptre("backfill", "logs", "--lake", "lake", "--dry-run").out
    assert "would read 5 files" in table
    assert len(positions(there / "lake")) == 20


def test_the_summary_for_programs(there: Path) -> None:
    archive(there / "logs", 50)
    told = dioptre("backfill", "logs", "--lake", "lake", "--json").json
    assert told["lines"] == told["events"] + told["rejects"] == 250
    assert told["kinds"] == told["new_kinds"] == Lake.open(there / "lake").kinds().num_rows
    assert told["findings"] == told["refused"] == []
    assert sum(told["ends"].values()) == sum(len(log(50, seed)) for seed in range(5))


def test_whole_files_are_chosen_by_time(there: Path) -> None:
    logs = there / "logs"
    logs.mkdir()
    for number, age_days in ((2, 20), (1, 10), (0, 0)):
        path = logs / ("app.log" + f".{number}" * bool(number))
        path.write_bytes(log(10, number))
        os.utime(path, (time.time() - age_days * 86_400,) * 2)
    told = dioptre("backfill", "logs", "--lake", "lake", "--since", "15d", "--until", "5d", "--dry-run", "--json").json
    assert [Path(r["file"]).name for r in told["reads"]] == ["app.log.1"] or len(told["reads"]) == 2
    assert "logs/app.log.2" in told["outside"]


def test_what_was_not_read_whole_is_listed_and_gives_exit_code_1(there: Path) -> None:
    logs = there / "logs"
    logs.mkdir()
    (logs / "good.log").write_bytes(log(30, 1))
    (logs / "torn.gz").write_bytes(gzip.compress(log(500, 2))[:-100])
    (there / "secret").write_text("not yours\n")
    (logs / "link.log").symlink_to(there / "secret")
    ran = dioptre("backfill", "logs", "--lake", "lake")
    assert ran.code == 1
    assert "torn.gz: truncated" in ran.err
    assert "link.log: a link that leaves logs" in ran.err
    assert not any(b"not yours" in path.read_bytes() for path in (there / "lake").rglob("*.parquet"))
    assert len(positions(there / "lake")) > 30


def test_a_dirty_line_is_data_and_no_failure(there: Path) -> None:
    (there / "a.log").write_bytes(b"\n\x00\x01\x02\x03\x04\x05\x06\x07\ngood morning\n")
    ran = dioptre("backfill", "a.log", "--lake", "lake")
    assert ran.code == 0
    assert "2 rejects" in ran.out


def test_rules_and_masks_hold_in_the_workers(there: Path) -> None:
    (there / "a.log").write_bytes(b"Nov 20 11:14:15 h app[1]: hello canary-7391 from 192.0.2.7\n")
    (there / "r.yaml").write_text("- match: hello\n  label: security.intrusion\n")
    (there / "dioptre.toml").write_text('[privacy]\nmask = ["address"]\npatterns = ["canary-[0-9]+"]\n')
    assert dioptre("backfill", "a.log", "--lake", "lake", "--rules", "r.yaml").code == 0
    assert Lake.open(there / "lake").kinds().column("label").to_pylist() == ["security.intrusion"]
    for path in (p for p in (there / "lake").rglob("*") if p.is_file()):
        assert b"canary-7391" not in path.read_bytes()
        assert b"192.0.2.7" not in path.read_bytes()


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["nowhere"], ["nowhere", "no such file"]),
        (["logs", "--since", "yesterday"], ["--since yesterday", "2h"]),
        (["logs", "--lake", "full"], ["full", "not a lake"]),
        (["logs", "--rules", "none.yaml"], ["none.yaml"]),
        (["logs", "--workers", "0"], ["workers"]),
        (["--", "--runner=x"], ["no source"]),
        (["logs", "--config", "none.toml"], ["none.toml"]),
    ],
)
def test_bad_input_is_told_in_one_line_with_what_would_be_right(there: Path, argv: list[str], words: list[str]) -> None:
    archive(there / "logs", 1)
    (there / "full").mkdir()
    (there / "full" / "something").touch()
    ran = dioptre("backfill", *argv)
    assert ran.code == 2
    assert all(word in ran.err for word in words), ran.err
    assert len(ran.err.splitlines()) <= 2
    assert not (there / "lake").exists()


def test_an_option_that_beam_does_not_know_stops_the_start_and_makes_no_segment(there: Path) -> None:
    (there / "app.log").write_bytes(log(20, 1))
    ran = dioptre("backfill", "app.log", "--lake", "lake", "--", "--direct_num_worker=1")
    assert (ran.code, ran.err.splitlines()[0]) == (2, "error: --direct_num_worker is not an option of Beam")
    assert not list(there.glob("lake/events/landing/file-*"))


def test_where_threads_run_workers_come_from_a_fork_server(there: Path) -> None:
    (there / "app.log").write_bytes(log(20, 1))
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    try:
        ran = dioptre("backfill", "app.log", "--lake", "lake")
    finally:
        over.set()
        thread.join()
    assert (ran.code, ran.out.split(" lines")[0]) == (0, "20"), ran.err


def test_a_backfill_leaves_no_temporary_files(there: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (there / "app.log").write_bytes(log(20, 1))
    (there / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(there / "tmp"))
    assert dioptre("backfill", "app.log", "--lake", "lake").code == 0
    assert list((there / "tmp").iterdir()) == []


def test_a_lake_that_cannot_be_read_is_told(there: Path) -> None:
    archive(there / "logs", 1)
    assert dioptre("backfill", "logs", "--lake", "lake").code == 0
    (there / "lake/lake.json").write_text('{"format_version": 99}')
    ran = dioptre("backfill", "logs", "--lake", "lake")
    assert ran.code == 2
    assert "format version 99" in ran.err
    shutil.rmtree(there / "lake")


def test_the_catalog_is_fresh_after_a_backfill_and_now_and_then_meanwhile(there: Path) -> None:
    archive(there / "logs", 20)
    assert dioptre("backfill", "logs", "--lake", "lake").code == 0
    lake = Lake.open(there / "lake")
    assert fresh(lake)
    (there / "lake" / CATALOG).unlink()
    with Keeper(there / "lake", every_s=0.02) as keeper:
        time.sleep(0.1)
        assert not (there / "lake" / CATALOG).exists()
        keeper.committed()
        until = time.monotonic() + 20
        while not fresh(lake) and time.monotonic() < until:
            time.sleep(0.02)
    assert fresh(lake)


def test_the_volume_learns_how_well_archives_compress(tmp_path: Path) -> None:
    from connectors import archives

    for name in ("a.gz", "b.gz"):
        (tmp_path / name).write_bytes(gzip.compress(log(1000, len(name))))
    found = archives.find([str(tmp_path)]).archives
    volume = Volume(found)
    assert volume.guessed
    assert volume.total == sum(12 * archive.size for archive in found)
    volume.take(found[0].name, 30 * found[0].size)
    volume.end(found[0].name)
    assert volume.total == pytest.approx(30 * sum(archive.size for archive in found), rel=0.01)
    assert volume.done == 30 * found[0].size
