"""kill -9 at twenty random points of a backfill of a million lines: nothing missing, nothing doubled."""

import gzip
import os
import random
import signal
import time
from pathlib import Path

import pytest
from backfill_kit import assert_whole, kill_group, log, segments, start, when

pytestmark = pytest.mark.slow

LINES = 1_000_000
PLAIN, POINTS = 600_000, 20
BATCH_ROWS = {"DIOPTRE_BACKFILL_BATCH_ROWS": "16384"}


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A million lines, a part of them compressed."""
    folder = tmp_path_factory.mktemp("million") / "logs"
    folder.mkdir()
    (folder / "plain.log").write_bytes(log(PLAIN, 1))
    (folder / "packed.log.gz").write_bytes(gzip.compress(log(LINES - PLAIN, 2), 1))
    return folder


@pytest.mark.parametrize("whom", ["group", "main process"])
def test_kill_9_at_twenty_random_points_loses_and_doubles_nothing(logs: Path, tmp_path: Path, whom: str) -> None:
    lake = tmp_path / "lake"
    chance = random.Random(os.environ.get("DIOPTRE_SEED", whom))
    argv = ("backfill", str(logs), "--lake", str(lake), "--workers", "2")
    killed = 0
    for _ in range(POINTS):
        target = segments(lake) + chance.randint(1, 2)
        with start(*argv, **BATCH_ROWS) as running:
            when(running, lambda target=target: segments(lake) >= target)  # type: ignore[misc]
            time.sleep(chance.random() * 0.2)
            killed += running.poll() is None
            kill_group(running) if whom == "group" else running.send_signal(signal.SIGKILL)
    with start(*argv, **BATCH_ROWS) as running:
        _, err = running.communicate()
    kill_group(running)
    assert running.returncode == 0, err
    assert killed == POINTS
    assert_whole(lake, LINES)
