"""Beam is imported without what an in-process run does not need, and nothing is missing afterwards."""

import subprocess
import sys

CODE = """
import sys
import pipeline.quiet
import pipeline.lean
assert not {"pymongo", "apache_beam.io.gcp.bigquery_tools"} & set(sys.modules), "imported all the same"
assert None not in [sys.modules.get(name, 0) for name in pipeline.lean.LEFT_OUT], "still held for missing"
import apache_beam as beam
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner
with beam.Pipeline(runner=FnApiRunner()) as p:
    p | beam.Create([1, 2]) | beam.Map(print)
import pymongo, apache_beam.io.gcp.bigquery
"""


def test_beam_runs_without_its_databases_which_can_be_imported_later() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True)
    assert (done.returncode, done.stdout.split()) == (0, ["1", "2"]), done.stderr
