"""The kernels that read values by the many: the numbers of distinct ones, and times since 1970."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from connectors.formats import stamps
from connectors.formats.kernels.clean import Bytes
from connectors.formats.kernels.spans import NONE, Ints, Spans, number
from connectors.formats.kernels.times import NANOS, NO_TIME, iso_us
from schemas.compiled import helper, kernel

_HERE = str(Path(__file__).parent)
_LAST_US = stamps.LAST_US
_DOT = 46
_MOST_DIGITS = 18
_TENS = np.array([10**n for n in range(7)], np.int64)
Longs = npt.NDArray[np.int64]


@helper
def _since_1970(data: Bytes, at: int, end: int) -> int:
    """Microseconds of a number, its unit told by its size as `stamps.number` has it."""
    whole, begin = 0, at
    while at < end and 48 <= data[at] <= 57:
        if at - begin < _MOST_DIGITS:
            whole = whole * 10 + data[at] - 48
        at += 1
    size = at - begin
    if size == 0 or size > _MOST_DIGITS + 1 or (at < end and data[at] != _DOT) or at + 1 == end:
        return NO_TIME
    if size == _MOST_DIGITS + 1:
        whole //= 100
        return whole if at == end and whole <= _LAST_US and data[begin] > 48 else NO_TIME
    power = 6 if whole < 10**11 else 3 if whole < 10**14 else 0 if whole < 10**17 else -3
    part, digits = 0, 0
    for i in range(at + 1, end):
        if data[i] < 48 or data[i] > 57:
            return NO_TIME
        if digits < power:
            part = part * 10 + data[i] - 48
            digits += 1
    if end - at - 1 > 20:
        return NO_TIME
    us = whole // 1000 if power < 0 else whole * _TENS[power] + part * _TENS[power - digits]
    return us if us <= _LAST_US else NO_TIME


@kernel("void(text, int64[::1], int64[::1], uint64, int64[::1], int32[::1], int32[::1], int32[::1], int32[::1])", _HERE)
def number_values(
    data: Bytes, starts: Longs, ends: Longs, seed: np.uint64, out: Longs, span_start: Ints, span_end: Ints,
    span_count: Ints, slots: Ints,
) -> None:  # fmt: skip
    """Number the strings [start, end); NONE where start is negative."""
    spans = Spans(span_start, span_end, span_count, slots, seed)
    for i in range(len(starts)):
        out[i] = number(data, starts[i], ends[i], spans) if starts[i] >= 0 else NONE


@kernel("void(text, int64[::1], int64[::1], int64[::1])", _HERE)
def read_times(data: Bytes, starts: Longs, ends: Longs, out: Longs) -> None:
    """Microseconds since 1970 of ISO stamps with a zone, and of numbers in any unit; NO_TIME for all else."""
    for i in range(len(starts)):
        start, end = starts[i], ends[i]
        if start < 0 or end <= start:
            out[i] = NO_TIME
        elif end - start >= 20 and data[start + 4] == 45:
            out[i] = iso_us(data, start, end, NANOS)
        else:
            out[i] = _since_1970(data, start, end)
