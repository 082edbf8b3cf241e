"""Where in each word its hole begins: the rules of `key.skeleton_of`, one function a rule."""

from typing import NamedTuple

import numpy as np

from clustering.kernels.lists import MOST, has, load, load_folded
from clustering.kernels.scan import (
    COLON,
    COMMA,
    EQUALS,
    NONE,
    PERCENT,
    QUOTE,
    SLASH,
    Bytes,
    Row,
    Words,
    Words64,
)
from clustering.words import NAME_TAIL
from schemas.compiled import helper

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


@helper
def find_holes(data: Bytes, words: Words, row: Row, lists: Lists) -> None:
    """Fill in `words.hole` for the words of one message."""
    request = after_method = False
    for i in range(row.words):
        start, end = words.start[i], words.end[i]
        if request or words.masked[i] or (after_method and data[start] == SLASH):
            words.hole[i] = start
        else:
            words.hole[i] = _hole(data, words, i, row.fields >= _FIELDS_MANY, lists)
        after_method = 3 <= end - start <= 8 and has(lists.methods, load(data, start, end), _ZERO64)
        request = request or (after_method and data[start] == QUOTE)
    _dates(data, words, row.words, lists)


@helper
def _hole(data: Bytes, words: Words, i: int, fields: bool, lists: Lists) -> int:
    start, equals, address = words.start[i], words.equals[i], words.address[i]
    if address != NONE:
        return equals + 1 if NONE < equals < address else start
    if words.digit[i] != NONE:
        return NONE if _stays(data, start, words.end[i], lists) else words.value[i]
    if fields and equals > start and _is_variable(data, start, words.end[i], equals, lists):
        return equals + 1
    return NONE


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
        start, end = words.start[i], words.end[i]
        size = end - start
        short = size == 3 or (size == 4 and data[end - 1] == COMMA)
        if short and has(lists.dates, load(data, start, start + 3), _ZERO64):
            words.hole[i] = start
