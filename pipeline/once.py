"""Records through mask, parse and label in this process: no Beam, no lake, nothing stored."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pyarrow as pa

from connectors import archives
from connectors.archives import Archive, Finding, Limits, Outcome
from pipeline.job import Job
from pipeline.labelling import Labelled, Labeller
from schemas.events import RECORDS, TS

_ONE_RANGE = 1 << 60
_SETTLED = math.inf
"""As the time of day: every file is done growing, so its last line counts although nothing ends it."""
_LIMITS = Limits()
_OBSERVED = RECORDS.get_field_index("observed_ts")


class _NoChain:
    """The chain of a source that no lake holds."""

    def end(self) -> None:
        return None

    def prefix(self) -> None:
        return None

    def segments(self) -> tuple[()]:
        return ()


_NO_CHAIN = _NoChain()


def no_chain(_: str) -> _NoChain:
    """Give the chain of any source where there is no lake."""
    return _NO_CHAIN


@dataclass
class Pass:
    """One pass over archives, from the first byte to the last; `findings` and `done` fill on the way.

    Attributes:
        alike: True: of files whose bytes agree as far as the shorter goes, only the longest is read.
        on_end: told of each archive when it is over.
        done: archives that were not read, with the reason.
    """

    found: Sequence[Archive]
    batch_rows: int = 131_072
    batch_bytes: int = 16 << 20
    limits: Limits = _LIMITS
    alike: bool = False
    on_end: Callable[[Outcome], None] = lambda _: None
    findings: list[Finding] = field(default_factory=list)
    done: list[tuple[str, str]] = field(default_factory=list)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield RECORDS batches, archive after archive."""
        for group in [self.found] if self.alike else [[archive] for archive in self.found]:
            yield from self._group(group)

    def _group(self, group: Sequence[Archive]) -> Iterator[pa.RecordBatch]:
        plan = archives.plan(group, no_chain, _ONE_RANGE, limits=self.limits, now=_SETTLED)
        self.findings += plan.findings
        self.done += [(done.archive.name, done.why) for done in plan.done]
        for read in plan.reads:
            outcome = yield from archives.read(
                read, limits=self.limits, batch_rows=self.batch_rows, batch_bytes=self.batch_bytes, now=_SETTLED
            )
            self.findings += outcome.findings
            self.on_end(outcome)


class Once:
    """Labels batch after batch as a backfill of this job would.

    Args:
        kinds: what is known of kinds beforehand (KINDS); by default what the job's lake knows, if it has one.
        now: when all records count as received; None: when their batches say.
    """

    def __init__(self, job: Job, kinds: pa.Table | None = None, *, now: datetime | None = None) -> None:
        self.job = job
        self._labeller: Labeller = job.labeller(kinds)
        self._now_us = None if now is None else int(now.timestamp() * 1_000_000)
        self.on_novel: Callable[[pa.RecordBatch], None] = lambda _: None

    def label(self, records: pa.RecordBatch) -> Labelled:
        """RECORDS -> Labelled. `on_novel` is told of the kinds first met."""
        if self._now_us is not None:
            now = pa.array(np.full(records.num_rows, self._now_us, np.int64)).cast(TS)
            records = records.set_column(_OBSERVED, records.schema.field(_OBSERVED), now)
        labelled = self._labeller.label(self.job.parse(records))
        self.on_novel(labelled.novel)
        return labelled
