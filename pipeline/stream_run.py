"""One bounded run of the graph in this process: spans of partitions into the lake."""

import shutil
from collections.abc import Iterator, Sequence
from typing import Protocol

import apache_beam as beam
import pyarrow as pa
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner
from apache_beam.transforms.environments import EmbeddedPythonEnvironment

from connectors.kafka import Client, KafkaError, Partition, Span
from connectors.lake import LakeError
from pipeline import taken
from pipeline.causes import causes
from pipeline.committed import Committed
from pipeline.job import Job
from pipeline.transforms import Commit, Label, Parse


class Runs(Protocol):
    """Whoever runs the graph: gives the client, is asked whether to stop, and hears of each batch."""

    client: Client

    def stopped(self) -> bool:
        """Tell whether to stop before the next batch."""
        ...

    def measure(self, partition: Partition, records: pa.RecordBatch) -> None:
        """Hear what was read."""
        ...

    def committed(self, one: Committed) -> None:
        """Hear what was written."""
        ...


_NOW: list[tuple[Runs, Sequence[Span]]] = []
"""Who runs, and what is to be read: it is not in the graph, so the graph is always the same."""


class Graph:
    """The graph of a job, put together once: to do so anew for each run takes four times as long as an empty run."""

    def __init__(self, job: Job) -> None:
        p = beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions([]))
        records = p | "Go" >> beam.Impulse() | "Read" >> beam.ParDo(_ReadDoFn(job))
        records.element_type = pa.RecordBatch
        committed = records | "Parse" >> Parse(job) | "Label" >> Label(job) | "Commit" >> Commit(job)
        committed | "Tell commits" >> beam.Map(_tell)
        self._proto = p.to_runner_api(default_environment=EmbeddedPythonEnvironment.default())
        shutil.rmtree(p.local_tempdir, ignore_errors=True)  # Beam removes it after `Pipeline.run`, which is not called

    def run(self, runs: Runs, todo: Sequence[Span]) -> None:
        """Run once over spans of partitions, one after the other.

        Raises:
            KafkaError, LakeError: as the client and the lake raised them, without what Beam put around.
        """
        _NOW[:] = [(runs, todo)]
        try:
            FnApiRunner().run_via_runner_api(self._proto, PipelineOptions([])).wait_until_finish()
        except Exception as error:
            raise cause_of(error) from error


class _ReadDoFn(beam.DoFn):  # type: ignore[misc]
    """Impulse -> RECORDS batches of what is to be read; stops between two of them when asked to."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def process(self, _: bytes) -> Iterator[pa.RecordBatch]:
        runs, todo = _NOW[0]
        for span in todo:
            batches = runs.client.read(span, batch_rows=self._job.batch_rows, batch_bytes=self._job.batch_bytes)
            while not runs.stopped():
                with taken.by("read"):
                    records = next(batches, None)
                if records is None:
                    break
                runs.measure(span.partition, records)
                yield records


def _tell(one: Committed) -> None:
    _NOW[0][0].committed(one)


def cause_of(error: BaseException) -> BaseException:
    """Find the error of ours that Beam has wrapped and marked with a step; the error itself if it is none of ours."""
    for seen in causes(error):
        if isinstance(seen, KafkaError | LakeError) and not hasattr(seen, "_tagged_with_step"):
            return seen
    return error
