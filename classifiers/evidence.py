"""Which words of a kind weigh most in an answer: what the model says without each of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from classifiers.stage import Model
from schemas.registry import Kind

MOST_WORDS = 48
"""Words that are left out one at a time; what a longer line is about stands at its front."""


@dataclass(frozen=True)
class Weighty:
    """A word of the template. `without`: the label's probability when it is left out."""

    word: str
    without: float


def weighty(stage: Model, kind: Kind, label: str, most: int = 5) -> list[Weighty]:
    """Find the words without which a label is least likely, the weightiest first.

    Words stand in the template verbatim; those that change nothing are not told. It takes a call of 49 kinds at most.
    """
    words = kind.template.split(" ")
    at = [i for i, word in enumerate(words) if any(c.isalpha() for c in word) and not word.startswith("<*")][
        :MOST_WORDS
    ]
    if not at or label not in stage.labels:
        return []
    asked = [kind, *(replace(kind, template=_without(words, i)) for i in at)]
    p = np.asarray(stage.scores(asked), np.float64)[:, stage.labels.index(label)]
    found = sorted(zip(at, p[1:].tolist(), strict=True), key=lambda one: (one[1], one[0]))
    return [Weighty(words[i], round(without, 4)) for i, without in found[:most] if without < p[0]]


def _without(words: Sequence[str], i: int) -> str:
    return " ".join([*words[:i], *words[i + 1 :]])
