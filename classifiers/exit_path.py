"""One knob over all policies: at knob t a stage answers iff it is sure by t and its offset; and what that costs."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from schemas.policy import F64, I64, Ladder

STEPS = 50
"""Policies along the path: quantiles of scores, so each accepts 2 % of the kinds more than the one before."""

OFFSETS = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, np.inf)
"""What a stage before the last may need more than the knob; inf: it never answers alone."""


@dataclass(frozen=True)
class Path:
    """Policies from strict to liberal.

    Attributes:
        grid: (m,) knobs, falling. coverage: (m,) share of the pool that each accepts.
        offsets: (k,) what each stage needs more than the knob.
    """

    grid: F64
    coverage: F64
    offsets: F64

    def thresholds(self, knob: float) -> F64:
        """Give what each stage's q must reach, (k,)."""
        return knob + self.offsets


def exit_path(ladder: Ladder, depth: str, pool: Ladder | None, offsets: F64 | None = None) -> Path:
    """Lay the path by unlabelled kinds; without any, in even steps from 1 to 0."""
    shift = np.zeros(len(ladder.stages)) if offsets is None else np.asarray(offsets, np.float64)
    if shift.shape != (len(ladder.stages),):
        raise ValueError(f"{len(shift)} offsets for {len(ladder.stages)} stages")
    if pool is None:
        grid = np.linspace(1.0, 0.0, STEPS + 1)
        return Path(grid, np.full(len(grid), np.nan), shift)
    reach = np.sort((_usable(pool, depth) - shift).max(1))[::-1]
    grid = np.unique(np.quantile(reach, np.linspace(0.0, 1.0, STEPS + 1), method="higher"))[::-1]
    grid = grid[np.isfinite(grid)]
    return Path(grid, np.searchsorted(-reach, -grid, side="right") / len(reach), shift)


def exits_at(ladder: Ladder, depth: str, thresholds: F64) -> I64:
    """Give the first stage whose q reaches its threshold, for each kind, (n,); -1: none."""
    reached = _usable(ladder, depth) >= thresholds
    return np.where(reached.any(1), reached.argmax(1), -1).astype(np.int64)


def mean_cost(ladder: Ladder, stage: I64) -> float:
    """Give the CPU-seconds a kind, for kinds that exit at these stages (-1: none, and all stages were asked)."""
    spent = np.cumsum(ladder.costs)
    return float(spent[stage].mean()) if len(stage) else 0.0


def cheapest_offsets(tune: Ladder, truth: I64, depth: str, p: float, choices: Sequence[float] = OFFSETS) -> F64:
    """Choose offsets on `tune`: those whose most liberal policy that seems precise enough costs least.

    A kind that no stage answers costs all stages twice: whoever decides on it then is dearer than they.
    """
    best, least = np.zeros(len(tune.stages)), np.inf
    for early in product(choices, repeat=len(tune.stages) - 1):
        offsets = np.array([*early, 0.0])
        path = exit_path(tune, depth, tune, offsets)
        found = [_seeming(tune, truth, depth, path.thresholds(t)) for t in path.grid]
        costs = [cost for precision, cost in found if precision >= p]
        if costs and min(costs) < least:
            best, least = offsets, min(costs)
    return best


def _seeming(tune: Ladder, truth: I64, depth: str, thresholds: F64) -> tuple[float, float]:
    """Give the precision seen, and the cost."""
    stage = exits_at(tune, depth, thresholds)
    accepted = stage >= 0
    if not accepted.any():
        return 0.0, np.inf
    right = tune.answer[depth][np.arange(len(stage)), stage] == truth
    left = float((~accepted).mean()) * float(tune.costs.sum())
    return float(right[accepted].mean()), mean_cost(tune, stage) + left


def _usable(ladder: Ladder, depth: str) -> F64:
    """How sure each stage is; -inf where it has no answer."""
    return np.where(ladder.answer[depth] >= 0, ladder.q[depth], -np.inf)
