"""A batch of records to a batch of events: the kernels first, what they leave record by record."""

import json
import sys
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from typing import Any

import numpy as np
import pyarrow as pa

from connectors.formats import objects, vector
from connectors.formats.block import Block, Ints
from connectors.formats.columns import Columns, Said
from connectors.formats.line import parse_record
from connectors.formats.record import Context, Event, Rejected
from connectors.formats.vector import Found
from schemas.events import PARSED, RECORDS, TS

BLOCK_ROWS = 131_072
"""Records worked on at once, a whole batch: what is judged once a distinct word is then judged most seldom (.65 us a
line for 1.0 with 8,192)."""

FEW_ROWS = 16_384
"""Records met in all up to which the per-line path beats loading the kernels; once loaded, they serve any."""

_MET = {"records": 0}
"""Records that this process has met."""

_HEADER_STARTS = (b"<", b"{")


@dataclass(frozen=True)
class Reading:
    """How records are to be read.

    Attributes:
        reference: decides the year of stamps without one; None: the batch's `reference`, or each record's own time of
            receipt.
        alone: records have nothing to do with one another: none goes on with the one before, and one may hold several
            lines.
    """

    format: str = "auto"
    tz: tzinfo = UTC
    fields: Mapping[str, str] = field(default_factory=dict)
    reference: datetime | None = None
    keep_raw: bool = False
    alone: bool = False


def parse(records: pa.RecordBatch, reading: Reading | None = None) -> pa.RecordBatch:
    """Read the headers of a batch.

    Args:
        records: of the schema RECORDS; its metadata may hold `reference` (ISO 8601), `rejects` (JSON list of
            offset, reason, detail: positions the reader could make nothing of), `alone` ("1": as in Reading), and
            `lead` (base64: lines before `start` that the first record may go on with).

    Returns:
        Of the schema PARSED, in the order of positions, with the metadata of `records`. Nulls are left out and
        counted in the metadata's `skips` under `tombstone`. The rows of a `lead` stand first, before `start`: they
        are there to be gone on with, and the labeller drops them.
    """
    reading = reading or Reading()
    meta = dict(records.schema.metadata or {})
    rejects = json.loads(meta.pop(b"rejects", b"[]"))
    alone = reading.alone or meta.get(b"alone") == b"1"
    _MET["records"] += records.num_rows
    blocks = _Blocks(_context(reading, meta), alone=alone, keep_raw=reading.keep_raw)
    if b"lead" in meta:
        blocks.add(_lead(b64decode(meta[b"lead"]), int(meta[b"start"]), records))
    for at in range(0, records.num_rows, BLOCK_ROWS):
        blocks.add(records.slice(at, BLOCK_ROWS))
    parsed = blocks.columns.batch()
    if rejects:
        parsed = _with_rejects(parsed, rejects, records)
    if records.num_rows and records.column("raw").null_count:
        skips = json.loads(meta.get(b"skips", b"{}"))
        meta[b"skips"] = json.dumps(skips | {"tombstone": records.column("raw").null_count}).encode()
    return parsed.replace_schema_metadata(meta)


def _lead(data: bytes, end: int, records: pa.RecordBatch) -> pa.RecordBatch:
    """Make records of the lines before others, the last of which ends at `end`."""
    lines = [line + b"\n" for line in data.split(b"\n")[:-1]]
    offsets = end - len(data) + np.cumsum([0, *map(len, lines[:-1])])
    observed = pa.array([records.column("observed_ts")[0].as_py()] * len(lines), TS)
    columns = [pa.array(lines, pa.binary()), pa.array(offsets), observed, pa.array([False] * len(lines))]
    return pa.RecordBatch.from_arrays(columns, schema=RECORDS)


def _context(reading: Reading, meta: Mapping[bytes, bytes]) -> Context:
    reference = reading.reference
    if reference is None and b"reference" in meta:
        reference = datetime.fromisoformat(meta[b"reference"].decode())
    us = None if reference is None else int(reference.timestamp() * 1_000_000)
    return Context(observed_us=-1, reference_us=us, tz=reading.tz, format=reading.format, fields=reading.fields)


@dataclass
class _Line:
    """The line before the one at hand, parsed only if somebody asks."""

    raw: bytes
    ctx: Context
    event: Event | None = None
    known: bool = False

    def read(self) -> Event | None:
        """Give its last event; None when it held none."""
        if not self.known:
            said = parse_record(self.raw, self.ctx)
            self.event = said[-1] if isinstance(said, list) else None
            self.known = True
        return self.event


class _Blocks:
    """Reads block after block of one batch into its columns."""

    def __init__(self, ctx: Context, *, alone: bool, keep_raw: bool) -> None:
        self.columns = Columns()
        self._ctx, self._alone, self._keep_raw = ctx, alone, keep_raw
        self._few = _MET["records"] < FEW_ROWS and "connectors.formats.kernels.door" not in sys.modules
        self._previous: _Line | None = None

    def add(self, records: pa.RecordBatch) -> None:
        """Read one block: the kernels what is plain, the per-line path the rest."""
        raw = records.column("raw")
        observed = records.column("observed_ts").cast(pa.int64()).to_numpy()
        block = Block.of(raw)
        found = Found.nothing(len(raw))
        if not self._few:
            found = vector.read(block, observed, self._ctx, self.columns.memo)
            block = objects.read(block, observed, self._ctx, self.columns.memo, found)
        found.format[records.column("truncated").to_numpy(zero_copy_only=False)] = -1
        left = np.flatnonzero(found.format < 0)
        if raw.null_count:
            left = left[~raw.is_null().to_numpy(zero_copy_only=False)[left]]
        said = list((self._apart if self._alone else self._in_turn)(raw, left, observed)) if len(left) else []
        self.columns.add(block, found, records, said, self._keep_raw)
        if not self._alone:
            self._previous = self._last(raw, observed, said)

    def _last(self, raw: pa.BinaryArray, observed: Ints, said: Sequence[Said]) -> _Line:
        """The last line of a block."""
        if said and said[-1][0] == len(raw) - 1:
            return _told(said[-1][1], self._ctx)
        return _Line(raw[-1].as_py() or b"", self._at(observed[-1]))

    def _at(self, observed_us: np.int64) -> Context:
        return replace(self._ctx, observed_us=int(observed_us))

    def _apart(self, raw: pa.BinaryArray, left: Ints, observed: Ints) -> Iterator[Said]:
        """Parse the records at these rows, each for itself."""
        ctx = self._at(np.int64(0))
        for row, record in zip(left.tolist(), raw.take(pa.array(left)).to_pylist(), strict=True):
            ctx.observed_us = int(observed[row])
            yield row, parse_record(record, ctx)

    def _in_turn(self, raw: pa.BinaryArray, left: Ints, observed: Ints) -> Iterator[Said]:
        """Parse the records at these rows, each with the one before it in mind."""
        before, before_row = self._previous, -1
        ctx = self._at(np.int64(0))
        for row, record in zip(left.tolist(), raw.take(pa.array(left)).to_pylist(), strict=True):
            if before_row != row - 1:
                before = _Line(raw[row - 1].as_py() or b"", self._at(observed[row - 1]))
            ctx.observed_us = int(observed[row])
            ctx.previous = None if before is None or record[:1] in _HEADER_STARTS else before.read()
            said = parse_record(record, ctx)
            before, before_row = _told(said, ctx), row
            yield row, said


def _told(said: list[Event] | Rejected, ctx: Context) -> _Line:
    """A line that has been parsed already."""
    return _Line(b"", ctx, said[-1] if isinstance(said, list) else None, known=True)


def _with_rejects(
    parsed: pa.RecordBatch, rejects: Sequence[Mapping[str, Any]], records: pa.RecordBatch
) -> pa.RecordBatch:
    """Add the positions that the reader rejected, as rows in their places."""
    if records.num_rows:
        observed = records.column("observed_ts")[0].as_py()
    else:
        observed = datetime.fromisoformat((records.schema.metadata or {})[b"reference"].decode())
    rows = [
        {
            "ts": observed, "ts_quality": "received", "observed_ts": observed, "message": reject["detail"],
            "format": "plain", "source_offset": reject["offset"], "ordinal": 0, "reject_reason": reject["reason"],
        }
        for reject in rejects
    ]  # fmt: skip
    both = pa.concat_tables([pa.table(parsed), pa.Table.from_pylist(rows, PARSED)]).unify_dictionaries()
    return both.sort_by([("source_offset", "ascending"), ("ordinal", "ascending")]).combine_chunks().to_batches()[0]
