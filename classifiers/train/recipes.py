"""What the networks are trained on, and how: the settings of the packaged ones, and the rows as samples."""

import random
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from classifiers.text import sentence
from classifiers.train.dealt import Dealt
from classifiers.train.evaluate import LEAVES
from classifiers.train.finetune import Sample, Settings
from classifiers.train.fit import one_hot
from classifiers.train.lessons import TRUST, Teacher, thinned
from classifiers.train.phrases import patterns
from schemas.registry import Kind

F64 = npt.NDArray[np.float64]

SMOOTH = 0.1
"""Share of a label that is spread over all leaves."""

BALANCE = 0.5
"""How far rare leaves are weighted up: a row counts its leaf's number of rows to the power of minus this."""

PHRASE_WEIGHT, VARIANTS = 0.5, 3
UNLABELLED_WEIGHT = 0.5

NAMED, NAMELESS = 0.7, 0.3
"""How often a kind is read with its program's words, and without: what is met in use is mostly of strange programs."""


def for_large(epochs: int | None = None) -> Settings:
    """Fine-tune the upper half; the lower one stays as it is, and is computed once.

    After one epoch leaf macro-F1 was .571 so at this rate, .565 with all layers at half of it.
    """
    return Settings(epochs=epochs or 4, rate=2e-4, decay=0.9, frozen=3, contrast=0.1, lost=0.05)


def for_small(epochs: int | None = None) -> Settings:
    """Teach the student all its layers: of two, neither can be spared."""
    return Settings(epochs=epochs or 3, rate=3e-4, decay=1.0, lost=0.05)


def of_labels(dealt: Dealt, seed: int) -> list[Sample]:
    """Make samples of the kinds of `train`, and of the phrases."""
    at = dealt.at("train")
    wanted = _smooth(one_hot(dealt.classes[at], len(LEAVES)))
    rows = [
        Sample((sentence(kind), sentence(_nameless(kind))), (NAMED, NAMELESS), target, float(weight))
        for kind, target, weight in zip(dealt.kinds(at), wanted, _weights(dealt), strict=True)
    ]
    return rows + _said(seed)


def of_teacher(dealt: Dealt, teacher: Teacher, unlabelled: Sequence[Kind], seed: int) -> list[Sample]:
    """Make samples whose targets are half what a teacher says; kinds without a label take its word for it."""
    rng = random.Random(seed)
    at = dealt.at("train")
    kinds = dealt.kinds(at)
    labels = _smooth(one_hot(dealt.classes[at], len(LEAVES)))
    wanted = ((1 - TRUST) * labels + TRUST * teacher(kinds)).astype(np.float32)
    rows = [
        Sample(_ways(kind, rng), (NAMED, NAMELESS), target, float(weight))
        for kind, target, weight in zip(kinds, wanted, _weights(dealt), strict=True)
    ]
    others = teacher(unlabelled) if unlabelled else np.zeros((0, len(LEAVES)))
    rows += [
        Sample((sentence(kind),), (1.0,), target.astype(np.float32), UNLABELLED_WEIGHT)
        for kind, target in zip(unlabelled, others, strict=True)
    ]
    return rows + _said(seed)


def _ways(kind: Kind, rng: random.Random) -> tuple[str, ...]:
    less = kind.template if rng.random() < 0.5 else thinned(kind.template, rng)
    return sentence(kind), sentence(Kind("", "", less))


def _nameless(kind: Kind) -> Kind:
    return Kind("", "", kind.template)


def _said(seed: int) -> list[Sample]:
    """One sample a pattern of the phrases: some of its variants, one of which is drawn each epoch."""
    out = []
    for pattern in patterns(seed):
        texts = tuple(sentence(kind) for kind in pattern.kinds()[:VARIANTS])
        target = _smooth(one_hot(np.array([LEAVES.index(pattern.leaf)]), len(LEAVES)))[0]
        out.append(Sample(texts, (1.0,) * len(texts), target, PHRASE_WEIGHT))
    return out


def _smooth(wanted: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return np.asarray((1 - SMOOTH) * wanted + SMOOTH / wanted.shape[1], np.float32)


def _weights(dealt: Dealt) -> npt.NDArray[np.float64]:
    at = dealt.at("train")
    count = np.maximum(np.bincount(dealt.classes[at], minlength=len(LEAVES)), 1)
    weight = dealt.weights(at) * (count.mean() / count[dealt.classes[at]]) ** BALANCE
    return np.asarray(weight / weight.mean(), np.float64)
