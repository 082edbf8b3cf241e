"""The real command from archives to a whole lake: killed, run again, run twice at once."""

import os
import random
from pathlib import Path

from backfill_kit import LINES, assert_whole, kill_group, segments, start, when
from cli_kit import dioptre

SAMPLES = Path(__file__).parents[2] / "sample_data" / "logs"


def test_the_sample_logs_are_whole_in_the_lake_and_again_adds_nothing(tmp_path: Path) -> None:
    lake = str(tmp_path / "lake")
    told = dioptre("backfill", str(SAMPLES), "--lake", lake, "--json").json
    assert told["lines"] >= 20_000
    assert told["unknown"] < 0.25 * told["events"]
    assert told["findings"] == told["refused"] == []
    assert dioptre("lake", "verify", "--lake", lake, "--against", str(SAMPLES)).code == 0
    assert dioptre("backfill", str(SAMPLES), "--lake", lake, "--json").json["lines"] == 0


def test_a_backfill_killed_at_three_random_points_and_run_again_is_whole(logs: Path, tmp_path: Path) -> None:
    lake, chance = tmp_path / "lake", random.Random(os.environ.get("DIOPTRE_SEED", "7"))
    argv = ("backfill", str(logs), "--lake", str(lake), "--workers", "2")
    for _ in range(3):
        target = segments(lake) + chance.randint(1, 4)
        with start(*argv) as running:
            when(running, lambda target=target: segments(lake) >= target)  # type: ignore[misc]
            kill_group(running)
    ran = dioptre(*argv, "--json")
    assert ran.code == 0, ran.err
    assert ran.json["lines"] < LINES
    assert_whole(lake, LINES)


def test_two_backfills_at_once_double_nothing(logs: Path, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    argv = ("backfill", str(logs), "--lake", str(lake), "--workers", "1")
    with start(*argv) as other:
        when(other, lambda: segments(lake) >= 2)
        ran = dioptre(*argv)
        _, err = other.communicate()
    assert (ran.code, other.returncode) == (0, 0), (ran.err, err)
    assert_whole(lake, LINES)
