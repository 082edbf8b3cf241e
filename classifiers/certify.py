"""Prove that what stages answer alone is right often enough: a threshold under a certificate, or why there is none.

One knob orders all policies from strict to liberal; the exact binomial test walks along it, and the last policy that
passed is certified, all its exits together. Source: fixed-sequence testing, Learn then Test, Angelopoulos et al. 2021.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from classifiers.binomial import least_n, lower_bound, tail
from classifiers.exit_path import Path, Shape, exit_path, exits_at, told
from schemas.policy import F64, I64, Ladder, Tier

MARGIN = 2
"""The walk starts where so many times the fewest provable kinds are accepted: one error shall not end it at once."""

POOL_LEAST = 50
"""Fewer unlabelled kinds give no grid; then the knob takes even steps, and cert tells how many each accepts."""

CLASSES = 2
"""Fewer classes among the labels prove nothing: whoever always says the same would pass."""

Counts = tuple[int, int]


@dataclass(frozen=True)
class Risk:
    """Another thing that shall not happen, controlled at the same knob.

    Attributes:
        alpha: greatest rate, in (0, 1).
        counts: (stage each kind exits at, -1: none; what it answers; what is true), each (n,) -> (n, bad ones of it).
    """

    name: str
    alpha: float
    counts: Callable[[I64, I64, I64], Counts]


@dataclass(frozen=True)
class Proof:
    """What was proved of the policy at `knob`.

    Attributes:
        n, errors: kinds of cert that it accepts, and how many it gets wrong. lower: the precision this proves.
        coverage: share of cert that is accepted. thresholds: by stage. tested: policies the walk looked at.
        passes: by stage, what is passed on; a stage that is missing passes on all it does not answer.
    """

    tier: Tier
    delta: float
    n: int
    errors: int
    lower: float
    coverage: float
    knob: float
    thresholds: Mapping[str, float]
    tested: int
    passes: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Uncertified:
    """Why nothing was proved.

    Attributes:
        needed: labels more that may suffice; None: more labels alone would not help.
        looked: whether labels were looked at, so that delta is spent.
    """

    tier: Tier
    delta: float
    needed: int | None
    why: str
    looked: bool = False


@dataclass(frozen=True)
class _Seen:
    """The cert set as the walk sees it."""

    ladder: Ladder
    truth: I64
    path: Path
    tier: Tier
    delta: float
    risks: Sequence[Risk] = field(default_factory=tuple)

    def at(self, knob: float) -> tuple[I64, I64]:
        """Give the stage at which each kind exits (-1: none) and what is answered there."""
        depth = self.tier.depth
        stage = exits_at(self.ladder, depth, self.path.thresholds(knob), self.path.passes(knob))
        return stage, self.ladder.answer[depth][np.arange(len(stage)), stage]

    def counts(self, knob: float) -> Counts:
        """Give how many kinds are accepted, and how many of them are wrong."""
        stage, answer = self.at(knob)
        accepted = stage >= 0
        return int(accepted.sum()), int((answer != self.truth)[accepted].sum())

    def p_value(self, knob: float) -> float:
        """Give the worst p-value over all risks."""
        n, errors = self.counts(knob)
        found = [tail(errors, n, 1.0 - self.tier.p)]
        if self.risks:
            at = self.at(knob)
            found += [tail(bad, of, r.alpha) for r in self.risks for of, bad in [r.counts(*at, self.truth)]]
        return max(found)


def certify(
    ladder: Ladder,
    truth: I64,
    tier: Tier,
    delta: float,
    pool: Ladder | None = None,
    *,
    shape: Shape | None = None,
    risks: Sequence[Risk] = (),
    group: tuple[I64, I64] | None = None,
) -> Proof | Uncertified:
    """Find the most liberal policy whose answers are right at a rate of `tier.p`, with confidence 1 - delta.

    Args:
        ladder: the cert set, n kinds that were drawn before any label was seen. truth: (n,) the right answer of each,
            an index at the tier's depth.
        delta: what this attempt may spend, in (0, 1).
        pool: unlabelled kinds, none of cert; they alone shape the path. None, or fewer than 50: even steps.
        shape: how the policy lies about its knob, found on `tune`; None: one threshold for all stages. With the models
            it is frozen before any label of cert is seen, so what a promise does not climb for costs it no validity.
        group: rows of cert and of the pool that the claim is about; None: all. Whoever is in it must not hang on the
            knob.

    Raises:
        ValueError: a kind of cert stands in the pool too, or shapes do not fit.
    """
    _check(ladder, truth, delta, pool)
    classes = len(np.unique(truth))
    if group is not None:
        ladder, truth = ladder.take(group[0]), truth[group[0]]
        pool = None if pool is None else pool.take(group[1])
    return _certified(_Seen(ladder, truth, _path(ladder, tier, pool, shape), tier, delta, risks), classes)


def _path(ladder: Ladder, tier: Tier, pool: Ladder | None, shape: Shape | None) -> Path:
    usable = pool if pool is not None and len(pool) >= POOL_LEAST else None
    return exit_path(ladder, tier.depth, usable, shape)


def _certified(seen: _Seen, classes: int) -> Proof | Uncertified:
    """Find where the walk may start, by counts that no label has shaped, and walk."""
    path, n = seen.path, len(seen.truth)
    least = MARGIN * max(least_n(p, seen.delta) for p in (seen.tier.p, *(1.0 - risk.alpha for risk in seen.risks)))
    counted = [seen.counts(knob)[0] for knob in path.grid] if np.isnan(path.coverage).any() else n * path.coverage
    accepted = np.asarray(counted, np.float64)
    enough = np.flatnonzero(accepted >= least)
    if len(enough) and classes < CLASSES:
        return Uncertified(seen.tier, seen.delta, None, f"all {n} labels are the same: they prove nothing of others")
    if len(enough):
        return _walk(seen, path.grid[enough[0] :])
    most = float(accepted.max(initial=0.0))
    needed = math.ceil(least * n / most) - n if most > 0 else least if n == 0 else None
    return Uncertified(
        seen.tier, seen.delta, needed, f"{most:.0f} of {n} labelled kinds are answered; {least} are needed"
    )


def _walk(seen: _Seen, knobs: F64) -> Proof | Uncertified:
    """Go from strict to liberal while the test passes; keep the last pass."""
    passed, tested = None, 0
    for knob in knobs.tolist():
        tested += 1
        if seen.p_value(knob) > seen.delta:
            break
        passed = knob
    if passed is None:
        return _refused(seen, float(knobs[0]))
    n, errors = seen.counts(passed)
    stages, path = seen.ladder.stages, seen.path
    thresholds, passes = told(stages, path.thresholds(passed)), told(stages, path.passes(passed))
    lower = lower_bound(errors, n, seen.delta)
    return Proof(seen.tier, seen.delta, n, errors, lower, n / len(seen.truth), passed, thresholds, tested, passes)


def _refused(seen: _Seen, knob: float) -> Uncertified:
    """Say how many labels more would prove what the first policy of the walk shows, were its rate of errors to last."""
    n, errors = seen.counts(knob)
    rate, p = errors / max(n, 1), seen.tier.p
    why = f"{errors} of {n} answered kinds are wrong"
    if tail(errors, n, 1.0 - p) <= seen.delta:
        return Uncertified(
            seen.tier, seen.delta, None, f"{why}, but {' or '.join(r.name for r in seen.risks)} is too great"
        )
    if rate >= 1.0 - p:
        return Uncertified(seen.tier, seen.delta, None, f"{why}, no fewer than {1 - p:.0%}", True)
    times = 1.0
    while tail(math.ceil(rate * n * times), math.ceil(n * times), 1.0 - p) > seen.delta and times < 1_000:
        times *= 1.05
    return Uncertified(seen.tier, seen.delta, max(1, math.ceil(len(seen.truth) * (times - 1.0))), why, True)


def _check(ladder: Ladder, truth: I64, delta: float, pool: Ladder | None) -> None:
    if len(truth) != len(ladder):
        raise ValueError(f"{len(truth)} right answers for {len(ladder)} kinds; one a kind would be right")
    if not 0.0 < delta < 1.0:
        raise ValueError(f"delta = {delta}: not in (0, 1)")
    if pool is not None and (both := set(ladder.keys) & set(pool.keys)):
        raise ValueError(f"kind {min(both)} stands in cert and in the pool; cert must not shape the path")


def ordered(found: Sequence[Proof | Uncertified]) -> list[Proof | Uncertified]:
    """Let a tier take over what a stricter one of the same depth proved, where that goes further: right at .95 is right
    at .90 too. So a policy for less precision never accepts less.
    """
    return [_best(one, [x for x in found if isinstance(x, Proof) and _implies(x.tier, one.tier)]) for one in found]


def _implies(strict: Tier, loose: Tier) -> bool:
    return (strict.depth, strict.thrifty) == (loose.depth, loose.thrifty) and strict.p > loose.p


def _best(one: Proof | Uncertified, stricter: Sequence[Proof]) -> Proof | Uncertified:
    better = [x for x in stricter if not isinstance(one, Proof) or x.coverage > one.coverage]
    return replace(max(better, key=lambda proof: proof.coverage), tier=one.tier) if better else one
