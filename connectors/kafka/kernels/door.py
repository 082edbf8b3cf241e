"""From batches to the kernel and back: gives it its buffers, and makes its columns Arrow's."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from connectors.kafka.batches import Batch
from connectors.kafka.kernels.records import read_records

Columns = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.bool_], pa.BinaryArray]


def read(
    data: memoryview, batches: Sequence[Batch], begins: Sequence[int], ends: Sequence[int], start: int
) -> tuple[Columns, int | None]:
    """Read the records [begins[k], ends[k]) of the batches, from offset `start` on.

    Returns:
        offsets, times in ms, whether those are LogAppendTime, and values; and the number of the batch that is
        corrupt, with columns that then mean nothing.
    """
    table = np.array(
        [
            (begin, end, b.base, b.last, b.records, b.max_ms if b.appended else b.first_ms, b.appended)
            for b, begin, end in zip(batches, begins, ends, strict=True)
        ],
        np.int64,
    ).reshape(-1, 7)
    room, size = int(table[:, 4].sum()), int((table[:, 1] - table[:, 0]).sum())
    out, bad = np.empty((3, room), np.int64), np.full(1, -1, np.int64)
    value_ends, valid = np.zeros(room + 1, np.int32), np.empty(room, np.uint8)
    values = np.empty(size, np.uint8)
    n = read_records(np.frombuffer(data, np.uint8), table, start, out, value_ends, valid, values, bad)
    columns = (out[0, :n], out[1, :n], out[2, :n].astype(np.bool_), _binary(n, value_ends, valid, values))
    return columns, None if bad[0] < 0 else int(bad[0])


def _binary(
    n: int, ends: npt.NDArray[np.int32], valid: npt.NDArray[np.uint8], values: npt.NDArray[np.uint8]
) -> pa.BinaryArray:
    bits = None if valid[:n].all() else pa.py_buffer(np.packbits(valid[:n], bitorder="little"))
    return pa.BinaryArray.from_buffers(pa.binary(), n, [bits, pa.py_buffer(ends), pa.py_buffer(values)])
