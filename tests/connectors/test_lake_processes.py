"""Real processes, real kills, a real full disk: each position ends up once, and nothing is half written."""

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.lake import Lake, LakeError, repair, verify
from tests.connectors.lake_rows import add, messages, novel, rows
from tests.connectors.lake_writers import WRITERS, skipped

HOUSE = Path(__file__).parents[2]


def run_writers(what: str, lake: Lake, end: int) -> int:
    """Run the writers to the end; the number of times one was killed."""
    command = [sys.executable, "-m", "tests.connectors.lake_writers", what, str(lake.root), str(end), "1"]
    done = subprocess.run(command, cwd=HOUSE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_six_writers_killed_around_the_create_leave_each_position_once(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path)
    killed = run_writers("append", lake, 4000)
    assert killed > 20
    assert messages(tmp_path) == [f"line {p}" for p in range(4000) if not skipped(p)]
    told = verify(lake)
    assert (told.findings, told.total.positions, told.total.missing) == ([], 3429, 0)
    assert sum(told.total.skips.values()) == 571


def test_six_publishers_at_once_lose_nothing(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path)
    assert run_writers("publish", lake, 5) > 5
    expected = sorted(f"{writer}-{n}" for writer in range(WRITERS) for n in range(5))
    assert lake.kinds().column("key").to_pylist() == expected
    assert lake.registry_stamp()[0] >= len(expected)
    assert verify(lake).ok


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a tmpfs")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_is_told_leaves_nothing_half_and_resumes_whole(small_disk: Path) -> None:
    lake = Lake.create(small_disk / "lake")
    chain = lake.chain("kafka-a")
    add(chain, 0, 10)
    noise = random.Random(1).randbytes(2 << 20)
    big = rows("kafka-a", range(10, 12), raw=noise)
    with pytest.raises(LakeError, match=r"kafka-a/0{18}10.parquet: cannot write: No space left on device; free some"):
        chain.append(big, 10, 12, {})
    with pytest.raises(LakeError, match="No space left on device"):
        lake.note_novel(novel("a", template="x" * (2 << 20)))
    assert list((lake.root / "staging").iterdir()) == []
    assert (messages(lake.root), verify(lake).findings) == ([f"line {p}" for p in range(10)], [])
    subprocess.run(["mount", "-o", "remount,size=16m", str(small_disk)], check=True)
    assert chain.append(big, 10, 12, {}).end == 12
    assert verify(lake).ok


def test_repair_beside_writers_doubles_nothing_and_leaves_only_holes_to_fill(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path)
    run_writers("tear", lake, 2000)
    repair(lake)
    run_writers("append", lake, 2000)
    assert messages(tmp_path) == [f"line {p}" for p in range(2000) if not skipped(p)]
    assert verify(lake).findings == []


def test_segments_torn_anywhere_in_a_chain_are_repaired_and_read_again(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path)
    chain = lake.chain("kafka-a")
    dice = random.Random(3)
    for _ in range(40):
        segments = Lake.open(tmp_path).chain("kafka-a").segments()
        if segments and dice.random() < 0.4:
            os.truncate(dice.choice(segments).path, 60)
            repair(tmp_path)
        start = chain.end() or 0
        add(chain, start, start + dice.randrange(1, 30))
    while hole := chain.hole():
        add(chain, *hole)
    end = chain.end()
    assert end is not None
    assert messages(tmp_path) == [f"line {p}" for p in range(end)]
    assert verify(lake).ok


def test_a_lake_that_may_only_be_read_is_read_and_says_why_it_is_not_written(tmp_path: Path) -> None:
    lake = Lake.create(tmp_path / "lake")
    add(lake.chain("kafka-a"), 0, 5)
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    binding = subprocess.run(
        ["mount", "--bind", "-o", "ro", str(lake.root), str(mounted)], capture_output=True, check=False
    )
    if binding.returncode:
        pytest.skip("needs the right to mount")
    try:
        read = Lake.open(mounted)
        assert (read.chain("kafka-a").end(), read.kinds().num_rows, verify(read).ok) == (5, 0, True)
        with pytest.raises(LakeError, match="Read-only file system; mount it for writing, or choose another lake"):
            add(read.chain("kafka-a"), 5, 9)
    finally:
        subprocess.run(["umount", str(mounted)], check=True)
