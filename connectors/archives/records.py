"""Make RECORDS batches: of a block of lines without copying a byte, and of a reject that stands for many bytes."""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from connectors.archives.archive import Archive
from connectors.archives.content import Finding
from connectors.archives.lines import Block
from schemas.events import RECORDS, TS

NOTHING = hashlib.sha256().hexdigest()
"""The hash where a chain begins."""


@dataclass(frozen=True)
class Stretch:
    """What a batch stands for: [start, end) of a source; `first`: where its first record begins.

    Attributes:
        before, prefix: hash of the chain's bytes up to start, and up to end.
        lead: the lines before the first, if that may go on with them.
    """

    source: str
    start: int
    first: int
    end: int
    before: str
    prefix: str
    marks: Sequence[tuple[int, str]] = ()
    findings: Sequence[Finding] = field(default=())
    lead: bytes = b""


def records_of(block: Block, stretch: Stretch, archive: Archive) -> pa.RecordBatch:
    """Make a batch whose `raw` is the block's own buffer, one row a line."""
    n = len(block.ends)
    offsets = np.zeros(n + 1, np.int32)
    offsets[1:] = block.ends
    received = np.full(n, int(archive.reference.timestamp() * 1_000_000), np.int64)
    truncated = np.zeros(n, np.bool_)
    truncated[block.cut_short] = True
    columns = [
        pa.Array.from_buffers(pa.binary(), n, [None, pa.py_buffer(offsets), pa.py_buffer(block.data)]),
        pa.array(block.starts),
        pa.Array.from_buffers(TS, n, [None, pa.py_buffer(received)]),
        pa.array(truncated),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=RECORDS.with_metadata(_metadata(stretch, archive, n, [])))


def reject_of(stretch: Stretch, archive: Archive, reason: str, detail: str) -> pa.RecordBatch:
    """Make a batch of no row and one reject, which stands for all bytes from `first` on."""
    rejects = [{"offset": stretch.first, "reason": reason, "detail": detail}]
    return pa.RecordBatch.from_pylist([], schema=RECORDS.with_metadata(_metadata(stretch, archive, 1, rejects)))


def _metadata(stretch: Stretch, archive: Archive, records: int, rejects: list[dict[str, object]]) -> dict[str, str]:
    """Say of a batch what its rows do not; all values are text, the structured ones JSON."""
    skips = {
        "previous_range": stretch.first - stretch.start,
        "inside_records": stretch.end - stretch.first - records,
    }
    lead = {"lead": base64.b64encode(stretch.lead).decode()} if stretch.lead else {}
    return lead | {
        "source": stretch.source,
        "start": str(stretch.start),
        "end": str(stretch.end),
        "before": stretch.before,
        "prefix": stretch.prefix,
        "name": archive.name.encode(errors="replace").decode(),
        "reference": archive.reference.isoformat(),
        "skips": json.dumps({reason: n for reason, n in skips.items() if n}),
        "rejects": json.dumps(rejects),
        "marks": json.dumps(stretch.marks),
        "findings": json.dumps([[f.kind, f.detail] for f in stretch.findings]),
    }
