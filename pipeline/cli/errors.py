"""Exit codes, and how a failure is told: one line that says what and where, one that says what would be right."""

import errno
import os
import re
import sys
from dataclasses import dataclass

import typer

from pipeline.cli.options import OPTIONS
from pipeline.cli.output import SCHEMA_VERSION, clean, say, to_json

DONE, FINDINGS, FAILED, INTERRUPTED = 0, 1, 2, 130
"""Exit codes: done; done but there is something to look at; usage, config or any other failure; Ctrl-C."""

_ROOMS = ("schemas", "connectors", "clustering", "classifiers", "pipeline")
_NOT_MENDED = "this is a bug of dioptre: run it again with -v and report what it prints"
_USAGE = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")


class CommandError(Exception):
    """A command cannot do what was asked. `code`: one word for programs."""

    def __init__(self, message: str, hint: str = "", *, code: str = "usage") -> None:
        super().__init__(message)
        self.hint, self.code = hint, code


class ReaderGoneError(Exception):
    """Whoever read stdout has gone; told so because typer makes exit code 1 of a BrokenPipeError."""


@dataclass(frozen=True)
class Told:
    """A failure as people and programs are told of it."""

    code: str
    message: str
    hint: str = ""
    bug: bool = False


def findings() -> typer.Exit:
    """Give what to raise when a command is done but found something: exit code 1."""
    return typer.Exit(FINDINGS)


def told(error: BaseException) -> Told:
    """Say what failed. An exception class of our own bears a message for people; others are bugs, or the system's."""
    if isinstance(error, CommandError):
        return Told(error.code, str(error), error.hint)
    if isinstance(error, _USAGE):
        return _usage(error)
    kind = type(error)
    if kind.__module__.partition(".")[0] in _ROOMS and not getattr(error, "trace", None):
        message, hint = _parted(str(error))
        return Told(_code(kind.__name__), message, hint)
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return Told("io", f"{where}{error.strerror}", _OS_HINTS.get(error.errno or 0, ""))
    if isinstance(error, MemoryError):
        return Told("memory", "out of memory", "lower backfill.workers, backfill.batch_mib or sql.memory_mib")
    if isinstance(error, ModuleNotFoundError):
        return Told("setup", f"{error.name} is not installed", "`make setup` in the source tree installs everything")
    return Told("bug", f"{kind.__name__}: {error}", _NOT_MENDED, bug=True)


_OS_HINTS = {
    errno.ENOENT: "name a file that exists",
    errno.EACCES: "give this user the permission",
    errno.ENOSPC: "free some space there, then run the same command again",
    errno.EISDIR: "name a file, not a folder",
    errno.EROFS: "choose a place that can be written",
}


def report(error: BaseException) -> int:
    """Tell of a failure on stderr, with --json as one JSON document on stdout as well; give the exit code.

    Never a traceback, unless -v asks for one.
    """
    if type(error).__name__ == "NoArgsIsHelpError" and not OPTIONS.json:
        sys.stderr.write(str(error) + "\n")
        return FAILED
    if OPTIONS.verbose:
        _traceback(error)
    failure = told(error)
    if OPTIONS.json:
        body = {"code": failure.code, "message": failure.message, "hint": failure.hint}
        sys.stdout.write(to_json({"schema_version": SCHEMA_VERSION, "error": body}) + "\n")
        sys.stdout.flush()
    if not (OPTIONS.json and sys.stdout.isatty()):
        _print("error", failure.message, "31")
        if failure.hint:
            _print("hint", failure.hint, "36")
    return FAILED


def _print(word: str, text: str, color: str) -> None:
    """Print `word: text`; lines of a message that lists several faults stay lines."""
    first, *rest = text.split("\n")
    start = f"\x1b[1;{color}m{word}:\x1b[0m " if OPTIONS.colored(sys.stderr) else f"{word}: "
    sys.stderr.write(start + "\n".join(clean(line) for line in (first, *rest)) + "\n")


def _traceback(error: BaseException) -> None:
    import traceback

    for line in (getattr(error, "trace", None) or "".join(traceback.format_exception(error))).splitlines():
        say(line, always=True)


def _parted(message: str) -> tuple[str, str]:
    """Part our messages, `what; what would be right`, into both; lists of faults stay as they are."""
    if "\n" in message or "; " not in message:
        return message, ""
    what, _, right = message.rpartition("; ")
    return what, right


def _code(name: str) -> str:
    """LakeError -> lake, GapError -> gap."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name.removesuffix("Error")).lower()


def _usage(error: BaseException) -> Told:
    """Retell a wrong command line in our voice, with the help that would tell more."""
    context = getattr(error, "ctx", None)
    message = str(error.format_message()).rstrip(".")  # type: ignore[attr-defined]
    if type(error).__name__ == "NoArgsIsHelpError":
        message = "a command is missing"
    message, _, meant = message.partition(". Did you mean ")
    message, _, possible = message.partition(" (Possible options: ")
    help_ = f"`{context.command_path} --help` tells more" if context else ""
    near = (meant.rstrip("?") or possible.rstrip(")")).replace("'", "")
    return Told("usage", message[:1].lower() + message[1:], f"did you mean {near}?" if near else help_)


def gone() -> int:
    """Whoever read our output has gone (a closed pipe): stay quiet, and keep the exit from complaining."""
    null = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            os.dup2(null, stream.fileno())
        except (OSError, ValueError):
            continue
    return DONE
