"""`dioptre export`: a part of a lake as one file, for a colleague who has no lake."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from pipeline.cli.app import ASK, JsonOption, LakeOption, app, command, settings
from pipeline.cli.errors import CommandError
from pipeline.cli.output import emit_json, hint, human_bytes, out, plural
from pipeline.cli.times import moment

if TYPE_CHECKING:
    from connectors.catalog import Exported

_WHAT = "What to export"

SinceOption = Annotated[
    str | None,
    typer.Option("--since", metavar="TIME", help="From then on: ISO 8601, or 2h, 3d ago.", rich_help_panel=_WHAT),
]
UntilOption = Annotated[str | None, typer.Option("--until", metavar="TIME", help="Before then.", rich_help_panel=_WHAT)]
LabelOption = Annotated[
    list[str] | None,
    typer.Option("--label", metavar="LABEL", help="Of this label or domain; repeatable.", rich_help_panel=_WHAT),
]
KindOption = Annotated[
    list[str] | None,
    typer.Option("--kind", metavar="ID", help="Of this template id; repeatable.", rich_help_panel=_WHAT),
]

FormatOption = Annotated[
    str | None, typer.Option("--format", metavar="FORMAT", help="duckdb, parquet or csv. [as FILE ends]")
]
ForceOption = Annotated[bool, typer.Option("--force", help="Write over a file that is there.")]


@command(
    app, "export", panel=ASK,
    examples=(
        "dioptre export incident.duckdb --lake lake --since 2026-11-01 --until 2026-11-03",
        "dioptre export logins.csv --lake lake --label auth           # a domain, or one of its labels",
        "dioptre export failed.parquet --lake lake --label auth.login_failure --json",
    ),
)  # fmt: skip
def export(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="What to write; its ending tells the format: .duckdb, .parquet, .csv."),
    ],
    since: SinceOption = None,
    until: UntilOption = None,
    label: LabelOption = None,
    kind: KindOption = None,
    format_: FormatOption = None,
    force: ForceOption = False,
    lake: LakeOption = None,
    json: JsonOption = False,
) -> None:
    """Write events of a time range, of some labels or kinds, into one self-contained file.

    A .duckdb file holds events, templates and labels as tables, with the macros; any DuckDB since 1.1 opens it. CSV is
    made safe for spreadsheets. The file appears whole or not at all.
    """
    from connectors.catalog import export as write
    from connectors.lake import Lake

    config = settings({"lake.path": lake})
    zone = ZoneInfo(config.settings.source.tz)
    begin, end = moment(since, "--since", zone), moment(until, "--until", zone)
    chosen: dict[str, Any] = {"since": begin, "until": end, "labels": label or (), "kinds": kind or ()}
    if file.exists() and not force:
        raise CommandError(f"{file}: exists already", "--force writes over it", code="exists")
    opened = Lake.open(config.settings.lake.path)
    made = write(opened, file, **chosen, format=_format(format_), overwrite=force)
    if json:
        emit_json({**asdict(made), "path": str(made.path)})
    else:
        _tell(made)


def _tell(made: "Exported") -> None:
    size = human_bytes(made.bytes)
    out(f"{made.path}: {plural(made.events, 'event')} of {plural(made.templates, 'template')}, {size}")
    if made.format == "duckdb":
        hint(f'open it: duckdb {made.path} "FROM events LIMIT 5"')


def _format(told: str | None) -> Any:
    """Check a format's name."""
    if told not in (None, "duckdb", "parquet", "csv"):
        raise CommandError(f"--format {told}: no such format", "duckdb, parquet and csv are")
    return told
