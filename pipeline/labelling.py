"""Parsed rows to labelled rows: each kind is asked about once, each row takes its kind's verdict."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute

from clustering.keys import Keyed, Keys
from clustering.registry import PERSON, RULE, Entry, Registry
from connectors.privacy import EXAMPLES
from schemas.events import CONTINUATION, LABELLED, TS_QUALITIES, WORD
from schemas.registry import INLINE, KINDS, Kind, Verdict
from schemas.taxonomy import UNKNOWN

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

EXAMPLE_CHARACTERS = 500
RULED_ENTRIES = 1_000_000
"""Kinds whose rule is remembered; beyond, the memory starts afresh."""

_INHERITED = TS_QUALITIES.index("inherited")


class Classifier(Protocol):
    """Whatever gives every kind a verdict: the cascade."""

    def classify(self, kinds: Sequence[Kind]) -> list[Verdict]:
        """Give one verdict a kind, in the order given."""
        ...


Rules = Callable[[Sequence[Kind]], Sequence[Verdict | None]]
"""The operator's patterns: a verdict for each kind one matches, None for the rest."""


@dataclass(frozen=True)
class Labelled:
    """A batch of the schema LABELLED (metadata kept), and the kinds first met in it, of the schema KINDS.

    `overruled`: known kinds, by key, of which a rule now says something else, or no rule any more what it said.
    """

    events: pa.RecordBatch
    novel: pa.RecordBatch
    overruled: dict[str, Verdict] = field(default_factory=dict)


class Labeller:
    """Labels batch after batch: person, then rule, then what the registry knows, then the models.

    Args:
        registry: what is known; grows by what is met.
        rules: the operator's patterns, or None.
        models: asked about kinds that nobody knows.
    """

    def __init__(
        self, registry: Registry, models: Classifier, rules: Callable[..., Sequence[Verdict | None]] | None = None
    ):
        self.registry, self._models, self._rules = registry, models, rules
        self._keys = Keys()
        self._ruled: dict[str, Verdict | None] = {}

    def refresh(self, kinds: pa.Table) -> None:
        """Take over what was published of kinds (KINDS schema, one row a key); it replaces what was learnt here."""
        self.registry.refresh(kinds)

    def label(self, parsed: pa.RecordBatch) -> Labelled:
        """Label a batch of the schema PARSED."""
        keyed = self._keys.of(parsed.column("app"), parsed.column("message"))
        codes = keyed.codes.astype(np.int64)
        rejected = parsed.column("reject_reason").is_valid().to_numpy(zero_copy_only=False)
        goes_on = parsed.column("ts_quality").indices.to_numpy() == _INHERITED
        alone = ~(rejected | goes_on)
        met = np.zeros(len(keyed.kinds), np.bool_)
        met[codes[alone]] = True
        entries, fresh, overruled = self._entries(keyed.kinds, met)
        events = _events(parsed, keyed, entries, rejected, goes_on)
        first = np.zeros(len(keyed.kinds), np.int64)
        rows = np.flatnonzero(alone)[::-1]
        first[codes[rows]] = rows
        return Labelled(_without_lead(events), _novel(parsed, keyed.kinds, entries, fresh, first), overruled)

    def _entries(self, kinds: list[Kind], met: Bools) -> tuple[list[Entry], list[int], dict[str, Verdict]]:
        """What holds for each kind, which of them were met for the first time, and what now holds of known ones."""
        known, ruled = self.registry.find(kinds), self._rule(kinds)
        freed = [e is not None and e.verdict.stage == RULE and r is None for e, r in zip(known, ruled, strict=True)]
        freed = freed if self._rules else [False] * len(kinds)
        open_ = [i for i, e in enumerate(known) if ruled[i] is None and (freed[i] or (e is None and met[i]))]
        said = dict(zip(open_, self._models.classify([kinds[i] for i in open_]) if open_ else [], strict=True))
        entries, overruled = [], {}
        for i, (kind, entry) in enumerate(zip(kinds, known, strict=True)):
            verdict = ruled[i] or said.get(i)
            if verdict is None or (entry is not None and entry.verdict.stage == PERSON):
                entries.append(entry or Entry(kind.key, _NOTHING))
                continue
            entries.append(Entry(kind.key if entry is None else entry.template_id, verdict))
            if entry is not None and entry.verdict != verdict:
                overruled[kind.key] = verdict
        fresh = [i for i, entry in enumerate(known) if entry is None and met[i]]
        self.registry.learn((kinds[i], entries[i].verdict) for i in fresh)
        self.registry.settle(overruled)
        return entries, fresh, overruled

    def _rule(self, kinds: list[Kind]) -> list[Verdict | None]:
        """What the operator's rules say of each kind; each kind is put to them once."""
        if self._rules is None:
            return [None] * len(kinds)
        ask = [kind for kind in kinds if kind.key not in self._ruled]
        if ask:
            if len(self._ruled) > RULED_ENTRIES:
                self._ruled.clear()
                ask = kinds
            self._ruled.update(zip((kind.key for kind in ask), self._rules(ask), strict=True))
        return [self._ruled[kind.key] for kind in kinds]


def _without_lead(events: pa.RecordBatch) -> pa.RecordBatch:
    """Drop the rows before the batch's start: they were there for its first rows to go on with."""
    meta = dict(events.schema.metadata or {})
    if meta.pop(b"lead", None) is None:
        return events
    first = np.searchsorted(events.column("source_offset").to_numpy(), int(meta[b"start"]))
    return events.slice(int(first)).replace_schema_metadata(meta)


_NOTHING = Verdict(UNKNOWN, 0.0, "none", "")


def _spread(values: Sequence[str | None], rows: Ints, null: Bools | None = None) -> pa.DictionaryArray:
    """A WORD column: for each row the value of its kind; each distinct value stands once in the dictionary."""
    numbers: dict[str, int] = {}
    own = np.array([-1 if v is None else numbers.setdefault(v, len(numbers)) for v in values] or [-1], np.int32)[rows]
    mask = own < 0 if null is None else (own < 0) | null
    return pa.DictionaryArray.from_arrays(
        pa.array(own, mask=mask if mask.any() else None), pa.array(list(numbers), pa.string())
    ).cast(WORD)


def _events(
    parsed: pa.RecordBatch, keyed: Keyed, entries: list[Entry], rejected: Bools, goes_on: Bools
) -> pa.RecordBatch:
    """Add the LABELLED columns to the parsed ones."""
    codes = keyed.codes.astype(np.int64)
    verdicts = [entry.verdict for entry in entries]
    said, judged = codes, verdicts
    if goes_on.any() or rejected.any():
        said, judged = _inherit(codes, verdicts, rejected, goes_on)
    confidence = np.array([v.confidence for v in judged] or [0.0], np.float32)[said]
    params = keyed.params
    if rejected.any():
        params = pa.compute.if_else(pa.array(~rejected), params, pa.scalar(None, pa.string()))
    added = [
        _spread([kind.key for kind in keyed.kinds], codes, rejected),
        _spread([entry.template_id for entry in entries], codes, rejected),
        params,
        _spread([v.label for v in judged], said),
        pa.array(confidence, mask=rejected),
        _spread([v.stage for v in judged], said),
        _spread([v.model or None for v in judged], said, rejected),
        pa.array(np.array([v.settled for v in judged] or [False])[said]),
        _spread([v.cert_id for v in judged], said, rejected),
    ]
    fields = [*parsed.columns, *added]
    schema = pa.schema([*parsed.schema, *list(LABELLED)[len(parsed.schema) :]], parsed.schema.metadata)
    return pa.RecordBatch.from_arrays(fields, schema=schema)


def _inherit(codes: Ints, verdicts: list[Verdict], rejected: Bools, goes_on: Bools) -> tuple[Ints, list[Verdict]]:
    """Let a continuation take its line's label, under a stage of its own; a reject takes none."""
    n = len(verdicts)
    judged = [*verdicts, *(replace(v, stage=CONTINUATION) for v in verdicts), _NOTHING]
    line = np.maximum.accumulate(np.where(goes_on | rejected, -1, np.arange(len(codes))))
    said = np.where(goes_on, np.where(line >= 0, codes[line] + n, 2 * n), codes)
    return np.where(rejected, 2 * n, said), judged


def _novel(
    parsed: pa.RecordBatch, kinds: list[Kind], entries: list[Entry], fresh: list[int], first: Ints
) -> pa.RecordBatch:
    """The notes on kinds met for the first time: what they are, what was said, where they stood, a masked example."""
    rows = pa.array(first[fresh])
    example = EXAMPLES.column(
        pa.compute.utf8_slice_codeunits(parsed.column("message").take(rows), 0, EXAMPLE_CHARACTERS)
    )
    source = (parsed.schema.metadata or {}).get(b"source", b"").decode()
    verdicts = [entries[i].verdict for i in fresh]
    columns = {
        "key": [kinds[i].key for i in fresh],
        "template_id": [entries[i].template_id for i in fresh],
        "template": [kinds[i].template for i in fresh],
        "app": [kinds[i].app for i in fresh],
        **{name: [getattr(v, name) for v in verdicts] for name in ("label", "confidence", "stage", "model", "settled")},
        "cert_id": [v.cert_id for v in verdicts],
        "example": example,
        "first_seen": parsed.column("ts").take(rows),
        "source": [source] * len(fresh),
        "source_offset": parsed.column("source_offset").take(rows),
        "set_by": [INLINE] * len(fresh),
    }
    told = [columns.get(f.name, [None] * len(fresh)) for f in KINDS]
    return pa.RecordBatch.from_arrays([_column(c, f.type) for c, f in zip(told, KINDS, strict=True)], schema=KINDS)


def _column(values: object, kind: pa.DataType) -> pa.Array:
    return values if isinstance(values, pa.Array) else pa.array(values, kind)
