"""What the cascade asks whom, and what that costs: on the sample lake, on captured lines, on programs never met.

Every template goes once through the stages, under the policy that ships without certificates, for a coarse and for a
standard tier; what that comes to in a million events follows from how often each kind was met.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from classifiers import encoder
from classifiers.cascade import Cascade
from classifiers.plan import Plan, plan_of
from classifiers.tally import Count
from classifiers.train import corpus
from clustering.key import key_of
from connectors.archives import Limits, find
from pipeline.job import Job
from pipeline.learn_models import Models
from pipeline.once import Once, Pass
from schemas.policy import COARSE, STANDARD, Policy, Tier
from schemas.registry import Kind
from tests.bench.report import Row, told

SAMPLE = Path(__file__).parents[2] / "sample_data"
Met = dict[Kind, int]
"""Kinds, and how many events each stands for."""


def of_files(folder: Path) -> Met:
    """Read, parse and key the lines of files, as a backfill does."""
    once, met = Once(Job(None), now=None), Counter[Kind]()
    for records in Pass(find([str(folder)]).archives, 16_384, 4 << 20, Limits()).batches():
        for row in once.label(records).events.select(["app", "message", "reject_reason"]).to_pylist():
            if row["reject_reason"] is None:
                met[key_of(row["app"], row["message"]).kind] += 1
    return dict(met)


def of_corpus(how: str, split: str | None = None) -> Met:
    """Take labelled kinds of the corpus, each once."""
    rows, _ = corpus.read(SAMPLE / "corpus", lambda program, text: key_of(program, text).kind)
    splits = corpus.splits_of(SAMPLE / "corpus", [row.program for row in rows])
    pairs = zip(rows, splits, strict=True)
    return {row.kind: 1 for row, at in pairs if how in (row.how, "") and split in (None, at)}


def measured(part: str, met: Met, plan: Plan, tier: Tier) -> Iterator[Row]:
    """Ask about all kinds, and give what each stage answered and took."""
    models = Models(plan.stages, plan.floor, plan.score, plan.near)
    cascade = Cascade(plan.stages, plan.floor, plan.score, plan.near)
    for stage in plan.stages:
        stage.classify(list(met)[:2])
    began = time.process_time()
    verdicts = cascade.classify(list(met), Policy.uncertified(models.tuned, tier))
    spent = time.process_time() - began
    name, events = f"{part}, {tier.name}", sum(met.values())
    yield Row(name, f"{name}: kinds", len(met), "")
    counts = cascade.tally.by_stage()
    for stage in plan.stages:
        yield from _of_stage(name, stage.name, counts.get(stage.name, Count()), len(met), events)
    unknown = sum(verdict.label == "unknown" for verdict in verdicts)
    yield Row(name, "labelled unknown", 100 * unknown / max(1, len(met)), "%")
    yield Row(name, "all stages, exit scores included", 1e6 * spent / max(1, len(met)), "us CPU a kind")
    yield Row(name, "the same for a million events", 1e6 * spent / max(1, events), "CPU-s")


def _of_stage(part: str, stage: str, count: Count, kinds: int, events: int) -> Iterator[Row]:
    yield Row(part, f"{stage}: kinds answered", 100 * count.exits / max(1, kinds), "%")
    yield Row(part, f"{stage}: calls for a million events", 1e6 * count.kinds / max(1, events), "")
    yield Row(part, f"{stage}: a call", 1e6 * count.cpu_s / max(1, count.kinds), "us CPU")


def main() -> None:
    """Print the report."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--most", type=int, default=2_000, help="kinds of each part")
    ask.add_argument("--json", action="store_true")
    args = ask.parse_args()
    encoder.MOST_KEPT = 1  # the second tier asks of the same kinds: what was remembered would seem to cost nothing
    plan = plan_of()
    for name, why in plan.left_out.items():
        sys.stderr.write(f"{name}: left out: {why}\n")
    parts = {
        "sample logs": of_files(SAMPLE / "logs"),
        "captured kinds of the corpus": of_corpus("captured"), "programs never met (test)": of_corpus("", "test"),
    }  # fmt: skip
    rows: list[Row] = []
    for part, met in parts.items():
        some = dict(list(met.items())[: args.most])
        for tier in (COARSE, STANDARD) if some else ():
            rows += measured(part, some, plan, tier)
    sys.stdout.write(told(rows, args.json) + "\n")


if __name__ == "__main__":
    main()
