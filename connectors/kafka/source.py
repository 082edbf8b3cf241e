"""Kafka as a Beam source: a splittable DoFn over offsets, one element a partition; bounded or unbounded."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import PBegin, PCollection

import connectors.beam_coder  # noqa: F401 - registers the coder of record batches
from connectors.kafka.cluster import Cluster
from connectors.kafka.partitions import Partition
from connectors.kafka.policy import Policy


@dataclass(frozen=True)
class Reads:
    """How partitions are read.

    Attributes:
        lake: the lake whose chains say where to begin; None: the restriction alone does.
        batch_rows, batch_bytes: of one batch, at most.
        flush_s: unbounded: new records wait so long at most; a partition is looked at once in so many seconds.
        drained: a path to a file; once it exists, sources claim their remainder and end. None: never.
    """

    cluster: Cluster
    policy: Policy = field(default_factory=Policy)
    lake: Path | None = None
    batch_rows: int = 50_000
    batch_bytes: int = 16 << 20
    flush_s: float = 5.0
    drained: Path | None = None


class ReadTopics(beam.PTransform):
    """Nothing -> partitions of the topics; unbounded: those that appear later too, within 30 s."""

    def __init__(self, reads: Reads, topics: Sequence[str], *, every_s: float = 15.0) -> None:
        super().__init__()
        self._reads, self._topics, self._every_s = reads, tuple(topics), every_s

    def expand(self, begin: PBegin) -> PCollection[Partition]:
        raise NotImplementedError


class ReadPartitions(beam.PTransform):
    """Partitions -> RECORDS batches of what the lake lacks.

    Args:
        reads: how.
        stops: bounded: read each partition up to this offset, then end; None: unbounded.
    """

    def __init__(self, reads: Reads, *, stops: Mapping[Partition, int] | None = None) -> None:
        super().__init__()
        self._reads, self._stops = reads, stops

    def expand(self, partitions: PCollection[Partition]) -> PCollection[Any]:
        raise NotImplementedError


ChainEnd = Callable[[str], int | None]
