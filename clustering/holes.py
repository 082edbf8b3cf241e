"""Where the holes of a block are: the rules of `key`, on byte positions, many lines at once."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from clustering import bits
from clustering.bits import Bools, Bytes, Ints
from clustering.key import FIELDS_MANY
from clustering.text import Text, Words64
from clustering.words import DATES, FOLD, METHODS, NAME_TAIL, OPENERS, SURVIVING, TELLING_TAILS

_OPENER = np.zeros(256, np.bool_)
_OPENER[list(OPENERS)] = True
_MIX = 0x9E3779B97F4A7C15
_STATE_MARKS = np.frombuffer(b"[=(:", np.uint8)
_FOLDS = np.uint64(FOLD * 0x0101010101010101)


def _u64(word: bytes) -> int:
    return int.from_bytes(word[:8].ljust(8, b"\0"), "little")


class _Set:
    """A set of numbers that tells the members of a column: a bit table turns nearly all others away at once."""

    def __init__(self, values: set[int]) -> None:
        self._values = np.array(sorted(values), np.uint64)
        self._maybe = np.zeros(1 << 16, np.bool_)
        self._maybe[self._slot(self._values)] = True

    @staticmethod
    def _slot(values: Words64) -> Words64:
        return (values * np.uint64(_MIX)) >> np.uint64(48)

    def has(self, values: Words64) -> Bools:
        found = self._maybe[self._slot(values)]
        some = np.flatnonzero(found)
        found[some] = (
            self._values[np.searchsorted(self._values, values[some]).clip(max=len(self._values) - 1)] == values[some]
        )
        return found


_SURVIVING = _Set({(_u64(w) ^ (_u64(w[8:]) * _MIX)) & 0xFFFFFFFFFFFFFFFF for w in SURVIVING})
_REQUEST = _Set({_u64(b'"' + m) for m in METHODS})
_METHOD = _Set({_u64(m) for m in METHODS} | {_u64(b'"' + m) for m in METHODS})
_DATE = _Set({_u64(d) for d in DATES})
_TELLING = _Set({_u64(n) for n in TELLING_TAILS})


def _low_bytes(values: Words64, count: Ints) -> Words64:
    """Keep the first `count` bytes (0 to 8) of each little-endian number."""
    shift = np.minimum(8 * (8 - count.clip(0, 8)), 63).astype(np.uint64)
    return np.where(count <= 0, np.uint64(0), (values << shift) >> shift)


def _letters(data: Bytes) -> Bools:
    low = data | np.uint8(FOLD)
    return (low >= 97) & (low <= 122)


@dataclass(frozen=True)
class Holes:
    """The holes of a block: (p,) words that hold one, where each begins and ends, and `first`: (n + 1,) by row.
    `lengths`: (w,) of all words.
    """

    text: Text
    words: Ints
    starts: Ints
    ends: Ints
    first: Ints
    lengths: Ints

    @staticmethod
    def of(text: Text) -> "Holes":
        """Find the holes, rule by rule."""
        finder = _Finder(text)
        finder.digits()
        finder.fields()
        finder.addresses()
        finder.targets()
        finder.dates()
        words = np.flatnonzero(finder.hole)
        first = np.searchsorted(words, text.first)
        return Holes(text, words, finder.begins[words], text.ends[words], first, finder.lengths)

    def skeletons(self) -> pa.StringArray:
        """(n,) messages, words joined by one blank, each hole one HOLE."""
        text = self.text
        data = text.data.copy()
        size = len(data)
        last = text.ends[text.first[1:][text.first[1:] > text.first[:-1]] - 1]
        gaps = (text.words << 1) & ~text.words & ~bits.at(last, size)
        if data.min() < 32:
            data[data == 9] = 32
        data[self.starts] = 1
        lengths = self.lengths.copy()
        lengths[self.words] = self.starts - text.starts[self.words] + 1
        kept = (text.words | gaps) & ~bits.ranges(self.starts + 1, self.ends, size)
        return _strings(bits.keep(data, kept), lengths, text.first)

    def params(self) -> pa.StringArray:
        """(n,) words in the holes, joined by one blank."""
        data = self.text.data.copy()
        followed = _followed(len(self.words), self.first)
        data[self.ends[followed]] = 32
        kept = bits.ranges(self.starts, self.ends + followed, len(data))
        return _strings(bits.keep(data, kept), self.ends - self.starts, self.first)

    def values(self, holes: Ints) -> pa.StringArray:
        """The words in the holes of these numbers."""
        offsets = np.empty(2 * len(holes) + 1, np.int32)
        offsets[:-1:2], offsets[1::2] = self.starts[holes], self.ends[holes]
        offsets[-1] = offsets[-2] if len(holes) else 0
        both = pa.StringArray.from_buffers(2 * len(holes), pa.py_buffer(offsets), pa.py_buffer(self.text.data))
        return both.take(pa.array(np.arange(len(holes)) * 2))


def _followed(count: int, first: Ints) -> Bools:
    """(count,) whether an item is followed by another of its row."""
    followed = np.ones(count, np.bool_)
    followed[first[1:][first[1:] > 0] - 1] = False
    return followed


def _strings(data: pa.Buffer, lengths: Ints, first: Ints) -> pa.StringArray:
    """Rows of words: `data` holds the words of `lengths`, one blank between the words of a row."""
    total = np.concatenate(([0], np.cumsum(lengths)))
    sizes = total[first[1:]] - total[first[:-1]] + (np.diff(first) - 1).clip(min=0)
    offsets = np.concatenate(([0], np.cumsum(sizes))).astype(np.int32)
    return pa.StringArray.from_buffers(len(sizes), pa.py_buffer(offsets), data)


class _Finder:
    """Marks the words that hold a hole, and where it begins; one method a rule, later ones overrule."""

    def __init__(self, text: Text) -> None:
        self.text = text
        self.hole = text.digits.copy()
        self.begins = text.starts.copy()
        self.lengths = text.ends - text.starts
        self.lead = text.data[text.starts]
        self.equals = text.equals
        self.equals_word = text.word_of(text.equals)

    def digits(self) -> None:
        """A word with a digit, behind its last `=` before the digit; names such as ext4 and %ASA-6-302013 stay."""
        text, lead = self.text, self.lead
        before = text.digits[self.equals_word] & ~text.behind_digit[self.equals]
        self.begins[self.equals_word[before]] = self.equals[before] + 1
        named = np.flatnonzero(text.digits & ((lead - np.uint8(48)) > 9))
        start, length, lead = text.starts[named], self.lengths[named], lead[named]
        low, high = text.window(start), text.window(start + 8)
        folded = _low_bytes(low | _FOLDS, length) ^ (_low_bytes(high | _FOLDS, length - 8) * np.uint64(_MIX))
        stays = (length <= 16) & _SURVIVING.has(folded)
        stays |= (lead == 37) & _letters(text.data[start + 1])
        state = (low == np.uint64(_u64(b"SQLSTATE"))) & (length > 9)
        stays |= state & np.isin(text.data[start + 8], _STATE_MARKS)
        self.hole[named[stays]] = False

    def fields(self) -> None:
        """In a row of fields, the value of a name that tells nothing."""
        text = self.text
        is_first = np.ones(len(self.equals), np.bool_)
        is_first[1:] = self.equals_word[1:] != self.equals_word[:-1]
        at, words = self.equals[is_first], self.equals_word[is_first]
        at, words = at[at > text.starts[words]], words[at > text.starts[words]]
        rows = text.row_of[words]
        many = np.bincount(rows, minlength=len(text.odd))[rows] >= FIELDS_MANY
        use = many & ~text.digits[words]
        at, words = at[use], words[use]
        begin = text.starts[words] + _OPENER[text.data[text.starts[words]]]
        length, last = at - begin, text.ends[words] - 1
        tail = text.window(at - NAME_TAIL) >> (8 * (8 - length.clip(1, 8))).astype(np.uint64)
        telling = _TELLING.has(_low_bytes(tail | _FOLDS, length))
        quote = text.data[at + 1] == 34
        closed = (text.data[last] == 34) | ((text.data[last - 1] == 34) & (last - 1 >= text.starts[words]))
        use = (length > 0) & (last > at) & ~telling & (~quote | closed)
        self.hole[words[use]] = True
        self.begins[words[use]] = at[use] + 1

    def addresses(self) -> None:
        """URLs and mail addresses, whole or behind an earlier `=`."""
        text, data = self.text, self.text.data
        slash = data == 47
        slashes = np.flatnonzero(slash[:-1] & slash[1:])
        urls = slashes[data[slashes - 1] == 58] - 1
        urls = urls[(text.word_of(urls) >= 0) & (urls + 2 < text.ends[text.word_of(urls)])] if len(urls) else urls
        signs = np.flatnonzero(data == 64)
        words = text.word_of(signs)
        signs = signs[(signs > text.starts[words]) & (signs + 1 < text.ends[words])] if len(signs) else signs
        both = np.sort(np.concatenate((urls, signs)))[::-1]
        if not len(both):
            return
        words = text.word_of(both)
        self.hole[words] = True
        where = np.zeros(len(self.hole), np.int64)
        where[words] = both
        self.begins[words] = text.starts[words]
        early = np.flatnonzero(self.equals < where[self.equals_word])[::-1] if len(self.equals) else self.equals
        self.begins[self.equals_word[early]] = self.equals[early] + 1

    def targets(self) -> None:
        """The path behind an HTTP method, and everything behind the quoted method of an access line."""
        text, lead = self.text, self.lead
        paths = np.flatnonzero(lead[1:] == 47) + 1
        paths = paths[(self.lengths[paths - 1] <= 8) & (text.row_of[paths] == text.row_of[paths - 1])]
        paths = paths[_METHOD.has(self._whole(paths - 1))]
        quoted = np.flatnonzero((lead == 34) & (self.lengths >= 4) & (self.lengths <= 8))
        requests = quoted[_REQUEST.has(self._whole(quoted))]
        if len(requests):
            rows, first = np.unique(text.row_of[requests], return_index=True)
            behind = bits.ranges(requests[first] + 1, text.first[rows + 1], len(lead))
            paths = np.concatenate((paths, np.flatnonzero(bits.unpack(behind, len(lead)))))
        self.hole[paths] = True
        self.begins[paths] = text.starts[paths]

    def _whole(self, words: Ints) -> Words64:
        return _low_bytes(self.text.window(self.text.starts[words]), self.lengths[words])

    def dates(self) -> None:
        """Names of months and days before a hole, and before such a name."""
        text = self.text
        short = np.flatnonzero((self.lengths[:-1] == 3) | (self.lengths[:-1] == 4))
        short = short[_DATE.has(text.window(text.starts[short]) & np.uint64(0xFFFFFF))]
        short = short[(self.lengths[short] == 3) | (text.data[text.ends[short] - 1] == 44)]
        short = short[text.row_of[short] == text.row_of[short + 1]]
        while True:
            new = short[self.hole[short + 1] & ~self.hole[short]]
            if not len(new):
                return
            self.hole[new] = True
            self.begins[new] = text.starts[new]
