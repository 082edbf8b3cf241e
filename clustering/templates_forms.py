"""The form of a key: its text once what is variable by its looks alone is a hole.

A path, a file, a host, an empty value, a number's unit, the value of a field that tells nothing become holes, as a
word with a digit does in the key; so does what a header holds. A row of holes is one hole, and a group of words with a
hole in it that repeats is written once. A form depends on its key and on nothing else; `templates_slots` learns from
many forms what looks cannot tell.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from clustering.survivors import MASK
from clustering.templates_words import CALENDAR, EDGES, LEVELS, NULLS, TELLS, UNITS

Form = tuple[str, ...]
"""The words of a form."""

FIELDS_MANY = 3
"""Words with a `name=` from which on a text counts as fields, as in the key."""

QUOTED_MOST = 3
"""Words of a quoted value, at most."""

PERIOD_MOST = 6
"""Words of a group that repeats, at most."""

LEAST_CONSTANT = 0.3
"""Share of constant words that a form keeps."""

NARROW, WIDE = "\x02", "\x03"
"""A learnt hole, and one in which so many words were seen that it takes doubtful ones as well."""

HEADER_MOST = 5
"""Words in which a line's severity is looked for, and words of a thread's name in brackets."""

_PATH = re.compile(r"(?:^|[=(\[{<\"'`:,@])(?:file:)?(?:/[\w.~$%+*-]|[A-Za-z]:\\|\\\\\w|~/|\./|\.\./)")
_FILE = re.compile(
    r"[\w.~$+-]*\w\.(?:exe|dll|sys|msi|bat|cmd|ps1|jar|war|ear|so|sh|py|pl|rb|js|php|conf|cfg|cnf|ini|xml|json|ya?ml|toml"
    r"|properties|log|txt|csv|tsv|tmp|bak|pid|lock|sock|db|sqlite|dat|bin|img|iso|html?|css|png|jpe?g|gif|svg|pdf|zip|gz"
    r"|bz2|xz|zst|tar|tgz|rpm|deb|service|socket|timer|slice|scope|mount|target|path|swap|device)$"
)
_HOST = re.compile(
    r"(?:[\w-]+\.)+(?:com|net|org|edu|gov|mil|info|biz|local|lan|internal|localdomain|intranet|corp|home|arpa|example|test"
    r"|invalid)$"
)
_NAME = re.compile(r"[^\w]*[\w.:/-]+$")
_HOLE = re.compile(r"<\*[^>]*>")
_LETTERS = re.compile(r"[^\W\d_]{2,}")
_QUOTES = "\"'`"


def form_of(template: str) -> Form:
    """Give the form of a key's text; the text's own words if hardly a constant one would be left."""
    words = template.split(" ")
    out = _join_quoted(words) if any(quote in template for quote in _QUOTES) else words
    looks = [_look(word) for word in out]
    out = [look.masked for look in looks]
    _mask_calendar(out, looks)
    out = _without_thread(out, looks)
    if template.count("=") >= FIELDS_MANY:
        _mask_fields(out)
    form = tuple(repeats(out))
    return form if speaks(form) else tuple(words)


def speaks(form: Sequence[str]) -> bool:
    """Whether a form has a constant word other than a severity, and not too many holes."""
    return form.count(MASK) <= (1 - LEAST_CONSTANT) * len(form) and any(map(is_word, form))


class Look(NamedTuple):
    """What a word looks like: its text once masked, and whether it names a day or a severity."""

    masked: str
    calendar: bool
    level: bool


@lru_cache(maxsize=65_536)
def _look(word: str) -> Look:
    plain = core(word)
    return Look(_masked(word), plain in CALENDAR and not word.islower(), plain in LEVELS)


@lru_cache(maxsize=65_536)
def is_word(word: str) -> bool:
    """Whether a word holds letters outside its holes that are more than a severity."""
    if word.isalpha():
        return len(word) > 1 and word.lower() not in LEVELS
    rest = _HOLE.sub("", word)
    return _LETTERS.search(rest) is not None and core(rest) not in LEVELS


def core(word: str) -> str:
    """Give a word in small letters without the punctuation around it."""
    return word.strip(EDGES).lower()


def value_hole(word: str) -> str:
    """Give the hole that a word becomes, as the key cuts it: the name of a `name=` stays."""
    name, equals, _ = word.rpartition("=")
    return f"{name}={MASK}" if equals and _NAME.match(name) else MASK


def _masked(word: str) -> str:
    """Make a hole of a path, a file, a host, an empty value; the name of a `name=` stays."""
    if MASK in word:
        return word
    if ("/" in word or "\\" in word) and not word.startswith("<"):
        path = _PATH.search(word)
        if path:
            return word[: word.rfind("=", 0, path.end()) + 1] + MASK
    name, equals, value = word.rpartition("=")
    bare = value.strip(EDGES)
    if value.lower().rstrip(",;.") in NULLS or ("." in bare and (_FILE.match(bare) or _HOST.match(bare))):
        return f"{name}{equals}{MASK}"
    return word


def _join_quoted(words: list[str]) -> list[str]:
    """Make a quoted value of several words one word."""
    out, i = [], 0
    while i < len(words):
        last = _closing(words, i)
        out.append(" ".join(words[i : last + 1]))
        i = last + 1
    return out


def _closing(words: list[str], at: int) -> int:
    word = words[at]
    found = next(((i, c) for i, c in enumerate(word) if c in _QUOTES), None)
    if found is None or (found[0] and word[found[0] - 1] not in "=([{<:,") or word.count(found[1]) != 1:
        return at
    for i in range(at + 1, min(at + QUOTED_MOST, len(words))):
        if found[1] in words[i]:
            return i if words[i].count(found[1]) == 1 and words[i].rstrip(",;.:)]}>").endswith(found[1]) else at
    return at


def _mask_fields(words: list[str]) -> None:
    """Mask what stands behind a `name=` or `name =`, parted by a blank, unless the name tells."""
    for i, word in enumerate(words[:-1]):
        if word.endswith("=") and "=" not in words[i + 1] and not _HOLE.match(words[i + 1]):
            name = words[i - 1] if word == "=" and i else word[:-1]
            if core(name.rpartition(".")[2]) not in TELLS:
                words[i + 1] = MASK


def _mask_calendar(words: list[str], looks: list[Look]) -> None:
    """Mask names of days, months and time zones next to a hole."""
    for i, look in enumerate(looks):
        if look.calendar and MASK in (*words[i - 1 : i], *words[i + 1 : i + 2]):
            words[i] = MASK


def _without_thread(words: list[str], looks: list[Look]) -> list[str]:
    """Mask what stands in brackets next to the severity at the beginning: a thread, or a process."""
    at = next((i for i, look in enumerate(looks[:HEADER_MOST]) if look.level), None)
    if at is None:
        return words
    if at and _is_thread(words[at - 1 : at]):
        words[at - 1] = MASK
    for n in range(1, HEADER_MOST + 1):
        if _is_thread(words[at + 1 : at + 1 + n]):
            return [*words[: at + 1], MASK, *words[at + 1 + n :]]
    return words


def _is_thread(words: list[str]) -> bool:
    return bool(words) and words[0][:1] == "[" and (words[-1][-1:] == "]" or MASK in words[-1])


def shown(word: str) -> str:
    """Give a word as people see it: learnt holes as holes."""
    return word.replace(NARROW, MASK).replace(WIDE, MASK)


_BARE = (MASK, NARROW, WIDE)


def repeats(words: Sequence[str]) -> list[str]:
    """Write rows of holes, holes with a unit, and groups with a hole that repeat once."""
    out: list[str] = []
    before = set[str]()  # a group repeats at a word that has come before
    for word in words:
        if out and out[-1] in _BARE and (word in _BARE or _is_unit(word)):
            out[-1] = max(out[-1], word, key=_BARE.index) if word in _BARE else out[-1]
            before.add(out[-1])
            continue
        out.append(word)
        if word not in before:
            before.add(word)
            continue
        for period in range(2, min(PERIOD_MOST, len(out) // 2) + 1):
            if out[-1 - period] == word and out[-2 * period : -period] == out[-period:] and _has_hole(out[-period:]):
                del out[-period:]
                break
    return out


def _has_hole(words: list[str]) -> bool:
    return any(MASK in shown(word) for word in words)


@lru_cache(maxsize=65_536)
def _is_unit(word: str) -> bool:
    return core(word) in UNITS
