"""Pipelines over the Kafka source for the tests, whose functions survive pickling: what was read lies in a folder."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apache_beam as beam
import pyarrow as pa
from apache_beam.options.pipeline_options import PipelineOptions

from connectors.kafka.source import ReadPartitions, Reads, ReadTopics
from connectors.lake import Lake
from tests.connectors.lake_rows import rows


@dataclass(frozen=True)
class Asked:
    """Whether somebody has asked to stop: a file is there."""

    file: Path

    def __call__(self) -> bool:
        return self.file.exists()


def keep(batch: pa.RecordBatch, folder: Path) -> pa.RecordBatch:
    """Write what a batch holds into a file of its own."""
    meta = {k.decode(): v.decode() for k, v in batch.schema.metadata.items()}
    told = {**meta, "values": [v and v.decode() for v in batch.column("raw").to_pylist()]}
    aside = folder / f".{uuid.uuid4()}"
    aside.write_text(json.dumps(told))
    aside.rename(folder / f"{uuid.uuid4()}.json")
    return batch


def commit(batch: pa.RecordBatch, lake: Path) -> int:
    """Append to the lake's chain what it lacks of a batch."""
    meta = {k.decode(): v.decode() for k, v in batch.schema.metadata.items()}
    footer = {"skips": json.loads(meta["skips"]), "name": meta["name"]}
    made = rows(meta["source"], batch.column("source_offset").to_pylist())
    chain = Lake.open(lake).chain(meta["source"])
    return chain.append(made, int(meta["start"]), int(meta["end"]), footer).rows_written


def kept(folder: Path) -> list[dict[str, Any]]:
    """What was kept so far, by name and start."""
    found = [json.loads(file.read_text()) for file in folder.glob("*.json")]
    return sorted(found, key=lambda told: (told["name"], int(told["start"])))


def kept_values(folder: Path) -> list[str]:
    """The records kept so far, sorted."""
    return sorted(value for told in kept(folder) for value in told["values"])


def stream(options: Sequence[str], reads: Reads, topics: Sequence[str], folder: Path, *, every_s: float = 2.0) -> Any:
    """Hand in an unbounded job that keeps what it reads in a folder, and commits it if there is a lake."""
    p = beam.Pipeline(options=PipelineOptions([*options, "--streaming"]))
    batches = p | ReadTopics(reads, topics, every_s=every_s) | ReadPartitions(reads) | beam.Map(keep, folder)
    if reads.lake:
        batches | "Commit" >> beam.Map(commit, reads.lake)
    return p.run()


def read_up(reads: Reads, stops: dict[Any, int], folder: Path) -> None:
    """Run a bounded job in this process."""
    from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner

    with beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions([])) as p:
        partitions = p | beam.Create(list(stops), reshuffle=False)
        batches = partitions | ReadPartitions(reads, stops=stops) | beam.Map(keep, folder)
        if reads.lake:
            batches | "Commit" >> beam.Map(commit, reads.lake)
