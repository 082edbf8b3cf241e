"""The options of `dioptre stream` that no other command has."""

from typing import Annotated

import typer

_HEALTH, _ENGINE = "Lag and health", "Engines"

BeamArgument = Annotated[list[str] | None, typer.Argument(hidden=True, metavar="[-- BEAM...]")]
BrokersOption = Annotated[
    str | None, typer.Option("--brokers", metavar="H:P,...", help="Some of the brokers. [config: kafka.brokers]")
]
TopicOption = Annotated[
    list[str] | None, typer.Option("--topic", metavar="T", help="May be given again. [config: kafka.topics]")
]
WorkersOption = Annotated[int | None, typer.Option("--workers", metavar="N", min=1, help="Processes. [1]")]
StartOption = Annotated[
    str | None,
    typer.Option(
        "--start",
        metavar="WHEN",
        help="Where a partition begins that the lake has nothing of: earliest, latest, 2h, ISO 8601.",
    ),
]
UntilEndOption = Annotated[
    bool, typer.Option("--until-end", help="Read what is there now, then exit: for cron and tests.")
]
FlushOption = Annotated[
    float | None, typer.Option("--flush-s", metavar="S", help="Seconds a record waits at most. [5]")
]
RunnerOption = Annotated[
    str | None,
    typer.Option(
        "--runner",
        metavar="NAME",
        rich_help_panel=_ENGINE,
        help="PrismRunner, FlinkRunner or PortableRunner; Beam's options for it go after --.",
    ),
]
ListenOption = Annotated[
    str | None,
    typer.Option(
        "--listen", metavar="HOST:PORT", rich_help_panel=_HEALTH, help="Serve /metrics, /healthz and /readyz there."
    ),
]
GroupOption = Annotated[
    str | None,
    typer.Option(
        "--group",
        metavar="NAME",
        rich_help_panel=_HEALTH,
        help="Set this group's offsets, for others' lag graphs. [dioptre]",
    ),
]
