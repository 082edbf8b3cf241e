"""Certificates: how often they are wrong and how far they reach, beside other methods; drift; and what depth costs."""

import argparse
import sys
import warnings
from collections.abc import Iterator

import numpy as np

from classifiers.certify import Proof, certify
from classifiers.drift import Audits
from classifiers.exit_path import exits_at, mean_cost
from schemas.policy import FINE, LEAF
from tests.bench.bench_certify_corpus import corpus_rows
from tests.bench.certify_methods import METHODS, retried
from tests.bench.report import Row, least, most, told
from tests.classifiers.certify_kit import one_stage, oracle, precision_of, three_stages, truth_of

P, DELTA = FINE.p, 0.05
REACH = {300: 0.20, 1_000: 0.70, 3_000: 0.85}
"""Coverage relative to the oracle that our certificates shall reach, by labels."""

NOTES = {
    ("naive", 300): (0.52, 1.00), ("naive", 1_000): (0.46, 0.99), ("naive", 3_000): (0.39, 0.99),
    ("SGR", 300): (0.005, 0.05), ("SGR", 1_000): (0.000, 0.63), ("SGR", 3_000): (0.000, 0.84),
    ("MAPIE, Holm", 300): (0.000, 0.02), ("MAPIE, Holm", 1_000): (0.000, 0.47), ("MAPIE, Holm", 3_000): (0.000, 0.78),
    ("ours", 300): (0.013, 0.32), ("ours", 1_000): (0.015, 0.75), ("ours", 3_000): (0.017, 0.89),
}  # fmt: skip
"""Violations and relative coverage that the design's own study found, 600 and 300 repeats."""

SLOW = 10
"""MAPIE takes some hundred times as long as the others: a tenth of the repeats."""


def bound(repeats: int, delta: float = DELTA) -> float:
    """Give the share of broken promises that delta allows, and three standard errors."""
    return delta + 3 * float(np.sqrt(delta * (1 - delta) / repeats))


def validity(repeats: int) -> Iterator[Row]:
    """Broken promises and coverage of each method at n = 300, 1,000, 3,000."""
    for n, reach in REACH.items():
        for name, method in METHODS.items():
            times = max(20, repeats // SLOW) if name.startswith("MAPIE") else repeats
            found = []
            for seed in range(times):
                rng = np.random.default_rng([n, seed])
                cert, truth = one_stage(n, rng, name="cert")
                knob = method(cert, truth, P, DELTA, one_stage(2_000, rng, name="pool")[0])
                found.append(truth_of(knob) if np.isfinite(knob) else (1.0, 0.0))
            broken = float(np.mean([precision < P for precision, _ in found]))
            far = float(np.mean([coverage for _, coverage in found])) / oracle(P)
            then = "; the notes have {:.3f} and {:.2f}".format(*NOTES[name, n])
            what = f"n = {n:,}, {name} ({times:,} times{then})"
            if name == "ours":
                yield most("validity", f"{what}: promises broken", broken, "", bound(times))
                yield least("validity", f"{what}: coverage, of the oracle's", far, "", reach)
            else:
                yield Row("validity", f"{what}: promises broken", broken, "")
                yield Row("validity", f"{what}: coverage, of the oracle's", far, "")


def joint(repeats: int) -> Iterator[Row]:
    """Three stages that cost 1, 20 and 1,000, certified together."""
    rng = np.random.default_rng(7)
    big, truth_big = three_stages(200_000, rng, "big")
    broken, costs, covered = 0, [], []
    for _ in range(repeats):
        cert, truth = three_stages(1_500, rng, "cert")
        proof = certify(cert, truth, FINE, DELTA, three_stages(2_000, rng, "pool")[0])
        if isinstance(proof, Proof):
            policy = np.array([proof.thresholds[stage] for stage in big.stages])
            stage = exits_at(big, LEAF, policy)
            broken += precision_of(policy, big, truth_big) < P
            costs.append(mean_cost(big, stage))
            covered.append(float((stage >= 0).mean()))
    yield most(
        "joint", f"three stages, n = 1,500 ({repeats:,} times): promises broken", broken / repeats, "", bound(repeats)
    )
    yield Row("joint", "kinds answered under the certificate", 100 * float(np.mean(covered)), "%")
    yield Row("joint", f"cost a kind (all stages for all: {big.costs.sum():,.0f})", float(np.mean(costs)), "")


def retries(repeats: int) -> Iterator[Row]:
    """Ten models tried on one cert set, the one kept that reaches farthest."""
    ways = {"with the budget": lambda i: DELTA / 2 ** (i + 1), "without": lambda _: DELTA}
    for name, delta in ways.items():
        broken = float(np.mean([retried(300, 10, seed, delta) < P for seed in range(repeats)]))
        what = f"ten retries on one cert set of 300, {name} ({repeats:,} times): promises broken"
        yield (
            most("retries", what, broken, "", bound(repeats)) if name != "without" else Row("retries", what, broken, "")
        )


def drift(repeats: int) -> Iterator[Row]:
    """Audits until the alarm, after precision fell from .95 to .90; and false alarms over 2,000 audits."""
    rng = np.random.default_rng(3)
    met = [_alarm(rng.random(3_000) < 0.10) for _ in range(repeats)]
    false = [_alarm(rng.random(2_000) < 0.05) < 2_000 for _ in range(repeats)]
    yield most("drift", f"audits to the alarm, .95 -> .90, median ({repeats:,} times)", float(np.median(met)), "", 180)
    yield Row("drift", "the same, 90 % of the times", float(np.quantile(met, 0.9)), "")
    yield most("drift", "false alarms within 2,000 audits", 100 * float(np.mean(false)), "%", 5)


def _alarm(errors: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> int:
    audits = Audits(P)
    return next((i + 1 for i, wrong in enumerate(errors.tolist()) if audits.add(wrong)), len(errors))


PARTS = {"validity": validity, "joint": joint, "retries": retries, "drift": drift, "corpus": corpus_rows}


def main() -> None:
    """Run the parts and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=1_000)
    parser.add_argument("--only", nargs="*", choices=sorted(PARTS), default=sorted(PARTS))
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    warnings.filterwarnings("ignore", module="mapie")
    rows = [row for name, part in PARTS.items() if name in args.only for row in part(args.repeats)]
    sys.stdout.write(told(rows, args.json) + "\n")


if __name__ == "__main__":
    main()
