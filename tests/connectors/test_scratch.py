"""Temporary folders vanish with their processes, however these end."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from connectors.scratch import PREFIX, Scratch, sweep

HOLD = """
import os, sys, time
from connectors.scratch import Scratch
with Scratch() as scratch:
    (scratch.path / "file").touch()
    child = os.fork() if "child" in sys.argv else 0
    if child or "child" not in sys.argv:
        print(scratch.path, child, flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)


def left(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(PREFIX)]


def test_a_folder_is_gone_after_its_block(tmp_path: Path) -> None:
    with Scratch() as scratch:
        (scratch.path / "deep").mkdir()
        sweep()
        assert left(tmp_path) == [scratch.path.name]
    assert left(tmp_path) == []


def test_what_a_kill_leaves_is_removed_by_the_next_one(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    path = Path(process.stdout.readline().split()[0])
    sweep()
    assert (path / "file").exists(), "its process lives"
    process.kill()
    process.wait()
    with Scratch() as own:
        assert left(tmp_path) == [own.path.name]


def test_a_folder_stays_while_a_forked_process_lives(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", HOLD, "child"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    words = process.stdout.readline().split()
    path, child = Path(words[0]), int(words[1])
    process.kill()
    process.wait()
    sweep()
    assert (path / "file").exists()
    os.kill(child, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while path.exists() and time.monotonic() < deadline:
        sweep()
        time.sleep(0.05)
    assert left(tmp_path) == []


def test_folders_without_a_lock_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / f"{PREFIX}other").mkdir()
    (tmp_path / f"{PREFIX}file").touch()
    sweep()
    assert len(left(tmp_path)) == 2
