"""Learn from many forms which of their words are variable, whatever order the forms come in.

A place of a form is a *slot* when the forms of the program that agree with it everywhere else show enough different
words there (`templates_rounds`); all slots of a form become holes at once, unless too little would be left of it. That
makes forms alike that were not, so it is done again until nothing changes; then the same for two places at once. At
the end rows of holes are written as one, which makes forms of another length alike: the next level. What is learnt
from a set of forms is a function of the set.
"""

from collections.abc import Iterable

import numpy as np

from clustering.templates_forms import Form, repeats, shown, speaks
from clustering.templates_rounds import Ints, Pairs, Round
from clustering.templates_traits import Vocabulary

Owned = tuple[str, Form]
"""A program (masked) and one of its forms."""

Level = dict[Form, Form]
"""What the forms of one program have become: the same words, or NARROW or WIDE in place of some."""

LONGEST = 64
"""Words of a form up to which slots are learnt in it."""

ROUNDS_MOST = 64
"""Rounds after which what still changes is left as it is; logs settle in five, and each round makes a hole at least."""

LEVELS_MOST = 3


def learn(owned: Iterable[Owned]) -> dict[str, list[Level]]:
    """Learn the slots of forms.

    Args:
        owned: forms of any programs, in any order; each program's are learnt by themselves.
    Returns:
        Of each program its levels, at least one. What a form has become goes on to the next by `after`.
    """
    learner, out = _Learner(), dict[str, list[Level]]()
    todo = set(owned)
    for _ in range(LEVELS_MOST):
        learnt = learner.learn(todo)
        for app, level in learnt.items():
            out.setdefault(app, []).append(level)
        todo = {
            (app, after(become))
            for app, level in learnt.items()
            if any(after(become) != become for become in level.values())
            for become in level.values()
        }
        if not todo:
            break
    return out


def after(become: Form) -> Form:
    """Give the form that one has at the next level."""
    shorter = tuple(repeats(become))
    return shorter if len(shorter) < len(become) and speaks([*map(shown, shorter)]) else become


class _Learner:
    """Learns level after level; words, and what introduces names, are known from one to the next."""

    def __init__(self) -> None:
        self._vocabulary = Vocabulary()
        self._apps: dict[str, int] = {}
        self._introducers: Pairs = set()

    def learn(self, owned: Iterable[Owned]) -> dict[str, Level]:
        """Learn one level."""
        by_length: dict[int, list[Owned]] = {}
        out: dict[str, Level] = {}
        for app, form in owned:
            out.setdefault(app, {})[form] = form
            if len(form) <= LONGEST:
                by_length.setdefault(len(form), []).append((app, form))
        blocks = [self._block(those) for those in by_length.values()]
        self._settle(blocks)
        for those, block in zip(by_length.values(), blocks, strict=True):
            for (app, form), row in zip(those, block[:, 1:].tolist(), strict=True):
                out[app][form] = tuple(self._vocabulary.words[number] for number in row)
        return out

    def _block(self, those: list[Owned]) -> Ints:
        """(n, 1 + length) numbers of the program and of the words of each form."""
        number, apps = self._vocabulary.number, self._apps
        return np.array([[apps.setdefault(app, len(apps)), *map(number, form)] for app, form in those], np.int64)

    def _settle(self, blocks: list[Ints]) -> None:
        """Rewrite the forms until nothing changes."""
        for _ in range(ROUNDS_MOST):
            rounds = [Round(block, self._vocabulary, self._introducers) for block in blocks]
            found = {pair for one in rounds for pair in one.introducers()} - self._introducers
            self._introducers |= found
            changed = [one.rewrite(one.slots) for one in rounds]
            if not any(changed) and not found:
                changed = [one.rewrite(one.slots_in_pairs()) for one in rounds]
                if not any(changed):
                    return
