"""`dioptre train exits`: fit when a stage may answer alone."""

from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli.app import JsonOption, command
from pipeline.cli.output import Column, emit_json, out, say, table
from pipeline.cli.train import train
from pipeline.cli.train_kinds import to_kind
from pipeline.cli.train_setup import CORPUS, CorpusOption, ModelsOption, check_corpus, needing, packaged


@command(
    train, "exits",
    examples=("dioptre train exits --corpus corpus --out my-exits # needs the extra `train`; half a minute",),
)  # fmt: skip
def exits(
    corpus: CorpusOption = CORPUS,
    out_dir: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where they go. [the package's own]")
    ] = None,
    models: ModelsOption = None,
    json: JsonOption = False,
) -> None:
    """Fit the exit scores of the models, and thresholds for each tier, on the corpus's split `tune`.

    Run it anew after any model was trained: its card pins them. Thresholds found here promise nothing; `certify` does.
    """
    trained = needing(_exits_train)
    check_corpus(corpus)
    root = models or packaged()
    target = out_dir or root / "exits"
    card = trained(corpus, target, to_kind, say, root)
    if json:
        emit_json({"out": str(target), "scores": card["scores"], "tiers": card["tiers"], "left_out": card["left_out"]})
        return
    for name, why in card["left_out"].items():
        say(f"{name}: left out: {why}")
    _tell(card)


def _exits_train() -> Any:
    from classifiers.train.exits import train as trained

    return trained


def _tell(card: dict[str, Any]) -> None:
    """Print what the scores are worth, and what the thresholds come to."""
    columns = [
        Column("stage", style="bold"), Column("depth"), Column("accuracy", right=True),
        Column("AURC by max", right=True), Column("AURC", right=True),
        Column("ECE by max", right=True), Column("ECE", right=True),
    ]  # fmt: skip
    names = ("accuracy", "aurc_max", "aurc", "ece_max", "ece")
    table(columns, ([r["stage"], r["depth"], *(f"{r[name]:.4f}" for name in names)] for r in card["scores"]))
    out()
    stages = list(card["models"])
    columns = [
        Column("tier", style="bold"), Column("answered", right=True), Column("right", right=True),
        *(Column(stage, right=True) for stage in stages), Column("ms CPU a kind", right=True),
    ]  # fmt: skip
    table(columns, (_tier(row, stages) for row in card["tiers"]))


def _tier(row: dict[str, Any], stages: list[str]) -> list[str]:
    by_stage = [f"{row['by_stage'][stage]:.1%}" for stage in stages]
    return [row["tier"], f"{row['coverage']:.1%}", f"{row['precision']:.1%}", *by_stage, f"{row['cost_ms']:.2f}"]
