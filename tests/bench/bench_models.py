"""What each stage, and all together, are worth on programs nobody trained on, beside simpler ways to label.

The shipped files on the split `test` of sample_data/corpus. `python -m tests.bench.bench_models --help`.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from classifiers.card import MODELS, read_card
from classifiers.exits import DOMAIN_OF, LEAVES, domains
from classifiers.large import Large
from classifiers.opinions import spread
from classifiers.plan import plan_of
from classifiers.small import Small
from classifiers.tiny import Tiny
from classifiers.train.dealt import Dealt, deal
from classifiers.train.evaluate import ece, macro_f1
from pipeline.cli.train_kinds import to_kind
from pipeline.learn_models import Models
from schemas.registry import Kind
from tests.bench.model_baselines import BASELINES, Spread
from tests.bench.report import Row, least, machine, most
from tests.bench.report import table as goals_table

ROOT = Path(__file__).parents[2]
F64 = npt.NDArray[np.float64]
FOLDERS = {"tiny": ("tiny",), "small": ("small", "tiny"), "large": ("large", "encoder", "tiny")}
STAGES: dict[str, Any] = {"tiny": Tiny, "small": Small, "large": Large}
ASKS = 512  # kinds that a stage's memory is measured on


@dataclass(frozen=True)
class Scored:
    """One row of the table; None where a figure has no meaning. `megabytes`: files; `resident`: the whole process."""

    name: str
    leaf_f1: float
    leaf_accuracy: float
    domain_f1: float
    domain_accuracy: float
    ece: float | None = None
    aurc: float | None = None
    megabytes: float | None = None
    per_cpu_s: float | None = None
    resident: float | None = None


def scored(name: str, leaf: Any, domain: Any, truth: Any, sure: F64 | None = None, **more: float | None) -> Scored:
    """Score guesses (n,) of leaves and of domains; `sure` (n,) in [0, 1] is how sure the leaf is said to be."""
    right, coarse = leaf == truth, DOMAIN_OF[truth]
    told = {} if sure is None else {"ece": ece(sure, right), "aurc": aurc(sure, right)}
    figures = macro_f1(truth, leaf), right.mean(), macro_f1(coarse, domain), (domain == coarse).mean()
    return Scored(name, *(float(figure) for figure in figures), **told, **more)  # type: ignore[arg-type]


def aurc(sure: F64, right: npt.NDArray[np.bool_]) -> float:
    """Area under the curve of risk over coverage: mean share wrong among the k surest, over all k."""
    order = np.argsort(-sure, kind="stable")
    return float((np.cumsum(~right[order]) / np.arange(1, len(order) + 1)).mean())


def stage_row(stage: Any, kinds: Sequence[Kind], truth: Any, size: float, resident: float) -> Scored:
    """Score one stage, and time it."""
    stage.scores(kinds[:64])
    began = time.process_time()
    p = spread(stage, kinds)
    spent = time.process_time() - began
    card = read_card(MODELS / stage.name)
    knots = np.array(card["confidence"]).reshape(-1, 2)
    sure = np.interp(p.max(1), knots[:, 0], knots[:, 1])
    per = len(kinds) / spent
    more = {"megabytes": size, "per_cpu_s": per, "resident": resident}
    return scored(stage.name, p.argmax(1), domains(p).argmax(1), truth, sure, **more)


def cascade_row(kinds: Sequence[Kind], truth: Any) -> tuple[Scored, dict[str, float]]:
    """Score the cascade as learning asks it, all answers counted; and the share of kinds that each stage was asked."""
    plan = plan_of()
    models = Models(plan.stages, 0.0, plan.score, plan.near)
    models.ask(kinds[:64], {})
    models.calls.clear()
    began = time.process_time()
    verdicts = models.ask(kinds, {})
    spent = time.process_time() - began
    leaf = np.array([LEAVES.index(v.label) if v.label in LEAVES else -1 for v in verdicts])
    sure = np.array([v.confidence for v in verdicts])
    row = scored("cascade", leaf, np.where(leaf < 0, -1, DOMAIN_OF[leaf]), truth, sure, per_cpu_s=len(kinds) / spent)
    return row, {name: n / len(kinds) for name, n in models.calls.items()}


def baseline_row(name: str, fit: Callable[[Sequence[Kind], Any], Spread], dealt: Dealt) -> Scored:
    """Fit a simpler way on `train`, score it on `test`."""
    at, asked = dealt.at("train"), dealt.at("test")
    said = fit(dealt.kinds(at), dealt.classes[at])
    kinds = dealt.kinds(asked)
    began = time.process_time()
    p = said(kinds)
    per = len(kinds) / max(1e-9, time.process_time() - began)
    return scored(name, p.argmax(1), domains(p).argmax(1), dealt.classes[asked], p.max(1), per_cpu_s=per)


def zero_shot_row() -> Scored:
    """Tell what the base did before training, from the card: its weights do not ship."""
    told = read_card(MODELS / "large")["base_by_nearest_definition"]
    names = ("leaf_macro_f1", "leaf_accuracy", "domain_macro_f1", "domain_accuracy")
    return Scored("zero-shot MiniLM", *(float(told[name]) for name in names))


def resident_of(name: str, kinds: int = ASKS) -> float:
    """MB that a process holds which serves one stage and nothing else."""
    code = (
        f"from classifiers.{name} import {name.capitalize()} as Stage; from schemas.registry import Kind;"
        "stage = Stage.load();"
        f"stage.classify([Kind(str(i), 'app', f'connection {{chr(97 + i % 26)}} refused') for i in range({kinds})]);"
        "print([int(x.split()[1]) for x in open('/proc/self/status') if x.startswith('VmRSS')][0])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return int(told.stdout) / 1000


def size_of(name: str) -> float:
    """MB of the files that a stage needs; the list of labelled kinds is for `explain` and counts for none."""
    files = [MODELS / folder / f for folder in FOLDERS[name] for f in read_card(MODELS / folder)["files"]]
    return sum(path.stat().st_size for path in files if not path.name.endswith(".gz")) / 1e6


def measured(dealt: Dealt) -> tuple[list[Scored], dict[str, float]]:
    """All rows of the table, and what share of kinds each stage of the cascade was asked."""
    at = dealt.at("test")
    kinds, truth = dealt.kinds(at), dealt.classes[at]
    rows = [baseline_row(name, fit, dealt) for name, fit in BASELINES.items()]
    rows.append(zero_shot_row())
    for name in FOLDERS:
        rows.append(stage_row(STAGES[name].load(), kinds, truth, size_of(name), resident_of(name)))
    row, asked = cascade_row(kinds, truth)
    return [*rows, row], asked


def goals(rows: Sequence[Scored]) -> list[Row]:
    """The figures that have goals."""
    by = {row.name: row for row in rows}
    tiny, large = by["tiny"], by["large"]
    speed = {"tiny": 5_000, "small": 500, "large": 100}
    sizes = {"tiny": 3, "small": 10, "large": 30}
    out = [
        least("scores", "large, leaf macro-F1", large.leaf_f1, "", 0.70),
        least("scores", "large, domain macro-F1", large.domain_f1, "", 0.85),
        least("scores", "tiny, leaf macro-F1 / large", tiny.leaf_f1 / large.leaf_f1, "", 0.85),
    ]
    for name in (name for name in speed if name in by):
        row = by[name]
        own = sum((MODELS / f / x).stat().st_size for f in FOLDERS[name] if f != "tiny" or name == "tiny"
                  for x in read_card(MODELS / f)["files"] if not x.endswith(".gz")) / 1e6  # fmt: skip
        out.append(least("cost", f"{name}, kinds a CPU-second", row.per_cpu_s or 0.0, "/s", speed[name]))
        out.append(most("cost", f"{name}, its own files", own, "MB", sizes[name]))
        rounding = read_card(MODELS / name).get("rounding")
        if rounding:
            lost = rounding["leaf_macro_f1_float"] - rounding["leaf_macro_f1_int8"]
            out.append(most("cost", f"{name}, leaf macro-F1 lost to int8", lost, "", 0.005))
    return out


def _figure(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"


def laid_out(rows: Sequence[Scored]) -> str:
    """The table as text."""
    head = ("", "leaf F1", "leaf acc", "domain F1", "dom acc", "ECE", "AURC", "MB", "kinds/CPU-s", "MB resident")
    lines = [head]
    for row in rows:
        shares = (row.leaf_f1, row.leaf_accuracy, row.domain_f1, row.domain_accuracy, row.ece, row.aurc)
        costs = (_figure(row.megabytes, 1), _figure(row.per_cpu_s, 0), _figure(row.resident, 0))
        lines.append((row.name, *(_figure(share, 3) for share in shares), *costs))
    wide = [max(len(line[i]) for line in lines) for i in range(len(head))]
    return "\n".join(
        "  ".join([line[0].ljust(wide[0]), *(cell.rjust(w) for cell, w in zip(line[1:], wide[1:], strict=True))])
        for line in lines
    )


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=ROOT / "sample_data/corpus")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    args = parser.parse_args()
    dealt = deal(args.corpus, to_kind)
    rows, asked = measured(dealt)
    wanted = goals(rows)
    if args.json:
        told = {"machine": machine(), "rows": [asdict(r) for r in rows], "asked": asked}
        print(json.dumps(told | {"goals": [asdict(g) for g in wanted]}, indent=1))
        return
    at = dealt.at("test")
    programs = len({dealt.rows[i].program for i in at.tolist()})
    print(f"{len(at):,} kinds of {programs} programs, none of which is in train, tune or cert\n")
    print(laid_out(rows))
    for name, why in plan_of().left_out.items():
        print(f"\n{name} is not in the cascade: {why}")
    print("\nof all kinds the cascade asked " + ", ".join(f"{name} {share:.0%}" for name, share in asked.items()))
    print(f"\n{goals_table(wanted)}")


if __name__ == "__main__":
    main()
