"""Cut what is fetched of a partition into RECORDS batches that stand for each position of a span exactly once."""

import json
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from connectors.kafka.policy import Span
from schemas.events import RECORDS, TS

ABSENT = "absent"
"""What positions without a record count as: compacted away, aborted, or the marker of a transaction."""
UNREADABLE = "unreadable"
"""What positions count as whose records no reader can unpack, as their producer wrote them."""
_DAY_MS = 86_400_000
_SANE_MS = (-3_652 * _DAY_MS, _DAY_MS)
"""A producer's time further from now than this is not believed: ten years back, one day ahead."""


class Fetched(Protocol):
    """Records in the order of their offsets.

    Attributes:
        offsets: (n,) int64, ascending.
        timestamps: (n,) int64, ms since 1970; -1 where the record has none.
        appended: (n,) bool: the time is the broker's, not the producer's.
        values: (n,) binary; null is a tombstone.
        next_offset: where to fetch on; what lies between and has no record here has none at all.
        unreadable: True: all up to next_offset is unreadable, and there are no records.
    """

    @property
    def offsets(self) -> npt.NDArray[np.int64]: ...
    @property
    def timestamps(self) -> npt.NDArray[np.int64]: ...
    @property
    def appended(self) -> npt.NDArray[np.bool_]: ...
    @property
    def values(self) -> pa.BinaryArray: ...
    @property
    def next_offset(self) -> int: ...
    @property
    def unreadable(self) -> bool: ...


class Fetcher(Protocol):
    """Fetches the committed records of one partition; not safe among threads."""

    def fetch(self, start: int, *, rows: int, size: int) -> Fetched:
        """Wait for the records from offset `start` on, of which there are some, or absent positions.

        Args:
            start: anywhere in the log; going on where the last fetch ended costs least.
            rows, size: so many rows and bytes are welcome; more will be cut.

        Returns:
            next_offset > start.

        Raises:
            KafkaError: nothing comes in time, or `start` is not in the log.
        """

    def close(self) -> None: ...


class _Cut(NamedTuple):
    """Rows on their way into a batch."""

    offsets: npt.NDArray[np.int64]
    observed_us: npt.NDArray[np.int64]
    values: pa.BinaryArray


def batches(span: Span, fetcher: Fetcher, *, batch_rows: int, batch_bytes: int) -> Iterator[pa.RecordBatch]:
    """Yield RECORDS batches that together stand for [span.start, span.stop); see Client.read."""
    start, position, skipped = span.start, span.first, span.first - span.start
    held: list[_Cut] = []
    unreadable: list[range] = []
    rows = size = 0
    while position < span.stop:
        fetched = fetcher.fetch(position, rows=batch_rows - rows, size=batch_bytes - size)
        before, position = position, min(fetched.next_offset, span.stop)
        if fetched.unreadable:
            unreadable.append(range(before, position))
        for cut in _cuts(fetched, span.stop, batch_rows, batch_bytes):
            n, nbytes = len(cut.offsets), _nbytes(cut.values)
            if held and (rows + n > batch_rows or size + nbytes > batch_bytes):
                end = int(held[-1].offsets[-1]) + 1
                yield _batch(span, held, start, end, skipped, unreadable)
                start, skipped, held, rows, size = end, 0, [], 0, 0
            held.append(cut)
            rows, size = rows + n, size + nbytes
        if held and (rows >= batch_rows or size >= batch_bytes):
            yield _batch(span, held, start, position, skipped, unreadable)
            start, skipped, held, rows, size = position, 0, [], 0, 0
    if start < span.stop:
        yield _batch(span, held, start, span.stop, skipped, unreadable)


def skipped(span: Span) -> pa.RecordBatch:
    """Make the one batch of a span of which nothing is to be read."""
    return _batch(span, [], span.start, span.stop, span.stop - span.start)


def _cuts(fetched: Fetched, stop: int, rows: int, size: int) -> Iterator[_Cut]:
    """Cut what was fetched below `stop` into pieces of at most so many rows and bytes; one record always fits."""
    n = int(np.searchsorted(fetched.offsets, stop))
    observed = _observed_us(fetched.timestamps[:n], fetched.appended[:n])
    ends = _ends(fetched.values.slice(0, n))
    at = 0
    while at < n:
        fits = int(np.searchsorted(ends, (ends[at - 1] if at else 0) + size, side="right"))
        to = min(n, at + rows, max(fits, at + 1))
        yield _Cut(fetched.offsets[at:to], observed[at:to], fetched.values.slice(at, to - at))
        at = to


def _observed_us(timestamps: npt.NDArray[np.int64], appended: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Give when each record was received: the broker's time, or the producer's if it can be, else now."""
    now = time.time_ns() // 1_000_000
    sane = (timestamps >= now + _SANE_MS[0]) & (timestamps <= now + _SANE_MS[1])
    return np.where(sane | (appended & (timestamps >= 0)), timestamps, now) * 1_000


def _ends(values: pa.BinaryArray) -> npt.NDArray[np.int64]:
    """Give where each value ends, counted in bytes from the first."""
    ends = np.frombuffer(values.buffers()[1], np.int32)[values.offset : values.offset + len(values) + 1]
    return ends[1:].astype(np.int64) - int(ends[0]) if len(ends) else np.zeros(0, np.int64)


def _nbytes(values: pa.BinaryArray) -> int:
    ends = _ends(values)
    return int(ends[-1]) if len(ends) else 0


def _batch(
    span: Span, held: list[_Cut], start: int, end: int, skipped: int, unreadable: Sequence[range] = ()
) -> pa.RecordBatch:
    """Make the batch that stands for [start, end), of which `skipped` positions are skipped for the span's reason."""
    n = sum(len(cut.offsets) for cut in held)
    lost = sum(max(0, min(end, r.stop) - max(start, r.start)) for r in unreadable)
    counts = ((span.reason, skipped), (ABSENT, end - start - skipped - lost - n), (UNREADABLE, lost))
    skips = {reason: count for reason, count in counts if count}
    told = {
        "source": span.partition.source, "start": str(start), "end": str(end), "name": str(span.partition),
        "topic": span.partition.topic, "skips": json.dumps(skips), "alone": "1",
    }  # fmt: skip
    schema = RECORDS.with_metadata(told)
    if not held:
        return pa.RecordBatch.from_pylist([], schema=schema)
    columns = [
        pa.concat_arrays([cut.values for cut in held]) if len(held) > 1 else held[0].values,
        pa.array(np.concatenate([cut.offsets for cut in held])),
        pa.array(np.concatenate([cut.observed_us for cut in held])).cast(TS),
        pa.array(np.zeros(n, np.bool_)),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)
