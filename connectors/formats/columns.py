"""The columns of a PARSED batch as they fill, block by block, from what the formats found."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from connectors.formats.block import Block, Ints, strings
from connectors.formats.record import Event, Rejected
from connectors.formats.vector import Found, Memo
from schemas.events import PARSED, TS, TS_QUALITIES, WORD

Said = tuple[int, list[Event] | Rejected]
"""What the per-line path made of the record at a row."""

_RECEIVED = TS_QUALITIES.index("received")


@dataclass
class _Distinct:
    """Numbers values as they are met; -1 stands for null."""

    numbers: dict[Any, int] = field(default_factory=dict)
    values: list[Any] = field(default_factory=list)

    def number(self, key: Hashable, value: Any = None) -> int:
        """Number a value (or a key that stands for it)."""
        found = self.numbers.get(key)
        if found is None:
            found = self.numbers[key] = len(self.values)
            self.values.append(key if value is None else value)
        return found

    def column(self, numbers: Ints, kind: pa.DataType) -> pa.Array:
        """Spell numbers out as a column: a dictionary for WORD, else the values themselves."""
        null = numbers < 0
        if null.all():
            return pa.nulls(len(numbers), kind)
        indices = pa.array(numbers.astype(np.int32), mask=null if null.any() else None)
        if kind == WORD:
            return pa.DictionaryArray.from_arrays(indices, pa.array(self.values, pa.string()))
        return pa.array(self.values, kind).take(indices)


class Columns:
    """Grows by blocks of records; `batch` gives what has come together."""

    def __init__(self) -> None:
        self.memo = Memo()
        self._attrs, self._issues, self._formats, self._rejects = _Distinct(), _Distinct(), _Distinct(), _Distinct()
        self._parts: dict[str, list[Any]] = {name: [] for name in PARSED.names}
        self._maps: list[pa.MapArray] = []

    def add(self, block: Block, found: Found, records: pa.RecordBatch, said: Sequence[Said], keep_raw: bool) -> None:
        """Take one block: the fields found in it, and what the per-line path said of the records left over."""
        n = records.num_rows
        counts = np.ones(n, np.int64)
        if records.column("raw").null_count:
            counts[records.column("raw").is_null().to_numpy(zero_copy_only=False)] = 0
        for row, answer in said:
            counts[row] = len(answer) if isinstance(answer, list) else 1
        plain = bool((counts == 1).all())
        rows = None if plain else np.repeat(np.arange(n), counts)
        first = np.arange(n) if plain else np.concatenate(([0], np.cumsum(counts)))[:-1]
        entries = _Entries(self, block, found, rows)
        for row, answer in said:
            truncated = records.column("truncated")[row].as_py()
            several: list[Event | Rejected] = [*answer] if isinstance(answer, list) else [answer]
            for i, one in enumerate(several):
                entries.put(int(first[row]) + i, i, one, truncated)
        entries.finish(records, keep_raw)

    def append(self, name: str, values: Any) -> None:
        """Add a block's values of one column."""
        self._parts[name].append(values)

    def batch(self) -> pa.RecordBatch:
        """Give all rows so far, of the schema PARSED."""
        words = _Distinct(self.memo.words, list(self.memo.words))
        kinds = {
            "host": words, "app": words, "msgid": words,
            "issues": self._issues, "format": self._formats, "reject_reason": self._rejects,
        }  # fmt: skip
        arrays = []
        for column in PARSED:
            parts = self._parts[column.name]
            if column.name == "attrs":
                arrays.append(self._attributes(_joined(parts), column.type))
            elif column.name in kinds:
                arrays.append(kinds[column.name].column(_joined(parts), column.type))
            elif column.name == "ts_quality":
                codes = pa.array(_joined(parts).astype(np.int32))
                arrays.append(pa.DictionaryArray.from_arrays(codes, pa.array(TS_QUALITIES)))
            elif len(parts) == 1:
                arrays += parts
            else:
                arrays.append(pa.concat_arrays(parts) if parts else pa.array([], column.type))
        return pa.RecordBatch.from_arrays(arrays, schema=PARSED)

    def maps(self, attrs: pa.MapArray | None) -> int:
        """Take a block's attributes that stand for one record each; how many were there before."""
        before = sum(map(len, self._maps))
        if attrs is not None:
            self._maps.append(attrs)
        return before

    def _attributes(self, numbers: Ints, kind: pa.DataType) -> pa.Array:
        """Spell the column `attrs` out: numbers of distinct ones, -1 for null, and from -2 down the rows of `maps`."""
        if not self._maps:
            return self._attrs.column(numbers, kind)
        known = self._attrs.values
        where = np.where(numbers < -1, len(known) - 2 - numbers, numbers)
        all_ = pa.concat_arrays([pa.array(known, kind), *self._maps])
        return all_.take(pa.array(where, mask=numbers == -1))


def _joined(parts: Sequence[Ints]) -> Ints:
    """Give the numbers of all blocks; a single block's without a copy."""
    return parts[0] if len(parts) == 1 else np.concatenate([np.zeros(0, np.int64), *parts])


class _Entries:
    """The entries of one block: a row each, several where a record holds several events."""

    def __init__(self, columns: Columns, block: Block, found: Found, rows: Ints | None) -> None:
        """Take what was found for the records `rows`, one entry each; None: all of them, whose arrays become ours."""
        self.columns, self.block, self.rows = columns, block, rows
        own = slice(None) if rows is None else rows
        formats = np.array([*(columns._formats.number(f) for f in found.formats), -1], np.int64)
        self.format = formats[found.format[own]]
        self.host, self.app, self.msgid = (x[own] for x in (found.host, found.app, found.msgid))
        self.facility, self.severity = found.facility[own], found.severity[own]
        self.ts, self.quality = found.ts_us[own], found.quality[own]
        self.procid = [found.procid_start[own], found.procid_end[own]]
        self.message = [found.message_start[own], found.message_end[own]]
        n = len(self.format)
        self.attrs = np.full(n, -1)
        if found.attrs is not None:
            attr = found.attr[own]
            self.attrs = np.where(attr >= 0, -2 - columns.maps(found.attrs) - attr, -1)
        self.issues = np.full(n, -1)
        self.reject, self.ordinal = np.full(n, -1), np.zeros(n, np.int32)
        self.raw: dict[int, None] = {}
        self._aux: list[bytes] = []
        self._aux_at = len(block.data)
        if found.extras:
            self._extras(found, found.extra[own])

    def _extras(self, found: Found, extra: Ints) -> None:
        """What structured data said: attributes, issues, quality."""
        attrs = np.array([self._attr(e) for e in found.extras] + [-1])
        issues = np.array([self._issue(tuple(e.issues)) for e in found.extras] + [-1])
        quality = np.array([TS_QUALITIES.index(e.ts_quality) for e in found.extras] + [0])
        self.attrs = np.where(extra >= 0, attrs[extra], self.attrs)
        self.issues = issues[extra]
        self.quality = np.maximum(self.quality, quality[extra])

    def _attr(self, event: Event) -> int:
        if not event.attrs:
            return -1
        return self.columns._attrs.number(tuple(event.attrs.items()), list(event.attrs.items()))

    def _issue(self, issues: tuple[str, ...]) -> int:
        return self.columns._issues.number(issues, list(issues)) if issues else -1

    def _word(self, word: str | None) -> int:
        return -1 if word is None else self.columns.memo.word(word)

    def _text(self, text: str) -> tuple[int, int]:
        data = text.encode("utf-8", "replace")
        self._aux.append(data)
        self._aux_at += len(data)
        return self._aux_at - len(data), self._aux_at

    def put(self, at: int, ordinal: int, one: Event | Rejected, truncated: bool) -> None:
        """Write what the per-line path said into entry `at`."""
        self.ordinal[at] = ordinal
        if isinstance(one, Rejected):
            event = Event(message=one.detail, keep_raw=True)
            self.reject[at] = self.columns._rejects.number(one.reason)
        else:
            event = one
        if truncated:
            event.note("truncated")
        self.ts[at] = -1 if event.ts_us is None else event.ts_us
        self.quality[at] = _RECEIVED if event.ts_us is None else TS_QUALITIES.index(event.ts_quality)
        self.host[at], self.app[at], self.msgid[at] = map(self._word, (event.host, event.app, event.msgid))
        self.facility[at] = -1 if event.facility is None else event.facility
        self.severity[at] = -1 if event.severity is None else event.severity
        self.format[at] = self.columns._formats.number(event.format)
        self.attrs[at], self.issues[at] = self._attr(event), self._issue(tuple(event.issues))
        self.message[0][at], self.message[1][at] = self._text(event.message)
        self.procid[0][at], self.procid[1][at] = (-1, -2) if event.procid is None else self._text(event.procid)
        if event.keep_raw:
            self.raw[at] = None

    def finish(self, records: pa.RecordBatch, keep_raw: bool) -> None:
        """Hand the entries over to the columns."""
        add = self.columns.append
        index = None if self.rows is None else pa.array(self.rows)
        observed = _take(records.column("observed_ts"), index)
        received = self.quality == _RECEIVED
        ts = np.where(received, observed.cast(pa.int64()).to_numpy(), self.ts)
        add("ts", pa.array(ts).cast(TS))
        add("observed_ts", observed)
        add("source_offset", _take(records.column("source_offset"), index))
        for name, values in (
            ("ts_quality", self.quality), ("host", self.host), ("app", self.app), ("msgid", self.msgid),
            ("attrs", self.attrs), ("issues", self.issues), ("format", self.format), ("reject_reason", self.reject),
        ):  # fmt: skip
            add(name, values)
        for name, numbers in (("facility", self.facility), ("severity", self.severity)):
            add(name, pa.array(numbers.astype(np.int8), mask=numbers < 0))
        add("ordinal", pa.array(self.ordinal))
        data = (
            np.concatenate((self.block.data, np.frombuffer(b"".join(self._aux), np.uint8)))
            if self._aux
            else self.block.data
        )
        add("message", strings(data, *self.message))
        add("procid", strings(data, *self.procid))
        add("raw", self._raw(_take(records.column("raw"), index), keep_raw))

    def _raw(self, raw: pa.BinaryArray, keep_raw: bool) -> pa.BinaryArray:
        if keep_raw:
            return raw
        if not self.raw:
            return pa.nulls(len(raw), pa.binary())
        keep = np.zeros(len(raw), np.bool_)
        keep[list(self.raw)] = True
        return pa.compute.if_else(pa.array(keep), raw, pa.scalar(None, pa.binary()))


def _take(column: pa.Array, index: pa.Array | None) -> pa.Array:
    return column if index is None else column.take(index)
