"""LABELLED rows as JSON lines, a column at a time: each column becomes JSON text, the texts are joined row by row."""

import base64
import json
from collections.abc import Iterable, Sequence
from json.encoder import encode_basestring_ascii as quoted

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clustering.key import key_of
from clustering.templates import Template
from pipeline.jsonl import Line
from schemas.events import PARSED
from schemas.taxonomy import domain_of

NULL = "null"
_JUDGED = ("label", "domain", "confidence", "stage", "model", "settled")
FIELDS = (
    "status", "reason", "detail", *(name for name in PARSED.names if name != "reject_reason"),
    "key", "template", "template_id", "params", *_JUDGED,
)  # fmt: skip
"""What every line holds, in this order, null where there is nothing; behind `id`, where the input tells one."""

MOST_TEMPLATES = 200_000
"""Templates remembered; at the bound the memory starts afresh."""


class Templates:
    """Text of templates by id, learnt from the kinds that are met and from what a lake knows."""

    def __init__(self, kinds: pa.Table | None = None) -> None:
        self._texts: dict[str, str] = {}
        if kinds is not None:
            self.learn(kinds)

    def learn(self, kinds: pa.Table | pa.RecordBatch) -> None:
        """Take over the templates of kinds (KINDS)."""
        if len(self._texts) > MOST_TEMPLATES:
            self._texts.clear()
        texts = pc.coalesce(kinds.column("merged_text"), kinds.column("template"))
        self._texts.update(zip(kinds.column("template_id").to_pylist(), texts.to_pylist(), strict=True))

    def name(self, templates: Iterable[Template]) -> None:
        """Take over templates."""
        self._texts.update((one.id, one.text) for one in templates)

    def column(self, events: pa.RecordBatch) -> pa.Array:
        """JSON texts of the rows' templates; one nobody told is made from the row itself."""
        ids = events.column("template_id")
        names = ids.dictionary.to_pylist()
        used, first = np.unique(ids.indices.fill_null(-1).to_numpy(zero_copy_only=False), return_index=True)
        for name, row in ((names[number], int(row)) for number, row in zip(used, first, strict=True) if number >= 0):
            if name not in self._texts:
                app, message = (events.column(c)[row].as_py() for c in ("app", "message"))
                self._texts[name] = key_of(app, message).kind.template
        texts = [quoted(self._texts.get(n, "")) for n in names]
        return _spelt(pa.DictionaryArray.from_arrays(ids.indices, pa.array(texts, pa.string())))


def objects(events: pa.RecordBatch, templates: Templates) -> pa.Array:
    """Write each row as the inside of a JSON object: FIELDS, without braces."""
    rejected = events.column("reject_reason").is_valid()
    texts: dict[str, pa.Array | str] = {
        name: _column(events.column(name)) for name in (*PARSED.names, "key", "template_id")
    }
    label = events.column("label_at_ingest")
    texts |= {name: _column(events.column(name)) for name in ("stage", "model", "settled")}
    texts["confidence"] = _column(pc.round(events.column("confidence").cast(pa.float64()), 6))
    texts["label"] = _column(label)
    domains = pa.array([domain_of(name) for name in label.dictionary.to_pylist()], pa.string())
    texts["domain"] = _column(pa.DictionaryArray.from_arrays(label.indices, domains))
    texts["params"], texts["template"] = _params(events.column("params")), templates.column(events)
    texts["status"], texts["reason"], texts["detail"] = '"ok"', texts["reject_reason"], NULL
    if rejected.true_count:
        texts["status"] = pc.if_else(rejected, '"reject"', '"ok"')
        texts["detail"] = pc.if_else(rejected, texts["message"], NULL)
        for name in ("message", "params", *_JUDGED):
            texts[name] = pc.if_else(rejected, NULL, texts[name])
    parts = [part for name in FIELDS for part in (f',"{name}":', texts[name])]
    return pc.binary_join_element_wise(parts[0][1:], *parts[1:], "")


def by_line(events: pa.RecordBatch, rows: pa.Array) -> tuple[list[str], dict[int, int]]:
    """Put the objects of one record into one: (lines, position -> line).

    A record that held several events gives the object of its first, and all of them under `events`.
    """
    offsets = events.column("source_offset").to_numpy()
    first = np.flatnonzero(np.diff(offsets, prepend=offsets[:1] - 1))
    counts = np.diff(first, append=len(offsets))
    texts = rows.to_pylist()
    lines = [texts[i] for i in first.tolist()]
    for n in np.flatnonzero(counts > 1).tolist():
        of_record = texts[first[n] : first[n] + counts[n]]
        lines[n] += ',"events":[' + ",".join(f"{{{text}}}" for text in of_record) + "]"
    return lines, {offset: n for n, offset in enumerate(offsets[first].tolist())}


def unread(line: Line) -> str:
    """Write the inside of the object of a line that held no record."""
    told = {"status": line.status, "reason": line.reason, "detail": line.detail, "source_offset": line.offset}
    return json.dumps({name: told.get(name) for name in FIELDS}, separators=(",", ":"))[1:-1]


def merged(told: Sequence[Line], lines: Sequence[str], where: dict[int, int], *, named: bool) -> Iterable[str]:
    """Give the inside of one object a line of the input, in its order; `named`: its id first."""
    for line in told:
        inside = lines[where[line.offset]] if line.status == "ok" else unread(line)
        yield f'"id":{line.id or NULL},{inside}' if named else inside


def _spelt(column: pa.DictionaryArray) -> pa.Array:
    return pc.fill_null(column.cast(pa.string()), NULL)


def _column(column: pa.Array) -> pa.Array:
    """JSON texts of a column."""
    kind = column.type
    if column.null_count == len(column):
        return pa.array([NULL] * len(column), pa.string())
    if pa.types.is_dictionary(kind):
        words = [None if w is None else quoted(w) for w in column.dictionary.to_pylist()]
        return _spelt(pa.DictionaryArray.from_arrays(column.indices, pa.array(words, pa.string())))
    if pa.types.is_timestamp(kind):
        return pc.strftime(column.cast(pa.timestamp("us")), format='"%Y-%m-%dT%H:%M:%SZ"')
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        return pc.fill_null(column.cast(pa.string()), NULL)
    return pa.array([_value(value, kind) for value in column.to_pylist()], pa.string())


def _value(value: object, kind: pa.DataType) -> str:
    """JSON text of one value: text, bytes (base64), list, or map."""
    if value is None:
        return NULL
    if isinstance(value, str):
        return str(quoted(value))
    if isinstance(value, bytes):
        return f'"{base64.b64encode(value).decode()}"'
    return json.dumps(dict(value) if pa.types.is_map(kind) else value, separators=(",", ":"))  # type: ignore[call-overload]


def _params(column: pa.StringArray) -> pa.Array:
    """JSON lists of the words in the holes."""
    texts = [NULL if v is None else f"[{quoted(v)}]".replace(" ", '","') if v else "[]" for v in column.to_pylist()]
    return pa.array(texts, pa.string())
