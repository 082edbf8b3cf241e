"""The real command asked to stop, or out of space: what it says, and that the same command goes on."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from backfill_kit import LINES, assert_whole, kill_group, positions, segments, start, when
from cli_kit import dioptre


def test_sigterm_stops_after_the_segments_at_hand_with_exit_code_0(logs: Path, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    argv = ("backfill", str(logs), "--lake", str(lake), "--workers", "1")
    with start(*argv, DIOPTRE_BACKFILL_BATCH_ROWS="20") as running:
        when(running, lambda: segments(lake) >= 3)
        kill_group(running, signal.SIGTERM)
        _, err = running.communicate(timeout=60)
    assert running.returncode == 0, err
    assert b"the same command goes on" in err
    assert b"Traceback" not in err
    assert 3 <= segments(lake) < LINES // 20
    assert not list((lake / "staging").iterdir())
    assert dioptre(*argv).code == 0
    assert_whole(lake, LINES)


def test_ctrl_c_gives_exit_code_130_and_one_line(logs: Path, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    argv = ("backfill", str(logs), "--lake", str(lake), "--workers", "1")
    with start(*argv, DIOPTRE_BACKFILL_BATCH_ROWS="20") as running:
        when(running, lambda: segments(lake) >= 1)
        kill_group(running, signal.SIGINT)
        _, err = running.communicate(timeout=60)
    assert running.returncode == 130, err
    assert b"Traceback" not in err
    assert segments(lake) < LINES // 20


def test_a_full_disk_is_told_in_one_line_and_what_lacks_is_read_later(logs: Path, tmp_path: Path) -> None:
    with tmpfs(tmp_path / "small", "240k") as small:
        argv = ("backfill", str(logs), "--lake", str(small / "lake"), "--workers", "1")
        with start(*argv) as running:
            _, told = running.communicate()
        assert running.returncode == 2
        said = [line for line in told.splitlines() if not line.startswith(b"{")]  # but for the log of its progress
        assert len(said) == 2, told
        assert b"No space left on device" in told
        assert b"free some space" in told
        held = len(positions(small / "lake"))
        assert held < LINES
        subprocess.run(["mount", "-o", "remount,size=40m", str(small)], check=True)
        assert dioptre(*argv).code == 0
        assert_whole(small / "lake", LINES)


@contextmanager
def tmpfs(at: Path, size: str) -> Iterator[Path]:
    """Mount a small file system; skips where that is not allowed."""
    at.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(at)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no permission to mount a small file system")
    try:
        yield at
    finally:
        subprocess.run(["umount", str(at)], check=True)
