"""The command line's frame: the app, its groups, the options every command takes, and how a command is added."""

import functools
import inspect
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from pipeline.cli.errors import ReaderGoneError
from pipeline.cli.helping import COMMON, Command, Group
from pipeline.cli.options import OPTIONS, Color

if TYPE_CHECKING:
    from pipeline.config import Config

VALUED = ("--config", "--color")
"""The common options that take a value."""

F = TypeVar("F", bound=Callable[..., None])

LABEL, ASK, CARE = "Label logs", "Ask about them", "Take care"
"""The groups of commands on the first help page."""

LakeOption = Annotated[
    Path | None, typer.Option("--lake", metavar="DIR", help="The lake's folder. [config: lake.path, else ./lake]")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.", rich_help_panel=COMMON)]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do it without asking.")]
QuietOption = Annotated[
    bool, typer.Option("--quiet", "-q", help="No hints, no bars; errors only.", rich_help_panel=COMMON)
]

_COMMON: dict[str, Any] = {
    "config": Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="Read this dioptre.toml.", rich_help_panel=COMMON),
    ],
    "color": Annotated[
        Color,
        typer.Option("--color", metavar="WHEN", help="auto, always or never; NO_COLOR counts.", rich_help_panel=COMMON),
    ],
    "quiet": QuietOption,
    "verbose": Annotated[
        int,
        typer.Option("--verbose", "-v", count=True, help="Tell more; tracebacks of errors.", rich_help_panel=COMMON),
    ],
}
_DEFAULTS: dict[str, Any] = {"config": None, "color": Color.AUTO, "quiet": False, "verbose": 0}


def _with_common(f: Callable[..., None]) -> Callable[..., None]:
    """Give a function the common options, which are taken off before it is called."""

    @functools.wraps(f)
    def wrapper(**given: Any) -> None:
        OPTIONS.update(**{name: given.pop(name) for name in _COMMON})
        try:
            f(**given)
        except BrokenPipeError as error:
            raise ReaderGoneError from error

    own = list(inspect.signature(f, eval_str=True).parameters.values())
    keyword = inspect.Parameter.KEYWORD_ONLY
    own = [p.replace(kind=keyword) for p in own]
    more = [inspect.Parameter(n, keyword, default=_DEFAULTS[n], annotation=a) for n, a in _COMMON.items()]
    wrapper.__signature__ = inspect.Signature([*own, *more])  # type: ignore[attr-defined]
    wrapper.__annotations__ = {p.name: p.annotation for p in [*own, *more]}
    return wrapper


def _root() -> None:
    """Label each kind of log line once, say how sure, and ask the events in SQL.

    Every command takes --config FILE, --color WHEN, -q and -v; `dioptre COMMAND --help` tells the rest.
    Exit codes: 0 done; 1 done, with findings; 2 failed; 130 interrupted.
    With --json, stdout is one JSON document, of a failure {"error": {"code", "message", "hint"}}.
    `dioptre --install-completion` completes commands in your shell.
    """


_COMPLETING = "_DIOPTRE_COMPLETE" in os.environ or bool({"--install-completion", "--show-completion"} & set(sys.argv))
"""Completion is wired in only when asked for: two options less on the first page."""

app = typer.Typer(
    cls=Group,
    add_completion=_COMPLETING,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="\n".join(
        (
            "dioptre scan logs                        # label and summarise, store nothing",
            "dioptre backfill logs --lake lake        # archives into a lake",
            'dioptre sql --lake lake "FROM templates" # ask it',
        )
    ),
)
app.callback()(_root)


def group(name: str, summary: str, *, panel: str = CARE, examples: Sequence[str] = ()) -> typer.Typer:
    """Make a group of commands, such as `lake` of `lake status`."""
    made = typer.Typer(cls=Group, no_args_is_help=True, help=summary, epilog="\n".join(examples))
    app.add_typer(made, name=name, rich_help_panel=panel)
    return made


def command(of: typer.Typer, name: str, *, examples: Sequence[str], panel: str | None = None) -> Callable[[F], F]:
    """Add a command. Its docstring is its help page: a line of summary, then what else is to be said.

    Args:
        of: `app`, or a group.
        examples: complete command lines that run where a lake `lake` and a folder `logs` lie; `# comment` may follow.
            They are tested.
        panel: LABEL, ASK or CARE, for commands of `app`.
    """

    def add(f: F) -> F:
        settings = {"help_option_names": ["-h", "--help"]}
        add_to = of.command(
            name, cls=Command, epilog="\n".join(examples), rich_help_panel=panel, context_settings=settings
        )
        add_to(_with_common(f))
        return f

    return add


def settings(flags: Mapping[str, Any] | None = None) -> "Config":
    """Read the configuration: file, environment, then `flags` ("lake.path" -> value; None: not given).

    Raises:
        ConfigError: everything there is to mend.
    """
    from pipeline.config import load

    return load({k: v for k, v in (flags or {}).items() if v is not None}, file=OPTIONS.config)
