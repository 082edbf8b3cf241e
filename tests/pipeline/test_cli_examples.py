"""Every example of every help page runs, in a folder with `logs`, `lake`, `corpus`, `question.sql` and `dioptre.toml`."""

import importlib
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_kit import Ran, dioptre, harmless
from typer.main import get_command

from pipeline.cli import COMMANDS
from pipeline.cli.app import app

for _name in COMMANDS:
    importlib.import_module(f"pipeline.cli.{_name}")


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """List all commands and groups with their paths."""
    yield path, command
    for name, sub in getattr(command, "commands", {}).items():
        yield from commands(sub, (*path, name))


ALL = dict(commands(get_command(app)))


def examples(path: tuple[str, ...]) -> list[str]:
    """Take the examples from the help page itself."""
    page = dioptre(*path, "--help").out
    _, _, rest = page.partition("\nExamples:\n")
    return [line.strip() for line in rest.partition("\n\n")[0].splitlines()]


def performed(line: str, monkeypatch: pytest.MonkeyPatch) -> Ran:
    """Run an example as a shell would: comments, variables in front, `> FILE`."""
    words = shlex.split(line, comments=True)
    while "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        monkeypatch.setenv(name, value)
    to = words[words.index(">") + 1] if ">" in words else None
    words = words[: words.index(">")] if to else words
    assert words[0] == "dioptre", f"{line}: an example begins with dioptre"
    ran = dioptre(*words[1:])
    if to:
        Path(to).write_text(ran.out)
    return ran


@pytest.mark.parametrize("path", ALL, ids=lambda path: "-".join(path) or "dioptre")
def test_every_example_of_a_help_page_runs(path: tuple[str, ...], own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = examples(path)
    assert lines, f"dioptre {' '.join(path)} shows no example"
    if hasattr(ALL[path], "commands") and path:
        lines = []  # a group's examples are those of its commands
    for line in lines:
        ran = performed(line, monkeypatch)
        outside = "# needs" in line  # a broker, the hub: where it is not there, that is told in a line
        assert ran.code in ((0, 1, 2) if outside else (0, 1)), f"{line}: {ran.err}"
        assert ran.code != 2 or (ran.err.startswith("error: ") and "Traceback" not in ran.err), ran.err
        assert harmless(ran.out)


@pytest.mark.parametrize("path", [p for p, c in ALL.items() if hasattr(c, "commands") and p], ids="-".join)
def test_the_examples_of_a_group_are_commands_of_it(path: tuple[str, ...]) -> None:
    for line in examples(path):
        assert tuple(shlex.split(line)[1 : len(path) + 1]) == path
        assert shlex.split(line)[len(path) + 1] in ALL[path].commands


@pytest.mark.parametrize("path", ALL, ids=lambda path: "-".join(path) or "dioptre")
def test_every_page_fits_eighty_columns_and_says_what_each_option_does(
    path: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    page = dioptre(*path, "--help", terminal=True).out
    assert page.splitlines()[0].endswith(".")
    options = page.partition("Usage:")[2].partition("\n\n")[2].partition("\n\n")[2]
    assert [line for line in options.splitlines() if len(line) > 80] == []
    silent = [p.opts for p in ALL[path].params if not getattr(p, "help", None) and not getattr(p, "hidden", False)]
    assert silent == []


def test_every_command_that_shows_data_speaks_json() -> None:
    silent = {("config", "init"), ("config", "schema"), ("label",)}
    without = {
        path
        for path, command in ALL.items()
        if not hasattr(command, "commands") and not any("--json" in p.opts for p in command.params)
    }
    assert without == silent


def test_what_destroys_needs_yes_and_has_a_dry_run() -> None:
    for path in (("lake", "repair"), ("lake", "forget")):
        options = {opt for p in ALL[path].params for opt in p.opts}
        assert {"--yes", "--dry-run"} <= options
