"""A batch of records to a batch of events: the kernels first, what they leave record by record."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from connectors.formats import vector
from connectors.formats.block import Block, Ints
from connectors.formats.columns import Columns
from connectors.formats.line import parse_record
from connectors.formats.record import Context, Event, Rejected
from connectors.formats.vector import Found
from schemas.events import PARSED

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
    """How records are to be read. `reference` decides the year of stamps without one; None: each record's own
    time of receipt, or the batch's `reference`.
    """

    format: str = "auto"
    tz: tzinfo = UTC
    fields: Mapping[str, str] = field(default_factory=dict)
    reference: datetime | None = None
    keep_raw: bool = False


def parse(records: pa.RecordBatch, reading: Reading | None = None) -> pa.RecordBatch:
    """Read the headers of a batch.

    Args:
        records: of the schema RECORDS; its metadata may hold `reference` (ISO 8601) and `rejects` (JSON list of
            offset, reason, detail: positions the reader could make nothing of).

    Returns:
        Of the schema PARSED, in the order of positions, with the metadata of `records`. Nulls are left out and
        counted in the metadata's `skips` under `tombstone`.
    """
    reading = reading or Reading()
    meta = dict(records.schema.metadata or {})
    rejects = json.loads(meta.pop(b"rejects", b"[]"))
    columns = Columns()
    _MET["records"] += records.num_rows
    few = _MET["records"] < FEW_ROWS and "connectors.formats.kernels.door" not in sys.modules
    previous: _Line | None = None
    for at in range(0, records.num_rows, BLOCK_ROWS):
        previous = _block(records.slice(at, BLOCK_ROWS), _context(reading, meta), reading, columns, previous, few)
    parsed = columns.batch()
    if rejects:
        parsed = _with_rejects(parsed, rejects, records)
    if records.num_rows and records.column("raw").null_count:
        skips = json.loads(meta.get(b"skips", b"{}"))
        meta[b"skips"] = json.dumps(skips | {"tombstone": records.column("raw").null_count}).encode()
    return parsed.replace_schema_metadata(meta)


def _context(reading: Reading, meta: Mapping[bytes, bytes]) -> Context:
    reference = reading.reference
    if reference is None and b"reference" in meta:
        reference = datetime.fromisoformat(meta[b"reference"].decode())
    us = -1 if reference is None else int(reference.timestamp() * 1_000_000)
    return Context(observed_us=us, reference_us=us, tz=reading.tz, format=reading.format, fields=reading.fields)


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


def _block(
    records: pa.RecordBatch, ctx: Context, reading: Reading, columns: Columns, previous: _Line | None, few: bool
) -> _Line | None:
    """Read one block into the columns; gives its last line."""
    raw = records.column("raw")
    observed = records.column("observed_ts").cast(pa.int64()).to_numpy()
    if ctx.reference_us < 0:
        ctx.reference_us = int(observed[0])
    block = Block.of(raw)
    found = Found.nothing(len(raw)) if few else vector.read(block, observed, ctx, columns.memo)
    found.format[records.column("truncated").to_numpy(zero_copy_only=False)] = -1
    left = np.flatnonzero(found.format < 0)
    if raw.null_count:
        left = left[~raw.is_null().to_numpy(zero_copy_only=False)[left]]
    said = list(_one_by_one(raw, left, observed, ctx, previous)) if len(left) else []
    columns.add(block, found, records, said, reading.keep_raw)
    last = len(raw) - 1
    if said and said[-1][0] == last:
        answer = said[-1][1]
        return _Line(b"", ctx, answer[-1] if isinstance(answer, list) else None, known=True)
    return _Line(raw[last].as_py() or b"", _at(ctx, int(observed[last])))


def _at(ctx: Context, observed_us: int, previous: Event | None = None) -> Context:
    return Context(observed_us, ctx.reference_us, ctx.tz, ctx.format, ctx.fields, previous)


def _one_by_one(
    raw: pa.BinaryArray, left: Ints, observed: npt.NDArray[np.int64], ctx: Context, previous: _Line | None
) -> Iterator[tuple[int, list[Event] | Rejected]]:
    """Parse the records at these rows, each with the one before it in mind."""
    before, before_row = previous, -1
    ctx = _at(ctx, 0)
    for row, record in zip(left.tolist(), raw.take(pa.array(left)).to_pylist(), strict=True):
        if before_row != row - 1:
            before = _Line(raw[row - 1].as_py() or b"", _at(ctx, int(observed[row - 1])))
        ctx.observed_us = int(observed[row])
        ctx.previous = None if before is None or record[:1] in _HEADER_STARTS else before.read()
        said = parse_record(record, ctx)
        before, before_row = _Line(b"", ctx, said[-1] if isinstance(said, list) else None, known=True), row
        yield row, said


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
