"""`make kafka` and its kin: started beside the terminal, stopped by process id."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engines import prism
from tests.engines.process import cache_folder

pytestmark = pytest.mark.engines


def background(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.engines.background", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **env})


def test_an_engine_is_started_once_and_stopped_by_its_id(tmp_path: Path) -> None:
    (tmp_path / "dioptre").mkdir()
    prism.fetched()
    (tmp_path / "dioptre" / "engines").mkdir()
    for built in cache_folder().glob("prism-*"):
        (tmp_path / "dioptre" / "engines" / built.name).symlink_to(built)
    cache = {"XDG_CACHE_HOME": str(tmp_path)}
    first, second = background("prism", "start", **cache), background("prism", "start", **cache)
    stopped, again = background("prism", "stop", **cache), background("prism", "stop", **cache)
    assert [done.returncode for done in (first, second, stopped, again)] == [0, 0, 0, 0]
    assert "make prism-stop" in first.stdout
    assert "runs already" in second.stdout
    assert "stopped process" in stopped.stdout
    assert "not running" in again.stdout


def test_a_missing_program_is_named() -> None:
    done = background("kafka", "start", PATH="/nowhere")
    assert done.returncode == 2
    assert done.stderr.startswith("kafka: java, mvn not found on PATH")
