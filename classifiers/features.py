"""Hashed n-grams of many kinds at once: words, pairs of words and pieces of words, as arrays and without a loop.

Everything is integer arithmetic modulo 2^64 over the bytes of `input_text`, so the same kind has the same features
in every process and on every platform.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from classifiers.text import HOLE, SECTION

GROUPS = ("app", "app_char", "word", "pair", "skip", "char")
"""Groups of features: the program's words and pieces; the template's words, pairs of neighbours, pairs with a word
between, and pieces. Each group has its own hash and its own weight, and is scaled by its own size."""

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
_BASE = np.uint64(0x9E3779B97F4A7C15)  # odd, so that it has an inverse modulo 2^64
_UNDO = np.uint64(pow(int(_BASE), -1, 1 << 64))
_BLANK, _HOLE, _SECTION = 32, HOLE[0], SECTION[0]
_powers: dict[int, U64] = {}


@dataclass(frozen=True)
class Recipe:
    """What is counted, and how heavily.

    `buckets` features are told apart, at most 2^24; `char` gives the least and the greatest length of a word's
    pieces in bytes (its borders count, 8 at most); `weights` has one factor a group, 0 leaves the group out.
    """

    buckets: int
    char: tuple[int, int]
    weights: dict[str, float]

    @staticmethod
    def of(fields: dict[str, Any]) -> "Recipe":
        """Read a recipe from a model card."""
        low, high = fields["char"]
        return Recipe(int(fields["buckets"]), (int(low), int(high)), {g: float(fields["weights"][g]) for g in GROUPS})


@dataclass(frozen=True)
class Features:
    """The features of n kinds, sorted by kind and bucket within a group, each once.

    `row` (int64) is the kind, `bucket` (int64) in [0, recipe.buckets), `value` (float32) = the group's weight
    divided by the square root of the number of the kind's features in that group.
    """

    n: int
    row: I64
    bucket: I64
    value: npt.NDArray[np.float32]


def features(texts: Sequence[bytes], recipe: Recipe) -> Features:
    """Count the features of kinds, each given as `input_text`."""
    words = _Words(texts)
    parts = [(g, *words.group(g, recipe.char)) for g in GROUPS if recipe.weights[g]]
    codes = [_codes(GROUPS.index(g), rows, hashes, recipe.buckets) for g, rows, hashes in parts]
    code = _distinct(np.concatenate([np.zeros(0, np.uint64), *codes]))
    slot = (code >> np.uint64(24)).astype(np.int64)  # row * 8 + group
    count = np.bincount(slot, minlength=1)
    weight = np.array([recipe.weights[g] for g in GROUPS] + [0.0] * (8 - len(GROUPS)))
    value = weight[slot & 7] / np.sqrt(count[slot])
    return Features(len(texts), slot >> 3, (code & np.uint64(0xFFFFFF)).astype(np.int64), value.astype(np.float32))


def _codes(group: int, rows: I64, hashes: U64, buckets: int) -> U64:
    """Row, group and bucket of each feature in one number, so that one sort finds the repeats."""
    bucket = (_mixed(hashes, group) >> np.uint64(40)) * np.uint64(buckets) >> np.uint64(24)
    return (rows.astype(np.uint64) << np.uint64(27)) | np.uint64(group << 24) | bucket


def _distinct(code: U64) -> U64:
    """Sorted and each once; a plain sort is ten times as fast here as np.unique, which hashes."""
    code = np.sort(code)
    first: npt.NDArray[np.bool_] = np.concatenate([[True], code[1:] != code[:-1]])[: len(code)]
    return code[first]


def _mixed(h: U64, salt: int) -> U64:
    """Spread every bit over the whole word (the finaliser of SplitMix64, Steele & others 2014)."""
    h = h + np.uint64((salt + 1) * 0xD1B54A32D192ED03 & (1 << 64) - 1)
    h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return h ^ (h >> np.uint64(31))


class _Words:
    """The words of a batch: where each begins and ends in the joined bytes, whose it is, on which side of SECTION."""

    def __init__(self, texts: Sequence[bytes]) -> None:
        self.data = np.frombuffer(b"".join(texts) + b" ", np.uint8)
        ends = np.cumsum([len(t) for t in texts], dtype=np.int64)
        self.blank = self.data == _BLANK
        edges = np.flatnonzero(self.blank[1:] != self.blank[:-1]) + 1
        self.start, self.end = edges[::2], edges[1::2]
        self.row_at = np.searchsorted(ends, np.arange(len(self.data)), side="right")
        first = self.data[self.start]
        self.row = self.row_at[self.start]
        self.side = np.cumsum(first == _SECTION) - self.row  # 0: the program's words, 1: SECTION and the message's
        self.plain = (first != _SECTION) & (first != _HOLE)
        self.section = first == _SECTION
        self.hash = self._word_hashes()

    def _word_hashes(self) -> U64:
        """Polynomial hash of each word: a difference of running sums, shifted back to the word's own origin."""
        up, down = _power_table(len(self.data))
        total = np.zeros(len(self.data) + 1, np.uint64)
        np.cumsum((self.data.astype(np.uint64) + np.uint64(1)) * up, out=total[1:])
        spans: U64 = (total[self.end] - total[self.start]) * down[self.start]
        return spans

    def group(self, name: str, char: tuple[int, int]) -> tuple[I64, U64]:
        """Rows and hashes of all features of one group, repeats included."""
        if name in ("app", "word"):
            at = np.flatnonzero(self.plain & (self.side == (name == "word")))
            return self.row[at], self.hash[at]
        if name in ("pair", "skip"):
            return self._pairs(1 if name == "pair" else 2)
        return self._chars(self.side_bytes() == (name == "char"), char)

    def _pairs(self, gap: int) -> tuple[I64, U64]:
        """Two words of one message, `gap` apart; a hole counts as a word, but two holes tell nothing."""
        a, b = slice(None, -gap), slice(gap, None)
        told = (self.plain[a] | self.plain[b]) & (self.side[a] == 1) & ~self.section[a]
        at = np.flatnonzero(told & (self.row[a] == self.row[b]))
        return self.row[at], _mixed(self.hash[at], 64 + gap) + self.hash[at + gap]

    def side_bytes(self) -> npt.NDArray[np.int64]:
        """On which side of SECTION each byte stands."""
        return np.cumsum(self.data == _SECTION) - self.row_at

    def _chars(self, wanted: npt.NDArray[np.bool_], char: tuple[int, int]) -> tuple[I64, U64]:
        """All pieces of the wanted words, the blanks beside a word being its borders."""
        breaks = np.concatenate([[0], np.cumsum(self.blank)])
        odd = np.concatenate([[0], np.cumsum((self.data < _BLANK) | ~wanted)])
        gram = self.data.astype(np.uint64)
        rows, hashes = [np.zeros(0, np.int64)], [np.zeros(0, np.uint64)]
        for n in range(2, char[1] + 1):
            gram = (gram[:-1] << np.uint64(8)) | self.data[n - 1 :]
            if n >= char[0]:
                last = len(self.data) - n
                inside = breaks[n - 1 : n + last] == breaks[1 : last + 2]
                at = np.flatnonzero(inside & (odd[n : n + last + 1] == odd[: last + 1]))
                rows.append(self.row_at[at])
                hashes.append(gram[at] + np.uint64(n << 56))
        return np.concatenate(rows), np.concatenate(hashes)


def _power_table(size: int) -> tuple[U64, U64]:
    """Powers of the base and of its inverse, at least `size` of each; grown by doubling and kept."""
    if len(_powers.get(0, ())) < size:
        room = 1 << max(16, (size - 1).bit_length())
        for which, base in enumerate((_BASE, _UNDO)):
            factors = np.full(room, base, np.uint64)
            factors[0] = 1
            _powers[which] = np.cumprod(factors, dtype=np.uint64)
    return _powers[0][:size], _powers[1][:size]
