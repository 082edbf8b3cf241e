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
    words in order. `first`: (n + 1,) number of each row's first word. `digits`: (w,) words that hold one.
    `equals`: positions of `=`. `odd`: (n,) rows that the byte rules do not cover.
    """

    data: Bytes
    rows: Ints
    starts: Ints
    ends: Ints
    first: Ints
    digits: Bools
    behind_digit: Bools
    words: int
    equals: Ints
    odd: Bools

    @staticmethod
    def of(message: pa.StringArray) -> "Text":
        """Lay a column without nulls out and find its words."""
        data, rows = _lay_out(message)
        word = data > 32
        begins, stops = word.copy(), word.copy()
        begins[1:] &= ~word[:-1]
        stops[:-1] &= ~word[1:]
        full = rows[:-1] < rows[1:]
        begins[rows[:-1][full & word[rows[:-1]]]] = True
        touching = rows[1:][full & word[rows[1:] - 1]] - 1
        stops[touching] = True
        starts, ends = np.flatnonzero(begins), np.flatnonzero(stops) + 1
        words, digits = bits.pack(word), bits.pack((data - np.uint8(48)) < 10)
        behind_digit = bits.unpack(bits.flood_rows(digits, words, bits.at(rows[1:], len(data))), len(data))
        first = np.searchsorted(starts, rows)
        equals = np.flatnonzero(data == 61)
        odd = _odd_rows(data, rows, starts, first, equals)
        return Text(data, rows, starts, ends, first, behind_digit[ends - 1], behind_digit, words, equals, odd)

    def window(self, positions: Ints) -> Words64:
        """The eight bytes from each position on, as one little-endian number."""
        return np.ndarray(len(self.data) - 7, "<u8", self.data, strides=(1,))[positions]

    def row_of(self, words: Ints) -> Ints:
        """The row of each word."""
        return np.searchsorted(self.first, words, "right") - 1

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
    control = np.flatnonzero((data < 32) & (data != 9))
    stars = np.flatnonzero(data == 42)
    literal = stars[(data[stars - 1] == 60) & (data[stars + 1] == 62)]
    for positions in (control, literal):
        odd[np.searchsorted(rows, positions, "right") - 1] = True
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
