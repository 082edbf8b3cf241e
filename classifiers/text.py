"""The form in which models read a kind: one function, the same in training and in serving."""

import re

from schemas.registry import Kind

HOLE = b"\x01"
"""What a hole `<*>` becomes: one symbol, a word of its own."""

SECTION = b"\x1e"
"""The word between the program's words and the message's."""

LIMIT = 2048
"""Bytes of a template that are read; what a longer one is about stands at its front."""

_APP_LIMIT = 128
_CAMEL = re.compile(rb"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def _table() -> bytes:
    """Letters to lower case, digits and bytes of other alphabets as they are, all the rest to blanks."""
    keep = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789") | frozenset(range(128, 256)) | frozenset(HOLE)
    return bytes(b if b in keep else 32 for b in bytes(range(256)).lower())


_TABLE = _table()


def input_text(kind: Kind) -> bytes:
    """Give a kind's words: those of the program, SECTION, those of the template, with one blank around each.

    Words part at blanks, punctuation and camelCase, so `OutOfMemoryError` reads `out of memory error` and
    `%LINK-3-UPDOWN` reads `link 3 updown`; ASCII is lower-cased; any other byte is a letter. The form is ASCII
    arithmetic alone, so it does not depend on the version of Unicode that a Python knows.
    """
    return b" %b %b %b " % (_words(kind.app, _APP_LIMIT), SECTION, _words(kind.template, LIMIT))


def _words(text: str, limit: int) -> bytes:
    raw = text[:limit].encode("utf-8", "surrogatepass")[:limit].replace(HOLE, b" ").replace(b"<*>", b" \x01 ")
    return b" ".join(_CAMEL.sub(b" ", raw).translate(_TABLE).split())


def sentence(kind: Kind) -> str:
    """Give a kind as networks read it: the program's words, a colon, and the message's words without its holes."""
    program, _, message = input_text(kind).partition(SECTION)
    return f"{_plain(program)}: {_plain(message)}"


def message_words(kind: Kind) -> str:
    """Give the words of a kind's message, without its holes and its program: what tells how near two kinds are."""
    return _plain(input_text(kind).partition(SECTION)[2])


def _plain(words: bytes) -> str:
    return b" ".join(words.replace(HOLE, b" ").split()).decode("utf-8", "replace")
