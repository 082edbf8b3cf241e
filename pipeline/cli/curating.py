"""What the commands that change kinds share: who says so, and how it is told what was done."""

import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.output import Column, emit_json, hint, out, plural, say, table

if TYPE_CHECKING:
    from connectors.lake import Lake
    from pipeline.curate import Change, Done

ByOption = Annotated[
    str | None, typer.Option("--by", metavar="NAME", help="Who says so. [default: the name you are logged in by]")
]
ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for those who read the history.")]

SHOWN = 20
"""Kinds shown of a change; --json tells all."""


def who(by: str | None) -> str:
    """Give the name of who says so."""
    return by or os.environ.get("USER") or os.environ.get("LOGNAME") or "somebody"


def report(lake: "Lake", done: "Done", *, json: bool, dry_run: bool, verb: tuple[str, str], **more: Any) -> None:
    """Bring the catalog up to date and tell what was done.

    Args:
        verb: what was done, and what would be done: ("labelled", "would label").
    """
    if done.sequence is not None:
        from pipeline.cli.keeping import refresh

        refresh(lake.root)
    if json:
        told = [_told(change) for change in done.changes]
        emit_json({"lake": str(lake.root), "dry_run": dry_run, "sequence": done.sequence, **more, "changes": told})
        return
    if not done.changes:
        out("nothing to change: it is so already")
        return
    columns = [
        Column("key", style="dim"), Column("template_id", style="dim"), Column("label", style="cyan"), Column("app"),
        Column("template", wide=True),
    ]  # fmt: skip
    table(columns, (_row(change) for change in done.changes[:SHOWN]))
    if len(done.changes) > SHOWN:
        out(f"{len(done.changes) - SHOWN:,} more; --json tells all")
    out(f"{verb[1] if dry_run else verb[0]} {plural(len(done.changes), 'kind')}")
    for note in done.notes:
        say(note)
    if not dry_run:
        hint("`dioptre labels undo` takes it back")


def _told(change: "Change") -> dict[str, Any]:
    names = ("template_id", "label", "muted")
    sides = {
        "before": dict(zip(names, change.before, strict=True)),
        "after": dict(zip(names, change.after, strict=True)),
    }
    return {"key": change.key, "app": change.app, "template": change.template, **sides}


def _row(change: "Change") -> tuple[object, ...]:
    (old_id, old, _), (new_id, new, _) = change.before, change.after
    ids = new_id if old_id in (None, new_id) else f"{old_id} -> {new_id}"
    return change.key, ids, new if old in (None, new) else f"{old} -> {new}", change.app, change.template
