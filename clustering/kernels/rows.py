"""The kernels that `door` calls: skeleton and params of each message, and the words in given holes."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from clustering.kernels.holes import Lists, Text, Words, find_holes
from clustering.kernels.lists import DATE_TABLE, METHOD_TABLE, SURVIVING_TABLE, TELLING_TABLE
from clustering.kernels.scan import BRACE, COLON, NONE, Bytes, Ints, Marks, Words64, mark, next_text
from clustering.structured import MANY_SEPARATORS
from schemas.compiled import helper, kernel
from schemas.lanes import COPIED, LANES, copy, load

_HERE = str(Path(__file__).parent)
_BLANK, _HOLE = 32, 1
_CEF = np.uint64(int.from_bytes(b"CEF:", "little"))
_LEEF = np.uint64(int.from_bytes(b"LEEF", "little"))
LONGEST = 65_536
"""Bytes of a message; longer ones are odd, so that the words of any fit the scratch memory."""

MARKS = LONGEST // LANES + 1
"""Numbers that hold the marks of a message."""

TABLES = Lists(SURVIVING_TABLE, METHOD_TABLE, DATE_TABLE, TELLING_TABLE)


@helper
def _read(data: Bytes, start: int, end: int, marks: Marks, words: Words, lists: Lists) -> int:
    """Find words and holes of [start, end), prose or fields without blanks between them (`structured`); NONE: odd."""
    if end - start > LONGEST:
        return NONE
    row = mark(data, start, end, marks)
    if row.odd or (row.words > 0 and _is_structured(data, start + next_text(marks.blank, 0, end - start), end)):
        return NONE
    pieces = (row.equals >= 3 and row.words <= 2) or row.separators >= MANY_SEPARATORS
    return find_holes(Text(data, start, end - start, marks, pieces), row, words, lists)


@helper
def _is_structured(data: Bytes, head: int, end: int) -> bool:
    """JSON, CEF or LEEF."""
    if data[head] == BRACE:
        return True
    if data[head] != 67 and data[head] != 76:
        return False
    four = load(data, head, min(head + 4, end))
    return four == _CEF or (four == _LEEF and head + 4 < end and data[head + 4] == COLON)


@helper
def _write(data: Bytes, words: Words, count: int, out: Bytes, at: int, params: Bytes, param: int) -> tuple[int, int]:
    """Write the words joined by a blank, each hole as one byte, and what stood in the holes; the positions behind."""
    first, run = param, words.start[0]
    for i in range(count):
        hole, end = words.hole[i], words.end[i]
        if hole != NONE:
            at = _copy(data, run, hole, out, at)
            out[at] = _HOLE
            at, run = at + 1, end
            if param > first:
                params[param] = _BLANK
                param += 1
            param = _copy(data, hole, end, params, param)
        if i + 1 < count and (words.start[i + 1] != end + 1 or data[end] != _BLANK):
            at = _copy(data, run, end, out, at)
            out[at] = _BLANK
            at, run = at + 1, words.start[i + 1]
    return _copy(data, run, words.end[count - 1], out, at), param


@helper
def _copy(data: Bytes, start: int, end: int, out: Bytes, at: int) -> int:
    """Copy [start, end), and perhaps more behind it, where `out` has room; the position behind."""
    if end + COPIED <= len(data):
        for i in range(start, end, COPIED):
            copy(data, i, out, at + i - start)
    else:
        for i in range(start, end):
            out[at + i - start] = data[i]
    return at + end - start


@kernel(
    "void(text, int32[::1], uint64[:,::1], uint64[:,::1], uint64[:,::1], uint64[:,::1], uint64[:,::1], int32[:,::1],"
    " uint8[::1], int32[::1], uint8[::1], int32[::1], uint8[::1])",
    _HERE,
)
def cut(
    data: Bytes, offsets: Ints, surviving: Words64, methods: Words64, dates: Words64, telling: Words64,
    bits: Words64, scratch: Ints, skeletons: Bytes, skeleton_ends: Ints, params: Bytes, param_ends: Ints, odd: Bytes,
) -> None:  # fmt: skip
    """Write the skeleton and the params of each message; flag those that the byte rules do not cover.

    Args:
        data, offsets: the messages, `offsets` (n + 1,) as in Arrow.
        bits, scratch: (5, MARKS) and (3, LONGEST), the marks and the words of one message at a time.
        skeletons, params: room for twice the bytes of all messages and COPIED each; `..._ends`: (n + 1,) as `offsets`.
        odd: (n,) 1 for JSON, CEF, LEEF, control bytes and messages over LONGEST bytes, whose skeletons are empty.
    """
    marks = Marks(bits[0], bits[1], bits[2], bits[3], bits[4])
    words = Words(scratch[0], scratch[1], scratch[2])
    lists = Lists(surviving, methods, dates, telling)
    skeleton = param = 0
    skeleton_ends[0] = param_ends[0] = 0
    for n in range(len(odd)):
        count = _read(data, offsets[n], offsets[n + 1], marks, words, lists)
        odd[n] = count == NONE
        if count > 0:
            skeleton, param = _write(data, words, count, skeletons, skeleton, params, param)
        skeleton_ends[n + 1], param_ends[n + 1] = skeleton, param


@kernel("void(text, int32[::1], int64[::1], int64[::1], int32[::1], int32[::1])", _HERE)
def find_params(
    params: Bytes, offsets: Ints, rows: npt.NDArray[np.int64], holes: npt.NDArray[np.int64], starts: Ints, ends: Ints
) -> None:
    """Find the `holes[i]`-th word among the params of `rows[i]`; empty where there are fewer."""
    for i in range(len(rows)):
        at, end = offsets[rows[i]], offsets[rows[i] + 1]
        for _ in range(holes[i]):
            while at < end and params[at] != _BLANK:
                at += 1
            at = min(at + 1, end)
        starts[i] = at
        while at < end and params[at] != _BLANK:
            at += 1
        ends[i] = at
