"""Other ways to choose a threshold, to be held against ours: the naive cut, SGR, and MAPIE's Holm; and retries."""

from collections.abc import Callable

import numpy as np

from classifiers.binomial import lower_bound
from classifiers.certify import Proof, certify
from classifiers.exit_path import exit_path
from schemas.policy import F64, FINE, I64, LEAF, Ladder
from tests.classifiers.certify_kit import CLASSES, FLAT, SHARP, answered, chance, ladder, one_stage, population

NOTHING = np.inf
"""The knob at which nothing is answered."""


def ours(cert: Ladder, truth: I64, p: float, delta: float, pool: Ladder) -> float:
    """Give the knob that is certified."""
    proof = certify(cert, truth, type(FINE)("bench", LEAF, p), delta, pool)
    return proof.knob if isinstance(proof, Proof) else NOTHING


def naive(cert: Ladder, truth: I64, p: float, delta: float, pool: Ladder) -> float:
    """Give the most liberal knob at which precision was seen to be p: what is mostly done."""
    found = [(knob, *_counts(cert, truth, knob)) for knob in exit_path(cert, LEAF, pool).grid]
    return min((knob for knob, n, e in found if n and 1 - e / n >= p), default=NOTHING)


def sgr(cert: Ladder, truth: I64, p: float, delta: float, pool: Ladder) -> float:
    """Search by halves, exact bound at delta over all steps.

    Source: Geifman & El-Yaniv 2017, Algorithm 2.
    """
    scores = np.sort(cert.q[LEAF][:, 0])
    low, high, best = 0, len(scores) - 1, NOTHING
    steps = int(np.ceil(np.log2(len(scores))))
    for _ in range(steps):
        middle = (low + high + 1) // 2
        n, e = _counts(cert, truth, scores[middle])
        if lower_bound(e, n, delta / steps) >= p:
            best, high = scores[middle], middle
        else:
            low = middle
    return float(best)


def holm(cert: Ladder, truth: I64, p: float, delta: float, pool: Ladder) -> float:
    """Let MAPIE control precision over our grid: Hoeffding-Bentkus with Holm's correction, its default kind of test."""
    from mapie.risk_control import BinaryClassificationController

    grid = exit_path(cert, LEAF, pool).grid
    usable = grid[(grid >= 0) & (grid <= 1)]
    scores, right = cert.q[LEAF][:, 0], (cert.answer[LEAF][:, 0] == truth).astype(int)
    controller = BinaryClassificationController(
        lambda x: np.stack([1 - x[:, 0], x[:, 0]], 1), "precision", target_level=p, confidence_level=1 - delta,
        list_predict_params=usable, fwer_method="bonferroni_holm",
    )  # fmt: skip
    controller.calibrate(scores[:, None], right)
    return float(min(np.atleast_1d(controller.valid_predict_params), default=NOTHING))


METHODS: dict[str, Callable[[Ladder, I64, float, float, Ladder], float]] = {
    "naive": naive, "SGR": sgr, "MAPIE, Holm": holm, "ours": ours,
}  # fmt: skip


def retried(n: int, retries: int, seed: int, delta: Callable[[int], float]) -> float:
    """Try models in turn on one cert set and keep the one that reaches farthest; give its true precision.

    Each model is as good as the others: who is sure, and who is right, is drawn anew for the same kinds.

    Args:
        delta: number of the attempt, from 0 -> what it spends.
    """
    rng = np.random.default_rng([n, seed])
    truth = rng.integers(0, CLASSES, n)
    pool, _ = one_stage(2_000, rng, name="pool")
    best: Proof | None = None
    for i in range(retries):
        score = rng.beta(SHARP, FLAT, n)
        right = rng.random(n) < chance(score)
        cert = ladder(("tiny",), (1.0,), score[:, None], answered(truth, right)[:, None], "cert")
        proof = certify(cert, truth, FINE, delta(i), pool)
        if isinstance(proof, Proof) and (best is None or proof.knob < best.knob):
            best = proof
    return 1.0 if best is None else precision_from(best.knob)


def precision_from(knob: float) -> float:
    """Give the true precision of answering from a score on."""
    score, precision, _ = population()
    at = int(np.searchsorted(-score, -knob, side="right")) - 1
    return 1.0 if at < 0 else float(precision[at])


def _counts(cert: Ladder, truth: I64, knob: float) -> tuple[int, int]:
    accepted: F64 = cert.q[LEAF][:, 0] >= knob
    return int(accepted.sum()), int((cert.answer[LEAF][:, 0] != truth)[accepted].sum())
