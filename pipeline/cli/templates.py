"""`dioptre templates`: the kinds a lake knows, how many events are of each, and all there is to know of one."""

from datetime import datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.app import ASK, JsonOption, LakeOption, command, group, settings
from pipeline.cli.errors import CommandError
from pipeline.cli.output import Column, cell, clean, emit_json, hint, out, plural, table

if TYPE_CHECKING:
    from pipeline.config import Config

templates = group(
    "templates",
    "Look at the templates of a lake; merge, split, mute or add some.",
    panel=ASK,
    examples=("dioptre templates list --lake lake", "dioptre templates list --lake lake --label auth"),
)

KEYS_SHOWN = 100
"""Keys told of one template; the table `kinds` has all."""

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
    muted: Annotated[bool, typer.Option("--muted", help="Only what is muted, which is left out else.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-n", metavar="N", help="So many at most; 0: all. [40]", min=0)] = 40,
    json: JsonOption = False,
) -> None:
    """List kinds, those with most events first."""
    label = "unknown" if unknown else label
    found = [t for t in gather(settings({"lake.path": lake})) if t["muted"] == muted and _wanted(t, label, app)]
    shown = found[:limit] if limit else found
    if json:
        emit_json({"matching": len(found), "templates": shown})
        return
    columns = [
        Column("template_id", style="dim"), Column("events", right=True), Column("label", style="cyan"),
        Column("conf", right=True), Column("app"), Column("template", wide=True),
    ]  # fmt: skip
    names = ("template_id", "events", "label", "confidence", "app", "template")
    table(columns, ([_cell(t, name) for name in names] for t in shown))
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
        str, typer.Argument(metavar="ID", help="Its id of today or before, the first digits, or words of it.")
    ],
    lake: LakeOption = None,
    json: JsonOption = False,
) -> None:
    """Show all there is to know of one kind: label, who gave it, an example, where it was first met."""
    config = settings({"lake.path": lake})
    one = _one(gather(config), _of_today(config, template))
    query = f"FROM events WHERE template_id = '{one['template_id']}' ORDER BY ts DESC LIMIT 20"
    if json:
        emit_json({**one, "query": query})
        return
    for name, value in one.items():
        if value not in (None, "", False):
            value = " ".join(value) if isinstance(value, list) else value
            text = f"{value:.3f}" if isinstance(value, float) else cell(value)
            out(f"{name.replace('_', ' '):<14}{text}")
    at = lake or settings().settings.lake.path
    out(f'{"its lines":<14}dioptre sql --lake {clean(at)} "{query}"')


def gather(config: "Config") -> list[dict[str, Any]]:
    """Gather the kinds of a lake, one row a template, most events first."""
    from clustering.templates import OTHER
    from connectors.lake import Lake

    counts = _volumes(config)
    of_template: dict[str, list[dict[str, Any]]] = {}
    for row in Lake.open(config.settings.lake.path).kinds().to_pylist():
        of_template.setdefault(row["template_id"], []).append(row)
    told = [_told(rows, *counts.get(id_, (0, None))) for id_, rows in of_template.items()]
    others = [t for t in told if t["template"] == OTHER]
    beyond = _beyond(config, [t["template_id"] for t in others]) if others else {}
    for one in others:
        one["kinds"] = beyond.get(one["template_id"], 0)
    return sorted(told, key=lambda t: (-t["events"], t["first_seen"], t["template_id"]))


def _cell(told: dict[str, Any], name: str) -> Any:
    """Give what the list shows of a template; of `<other>` how many kinds it stands for, too."""
    from clustering.templates import OTHER

    if name == "template" and told[name] == OTHER:
        return f"{OTHER}, {plural(told['kinds'], 'kind')}"
    return f"{told[name]:.2f}" if name == "confidence" else told[name]


def _told(rows: list[dict[str, Any]], events: int, last_seen: datetime | None) -> dict[str, Any]:
    """Tell of a template what the view tells: of the key that a person labelled, else the first seen."""
    row = min(rows, key=lambda row: (row["stage"] != "person", row["first_seen"], row["key"]))
    first = ("template_id", "app", "label", "confidence", "stage", "model", "settled", "cert_id")
    middle = ("set_by", "set_at", "reason", "cluster_id")
    rest = ("example", "first_seen", "source", "source_offset")
    told = {n: row[n] for n in first} | {"template": row["merged_text"] or row["template"]}
    told |= {"kinds": len(rows), "keys": sorted(r["key"] for r in rows)[:KEYS_SHOWN]}
    told |= {"muted": bool(row["muted"]), "events": events, "last_seen": last_seen}
    return told | {n: row[n] for n in (*middle, *rest)}


def _of_today(config: "Config", told: str) -> str:
    """Give the id of today for one that a template had before; what is none, as it was told."""
    from pipeline.cli.asking import answer

    found = answer(config, "SELECT DISTINCT new FROM template_ids WHERE old = ?", [told]).to_pylist()
    return str(found[0]["new"]) if len(found) == 1 else told


def _volumes(config: "Config") -> dict[str, tuple[int, datetime]]:
    """Count the events of each template."""
    from pipeline.cli.asking import answer

    found = answer(config, "SELECT template_id, count(*), max(ts) FROM events WHERE template_id IS NOT NULL GROUP BY 1")
    ids, counts, last = (found.column(i).to_pylist() for i in range(3))
    return {i: (n, at) for i, n, at in zip(ids, counts, last, strict=True)}


def _beyond(config: "Config", others: list[str]) -> dict[str, int]:
    """Count the kinds that each `<other>` stands for: the lake knows them by their events alone."""
    from pipeline.cli.asking import answer

    where = "template_id IN (SELECT unnest($others))"
    query = f"SELECT template_id, count(DISTINCT key) FROM events WHERE {where} GROUP BY 1"
    ids, counts = (column.to_pylist() for column in answer(config, query, {"others": others}).columns)
    return dict(zip(ids, counts, strict=True))


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
