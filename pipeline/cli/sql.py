"""`dioptre sql`: questions to a lake, read-only, from the command line, a file, a pipe or a prompt."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.app import ASK, JsonOption, LakeOption, app, command, settings
from pipeline.cli.errors import CommandError
from pipeline.cli.output import hint, plural
from pipeline.cli.results import Format, write

if TYPE_CHECKING:
    from connectors.catalog import Session

_SUFFIXES = {f".{form.value}": form for form in Format if form != Format.TABLE}

FileOption = Annotated[
    Path | None, typer.Option("--file", "-f", metavar="FILE", help="Read the statement from a file.")
]
FormatOption = Annotated[
    Format | None,
    typer.Option("--format", metavar="FORMAT", help="table, json, jsonl, csv or parquet. [table, or as -o ends]"),
]
OutputOption = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the answer to a file; it appears whole.")
]


@command(
    app, "sql", panel=ASK,
    examples=(
        'dioptre sql --lake lake "SELECT label, count(*) AS n FROM events GROUP BY 1 ORDER BY 2 DESC"',
        "dioptre sql --lake lake \"FROM new_since(TIMESTAMPTZ '2026-11-01 00:00:00+00')\" --format json",
        "dioptre sql --lake lake -f question.sql -o answer.csv",
    ),
)  # fmt: skip
def sql(
    query: Annotated[
        str | None, typer.Argument(metavar="[QUERY]", help="One statement. Without it: a prompt, or what is piped in.")
    ] = None,
    file: FileOption = None,
    form: FormatOption = None,
    output: OutputOption = None,
    lake: LakeOption = None,
    json: JsonOption = False,
) -> None:
    """Ask a lake in DuckDB's SQL; nothing can be changed, and no other file be read.

    Views: events, templates, rejects, new_templates, template_hours, template_stats, events_raw, sources, segments,
    otel_logs; table labels. Macros: recent, new_since, around, spikes, slots, param, sev_text and more; see .help.
    CSV is made safe for spreadsheets and terminals; JSON and Parquet hold every character.
    """
    from pipeline.cli.asking import session

    form = Format.JSON if json else form or _by_suffix(output)
    text = _question(query, file)
    with session(settings({"lake.path": lake})) as opened:
        if text is None:
            _prompt(opened)
        else:
            _answer(opened, text, form, output)


def _by_suffix(output: Path | None) -> Format:
    if output is None:
        return Format.TABLE
    if output.suffix.lower() not in _SUFFIXES:
        known = ", ".join(_SUFFIXES)
        raise CommandError(f"{output}: its ending tells no format", f"name it {known}, or say --format")
    return _SUFFIXES[output.suffix.lower()]


def _question(query: str | None, file: Path | None) -> str | None:
    """Find the statement; None: nobody gave one, and somebody sits at a terminal.

    Raises:
        CommandError: two were given, or none and no terminal.
    """
    if query is not None and file is not None:
        raise CommandError("both a query and a file with one", "give one of them")
    if query == "-" or (query is None and file is None and not sys.stdin.isatty()):
        query = sys.stdin.read()
    elif file is not None:
        query = file.read_text("utf-8")
    if query is not None and not query.strip().strip(";").strip():
        raise CommandError("no query", 'dioptre sql "FROM templates"')
    return query


def _prompt(opened: "Session") -> None:
    from pipeline.cli.errors import report
    from pipeline.cli.prompt import Prompt

    Prompt(lambda text, form: _answer(opened, text, form, None), report).run()


def _answer(opened: "Session", text: str, form: Format, output: Path | None) -> None:
    """Write the answers: tables and CSV one after the other, else only the last."""
    from pipeline.cli.asking import answers

    began = time.monotonic()
    for found in answers(opened, text, each=form in (Format.TABLE, Format.CSV) and output is None):
        write(found, form, output)
        if form == Format.TABLE:
            hint(f"{plural(found.num_rows, 'row')}, {time.monotonic() - began:.2f} s")
