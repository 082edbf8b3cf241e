"""One walk over a message's bytes: where its words are, and what stands where in each."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from schemas.compiled import helper

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int32]
Words64 = npt.NDArray[np.uint64]

NONE = -1
QUOTE, PERCENT, STAR, COMMA, SLASH, ZERO, NINE = 34, 37, 42, 44, 47, 48, 57
COLON, LESS, EQUALS, GREATER, AT, BRACE = 58, 60, 61, 62, 64, 123


class Words(NamedTuple):
    """The words of one message, positions all; NONE where there is nothing. `digit`: the first digit. `equals`: the
    first `=`. `value`: behind the last `=` before the first digit, else where the word starts. `address`: a `://` or
    an `@` inside. `masked`: the word holds a literal `<*>`. `hole`: where its hole begins, for `holes` to fill in.
    """

    start: Ints
    end: Ints
    digit: Ints
    equals: Ints
    value: Ints
    address: Ints
    masked: Ints
    hole: Ints


class Row(NamedTuple):
    """What a walk counted. `fields`: words with a `=` behind their first byte. `odd`: a control byte, not a tab."""

    words: int
    equals: int
    fields: int
    separators: int
    odd: bool


@helper
def scan(data: Bytes, start: int, end: int, pieces: bool, words: Words) -> Row:
    """Find the words in [start, end): blank-separated; as `pieces` also cut behind `,`, `;` and `|`."""
    count = equals = fields = separators = 0
    odd = False
    i = start
    while i < end:
        if data[i] <= 32:
            odd = odd or (data[i] < 32 and data[i] != 9)
            i += 1
            continue
        _open(words, count, i)
        while i < end and data[i] > 32:
            byte = data[i]
            i += 1
            if byte >= 65 and byte != 124:
                continue
            if byte == EQUALS:
                equals += 1
            _note(data, i - 1, end, byte, words, count)
            if (byte == COMMA or byte == 59 or byte == 124) and i < end and data[i] > 32:
                separators += 1
                if pieces:
                    break
        words.end[count] = i
        fields += words.equals[count] > words.start[count]
        count += 1
    return Row(count, equals, fields, separators, odd)


@helper
def _open(words: Words, number: int, at: int) -> None:
    words.start[number] = words.value[number] = at
    words.digit[number] = words.equals[number] = words.address[number] = words.hole[number] = NONE
    words.masked[number] = 0


@helper
def _note(data: Bytes, at: int, end: int, byte: int, words: Words, number: int) -> None:
    """Note what this byte of a word is: the first digit, a `=`, the middle of an address, a literal `<*>`."""
    if ZERO <= byte <= NINE:
        if words.digit[number] == NONE:
            words.digit[number] = at
    elif byte == EQUALS:
        if words.equals[number] == NONE:
            words.equals[number] = at
        if words.digit[number] == NONE:
            words.value[number] = at + 1
    elif byte in (AT, COLON):
        if words.address[number] == NONE and _is_address(data, at, end, words.start[number]):
            words.address[number] = at
    elif byte == STAR and _is_mask(data, at, end, words.start[number]):
        words.masked[number] = 1


@helper
def _is_mask(data: Bytes, at: int, end: int, start: int) -> bool:
    """Whether a `*` is that of a `<*>` inside its word."""
    return at > start and at + 1 < end and data[at - 1] == LESS and data[at + 1] == GREATER


@helper
def _is_address(data: Bytes, at: int, end: int, start: int) -> bool:
    """Whether a `:` begins `://`, or an `@` has a neighbour in its word on both sides."""
    if data[at] == COLON:
        return at + 2 < end and data[at + 1] == SLASH and data[at + 2] == SLASH
    return at > start and at + 1 < end and data[at + 1] > 32
