"""Simpler ways to label a kind, to hold the models against: each is fitted on labelled kinds and gives probabilities."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from classifiers.exits import LEAVES
from classifiers.text import sentence
from schemas.registry import Kind

F64 = npt.NDArray[np.float64]
Spread = Callable[[Sequence[Kind]], F64]
_WORD = re.compile(r"[a-z]{2,}")


def majority(kinds: Sequence[Kind], classes: Any) -> Spread:
    """Say what is commonest."""
    share = np.bincount(classes, minlength=len(LEAVES)) / len(classes)
    return lambda asked: np.tile(share, (len(asked), 1))


def program_names(kinds: Sequence[Kind], classes: Any) -> Spread:
    """Say what is commonest of the program, else of programs that share a word of its name, else of all."""
    by: dict[str, Counter[int]] = defaultdict(Counter)
    for kind, leaf in zip(kinds, classes.tolist(), strict=True):
        for name in {kind.app.lower(), *_WORD.findall(kind.app.lower())}:
            by[name][leaf] += 1
    rest = np.bincount(classes, minlength=len(LEAVES)) / len(classes)

    def said(asked: Sequence[Kind]) -> F64:
        out = np.tile(rest, (len(asked), 1))
        for row, kind in zip(out, asked, strict=True):
            names = [kind.app.lower(), *_WORD.findall(kind.app.lower())]
            found = next((by[name] for name in names if name in by), None)
            if found:
                row[:] = [found[i] / found.total() for i in range(len(LEAVES))]
        return out

    return said


def ngram_logistic(kinds: Sequence[Kind], classes: Any) -> Spread:
    """Fit a logistic regression on words and pairs of words, weighted by rarity (scikit-learn)."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)
    model = LogisticRegression(C=10.0, max_iter=100, class_weight="balanced")
    model.fit(words.fit_transform([sentence(kind) for kind in kinds]), classes)

    def said(asked: Sequence[Kind]) -> F64:
        out = np.zeros((len(asked), len(LEAVES)))
        out[:, model.classes_] = model.predict_proba(words.transform([sentence(kind) for kind in asked]))
        return out

    return said


BASELINES = {"majority": majority, "program names": program_names, "n-gram logistic": ngram_logistic}
