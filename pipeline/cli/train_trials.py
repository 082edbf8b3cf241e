"""`dioptre train tiny --search` and `--curve`: tables of what settings and lessons are worth."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.cli.output import Column, emit_json, say, table
from pipeline.cli.train_kinds import to_kind

if TYPE_CHECKING:
    from classifiers.train.lessons import Teacher
    from schemas.registry import Kind


def show_search(corpus: Path, seed: int, *, json: bool) -> None:
    """Try settings of the tiny model on the split `tune`; nothing is written."""
    from classifiers.train.trials import search

    rows = []
    for trial in search(corpus, to_kind, seed):
        rows.append(trial)
        say(f"{trial.char}, {trial.buckets:,} buckets, {trial.kept:,} kept: leaf {trial.leaf_macro_f1:.4f}")
    if json:
        emit_json({"search": [asdict(row) for row in rows]})
        return
    names = ("buckets", "kept", "MB", "leaf macro-F1", "domain macro-F1")
    table(
        [Column("bytes", style="bold"), *(Column(name, right=True) for name in names)],
        (
            (f"{r.char[0]}-{r.char[1]}", f"{r.buckets:,}", f"{r.kept:,}", f"{r.megabytes:.2f}",
             f"{r.leaf_macro_f1:.4f}", f"{r.domain_macro_f1:.4f}")
            for r in rows
        ),
    )  # fmt: skip


def show_curve(corpus: Path, teacher: "Teacher", unlabelled: "Sequence[Kind]", seed: int, *, json: bool) -> None:
    """Teach the tiny model ever more kinds without a label, chosen in two ways; nothing is written."""
    from classifiers.train.trials import curve

    rows = list(curve(corpus, to_kind, teacher, unlabelled, seed, say))
    if json:
        emit_json({"curve": [asdict(row) for row in rows]})
        return
    names = ("chosen at random", "where the student doubts")
    table(
        [Column("kinds taught", right=True), *(Column(name, right=True) for name in names)],
        ((f"{r.count:,}", f"{r.random:.4f}", f"{r.doubtful:.4f}") for r in rows),
    )
