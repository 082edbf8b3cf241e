"""One look at all forms of one length: which of their places are slots by what the forms show together.

A form's words at place i and those of the forms that are equal but there make a group; its different words are weighed
together (`weight`), and what they must weigh depends on the words around (`NEEDS`).
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from clustering.survivors import MASK
from clustering.templates_forms import NARROW, WIDE, shown, speaks, value_hole
from clustering.templates_traits import (
    DOUBTFUL,
    FIELD,
    INTRODUCER,
    IS_WIDE,
    LEARNT,
    NEVER,
    NOUN,
    PREPOSITION,
    TAG,
    TELLING,
    WORD,
    Vocabulary,
)

Ints = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]
Flags = npt.NDArray[np.bool_]
Pairs = set[tuple[int, int]]
"""Numbers of a program and of a word."""

NEEDS = {"named": 2, "noun": 3, "preposition": 4, "label": 4, "other": 6, "first": 16, "tag": 12}
"""What the different words of a slot must weigh together; a word weighs 1, a hole or what looks like a name 2, one of a
row of names that differ in their last letter 4.

named: behind a learnt introducer, behind preposition and noun (`for user X`), or value of a field that tells nothing;
noun: behind a noun that introduces names (`user X`); preposition: behind one (`from X`); label: behind `word:`;
first: the first constant word, which most often says what the line is about; tag: itself a `word:`."""

SIBLINGS_LEAST, SIBLING_WEIGHT = 3, 4
"""Words of one slot that differ in their last letter alone, from which on they count as a row of names."""

PAIR_NEEDS = 2
"""How many times as much two places must show that vary together, each of them."""

PAIR_LONGEST, PAIR_FORMS = 24, 3
"""Words of a form up to which pairs of places are tried, and different forms that a pair needs."""

WIDE_FROM = 16
"""Different words from which on a slot takes doubtful ones too: so many are names, not states."""

INTRODUCES_FROM = 8
"""Different words in one slot from which on the word before it introduces names in all forms of its program."""

_NOT_ENOUGH = 1 << 40
_SHIFTS = np.array([30, 27, 31], np.uint64)
_FACTORS = np.array([0xBF58476D1CE4E5B9, 0x94D049BB133111EB], np.uint64)


class Round:
    """One look at the forms of one length.

    Args:
        block: (n, 1 + length) numbers of the program and of the words of each form; `rewrite` changes it.
        vocabulary: of the words.
        introducers: which words introduce names in which program.

    Attributes:
        slots: (m, length) which places of the m different forms are slots.
    """

    def __init__(self, block: Ints, vocabulary: Vocabulary, introducers: Pairs) -> None:
        self._block, self._vocabulary = block, vocabulary
        about = vocabulary.table
        _, first, self._back = np.unique(_row_hashes(block), return_index=True, return_inverse=True)
        self._rows = block[first]
        self._words = self._rows[:, 1:]
        self._traits = about[:, 3][self._words].astype(np.int64)
        place = _mix(np.arange(1, self._words.shape[1] + 1, dtype=np.uint64))
        own = _mix(about[:, 0][self._words] + place)
        self._whole = _mix(self._rows[:, 0].astype(np.uint64)) + own.sum(axis=1)
        self._holing = _mix(about[:, 1][self._words] + place) - own
        self._doubtful, self._free = (self._traits & DOUBTFUL) > 0, (self._traits & NEVER) == 0
        self._weight = np.where(self._free & ~self._doubtful, about[:, 2][self._words].astype(np.int64), 0)
        self._stems = np.where(self._weight > 0, about[:, 4][self._words], 0).astype(np.uint64)
        self._needs = self._needed(introducers)
        self._look(place)

    def _look(self, place: Hashes) -> None:
        """Group each word with those that stand in its place in otherwise equal forms, and weigh the groups."""
        _, group = np.unique((self._whole[:, None] + self._holing) ^ place, return_inverse=True)
        group = group.reshape(self._words.shape)
        self._weight[self._siblings(group)] = SIBLING_WEIGHT

        def total(what: npt.NDArray[np.generic]) -> Ints:
            sums: Ints = np.bincount(group.ravel(), what.ravel().astype(np.float64))[group].astype(np.int64)
            return sums

        self._count = total(self._free & ~self._doubtful)
        enough = (total(self._weight) >= self._needs) & (self._count > 1)
        enough |= total((self._traits & LEARNT) > 0) > 0
        self._wide = (self._count >= WIDE_FROM) | (total((self._traits & IS_WIDE) > 0) > 0)
        self.slots = enough & self._free & (~self._doubtful | self._wide)

    def _siblings(self, group: Ints) -> Flags:
        """(m, length) which words are of a row of names in their group."""
        _, row, size = np.unique(_mix(group.astype(np.uint64)) ^ self._stems, return_inverse=True, return_counts=True)
        many: Flags = (size >= SIBLINGS_LEAST)[row].reshape(group.shape) & (self._stems > 0)
        return many

    def _needed(self, introducers: Pairs) -> Ints:
        """(m, length) what a slot must weigh at each place."""
        traits = self._traits
        before, before2, after = _shifted(traits, 1), _shifted(traits, 2), _shifted(traits, -1)
        word, noun, field = (traits & WORD) > 0, (before & NOUN) > 0, (traits & FIELD) > 0
        out = np.full(traits.shape, NEEDS["other"])
        for name, where in (
            ("label", (before & TAG) > 0),
            ("preposition", (before & PREPOSITION) > 0),
            ("noun", noun),
            ("named", noun & ((before2 & PREPOSITION) > 0)),
            ("named", self._introduced(introducers)),
            ("tag", (traits & TAG) > 0),
            ("first", np.cumsum(word, axis=1) == word),
            ("named", field),
        ):
            out[where] = NEEDS[name]
        out[(((before | after) & TELLING) > 0) & ~field] = _NOT_ENOUGH
        return out

    def _introduced(self, introducers: Pairs) -> Flags:
        """(m, length) whether the word before is known to introduce names in this program."""
        out = np.zeros(self._words.shape, np.bool_)
        if introducers:
            pairs = np.array([app << 32 | word for app, word in introducers])
            out[:, 1:] = np.isin(self._rows[:, :1] << 32 | self._words[:, :-1], pairs)
        return out

    def introducers(self) -> Pairs:
        """Give the words that stand before a slot with many different words, each with its program."""
        many = self.slots[:, 1:] & (self._count[:, 1:] >= INTRODUCES_FROM) & ((self._traits[:, :-1] & INTRODUCER) > 0)
        form, place = np.nonzero(many)
        return set(zip(self._rows[form, 0].tolist(), self._words[form, place].tolist(), strict=True))

    def slots_in_pairs(self) -> Flags:
        """(m, length) which places are slots because two of them vary together."""
        out = np.zeros(self._words.shape, np.bool_)
        if self._words.shape[1] <= PAIR_LONGEST:
            for i, j, rows in self._open_pairs():
                _, group = np.unique(
                    self._whole[rows] + self._holing[rows, i] + self._holing[rows, j], return_inverse=True
                )
                enough = (np.bincount(group) >= PAIR_FORMS)[group]
                for place in (i, j) if enough.any() else ():
                    enough &= self._shown_in(group, rows, place) >= PAIR_NEEDS * self._needs[rows, place]
                out[rows[enough], i] = out[rows[enough], j] = True
        return out

    def _open_pairs(self) -> Iterator[tuple[int, int, Ints]]:
        """Pairs of places, each with the forms in which both may be slots and are none."""
        open_ = (self._weight > 0) & ((self._traits & LEARNT) == 0)
        for i in range(open_.shape[1]):
            for j in range(i + 1, open_.shape[1]):
                rows = np.flatnonzero(open_[:, i] & open_[:, j])
                if len(rows) >= PAIR_FORMS:
                    yield i, j, rows

    def _shown_in(self, group: Ints, rows: Ints, place: int) -> Ints:
        """Weigh the different words that each form's group shows at a place."""
        words = self._words[rows, place]
        _, first = np.unique(group << 32 | words, return_index=True)
        sums: Ints = np.bincount(group[first], self._weight[rows[first], place])[group].astype(np.int64)
        return sums

    def rewrite(self, slots: Flags) -> bool:
        """Make holes of the slots of each form, unless too little would be left of it; tell whether any changed."""
        stale = ((self._traits & LEARNT) == 0) | (self._wide & ((self._traits & IS_WIDE) == 0))
        new = self._rows.copy()
        for i in np.flatnonzero((slots & stale).any(axis=1)).tolist():
            form = [self._vocabulary.words[number] for number in self._words[i].tolist()]
            for j in np.flatnonzero(slots[i]).tolist():
                form[j] = value_hole(shown(form[j])).replace(MASK, WIDE if self._wide[i, j] else NARROW)
            if speaks([shown(word) for word in form]):
                new[i, 1:] = [self._vocabulary.number(word) for word in form]
        self._block[:] = new[self._back]
        return bool((new != self._rows).any())


def _mix(values: Hashes) -> Hashes:
    """Scramble 64-bit numbers, each to another one (splitmix64)."""
    for shift, factor in zip(_SHIFTS, _FACTORS, strict=False):
        values = (values ^ (values >> shift)) * factor
    mixed: Hashes = values ^ (values >> _SHIFTS[2])
    return mixed


def _row_hashes(block: Ints) -> Hashes:
    places = np.arange(1, block.shape[1] + 1, dtype=np.uint64) << np.uint64(40)
    sums: Hashes = _mix(block.astype(np.uint64) + places).sum(axis=1)
    return sums


def _shifted(traits: Ints, by: int) -> Ints:
    """The traits of the word so many places before each."""
    out = np.zeros_like(traits)
    if by > 0:
        out[:, by:] = traits[:, :-by]
    else:
        out[:, :by] = traits[:, -by:]
    return out
