"""JSON records: read without surprises, and the words that their fields go by."""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from typing import Any, TypeVar

from connectors.formats import apptime, encoding, pri, stamps
from connectors.formats.record import Context, Event, Stamp

DEPTH = 64
"""Nesting a record may have; more is rejected unread."""
ATTRS = 64
VALUE = 1024
"""Attributes an event may have beside its columns, and characters one may hold."""

Record = dict[str, Any]
T = TypeVar("T")
_NO_BRACKET = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[^"\[\]{}]+', re.DOTALL)
_STEPS = {"[": 1, "{": 1, "]": -1, "}": -1}
_NUMBER = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,20})?(?:[eE]\+?[0-9]{1,2})?")


class Fraction(str):
    """A number with a fraction or exponent, as it was written: nothing is rounded."""


class Doubled(dict[str, Any]):
    """An object that tells a key twice, itself or inside; the last value counts."""


def _object(pairs: list[tuple[str, Any]]) -> Record:
    found = dict(pairs)
    doubled = len(found) != len(pairs) or any(type(value) is Doubled for value in found.values())
    return Doubled(found) if doubled else found


def _whole(digits: str) -> int | str:
    return int(digits) if len(digits) <= 20 else digits


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_whole, parse_float=Fraction, parse_constant=str, strict=False
)


def is_like(text: str) -> bool:
    """Say whether a text begins as JSON objects and nested lists do."""
    head = text[:64].lstrip(" \t\r\n")
    return head[:1] == "{" or (head[:1] == "[" and head[1:].lstrip(" \t\r\n")[:1] in ("[", "{", '"'))


def too_deep(text: str) -> bool:
    """Say whether brackets outside strings nest deeper than DEPTH, without recursion."""
    if text.count("{") + text.count("[") <= DEPTH:
        return False
    steps = (_STEPS.get(mark, 0) for mark in _NO_BRACKET.sub("", text))
    return max(accumulate(steps), default=0) > DEPTH


def load(text: str) -> Record | None:
    """Read a JSON object; None for anything else. Fractions stay text; NaN is the text `NaN`."""
    try:
        found = _DECODER.decode(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


class Fields:
    """Takes fields out of a record by the names they may go by; what is left at the end are attributes."""

    def __init__(self, record: Record, event: Event, ctx: Context) -> None:
        self._left = dict(record)
        self.event, self.ctx = event, ctx
        if type(record) is Doubled:
            self.lost("duplicate_keys")

    def code(self, column: str, names: Sequence[str], read: Callable[[str], T | None]) -> T | None:
        """Take the first scalar that `read` understands: of the field the context maps the column to, else of `names`.

        A name with dots leads into nested objects too. Fields not understood stay where they are.
        """
        mapped = self.ctx.fields.get(column)
        for name in (mapped,) if mapped is not None else names:
            home, key = (self._left, name) if name in self._left or "." not in name else self._home(name)
            value = home.get(key)
            text = None if value is None else scalar(value)
            if text is not None and (found := read(text)) is not None:
                del home[key]
                return found
        return None

    def word(self, column: str, names: Sequence[str]) -> str | None:
        """Take a field as one word of a header; empty and `-` are null."""
        value = self.code(column, names, lambda value: self.clean(value).strip())
        return None if value in ("", "-") else value

    def text(self, column: str, names: Sequence[str]) -> str | None:
        """Take a field as text, without the line end it may hold."""
        return self.code(column, names, lambda value: self.clean(value).rstrip("\r\n\0"))

    def time(self, names: Sequence[str]) -> None:
        """Take the event's time; a field that is no time stays where it is (issue `bad_ts` if none is)."""
        tried: list[str] = []

        def read(value: str) -> Stamp | None:
            tried.append(value)
            stamp = moment(value, self.ctx)
            return stamp if stamp is not None and stamp.us is not None else None

        stamp = self.code("ts", names, read)
        self.event.time(stamp)
        if stamp is None and tried:
            self.event.note("bad_ts")

    def pop(self, name: str) -> Any:
        """Take a field whatever it holds."""
        return self._left.pop(name, None)

    def has(self, name: str) -> bool:
        """Say whether a field is there and not taken."""
        return name in self._left

    def drop(self, names: Iterable[str]) -> None:
        """Leave out fields that say nothing new; a name with dots leads into nested objects too."""
        for name in names:
            home, key = self._home(name)
            home.pop(key, None)

    def hide(self, front: str) -> None:
        """Leave out fields whose names begin so."""
        self.drop([name for name in self._left if name.startswith(front)])

    def clean(self, value: str) -> str:
        """Make text storable; what was lost is flagged, and the bytes are kept."""
        value, issues = encoding.clean(value)
        for issue in issues:
            self.lost(issue)
        return value

    def rest(self, within: Sequence[str] = ()) -> None:
        """Put what is left into attrs: objects flattened with dots, lists as JSON text.

        Args:
            within: objects whose own name is left out.
        """
        self._flat("", self._left, within)

    def _flat(self, front: str, value: Any, within: Sequence[str]) -> None:
        if not isinstance(value, dict):
            self._attr(front, value)
            return
        front = front + "." if front and front not in within else ""
        for name, inner in value.items():
            self._flat(front + name[:VALUE], inner, within)

    def _attr(self, name: str, value: Any) -> None:
        text = scalar(value)
        if text is None:
            if value is None:
                return
            text = compact(value)
        name, text = self.clean(name), self.clean(text)
        if len(self.event.attrs or ()) >= ATTRS:
            self.lost("attrs_cut")
            return
        if len(text) > VALUE or len(name) > VALUE:
            self.lost("attrs_cut")
        self.event.tell(name[:VALUE], text[:VALUE])

    def _home(self, path: str) -> tuple[Record, str]:
        """The object that holds a field, and its name there: the record itself, or one that a dotted path leads to."""
        if path in self._left or "." not in path:
            return self._left, path
        *way, last = path.split(".")
        at: Any = self._left
        for name in way:
            at = at.get(name) if isinstance(at, dict) else None
        return (at, last) if isinstance(at, dict) else (self._left, path)

    def lost(self, issue: str) -> None:
        """Flag that parsing lost something, and keep the bytes."""
        self.event.note(issue)
        self.event.keep_raw = True


def scalar(value: Any) -> str | None:
    """A string, number or truth value as text; None for null, lists and objects."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else None


def compact(value: Any) -> str:
    """Write a value as JSON without blanks, numbers as they were written."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{compact(name)}:{compact(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(compact, value)) + "]"
    return value if type(value) is Fraction else json.dumps(value, ensure_ascii=False)


def listed(text: str) -> str | None:
    """Write a list, given as JSON, as `compact` does; None when it is none, or holds what no text may hold."""
    try:
        value = _DECODER.decode(text)
    except (ValueError, RecursionError):
        return None
    told, issues = encoding.clean(compact(value))
    return None if issues or not isinstance(value, list) else told


def moment(value: str, ctx: Context) -> Stamp | None:
    """Read a stamp in any of the styles, or a number since 1970."""
    value = value.strip()
    if _NUMBER.fullmatch(value) is not None:
        if "e" in value or "E" in value:
            value = f"{float(value):.6f}"
        us = stamps.number(value)
        return None if us is None else Stamp(us, "exact", (), len(value))
    return apptime.leading(value, 0, ctx)


def set_codes(
    event: Event,
    taken: Fields,
    priority: Sequence[str],
    facility: Sequence[str],
    severity: Sequence[str],
    level: Callable[[str], int | None] = pri.severity,
) -> None:
    """Take facility and severity, from fields of their own or else from a PRI; `level` reads a severity."""
    event.severity = taken.code("severity", severity, level)
    event.facility = taken.code("facility", facility, pri.facility)
    value = taken.code("pri", priority, lambda word: pri.read(f"<{word}>")[0])
    if value is not None:
        event.facility = value >> 3 if event.facility is None else event.facility
        event.severity = value & 7 if event.severity is None else event.severity
