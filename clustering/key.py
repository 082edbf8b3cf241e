"""The key: a pure function of (app, message) that names the kind of a line. This module is its definition.

A word (blank-separated) that holds a digit becomes a hole; so do URLs, mail addresses, HTTP targets, dates, the
values of fields that tell nothing, and everything behind the request of an access line. What decides a label stays
(see `survivors`). Structured messages (JSON, CEF, blank-free fields) are keyed on their names (see `structured`).
`keys` computes the same for whole Arrow columns; a property test holds the two together.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from clustering.structured import Skeleton, structured
from clustering.survivors import HOLE, MASK, Plan, plan_of
from clustering.words import DATES, METHODS, NAME_TAIL, OPENERS, SURVIVING, TELLING_TAILS, fold
from schemas.registry import Kind

_BLANKS = re.compile(r"[\x00-\x20]+")
_MNEMONIC = re.compile(r"%[A-Za-z]")
_STATE = re.compile(r"SQLSTATE[\[=(:]")
_ADDRESS = re.compile(r"://|(?<=.)@(?=.)", re.DOTALL)
_DIGIT = re.compile(r"[0-9]")
_WORD = re.compile(r"[^\W\d_]{2,}")
_HOLES = re.compile(r"<\*[^>]*>")
_APP_PIECE = re.compile(r"[^-_/.:@ ()\[\]]+")
_REQUESTS = frozenset(b'"' + m for m in METHODS)
_METHODS = frozenset(METHODS) | _REQUESTS
_DATES = frozenset(d.decode() for d in DATES)
FIELDS_MANY = 3
"""Words with a `name=` from which on a line counts as fields: values of names that tell nothing become holes."""


@dataclass(frozen=True)
class Keyed:
    """A line's kind, and what stands in the holes of its template, in order, joined by one blank."""

    kind: Kind
    params: str


def key_of(app: str | None, message: str) -> Keyed:
    """Name the kind of a line.

    Args:
        app: the program as the header tells it, or None.
        message: any text; of several lines the first counts (of a Python traceback the last as well).
    """
    text = key_text(message)
    canonical = structured(text, skeleton_of)
    skeleton, params = _storable(canonical) if canonical is not None else skeleton_of(text)
    plan = plan_of(skeleton)
    classes = plan.classes(params) if plan.telling else ()
    return Keyed(kind_of(mask_app(app), plan, classes), " ".join(params))


def _storable(skeleton: Skeleton) -> Skeleton:
    """Replace what no UTF-8 can hold: the lone surrogates that JSON can spell."""
    text, params = skeleton
    if text.isascii() and all(param.isascii() for param in params):
        return skeleton
    return text.encode("utf-8", "replace").decode(), [p.encode("utf-8", "replace").decode() for p in params]


def kind_of(app: str, plan: Plan, classes: tuple[tuple[int, str], ...]) -> Kind:
    """Give the kind of a masked app and a filled plan; its key is a 64-bit BLAKE2b of both, 16 hex digits."""
    text = plan.text(classes)
    digest = hashlib.blake2b(f"{app}\0{text}".encode("utf-8", "replace"), digest_size=8).hexdigest()
    return Kind(digest, app, text)


def has_word(template: str) -> bool:
    """Tell whether a template holds a constant word of two letters or more; without one it is never labelled."""
    return _WORD.search(_HOLES.sub(" ", template)) is not None


def mask_app(app: str | None) -> str:
    """Mask the variable parts of a program's name: `nginx-7f9c6d-x2zq8` gives `nginx-<*>-<*>`; None gives ""."""
    if not app:
        return ""
    return _APP_PIECE.sub(_mask_piece, app) if _DIGIT.search(app) else app


def _mask_piece(piece: re.Match[str]) -> str:
    word = piece[0]
    if not _DIGIT.search(word):
        return word
    stem = re.match(r"([A-Za-z]+)\d{1,2}$", word)
    return f"{stem[1]}{MASK}" if stem else MASK


def key_text(message: str) -> str:
    """Choose the text that the key sees: a message's first line; of a Python traceback its last line as well."""
    if "\n" not in message:
        return message
    lines = [line for line in message.split("\n") if line.strip("\r\t ")]
    if not lines:
        return ""
    return f"{lines[0]} {lines[-1]}" if lines[0].startswith("Traceback (most recent") else lines[0]


def skeleton_of(text: str) -> tuple[str, list[str]]:
    """Cut the holes out of a plain text.

    Returns:
        The skeleton, and the words in its holes in order (no word holds a blank).
    """
    words = [word for word in _BLANKS.split(text) if word]
    fields = sum(word.find("=") > 0 for word in words) >= FIELDS_MANY
    starts = list(_hole_starts(words, fields))
    for i in range(len(words) - 1, 0, -1):
        if (
            starts[i] is not None
            and starts[i - 1] is None
            and words[i - 1].rstrip(",") in _DATES
            and len(words[i - 1]) < 5
        ):
            starts[i - 1] = 0
    out = [word if at is None else word[:at] + HOLE for word, at in zip(words, starts, strict=True)]
    return " ".join(out), [word[at:] for word, at in zip(words, starts, strict=True) if at is not None]


def _hole_starts(words: list[str], fields: bool) -> Iterator[int | None]:
    """Where in each word its hole begins; None: the word stays."""
    request, before = False, b""
    for word in words:
        raw = word.encode("utf-8", "surrogatepass")
        if request or MASK in word or (raw.startswith(b"/") and before in _METHODS):
            yield 0
        else:
            yield _hole_start(word, raw, fields)
        request = request or raw in _REQUESTS
        before = raw


def _hole_start(word: str, raw: bytes, fields: bool) -> int | None:
    digit = _DIGIT.search(word)
    equals = word.find("=")
    address = _ADDRESS.search(word)
    if address:
        return equals + 1 if 0 <= equals < address.start() else 0
    if digit:
        if _MNEMONIC.match(word) or _STATE.match(word) or (len(raw) <= 16 and fold(raw) in SURVIVING):
            return None
        return word.rfind("=", 0, digit.start()) + 1
    return equals + 1 if fields and equals > 0 and _variable_field(raw) else None


def _variable_field(raw: bytes) -> bool:
    """Whether `name=value` without a digit holds a value that tells nothing about what happened."""
    name, _, value = raw.partition(b"=")
    if name[:1] and name[0] in OPENERS:
        name = name[1:]
    if not value or not name or fold(name[-NAME_TAIL:]) in TELLING_TAILS:
        return False
    return not (value.startswith(b'"') and b'"' not in (raw[-1:], raw[-2:-1]))
