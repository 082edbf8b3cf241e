"""Parsed rows to labelled rows: each kind is asked about once, each row takes its kind's verdict."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute

from classifiers.ledger import METER
from clustering.keys import Keyed, Keys
from clustering.registry import PERSON, RULE, Entry, Registry
from clustering.templates import OTHER
from connectors.privacy import EXAMPLES
from pipeline.resolving import Fit, Resolver
from schemas.events import CONTINUATION, LABELLED, TS_QUALITIES, WORD
from schemas.registry import INLINE, KINDS, Kind, Verdict
from schemas.taxonomy import UNKNOWN

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

EXAMPLE_CHARACTERS = 500
RULED_ENTRIES = 131_072
"""Kinds whose rule is remembered, 200 bytes each; beyond, the memory starts afresh."""

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


@dataclass(frozen=True)
class Note:
    """A kind met for the first time: what is known of it, the row where it stood, the text of its template."""

    kind: Kind
    entry: Entry
    row: int
    text: str


class Labeller:
    """Labels batch after batch: person, rule, what the registry knows of the key or of its template, the models.

    Args:
        registry: what is known; grows by what is met.
        rules: the operator's patterns, or None.
        models: asked about kinds that nobody knows.
    """

    def __init__(
        self, registry: Registry, models: Classifier, rules: Callable[..., Sequence[Verdict | None]] | None = None
    ):
        self.registry, self._models, self._rules = registry, models, rules
        self._resolver = Resolver()
        self._keys = Keys()
        self._ruled: dict[str, Verdict | None] = {}

    def refresh(self, kinds: pa.Table) -> None:
        """Take over what was published of kinds (KINDS schema, one row a key); it replaces what was learnt here."""
        self.registry.refresh(kinds)
        self._resolver.refresh(kinds)

    def label(self, parsed: pa.RecordBatch) -> Labelled:
        """Label a batch of the schema PARSED."""
        keyed = self._keys.of(parsed.column("app"), parsed.column("message"))
        codes = keyed.codes.astype(np.int64)
        rejected = parsed.column("reject_reason").is_valid().to_numpy(zero_copy_only=False)
        goes_on = parsed.column("ts_quality").indices.to_numpy() == _INHERITED
        alone = ~(rejected | goes_on)
        met = np.zeros(len(keyed.kinds), np.bool_)
        met[codes[alone]] = True
        first = np.zeros(len(keyed.kinds), np.int64)
        rows = np.flatnonzero(alone)[::-1]
        first[codes[rows]] = rows
        entries, notes, overruled = self._entries(keyed.kinds, met, first)
        events = _events(parsed, keyed, entries, rejected, goes_on)
        return Labelled(_without_lead(events), _novel(parsed, notes), overruled)

    def _entries(
        self, kinds: list[Kind], met: Bools, first: Ints
    ) -> tuple[list[Entry], list[Note], dict[str, Verdict]]:
        """What holds for each kind, the notes on those met for the first time, and what now holds of known ones."""
        known, ruled = self.registry.find(kinds), self._rule(kinds)
        fresh = [i for i, entry in enumerate(known) if entry is None and met[i]]
        fits = {i: fit for i, fit in zip(fresh, self._resolver.resolve([kinds[i] for i in fresh]), strict=True) if fit}
        said = self._said(kinds, known, ruled, [i for i in fresh if i not in fits]) | {
            i: fit.verdict for i, fit in fits.items()
        }
        entries, overruled = [], {}
        for i, (kind, entry) in enumerate(zip(kinds, known, strict=True)):
            verdict, id_ = ruled[i] or said.get(i), fits[i].template.id if i in fits else kind.key
            if verdict is None or (entry is not None and entry.verdict.stage == PERSON):
                entries.append(entry or Entry(kind.key, _NOTHING))
                continue
            entries.append(Entry(id_ if entry is None else entry.template_id, verdict))
            if entry is not None and entry.verdict != verdict:
                overruled[kind.key] = verdict
        notes = self._notes(kinds, entries, fits, fresh, first)
        self.registry.settle(overruled)
        return entries, notes, overruled

    def _said(
        self, kinds: list[Kind], known: list[Entry | None], ruled: list[Verdict | None], fresh: list[int]
    ) -> dict[int, Verdict]:
        """Ask the models about kinds that nobody knows, and those that a rule has freed."""
        freed = [
            i for i, (e, r) in enumerate(zip(known, ruled, strict=True))
            if self._rules and e is not None and e.verdict.stage == RULE and r is None
        ]  # fmt: skip
        ask = sorted([*freed, *(i for i in fresh if ruled[i] is None)])
        if not ask:
            return {}
        said = self._models.classify([kinds[i] for i in ask])
        METER.tallied(getattr(self._models, "tally", None))
        return dict(zip(ask, said, strict=True))

    def _notes(
        self, kinds: list[Kind], entries: list[Entry], fits: dict[int, Fit], fresh: list[int], first: Ints
    ) -> list[Note]:
        """Remember new kinds, and note them; of those beyond all bounds only what stands for them."""
        notes: dict[str, Note] = {}
        noted: set[str] = set()
        for i in fresh:
            kind, entry, text = kinds[i], entries[i], fits[i].template.text if i in fits else kinds[i].template
            if text == OTHER:
                if entry.template_id in noted:
                    continue
                noted.add(entry.template_id)
                kind, entry = Kind(entry.template_id, kind.app, OTHER), Entry(entry.template_id, _NOTHING)
                if self.registry.find([kind])[0] is not None:
                    continue
            else:
                self._resolver.met(kind.app)
            notes[kind.key] = Note(kind, entry, int(first[i]), text)
        self.registry.note((note.kind, _light(note.entry)) for note in notes.values())
        return list(notes.values())

    def _rule(self, kinds: list[Kind]) -> list[Verdict | None]:
        """What the operator's rules say of each kind; each kind is put to them once."""
        if self._rules is None:
            return [None] * len(kinds)
        ask = [kind for kind in kinds if kind.key not in self._ruled]
        if ask:
            if len(self._ruled) > RULED_ENTRIES:
                self._ruled.clear()
                ask = kinds
            with METER.by(RULE):
                said = self._rules(ask)
            METER.ruled(said)
            self._ruled.update(zip((kind.key for kind in ask), said, strict=True))
        return [self._ruled[kind.key] for kind in kinds]


def _light(entry: Entry) -> Entry:
    """Leave out what only the note on a kind carries: it would be half of what is remembered of one."""
    said = entry.verdict
    return entry if said.spread is None else Entry(entry.template_id, replace(said, spread=None))


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


def _novel(parsed: pa.RecordBatch, notes: list[Note]) -> pa.RecordBatch:
    """The notes on kinds met for the first time: what they are, what was said, where they stood, a masked example."""
    rows = pa.array([note.row for note in notes], pa.int64())
    example = EXAMPLES.column(
        pa.compute.utf8_slice_codeunits(parsed.column("message").take(rows), 0, EXAMPLE_CHARACTERS)
    )
    source = (parsed.schema.metadata or {}).get(b"source", b"").decode()
    verdicts = [note.entry.verdict for note in notes]
    columns = {
        "key": [note.kind.key for note in notes],
        "template_id": [note.entry.template_id for note in notes],
        "template": [note.kind.template for note in notes],
        "app": [note.kind.app for note in notes],
        **{name: [getattr(v, name) for v in verdicts] for name in ("label", "confidence", "stage", "model", "settled")},
        "cert_id": [v.cert_id for v in verdicts],
        "spread": [v.spread for v in verdicts],
        "example": example,
        "first_seen": parsed.column("ts").take(rows),
        "source": [source] * len(notes),
        "source_offset": parsed.column("source_offset").take(rows),
        "merged_text": [note.text if note.text != note.kind.template else None for note in notes],
        "set_by": [INLINE] * len(notes),
    }
    told = [columns.get(f.name, [None] * len(notes)) for f in KINDS]
    return pa.RecordBatch.from_arrays([_column(c, f.type) for c, f in zip(told, KINDS, strict=True)], schema=KINDS)


def _column(values: object, kind: pa.DataType) -> pa.Array:
    return values if isinstance(values, pa.Array) else pa.array(values, kind)
