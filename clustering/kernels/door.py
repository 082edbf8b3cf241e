"""From Arrow to the kernels and back: gives them their buffers, and what they filled the form of columns."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from clustering.kernels.rows import LONGEST, MARKS, TABLES, cut, find_params
from schemas.lanes import COPIED

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Cut:
    """(n,) skeletons and params of a block; `odd`: the rows that the byte rules do not cover, which have neither."""

    skeletons: pa.StringArray
    params: pa.StringArray
    odd: Ints

    def values(self, rows: Ints, holes: Ints) -> pa.StringArray:
        """The words in the `holes[i]`-th hole of `rows[i]`."""
        starts, ends = np.empty(len(rows), np.int32), np.empty(len(rows), np.int32)
        _, offsets, data = self.params.buffers()
        find_params(np.frombuffer(data, np.uint8), np.frombuffer(offsets, np.int32), rows, holes, starts, ends)
        both = np.empty(2 * len(rows) + 1, np.int32)
        both[:-1:2], both[1::2] = starts, ends
        both[-1] = both[-2] if len(rows) else 0
        words = pa.StringArray.from_buffers(2 * len(rows), pa.py_buffer(both), data)
        return words.take(pa.array(np.arange(len(rows)) * 2))


def cut_all(message: pa.StringArray) -> Cut:
    """Cut a column without nulls into skeletons and params."""
    n = len(message)
    _, offsets_buffer, data = message.buffers()
    offsets = np.frombuffer(offsets_buffer, np.int32, n + 1, message.offset * 4)
    room = 2 * int(offsets[-1] - offsets[0]) + COPIED + 1
    skeletons, params = np.empty(room, np.uint8), np.empty(room, np.uint8)
    skeleton_ends, param_ends = np.empty(n + 1, np.int32), np.empty(n + 1, np.int32)
    odd, bits, scratch = np.empty(n, np.uint8), np.empty((5, MARKS), np.uint64), np.empty((3, LONGEST), np.int32)
    text = np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)
    cut(text, offsets, *TABLES, bits, scratch, skeletons, skeleton_ends, params, param_ends, odd)
    return Cut(_strings(skeletons, skeleton_ends), _strings(params, param_ends), np.flatnonzero(odd))


def _strings(data: npt.NDArray[np.uint8], ends: npt.NDArray[np.int32]) -> pa.StringArray:
    return pa.StringArray.from_buffers(len(ends) - 1, pa.py_buffer(ends), pa.py_buffer(data[: ends[-1]]))
