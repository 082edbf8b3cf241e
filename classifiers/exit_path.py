"""One knob over all policies: at knob t a stage answers iff it is sure by t and its offset; and what that costs."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from schemas.policy import F64, I64, Ladder

STEPS = 50
"""Policies along the path: quantiles of scores, so each accepts 2 % of the kinds more than the one before."""


@dataclass(frozen=True)
class Shape:
    """How a policy lies about its knob, one number a stage, (k,); found on `tune`.

    Attributes:
        offsets: what a stage needs more than the knob; inf: it never answers alone.
        gaps: how much less than the knob it must be sure by to pass a kind on; inf: it passes on whatever it does not
            answer. Less than that, and a certified answer of dearer stages is so unlikely that they are not asked.
    """

    offsets: F64
    gaps: F64

    @staticmethod
    def plain(stages: int) -> "Shape":
        """Give one threshold for all, and everything is passed on."""
        return Shape(np.zeros(stages), np.full(stages, np.inf))

    @staticmethod
    def of(stages: tuple[str, ...], offsets: Mapping[str, float] | None, gaps: Mapping[str, float] | None) -> "Shape":
        """Read what is told by stage: what is missing is inf; None: no offsets, all is passed on."""
        shift = np.zeros(len(stages)) if offsets is None else np.array([offsets.get(s, np.inf) for s in stages])
        return Shape(shift, np.array([(gaps or {}).get(s, np.inf) for s in stages]))


@dataclass(frozen=True)
class Path:
    """Policies from strict to liberal: what one answers, the next does too.

    Attributes:
        grid: (m,) knobs, falling. coverage: (m,) share of the pool that each accepts.
    """

    grid: F64
    coverage: F64
    shape: Shape

    def thresholds(self, knob: float) -> F64:
        """Give what each stage's q must reach to answer, (k,)."""
        return knob + self.shape.offsets

    def passes(self, knob: float) -> F64:
        """Give what each stage's q must reach to pass a kind on, (k,)."""
        return knob - self.shape.gaps


def exit_path(ladder: Ladder, depth: str, pool: Ladder | None, shape: Shape | None = None) -> Path:
    """Lay the path by unlabelled kinds; without any, in even steps from 1 to 0."""
    shape = shape or Shape.plain(len(ladder.stages))
    if not shape.offsets.shape == shape.gaps.shape == (len(ladder.stages),):
        raise ValueError(f"{len(shape.offsets)} offsets, {len(shape.gaps)} gaps for {len(ladder.stages)} stages")
    if pool is None:
        grid = np.linspace(1.0, 0.0, STEPS + 1)
        return Path(grid, np.full(len(grid), np.nan), shape)
    reach = np.sort(_reach(pool, depth, shape))[::-1]
    grid = np.unique(np.quantile(reach, np.linspace(0.0, 1.0, STEPS + 1), method="higher"))[::-1]
    grid = grid[np.isfinite(grid)]
    return Path(grid, np.searchsorted(-reach, -grid, side="right") / len(reach), shape)


def _reach(pool: Ladder, depth: str, shape: Shape) -> F64:
    """Give the greatest knob at which each kind is answered, (n,); -inf: at none."""
    sure = _usable(pool, depth)
    comes = np.full(len(sure), np.inf)  # the greatest knob at which it comes to the stage
    best = np.full(len(sure), -np.inf)
    for k in range(sure.shape[1]):
        best = np.maximum(best, np.minimum(sure[:, k] - shape.offsets[k], comes))
        onward = np.where(pool.answer[depth][:, k] >= 0, pool.q[depth][:, k] + shape.gaps[k], np.inf)
        comes = np.minimum(comes, onward)
    return best


def exits_at(ladder: Ladder, depth: str, thresholds: F64, passes: F64 | None = None) -> I64:
    """Give the first stage whose q reaches its threshold, for each kind, (n,); -1: none that it comes to."""
    answers = (_usable(ladder, depth) >= thresholds) & _comes(ladder, depth, passes)
    return np.where(answers.any(1), answers.argmax(1), -1).astype(np.int64)


def asked_at(ladder: Ladder, depth: str, thresholds: F64, passes: F64 | None = None) -> I64:
    """Give the last stage that is asked, for each kind, (n,): where it is answered, or where its way ends."""
    stage = exits_at(ladder, depth, thresholds, passes)
    return np.where(stage >= 0, stage, _comes(ladder, depth, passes).sum(1) - 1).astype(np.int64)


def mean_cost(ladder: Ladder, asked: I64) -> float:
    """Give the CPU-seconds a kind, where these stages are the last that are asked (-1: the last there is)."""
    spent = np.cumsum(ladder.costs)
    return float(spent[asked].mean()) if len(asked) else 0.0


def told(stages: tuple[str, ...], values: F64) -> dict[str, float]:
    """Give numbers by stage, without those that are infinite."""
    return {name: float(x) for name, x in zip(stages, values.tolist(), strict=True) if np.isfinite(x)}


def _comes(ladder: Ladder, depth: str, passes: F64 | None) -> npt.NDArray[np.bool_]:
    """Tell which stages a kind comes to where none answers it, (n, k): a stage without an answer passes it on."""
    out = np.ones(ladder.q[depth].shape, np.bool_)
    if passes is not None:
        goes = (ladder.q[depth] >= passes) | (ladder.answer[depth] < 0)
        out[:, 1:] = np.logical_and.accumulate(goes[:, :-1], axis=1)
    return out


def _usable(ladder: Ladder, depth: str) -> F64:
    """How sure each stage is; -inf where it has no answer."""
    return np.where(ladder.answer[depth] >= 0, ladder.q[depth], -np.inf)
