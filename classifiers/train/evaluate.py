"""What a model is worth on programs it never met: folds by program, scores, calibration, the floor."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.taxonomy import domain_of, taxonomy

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
LEAVES = tuple(taxonomy().leaves)
DOMAINS = tuple(taxonomy().domains)
DOMAIN_OF = np.array([DOMAINS.index(domain_of(leaf)) for leaf in LEAVES])
_TEMPERATURES = np.geomspace(0.2, 5.0, 65)
_KNOTS = 16


def folds(groups: Sequence[str], count: int, seed: int) -> I64:
    """Deal groups into folds of about the same number of rows; a group is never parted."""
    sizes = Counter(groups)
    order = sorted(sizes, key=lambda g: (-sizes[g], hashlib.sha256(f"{seed} {g}".encode()).hexdigest()))
    load, where = [0] * count, {}
    for group in order:
        where[group] = int(np.argmin(load))
        load[where[group]] += sizes[group]
    return np.array([where[g] for g in groups], np.int64)


def probabilities(logits: npt.ArrayLike, temperature: float) -> F64:
    """Softmax of logits / temperature, row by row."""
    x = np.asarray(logits, np.float64) / temperature
    e = np.exp(x - x.max(1, keepdims=True))
    return np.asarray(e / e.sum(1, keepdims=True))


def macro_f1(truth: I64, guess: I64) -> float:
    """Mean F1 over the classes that occur in `truth`."""
    scores = []
    for c in np.unique(truth):
        hit = np.sum((truth == c) & (guess == c))
        scores.append(2 * hit / (np.sum(truth == c) + np.sum(guess == c)))
    return float(np.mean(scores))


def temperature_of(logits: npt.ArrayLike, truth: I64) -> float:
    """The temperature under which held-out labels are likeliest."""
    rows = np.arange(len(truth))
    losses = [-np.log(probabilities(logits, t)[rows, truth] + 1e-12).mean() for t in _TEMPERATURES]
    return float(_TEMPERATURES[int(np.argmin(losses))])


def knots_of(top: F64, right: npt.NDArray[np.bool_]) -> list[tuple[float, float]]:
    """How often the best guess is right, as a rising line through (its probability, share right).

    Equal bins, pooled where a greater probability was right less often (isotonic regression); between two knots the
    line is straight, beyond the ends it is level.
    """
    order = np.argsort(top, kind="stable")
    pools: list[list[float]] = []  # sum of probabilities, of rights, count
    for part in np.array_split(order, min(_KNOTS, len(order))):
        pools.append([float(top[part].sum()), float(right[part].sum()), float(len(part))])
        while len(pools) > 1 and pools[-2][1] / pools[-2][2] >= pools[-1][1] / pools[-1][2]:
            last = pools.pop()
            pools[-1] = [a + b for a, b in zip(pools[-1], last, strict=True)]
    return [(round(p / n, 6), round((r + 0.5) / (n + 1.0), 6)) for p, r, n in pools]


def calibrated(top: npt.ArrayLike, knots: Sequence[Sequence[float]]) -> F64:
    """Read confidences off the line through `knots`."""
    return np.interp(np.asarray(top, np.float64), [k[0] for k in knots], [k[1] for k in knots])


def ece(confidence: F64, right: npt.NDArray[np.bool_], bins: int = 15) -> float:
    """Expected calibration error: mean distance of confidence and share right, over bins of equal width."""
    at = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(float((confidence[at == b] - right[at == b]).sum())) for b in range(bins)]
    return sum(gaps) / len(confidence)


def floor_of(confidence: F64, right: npt.NDArray[np.bool_], wanted: float) -> float:
    """The least confidence from which on answers are right at the wanted share, on two decimals."""
    for floor in np.arange(0.0, 1.0, 0.01):
        answered = confidence >= floor
        if answered.any() and right[answered].mean() >= wanted:
            return round(float(floor), 2)
    return 1.0


def scores(p: F64, confidence: F64, truth: I64, floor: float) -> dict[str, Any]:
    """All figures of a card, from calibrated held-out probabilities (n, leaves) and confidences (n,)."""
    guess, coarse = p.argmax(1), _domains(p).argmax(1)
    right, domain_right = guess == truth, DOMAIN_OF[guess] == DOMAIN_OF[truth]
    answered = confidence >= floor
    figures = {
        "kinds": len(truth),
        "leaf_macro_f1": macro_f1(truth, guess),
        "leaf_accuracy": right.mean(),
        "domain_macro_f1": macro_f1(DOMAIN_OF[truth], coarse),
        "domain_accuracy": (coarse == DOMAIN_OF[truth]).mean(),
        "ece": ece(confidence, right),
        "floor": floor,
        "coverage_at_floor": answered.mean(),
        "leaf_precision_at_floor": right[answered].mean() if answered.any() else 0.0,
        "domain_precision_at_floor": domain_right[answered].mean() if answered.any() else 0.0,
        "majority_leaf_accuracy": np.bincount(truth).max() / len(truth),
        "majority_domain_accuracy": np.bincount(DOMAIN_OF[truth]).max() / len(truth),
    }
    return {name: value if isinstance(value, int) else round(float(value), 4) for name, value in figures.items()}


def _domains(p: F64) -> F64:
    """Probabilities of the domains: each the sum of its leaves."""
    out = np.zeros((len(p), len(DOMAINS)))
    for leaf, domain in enumerate(DOMAIN_OF):
        out[:, domain] += p[:, leaf]
    return out
