"""The kernels that `door` calls: skeleton and params of each message, and the words in given holes."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from clustering.kernels.holes import Lists, find_holes
from clustering.kernels.lists import DATE_TABLE, METHOD_TABLE, SURVIVING_TABLE, TELLING_TABLE, load
from clustering.kernels.scan import BRACE, COLON, NONE, Bytes, Ints, Row, Words, Words64, scan
from clustering.structured import MANY_SEPARATORS
from schemas.compiled import helper, kernel

_HERE = str(Path(__file__).parent)
_BLANK, _HOLE = 32, 1
_CEF = np.uint64(int.from_bytes(b"CEF:", "little"))
_LEEF = np.uint64(int.from_bytes(b"LEEF", "little"))
LONGEST = 65_536
"""Bytes of a message; longer ones are odd, so that the words of any fit the scratch memory."""

TABLES = Lists(SURVIVING_TABLE, METHOD_TABLE, DATE_TABLE, TELLING_TABLE)


@helper
def _read(data: Bytes, start: int, end: int, words: Words) -> Row:
    """Find the words of [start, end): of prose, or of fields without blanks between them (`structured`)."""
    if end - start > LONGEST:
        return Row(0, 0, 0, 0, True)
    row = scan(data, start, end, False, words)
    if row.odd or (row.words > 0 and _is_structured(data, words.start[0], end)):
        return Row(0, 0, 0, 0, True)
    if (row.equals >= 3 and row.words <= 2) or row.separators >= MANY_SEPARATORS:
        return scan(data, start, end, True, words)
    return row


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
def _write_skeleton(data: Bytes, words: Words, count: int, out: Bytes, at: int) -> int:
    """Write the words joined by a blank, each hole as one byte; gives the position behind."""
    for i in range(count):
        if i > 0:
            out[at] = _BLANK
            at += 1
        hole = words.hole[i]
        at = _copy(data, words.start[i], words.end[i] if hole == NONE else hole, out, at)
        if hole != NONE:
            out[at] = _HOLE
            at += 1
    return at


@helper
def _write_params(data: Bytes, words: Words, count: int, out: Bytes, at: int) -> int:
    """Write the words in the holes, joined by a blank; gives the position behind."""
    first = at
    for i in range(count):
        if words.hole[i] == NONE:
            continue
        if at > first:
            out[at] = _BLANK
            at += 1
        at = _copy(data, words.hole[i], words.end[i], out, at)
    return at


@helper
def _copy(data: Bytes, start: int, end: int, out: Bytes, at: int) -> int:
    for i in range(start, end):
        out[at] = data[i]
        at += 1
    return at


@kernel(
    "void(text, int32[::1], uint64[:,::1], uint64[:,::1], uint64[:,::1], uint64[:,::1], int32[:,::1],"
    " uint8[::1], int32[::1], uint8[::1], int32[::1], uint8[::1])",
    _HERE,
)
def cut(
    data: Bytes, offsets: Ints, surviving: Words64, methods: Words64, dates: Words64, telling: Words64, scratch: Ints,
    skeletons: Bytes, skeleton_ends: Ints, params: Bytes, param_ends: Ints, odd: Bytes,
) -> None:  # fmt: skip
    """Write the skeleton and the params of each message; flag those that the byte rules do not cover.

    Args:
        data, offsets: the messages, `offsets` (n + 1,) as in Arrow.
        scratch: (8, LONGEST), the words of one message at a time.
        skeletons, params: room for twice the bytes of all messages each; `..._ends`: (n + 1,) as `offsets`.
        odd: (n,) 1 for JSON, CEF, LEEF, control bytes and messages over LONGEST bytes, whose skeletons are empty.
    """
    words = Words(
        scratch[0], scratch[1], scratch[2], scratch[3], scratch[4], scratch[5], scratch[6], scratch[7]
    )  # fmt: skip
    lists = Lists(surviving, methods, dates, telling)
    skeleton = param = 0
    skeleton_ends[0] = param_ends[0] = 0
    for n in range(len(odd)):
        row = _read(data, offsets[n], offsets[n + 1], words)
        odd[n] = row.odd
        if not row.odd:
            find_holes(data, words, row, lists)
            skeleton = _write_skeleton(data, words, row.words, skeletons, skeleton)
            param = _write_params(data, words, row.words, params, param)
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
