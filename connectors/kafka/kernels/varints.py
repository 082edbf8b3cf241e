"""Kafka's zigzag varints, each read within its bounds."""

import numpy as np
import numpy.typing as npt

from schemas.compiled import helper

Bytes = npt.NDArray[np.uint8]
BAD = -1
"""The position behind what could not be read; whatever is read there is BAD too."""
_MORE = np.uint8(0x80)
_SEVEN = np.uint64(0x7F)
_ONE = np.uint64(1)
_BITS = 64


@helper
def varint(data: Bytes, at: int, end: int) -> tuple[int, int]:
    """The number at `at`, at most ten bytes and all before `end`, and the position behind it."""
    value = np.uint64(0)
    shift = np.uint64(0)
    while 0 <= at < end and shift < _BITS:
        byte = data[at]
        value |= (np.uint64(byte) & _SEVEN) << shift
        at += 1
        if byte < _MORE:
            return int(np.int64(value >> _ONE) ^ -np.int64(value & _ONE)), at
        shift += np.uint64(7)
    return 0, BAD


@helper
def behind(at: int, size: int, end: int) -> int:
    """The position behind `size` bytes at `at`; a negative size stands for null, and takes none."""
    if at == BAD or size > end - at:
        return BAD
    return at + max(size, 0)
