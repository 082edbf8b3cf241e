"""A block of messages as bytes side by side, and the positions of its words: the ground `holes` and `keys` work on."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from clustering import bits
from clustering.bits import Bools, Bytes, Ints
from clustering.structured import MANY_SEPARATORS

Words64 = npt.NDArray[np.uint64]

PAD = 16
"""Blanks before and after the block, so that a look at a neighbour needs no check."""


@dataclass(frozen=True)
class Text:
    """`data`: the bytes, PAD blanks around them. `rows`: (n + 1,) where each message begins. `starts`, `ends`: (w,)
    words in order. `first`: (n + 1,) number of each row's first word. `row_of`: (w,) the row of each word. `digits`:
    (w,) words that hold one.
    `equals`: positions of `=`. `odd`: (n,) rows that the byte rules do not cover.
    """

    data: Bytes
    rows: Ints
    starts: Ints
    ends: Ints
    first: Ints
    row_of: Ints
    digits: Bools
    behind_digit: Bools
    words: int
    equals: Ints
    odd: Bools

    @staticmethod
    def of(message: pa.StringArray) -> "Text":
        """Lay a column without nulls out and find its words."""
        data, rows = _lay_out(message)
        size = len(data)
        words, digits = bits.pack(data > 32), bits.pack((data - np.uint8(48)) < 10)
        breaks = bits.at(rows, size)
        starts = np.flatnonzero(bits.unpack(words & (~(words << 1) | breaks), size))
        ends = np.flatnonzero(bits.unpack(words & (~(words >> 1) | breaks >> 1), size)) + 1
        behind_digit = bits.unpack(bits.flood_rows(digits, words, breaks), size)
        first = np.searchsorted(starts, rows)
        equals = np.flatnonzero(data == 61)
        odd = _odd_rows(data, rows, starts, first, equals)
        row_of = np.repeat(np.arange(len(odd)), np.diff(first))
        return Text(data, rows, starts, ends, first, row_of, behind_digit[ends - 1], behind_digit, words, equals, odd)

    def window(self, positions: Ints) -> Words64:
        """The eight bytes from each position on, as one little-endian number."""
        return np.ndarray(len(self.data) - 7, "<u8", self.data, strides=(1,))[positions]

    def word_of(self, positions: Ints) -> Ints:
        """The word that holds each position, or the one before it."""
        return np.searchsorted(self.starts, positions, "right") - 1


def _lay_out(message: pa.StringArray) -> tuple[Bytes, Ints]:
    offsets = np.frombuffer(message.buffers()[1], np.int32, len(message) + 1, message.offset * 4).astype(np.int64)
    data = np.full(offsets[-1] - offsets[0] + 2 * PAD, 32, np.uint8)
    if offsets[-1] > offsets[0]:
        data[PAD:-PAD] = np.frombuffer(message.buffers()[2], np.uint8)[offsets[0] : offsets[-1]]
    return data, offsets - offsets[0] + PAD


def _odd_rows(data: Bytes, rows: Ints, starts: Ints, first: Ints, equals: Ints) -> Bools:
    """Rows for the per-line path: JSON, CEF, LEEF, fields without blanks, control bytes, a literal `<*>`."""
    odd = np.zeros(len(rows) - 1, np.bool_)
    full = np.flatnonzero(first[1:] > first[:-1])
    head = starts[first[full]]
    odd[full] = (data[head] == 123) | _starts_with(data, head, b"CEF:") | _starts_with(data, head, b"LEEF:")
    if data.min() < 32:
        control = np.flatnonzero((data < 32) & (data != 9))
        odd[np.searchsorted(rows, control, "right") - 1] = True
    if data.tobytes().find(b"<*>") >= 0:
        stars = np.flatnonzero(data == 42)
        literal = stars[(data[stars - 1] == 60) & (data[stars + 1] == 62)]
        odd[np.searchsorted(rows, literal, "right") - 1] = True
    few = np.diff(first) <= 2
    if few.any() and len(equals) >= 3:
        odd |= few & (np.diff(np.searchsorted(equals, rows)) >= 3)
    separators = np.flatnonzero((data == 44) | (data == 59) | (data == 124))
    separators = separators[data[separators + 1] > 32]
    if len(separators) >= MANY_SEPARATORS:
        row = np.searchsorted(rows, separators, "right") - 1
        odd |= np.bincount(row[separators + 1 < rows[row + 1]], minlength=len(odd)) >= MANY_SEPARATORS
    return odd


def _starts_with(data: Bytes, positions: Ints, word: bytes) -> Bools:
    same: Bools = data[positions] == word[0]
    for i, byte in enumerate(word[1:], 1):
        same &= data[positions + i] == byte
    return same
