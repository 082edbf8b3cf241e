"""Find the template that a form fits: equal words everywhere but in the slots, admissible words there."""

from collections.abc import Iterable, Sequence

from clustering.survivors import MASK
from clustering.templates_forms import NARROW, WIDE, Form, shown, value_hole
from clustering.templates_traits import admissible, is_doubtful

PLACES_MOST = 256
"""Sets of slot places tried for one length of one program's forms; only an attack makes more."""


class Fits:
    """The forms of one program that have slots.

    Args:
        learnt: forms with NARROW and WIDE at their slots; others are left out. Of several that fit, the one with the
            fewest slots is found, then the one whose slots come first.

    Attributes:
        all: the forms with slots.
    """

    def __init__(self, learnt: Iterable[Form]) -> None:
        self.all = frozenset(form for form in learnt if _places(form))
        found: dict[int, dict[tuple[int, ...], dict[Form, Form]]] = {}
        for form in sorted(self.all):
            plain = tuple(map(shown, form))
            found.setdefault(len(form), {}).setdefault(_places(form), {}).setdefault(plain, form)
        self._by_length = {
            length: sorted(by_places.items(), key=lambda item: (len(item[0]), item[0]))[:PLACES_MOST]
            for length, by_places in found.items()
        }

    def find(self, form: Form) -> Form | None:
        """Give the learnt form that a form fits, or None."""
        for places, learnt in self._by_length.get(len(form), ()):
            holed = list(form)
            for i in places:
                holed[i] = value_hole(form[i])
            known = learnt.get(tuple(holed))
            if known is not None and all(_takes(known[i], form[i]) for i in places):
                return known
        return None


def _places(form: Form) -> tuple[int, ...]:
    return tuple(i for i, word in enumerate(form) if NARROW in word or WIDE in word)


def _takes(slot: str, word: str) -> bool:
    return admissible(word) and (WIDE in slot or not is_doubtful(word))


def given(text: str) -> Form:
    """Read a template that people wrote: each bare hole in it is a slot that takes any word that tells nothing."""
    return tuple(word.replace(MASK, WIDE) for word in text.split(" "))


def text_of(form: Sequence[str]) -> str:
    """Write a learnt form as people see it."""
    return " ".join(map(shown, form))
