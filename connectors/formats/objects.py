"""JSON records, many at once: kernels part objects into shapes and values, the plan of a shape says what goes where.

Every value that decides (host, level, PRI) is judged once for each distinct one. What is not sure is left to
`line.parse_record`; a property test holds the two together.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from connectors.formats import inside, jsons, pri, stamps
from connectors.formats.block import Block, Ints, strings
from connectors.formats.names import split
from connectors.formats.record import Context
from connectors.formats.shapes import COLUMNS, Plan, plan
from connectors.formats.vector import NO_TIME, Found, Memo, judge
from schemas.events import TS_QUALITIES

Bools = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]

_NONE, _DOUBT = -1, -2
_BRACE, _SPACE, _DASH, _DELETE, _T = 123, 32, 45, 127, 84
_LINE_END = (0, 10, 13)
_RECEIVED = TS_QUALITIES.index("received")
_FIRST = np.isin(np.arange(256), [ord(first) for first in inside.FIRST])
_WORDS = np.array([int.from_bytes(word.encode(), "big") for word in inside.WORDS])


@dataclass
class _Values:
    """Where a column's values stand in the text; start -1 where a record has none."""

    start: Ints
    end: Ints

    @property
    def there(self) -> Bools:
        return self.start >= 0


def read(block: Block, observed_us: Ints, ctx: Context, memo: Memo, found: Found) -> Block:
    """Find the fields of those records of a block that are JSON objects and still left over.

    Args:
        observed_us, ctx, memo: as of `vector.read`.
        found: where what is found is put down.

    Returns:
        The block on whose bytes the positions found now stand: its own, and behind them what was unescaped.
    """
    starts = block.offsets[:-1]
    braced = (found.format < 0) & (np.diff(block.offsets) > 0)
    braced[braced] = block.data[starts[braced]] == _BRACE
    rows = np.flatnonzero(braced)
    if not len(rows) or len(block.data) > 1 << 30:
        return block
    return _Reader(block, rows, observed_us[rows], ctx, memo).put(found)


class _Reader:
    """Reads the records at some rows of a block; (n,) arrays are of these rows."""

    def __init__(self, block: Block, rows: Ints, observed_us: Ints, ctx: Context, memo: Memo) -> None:
        from connectors.formats.kernels import json_door  # numba takes a second to import

        self._door, self._memo, self._rows = json_door, memo, rows
        self._block = block
        found = json_door.find(block, rows)
        self._text, self._starts, self._ends, self._first = found.text, found.starts, found.ends, found.first
        self._plans = [plan(shape, ctx) for shape in found.shapes]
        sure = np.array([p is not None for p in self._plans] + [False])
        self._shape = np.where(sure[found.shape], found.shape, len(self._plans))
        self._doubt: Bools = ~sure[found.shape]
        self._observed_us = observed_us

    def put(self, found: Found) -> Block:
        """Put down what the records say, but of those in doubt."""
        ts, quality = self._times()
        message = self._message()
        host, app, msgid = (self._words(name) for name in ("host", "app", "msgid"))
        app, procid = self._tags(app, self._procid())
        facility, severity = self._codes()
        self._data()
        self._heads(message, app)
        attr, attrs = self._attrs()
        sure = np.flatnonzero(~self._doubt)
        rows = self._rows[sure]
        columns = (
            (found.ts_us, ts), (found.quality, quality), (found.host, host), (found.app, app), (found.msgid, msgid),
            (found.facility, facility), (found.severity, severity), (found.attr, attr),
            (found.format, self._formats(found)),
            (found.message_start, message.start), (found.message_end, message.end),
            (found.procid_start, procid.start), (found.procid_end, procid.end),
        )  # fmt: skip
        for column, values in columns:
            column[rows] = values[sure]
        found.attrs = attrs
        return Block(self._text, self._block.offsets)

    def _told(self, each: Callable[[Plan], int]) -> Ints:
        """(n,) what holds of each record's plan; -1 for those without one."""
        return np.array([_NONE if p is None else each(p) for p in self._plans] + [_NONE], np.int64)[self._shape]

    def _values(self, name: str) -> _Values:
        """Where the values of a column are."""
        number = self._told(lambda p: p.columns[COLUMNS.index(name)])
        at = np.where(number >= 0, self._first + number, 0)
        there = number >= 0
        if not there.any():
            return _Values(np.full(len(at), _NONE), np.full(len(at), _NONE))
        return _Values(np.where(there, self._starts[at], _NONE), np.where(there, self._ends[at], _NONE))

    def _judged(self, values: _Values, each: Callable[[str], int]) -> Ints:
        """(n,) what is said of each value, asked once for each distinct one; -1 where there is none."""
        if not values.there.any():
            return np.full(len(self._rows), _NONE)
        numbers, text = self._door.number(self._text, values.start, values.end)
        self._doubt |= values.there & (numbers < 0)
        return judge(numbers, lambda number: each(text(number)))

    def _code(self, name: str, each: Callable[[str], int | None]) -> Ints:
        """(n,) numbers; a value that is none leaves its record in doubt."""
        codes = self._judged(self._values(name), lambda text: _DOUBT if (code := each(text)) is None else code)
        self._doubt |= codes == _DOUBT
        return codes

    def _words(self, name: str) -> Ints:
        """(n,) numbers of words; empty and `-` are null."""
        return self._judged(self._values(name), lambda text: self._word(text.strip()))

    def _word(self, word: str) -> int:
        return _NONE if word in ("", "-") else self._memo.word(word)

    def _times(self) -> tuple[Ints, Ints]:
        """(n,) microseconds, and qualities."""
        values = self._values("ts")
        us = self._door.times(self._text, values.start, values.end)
        age = self._observed_us - us
        odd = (us == NO_TIME) | (age > stamps.PAST_US) | (age < -stamps.DAY_US)
        self._doubt |= values.there & odd
        return us, np.where(values.there, 0, _RECEIVED)

    def _message(self) -> _Values:
        """The message without its line end; the whole record where no field holds one."""
        values = self._values("message")
        bounds = self._block.offsets.astype(np.int64)
        start = np.where(values.there, values.start, bounds[self._rows])
        end = np.where(values.there, values.end, bounds[self._rows + 1])
        while (ends := (end > start) & np.isin(self._text[end - 1], _LINE_END)).any():
            end = end - ends
        blank = self._told(lambda p: p.names.blank) == 1
        start = start + (blank & values.there & (start < end) & (self._text[np.minimum(start, end - 1)] == _SPACE))
        return _Values(start, end)

    def _procid(self) -> _Values:
        """Process ids; with a blank around them, which might be any of Unicode's, the record is in doubt."""
        values = self._values("procid")
        size = values.end - values.start
        some = values.there & (size > 0)
        first = np.where(some, self._text[np.where(some, values.start, 0)], _DASH)
        last = np.where(some, self._text[np.where(some, values.end - 1, 0)], _DASH)
        self._doubt |= (first <= _SPACE) | (last <= _SPACE) | (first >= _DELETE) | (last >= _DELETE)
        null = ~some | ((size == 1) & (first == _DASH))
        return _Values(np.where(null, _NONE, values.start), np.where(null, _NONE, values.end))

    def _tags(self, app: Ints, procid: _Values) -> tuple[Ints, _Values]:
        """Let a tag tell what app and procid do not."""
        values = self._values("tag")
        parts: list[tuple[int, int, int]] = []
        number = self._judged(values, lambda text: self._tag(text, parts))
        if not parts:
            return app, procid
        self._doubt |= number == _DOUBT
        name, start, end = np.array([*parts, (_NONE, _NONE, _NONE)])[np.maximum(number, _NONE)].T
        start, end = np.where(start >= 0, values.start + start, _NONE), np.where(start >= 0, values.start + end, _NONE)
        own = procid.there
        return np.where(app >= 0, app, name), _Values(
            np.where(own, procid.start, start), np.where(own, procid.end, end)
        )

    def _tag(self, text: str, parts: list[tuple[int, int, int]]) -> int:
        """Add the word of a tag's app, and where in it the procid begins and ends; the number of that."""
        if text != text.strip():
            return _DOUBT
        found = split(None if text in ("", "-") else text)
        if found is None:
            return _NONE
        begin = _NONE if found[1] is None else len(text[: text.index("[") + 1].encode())
        parts.append((self._memo.word(found[0]), begin, begin + len((found[1] or "").encode())))
        return len(parts) - 1

    def _codes(self) -> tuple[Ints, Ints]:
        """(n,) facilities and severities, from fields of their own or else from a PRI."""
        severity = np.full(len(self._rows), _NONE)
        readers = {p.names.level for p in self._plans if p is not None}
        values = self._values("severity")
        for level in readers:
            mine = self._told(lambda p, level=level: p.names.level is level) == 1  # type: ignore[misc]
            of = _Values(np.where(mine, values.start, _NONE), np.where(mine, values.end, _NONE))
            codes = self._judged(of, lambda text, level=level: _DOUBT if (c := level(text)) is None else c)  # type: ignore[misc]
            severity = np.where(mine, codes, severity)
        self._doubt |= severity == _DOUBT
        facility = self._code("facility", pri.facility)
        value = self._code("pri", lambda word: pri.read(f"<{word}>")[0])
        told = value >= 0
        return np.where((facility < 0) & told, value >> 3, facility), np.where(
            (severity < 0) & told, value & 7, severity
        )

    def _data(self) -> None:
        """Structured data as text: nothing, or left over."""
        self._code("sd", lambda text: 0 if text.strip() in ("", "-") else None)

    def _heads(self, message: _Values, app: Ints) -> None:
        """Leave over what may have a header inside its message (see `inside`)."""
        text, start, size = self._text, message.start, message.end - message.start
        byte = [
            np.where(size > i, text[np.minimum(start + i, len(text) - 1)], 0).astype(np.int64) for i in (0, 1, 2, 4, 10)
        ]
        headed = _FIRST[byte[0]] | np.isin(byte[0] << 16 | byte[1] << 8 | byte[2], _WORDS)
        runtime = headed & (byte[3] == _DASH) & (byte[4] == _T)
        self._doubt |= (headed & (app < 0)) | runtime

    def _formats(self, found: Found) -> Ints:
        """(n,) numbers of the formats, added to those found."""
        for p in self._plans:
            if p is not None and p.names.format not in found.formats:
                found.formats.append(p.names.format)
        return self._told(lambda p: found.formats.index(p.names.format))

    def _attrs(self) -> tuple[Ints, pa.MapArray | None]:
        """(n,) rows of attributes, and these, for records not in doubt. To be called last: lists may raise doubt."""
        each = [() if p is None else p.attrs for p in self._plans] + [()]
        names = list(dict.fromkeys(name for attrs in each for name, _, _ in attrs))
        flat = np.array(
            [(names.index(name), at, is_list) for attrs in each for name, at, is_list in attrs] or [(0, 0, False)]
        )
        counts = np.array([len(attrs) for attrs in each])
        count = counts[self._shape]
        row = np.repeat(np.arange(len(count)), count)
        entry = (np.cumsum(counts) - counts)[self._shape][row] + np.arange(len(row)) - (np.cumsum(count) - count)[row]
        name, at, is_list = flat[entry].T
        values = _Values(self._starts[self._first[row] + at], self._ends[self._first[row] + at])
        self._doubt[row[values.end - values.start > jsons.VALUE]] = True
        values = self._lists(values, row, is_list == 1)
        kept = ~self._doubt & (count > 0)
        if not kept.any():
            return np.full(len(count), _NONE), None
        keep = kept[row]
        offsets = np.concatenate(([0], np.cumsum(count[kept]))).astype(np.int32)
        keys = pa.array(names, pa.string()).take(pa.array(name[keep]))
        items = strings(self._text, values.start[keep], values.end[keep])
        return np.where(kept, np.cumsum(kept) - 1, _NONE), pa.MapArray.from_arrays(pa.array(offsets), keys, items)

    def _lists(self, values: _Values, row: Ints, is_list: Bools) -> _Values:
        """Write lists as attributes have them."""
        if not is_list.any():
            return values
        start, end = values.start, values.end
        numbers, text = self._door.number(self._text, np.where(is_list, start, _NONE), end)
        told: list[bytes] = []

        def write(number: int) -> int:
            said = jsons.listed(text(number))
            if said is None or len(said) > jsons.VALUE:
                return _DOUBT
            told.append(said.encode())
            return len(told) - 1

        which = judge(numbers, write)
        self._doubt[row[is_list & (which < 0)]] = True
        size = np.array([*map(len, told), 0], np.int64)
        begin = len(self._text) + np.cumsum(size) - size
        self._text = np.concatenate((self._text, np.frombuffer(b"".join(told), np.uint8)))
        mine, which = which >= 0, np.maximum(which, _NONE)
        return _Values(np.where(mine, begin[which], start), np.where(mine, (begin + size)[which], end))
