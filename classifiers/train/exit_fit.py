"""Fit exit scores to what stages said of kinds held out; choose thresholds; find stages that gain nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from classifiers.exit_path import Shape, asked_at, exit_path, exits_at, mean_cost, told
from classifiers.exit_shape import cheapest, cost_of, precision
from classifiers.exits import EVIDENCE, Weights, evidence, lead, read
from classifiers.opinions import Seen
from classifiers.train import evaluate
from schemas.policy import DEPTHS, TIERS, Ladder, Tier

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
_FOLDS = 5
_RIDGE = 1e-3
_FEW = (0.0, 0.05, np.inf)  # offsets, and gaps, tried where policies are only compared
_GAIN = 0.98
"""A stage is left out unless the cascade with it costs at most this share of the one without."""


@dataclass(frozen=True)
class Held:
    """Labelled kinds that no model has met, and what each stage says of them.

    `family`: whose they are, by kind. `truth`: by depth. `p`: by stage and depth. `costs`: CPU-seconds a kind.
    """

    family: Sequence[str]
    truth: dict[str, I64]
    seen: Seen
    p: dict[str, dict[str, F64]]
    costs: dict[str, float]


@dataclass(frozen=True)
class Fitted:
    """Weights, and how sure they are of kinds held out, (n,), both by stage and depth; figures to print."""

    weights: dict[str, dict[str, Weights]]
    q: dict[str, dict[str, F64]]
    rows: list[dict[str, Any]]


def fit(held: Held, names: Sequence[str]) -> Fitted:
    """Fit every stage and depth; what is said of kinds held out comes from folds by program."""
    fold = evaluate.folds(held.family, _FOLDS, 0)
    weights: dict[str, dict[str, Weights]] = {name: {} for name in names}
    q: dict[str, dict[str, F64]] = {name: {} for name in names}
    rows = []
    for depth in DEPTHS:
        before: I64 | None = None
        for name in names:
            p = held.p[name][depth]
            answer = p.argmax(1)
            agrees = np.zeros(len(p)) if before is None else answer == before
            found, right = _evidence(held, depth, p, answer, agrees), answer == held.truth[depth]
            weights[name][depth], raw = _cross_fitted(found, right, fold)
            q[name][depth] = weights[name][depth].line(raw)
            rows.append(_figures(name, depth, p.max(1), q[name][depth], right))
            before = answer
    return Fitted(weights, q, rows)


def _evidence(held: Held, depth: str, p: F64, answer: I64, agrees: npt.ArrayLike) -> F64:
    return evidence(p, lead(held.seen.cosines[depth], answer), agrees, held.seen.words)


def _cross_fitted(found: F64, right: npt.NDArray[np.bool_], fold: I64) -> tuple[Weights, F64]:
    """Fit on all; and give what fits on the other folds say of each."""
    raw = np.zeros(len(right))
    for k in np.unique(fold):
        here = fold == k
        raw[here] = logistic(found[~here], right[~here]).raw(found[here])
    knots = _rising(evaluate.knots_of(raw, right))
    return replace(logistic(found, right), knots=knots), raw


def logistic(found: F64, right: npt.NDArray[np.bool_]) -> Weights:
    """Fit a logistic model of evidence (n, 5) in which no column may speak against an answer."""
    x, y = np.hstack([read(found), np.ones((len(found), 1))]), right.astype(np.float64)

    def loss(w: F64) -> tuple[float, F64]:
        z = x @ w
        slope = x.T @ (1.0 / (1.0 + np.exp(-z)) - y) / len(y)
        slope[:-1] += 2 * _RIDGE * w[:-1]
        return float(np.mean(np.logaddexp(0.0, z) - y * z) + _RIDGE * (w[:-1] ** 2).sum()), slope

    bounds = [(0.0, None)] * len(EVIDENCE) + [(None, None)]
    best = minimize(loss, np.zeros(len(EVIDENCE) + 1), jac=True, method="L-BFGS-B", bounds=bounds).x
    return Weights(tuple(round(float(w), 6) for w in best[:-1]), round(float(best[-1]), 6), ())


def _rising(knots: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Keep knots that rise in both, so that the line through them never lies level: a level line ranks nothing."""
    out: list[tuple[float, float]] = []
    for x, y in knots:
        if 0.0 < x < 1.0 and 0.0 < y < 1.0 and (not out or (x > out[-1][0] and y > out[-1][1])):
            out.append((round(float(x), 6), round(float(y), 6)))
    return tuple(out)


def aurc(sure: F64, right: npt.NDArray[np.bool_]) -> float:
    """Area under the risk-coverage curve: mean share wrong among the surest 1, 2, ... n. Geifman & others 2019."""
    order = np.argsort(-sure, kind="stable")
    return float((np.cumsum(~right[order]) / np.arange(1, len(right) + 1)).mean())


def _figures(name: str, depth: str, top: F64, q: F64, right: npt.NDArray[np.bool_]) -> dict[str, Any]:
    found = {
        "kinds": len(right), "accuracy": right.mean(), "aurc_max": aurc(top, right), "aurc": aurc(q, right),
        "ece_max": evaluate.ece(top, right), "ece": evaluate.ece(q, right),
    }  # fmt: skip
    return {"stage": name, "depth": depth} | {k: v if k == "kinds" else round(float(v), 4) for k, v in found.items()}


def ladder_of(held: Held, fitted: Fitted, names: Sequence[str]) -> Ladder:
    """Give what the stages say of the kinds held out, sure as the folds without them are."""
    q = {d: np.stack([fitted.q[name][d] for name in names], axis=1) for d in DEPTHS}
    answer = {d: np.stack([held.p[name][d].argmax(1) for name in names], axis=1) for d in DEPTHS}
    keys = tuple(f"{i:08d}" for i in range(len(held.family)))
    return Ladder(tuple(names), np.array([held.costs[name] for name in names]), q, answer, keys)


@dataclass
class Found:
    """Policies by tier and by depth, then stage: their shapes, and what the most liberal ones need that seem precise
    enough. A number that is missing is infinite.
    """

    offsets: dict[str, dict[str, float]] = field(default_factory=dict)
    gaps: dict[str, dict[str, float]] = field(default_factory=dict)
    thresholds: dict[str, dict[str, float]] = field(default_factory=dict)
    passes: dict[str, dict[str, float]] = field(default_factory=dict)


def policies_of(ladder: Ladder, truth: dict[str, I64]) -> Found:
    """Find for each tier the cheapest shape, and the most liberal policy of it that seems precise enough."""
    out = Found()
    for tier in TIERS.values():
        right = truth[tier.depth]
        shape = cheapest(ladder, right, tier.depth, tier.p, thrifty=tier.thrifty)
        at = _knob(ladder, right, tier, shape)
        for where in (tier.name, tier.depth):
            out.offsets.setdefault(where, _rounded(ladder, shape.offsets))
            out.gaps.setdefault(where, _rounded(ladder, shape.gaps) if tier.thrifty else {})
            out.thresholds.setdefault(where, {} if at is None else _rounded(ladder, at + shape.offsets))
            out.passes.setdefault(where, {} if at is None else _rounded(ladder, at - shape.gaps))
    return out


def _rounded(ladder: Ladder, values: F64) -> dict[str, float]:
    return {stage: round(value, 4) for stage, value in told(ladder.stages, values).items()}


def _knob(ladder: Ladder, truth: I64, tier: Tier, shape: Shape) -> float | None:
    """The most liberal knob at which what exits seems precise enough; None: there is none."""
    path = exit_path(ladder, tier.depth, ladder, shape)
    stages = ((t, exits_at(ladder, tier.depth, path.thresholds(t), path.passes(t))) for t in path.grid.tolist())
    return min((t for t, stage in stages if precision(ladder, truth, tier.depth, stage) >= tier.p), default=None)


def _cost(ladder: Ladder, truth: I64, tier: Tier, price: float) -> float:
    """CPU-seconds a kind of the cheapest policy that seems precise enough; a kind left over costs the price beside."""
    shape = cheapest(ladder, truth, tier.depth, tier.p, thrifty=tier.thrifty, price=price, offsets=_FEW, gaps=_FEW)
    return cost_of(ladder, truth, tier.depth, tier.p, shape, price)


def worthless(held: Held, all_: Fitted, fewer: Fitted, names: Sequence[str], without: Sequence[str]) -> str | None:
    """Say why a stage gains nothing; None: it does, at some tier. A kind left over costs the same either way.

    Where no policy is precise enough with the stage or without (both costs infinite), it gains nothing at that tier.
    """
    words, price = [], sum(held.costs[name] for name in names)
    for tier in (TIERS["coarse"], TIERS["standard"]):
        truth = held.truth[tier.depth]
        with_ = _cost(ladder_of(held, all_, names), truth, tier, price)
        bare = _cost(ladder_of(held, fewer, without), truth, tier, price)
        if np.isfinite(with_) and with_ <= _GAIN * bare:
            return None
        words.append(f"{1e3 * with_:.2f} ms CPU a kind with it and {1e3 * bare:.2f} without at {tier.name}")
    return "gains nothing at its cost: " + ", ".join(words)


def tier_of(ladder: Ladder, truth: dict[str, I64], name: str, found: Found) -> dict[str, Any]:
    """What a tier's thresholds come to on `tune`, uncertified."""
    depth, needs, passed = TIERS[name].depth, found.thresholds[name], found.passes[name]
    least = np.array([needs.get(stage, np.inf) for stage in ladder.stages])
    passes = np.array([passed.get(stage, -np.inf) for stage in ladder.stages])
    stage = exits_at(ladder, depth, least, passes)
    return {
        "tier": name, "thresholds": needs, "passes": passed, "coverage": round(float((stage >= 0).mean()), 4),
        "precision": round(precision(ladder, truth[depth], depth, stage), 4),
        "by_stage": {s: round(float((stage == k).mean()), 4) for k, s in enumerate(ladder.stages)},
        "cost_ms": round(1e3 * mean_cost(ladder, asked_at(ladder, depth, least, passes)), 4),
    }  # fmt: skip
