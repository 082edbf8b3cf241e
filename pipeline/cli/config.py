"""`dioptre config`: show what holds and why, check a file, write one to start from."""

import json as stdjson
import re
from collections.abc import Iterator
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.app import JsonOption, command, group, settings
from pipeline.cli.errors import CommandError
from pipeline.cli.output import Column, emit_json, out, say, table, to_json

config = group(
    "config",
    "Show, check and write the configuration.",
    examples=("dioptre config init > dioptre.toml", "dioptre config validate dioptre.toml", "dioptre config show"),
)


@command(
    config, "show",
    examples=(
        "dioptre config show                         # each setting, and where it comes from",
        "DIOPTRE_LABEL_FLOOR=0.5 dioptre config show # the environment goes over the file",
        "dioptre config show --json",
    ),
)  # fmt: skip
def show(json: JsonOption = False) -> None:
    """Show every setting as it holds, with where it comes from; secrets are masked."""
    found = settings()
    if json:
        rows = [{"key": v.key, "value": v.value, "origin": v.origin} for v in found.values()]
        emit_json({"file": str(found.file) if found.file else None, "settings": rows})
        return
    columns = [Column("setting", style="bold"), Column("value", wide=True), Column("from", style="dim")]
    table(columns, ([v.key, _toml(v.value), v.origin] for v in found.values()))


@command(
    config, "validate",
    examples=("dioptre config validate dioptre.toml", "dioptre config validate dioptre.toml --json"),
)  # fmt: skip
def validate(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The dioptre.toml to check.")], json: JsonOption = False
) -> None:
    """Check a config file; everything there is to mend is told at once, with exit code 2."""
    from pipeline.config import check

    check(file)
    if json:
        emit_json({"file": str(file), "valid": True})
    else:
        out(f"{file}: valid")


@command(
    config, "schema",
    examples=("dioptre config schema                    # for an editor that checks TOML as you type",
              "dioptre config schema > dioptre.schema.json"),
)  # fmt: skip
def schema() -> None:
    """Print the JSON schema of dioptre.toml."""
    from pipeline.config import schema as of_config

    for line in stdjson.dumps(of_config(), indent=2).splitlines():
        out(line)


@command(
    config, "init",
    examples=("dioptre config init                 # to the screen",
              "dioptre config init my.toml         # to a file that does not exist yet"),
)  # fmt: skip
def init(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="Where to write; stdout unless given.")] = None,
) -> None:
    """Write a config file with every setting, its default and what it does, all commented out."""
    text = "\n".join(_commented()) + "\n"
    if file is None:
        for line in text.splitlines():
            out(line)
        return
    try:
        with file.open("x", encoding="utf-8") as made:
            made.write(text)
    except FileExistsError:
        raise CommandError(f"{file}: exists already", "name a new file, or remove that one", code="exists") from None
    say(f"wrote {file}; remove the # before what you change, then `dioptre config validate {file}`")


def _commented() -> Iterator[str]:
    """Write the lines of a config in which nothing is set."""
    import textwrap

    from pipeline.config import defaults

    yield "# dioptre.toml: what stands here goes over the defaults; DIOPTRE_SECTION_KEY goes over it, flags over both."
    for section, doc, values in defaults():
        yield from ("", f"# {doc[:1].upper()}{doc[1:]}", f"[{section}]")
        for name, value, description in values:
            yield from textwrap.wrap(description, 100, initial_indent="# ", subsequent_indent="# ")
            yield f"# {name} = {value if name == 'reference' else _toml(value)}"


def _toml(value: object) -> str:
    """Write a value as TOML has it; nothing for what is not set."""
    if value is None:
        return ""
    if isinstance(value, str | Path):
        return to_json(str(value))
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(k)} = {_toml(v)}" for k, v in value.items()) + " }" if value else "{}"
    if is_dataclass(value) and not isinstance(value, type):
        return _toml({k: v for k, v in asdict(value).items() if v is not None})
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_toml, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else to_json(name)
