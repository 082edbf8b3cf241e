"""What depth costs: domain at .95 beside leaf at .95, certified on the corpus' cert split and paid for on its test split.

The reference is our own corpus, so this certifies nothing on anybody's lake. Three comparisons, which say different
things. As shipped: a tier of domains is thrifty, so a kind that its promise will hardly reach keeps the guess it has;
a tier of leaves climbs on for the best guess. By one rule: both thrifty, or both climbing. At equal coverage: each
depth by its cheapest policy that certifies as many kinds.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from classifiers.cascade import Cascade
from classifiers.certify import Proof, Uncertified
from classifiers.certify_claims import BUDGET, Claim, certify_claims
from classifiers.exit_path import Shape, asked_at, exits_at, mean_cost
from classifiers.exit_shape import cheapest
from classifiers.exits import DOMAIN_OF, LEAVES, ExitScore
from classifiers.plan import plan_of
from classifiers.train import corpus
from clustering.key import key_of
from schemas.policy import COARSE, DOMAIN, FINE, I64, LEAF, STANDARD, Ladder, Tier, of_tier
from tests.bench.report import Row, least

CORPUS = Path(__file__).resolve().parents[2] / "sample_data" / "corpus"
P = 0.95
CHEAPER = 3.0
"""So many times less shall domains cost than leaves."""
AS_MANY = (1.0, 0.9, 0.8)
"""At which shares of what leaf at .95 can answer at most the depths are compared; the goal holds at the first."""
PRICES = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Points of the frontier: what a kind that is left over counts for, in what all stages take."""

Split = tuple[Ladder, dict[str, I64]]
DOMAINS_95 = Tier("domain at .95", DOMAIN, P, thrifty=True)
DIAL = (COARSE, DOMAINS_95, STANDARD, FINE)
"""From the cheapest to the dearest."""


@dataclass(frozen=True)
class Paid:
    """What a policy comes to on programs that nobody has seen.

    Attributes:
        coverage: share of kinds that it answers. right: share of these that are right. cost: CPU-seconds a kind.
        guess: share of all kinds, answered or not, whose last word is right at that depth.
        by_stage: share of kinds that each stage answers.
    """

    coverage: float
    right: float
    cost: float
    guess: float
    by_stage: dict[str, float]

    @property
    def each(self) -> float:
        """CPU-seconds a certified answer."""
        return self.cost / max(1e-9, self.coverage)


def corpus_rows(_: int = 0) -> Iterator[Row]:
    """Turn the dial over the same kinds: certify each setting on cert, and pay for it on test."""
    plan = plan_of()
    assert plan.score is not None, plan.left_out
    cascade = Cascade(plan.stages, 0.0, plan.score, plan.near)
    splits = {name: _ladder(cascade, name) for name in ("tune", "cert", "test")}
    names = ", ".join(f"{stage.name} {1e3 * plan.score.costs[stage.name]:.2f} ms" for stage in plan.stages)
    yield Row("corpus", f"kinds of cert, asked of {names}", float(len(splits["cert"][0])), "")
    paid: dict[Tier, Paid] = {}
    shapes = {tier: _shipped(plan.score, splits["tune"][0].stages, tier) for tier in DIAL}
    for tier, one in _certified(shapes, splits).items():
        if isinstance(one, Proof):
            paid[tier] = _paid(one, splits["test"])
            yield from _told(tier, one, paid[tier])
        else:
            yield Row("corpus", f"{_named(tier)}: uncertified: {one.why}", 0.0, "", "certified", False)
    yield from _shipped_rows(paid)
    yield from _frontier(splits)


def _shipped(score: ExitScore, stages: tuple[str, ...], tier: Tier) -> Shape:
    return Shape.of(stages, of_tier(score.offsets, tier), of_tier(score.gaps, tier) if tier.thrifty else None)


def _certified(shapes: Mapping[Tier, Shape], splits: Mapping[str, Split]) -> dict[Tier, Proof | Uncertified]:
    """Certify tiers together, on one budget."""
    found = certify_claims([Claim(tier) for tier in shapes], *splits["cert"], BUDGET, splits["tune"][0], shapes=shapes)
    return {claim.tier: one for claim, one in found.items()}


def _paid(proof: Proof, test: Split) -> Paid:
    ladder, truth = test
    depth, answer = proof.tier.depth, ladder.answer[proof.tier.depth]
    needs = np.array([proof.thresholds.get(stage, np.inf) for stage in ladder.stages])
    passes = np.array([proof.passes.get(stage, -np.inf) for stage in ladder.stages])
    stage, asked = (find(ladder, depth, needs, passes) for find in (exits_at, asked_at))
    right = answer[np.arange(len(asked)), asked] == truth[depth]
    by_stage = {name: float((stage == k).mean()) for k, name in enumerate(ladder.stages)}
    covered, sure = float((stage >= 0).mean()), float(right[stage >= 0].mean())
    return Paid(covered, sure, mean_cost(ladder, asked), float(right.mean()), by_stage)


def _told(tier: Tier, proof: Proof, paid: Paid) -> Iterator[Row]:
    name = _named(tier)
    told = f"{name}: {proof.errors} of {proof.n} wrong, proved {proof.lower:.3f}"
    yield Row("corpus", f"{told}: kinds of cert answered", 100 * proof.coverage, "%", "certified", True)
    by_stage = ", ".join(f"{stage} {100 * share:.0f} %" for stage, share in paid.by_stage.items())
    yield Row("corpus", f"{name}, on test: kinds answered ({by_stage})", 100 * paid.coverage, "%")
    yield least("corpus", f"{name}, on test: right", 100 * paid.right, "%", 100 * tier.p)
    yield Row("corpus", f"{name}, on test: {tier.depth} right of all kinds, guesses too", 100 * paid.guess, "%")
    yield Row("corpus", f"{name}, on test: CPU a kind", 1e3 * paid.cost, "ms")
    yield Row("corpus", f"{name}, on test: CPU a certified answer", 1e3 * paid.each, "ms")


def _named(tier: Tier) -> str:
    return f"{tier.name} ({tier.depth} at {tier.p:g}, {'thrifty' if tier.thrifty else 'climbs on'})"


def _shipped_rows(paid: Mapping[Tier, Paid]) -> Iterator[Row]:
    leaf, domain = paid.get(FINE), paid.get(DOMAINS_95)
    ratio = leaf.cost / domain.cost if leaf and domain else 0.0
    what = "as shipped (domains thrifty, leaves climb on for the best guess): leaf at .95 costs, times domain at .95"
    yield least("as shipped", f"{what}, a kind", ratio, "x", CHEAPER)
    yield Row("as shipped", "the same, a certified answer", leaf.each / domain.each if leaf and domain else 0.0, "x")
    dial = [tier for tier in (COARSE, STANDARD, FINE) if tier in paid]
    rises = [paid[t].cost for t in dial] == sorted(paid[t].cost for t in dial)
    what = f"cost rises along {', '.join(t.name for t in dial)}"
    yield Row("as shipped", what, float(rises), "", "1", rises and len(dial) > 2)


def _frontier(splits: Mapping[str, Split]) -> Iterator[Row]:
    """Coverage against cost of both depths at .95: never climbing, by price, and always climbing."""
    tune, truth = splits["tune"]
    shapes: dict[Tier, Shape] = {}
    for depth in (DOMAIN, LEAF):
        for price in PRICES:
            tier = Tier(f"{depth} at .95, thrifty, price {price:g}", depth, P, thrifty=True)
            worth = price * float(tune.costs.sum())
            shapes[tier] = cheapest(tune, truth[depth], depth, P, thrifty=True, price=worth)
        first = f"{depth} at .95, the first stage alone"
        shapes[Tier(first, depth, P)] = replace(Shape.plain(len(tune.stages)), gaps=np.zeros(len(tune.stages)))
        climbs = Tier(f"{depth} at .95, climbs on", depth, P)
        shapes[climbs] = cheapest(tune, truth[depth], depth, P)
    paid = {}
    for tier, one in _certified(shapes, splits).items():
        if isinstance(one, Proof):
            paid[tier] = _paid(one, splits["test"])
            what = (
                f"{tier.name}: {100 * paid[tier].coverage:.1f} % of test answered, {100 * paid[tier].right:.1f} % right"
            )
            yield Row("frontier", f"{what}: CPU a kind", 1e3 * paid[tier].cost, "ms")
    yield from _compared(paid)


def _compared(paid: Mapping[Tier, Paid]) -> Iterator[Row]:
    """Compare the depths by one rule, and at equal coverage."""
    by_name = {tier.name: one for tier, one in paid.items()}
    for rule in ("the first stage alone", "thrifty, price 1", "thrifty, price 16", "climbs on"):
        leaf, domain = (by_name.get(f"{depth} at .95, {rule}") for depth in (LEAF, DOMAIN))
        if leaf and domain:
            what = f"by one rule ({rule}): leaf costs, times domain"
            yield Row("by one rule", f"{what}, a kind", leaf.cost / domain.cost, "x")
            yield Row("by one rule", f"{what}, a certified answer", leaf.each / domain.each, "x")
    both = {depth: [one for tier, one in paid.items() if tier.depth == depth] for depth in (DOMAIN, LEAF)}
    for share in AS_MANY:
        yield _equal(both, share)


def _equal(paid: Mapping[str, Sequence[Paid]], share: float) -> Row:
    """Compare the cheapest policies of each depth that answer as many kinds: a share of what leaf at .95 can at most.

    The fewer kinds are asked for, the less it matters: what the first stage answers alone costs both depths the same.
    """
    enough = share * max((one.coverage for one in paid[LEAF]), default=1.0)
    costs = {depth: [one.cost for one in found if one.coverage >= enough] for depth, found in paid.items()}
    ratio = min(costs[LEAF]) / min(costs[DOMAIN]) if all(costs.values()) else 0.0
    most = "the most that leaf at .95 can" if share == 1.0 else f"{share:.0%} of that"
    what = f"each by its cheapest policy that answers {100 * enough:.1f} % of kinds ({most}): leaf costs, times domain"
    part = "equal coverage"
    return least(part, what, ratio, "x", CHEAPER) if share == 1.0 else Row(part, what, ratio, "x")


def _ladder(cascade: Cascade, split: str) -> Split:
    rows, _ = corpus.read(CORPUS, lambda program, text: key_of(program, text).kind)
    where = corpus.splits_of(CORPUS, [row.program for row in rows])
    mine = {row.kind.key: row for row, name in zip(rows, where, strict=True) if name == split}
    leaf = np.array([LEAVES.index(row.leaf) for row in mine.values()], np.int64)
    return cascade.ladder([row.kind for row in mine.values()]), {LEAF: leaf, DOMAIN: DOMAIN_OF[leaf]}
