"""Keys of structured messages: JSON, CEF, LEEF and blank-free fields are keyed on their names and telling values.

Each form is rewritten as words (`level=info status=<hole>`), so that the search for telling holes needs no case of
its own. A blank inside a hole's value becomes a no-break space, so that the params stay one word a hole.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from clustering.survivors import HOLE
from clustering.words import PROSE, PROSE_ENDS, TELLING, TELLING_ENDS

Skeleton = tuple[str, list[str]]
"""A skeleton, and the words in its holes."""

MANY_SEPARATORS = 5
"""Commas, semicolons or pipes without a blank behind them, from which on a text counts as fields."""

MAX_FIELDS = 64
_SEPARATOR = re.compile(r"[,;|](?=[^\x00-\x20])")
_PIECES = re.compile(r"(?<=[,;|])(?=[^\x00-\x20])")
_CEF = re.compile(r"(CEF|LEEF):")
_EXTENSION = re.compile(r"(?:^|[\s|^])([A-Za-z_][\w.\-]*)=(.*?)(?=[\s|^]+[A-Za-z_][\w.\-]*=|$)")
_BLANKS = re.compile(r"[\x00-\x20]+")
_DIGIT = re.compile(r"[0-9]")


def structured(text: str, plain: Callable[[str], Skeleton]) -> Skeleton | None:
    """Give the skeleton of a structured text, or None when it is prose.

    Args:
        text: one line.
        plain: makes the skeleton of prose; used for the prose inside a structure.
    """
    head = text.lstrip("\x00\t\n\v\f\r ")[:5]
    if head[:1] == "{":
        return _json(text, plain)
    if _CEF.match(head):
        return _event_format(text, plain)
    if text.count("=") >= 3 and len(_BLANKS.split(text.strip("\x00\t\n\v\f\r "))) <= 2:
        return _fields(text, plain)
    return _fields(text, plain) if _separators(text) >= MANY_SEPARATORS else None


def _separators(text: str) -> int:
    return sum(1 for _ in _SEPARATOR.finditer(text)) if sum(map(text.count, ",;|")) >= MANY_SEPARATORS else 0


def _word(value: str) -> str:
    return _BLANKS.sub("\u00a0", value) or "-"


def _json(text: str, plain: Callable[[str], Skeleton]) -> Skeleton | None:
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError):
        return None
    out: list[str] = []
    params: list[str] = []
    for name, value in list(_leaves("", tree))[:MAX_FIELDS]:
        skeleton, words = _value(name, value, plain)
        out.append(f"{_BLANKS.sub('_', name)}={skeleton}")
        params += words
    return "{" + " ".join(out) + "}", params


def _leaves(path: str, tree: Any, depth: int = 0) -> Iterator[tuple[str, Any]]:
    if isinstance(tree, dict) and depth < 4:
        for name, value in tree.items():
            yield from _leaves(f"{path}.{name}" if path else str(name), value, depth + 1)
    else:
        yield path, tree


def _value(path: str, value: Any, plain: Callable[[str], Skeleton]) -> Skeleton:
    name = path.rpartition(".")[2].lower()
    if isinstance(value, str) and (name in PROSE or name.endswith(PROSE_ENDS)):
        skeleton, words = plain(value)
        return f'"{skeleton}"', words
    if name in TELLING or name.endswith(TELLING_ENDS):
        if isinstance(value, bool):
            return str(value).lower(), []
        if isinstance(value, str) and not _DIGIT.search(value):
            return _BLANKS.sub(" ", value[:64]), []
    word = value if isinstance(value, str) else json.dumps(value)
    return HOLE, [_word(word.replace(HOLE, ""))]


def _event_format(text: str, plain: Callable[[str], Skeleton]) -> Skeleton:
    """CEF and LEEF: vendor, product, signature and name stay, the version and untelling extensions do not."""
    header = re.split(r"(?<!\\)\|", text.strip("\x00\t\n\v\f\r "), maxsplit=7)
    kind, is_cef = header[0].partition(":")[0], header[0].startswith("CEF")
    named = header[1:3] + header[4:6] if is_cef else header[1:3] + header[4:5]
    rest = header[7] if is_cef and len(header) > 7 else "|".join(header[5:]) if not is_cef else ""
    out, params = [kind + ":"], []
    for i, part in enumerate(named):
        skeleton, words = plain(part) if i == 3 else (_BLANKS.sub(" ", part), [])
        out.append(skeleton + " |")
        params += words
    for name, value in list(_extensions(rest))[:MAX_FIELDS]:
        skeleton, words = _value(name, value, plain)
        out.append(f"{name}={skeleton}")
        params += words
    return " ".join(out), params


def _extensions(rest: str) -> Iterator[tuple[str, str]]:
    return ((m[1], m[2].strip()) for m in _EXTENSION.finditer(rest[:16_384]))


def _fields(text: str, plain: Callable[[str], Skeleton]) -> Skeleton:
    """Fields without blanks between them: each becomes a word, then the rules of prose hold."""
    return plain(_PIECES.sub(" ", text))
