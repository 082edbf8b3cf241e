"""Where the words of a message are, and what stands where in them: one bit a byte, 64 bytes at once."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from schemas.compiled import helper
from schemas.lanes import ALL, LANES, count, equal, lowest, up_to

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int32]
Words64 = npt.NDArray[np.uint64]

NONE = -1
QUOTE, PERCENT, STAR, COMMA, SLASH, ZERO, NINE = 34, 37, 42, 44, 47, 48, 57
COLON, SEMICOLON, LESS, EQUALS, GREATER, AT, BRACE, BAR = 58, 59, 60, 61, 62, 64, 123, 124
_BLANK, _TAB, _LAST_CONTROL = 32, 9, 31
_ONE, _TOP = np.uint64(1), np.uint64(63)


class Marks(NamedTuple):
    """What the bytes of a message are: byte i is bit i % 64 of number i // 64. `blank`: also all behind the end.
    `sign`: `:`, `@` and `*`. `separator`: `,`, `;` and `|`.
    """

    blank: Words64
    digit: Words64
    equals: Words64
    sign: Words64
    separator: Words64


class Row(NamedTuple):
    """What was counted. `separators`: those with no blank behind them. `odd`: a control byte, not a tab."""

    words: int
    equals: int
    separators: int
    odd: bool


@helper
def mark(data: Bytes, start: int, end: int, marks: Marks) -> Row:
    """Fill in the marks of the message [start, end), and count."""
    words = equals = separators = 0
    odd = False
    before, loose = _ONE, np.uint64(0)  # whether the byte before is a blank, and a separator
    for block in range((end - start) // LANES + 1):
        odd = _mark(data, start + block * LANES, end, block, marks) or odd
        text, separator = ~marks.blank[block], marks.separator[block]
        words += count(text & ((marks.blank[block] << _ONE) | before))
        separators += count(text & ((separator << _ONE) | loose))
        equals += count(marks.equals[block])
        before, loose = marks.blank[block] >> _TOP, separator >> _TOP
    return Row(words, equals, separators, odd)


@helper
def _mark(data: Bytes, at: int, end: int, block: int, marks: Marks) -> bool:
    """Fill in the marks of 64 bytes; whether a control byte is among them."""
    if at + LANES > len(data):
        return _mark_last(data, at, end, block, marks)
    inside = ALL if end - at >= LANES else (_ONE << np.uint64(end - at)) - _ONE
    blank = up_to(data, at, _BLANK)
    marks.blank[block] = blank | ~inside
    marks.digit[block] = up_to(data, at, NINE) & ~up_to(data, at, ZERO - 1) & inside
    marks.equals[block] = equal(data, at, EQUALS) & inside
    marks.sign[block] = (equal(data, at, COLON) | equal(data, at, AT) | equal(data, at, STAR)) & inside
    cuts = equal(data, at, COMMA) | equal(data, at, SEMICOLON) | equal(data, at, BAR)
    marks.separator[block] = cuts & inside
    return bool((up_to(data, at, _LAST_CONTROL) & ~equal(data, at, _TAB) & inside) != 0)


@helper
def _mark_last(data: Bytes, at: int, end: int, block: int, marks: Marks) -> bool:
    """As `_mark`, where fewer than 64 bytes are left in the data."""
    marks.blank[block] = ALL
    marks.digit[block] = marks.equals[block] = marks.sign[block] = marks.separator[block] = 0
    odd = False
    for i in range(end - at):
        byte, bit = data[at + i], _ONE << np.uint64(i)
        if byte > _BLANK:
            marks.blank[block] ^= bit
        odd = odd or (byte <= _LAST_CONTROL and byte != _TAB)
        if ZERO <= byte <= NINE:
            marks.digit[block] |= bit
        elif byte == EQUALS:
            marks.equals[block] |= bit
        elif byte in (COLON, AT, STAR):
            marks.sign[block] |= bit
        elif byte in (COMMA, SEMICOLON, BAR):
            marks.separator[block] |= bit
    return odd


@helper
def next_mark(bits: Words64, at: int, end: int) -> int:
    """The first byte marked at `at` or behind; `end` or more where there is none before `end`."""
    number = at // LANES
    rest = bits[number] >> np.uint64(at % LANES)
    if rest != 0:
        return at + lowest(rest)
    for block in range(number + 1, end // LANES + 1):
        if bits[block] != 0:
            return block * LANES + lowest(bits[block])
    return end


@helper
def next_text(blank: Words64, at: int, end: int) -> int:
    """The first byte at `at` or behind that is no blank; `end` where there is none before `end`."""
    number = at // LANES
    rest = ~blank[number] >> np.uint64(at % LANES)
    if rest != 0:
        return at + lowest(rest)
    for block in range(number + 1, end // LANES + 1):
        if ~blank[block] != 0:
            return block * LANES + lowest(~blank[block])
    return end
