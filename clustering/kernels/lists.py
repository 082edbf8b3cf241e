"""The word lists of `words` as hash tables of bytes, and how a kernel asks them."""

from collections.abc import Iterable

import numpy as np

from clustering.kernels.scan import Bytes, Words64
from clustering.words import DATES, FOLD, METHODS, SURVIVING, TELLING_TAILS
from schemas.compiled import helper
from schemas.lanes import ALL, LANES, LOADED, load

MOST = 16
"""Bytes of the longest word in a table: two machine words."""

FOLDS = FOLD * 0x0101010101010101
_MIX = 0x9E3779B97F4A7C15
_WORD = (1 << 64) - 1


def table(words: Iterable[bytes]) -> Words64:
    """Lay words of up to MOST bytes out: (2, size), a power of two at least twice their number; zeros are free."""
    distinct = sorted(set(words))
    size = 1 << (2 * len(distinct)).bit_length()
    rows = np.zeros((2, size), np.uint64)
    for word in distinct:
        low, high = (int.from_bytes(word[at : at + 8], "little") for at in (0, 8))
        slot = (((low ^ high * 3) * _MIX & _WORD) >> 40) & (size - 1)
        while rows[0, slot]:
            slot = (slot + 1) & (size - 1)
        rows[:, slot] = low, high
    return rows


@helper
def has(rows: Words64, low: np.uint64, high: np.uint64) -> bool:
    """Whether a table holds the word of these two numbers."""
    last = rows.shape[1] - 1
    slot = np.int64(((low ^ (high * np.uint64(3))) * np.uint64(_MIX)) >> np.uint64(40)) & last
    while rows[0, slot] != 0:
        if rows[0, slot] == low and rows[1, slot] == high:
            return True
        slot = (slot + 1) & last
    return False


@helper
def load_folded(data: Bytes, start: int, end: int) -> np.uint64:
    """As `load`, each byte with bit 0x20 set, as `words.fold` does."""
    size = min(LOADED, end - start)
    if size <= 0:
        return np.uint64(0)
    return load(data, start, end) | (np.uint64(FOLDS) & (ALL >> np.uint64(LANES - LOADED * size)))


SURVIVING_TABLE = table(SURVIVING)
METHOD_TABLE = table([*METHODS, *(b'"' + method for method in METHODS)])
DATE_TABLE = table(DATES)
TELLING_TABLE = table(TELLING_TAILS)
