"""The `dioptre` command. Importing it is cheap: what a command needs is imported when it runs."""

import contextlib
import os
import sys
from collections.abc import Sequence
from importlib import import_module

COMMANDS = (
    "scan", "label", "backfill", "stream", "learn", "explain", "sql", "report", "templates", "templates_orders",
    "labels", "review", "rejects", "export", "certify", "tiers", "audit", "lake", "config", "models", "train",
    "train_exits", "train_trials", "doctor", "version",
)  # fmt: skip
"""The modules that hold commands, in the order of the help page."""

_FLAGS = ("-q", "--quiet", "-v", "-vv", "--verbose", "-qv", "-vq", "--json")


def main() -> None:
    """Be the command: run what sys.argv asks for, and exit."""
    sys.exit(run(sys.argv[1:]))


def run(argv: Sequence[str]) -> int:
    """Run a command line; give the exit code. Nothing is raised: failures are told on stderr."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    if list(argv) in (["version"], ["--version"]):
        return _version()
    return _run(argv)


def _version() -> int:
    """Take the short way: typer imports pydantic as soon as it parses anything, .2 CPU-s."""
    from schemas.version import VERSION

    sys.stdout.write(f"dioptre {VERSION}\n")
    return 0


def _run(argv: Sequence[str]) -> int:
    """Hand the command line to typer and turn whatever comes of it into an exit code."""
    from typer import Abort
    from typer.main import get_command

    from pipeline.cli import errors
    from pipeline.cli.app import app
    from pipeline.cli.options import OPTIONS

    OPTIONS.reset(list(argv))
    for name in COMMANDS:
        import_module(f"{__name__}.{name}")
    try:
        code = get_command(app).main(_options_last(argv), prog_name="dioptre", standalone_mode=False)
        sys.stdout.flush()
    except (BrokenPipeError, errors.ReaderGoneError):
        return errors.gone()
    except (KeyboardInterrupt, Abort):
        code = errors.INTERRUPTED
    except Exception as error:  # the last resort: every failure is told in one line
        return _told(error)
    if code == errors.INTERRUPTED:
        with contextlib.suppress(OSError):
            sys.stderr.write("interrupted" + os.linesep)
    return code if isinstance(code, int) else errors.DONE


def _options_last(argv: Sequence[str]) -> list[str]:
    """Move common options that stand before the command behind it: `dioptre -q scan x` is `dioptre scan x -q`."""
    from pipeline.cli.app import VALUED

    at = 0
    while at < len(argv) and argv[at].startswith("-") and argv[at].partition("=")[0] in (*VALUED, *_FLAGS):
        at += 2 if argv[at] in VALUED else 1
    rest = list(argv[at:])
    end = rest.index("--") if "--" in rest else len(rest)
    return [*rest[:end], *argv[:at], *rest[end:]] if rest else []


def _told(error: Exception) -> int:
    from pipeline.cli import errors

    try:
        return errors.report(error)
    except BrokenPipeError:
        errors.gone()
        return errors.FAILED
