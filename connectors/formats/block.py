"""A block of records as bytes side by side: the ground on which the vectorised formats find their fields."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Words64 = npt.NDArray[np.uint64]

PAD = 64
"""Line ends before and after the block, so that a look ahead needs no check."""


@dataclass(frozen=True)
class Block:
    """`data`: the bytes, padded. `starts`, `ends`: (n,) each record without its trailing CR, LF and NUL.
    `clean`: (n,) records of valid UTF-8 without control bytes but tabs: what the vectorised formats may read.
    `blanks`, `colons`: positions of these bytes, in order.
    """

    data: Bytes
    starts: Ints
    ends: Ints
    clean: Bools
    blanks: Ints
    colons: Ints

    @staticmethod
    def of(raw: pa.BinaryArray) -> "Block":
        """Lay a column of records out; nulls count as empty."""
        offsets = np.frombuffer(raw.buffers()[1], np.int32, len(raw) + 1, raw.offset * 4).astype(np.int64)
        data = np.full(offsets[-1] - offsets[0] + 2 * PAD, 10, np.uint8)
        if offsets[-1] > offsets[0]:
            data[PAD:-PAD] = np.frombuffer(raw.buffers()[2], np.uint8)[offsets[0] : offsets[-1]]
        offsets = offsets - offsets[0] + PAD
        starts, ends = offsets[:-1], _trim(data, offsets)
        clean = _clean(data, offsets, starts, ends)
        return Block(data, starts, ends, clean, np.flatnonzero(data == 32), np.flatnonzero(data == 58))

    def window(self, positions: Ints) -> Words64:
        """The eight bytes from each position on, as one little-endian number."""
        return np.ndarray(len(self.data) - 7, "<u8", self.data, strides=(1,))[positions]

    def four(self, positions: Ints) -> npt.NDArray[np.uint32]:
        """The four bytes from each position on, as one little-endian number."""
        return np.ndarray(len(self.data) - 3, "<u4", self.data, strides=(1,))[positions]

    @property
    def behind(self) -> int:
        """The position behind all records."""
        return len(self.data) - PAD

    def next(self, among: Ints, positions: Ints) -> Ints:
        """The first of `among` at or behind each position; behind all records where there is none."""
        return np.append(among, self.behind)[np.searchsorted(among, positions)]

    def strings(self, starts: Ints, ends: Ints) -> pa.StringArray:
        """(n,) strings cut from [start, end) each; null where end < start."""
        return strings(self.data, starts, ends)


def strings(data: Bytes, starts: Ints, ends: Ints) -> pa.StringArray:
    """(n,) strings cut from [start, end) of `data` each; null where end < start.

    The offsets name each string and the gap to the next in turn; taking every second one leaves the gaps out.
    """
    null = ends < starts
    offsets = np.zeros(2 * len(starts) + 1, np.int32)
    offsets[:-1:2], offsets[1::2] = np.where(null, 0, starts), np.where(null, 0, ends)
    offsets[-1] = len(data) if len(starts) else 0
    both = pa.StringArray.from_buffers(2 * len(starts), pa.py_buffer(offsets), pa.py_buffer(data))
    return both.take(pa.array(np.arange(0, 2 * len(starts), 2), mask=null if null.any() else None))


def _trim(data: Bytes, offsets: Ints) -> Ints:
    """Where each record ends without its trailing CR, LF and NUL."""
    ends = offsets[1:].copy()
    rows = np.arange(len(ends))
    while len(rows):
        last = data[ends[rows] - 1]
        rows = rows[((last == 10) | (last == 13) | (last == 0)) & (ends[rows] > offsets[:-1][rows])]
        ends[rows] -= 1
    return ends


def _clean(data: Bytes, offsets: Ints, starts: Ints, ends: Ints) -> Bools:
    clean = ends > starts
    if np.count_nonzero(data < 32) - 2 * PAD != (offsets[1:] - ends).sum():
        _unmark(clean, starts, ends, np.flatnonzero((data < 32) & (data != 9)))
    highest = data.max()
    if highest >= 127:
        _unmark(clean, starts, ends, np.flatnonzero(data == 127))
    if highest > 127 and not _is_utf8(data):
        _unmark(clean, starts, ends, np.flatnonzero(data > 127))
    return clean


def _unmark(clean: Bools, starts: Ints, ends: Ints, positions: Ints) -> None:
    positions = positions[(positions >= PAD)]
    rows = np.searchsorted(starts, positions, "right") - 1
    clean[rows[positions < ends[rows]]] = False


def _is_utf8(data: Bytes) -> bool:
    try:
        data.tobytes().decode()
    except UnicodeDecodeError:
        return False
    return True
