"""What depth costs: domain at .95 beside leaf at .95, certified on the corpus' cert split and paid for on its test split.

The reference is our own corpus, so this certifies nothing on anybody's lake.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from classifiers.cascade import Cascade
from classifiers.certify import Proof, Uncertified, certify
from classifiers.exit_path import cheapest_offsets, exits_at, mean_cost
from classifiers.exits import DOMAIN_OF, LEAVES
from classifiers.plan import plan_of
from classifiers.train import corpus
from clustering.key import key_of
from schemas.policy import DEPTHS, DOMAIN, F64, I64, LEAF, Ladder, Tier
from tests.bench.report import Row, least

CORPUS = Path(__file__).resolve().parents[2] / "sample_data" / "corpus"
P, DELTA = 0.95, 0.05
CHEAPER = 3.0
"""So many times less shall domains cost than leaves."""

Split = tuple[Ladder, dict[str, I64]]


def corpus_rows(_: int = 0) -> Iterator[Row]:
    """Certify both depths, and pay for both on the test split."""
    plan = plan_of()
    cascade = Cascade(plan.stages, 0.0, plan.score, plan.near)
    splits = {name: _ladder(cascade, name) for name in ("tune", "cert", "test")}
    yield Row("corpus", f"kinds of cert, by {', '.join(cascade_stages(plan))}", float(len(splits["cert"][0])), "")
    cost = {}
    for depth in DEPTHS:
        tier = Tier(f"{depth} at {P}", depth, P)
        offsets = cheapest_offsets(splits["tune"][0], splits["tune"][1][depth], depth, P)
        ladder, truth = splits["cert"]
        found = certify(ladder, truth[depth], tier, DELTA / len(DEPTHS), splits["tune"][0], offsets=offsets)
        if isinstance(found, Uncertified):
            yield Row("corpus", f"{tier.name}: uncertified: {found.why}", 0.0, "", "certified", False)
            continue
        cost[depth] = yield from _paid(tier, found, splits["test"])
    if len(cost) == len(DEPTHS):
        yield least("corpus", "leaf at .95 costs, times domain at .95", cost[LEAF] / cost[DOMAIN], "x", CHEAPER)


def cascade_stages(plan: object) -> list[str]:
    """Name the stages."""
    return [stage.name for stage in plan.stages]  # type: ignore[attr-defined]


def _paid(tier: Tier, proof: Proof, test: Split) -> "Iterator[Row]":
    """Tell what a certificate says, and what it comes to on programs that nobody has seen; gives the cost a kind."""
    ladder, truth = test
    needs: F64 = np.array([proof.thresholds.get(stage, np.inf) for stage in ladder.stages])
    stage = exits_at(ladder, tier.depth, needs)
    accepted = stage >= 0
    right = ladder.answer[tier.depth][np.arange(len(stage)), stage] == truth[tier.depth]
    cost = mean_cost(ladder, stage)
    told = f"{tier.name}: {proof.errors} of {proof.n} wrong, proved {proof.lower:.3f}"
    yield Row("corpus", f"{told}: kinds of cert answered", 100 * proof.coverage, "%", "certified", True)
    by_stage = ", ".join(f"{name} {100 * float((stage == k).mean()):.0f} %" for k, name in enumerate(ladder.stages))
    yield Row("corpus", f"{tier.name}, on test: kinds answered ({by_stage})", 100 * float(accepted.mean()), "%")
    yield Row("corpus", f"{tier.name}, on test: right", 100 * float(right[accepted].mean()), "%")
    yield Row("corpus", f"{tier.name}, on test: CPU a kind", 1e3 * cost, "ms")
    return cost


def _ladder(cascade: Cascade, split: str) -> Split:
    rows, _ = corpus.read(CORPUS, lambda program, text: key_of(program, text).kind)
    where = corpus.splits_of(CORPUS, [row.program for row in rows])
    mine = {row.kind.key: row for row, name in zip(rows, where, strict=True) if name == split}
    leaf = np.array([LEAVES.index(row.leaf) for row in mine.values()], np.int64)
    return cascade.ladder([row.kind for row in mine.values()]), {LEAF: leaf, DOMAIN: DOMAIN_OF[leaf]}
