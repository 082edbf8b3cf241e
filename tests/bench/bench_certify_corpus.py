"""What depth costs: domain at .95 beside leaf at .95, certified on the corpus' cert split and paid for on its test split.

The reference is our own corpus, so this certifies nothing on anybody's lake.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from classifiers.cascade import Cascade
from classifiers.certify import Proof
from classifiers.certify_claims import BUDGET, Claim, certify_claims
from classifiers.exit_path import cheapest_offsets, exits_at, mean_cost
from classifiers.exits import DOMAIN_OF, LEAVES
from classifiers.plan import plan_of
from classifiers.train import corpus
from clustering.key import key_of
from schemas.policy import COARSE, DOMAIN, F64, FINE, I64, LEAF, STANDARD, Ladder, Tier
from tests.bench.report import Row, least

CORPUS = Path(__file__).resolve().parents[2] / "sample_data" / "corpus"
P = 0.95
CHEAPER = 3.0
"""So many times less shall domains cost than leaves."""

Split = tuple[Ladder, dict[str, I64]]


DIAL = (COARSE, Tier("domain at .95", DOMAIN, P), STANDARD, FINE)
"""From the cheapest to the dearest."""


def corpus_rows(_: int = 0) -> Iterator[Row]:
    """Turn the dial over the same kinds: certify each setting on cert, and pay for it on test."""
    plan = plan_of()
    cascade = Cascade(plan.stages, 0.0, plan.score, plan.near)
    splits = {name: _ladder(cascade, name) for name in ("tune", "cert", "test")}
    names = ", ".join(stage.name for stage in plan.stages)
    yield Row("corpus", f"kinds of cert, asked of {names}", float(len(splits["cert"][0])), "")
    offsets = {t: cheapest_offsets(splits["tune"][0], splits["tune"][1][t.depth], t.depth, t.p) for t in DIAL}
    claims = [Claim(tier) for tier in DIAL]
    found = certify_claims(claims, *splits["cert"], BUDGET, splits["tune"][0], offsets=offsets)
    cost: dict[Tier, float] = {}
    for claim, one in found.items():
        if isinstance(one, Proof):
            cost[claim.tier] = yield from _paid(claim.tier, one, splits["test"])
        else:
            yield Row("corpus", f"{_named(claim.tier)}: uncertified: {one.why}", 0.0, "", "certified", False)
    both = DIAL[1] in cost and FINE in cost
    ratio = cost[FINE] / cost[DIAL[1]] if both else 0.0
    yield least("corpus", "leaf at .95 costs, times domain at .95", ratio, "x", CHEAPER)
    dial = [tier for tier in (COARSE, STANDARD, FINE) if tier in cost]
    rises = [cost[t] for t in dial] == sorted(cost[t] for t in dial)
    yield Row(
        "corpus", f"cost rises along {', '.join(t.name for t in dial)}", float(rises), "", "1", rises and len(dial) > 2
    )


def _named(tier: Tier) -> str:
    return f"{tier.name} ({tier.depth} at {tier.p:g})"


def _paid(tier: Tier, proof: Proof, test: Split) -> "Iterator[Row]":
    """Tell what a certificate says, and what it comes to on programs that nobody has seen; gives the cost a kind."""
    ladder, truth = test
    needs: F64 = np.array([proof.thresholds.get(stage, np.inf) for stage in ladder.stages])
    stage = exits_at(ladder, tier.depth, needs)
    accepted = stage >= 0
    right = ladder.answer[tier.depth][np.arange(len(stage)), stage] == truth[tier.depth]
    cost = mean_cost(ladder, stage)
    name = _named(tier)
    told = f"{name}: {proof.errors} of {proof.n} wrong, proved {proof.lower:.3f}"
    yield Row("corpus", f"{told}: kinds of cert answered", 100 * proof.coverage, "%", "certified", True)
    by_stage = ", ".join(f"{s} {100 * float((stage == k).mean()):.0f} %" for k, s in enumerate(ladder.stages))
    yield Row("corpus", f"{name}, on test: kinds answered ({by_stage})", 100 * float(accepted.mean()), "%")
    yield Row("corpus", f"{name}, on test: right", 100 * float(right[accepted].mean()), "%")
    yield Row("corpus", f"{name}, on test: CPU a kind", 1e3 * cost, "ms")
    yield Row(
        "corpus", f"{name}, on test: CPU a certified answer", 1e3 * cost / max(1e-9, float(accepted.mean())), "ms"
    )
    return cost


def _ladder(cascade: Cascade, split: str) -> Split:
    rows, _ = corpus.read(CORPUS, lambda program, text: key_of(program, text).kind)
    where = corpus.splits_of(CORPUS, [row.program for row in rows])
    mine = {row.kind.key: row for row, name in zip(rows, where, strict=True) if name == split}
    leaf = np.array([LEAVES.index(row.leaf) for row in mine.values()], np.int64)
    return cascade.ladder([row.kind for row in mine.values()]), {LEAF: leaf, DOMAIN: DOMAIN_OF[leaf]}
