"""`dioptre models`: the models that ship with the package or were trained here, and whether their files are whole."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.app import JsonOption, command, group
from pipeline.cli.errors import CommandError, findings
from pipeline.cli.output import Column, emit_json, human_bytes, out, table

if TYPE_CHECKING:
    from classifiers.models_list import Listed

models = group(
    "models",
    "Models that label kinds: what they are, and whether their files are whole.",
    examples=("dioptre models list", "dioptre models verify"),
)

DirOption = Annotated[
    Path | None, typer.Option("--dir", metavar="DIR", help="A folder of models. [those of the package]")
]


def listed(folder: Path | None) -> "list[Listed]":
    """List models, each checked against its card.

    Raises:
        CommandError: there is none in that folder.
    """
    from classifiers.models_list import packaged

    found = packaged(folder) if folder else packaged()
    if not found:
        where = folder or "the package"
        raise CommandError(f"{where}: no model in it", "`dioptre train tiny --out DIR/tiny` makes one", code="model")
    return found


def facts(model: "Listed") -> dict[str, Any]:
    """Give what is told of a model."""
    card = model.card
    scores = card.get("scores_unseen_programs") or {}
    return {
        "name": model.name,
        "folder": str(model.folder),
        "bytes": model.size,
        "what": card.get("what", ""),
        "labels": len(card.get("labels", ())),
        "floor": card.get("floor"),
        "files": card.get("files", {}),
        "scores": scores,
        "fault": model.fault,
    }


@command(models, "list", examples=("dioptre models list", "dioptre models list --json"))
def list_(folder: DirOption = None, json: JsonOption = False) -> None:
    """List the models with size, labels and scores from their cards."""
    rows = [facts(model) for model in listed(folder)]
    if json:
        emit_json({"models": rows})
        return
    columns = [
        Column("model", style="bold"), Column("size", right=True), Column("labels", right=True),
        Column("floor", right=True), Column("files"), Column("what", wide=True),
    ]  # fmt: skip
    table(columns, ([r["name"], human_bytes(r["bytes"]), r["labels"], r["floor"], _state(r), r["what"]] for r in rows))


def _state(row: dict[str, Any]) -> str:
    return "damaged" if row["fault"] else "whole"


@command(models, "verify", examples=("dioptre models verify", "dioptre models verify --json"))
def verify(folder: DirOption = None, json: JsonOption = False) -> None:
    """Compare the files of each model with the hashes on its card; exit code 1 when one differs."""
    rows = [facts(model) for model in listed(folder)]
    if json:
        emit_json({"ok": not any(r["fault"] for r in rows), "models": rows})
    else:
        for row in rows:
            out(f"{row['name']}: {row['fault'] or 'whole, ' + human_bytes(row['bytes'])}")
    if any(r["fault"] for r in rows):
        raise findings()
