"""Choose, on `tune`, how far stages climb: the shape of policy that costs least for what it answers."""

from collections.abc import Sequence
from itertools import product

import numpy as np

from classifiers.exit_path import Shape, asked_at, exit_path, exits_at, mean_cost
from schemas.policy import F64, I64, Ladder

OFFSETS = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, np.inf)
"""What a stage before the last may need more than the knob; inf: it never answers alone."""

FEW = (0.0, 0.02, 0.05, np.inf)
"""The same, where gaps are tried beside."""

SWEEPS = 2
"""The stages are gone through so often, from the dear ones to the cheap; the last answers at the knob."""

GAPS = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, np.inf)
"""How far below the knob a kind may lie that is passed on; 0: the way ends there, inf: all are."""


def cheapest(
    tune: Ladder, truth: I64, depth: str, p: float, *, thrifty: bool = False, price: float | None = None,
    offsets: Sequence[float] | None = None, gaps: Sequence[float] = GAPS,
) -> Shape:  # fmt: skip
    """Choose the shape whose most liberal policy that seems precise enough costs least.

    Args:
        truth: (n,) the right answer of each kind, an index at that depth.
        thrifty: whether a kind may be left where it is; if not, what no stage answers climbs to the last.
        price: CPU-seconds that a kind which nobody answers counts for. None: what all stages take, so a kind is passed
            on only where one more certified answer costs less, all in all, than to ask every stage about a kind.
    """
    choices = list(product(offsets or (FEW if thrifty else OFFSETS), gaps if thrifty else (np.inf,)))
    best = Shape.plain(len(tune.stages))
    least = cost_of(tune, truth, depth, p, best, price)
    for k in [*range(len(tune.stages) - 2, -1, -1)] * SWEEPS:
        for shape in [_changed(best, k, *choice) for choice in choices]:
            cost = cost_of(tune, truth, depth, p, shape, price)
            if cost < least:
                best, least = shape, cost
    return best


def cost_of(tune: Ladder, truth: I64, depth: str, p: float, shape: Shape, price: float | None = None) -> float:
    """Give what the cheapest policy of a shape costs a kind that seems precise enough; inf: there is none."""
    path = exit_path(tune, depth, tune, shape)
    worth = float(tune.costs.sum()) if price is None else price
    found = [_seeming(tune, truth, depth, path.thresholds(t), path.passes(t), worth) for t in path.grid]
    return min((cost for precision, cost in found if precision >= p), default=np.inf)


def precision(tune: Ladder, truth: I64, depth: str, stage: I64) -> float:
    """Give how often answers are right where kinds exit at these stages (-1: no answer); 0 without any."""
    rows = np.flatnonzero(stage >= 0)
    right = tune.answer[depth][rows, stage[rows]] == truth[rows]
    return float(right.mean()) if len(rows) else 0.0


def _changed(shape: Shape, k: int, offset: float, gap: float) -> Shape:
    """Give a shape with other numbers for one stage."""
    other = Shape(shape.offsets.copy(), shape.gaps.copy())
    other.offsets[k], other.gaps[k] = offset, gap
    return other


def _seeming(tune: Ladder, truth: I64, depth: str, thresholds: F64, passes: F64, price: float) -> tuple[float, float]:
    """Give the precision seen, and the cost."""
    stage = exits_at(tune, depth, thresholds, passes)
    left = float((stage < 0).mean())
    asked = asked_at(tune, depth, thresholds, passes)
    return precision(tune, truth, depth, stage), mean_cost(tune, asked) + left * price
