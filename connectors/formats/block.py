"""A block of records as bytes side by side: the ground on which the kernels find the fields."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Block:
    """`data`: the bytes. `offsets`: (n + 1,) where in them each record begins, and the last ends."""

    data: Bytes
    offsets: npt.NDArray[np.int32]

    @staticmethod
    def of(raw: pa.BinaryArray) -> "Block":
        """Lay a column of records out; what a null holds means nothing."""
        offsets = np.frombuffer(raw.buffers()[1], np.int32, len(raw) + 1, raw.offset * 4)
        if offsets[-1] == offsets[0]:
            return Block(np.zeros(0, np.uint8), offsets - offsets[0])
        return Block(np.frombuffer(raw.buffers()[2], np.uint8)[offsets[0] : offsets[-1]], offsets - offsets[0])


def strings(data: Bytes, starts: Ints, ends: Ints) -> pa.StringArray:
    """(n,) strings cut from [start, end) of `data` each; null where start < 0.

    The offsets name each string and the gap to the next in turn; taking every second one leaves the gaps out.
    """
    null = starts < 0
    offsets = np.zeros(2 * len(starts) + 1, np.int32)
    offsets[:-1:2], offsets[1::2] = np.where(null, 0, starts), np.where(null, 0, ends)
    offsets[-1] = len(data) if len(starts) else 0
    both = pa.StringArray.from_buffers(2 * len(starts), pa.py_buffer(offsets), pa.py_buffer(data))
    return both.take(pa.array(np.arange(0, 2 * len(starts), 2), mask=null if null.any() else None))
