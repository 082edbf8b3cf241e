"""`dioptre train search` and `train curve`: what settings of the tiny model, and lessons, are worth."""

from dataclasses import asdict
from typing import Any

from pipeline.cli import train_setup as setup
from pipeline.cli.app import JsonOption, command
from pipeline.cli.output import Column, emit_json, say, table
from pipeline.cli.train import train
from pipeline.cli.train_kinds import LOGS, to_kind, unlabelled


@command(train, "search", examples=("dioptre train search # needs a corpus, and minutes",))
def search(corpus: setup.CorpusOption = setup.CORPUS, seed: setup.SeedOption = 0, json: JsonOption = False) -> None:
    """Try settings of the tiny model, and show what each is worth on the split `tune`; nothing is written."""
    trials = setup.needing(_search)
    setup.check_corpus(corpus)
    rows = []
    for trial in trials(corpus, to_kind, seed):
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


@command(train, "curve", examples=("dioptre train curve # needs a corpus, archives, and the large model",))
def curve(
    corpus: setup.CorpusOption = setup.CORPUS,
    models: setup.ModelsOption = None,
    logs: setup.LogsOption = None,
    seed: setup.SeedOption = 0,
    json: JsonOption = False,
) -> None:
    """Show what kinds without a label are worth that the large model labels; nothing is written.

    The tiny model is taught ever more of them, chosen in two ways: at random, and where it doubts.
    """
    taught = setup.needing(_curve)
    setup.check_corpus(corpus)
    rows = list(
        taught(corpus, to_kind, setup.teacher(models or setup.packaged()), unlabelled(logs or [LOGS]), seed, say)
    )
    if json:
        emit_json({"curve": [asdict(row) for row in rows]})
        return
    names = ("chosen at random", "where the student doubts")
    table(
        [Column("kinds taught", right=True), *(Column(name, right=True) for name in names)],
        ((f"{r.count:,}", f"{r.random:.4f}", f"{r.doubtful:.4f}") for r in rows),
    )


def _search() -> Any:
    from classifiers.train.trials import search as trials

    return trials


def _curve() -> Any:
    from classifiers.train.trials import curve as taught

    return taught
