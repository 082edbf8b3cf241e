"""The options that say how records are to be read, and the settings they make together with the configuration."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from pipeline.cli.app import settings
from pipeline.cli.times import moment

if TYPE_CHECKING:
    from pipeline.config import Config
    from pipeline.job import Job

_PANEL = "Reading"

FormatOption = Annotated[
    str | None,
    typer.Option("--format", metavar="NAME", help="Wire format of every line. [auto: each is looked at]",
                 rich_help_panel=_PANEL),
]  # fmt: skip
ZoneOption = Annotated[
    str | None,
    typer.Option("--tz", metavar="ZONE", help="Zone of stamps that tell none, as Europe/Berlin. [UTC]",
                 rich_help_panel=_PANEL),
]  # fmt: skip
NowOption = Annotated[
    str | None,
    typer.Option("--now", metavar="TIME", help="Time of receipt, which decides years; ISO 8601. [the file's date]",
                 rich_help_panel=_PANEL),
]  # fmt: skip
RulesOption = Annotated[
    Path | None, typer.Option("--rules", metavar="FILE", help="Your own rules (YAML); they overrule the models.")
]


def config_of(
    *,
    lake: Path | None = None,
    rules: Path | None = None,
    tz: str | None = None,
    format_: str | None = None,
    workers: int | None = None,
) -> "Config":
    """Read the configuration with these flags over it; None: not given."""
    given = {
        "lake.path": lake, "label.rules": rules, "source.tz": tz, "source.format": format_, "backfill.workers": workers
    }  # fmt: skip
    return settings({key: value for key, value in given.items() if value is not None})


def received(now: str | None, config: "Config") -> datetime | None:
    """Read --now; a time without zone is of the configured zone.

    Raises:
        CommandError: it is no time.
    """
    return moment(now, "--now", ZoneInfo(config.settings.source.tz))


def alone(config: "Config", *, lake: bool, now: datetime | None) -> "Job":
    """Make the job of a command that stores nothing; `lake`: it uses what the lake knows."""
    job = config.job(stored=lake)
    return job if now is None else replace(job, reading=replace(job.reading, reference=now))
