"""From records and values to the kernels of JSON and back: gives them buffers, and their numbers their strings."""

import secrets
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from connectors.formats.block import Block, Bytes, Ints
from connectors.formats.kernels.objects import find_objects
from connectors.formats.kernels.values import number_values, read_times

_MOST_SHAPES = 4096
_ROOM = 1 << 20
"""Bytes for the shapes of a block; with one shape of common shippers at 500, there is room for 2,000."""
_COLON, _BACKSLASH = 58, 92
_SEED = np.uint64(secrets.randbits(64))


class Objects(NamedTuple):
    """The objects of n records. `text`: the block's bytes, and behind them what was unescaped. `shape`: (n,) index into
    `shapes`, -1 for a record that is no plain object. `first`: (n,) index of a record's first value. `starts`, `ends`:
    where in `text` the values stand.
    """

    text: Bytes
    shape: Ints
    first: Ints
    starts: Ints
    ends: Ints
    shapes: list[bytes]


def find(block: Block, rows: Ints) -> Objects:
    """Find the objects of the records at `rows`, each of which begins with a brace."""
    data = block.data
    most = np.count_nonzero(data == _COLON) + 1
    starts, ends = np.zeros(most, np.int32), np.zeros(most, np.int32)
    aux = np.empty(len(data) if (data == _BACKSLASH).any() else 0, np.uint8)
    shapes = np.empty(_ROOM + 3 * int(np.diff(block.offsets)[rows].max()) + 8, np.uint8)
    out, used = np.full((2, len(rows)), -1, np.int64), np.zeros(3, np.int64)
    begin, stop, count = np.empty(_MOST_SHAPES, np.int32), np.empty(_MOST_SHAPES, np.int32), np.zeros(1, np.int32)
    slots = np.full(4 * _MOST_SHAPES, -1, np.int32)
    find_objects(
        data, block.offsets, rows, _SEED, out, starts, ends, aux, shapes, used, begin, stop, count, slots
    )  # fmt: skip
    text = np.concatenate((data, aux[: used[1]])) if used[1] else data
    told = [shapes[begin[i] : stop[i]].tobytes() for i in range(count[0])]
    return Objects(
        text, out[0], out[1], starts[: used[0] + 1].astype(np.int64), ends[: used[0] + 1].astype(np.int64), told
    )


def number(text: Bytes, starts: Ints, ends: Ints) -> tuple[Ints, Callable[[int], str]]:
    """Number the distinct strings [start, end) of a text, and how to spell a number; -1 where start is negative."""
    n = len(starts)
    out, begin, stop = np.empty(n, np.int64), np.empty(n, np.int32), np.empty(n, np.int32)
    slots = np.full(1 << (2 * n).bit_length(), -1, np.int32)
    number_values(text, starts, ends, _SEED, out, begin, stop, np.zeros(1, np.int32), slots)
    return out, lambda one: text[begin[one] : stop[one]].tobytes().decode()


def times(text: Bytes, starts: Ints, ends: Ints) -> Ints:
    """Microseconds since 1970 of the stamps [start, end) of a text; vector.NO_TIME for what is not plainly one."""
    out = np.empty(len(starts), np.int64)
    read_times(text, starts, ends, out)
    return out
