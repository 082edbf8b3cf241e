"""Finding: each file once, oldest first, nothing outside the root, every missing name said."""

import io
import os
import pickle
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.archives import ArchiveError, find
from connectors.archives.archive import Spool
from tests.connectors.archives_kit import COMPRESS, put


def names(specs: list[Path | str], **options: datetime) -> list[str]:
    return [Path(a.name).name for a in find([str(s) for s in specs], **options).archives]


def test_a_rotated_set_comes_oldest_first_and_sets_in_order_of_name(tmp_path: Path) -> None:
    wanted = ["app.2026-11-01.log", "app.2026-11-02.log.gz", "app.log"]
    wanted += ["messages-20261101.xz", "messages-20261108", "messages-2026110901.gz", "messages"]
    wanted += ["syslog.10.gz", "syslog.2.gz", "syslog.1", "syslog"]
    for name in sorted(wanted):
        put(tmp_path / name, b"x\n")
    assert names([tmp_path]) == wanted
    assert names([tmp_path / "*"]) == wanted


def test_the_codec_is_told_by_the_first_bytes_not_by_the_name(tmp_path: Path) -> None:
    for codec in COMPRESS:
        put(tmp_path / f"{codec}.log", b"x\n", codec)
    put(tmp_path / "text.gz", b"BZh9 is how this line begins\n")
    found = {Path(a.name).name: a.codec for a in find([str(tmp_path)]).archives}
    assert found == {**{f"{codec}.log": codec for codec in COMPRESS}, "text.gz": "plain"}


def test_overlapping_specs_and_hard_links_give_a_file_once(tmp_path: Path) -> None:
    put(tmp_path / "logs" / "a.log", b"x\n")
    os.link(tmp_path / "logs" / "a.log", tmp_path / "logs" / "b.log")
    (tmp_path / "logs" / "c.log").symlink_to("a.log")
    specs: list[Path | str] = [
        tmp_path,
        tmp_path / "logs",
        tmp_path / "**" / "*.log",
        tmp_path / "logs" / "../logs/b.log",
    ]
    assert names(specs) == ["a.log"]


def test_globs_match_as_a_shell_would(tmp_path: Path) -> None:
    for name in ("a.log", "x/b.log", "x/y/c.log", "x/y/d.txt", ".hidden.log", "x/.git/e.log"):
        put(tmp_path / name, b"x\n")
    assert names([tmp_path / "*.log"]) == ["a.log"]
    assert names([tmp_path / "**/*.log"]) == ["a.log", "b.log", "c.log"]
    assert names([tmp_path / "**"]) == ["a.log", "b.log", "c.log", "d.txt"]
    assert names([tmp_path / "*/y/[cd].*"]) == ["c.log", "d.txt"]
    assert names([tmp_path / "?"]) == ["b.log", "c.log", "d.txt"]
    assert names([tmp_path / ".hid*"]) == [".hidden.log"]
    assert names([tmp_path / ".hidden.log"]) == [".hidden.log"]


def test_a_name_with_wildcard_characters_is_taken_as_it_is_if_it_exists(tmp_path: Path) -> None:
    put(tmp_path / "a[1].log", b"x\n")
    put(tmp_path / "a1.log", b"x\n")
    assert names([tmp_path / "a[1].log"]) == ["a[1].log"]


def test_links_out_of_the_root_are_refused_and_links_inside_followed_once(tmp_path: Path) -> None:
    outside, root = put(tmp_path / "outside" / "secret", b"x\n"), tmp_path / "root"
    put(root / "day" / "a.log", b"x\n")
    (root / "out").symlink_to(outside)
    (root / "outdir").symlink_to(outside.parent)
    (root / "loop").symlink_to(root)
    (root / "again").symlink_to("day")
    (root / "broken").symlink_to("nowhere")
    (root / "etc").symlink_to("/etc")
    for spec in (root, root / "**", root / "*", root / "**/*"):
        found = find([str(spec)])
        assert [Path(a.name).name for a in found.archives] == ["a.log"]
        assert {r.path.name: r.reason.split(" ")[-1] for r in found.refused} == {
            "out": str(root),
            "outdir": str(root),
            "etc": str(root),
            "broken": "nothing",
        }
        assert found.skipped == []


def test_a_link_named_outright_is_followed(tmp_path: Path) -> None:
    real = put(tmp_path / "real.log", b"x\n")
    (tmp_path / "link").symlink_to(real)
    assert names([tmp_path / "link"]) == ["link"]


def test_files_in_the_making_pipes_and_lakes_are_left_out(tmp_path: Path) -> None:
    for name in ("a.log", "b.log.part", ".c.swp", "d~", "lake/lake.json", "lake/events/x.parquet"):
        put(tmp_path / name, b"x\n")
    os.mkfifo(tmp_path / "pipe")
    found = find([str(tmp_path)])
    assert [Path(a.name).name for a in found.archives] == ["a.log"]
    assert sorted(r.path.name for r in found.skipped) == ["b.log.part", "d~", "lake", "pipe"]


def test_every_missing_source_is_named_with_the_nearest_that_exists(tmp_path: Path) -> None:
    put(tmp_path / "syslog", b"x\n")
    with pytest.raises(ArchiveError) as caught:
        find(
            [str(tmp_path / "sylog"), str(tmp_path / "syslog"), str(tmp_path / "*.gz"), f"{tmp_path}/no/a", "s3://b/c"]
        )
    said = str(caught.value).splitlines()
    assert said[0] == "4 sources cannot be read"
    assert said[1].endswith(f"sylog: no such file; did you mean {tmp_path / 'syslog'}?")
    assert said[2].endswith("*.gz: nothing matches")
    assert said[3].endswith(f"no such folder: {tmp_path / 'no'}")
    assert said[4].endswith("only local paths are read; copy it here first")
    with pytest.raises(ArchiveError, match=r"^[^\n]*sylog: no such file; did you mean [^\n]*\?$"):
        find([str(tmp_path / "sylog")])


def test_the_reference_is_the_date_in_the_name_else_the_last_change(tmp_path: Path) -> None:
    put(tmp_path / "a-20261101", b"x\n")
    put(tmp_path / "b-20261301", b"x\n", mtime=86_400.0)
    assert [a.reference for a in find([str(tmp_path)]).archives] == [
        datetime(2026, 11, 1, tzinfo=UTC),
        datetime(1970, 1, 2, tzinfo=UTC),
    ]


def test_since_and_until_choose_whole_files_by_the_time_between_rotations(tmp_path: Path) -> None:
    for day in ("01", "08", "15"):
        put(tmp_path / f"messages-202611{day}", b"x\n")
    put(tmp_path / "messages", b"x\n", mtime=datetime(2026, 11, 20, tzinfo=UTC).timestamp())
    assert names([tmp_path], since=datetime(2026, 11, 9, 12, tzinfo=UTC)) == ["messages-20261115", "messages"]
    assert names([tmp_path], until=datetime(2026, 11, 8, 12, tzinfo=UTC)) == ["messages-20261101", "messages-20261108"]
    both = find([str(tmp_path)], since=datetime(2026, 11, 12), until=datetime(2026, 11, 13))
    assert [Path(a.name).name for a in both.archives] == ["messages-20261115"]
    assert len(both.outside) == 3


@pytest.mark.parametrize("keep", [4, 1000])
def test_standard_input_can_be_read_again_and_in_another_process(keep: int) -> None:
    spool = Spool(io.BytesIO(b"some bytes"), keep)
    assert spool.size == 10
    for copy in (spool, pickle.loads(pickle.dumps(spool))):
        with copy.open() as one, copy.open() as other:
            assert one.read(4) == b"some"
            assert other.read() == b"some bytes"
