"""Lines as they arrive on a stream: RECORDS batches at once, whatever has come, in bounded memory."""

import select
from collections.abc import Callable, Iterator
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from pipeline.once import Once
from schemas.events import RECORDS, TS, TS_QUALITIES

CHUNK = 1 << 20
WAIT_S = 0.005
"""Waited for more before what has come is labelled; a writer that was held up needs about .1 ms to fill a pipe."""
_INHERITED = TS_QUALITIES.index("inherited")
_CARRIED = 200
"""Rows of context carried from batch to batch, beside the line that a stack trace belongs to."""


class Lines:
    """Cuts a stream of bytes into lines; what of a line exceeds `limit` bytes is left out and the line flagged."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open: list[bytes] = []
        self._size = 0
        self._start = 0

    def feed(self, data: bytes) -> list[tuple[bytes, int, bool]]:
        """Take the next bytes; give the lines they end: (bytes with line end, position, truncated)."""
        first, newline, rest = data.partition(b"\n")
        if not newline:
            self._keep(data)
            return []
        self._keep(first + newline)
        done = self.end()
        *whole, last = rest.split(b"\n")
        for line in whole:
            size = len(line) + 1
            done.append((line[: self._limit] if size > self._limit else line + b"\n", self._start, size > self._limit))
            self._start += size
        self._keep(last)
        return done

    def end(self) -> list[tuple[bytes, int, bool]]:
        """Give the line that is open, ended or not; nothing if there is none."""
        if not self._size:
            return []
        line = (b"".join(self._open)[: self._limit], self._start, self._size > self._limit)
        self._start += self._size
        self._open, self._size = [], 0
        return [line]

    def _keep(self, data: bytes) -> None:
        """Add bytes to the open line, as far as they are within the limit."""
        room = self._limit - self._size
        if data and room > 0:
            self._open.append(data[:room])
        self._size += len(data)


def arriving(source: BinaryIO, limit: int, now_us: Callable[[], int]) -> Iterator[pa.RecordBatch]:
    """Yield a batch of whatever lines a stream has ready, until its end.

    Args:
        source: with `read1`.
        limit: bytes of a line, its line end included.
        now_us: time of receipt, microseconds since 1970; asked once a batch.
    """
    lines = Lines(limit)
    for data in _gathered(source):
        if found := lines.feed(data):
            yield records_of(found, now_us())
    if found := lines.end():
        yield records_of(found, now_us())


def _gathered(source: BinaryIO) -> Iterator[bytes]:
    """Yield what a stream has ready, up to CHUNK at a time: a pipe gives 64 KiB at once, and small batches are dear."""
    read: Callable[[int], bytes] = source.read1  # type: ignore[attr-defined]
    data = read(CHUNK)
    while data:
        parts, size = [data], len(data)
        while size < CHUNK and data and _ready(source):
            data = read(CHUNK - size)
            parts.append(data)
            size += len(data)
        yield b"".join(parts)
        data = data and read(CHUNK)


def _ready(source: BinaryIO) -> bool:
    """Say whether more comes within WAIT_S."""
    try:
        return bool(select.select([source], [], [], WAIT_S)[0])
    except (OSError, ValueError):
        return False


def records_of(lines: list[tuple[bytes, int, bool]], now_us: int) -> pa.RecordBatch:
    """Make a RECORDS batch of (bytes, position, truncated)."""
    raw, offsets, truncated = zip(*lines, strict=True) if lines else ((), (), ())
    columns = [
        pa.array(raw, pa.binary()),
        pa.array(offsets, pa.int64()),
        pa.array(np.full(len(raw), now_us, np.int64)).cast(TS),
        pa.array(truncated, pa.bool_()),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=RECORDS)


class Flow:
    """Labels batches of one source that were cut anywhere: a stack trace goes on across the cut."""

    def __init__(self, once: Once) -> None:
        self._once = once
        self._before = records_of([], 0)

    def label(self, records: pa.RecordBatch) -> pa.RecordBatch:
        """RECORDS -> LABELLED, rows of these records only."""
        known = self._before.num_rows
        both = pa.concat_batches([self._before, records]) if known else records
        events = self._once.label(both).events
        self._before = _context(both, events)
        if not known:
            return events
        offsets = events.column("source_offset").to_numpy()
        return events.slice(int(np.searchsorted(offsets, records.column("source_offset")[0].as_py())))


def _context(records: pa.RecordBatch, events: pa.RecordBatch) -> pa.RecordBatch:
    """Keep the last line that stands for itself and those that go on with it, of many the last ones."""
    own = np.flatnonzero(events.column("ts_quality").indices.to_numpy() != _INHERITED)
    offsets = records.column("source_offset").to_numpy()
    first = int(np.searchsorted(offsets, events.column("source_offset")[int(own[-1])].as_py())) if len(own) else 0
    tail = records.slice(max(first + 1, records.num_rows - _CARRIED))
    return pa.concat_batches([records.slice(first, 1), tail])
