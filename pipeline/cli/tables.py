"""Tables: cut to the width of a terminal, whole and plainly aligned where output is piped."""

import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from pipeline.cli.options import OPTIONS, width

_NARROWEST = 12
_LEAST = 10
"""Columns narrower than this tell nothing: then each row is shown as a list."""

_STYLES = {"bold": "1", "dim": "2", "cyan": "36", "green": "32", "yellow": "33", "red": "31"}


@dataclass(frozen=True)
class Column:
    """A column of a table. `wide`: the first to be cut when the terminal is too narrow; `style`: of _STYLES, or ""."""

    name: str
    right: bool = False
    style: str = ""
    wide: bool = False


def table(columns: Sequence[Column | str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table on stdout."""
    shaped = [replace(c, name=cell(c.name)) if isinstance(c, Column) else Column(cell(c)) for c in columns]
    cells = [[cell(value) for value in row] for row in rows]
    terminal = sys.stdout.isatty()
    widths = [max(_cells(row[i]) for row in [[c.name for c in shaped], *cells]) for i in range(len(shaped))]
    if terminal:
        natural, widths = widths, _fitted(widths, shaped, width())
        if widths and max(widths) < _LEAST and sum(natural) > width():
            _tall(shaped, cells)
            return
    _line(shaped, [c.name for c in shaped], widths, head=True)
    if terminal:
        _line([replace(c, style="dim") for c in shaped], ["─" * w for w in widths], widths)
    for row in cells:
        _line(shaped, row, widths)


def cell(value: object) -> str:
    """Write one value for people: numbers grouped, times in UTC to the second, nothing for null; never harmful."""
    from pipeline.cli.output import clean

    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.3g}" if math.isfinite(value) and abs(value) < 1000 else f"{value:,.0f}"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC) if value.tzinfo else value:%Y-%m-%d %H:%M:%S}"
    return clean(value).replace("\t", "    ")


def _line(columns: Sequence[Column], row: Sequence[str], widths: Sequence[int], *, head: bool = False) -> None:
    """Print one line: each cell cut, padded and coloured; nothing after the last."""
    colored = OPTIONS.colored(sys.stdout)
    parts = []
    for column, text, room in zip(columns, row, widths, strict=True):
        shown = _cut(text, room)
        blanks = " " * (room - _cells(shown))
        code = _STYLES.get("bold" if head else column.style, "") if colored else ""
        shown = f"\x1b[{code}m{shown}\x1b[0m" if code and shown else shown
        parts.append(blanks + shown if column.right else shown + blanks)
    sys.stdout.write("  ".join(parts).rstrip() + "\n")


def _tall(columns: Sequence[Column], cells: Sequence[Sequence[str]]) -> None:
    """Print each row as a list of name and value; empty values are left out."""
    names = max(_cells(c.name) for c in columns)
    lines, room = [Column("", style="bold"), Column("")], max(20, width() - names - 2)
    for number, row in enumerate(cells, 1):
        sys.stdout.write(f"── {number} ".ljust(min(width(), 60), "─") + "\n")
        for column, text in zip(columns, row, strict=True):
            for at in range(0, len(text), room):
                _line(lines, ["" if at else column.name, text[at : at + room]], [names, room])


def _fitted(widths: Sequence[int], columns: Sequence[Column], room: int) -> list[int]:
    """Cut widths until they fit: the wide columns first, as far as they stay legible, then all."""
    left = room - 2 * (len(widths) - 1)
    wide = [c.wide for c in columns]
    fixed = sum(w for w, cut in zip(widths, wide, strict=True) if not cut)
    cap = _cap([w for w, cut in zip(widths, wide, strict=True) if cut], left - fixed)
    if cap >= _NARROWEST or sum(widths) <= left:
        return [min(w, cap) if cut else w for w, cut in zip(widths, wide, strict=True)]
    cap = max(1, _cap(widths, left))
    return [min(w, cap) for w in widths]


def _cap(widths: Sequence[int], room: int) -> int:
    """Find the largest cap under which widths fit a room."""
    for i, w in enumerate(sorted(widths)):
        over = len(widths) - i
        if w * over > room:
            return max(room // over, 0)
        room -= w
    return max(widths, default=0)


def _cells(text: str) -> int:
    """Count the columns that text takes on a terminal; not its characters where it is not plain ASCII."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def _cut(text: str, room: int) -> str:
    """Cut text to a room, with an ellipsis."""
    if _cells(text) <= room:
        return text
    from rich.cells import set_cell_size

    return set_cell_size(text, room - 1) + "…" if room > 1 else "…"[:room]
