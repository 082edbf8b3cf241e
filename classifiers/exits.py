"""The exit score: how likely a stage's answer is right, read off what is cheap to see about it.

Max probability alone is a poor judge of an answer on a program never met. Beside it stand the lead over the second
guess, how near a labelled kind is, whether the stage before said the same, and how many words there were to read.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from classifiers.card import MODELS, ModelError, checked_bytes, read_card
from schemas.policy import DEPTHS
from schemas.taxonomy import domain_of, taxonomy

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

EVIDENCE = ("max", "margin", "near", "agrees", "words")
"""The columns of what the score reads: greatest probability, its lead over the second, how much nearer the labelled
kinds of the answer are than those of any other (`lead`), 1 if the stage before said the same, constant words."""

FILE = "exits.json"
LEAVES, DOMAINS = tuple(taxonomy().leaves), tuple(taxonomy().domains)
DOMAIN_OF: I64 = np.array([DOMAINS.index(domain_of(leaf)) for leaf in LEAVES], np.int64)
"""The domain of each leaf, as indices."""

_MEMBERS: F64 = np.eye(len(DOMAINS))[DOMAIN_OF]
_DIGITS = 4  # of q: the last of a float32 depend on what else is in the batch, and nobody may exit by that
_LEAST = 1e-4
_MOST_WORDS = 32.0
_FAR = 0.1  # a cosine that tells next to nothing
_FIRST = np.unique(DOMAIN_OF, return_index=True)[1]  # leaves stand by domain


def domains(p: npt.ArrayLike) -> F64:
    """Sum probabilities of leaves (n, leaves) to those of their domains (n, domains)."""
    return np.asarray(np.asarray(p, np.float64) @ _MEMBERS)


def nearest(cosines: F64) -> F64:
    """Give cosines by domain (n, domains), each the greatest of its leaves, from those by leaf (n, leaves)."""
    return np.asarray(np.maximum.reduceat(cosines, _FIRST, axis=1))


def evidence(p: F64, near: npt.ArrayLike, agrees: npt.ArrayLike, words: npt.ArrayLike) -> F64:
    """Put together what the score reads, for the best of some classes.

    Args:
        p: (n, classes) probabilities, of leaves or of domains. near: (n,) in [-1, 1]. agrees: (n,) 0 or 1; 0 for a
            first stage. words: (n,) constant words.
    Returns:
        (n, 5) float64, columns as in EVIDENCE.
    """
    top = np.partition(p, -2, axis=1)[:, -2:] if len(p) else np.zeros((0, 2))
    columns = [top[:, 1], top[:, 1] - top[:, 0], near, agrees, words]
    return np.stack([np.asarray(c, np.float64) for c in columns], axis=1)


def lead(cosines: F64, answer: I64) -> F64:
    """Compare the labelled kinds of the answer with those of all others.

    On tiny's answers for 1,047 kinds of programs never met it lowered AURC by 2 % (leaves) and 5 % (domains) beside the
    other columns, while the plain cosine to the nearest kind got no weight.

    Args:
        cosines: (n, classes) to the nearest labelled kind of each class. answer: (n,) a class.
    Returns:
        (n,) in (-1, 1): 1 if only the answer's are near, -1 if only others are, 0 if none is.
    """
    rows = np.arange(len(answer))
    others = cosines.copy()
    others[rows, answer] = 0.0
    same, other = cosines[rows, answer], others.max(1) if len(answer) else np.zeros(0)
    return np.asarray((same - other) / (same + other + _FAR))


def read(found: F64) -> F64:
    """Give evidence (n, 5) the form in which it is weighed: each column rises, and none runs away."""
    top = np.clip(found[:, 0], _LEAST, 1.0 - _LEAST)
    words = np.log1p(np.clip(found[:, 4], 0.0, _MOST_WORDS)) / np.log1p(_MOST_WORDS)
    return np.stack([np.log(top / (1.0 - top)), found[:, 1], found[:, 2], found[:, 3], words], axis=1)


@dataclass(frozen=True)
class Weights:
    """A logistic model over `read` evidence, no weight below 0, and the rising line from its odds to shares right."""

    weights: tuple[float, ...]
    bias: float
    knots: tuple[tuple[float, float], ...]

    def raw(self, found: F64) -> F64:
        """Give (n,) in (0, 1), before the line."""
        z: F64 = read(found) @ np.array(self.weights) + self.bias
        return np.asarray(1.0 / (1.0 + np.exp(-z)), np.float64)

    def q(self, found: F64) -> F64:
        """Give (n,) in [0, 1], from evidence (n, 5)."""
        return self.line(self.raw(found))

    def line(self, raw: F64) -> F64:
        """Read off the knots how often answers are right; beyond them the line runs to (0, 0) and to (1, 1)."""
        x, y = zip((0.0, 0.0), *self.knots, (1.0, 1.0), strict=True)
        return np.asarray(np.round(np.interp(raw, x, y), _DIGITS), np.float64)


@dataclass(frozen=True)
class ExitScore:
    """Weights by stage and depth.

    Attributes:
        models: of the stages, by name, in the order asked, when the weights were fitted. near: the labelled kinds then.
        costs: CPU-seconds a kind, by stage; the first one's with what is looked up for all.
        offsets, gaps: the shape of policies, by tier and by depth, then stage; a stage that is missing: inf.
        thresholds, passes: found on `tune`, by tier and by depth, then stage; they promise nothing.
        left_out: stages that gain nothing at their cost, with the figures that say so.
        sha256: of the file; a certificate freezes it.
    """

    models: Mapping[str, str]
    near: str
    costs: Mapping[str, float]
    weights: Mapping[str, Mapping[str, Weights]]
    offsets: Mapping[str, Mapping[str, float]]
    thresholds: Mapping[str, Mapping[str, float]]
    left_out: Mapping[str, str] = field(default_factory=dict)
    sha256: str = ""
    gaps: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    passes: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @staticmethod
    def load(folder: Path | None = None) -> "ExitScore":
        """Load from a folder with a card; None: what is packaged.

        Raises:
            ModelError: a file is missing, or is not the one of the card.
        """
        folder = MODELS / "exits" if folder is None else folder
        data = checked_bytes(folder, read_card(folder), FILE)
        try:
            return ExitScore.of(json.loads(data), hashlib.sha256(data).hexdigest())
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"{folder / FILE}: no exit scores: {error!r}; `dioptre train exits` makes them") from None

    @staticmethod
    def of(tree: Mapping[str, Any], sha256: str = "") -> "ExitScore":
        """Read what `tree` wrote."""
        weights = {
            stage: {
                d: Weights(tuple(w["weights"]), float(w["bias"]), tuple((float(x), float(y)) for x, y in w["knots"]))
                for d, w in by_depth.items()
            }
            for stage, by_depth in tree["weights"].items()
        }
        names = ("models", "near", "costs", "offsets", "thresholds", "left_out")
        rest = {name: tree[name] for name in names} | {name: tree.get(name, {}) for name in ("gaps", "passes")}
        return ExitScore(**rest, weights=weights, sha256=sha256)

    def tree(self) -> dict[str, Any]:
        """Give what goes into the file."""
        weights = {
            stage: {d: {"weights": w.weights, "bias": w.bias, "knots": w.knots} for d, w in by_depth.items()}
            for stage, by_depth in self.weights.items()
        }
        names = ("models", "near", "costs", "offsets", "thresholds", "left_out", "gaps", "passes")
        return {name: getattr(self, name) for name in names} | {"weights": weights}

    def q(self, stage: str, depth: str, found: F64) -> F64:
        """Give how sure a stage is to be right at a depth: (n,) in [0, 1], on four decimals, from evidence (n, 5).

        Raises:
            ValueError: no weights for that stage, or no such depth.
        """
        if stage not in self.weights or depth not in DEPTHS:
            raise ValueError(f"no exit score for {stage!r} at depth {depth!r}; known: {', '.join(self.weights)}")
        return self.weights[stage][depth].q(found)

    def fitting(self, models: Sequence[tuple[str, str]], near: str) -> frozenset[str]:
        """Tell for which stages the weights hold: all asked before them are the ones they were fitted beside.

        Args:
            models: (name, model) of the stages that are models, in the order asked. near: the list of labelled kinds.
        """
        held: list[str] = []
        if near == self.near:
            for mine, theirs in zip(self.models.items(), models, strict=False):
                if mine != theirs:
                    break
                held.append(mine[0])
        return frozenset(held)
