"""Where in each word its hole begins: the rules of `key.skeleton_of`, one function a rule."""

from typing import NamedTuple

import numpy as np

from clustering.kernels.lists import MOST, has, load_folded
from clustering.kernels.scan import (
    COLON,
    COMMA,
    EQUALS,
    GREATER,
    LESS,
    NONE,
    PERCENT,
    QUOTE,
    SLASH,
    STAR,
    Bytes,
    Ints,
    Marks,
    Row,
    Words64,
    next_mark,
    next_text,
)
from clustering.words import NAME_TAIL
from schemas.compiled import helper
from schemas.lanes import load

_SQLSTATE = np.uint64(int.from_bytes(b"SQLSTATE", "little"))
_ZERO64 = np.uint64(0)
_FIELDS_MANY = 3
"""`key.FIELDS_MANY`, which this package cannot import; a test holds the two together."""


class Lists(NamedTuple):
    """The tables of `lists`."""

    surviving: Words64
    methods: Words64
    dates: Words64
    telling: Words64


class Words(NamedTuple):
    """The words of one message, as positions in the data. `hole`: where a word's hole begins; NONE: it has none."""

    start: Ints
    end: Ints
    hole: Ints


class Text(NamedTuple):
    """One message: its bytes [start, start + size) of `data`, its marks, and whether its words are pieces of fields."""

    data: Bytes
    start: int
    size: int
    marks: Marks
    pieces: bool


@helper
def find_holes(text: Text, row: Row, words: Words, lists: Lists) -> int:
    """Fill in the words of one message; gives their number."""
    fields = row.equals >= _FIELDS_MANY and _fields(text) >= _FIELDS_MANY
    request = after_method = dated = False
    count, digit, sign = 0, -1, -1
    start = next_text(text.marks.blank, 0, text.size)
    while start < text.size:
        end = _word_end(text, start)
        digit = digit if digit >= start else next_mark(text.marks.digit, start, text.size)
        sign = sign if sign >= start else next_mark(text.marks.sign, start, text.size)
        at, stop = text.start + start, text.start + end
        words.start[count], words.end[count] = at, stop
        if request or (after_method and text.data[at] == SLASH):
            words.hole[count] = at
        elif digit >= end and sign >= end and not fields:
            words.hole[count] = NONE
        else:
            hole = _hole(text, start, end, digit, sign, fields, lists)
            words.hole[count] = NONE if hole == NONE else text.start + hole
        after_method = _is_method(text.data, at, stop, lists)
        request = request or (after_method and text.data[at] == QUOTE)
        dated = dated or _is_date(text.data, at, stop, lists)
        count += 1
        start = next_text(text.marks.blank, end, text.size)
    if dated:
        _dates(text.data, words, count, lists)
    return count


@helper
def _word_end(text: Text, start: int) -> int:
    """Where the word that starts here ends: at a blank; a piece also behind a separator."""
    end = next_mark(text.marks.blank, start, text.size)
    if text.pieces:
        end = min(end, next_mark(text.marks.separator, start, text.size) + 1)
    return end


@helper
def _fields(text: Text) -> int:
    """How many words have a `=` behind their first byte."""
    fields = 0
    start = next_text(text.marks.blank, 0, text.size)
    while start < text.size:
        end = _word_end(text, start)
        equals = next_mark(text.marks.equals, start, text.size)
        fields += start < equals < end
        start = next_text(text.marks.blank, end, text.size)
    return fields


@helper
def _hole(text: Text, start: int, end: int, digit: int, sign: int, fields: bool, lists: Lists) -> int:
    """Where the hole of the word [start, end) begins; NONE where it has none. All positions are the message's own."""
    data, at = text.data, text.start
    equals = next_mark(text.marks.equals, start, text.size)
    if sign < end:
        address = _address(text, start, end, sign)
        if address == start - 1:
            return start
        if address < end:
            return equals + 1 if equals < address else start
    if digit < end:
        return NONE if _stays(data, at + start, at + end, lists) else _value(text, start, digit, equals)
    if fields and start < equals < end and _is_variable(data, at + start, at + end, at + equals, lists):
        return equals + 1
    return NONE


@helper
def _value(text: Text, start: int, digit: int, equals: int) -> int:
    """Behind the last `=` before the first digit of a word; where there is none, its start."""
    value = start
    while equals < digit:
        value = equals + 1
        equals = next_mark(text.marks.equals, value, text.size)
    return value


@helper
def _address(text: Text, start: int, end: int, sign: int) -> int:
    """Where in the word [start, end) a `://` or an `@` inside is; `end` if nowhere; start - 1: it holds a `<*>`."""
    data, first, last = text.data, text.start + start, text.start + text.size
    address = end
    while sign < end:
        at = text.start + sign
        if data[at] == STAR:
            if at > first and at + 1 < last and data[at - 1] == LESS and data[at + 1] == GREATER:
                return start - 1
        elif address == end and _is_address(data, at, last, first):
            address = sign
        sign = next_mark(text.marks.sign, sign + 1, text.size)
    return address


@helper
def _is_address(data: Bytes, at: int, end: int, start: int) -> bool:
    """Whether a `:` begins `://`, or an `@` has a neighbour in its word on both sides."""
    if data[at] == COLON:
        return at + 2 < end and data[at + 1] == SLASH and data[at + 2] == SLASH
    return at > start and at + 1 < end and data[at + 1] > 32


@helper
def _is_method(data: Bytes, start: int, end: int, lists: Lists) -> bool:
    """Whether a word is an HTTP method, perhaps behind a quote; all are capitals, and few words end in one."""
    if data[end - 1] < 65 or data[end - 1] > 90 or end - start < 3 or end - start > 8:
        return False
    return has(lists.methods, load(data, start, end), _ZERO64)


@helper
def _is_date(data: Bytes, start: int, end: int, lists: Lists) -> bool:
    """Whether a word is the name of a month or a day, perhaps before a comma; all begin with a capital."""
    size = end - start
    if size < 3 or size > 4 or data[start] > 90 or data[start] < 65 or (size == 4 and data[end - 1] != COMMA):
        return False
    return has(lists.dates, load(data, start, start + 3), _ZERO64)


@helper
def _stays(data: Bytes, start: int, end: int, lists: Lists) -> bool:
    """Whether a word with a digit is a name all the same: %ASA-6-302013, SQLSTATE[42P01], ext4."""
    if data[start] == PERCENT and end - start > 1 and _is_letter(data[start + 1]):
        return True
    if end - start > 8 and data[start] == 83 and load(data, start, end) == _SQLSTATE:
        mark = data[start + 8]
        if mark in (91, EQUALS, 40, COLON):
            return True
    if end - start > MOST:
        return False
    return has(lists.surviving, load_folded(data, start, end), load_folded(data, start + 8, end))


@helper
def _is_letter(byte: int) -> bool:
    return 97 <= (byte | 32) <= 122


@helper
def _is_variable(data: Bytes, start: int, end: int, equals: int, lists: Lists) -> bool:
    """`key._variable_field`: whether `name=value` without a digit holds a value that tells nothing."""
    name = start + _is_opener(data[start])
    if name >= equals or equals + 1 >= end:
        return False
    if has(lists.telling, load_folded(data, max(name, equals - NAME_TAIL), equals), _ZERO64):
        return False
    return data[equals + 1] != QUOTE or data[end - 1] == QUOTE or data[end - 2] == QUOTE


@helper
def _is_opener(byte: int) -> bool:
    """One of `words.OPENERS`."""
    return byte == 40 or byte == 91 or byte == 123 or byte == 34 or byte == 39 or byte == 60 or byte == 44 or byte == 59


@helper
def _dates(data: Bytes, words: Words, count: int, lists: Lists) -> None:
    """Names of months and days before a hole, and before such a name."""
    for i in range(count - 2, -1, -1):
        if words.hole[i] != NONE or words.hole[i + 1] == NONE:
            continue
        if _is_date(data, words.start[i], words.end[i], lists):
            words.hole[i] = words.start[i]
