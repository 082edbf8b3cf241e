"""What a single word says about itself: whether it may be variable, and what it says about its neighbours."""

import hashlib
import re
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from clustering.survivors import MASK
from clustering.templates_forms import NARROW, WIDE, core, is_word, shown, value_hole
from clustering.templates_words import FUNCTION, LOOSE_POLES, NAMING, POLES, PREPOSITIONS, STATES, STRONG_POLES, TELLS

NEVER, DOUBTFUL, LEARNT, IS_WIDE, NOUN, PREPOSITION, TELLING, TAG, FIELD, INTRODUCER, WORD = (1 << i for i in range(11))
"""Traits. NEVER: tells what happened, so is never variable. DOUBTFUL: may tell it. NOUN, PREPOSITION, TELLING, TAG say
what the word next to it may be. FIELD: is a `name=` with a value. INTRODUCER: may be learnt to introduce names. WORD: a
constant word that is no severity."""


STEM_LEAST = 3
"""Letters of a word that may belong to a row of names, as `sda`, `sdb`, `sdc` are."""

_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def admissible(word: str) -> bool:
    """Whether a word may be the value of a slot: it tells nothing of what happened."""
    if word.startswith("%") or ("<*" in word and MASK not in word):
        return False
    name, equals, value = word.rpartition("=")
    if equals and core(name.rpartition("=")[2].rpartition(".")[2]) in TELLS:
        return False
    plain = core(value if equals else word)
    return bool(plain or _is_hole(word)) and not (plain in POLES or plain in STATES or _has_pole(value))


def _has_pole(word: str) -> bool:
    """Whether a compound holds a word that another stands against, as `link-up` and `NodeNotReady` do."""
    parts = _PART.findall(word)
    return len(parts) > 1 and any(part.lower() in STRONG_POLES for part in parts)


def is_doubtful(word: str) -> bool:
    """Whether a word may tell what happened: an inflected verb, as `mounted` and `rotating`, or a loose pole."""
    plain = core(word.rpartition("=")[2])
    return plain in LOOSE_POLES or (len(plain) > 4 and plain.isalpha() and plain.endswith(("ed", "ing")))


def weight(word: str) -> int:
    """Weigh a word as a sign of a slot: 2 if it is a hole or looks like a name, 1 if like a word of a language."""
    return 2 if _is_hole(word) or not word.strip(",;:.").isalpha() else 1


def _is_hole(word: str) -> bool:
    return MASK in word or NARROW in word or WIDE in word


def traits(word: str) -> int:
    """Give the traits of a word, as a sum of flags."""
    own = core(word)
    tag = word.endswith(":") and not _is_hole(word)
    field_ = value_hole(shown(word)).endswith("=" + MASK)
    constant = is_word(shown(word)) and not _is_hole(word)
    flags = {
        NEVER: not admissible(word), DOUBTFUL: is_doubtful(word),
        LEARNT: NARROW in word or WIDE in word, IS_WIDE: WIDE in word,
        NOUN: own in NAMING, PREPOSITION: own in PREPOSITIONS, TELLING: own in STATES or (tag and own in TELLS),
        TAG: tag, FIELD: field_, WORD: constant,
        INTRODUCER: constant and admissible(word) and own not in FUNCTION,
    }  # fmt: skip
    return sum(flag for flag, holds in flags.items() if holds)


def hash_of(text: str) -> int:
    """64-bit BLAKE2b of a text."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "little")


def stem(word: str) -> str:
    """Give what `sda:` shares with `sdb:` and `mpatha` with `mpathb`: the word without its last letter; "" if short."""
    plain = core(word)
    return plain[:-1] if len(plain) >= STEM_LEAST and plain.isalpha() else ""


class Row(NamedTuple):
    """A word as numbers."""

    hash: int
    holed: int
    weight: int
    traits: int
    stem: int


@lru_cache(maxsize=65_536)
def _row(word: str) -> Row:
    seen, shared = shown(word), stem(word)
    return Row(hash_of(seen), hash_of(value_hole(seen)), weight(word), traits(word), hash_of(shared) if shared else 0)


Table = npt.NDArray[np.uint64]


class Vocabulary:
    """Words by number, and of each its row."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self._fresh: list[Row] = []
        self._table: Table = np.zeros((0, len(Row._fields)), np.uint64)
        self._numbers: dict[str, int] = {}

    @property
    def table(self) -> Table:
        """(words, 5) the rows of all words met so far."""
        if self._fresh:
            self._table = np.concatenate([self._table, np.array(self._fresh, np.uint64)])
            self._fresh = []
        return self._table

    def number(self, word: str) -> int:
        """Give the number of a word, a new one to a new word."""
        known = self._numbers.get(word)
        if known is None:
            known = self._numbers[word] = len(self.words)
            self.words.append(word)
            self._fresh.append(_row(word))
        return known
