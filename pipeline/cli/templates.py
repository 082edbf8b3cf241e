"""`dioptre templates`: the kinds a lake knows, how many events are of each, and all there is to know of one."""

from datetime import datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.app import ASK, JsonOption, LakeOption, command, group, settings
from pipeline.cli.errors import CommandError
from pipeline.cli.output import Column, cell, clean, emit_json, hint, out, table

if TYPE_CHECKING:
    import pyarrow as pa

    from pipeline.config import Config

templates = group(
    "templates",
    "Look at the kinds of lines that a lake knows.",
    panel=ASK,
    examples=("dioptre templates list --lake lake", "dioptre templates list --lake lake --label auth"),
)

_HEX = frozenset("0123456789abcdef")


@command(
    templates, "list",
    examples=(
        "dioptre templates list --lake lake                  # the loudest kinds first",
        "dioptre templates list --lake lake --label auth     # of a domain, or of one label",
        "dioptre templates list --lake lake --unknown --json # what nobody was sure about",
    ),
)  # fmt: skip
def list_(
    lake: LakeOption = None,
    label: Annotated[
        str | None,
        typer.Option(
            "--label", metavar="LABEL", help="Only this label or domain, as auth, auth.* or storage.disk_full."
        ),
    ] = None,
    app: Annotated[str | None, typer.Option("--app", metavar="GLOB", help="Only these programs.")] = None,
    unknown: Annotated[bool, typer.Option("--unknown", help="Only what has no label yet.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", metavar="N", help="So many at most; 0: all. [40]", min=0)] = 40,
    json: JsonOption = False,
) -> None:
    """List kinds, those with most events first."""
    label = "unknown" if unknown else label
    found = [t for t in gather(settings({"lake.path": lake})) if _wanted(t, label, app)]
    shown = found[:limit] if limit else found
    if json:
        emit_json({"matching": len(found), "templates": shown})
        return
    columns = [
        Column("template_id", style="dim"), Column("events", right=True), Column("label", style="cyan"),
        Column("conf", right=True), Column("app"), Column("template", wide=True),
    ]  # fmt: skip
    names = ("template_id", "events", "label", "confidence", "app", "template")
    table(columns, ([f"{t[n]:.2f}" if n == "confidence" else t[n] for n in names] for t in shown))
    if len(found) > len(shown):
        hint(f"{len(found) - len(shown):,} more; --limit 0 lists all")


@command(
    templates, "show",
    examples=(
        "dioptre templates show --lake lake 'Failed password' # by words of its template, or by its id",
        "dioptre templates show --lake lake 'Failed password' --json",
    ),
)  # fmt: skip
def show(
    template: Annotated[
        str, typer.Argument(metavar="ID", help="Its 16 hex digits or the first few, or words of the template.")
    ],
    lake: LakeOption = None,
    json: JsonOption = False,
) -> None:
    """Show all there is to know of one kind: label, who gave it, an example, where it was first met."""
    one = _one(gather(settings({"lake.path": lake})), template)
    query = f"FROM events WHERE template_id = '{one['template_id']}' ORDER BY ts DESC LIMIT 20"
    if json:
        emit_json({**one, "query": query})
        return
    for name, value in one.items():
        if value not in (None, ""):
            text = f"{value:.3f}" if isinstance(value, float) else cell(value)
            out(f"{name.replace('_', ' '):<14}{text}")
    at = lake or settings().settings.lake.path
    out(f'{"its lines":<14}dioptre sql --lake {clean(at)} "{query}"')


def gather(config: "Config") -> list[dict[str, Any]]:
    """Gather the kinds of a lake, one row a template, most events first."""
    from connectors.lake import Lake

    counts = _volumes(config)
    rows = {row["template_id"]: row for row in _kinds(Lake.open(config.settings.lake.path).kinds())}
    told = [_told(row, *counts.get(key, (0, None))) for key, row in rows.items()]
    return sorted(told, key=lambda t: (-t["events"], t["first_seen"], t["template_id"]))


def _kinds(kinds: "pa.Table") -> list[dict[str, Any]]:
    """Give the rows of kinds; of several keys of a template that which bears its id stands last, and so counts."""
    rows: list[dict[str, Any]] = kinds.to_pylist()
    return sorted(rows, key=lambda row: (row["template_id"], row["key"] == row["template_id"]))


def _told(row: dict[str, Any], events: int, last_seen: datetime | None) -> dict[str, Any]:
    first = ("template_id", "template", "app", "label", "confidence", "stage", "model", "settled", "cert_id")
    rest = ("example", "first_seen", "source", "source_offset")
    return {n: row[n] for n in first} | {"events": events, "last_seen": last_seen} | {n: row[n] for n in rest}


def _volumes(config: "Config") -> dict[str, tuple[int, datetime]]:
    """Count the events of each template."""
    from pipeline.cli.asking import answer

    found = answer(config, "SELECT template_id, count(*), max(ts) FROM events WHERE template_id IS NOT NULL GROUP BY 1")
    ids, counts, last = (found.column(i).to_pylist() for i in range(3))
    return {i: (n, at) for i, n, at in zip(ids, counts, last, strict=True)}


def _wanted(told: dict[str, Any], label: str | None, app: str | None) -> bool:
    named = label is None or fnmatchcase(told["label"], label) or fnmatchcase(told["label"].partition(".")[0], label)
    return named and (app is None or fnmatchcase(told["app"], app))


def _one(found: list[dict[str, Any]], told: str) -> dict[str, Any]:
    """Find a template by the beginning of its id, else by words of it."""
    by_id = [t for t in found if told and set(told.lower()) <= _HEX and t["template_id"].startswith(told.lower())]
    alike = by_id or [t for t in found if told.lower() in t["template"].lower()]
    if len(alike) == 1:
        return alike[0]
    if not alike:
        hint_ = "`dioptre templates list` shows what there is"
        raise CommandError(f"{told}: no such template in this lake", hint_, code="not_found")
    some = [f"{t['template_id']}  {t['template']}" for t in alike[:5]]
    message = "\n  ".join([f"{told}: {len(alike)} templates fit", *some])
    raise CommandError(message, "give an id, or more words", code="ambiguous")
