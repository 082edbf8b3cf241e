"""From a block of records to the kernel and back: gives it its buffers, and its numbers their strings."""

import secrets

import numpy as np

from connectors.formats.block import Block, strings
from connectors.formats.kernels.headers import Fields, find_fields
from connectors.formats.kernels.times import hour_text

__all__ = ["find", "hour_text"]

_STRINGS = 4
"""Strings that one record may add at most."""
_FEW = 1 << 15
"""Strings there is room for at first: more than logs hold, and tables that stay in the cache."""
_SEED = np.uint64(secrets.randbits(64))


def find(block: Block, wanted: int) -> tuple[Fields, list[str]]:
    """Find the fields of the records of a block, and spell their numbers; bit k of `wanted` allows format k."""
    n = len(block.offsets) - 1
    most = _STRINGS * n
    found = _find(block, wanted, min(most, _FEW))
    if most > _FEW and len(found[1]) >= _FEW:
        found = _find(block, wanted, most)
    return found


def _find(block: Block, wanted: int, room: int) -> tuple[Fields, list[str]]:
    """Find the fields with room for so many strings; records beyond it are left over."""
    out = np.empty((len(Fields._fields), len(block.offsets) - 1), np.int64)
    starts, ends, used = np.empty(room, np.int32), np.empty(room, np.int32), np.zeros(1, np.int32)
    slots = np.full(1 << (2 * room).bit_length(), -1, np.int32)
    find_fields(block.data, block.offsets, wanted, _SEED, out, starts, ends, used, slots)
    count = int(used[0])
    texts = strings(block.data, starts[:count].astype(np.int64), ends[:count].astype(np.int64))
    return Fields(*out), texts.to_pylist()
