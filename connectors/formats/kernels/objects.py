"""The kernels that `shapes` calls: JSON objects as their shape, keys without values, and where each value stands."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from connectors.formats.kernels.clean import Bytes, is_text, trimmed
from connectors.formats.kernels.spans import NONE, Ints, Spans, number
from schemas.compiled import helper, kernel

_HERE = str(Path(__file__).parent)
DEPTH = 64
"""As jsons.DEPTH."""
Longs = npt.NDArray[np.int64]
Room = npt.NDArray[np.uint8]
_QUOTE, _BACKSLASH, _COLON, _COMMA, _OPEN, _CLOSE, _LIST, _UNLIST = 34, 92, 58, 44, 123, 125, 91, 93
_MINUS, _PLUS, _DOT, _ZERO, _NINE, _U = 45, 43, 46, 48, 57, 117
_STRING, _ARRAY, _NUMBER, _TRUE, _FALSE, _NULL = 115, 97, 105, 116, 102, 110
_VALUES, _AUX, _SHAPES = 0, 1, 2
"""What `used` counts: values noted, bytes unescaped, bytes of shapes."""
_KEY_OR_END, _KEY, _NEXT = 0, 1, 2


@helper
def _skip(data: Bytes, at: int, end: int) -> int:
    """The first byte that is no blank of JSON."""
    while at < end and (data[at] == 32 or data[at] == 10 or data[at] == 13 or data[at] == 9):
        at += 1
    return at


@helper
def _string_end(data: Bytes, at: int, end: int) -> tuple[int, bool]:
    """Where the quote behind the string at `at` is, and whether escapes are in it; NONE for no string."""
    escaped = False
    while at < end:
        byte = data[at]
        if byte == _QUOTE:
            return at, escaped
        if byte < 32:
            return NONE, False
        if byte == _BACKSLASH:
            escaped = True
            at += 1
        at += 1
    return NONE, False


@helper
def _digits(data: Bytes, at: int, end: int) -> int:
    while at < end and _ZERO <= data[at] <= _NINE:
        at += 1
    return at


@helper
def _number_end(data: Bytes, at: int, end: int) -> int:
    """Where the number at `at` ends; NONE for none, and for -0, which Python writes otherwise."""
    whole = at + 1 if data[at] == _MINUS else at
    stop = _digits(data, whole, end)
    if stop == whole or (data[whole] == _ZERO and stop > whole + 1):
        return NONE
    if stop < end and data[stop] == _DOT:
        part = stop + 1
        stop = _digits(data, part, end)
        if stop == part:
            return NONE
    elif whole > at and data[whole] == _ZERO:
        return NONE
    if stop < end and (data[stop] | 32) == 101:
        part = stop + 1
        if part < end and (data[part] == _PLUS or data[part] == _MINUS):
            part += 1
        stop = _digits(data, part, end)
        if stop == part:
            return NONE
    return stop


@helper
def _list_end(data: Bytes, at: int, end: int, depth: int) -> int:
    """Where the list at `at` ends, its insides unread; NONE when it does not, or nests too deep. `depth`: around it."""
    outside = depth
    while at < end:
        byte = data[at]
        if byte == _QUOTE:
            at, _ = _string_end(data, at + 1, end)
            if at == NONE:
                return NONE
        elif byte in (_LIST, _OPEN):
            depth += 1
            if depth > DEPTH:
                return NONE
        elif byte in (_UNLIST, _CLOSE):
            depth -= 1
            if depth == outside:
                return at + 1
        at += 1
    return NONE


@helper
def _word_end(data: Bytes, at: int, end: int) -> tuple[int, int]:
    """Where `true`, `false` or `null` ends, and which it is; NONE for none."""
    if at + 4 <= end and data[at] == 116 and data[at + 1] == 114 and data[at + 2] == 117 and data[at + 3] == 101:
        return at + 4, _TRUE
    if at + 4 <= end and data[at] == 110 and data[at + 1] == 117 and data[at + 2] == 108 and data[at + 3] == 108:
        return at + 4, _NULL
    if at + 5 <= end and data[at] == 102 and data[at + 1] == 97 and data[at + 2] == 108 and data[at + 3] == 115:
        return (at + 5, _FALSE) if data[at + 4] == 101 else (NONE, 0)
    return NONE, 0


@helper
def _hex(data: Bytes, at: int, end: int) -> int:
    """Four hex digits; negative for none."""
    if at + 4 > end:
        return -1
    value = 0
    for i in range(at, at + 4):
        byte = data[i]
        low = byte | 32
        if _ZERO <= byte <= _NINE:
            value = value * 16 + byte - _ZERO
        elif 97 <= low <= 102:
            value = value * 16 + low - 87
        else:
            return -1
    return value


@helper
def _write(code: int, aux: Room, to: int) -> int:
    """Write a character as UTF-8; the position behind it."""
    if code < 0x80:
        aux[to] = code
        return to + 1
    size = 2 if code < 0x800 else 3 if code < 0x10000 else 4
    for i in range(size - 1, 0, -1):
        aux[to + i] = 0x80 | (code & 0x3F)
        code >>= 6
    aux[to] = ((0xF00 >> size) & 0xFF) | code
    return to + size


@helper
def _plain(byte: int) -> int:
    """What a letter behind a backslash stands for; 0 for none."""
    if byte in (_QUOTE, _BACKSLASH, 47):
        return byte
    if byte == 110:
        return 10
    if byte == 116:
        return 9
    if byte == 114:
        return 13
    return 8 if byte == 98 else 12 if byte == 102 else 0


@helper
def _unescape(data: Bytes, at: int, end: int, aux: Room, to: int) -> int:
    """Write the string [at, end) without its escapes; the position behind it, NONE for half characters and NUL."""
    while at < end:
        byte = data[at]
        at += 1
        if byte != _BACKSLASH:
            aux[to] = byte
            to += 1
            continue
        code = _plain(data[at])
        if data[at] == _U:
            code = _hex(data, at + 1, end)
            at += 4
            if 0xD800 <= code < 0xDC00 and at + 2 < end and data[at + 1] == _BACKSLASH and data[at + 2] == _U:
                low = _hex(data, at + 3, end)
                code = 0x10000 + ((code - 0xD800) << 10) + low - 0xDC00 if 0xDC00 <= low < 0xE000 else -1
                at += 6
        at += 1
        if code <= 0 or 0xD800 <= code < 0xE000:
            return NONE
        to = _write(code, aux, to)
    return to


@helper
def _value(
    data: Bytes, at: int, end: int, depth: int, starts: Ints, ends: Ints, aux: Room, used: Longs
) -> tuple[int, int]:
    """Note the value at `at`, which is no object: where it ends, and its kind; NONE for none."""
    first, last, kind = at, NONE, _NUMBER
    if data[at] == _QUOTE:
        last, escaped = _string_end(data, at + 1, end)
        stop, first, kind = last + 1, at + 1, _STRING
        if last != NONE and escaped:
            begin = used[_AUX]
            used[_AUX] = _unescape(data, first, last, aux, begin)
            if used[_AUX] == NONE:
                return NONE, kind
            first, last = len(data) + begin, len(data) + used[_AUX]
    elif data[at] == _LIST:
        last = _list_end(data, at, end, depth)
        stop, kind = last, _ARRAY
    elif data[at] == _MINUS or _ZERO <= data[at] <= _NINE:
        last = _number_end(data, at, end)
        stop = last
    else:
        last, kind = _word_end(data, at, end)
        stop = last
    if last == NONE:
        return NONE, kind
    starts[used[_VALUES]], ends[used[_VALUES]] = first, last
    used[_VALUES] += 1
    return stop, kind


@helper
def _key(data: Bytes, at: int, end: int, shapes: Room, to: int) -> tuple[int, int]:
    """Write the key at `at` and its colon: where the value begins, NONE for no plain key, and the position behind."""
    stop, escaped = _string_end(data, at + 1, end)
    if data[at] != _QUOTE or stop == NONE or escaped:
        return NONE, to
    for i in range(at, stop + 1):
        shapes[to] = data[i]
        to += 1
    at = _skip(data, stop + 1, end)
    if at >= end or data[at] != _COLON:
        return NONE, to
    shapes[to] = _COLON
    at = _skip(data, at + 1, end)
    return at if at < end else NONE, to + 1


@helper
def _object(data: Bytes, at: int, end: int, starts: Ints, ends: Ints, aux: Room, shapes: Room, used: Longs) -> bool:
    """Note the values of the object [at, end) and write its shape, itself JSON, kinds in place of values."""
    to, depth, state = used[_SHAPES], 1, _KEY_OR_END
    shapes[to] = _OPEN
    to, at = to + 1, at + 1
    while depth > 0:
        at = _skip(data, at, end)
        if at >= end or depth > DEPTH:
            return False
        closes = data[at] == _CLOSE and state != _KEY
        if closes or state == _NEXT:
            if not closes and data[at] != _COMMA:
                return False
            shapes[to] = data[at]
            to, at, depth, state = to + 1, at + 1, depth - closes, _NEXT if closes else _KEY
            continue
        at, to = _key(data, at, end, shapes, to)
        if at == NONE:
            return False
        if data[at] == _OPEN:
            shapes[to] = _OPEN
            to, at, depth, state = to + 1, at + 1, depth + 1, _KEY_OR_END
            continue
        at, kind = _value(data, at, end, depth, starts, ends, aux, used)
        if at == NONE:
            return False
        shapes[to], shapes[to + 1], shapes[to + 2] = _QUOTE, kind, _QUOTE
        to, state = to + 3, _NEXT
    used[_SHAPES] = to
    return bool(_skip(data, at, end) == end)


@kernel(
    "void(text, int32[::1], int64[::1], uint64, int64[:,::1], int32[::1], int32[::1], uint8[::1], uint8[::1], "
    "int64[::1], int32[::1], int32[::1], int32[::1], int32[::1])",
    _HERE,
)
def find_objects(
    data: Bytes, offsets: Ints, rows: Longs, seed: np.uint64, out: Longs, starts: Ints, ends: Ints, aux: Room,
    shapes: Room, used: Longs, span_start: Ints, span_end: Ints, span_count: Ints, slots: Ints,
) -> None:  # fmt: skip
    """Find the objects of the records at `rows`.

    Args:
        rows: of those that begin with a brace.
        out: (2, n): the number of each record's shape, NONE for what is no plain object; and its first value.
        starts, ends: where values stand: in `data`, or beyond it in `aux`.
        shapes: shapes, one after another; `span_start`, `span_end` say where in it.
        used: how much is used of values, aux and shapes.
    """
    spans = Spans(span_start, span_end, span_count, slots, seed)
    for i in range(len(rows)):
        start = offsets[rows[i]]
        end = trimmed(data, start, offsets[rows[i] + 1])
        values, unescaped, shape = used[_VALUES], used[_AUX], used[_SHAPES]
        out[0, i], out[1, i] = NONE, values
        known = span_count[0]
        fits = shape + 3 * (end - start) + 8 <= len(shapes)
        if fits and is_text(data, start, end) and _object(data, start, end, starts, ends, aux, shapes, used):
            out[0, i] = number(shapes, shape, used[_SHAPES], spans)
        if out[0, i] == NONE:
            used[_VALUES], used[_AUX] = values, unescaped
        if span_count[0] == known:
            used[_SHAPES] = shape
