"""`dioptre review`: label the kinds where a label is worth most, or those drawn for a certificate."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.app import CARE, DryRunOption, JsonOption, LakeOption, app, command, settings
from pipeline.cli.curating import ByOption, report, who
from pipeline.cli.output import emit_json, hint, out, plural, say

if TYPE_CHECKING:
    from connectors.catalog import Session
    from connectors.lake import Lake
    from pipeline.cli.review_session import Told
    from pipeline.config import Config
    from pipeline.review import Item
    from pipeline.review_look import Look

SHOWN = 20


@command(
    app, "review", panel=CARE,
    examples=(
        "dioptre review --lake lake --json                    # the kinds where a label is worth most",
        "dioptre review --lake lake --export todo.csv         # fill the column label in, then",
        "dioptre review --lake lake --import todo.csv --by ann --dry-run",
    ),
)  # fmt: skip
def review(
    lake: LakeOption = None,
    cert: Annotated[bool, typer.Option("--cert", help="Only the kinds that `dioptre certify` drew, in order.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", metavar="N", help="At most N kinds; 0: all.", min=0)] = 0,
    export: Annotated[
        Path | None, typer.Option("--export", metavar="FILE", help="Write the kinds to .yaml or .csv, to fill in.")
    ] = None,
    import_: Annotated[
        Path | None, typer.Option("--import", metavar="FILE", help="Take the labels of such a file.")
    ] = None,
    by: ByOption = None,
    dry_run: DryRunOption = False,
    json: JsonOption = False,
) -> None:
    """Label kinds, one key each: where models doubt and many events hang on it first; each fifth drawn at random.

    Shown are the template, lines of it, labelled kinds that are near, and what the best model proposes; of kinds drawn
    at random the proposals stand in alphabetical order, without numbers, so that they lead nobody. Keys: 1-3 take a
    proposal, / types a label, s skips, u undoes, q quits. A label holds for all events of the kind at once.
    """
    from connectors.lake import Lake
    from pipeline.cli.asking import session

    config = settings({"lake.path": lake})
    opened = Lake.open(config.settings.lake.path)
    with session(config) as asked:
        items = _items(opened, asked, cert=cert)
        if import_ is not None:
            _import(opened, items, import_, who(by), dry_run=dry_run, json=json)
            return
        shown = items[: limit or None]
        if json or export is not None:
            _list(opened, asked, config, shown[: None if export or limit else SHOWN], len(items), export)
            return
        _sit(opened, asked, config, shown, who(by))


def _items(lake: "Lake", asked: "Session", *, cert: bool) -> "list[Item]":
    from pipeline.review import cert_queue, queue

    rows = asked.run("SELECT template_id, count(*) AS n FROM events WHERE template_id IS NOT NULL GROUP BY 1")
    volumes = dict(zip(rows.column(0).to_pylist(), rows.column(1).to_pylist(), strict=True))
    return (cert_queue if cert else queue)(lake, volumes)


def _ask(asked: "Session", query: str, given: dict[str, Any]) -> list[dict[str, Any]]:
    return list(asked.run(query, given).to_pylist())


def _list(
    lake: "Lake", asked: "Session", config: "Config", items: "list[Item]", waiting: int, export: Path | None
) -> None:
    """Print the queue as JSON, or write it as a file to be filled in."""
    from pipeline.review import progress
    from pipeline.review_files import write
    from pipeline.review_look import Looker

    looker = Looker(lambda query, given: _ask(asked, query, given), config.settings.label.model)
    looks = [looker.look(item) for item in items]
    if export is not None:
        write(export, looks)
        out(f"{export}: {plural(len(looks), 'kind')}")
        hint(f"fill in `label`, then dioptre review --import {export}")
        return
    emit_json(
        {"lake": str(lake.root), "waiting": waiting, "progress": progress(lake), "kinds": [_told(x) for x in looks]}
    )


def _told(look: "Look") -> dict[str, Any]:
    item = look.item
    return {
        "template_id": item.template_id, "app": item.kind.app, "template": item.kind.template, "why": item.why,
        "inclusion": item.inclusion, "events": item.events, "doubt": round(item.doubt, 4),
        "label": item.row["label"], "first_seen": item.row["first_seen"], "lines": list(look.lines),
        "proposals": [vars(one) for one in look.proposals], "nearest": [vars(one) for one in look.nearest],
    }  # fmt: skip


def _import(lake: "Lake", items: "list[Item]", file: Path, by: str, *, dry_run: bool, json: bool) -> None:
    from pipeline.review import answer_all
    from pipeline.review_files import read

    done = answer_all(lake, read(file), {item.template_id: item for item in items}, by=by, dry_run=dry_run)
    report(lake, done, json=json, dry_run=dry_run, verb=("labelled", "would label"), file=str(file))


def _sit(lake: "Lake", asked: "Session", config: "Config", items: "list[Item]", by: str) -> None:
    """Put the items before whoever sits at the terminal."""
    from pipeline.cli.keeping import refresh
    from pipeline.cli.review_session import Sitting
    from pipeline.curate_undo import undo
    from pipeline.review import answer
    from pipeline.review_look import Looker

    if not items:
        out("no kind waits for a label")
        return
    looker = Looker(lambda query, given: _ask(asked, query, given), config.settings.label.model)
    sitting = Sitting(
        items, looker.look, lambda item, label: _done(answer(lake, item, label, by=by)),
        lambda item: _done(undo(lake, item.row["key"], by=by)), lambda: _needed(lake),
    )  # fmt: skip
    told = sitting.run()
    if told.labelled:
        refresh(lake.root)
    _summary(lake, told)


def _done(_: object) -> None:
    return None


def _summary(lake: "Lake", told: "Told") -> None:
    seconds = told.seconds_a_label
    took = f", {seconds:.1f} s a label" if seconds is not None else ""
    out(f"{plural(told.labelled, 'label')}, {told.skipped:,} skipped{took}")
    _needed(lake, seconds)


def _needed(lake: "Lake", seconds: float | None = None) -> None:
    """Say how far it is to a first certificate."""
    from pipeline.review import progress

    told: Mapping[str, Any] = progress(lake)
    first, needed = f"a first certificate ({told['tier']})", told["needed"]
    time = f", some {needed * seconds / 60:.0f} min" if seconds and needed else ""
    done = f"{told['labelled']:,} of {plural(told['drawn'], 'drawn kind')} labelled"
    if told["cert_set"] is None:
        text = f"{first} needs at least {plural(needed, 'label')} of kinds drawn at random{time}: "
        text += "`dioptre certify` draws them, then `dioptre review --cert`"
    elif needed:
        text = f"{done}; {first} needs at least {needed:,} more{time}"
    else:
        text = f"{done}: `dioptre certify` may prove {told['tier']} now"
    say(text, always=True)
