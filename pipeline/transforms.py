"""The graph of a job, a PTransform a step: Read -> Parse -> Label -> Commit. Deciding is done elsewhere."""

import json
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.pvalue import PCollection, TaggedOutput

import connectors.beam_coder  # noqa: F401 - registers the coder of record batches
from connectors import archives
from connectors.lake import Lake
from pipeline import taken
from pipeline.committed import COUNTS, Committed
from pipeline.job import Job
from pipeline.kept import Kept, kept
from pipeline.labelling import Labelled
from schemas.events import SEGMENT, TS
from schemas.registry import KINDS, RULE, Verdict
from schemas.taxonomy import UNKNOWN


class ReadOutputs(NamedTuple):
    """Record batches in order of position, and what became of each archive."""

    records: PCollection[pa.RecordBatch]
    outcomes: PCollection[archives.Outcome]


class Read(beam.PTransform):
    """archives.Read -> RECORDS batches of what the lake lacks; `outcomes`."""

    def __init__(self, job: Job, stopped: Callable[[], bool]) -> None:
        super().__init__()
        self._job, self._stopped = job, stopped

    def expand(self, reads: PCollection[archives.Read]) -> ReadOutputs:
        out = reads | beam.ParDo(_ReadDoFn(self._job, self._stopped)).with_outputs("outcomes", main="records")
        out.records.element_type = pa.RecordBatch
        return ReadOutputs(out.records, out.outcomes)


class _ReadDoFn(beam.DoFn):
    """Looks at the lake's chains as it goes: whatever is there already is not read again."""

    def __init__(self, job: Job, stopped: Callable[[], bool]) -> None:
        self._job, self._stopped = job, stopped

    def setup(self) -> None:
        self._lake = kept(self._job).lake

    def process(self, read: archives.Read) -> Iterator[Any]:
        batches: Generator[pa.RecordBatch, None, archives.Outcome] = archives.read(
            read, batch_rows=self._job.batch_rows, batch_bytes=self._job.batch_bytes, lake_chain=self._lake.chain
        )
        while not self._stopped():
            try:
                yield next(batches)
            except StopIteration as end:
                yield TaggedOutput("outcomes", end.value)
                return


class Parse(beam.PTransform):
    """RECORDS -> PARSED: headers understood, personal data masked."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self._job = job

    def expand(self, records: PCollection[pa.RecordBatch]) -> PCollection[pa.RecordBatch]:
        return records | beam.Map(_parse, self._job).with_output_types(pa.RecordBatch)


def _parse(records: pa.RecordBatch, job: Job) -> pa.RecordBatch:
    with taken.by("parse"):
        return job.parse(records)


class Label(beam.PTransform):
    """PARSED -> Labelled: rows with their kind's verdict, and the kinds first met."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self._job = job

    def expand(self, parsed: PCollection[pa.RecordBatch]) -> PCollection[Labelled]:
        return parsed | beam.ParDo(_LabelDoFn(self._job)).with_output_types(Labelled)


class _LabelDoFn(beam.DoFn):
    _kept: Kept

    def __init__(self, job: Job) -> None:
        self._job = job

    def setup(self) -> None:
        self._kept = kept(self._job)

    def process(self, parsed: pa.RecordBatch) -> Iterator[Labelled]:
        with taken.by("label"):
            labelled = self._kept.label(parsed)
        yield labelled


class Commit(beam.PTransform):
    """Labelled -> Committed: the kinds first, then the segment, both durable before the element goes on."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self._job = job

    def expand(self, labelled: PCollection[Labelled]) -> PCollection[Committed]:
        return labelled | beam.ParDo(_CommitDoFn(self._job)).with_output_types(Committed)


class _CommitDoFn(beam.DoFn):
    def __init__(self, job: Job) -> None:
        self._job = job

    def setup(self) -> None:
        self._lake = kept(self._job).lake

    def process(self, labelled: Labelled) -> Iterator[Committed]:
        with taken.by("commit"):
            committed = commit(self._lake, labelled, self._job.run)
        yield committed


def commit(lake: Lake, labelled: Labelled, run: str = "") -> Committed:
    """Write one labelled batch into the lake: `novel/` before the segment, so that no crash forgets a kind.

    Of a batch that tells the hash of the bytes `before` it (an archive's), no segment is written when another run has
    moved the chain meanwhile; the reader sees it and finds its way. Of a batch that does not (Kafka's, where a position
    always means the same record), what the chain lacks is written. The note is written all the same: the labeller knows
    these kinds from now on and will not tell of them again.

    Raises:
        GapError: the chain ends before the batch begins; read again from its end.
        LakeError: the lake cannot be written.
    """
    meta = {k.decode(): v.decode() for k, v in (labelled.events.schema.metadata or {}).items()}
    start, end = int(meta.pop("start")), int(meta.pop("end"))
    meta.pop("alone", None)
    meta |= {"run": run} if run else {}
    footer: dict[str, Any] = meta | {k: json.loads(meta[k]) for k in ("skips", "marks", "findings") if k in meta}
    segment = to_segment(labelled.events, footer["source"])
    chain = lake.chain(footer["source"])
    created: list[Path] = []
    lake.note_novel(labelled.novel)
    publish(lake, labelled.overruled)
    before = footer.pop("before", None)
    if before is None or archives.in_step(chain, start, before):
        created = chain.append(segment, start, end, footer, at_tail=before is not None).created
    written = [s.footer for s in chain.segments() if s.path in created]
    return Committed(
        source=footer["source"], name=footer.get("name", ""), start=start, end=end,
        events=sum(f["events"] for f in written), rejects=sum(f["rejects"] for f in written),
        novel=labelled.novel.num_rows if written else 0, unknown=_unknown(segment, written),
        findings=tuple((str(kind), str(detail)) for kind, detail in footer.get("findings", ())),
        written=tuple({name: f.get(name) for name in COUNTS} for f in written),
    )  # fmt: skip


def publish(lake: Lake, verdicts: Mapping[str, Verdict]) -> None:
    """Write into the registry what now holds of kinds that the lake knows, by key."""
    if not verdicts:
        return
    known = (row for row in lake.kinds().to_pylist() if row["key"] in verdicts)
    said = {"set_by": RULE, "reason": None, "ordered": None, "muted": None}
    kinds = [row | asdict(verdicts[row["key"]]) | said for row in known]
    lake.publish(pa.Table.from_pylist(kinds, KINDS))


def to_segment(events: pa.RecordBatch, source: str) -> pa.RecordBatch:
    """Add what only the lake knows: the source, and when the segment was written."""
    n = events.num_rows
    now = int(datetime.now(UTC).timestamp() * 1_000_000)
    name = pa.DictionaryArray.from_arrays(pa.array(np.zeros(n, np.int32)), pa.array([source]))
    written = pa.array(np.full(n, now)).cast(TS)
    return pa.RecordBatch.from_arrays([*events.columns, name, written], schema=SEGMENT)


def _unknown(segment: pa.RecordBatch, written: Sequence[Mapping[str, Any]]) -> int:
    """Count the events labelled `unknown` among the rows that were written."""
    offsets = segment.column("source_offset").to_numpy()
    labels = segment.column("label_at_ingest")
    number = labels.dictionary.index(UNKNOWN).as_py()
    events = segment.column("reject_reason").is_null().to_numpy(zero_copy_only=False)
    unknown = (labels.indices.to_numpy(zero_copy_only=False) == number) & events
    ranges = [np.searchsorted(offsets, [f["start"], f["end"]]) for f in written]
    return sum(int(np.count_nonzero(unknown[low:high])) for low, high in ranges)
