"""What a shape of JSON object means: worked out once, by the tables that read single records.

A shape is the object with kinds in place of values: {"host": "s", "pid": "i", "kubernetes": {"pod_name": "s"}}.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from functools import lru_cache
from typing import Any

from connectors.formats import jsons, line
from connectors.formats.jsons import ATTRS, VALUE, Doubled, Fields
from connectors.formats.names import Names
from connectors.formats.record import Context, Event

COLUMNS = ("message", "ts", "host", "app", "procid", "msgid", "severity", "facility", "pri", "tag", "sd")
"""What a table fills, in the order of Plan.columns."""
MOST, LONGEST = 4096, 8192
"""Shapes remembered, and bytes of one; a longer one is not worked out, so that memory stays bounded."""
NONE = -1


@dataclass(frozen=True)
class Plan:
    """How records of one shape are read: which of their values is a column's, and which are attributes.

    Attributes:
        columns: of COLUMNS each the number of its value, -1 for none.
        attrs: (name, number of its value, whether it is a list), in order.
    """

    names: Names
    columns: tuple[int, ...]
    attrs: tuple[tuple[str, int, bool], ...]


class _Slot(str):
    """Stands for a value in a shape."""

    number: int


class _Listed(list[Any]):
    """Stands for a list in a shape."""

    number: int


class _Traced(Fields):
    """Notes which values a table takes, and for what; whether they can be read is not asked here."""

    def __init__(self, record: dict[str, Any], ctx: Context) -> None:
        super().__init__(record, Event(), ctx)
        self.columns: dict[str, int] = {}
        self.attrs: list[tuple[str, int, bool]] = []

    def code(self, column: str, names: Sequence[str], read: Any) -> Any:
        mapped = self.ctx.fields.get(column)
        for name in (mapped,) if mapped is not None else names:
            home, key = self._home(name)
            value = home.get(key)
            if isinstance(value, _Slot):
                del home[key]
                self.columns[column] = value.number
                break

    def _attr(self, name: str, value: Any) -> None:
        if value is not None:
            self.attrs.append((name, value.number, isinstance(value, _Listed)))


def plan(shape: bytes, ctx: Context) -> Plan | None:
    """Work out what a shape means; None when its records are to be read one by one."""
    return _plan(shape, ctx.format, tuple(sorted(ctx.fields.items()))) if len(shape) <= LONGEST else None


@lru_cache(maxsize=MOST)
def _plan(shape: bytes, format_: str, fields: tuple[tuple[str, str], ...]) -> Plan | None:
    ctx = Context(0, 0, UTC, format_, dict(fields))
    record = jsons.load(shape.decode())
    if record is None or type(record) is Doubled:
        return None
    record = _slots(record, iter(range(len(shape))))
    names = getattr(line.known(record, ctx), "NAMES", None)
    if names is None:
        return None
    taken = _Traced(record, ctx)
    names.fill(taken.event, taken)
    told = [name for name, _, _ in taken.attrs]
    if shape.count(b':"a"') != sum(is_list for _, _, is_list in taken.attrs):
        return None  # nobody would look into a list that is left out, whether it is one
    sure = len(set(told)) == len(told) <= ATTRS and all(len(name) <= VALUE for name in told)
    if not sure or ("message" not in taken.columns and not names.whole):
        return None
    return Plan(names, tuple(taken.columns.get(name, NONE) for name in COLUMNS), tuple(taken.attrs))


def _slots(shape: Mapping[str, Any], numbers: Iterator[int]) -> dict[str, Any]:
    """Number the values of a shape; null stays null."""
    record: dict[str, Any] = {}
    for name, kind in shape.items():
        if isinstance(kind, dict):
            record[name] = _slots(kind, numbers)
            continue
        slot = _Listed() if kind == "a" else _Slot(kind)
        slot.number = next(numbers)
        record[name] = None if kind == "n" else slot
    return record
