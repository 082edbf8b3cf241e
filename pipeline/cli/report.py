"""`dioptre report`: what happened, who labelled it, how far to trust that, and what it took, as one HTML file."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.app import ASK, JsonOption, LakeOption, app, command, settings
from pipeline.cli.errors import CommandError
from pipeline.cli.output import emit_json, hint, human_bytes, out
from pipeline.cli.times import moment

if TYPE_CHECKING:
    from pipeline.config import Config


@command(
    app, "report", panel=ASK,
    examples=(
        "dioptre report lake --out report.html   # one file: mail it, or open it",
        "dioptre report --lake lake --mark '2026-11-02T12:00 deploy 1.2'",
        "dioptre report lake --json",
    ),
)  # fmt: skip
def report(
    place: Annotated[Path | None, typer.Argument(metavar="[LAKE]", help="The lake's folder.")] = None,
    lake: LakeOption = None,
    to: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The page to write.")] = Path("report.html"),
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="Events from then on: 2h, 3d, ISO 8601.")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="Events up to then.")] = None,
    mark: Annotated[
        list[str] | None, typer.Option("--mark", metavar="TIME[ NAME]", help="Draw a line: a deploy, a page at night.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Write a report of a lake: one HTML file that loads nothing, light and dark, fit for print.

    Events over time, errors by host, the loudest templates and the new ones; which stage labelled how much;
    certificates, what they rest on and what is still missing; drift; rejects and clocks; CPU-seconds, Wh, gCO2e,
    litres and money, each as low, central and high. --json prints the same as data and writes no file.
    """
    if place is not None and lake is not None:
        raise CommandError("the lake is named twice", "dioptre report lake, or dioptre report --lake lake")
    config = settings({"lake.path": place or lake})
    marks = [_mark(text) for text in mark or ()]
    told = _gathered(config, moment(since, "--since"), moment(until, "--until"))
    if json:
        emit_json(told)
        return
    _write(to, told, marks)
    if told["per_million"]:
        wh = told["per_million"]["inflow"]
        band = f"{wh['wh']:.3g} Wh ({wh['wh_low']:.2g} to {wh['wh_high']:.2g})"
        out(f"{band} per million events from the source to the lake, estimated")
    hint(f"open {to} in a browser; it loads nothing from anywhere")


def _write(to: Path, told: dict[str, Any], marks: list[tuple[datetime, str]]) -> None:
    from pipeline.report_html import html

    text = html(told, marks).encode("utf-8", "backslashreplace")
    to.write_bytes(text)
    out(f"{to}: {human_bytes(len(text))}")


def _gathered(config: "Config", since: datetime | None, until: datetime | None) -> dict[str, Any]:
    from connectors.lake import Lake
    from pipeline.certify_models import frozen_of
    from pipeline.cli.asking import session
    from pipeline.report import gather

    with session(config) as opened:
        lake = Lake.open(config.settings.lake.path)
        return gather(lake, opened, since=since, until=until, frozen=frozen_of(config))


def _mark(text: str) -> tuple[datetime, str]:
    """Read `TIME`, or `TIME NAME`."""
    told, _, name = text.strip().partition(" ")
    when = moment(told, "--mark")
    assert when is not None
    return when.astimezone(UTC), name.strip() or told
