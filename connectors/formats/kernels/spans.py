"""Numbers the distinct byte strings of a block as they are met, so that Python judges each of them once."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from connectors.formats.kernels.clean import Bytes
from schemas.compiled import helper
from schemas.lanes import LOADED, load

Ints = npt.NDArray[np.int32]

NONE = -1
_PROBES = 64
"""Places looked at; where all are taken by others the string stays without a number, so no input makes this slow."""
_MIX = np.uint64(0x9E3779B97F4A7C15)


class Spans(NamedTuple):
    """`start`, `end`: where string number i stands first. `used`: (1,) how many. `slots`: a hash table of numbers, a
    power of two in size, NONE where free. `seed`: not known to who writes the records.
    """

    start: Ints
    end: Ints
    used: Ints
    slots: Ints
    seed: np.uint64


@helper
def number(data: Bytes, start: int, end: int, spans: Spans) -> int:
    """The number of the string [start, end); NONE when there is no room for it."""
    last = len(spans.slots) - 1
    slot = np.int64(_hash(data, start, end, spans.seed)) & last
    for _ in range(_PROBES):
        known = spans.slots[slot]
        if known == NONE:
            return _add(start, end, slot, spans)
        if _same(data, spans.start[known], spans.end[known], start, end):
            return known
        slot = (slot + 1) & last
    return NONE


@helper
def _add(start: int, end: int, slot: np.int64, spans: Spans) -> int:
    new = spans.used[0]
    if new >= len(spans.start):
        return NONE
    spans.start[new], spans.end[new], spans.slots[slot] = start, end, new
    spans.used[0] = new + 1
    return new


@helper
def _same(data: Bytes, start: int, end: int, other: int, other_end: int) -> bool:
    if end - start != other_end - other:
        return False
    for at in range(start, end, LOADED):  # noqa: SIM110 - numba knows no all()
        if load(data, at, end) != load(data, other + at - start, other_end):
            return False
    return True


@helper
def _hash(data: Bytes, start: int, end: int, seed: np.uint64) -> np.uint64:
    mixed = seed ^ np.uint64(end - start)
    for at in range(start, end, LOADED):
        mixed = (mixed ^ load(data, at, end)) * _MIX
        mixed ^= mixed >> np.uint64(29)
    return mixed >> np.uint64(16)
