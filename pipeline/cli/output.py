"""What is shown: data on stdout, hints, bars and logs on stderr; no log text ever reaches a terminal unsanitised."""

import json
import sys
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, TextIO

from pipeline.cli.options import OPTIONS
from pipeline.cli.tables import Column, cell, table

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, ProgressColumn

__all__ = [
    "Column", "bars_shown", "cell", "clean", "console", "emit_json", "emit_jsonl", "hint", "human_bytes", "logger",
    "out", "plural", "progress", "say", "table", "to_json",
]  # fmt: skip

SCHEMA_VERSION = 1
"""Of what --json prints; a field that changes its meaning or goes raises it, a new one does not."""

_HIDDEN = [
    *(c for c in range(0x20) if c != 0x09),
    *range(0x7F, 0xA0),
    *(0x061C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A), 0xFEFF),
    *range(0xD800, 0xE000),
]
_NAMED = {0x0A: r"\n", 0x0D: r"\r"}
_VISIBLE = {c: _NAMED.get(c, f"\\x{c:02x}" if c < 0x100 else f"\\u{c:04x}") for c in _HIDDEN}
_IN_JSON = {c: f"\\u{c:04x}" for c in _HIDDEN if c >= 0x7F}


def clean(text: object) -> str:
    """Make text harmless: C0 (but tab), DEL, C1, bidi controls, line separators and surrogates become escapes.

    Everything that comes from a log, a file name or a query goes through here on its way to a terminal.
    """
    return str(text).translate(_VISIBLE)


def out(text: object = "") -> None:
    """Print one line of data."""
    sys.stdout.write(clean(text) + "\n")


def say(text: object = "", *, always: bool = False) -> None:
    """Tell people something on stderr, one line; -q keeps it quiet unless `always`."""
    if always or not OPTIONS.quiet:
        sys.stderr.write(clean(text) + "\n")


def hint(text: object) -> None:
    """Tell people what could be done next; only those who read along at a terminal, not scripts."""
    if sys.stderr.isatty():
        say(text)


def to_json(value: object, *, indent: int | None = None) -> str:
    """Write a value as JSON without control characters; times in ISO 8601 UTC, bytes as text with escapes."""
    return json.dumps(value, ensure_ascii=False, indent=indent, default=_plain, allow_nan=False).translate(_IN_JSON)


def emit_json(obj: Mapping[str, Any]) -> None:
    """Print one JSON document, `schema_version` first."""
    body = {"schema_version": SCHEMA_VERSION, **obj}
    sys.stdout.write(to_json(body, indent=2 if sys.stdout.isatty() else None) + "\n")


def emit_jsonl(rows: Iterable[Mapping[str, Any]]) -> None:
    """Print one JSON object a line."""
    for row in rows:
        sys.stdout.write(to_json(row) + "\n")


def _plain(value: object) -> object:
    """Turn what JSON does not know into what it does."""
    if isinstance(value, datetime):
        return (value if value.tzinfo is None else value.astimezone(UTC)).isoformat().replace("+00:00", "Z")
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", "backslashreplace")
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    return str(value)


def console(stream: TextIO) -> "Console":
    """Give a rich console on a stream that reads no markup, no emoji, and colours nothing by itself."""
    from rich.console import Console

    colored = OPTIONS.colored(stream)
    return Console(
        file=stream, markup=False, emoji=False, highlight=False, no_color=not colored, force_terminal=colored or None,
        color_system="auto" if colored else None,
    )  # fmt: skip


def bars_shown() -> bool:
    """Say whether a bar may be drawn: stderr is a terminal, and nobody asked for quiet."""
    return sys.stderr.isatty() and not OPTIONS.quiet


def progress(*columns: "ProgressColumn | str") -> "Progress":
    """Give a rich progress bar on stderr, which draws nothing where `bars_shown` says no."""
    from rich.progress import Progress

    return Progress(*columns, console=console(sys.stderr), transient=True, disable=not bars_shown())


def human_bytes(n: float) -> str:
    """Write a number of bytes for people: 999 B, 1.2 MB."""
    for unit in ("B", "kB", "MB", "GB"):
        if n < 1000:
            return f"{n:.0f} {unit}" if unit == "B" or n >= 100 else f"{n:.1f} {unit}"
        n /= 1000
    return f"{n:.1f} TB"


def plural(n: int, noun: str, many: str = "") -> str:
    """Write a count with its noun: 1 kind, 1,204 kinds."""
    return f"{n:,} {noun if n == 1 else many or noun + 's'}"


@cache
def logger() -> Any:
    """Give the structured logger for long jobs and -v: on stderr, JSON unless that is a terminal, all text cleaned."""
    import structlog

    def cleaned(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event.update({k: clean(v) for k, v in event.items() if isinstance(v, str)})
        return event

    terminal = sys.stderr.isatty()
    last = structlog.dev.ConsoleRenderer(colors=OPTIONS.colored(sys.stderr)) if terminal else _JsonLine()
    structlog.configure(
        processors=[structlog.processors.add_log_level, structlog.processors.TimeStamper("iso"), cleaned, last],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    return structlog.get_logger("dioptre")


class _JsonLine:
    """Renders an event as one line of JSON."""

    def __call__(self, _: Any, __: str, event: Mapping[str, Any]) -> str:
        return to_json(dict(event))
