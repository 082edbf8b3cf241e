"""Fields that a line may have or not: forms that differ only in which untelling fields they hold.

`listless` writes a form with all such fields as one hole. Where a program has enough different forms that are one
without their fields, they are one. Two are not enough: a program that writes a line with `user=` and without it most
often means two things by them.
"""

from collections.abc import Iterable

from clustering.survivors import MASK
from clustering.templates_forms import Form, core, is_word, repeats, speaks
from clustering.templates_traits import admissible
from clustering.words import PROSE

FIELDS_LEAST = 3
"""Fields from which on they count as a list."""

VARIANTS_LEAST = 3
"""Different forms from which on what they have in common is one."""


def listless(form: Form) -> Form | None:
    """Give a form with all its words `name=<*>` as one hole, where the first stands.

    None if they are few, or if no text would be left beside fields.
    """
    fields = {i for i, word in enumerate(form) if word.endswith("=" + MASK) and admissible(word)}
    if len(fields) < FIELDS_LEAST:
        return None
    first = min(fields)
    short = tuple(
        repeats([MASK if i == first else word for i, word in enumerate(form) if i == first or i not in fields])
    )
    return short if speaks(short) and any(map(_is_text, short)) else None


def _is_text(word: str) -> bool:
    name, equals, _ = word.partition("=")
    return is_word(word) and (not equals or core(name) in PROSE)


def learn_lists(forms: Iterable[Form]) -> frozenset[Form]:
    """Give the listless forms that enough of a program's forms share."""
    variants: dict[Form, int] = {}
    for form in forms:
        short = listless(form)
        if short is not None:
            variants[short] = variants.get(short, 0) + 1
    return frozenset(short for short, n in variants.items() if n >= VARIANTS_LEAST)
