"""`dioptre labels`: what people say of kinds, its history, undo, and YAML for another lake."""

from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli.app import CARE, DryRunOption, JsonOption, LakeOption, command, group, settings
from pipeline.cli.curating import ByOption, ReasonOption, report, who
from pipeline.cli.naming import root_of
from pipeline.cli.output import Column, emit_json, hint, out, plural, table

labels = group(
    "labels",
    "Label kinds of lines as a person: it holds against all models, for all events at once.",
    panel=CARE,
    examples=("dioptre labels list --lake lake", "dioptre labels undo --lake lake --dry-run"),
)

ID = typer.Argument(metavar="ID", help="A template's id of today or before, a key, its first digits, or words of it.")


@command(
    labels, "set",
    examples=(
        "dioptre labels set 'Failed password' auth.login_failure --lake lake --reason 'seen it' --by ann",
        "dioptre labels set EXT4-fs storage.filesystem --lake lake --dry-run  # what would change?",
    ),
)  # fmt: skip
def set_(
    template: Annotated[str, ID],
    label: Annotated[str, typer.Argument(metavar="LABEL", help="A leaf of the taxonomy, or unknown.")],
    lake: LakeOption = None,
    reason: ReasonOption = "",
    by: ByOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Label all kinds of a template. Every event of them, old ones too, has that label in the very next query.

    No file of events is written; no model and no rule changes the label again. `labels undo` takes it back.
    """
    from connectors.lake import Lake
    from pipeline.curate import set_label

    opened = Lake.open(root_of(lake))
    done = set_label(opened, template, label, by=who(by), reason=reason, dry_run=dry_run)
    report(opened, done, json=json, dry_run=dry_run, verb=("labelled", "would label"), label=label)


@command(
    labels, "list",
    examples=(
        "dioptre labels list --lake lake        # what people said",
        "dioptre labels list --lake lake --json",
    ),
)  # fmt: skip
def list_(lake: LakeOption = None, json: JsonOption = False) -> None:
    """List the templates that people labelled, newest first. The taxonomy itself is the table labels."""
    from connectors.lake import Lake
    from schemas.registry import PERSON

    rows = [row for row in Lake.open(root_of(lake)).kinds().to_pylist() if row["stage"] == PERSON]
    by_id: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_id.setdefault(row["template_id"], []).append(row)
    found = [_told(those) for those in by_id.values()]
    found.sort(key=lambda one: (str(one["set_at"] or ""), one["template_id"]), reverse=True)
    if json:
        emit_json({"labels": found})
        return
    if found:
        names = ("template_id", "label", "kinds", "set_by", "set_at", "reason", "app", "template")
        wide = {"reason", "template"}
        table([Column(n, wide=n in wide, right=n == "kinds") for n in names], ([o[n] for n in names] for o in found))
    out(f"{plural(len(found), 'template')} labelled by people")


def _told(rows: list[dict[str, Any]]) -> dict[str, Any]:
    last = max(rows, key=lambda row: (str(row["set_at"] or ""), row["key"]))
    names = ("template_id", "label", "set_by", "set_at", "reason", "app")
    return {n: last[n] for n in names} | {"template": last["merged_text"] or last["template"], "kinds": len(rows)}


@command(
    labels, "history",
    examples=(
        "dioptre labels history --lake lake                   # all that was said, oldest first",
        "dioptre labels history 'Failed password' --lake lake # of one template",
    ),
)  # fmt: skip
def history(
    template: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="A template's id, or words of it. [default: all]")
    ] = None,
    lake: LakeOption = None,
    limit: Annotated[int, typer.Option("--limit", "-n", metavar="N", help="The last N; 0: all. [40]", min=0)] = 40,
    json: JsonOption = False,
) -> None:
    """Tell who said what of which kind, when and why: the view label_history."""
    from connectors.lake import Lake
    from pipeline.cli.asking import answer
    from pipeline.curate_find import keys_of

    config = settings({"lake.path": lake})
    opened = Lake.open(config.settings.lake.path)
    keys = keys_of(opened, opened.kinds(), template) if template else []
    where = "WHERE list_contains($keys, key)" if template else ""
    found = answer(config, f"FROM label_history {where} ORDER BY sequence, key", {"keys": keys} if template else None)
    rows = found.to_pylist()
    shown = rows[-limit:] if limit else rows
    if json:
        emit_json({"matching": len(rows), "history": shown})
        return
    names = ("set_at", "set_by", "key", "label_before", "label_after", "stage", "reason")
    if shown:
        table([Column(name, wide=name == "reason") for name in names], ([row[name] for name in names] for row in shown))
    out(f"{plural(len(rows), 'entry', 'entries')}")
    if len(rows) > len(shown):
        hint("--limit 0 tells all")


@command(
    labels, "undo",
    examples=(
        "dioptre labels set 'Failed password' auth.session --lake lake --by ann # a mistake",
        "dioptre labels undo --lake lake --dry-run                              # what would go back?",
        "dioptre labels undo --lake lake --by ann",
    ),
)  # fmt: skip
def undo(
    template: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Undo what was said last of this. [default: of any]")
    ] = None,
    lake: LakeOption = None,
    by: ByOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Take back the last change by a person that was not taken back yet: a label, a merge, a split, a mute, an import.

    All kinds of that change go back to what held before. Once more takes back the change before that.
    """
    from connectors.lake import Lake
    from pipeline.curate_undo import undo as take_back

    opened = Lake.open(root_of(lake))
    done = take_back(opened, template, by=who(by), dry_run=dry_run)
    report(
        opened,
        done,
        json=json,
        dry_run=dry_run,
        verb=("took back what was said of", "would take back what was said of"),
    )


@command(
    labels, "export",
    examples=(
        "dioptre labels export kinds.yaml --lake lake        # what people said",
        "dioptre labels export all.yaml --lake lake --all    # and all that is known",
    ),
)  # fmt: skip
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The YAML file to write.")],
    lake: LakeOption = None,
    everything: Annotated[bool, typer.Option("--all", help="All kinds, what models said of them too.")] = False,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Write labels and templates of people as YAML, by program and text: another lake can start from them."""
    from connectors.lake import Lake
    from pipeline.curate_yaml import export_labels

    opened = Lake.open(root_of(lake))
    text, count = export_labels(opened, everything=everything)
    if not dry_run:
        file.write_text(text, "utf-8")
    if json:
        emit_json({"lake": str(opened.root), "file": str(file), "kinds": count, "dry_run": dry_run})
    else:
        out(f"{file}: {plural(count, 'kind')}{' would be written' if dry_run else ''}")


@command(
    labels, "import",
    examples=(
        "dioptre labels export kinds.yaml --lake lake --all",
        "dioptre labels import kinds.yaml --lake lake --by ann --dry-run",
        "dioptre labels import kinds.yaml --lake lake --by ann",
    ),
)  # fmt: skip
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `labels export` wrote, or you.")],
    lake: LakeOption = None,
    by: ByOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Take over labels and templates from YAML. What people said counts; what models said, of unknown kinds only."""
    from connectors.lake import Lake
    from pipeline.curate_yaml import import_labels

    opened = Lake.open(root_of(lake))
    done = import_labels(opened, file, by=who(by), dry_run=dry_run)
    report(opened, done, json=json, dry_run=dry_run, verb=("took over", "would take over"), file=str(file))
