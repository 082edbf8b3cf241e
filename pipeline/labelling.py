"""Parsed rows to labelled rows: each kind is asked about once, each row takes its kind's verdict."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute

from classifiers.ledger import METER
from clustering.keyed import Keyed
from clustering.keys import Keys
from clustering.registry import PERSON, RULE, Entry, Registry
from clustering.templates import OTHER
from pipeline.labelling_columns import NOTHING, Bools, Held, Ints, Note, events_of, novel_of
from pipeline.resolving import TRIED, Fit, Resolver
from schemas.events import TS_QUALITIES
from schemas.registry import Kind, Verdict

RULED_ENTRIES = 131_072
"""Kinds whose rule is remembered, 200 bytes each; beyond, the memory starts afresh."""

_INHERITED = TS_QUALITIES.index("inherited")


class Classifier(Protocol):
    """Whatever gives every kind a verdict: the cascade."""

    def classify(self, kinds: Sequence[Kind]) -> list[Verdict]:
        """Give one verdict a kind, in the order given."""
        ...


Numbered = dict[int, Kind]
"""Kinds of a batch, by number."""

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
        met = np.zeros(len(keyed.keys), np.bool_)
        met[codes[alone]] = True
        first = np.zeros(len(keyed.keys), np.int64)
        rows = np.flatnonzero(alone)[::-1]
        first[codes[rows]] = rows
        held, notes, overruled = self._entries(keyed, met, first)
        events = events_of(parsed, keyed, held, rejected, goes_on)
        return Labelled(_without_lead(events), novel_of(parsed, notes), overruled)

    def _entries(self, keyed: Keyed, met: Bools, first: Ints) -> tuple[Held, list[Note], dict[str, Verdict]]:
        """What holds for each kind, the notes on those met for the first time, and what now holds of known ones."""
        known = self.registry.known(keyed.keys)
        strange = met & np.array([entry is None for entry in known], np.bool_)
        beyond, others = self._beyond(keyed, strange)
        fresh = np.flatnonzero(strange & (beyond < 0)).tolist()
        kinds = dict(enumerate(keyed.kinds)) if self._rules else {i: keyed.kind(i) for i in fresh}
        ruled = self._rule(kinds)
        fits = {i: fit for i, fit in zip(fresh, self._resolver.resolve([kinds[i] for i in fresh]), strict=True) if fit}
        said = self._said(kinds, known, ruled, [i for i in fresh if i not in fits]) | {
            i: fit.verdict for i, fit in fits.items()
        }
        rows = np.flatnonzero(beyond < 0)
        entries, overruled = _decided(keyed, known, {i: ruled.get(i) or said.get(i) for i in rows.tolist()}, fits)
        which = beyond + len(entries)
        which[rows] = np.arange(len(entries))
        notes = self._notes(kinds, dict(zip(rows.tolist(), entries, strict=True)), fits, fresh, first)
        self.registry.settle(overruled)
        return Held([*entries, *others], which), notes, overruled

    def _beyond(self, keyed: Keyed, strange: Bools) -> tuple[Ints, list[Entry]]:
        """Find the new kinds of full programs that are `<other>` at once: for each kind which of these entries, or -1.

        The resolver gives all kinds of such a program the same once it has tried some; one more goes there, so that
        it is noted. A rule has a word on each kind, so that where there are any none is beyond.
        """
        beyond, others = np.full(len(strange), -1, np.int64), list[Entry]()
        if not self._rules:
            many = np.bincount(keyed.app_of[strange]) > TRIED + 1
            for app in np.flatnonzero(many).tolist():
                other = self._resolver.full(keyed.apps[app])
                if other is not None:
                    beyond[np.flatnonzero(strange & (keyed.app_of == app))[TRIED + 1 :]] = len(others)
                    others.append(Entry(other.template.id, other.verdict))
        return beyond, others

    def _said(
        self, kinds: Numbered, known: list[Entry | None], ruled: dict[int, Verdict], fresh: list[int]
    ) -> dict[int, Verdict]:
        """Ask the models about kinds that nobody knows, and those that a rule has freed."""
        freed = [
            i for i, e in enumerate(known if self._rules else ())
            if e is not None and e.verdict.stage == RULE and i not in ruled
        ]  # fmt: skip
        ask = sorted([*freed, *(i for i in fresh if i not in ruled)])
        if not ask:
            return {}
        said = self._models.classify([kinds[i] for i in ask])
        METER.tallied(getattr(self._models, "tally", None))
        return dict(zip(ask, said, strict=True))

    def _notes(
        self, kinds: Numbered, entries: dict[int, Entry], fits: dict[int, Fit], fresh: list[int], first: Ints
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
                kind, entry = Kind(entry.template_id, kind.app, OTHER), Entry(entry.template_id, NOTHING)
                if self.registry.find([kind])[0] is not None:
                    continue
            else:
                self._resolver.met(kind)
            notes[kind.key] = Note(kind, entry, int(first[i]), text)
        self.registry.note((note.kind, _light(note.entry)) for note in notes.values())
        return list(notes.values())

    def _rule(self, kinds: Numbered) -> dict[int, Verdict]:
        """What the operator's rules say of kinds; each kind is put to them once."""
        if self._rules is None:
            return {}
        ask = [kind for kind in kinds.values() if kind.key not in self._ruled]
        if ask:
            if len(self._ruled) > RULED_ENTRIES:
                self._ruled.clear()
                ask = list(kinds.values())
            with METER.by(RULE):
                said = self._rules(ask)
            METER.ruled(said)
            self._ruled.update(zip((kind.key for kind in ask), said, strict=True))
        found = ((i, self._ruled[kind.key]) for i, kind in kinds.items())
        return {i: verdict for i, verdict in found if verdict is not None}


def _decided(
    keyed: Keyed, known: list[Entry | None], said: dict[int, Verdict | None], fits: dict[int, Fit]
) -> tuple[list[Entry], dict[str, Verdict]]:
    """Put together what was known and what is said now, by kind: what holds, and what overrules what was known."""
    entries: list[Entry] = []
    overruled: dict[str, Verdict] = {}
    for i, verdict in said.items():
        entry, key = known[i], keyed.keys[i]
        if verdict is None or (entry is not None and entry.verdict.stage == PERSON):
            entries.append(entry or Entry(key, NOTHING))
            continue
        id_ = fits[i].template.id if i in fits else key
        entries.append(Entry(id_ if entry is None else entry.template_id, verdict))
        if entry is not None and entry.verdict != verdict:
            overruled[key] = verdict
    return entries, overruled


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
