"""What students learn from beside the labels: the same kinds said with less, and kinds that nobody labelled."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from schemas.registry import Kind

T = TypeVar("T")
F64 = npt.NDArray[np.float64]
Teacher = Callable[[Sequence[Kind]], F64]
"""Kinds -> probabilities (n, leaves)."""

TRUST = 0.5
"""How much of a labelled kind's target is what the teacher says; the rest is the label."""

_LOST = 0.25  # share of its words that a thinned template loses
_SURE, _UNSURE = 0.8, 0.6


@dataclass(frozen=True)
class Lesson:
    """Kinds without a label, what the teacher says of them (n, leaves), and how much each counts."""

    kinds: tuple[Kind, ...]
    wanted: F64
    weight: float


def pool(kinds: Sequence[Kind], unlabelled: Sequence[Kind], seed: int) -> list[Kind]:
    """Say kinds with less (without their program; without some words), and add others: what a lesson is chosen from."""
    rng = random.Random(seed)
    out = [Kind("", "", kind.template) for kind in kinds if kind.app]
    out += [Kind("", "", thinned(kind.template, rng)) for kind in kinds]
    return list(dict.fromkeys([*out, *(Kind("", kind.app, kind.template) for kind in unlabelled)]))


def thinned(template: str, rng: random.Random) -> str:
    """Leave out some of a template's words."""
    words = template.split()
    return " ".join(word for word in words if rng.random() >= _LOST) or template


def doubtful(teacher: F64, student: F64, count: int, seed: int) -> list[int]:
    """Choose `count` kinds of which the teacher is sure and the student is not; where too few are, the nearest to it.

    Args:
        teacher, student: probabilities (n, leaves).
    """
    sure, unsure = teacher.max(1), student[np.arange(len(student)), teacher.argmax(1)]
    keen = (sure >= _SURE) & (unsure < _UNSURE)
    order = list(range(len(teacher)))
    random.Random(seed).shuffle(order)
    order.sort(key=lambda i: (not keen[i], 0.0 if keen[i] else unsure[i] - sure[i]))
    return order[:count]


def drawn(among: Sequence[T], count: int, rng: random.Random) -> list[T]:
    """Choose `count` at random, or all if there are fewer."""
    return rng.sample(list(among), min(count, len(among)))
