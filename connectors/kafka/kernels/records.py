"""The kernel that `records` calls: the records of many batches as columns, their values gathered into one buffer."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from connectors.kafka.kernels.varints import BAD, Bytes, behind, varint
from schemas.compiled import helper, kernel

_HERE = str(Path(__file__).parent)
Ints = npt.NDArray[np.int64]
BEGIN, END, BASE, LAST, COUNT, STAMP, APPENDED = range(7)
"""Columns of `batches`: the records' bytes [begin, end), base offset, last delta, records, time, LogAppendTime."""


class Record(NamedTuple):
    """`next`: where the next one begins; BAD: this one leaves its bounds. `size`: of the value; negative: null."""

    next: int
    after_ms: int
    delta: int
    value: int
    size: int


@helper
def _record(data: Bytes, at: int, end: int) -> Record:
    """Read the record at `at`: length, attributes, time and offset deltas, key, value; headers are passed over.

    Source: https://kafka.apache.org/documentation/#record
    """
    length, at = varint(data, at, end)
    if at == BAD or length < 1 or length > end - at:
        return Record(BAD, 0, 0, 0, 0)
    stop = at + length
    after_ms, at = varint(data, at + 1, stop)
    delta, at = varint(data, at, stop)
    key, at = varint(data, at, stop)
    size, at = varint(data, behind(at, key, stop), stop)
    if behind(at, size, stop) == BAD:
        return Record(BAD, 0, 0, 0, 0)
    return Record(stop, after_ms, delta, at, size)


@helper
def _copy(data: Bytes, at: int, size: int, out: Bytes, to: int) -> None:
    source, target = np.uint64(at), np.uint64(to)  # unsigned: numba then looks for no negative index
    for i in range(np.uint64(size)):
        out[target + i] = data[source + i]


@kernel("int64(text, int64[:,::1], int64, int64[:,::1], int32[::1], uint8[::1], uint8[::1], int64[::1])", _HERE)
def read_records(
    data: Bytes, batches: Ints, start: int, out: Ints, ends: npt.NDArray[np.int32], valid: Bytes, values: Bytes,
    bad: Ints,
) -> int:  # fmt: skip
    """Read the records from offset `start` on; give their number.

    Args:
        data: the bytes that `batches`, (k, 7), points into.
        out: (3, n) to fill with offset, time in ms and LogAppendTime, where n is room for all records.
        ends, valid, values: the values as in Arrow: ends[0] = 0 and where each ends; 0 for null; their bytes.
        bad: (1,) gets the number of the batch that is corrupt, and nothing else given then counts.
    """
    row = used = 0
    for k in range(batches.shape[0]):
        at, end, last = batches[k, BEGIN], batches[k, END], -1
        for _ in range(batches[k, COUNT]):
            record = _record(data, at, end)
            at = record.next
            if at == BAD or record.delta <= last or record.delta > batches[k, LAST]:
                bad[0] = k
                return 0
            last = record.delta
            if batches[k, BASE] + last < start:
                continue
            out[0, row] = batches[k, BASE] + last
            out[1, row] = batches[k, STAMP] + (0 if batches[k, APPENDED] else record.after_ms)
            out[2, row] = batches[k, APPENDED]
            valid[row] = record.size >= 0
            if record.size > 0:
                _copy(data, record.value, record.size, values, used)
                used += record.size
            row += 1
            ends[row] = used
        if at != end:
            bad[0] = k
            return 0
    return row
