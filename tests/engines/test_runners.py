"""Flink and Prism of the tests run what they are handed."""

import time
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.runner import PipelineState

from tests.engines.flink import FlinkJobServer, WorkerPool
from tests.engines.prism import Prism

# The workers of a job that was cancelled complain when their engine goes.
quiet = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
pytestmark = [pytest.mark.engines, quiet]


def square(number: int, folder: str) -> None:
    """Write the square of a number into a file of its own."""
    aside = Path(folder, f".{number}")
    aside.write_text(str(number * number))
    aside.rename(Path(folder, str(number)))


def write_squares(options: list[str], folder: Path) -> list[int]:
    """Run a streaming job until it has written what it should: on Flink it would never end of itself."""
    p = beam.Pipeline(options=PipelineOptions([*options, "--streaming"]))
    numbers = p | beam.Create([1, 2, 3], reshuffle=False)
    numbers | beam.Map(square, str(folder))
    job = p.run()
    until = time.monotonic() + 90
    while len(list(folder.glob("[0-9]"))) < 3 and time.monotonic() < until:
        time.sleep(0.2)
    if job.state != PipelineState.DONE:
        job.cancel()
    return sorted(int(found.read_text()) for found in folder.glob("[0-9]"))


def test_flink_runs_a_job(flink: FlinkJobServer, tmp_path: Path) -> None:
    assert write_squares(flink.options(), tmp_path) == [1, 4, 9]


def test_flink_runs_a_job_in_a_pool_of_workers(flink: FlinkJobServer, worker_pool: WorkerPool, tmp_path: Path) -> None:
    assert write_squares(flink.options(pool=worker_pool), tmp_path) == [1, 4, 9]


def test_prism_runs_a_job(prism: Prism, tmp_path: Path) -> None:
    assert write_squares(prism.options(), tmp_path) == [1, 4, 9]
