"""From a block of records to the kernel and back: gives it its buffers, and its numbers their strings."""

import secrets
from collections.abc import Callable

import numpy as np

from connectors.formats.block import Block
from connectors.formats.kernels.headers import Fields, find_fields
from connectors.formats.kernels.times import hour_text

__all__ = ["find", "hour_text"]

_STRINGS = 4
"""Strings that one record may add at most."""
_SEED = np.uint64(secrets.randbits(64))


def find(block: Block, wanted: int) -> tuple[Fields, Callable[[int], str]]:
    """Find the fields of the records of a block, and how to spell their numbers; bit k of `wanted` allows format k."""
    n = len(block.offsets) - 1
    out = np.full((len(Fields._fields), n), -1, np.int64)
    starts, ends = np.empty(_STRINGS * n, np.int32), np.empty(_STRINGS * n, np.int32)
    slots = np.full(1 << (2 * _STRINGS * n).bit_length(), -1, np.int32)
    find_fields(block.data, block.offsets, wanted, _SEED, out, starts, ends, np.zeros(1, np.int32), slots)

    def text(number: int) -> str:
        return block.data[starts[number] : ends[number]].tobytes().decode()

    return Fields(*out), text
