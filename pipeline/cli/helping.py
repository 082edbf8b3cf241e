"""Help pages: one line of summary, examples first, then the options in groups. Plain text, so that it costs nothing."""

import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

from typer.core import TyperCommand, TyperGroup

from pipeline.cli.options import OPTIONS, width

COMMON = "Common options"
"""The group of options that every command takes; it stands last."""

_LEFT = 26


class Command(TyperCommand):
    """A command whose `epilog` holds its examples, one a line."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the page."""
        formatter.write(page(self, ctx))


class Group(TyperGroup):
    """A group of commands, with examples as in Command."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the page."""
        formatter.write(page(self, ctx))


def page(command: Any, ctx: Any) -> str:
    """Write the help page of a command or group."""
    summary, _, rest = (command.help or "").strip().partition("\n")
    parts = [summary, *_heading("Usage", [f"  {' '.join([ctx.command_path, *command.collect_usage_pieces(ctx)])}"])]
    if command.epilog:
        parts += _heading("Examples", [f"  {line}" for line in command.epilog.splitlines()])
    if rest.strip():
        parts += ["", *_paragraphs(rest)]
    for title, rows in _groups(command, ctx):
        parts += _heading(title, [line for left, text in rows for line in _entry(left, text)])
    return "\n".join(parts) + "\n"


def _heading(title: str, lines: Iterable[str]) -> list[str]:
    import sys

    bold = f"\x1b[1m{title}:\x1b[0m" if OPTIONS.colored(sys.stdout) else f"{title}:"
    return ["", bold, *lines]


def _paragraphs(text: str) -> list[str]:
    """Fill paragraphs; an indented line starts what is kept as it stands."""
    lines: list[str] = []
    for paragraph in textwrap.dedent(text).strip("\n").split("\n\n"):
        kept = any(line.startswith(" ") for line in paragraph.splitlines())
        lines += [*(paragraph.splitlines() if kept else textwrap.wrap(paragraph, _room())), ""]
    return lines[:-1]


def _room() -> int:
    return min(100, max(60, width() - 1))


def _entry(left: str, text: str) -> list[str]:
    """Lay out one option or command: its name to the left, what it does to the right."""
    lines = textwrap.wrap(text, _room() - _LEFT - 2) or [""]
    if len(left) > _LEFT - 2:
        return [f"  {left}", *(" " * (_LEFT + 2) + line for line in lines)]
    return [f"  {left:<{_LEFT}}{lines[0]}".rstrip(), *(" " * (_LEFT + 2) + line for line in lines[1:])]


def _groups(command: Any, ctx: Any) -> Sequence[tuple[str, list[tuple[str, str]]]]:
    """Gather arguments, commands and options by their group, the common options last."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for name, sub in sorted(getattr(command, "commands", {}).items(), key=_place):
        if not sub.hidden:
            summary = (sub.help or "").strip().partition("\n")[0]
            groups.setdefault(sub.rich_help_panel or "Commands", []).append((name, summary))
    for param in command.get_params(ctx):
        if not getattr(param, "hidden", False):
            title = "Arguments" if param.param_type_name == "argument" else param.rich_help_panel or "Options"
            title = COMMON if "--help" in param.opts else title
            groups.setdefault(title, []).append(
                (_left(param), "Show this page." if "--help" in param.opts else param.help or "")
            )
    return sorted(groups.items(), key=lambda item: (item[0] == COMMON, item[0] != "Arguments"))


def _place(named: tuple[str, Any]) -> int:
    """Order the commands of the first page as pipeline.cli lists them; those of a group stay as they were added."""
    from pipeline.cli import COMMANDS

    return COMMANDS.index(named[0]) if named[0] in COMMANDS else 0


def _left(param: Any) -> str:
    """Write an option as it is typed: `-f, --file FILE`."""
    name = param.metavar or param.name.upper().rstrip("_")
    if param.param_type_name == "argument":
        return str(name) + ("..." if param.nargs != 1 and not str(name).endswith("...") else "")
    names = ", ".join(sorted([*param.opts, *param.secondary_opts], key=len))
    return names if param.is_flag or param.count else f"{names} {name}"
