"""Stages whose true precision is known at every knob: what a certificate promises can be checked exactly."""

from functools import cache

import numpy as np
import numpy.typing as npt

from classifiers.exit_path import exits_at
from schemas.policy import DOMAIN, F64, I64, LEAF, Ladder

CLASSES = 5
SHARP, FLAT = 4.0, 0.55
"""Scores are Beta(4, .55): most are high, as a model's are."""


def chance(score: F64) -> F64:
    """How likely an answer with this score is right."""
    return 1.0 - 0.9 * (1.0 - score) ** 0.9


def one_stage(n: int, rng: np.random.Generator, shift: float = 0.0, name: str = "k") -> tuple[Ladder, I64]:
    """Draw n kinds for one stage: the ladder, and what is true of each. `shift`: so much is right less often."""
    score = rng.beta(SHARP, FLAT, n)
    truth = rng.integers(0, CLASSES, n)
    right = rng.random(n) < np.clip(chance(score) - shift, 0, 1)
    return ladder(("tiny",), (1.0,), score[:, None], answered(truth, right)[:, None], name), truth


def three_stages(n: int, rng: np.random.Generator, name: str = "k") -> tuple[Ladder, I64]:
    """Draw n kinds for stages of costs 1, 20, 1,000 and accuracies of some .86, .96 and .99, right together mostly."""
    hard = rng.random(n)
    q, right = [], []
    for power in (1.0, 4.0, 14.0):
        score = 1.0 - hard**power * rng.beta(2.0, 2.0, n) * 0.5
        q.append(score)
        right.append(rng.random(n) < 1.0 - 0.55 * hard**power)
    truth = rng.integers(0, CLASSES, n)
    answer = np.stack([answered(truth, r) for r in right], 1)
    return ladder(("tiny", "small", "large"), (1.0, 20.0, 1_000.0), np.stack(q, 1), answer, name), truth


def answered(truth: I64, right: npt.NDArray[np.bool_]) -> I64:
    """Give what is answered: what is true, or the class after it."""
    return np.where(right, truth, (truth + 1) % CLASSES)


def ladder(stages: tuple[str, ...], costs: tuple[float, ...], q: F64, answer: I64, name: str = "k") -> Ladder:
    """Make a ladder that says the same at both depths."""
    both = {DOMAIN: q, LEAF: q}
    keys = tuple(f"{name}{i}" for i in range(len(q)))
    return Ladder(stages, np.array(costs), both, {DOMAIN: answer, LEAF: answer}, keys)


@cache
def population() -> tuple[F64, F64, F64]:
    """Scores of a million kinds of one stage, falling; precision and coverage of accepting all down to each."""
    score = np.sort(np.random.default_rng(0).beta(SHARP, FLAT, 1_000_000))[::-1]
    number = np.arange(1, len(score) + 1)
    return score, np.cumsum(chance(score)) / number, number / len(score)


def truth_of(knob: float) -> tuple[float, float]:
    """Give the true precision and coverage of one stage that answers from a score on."""
    score, precision, coverage = population()
    at = int(np.searchsorted(-score, -knob, side="right")) - 1
    return (1.0, 0.0) if at < 0 else (float(precision[at]), float(coverage[at]))


def oracle(p: float) -> float:
    """Give the greatest coverage at which precision is still p."""
    _, precision, coverage = population()
    return float(coverage[precision >= p].max(initial=0.0))


def precision_of(policy: F64, big: Ladder, truth: I64) -> float:
    """Give how often a policy is right on kinds so many that they stand for all."""
    stage = exits_at(big, LEAF, policy)
    accepted = stage >= 0
    answer = big.answer[LEAF][np.arange(len(big)), stage]
    return float((answer == truth)[accepted].mean()) if accepted.any() else 1.0
