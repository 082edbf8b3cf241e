"""Counts of what was labelled, kind by kind, in bounded memory."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from pipeline.labelling import Labelled
from schemas.events import TS_QUALITIES
from schemas.registry import Kind
from schemas.taxonomy import UNKNOWN

MOST_KINDS = 50_000
"""Kinds counted one by one, about 1 kB each; the events of kinds met later count as `other`."""

_INHERITED = TS_QUALITIES.index("inherited")


@dataclass(slots=True)
class KindCount:
    """A kind, or a template of several `kinds`, and how many events were of it. `example` is masked."""

    template_id: str
    count: int
    label: str
    confidence: float
    stage: str
    app: str
    template: str
    example: str
    kinds: int = 1


class Tally:
    """What was seen so far.

    Attributes:
        lines: positions read. events: events they held. continuations: events that go on with the one before, which
            count to no kind and take its label. other: events of kinds beyond the bound.
        kinds: by key. templates: by id, once merged; a kind that merged with none is one.
        labels: label -> events. rejects: reason -> positions.
    """

    def __init__(self, most: int = MOST_KINDS) -> None:
        self._most = most
        self.lines = self.events = self.continuations = self.other = 0
        self.labels: Counter[str] = Counter()
        self.rejects: Counter[str] = Counter()
        self.kinds: dict[str, KindCount] = {}
        self.templates: dict[str, KindCount] | None = None

    @property
    def rejected(self) -> int:
        """Positions that held no event."""
        return self.rejects.total()

    @property
    def unknown_share(self) -> float:
        """Share of the events that nobody was sure about, 0 to 1."""
        return self.labels[UNKNOWN] / max(1, self.events)

    def add(self, labelled: Labelled) -> None:
        """Count a batch."""
        events = labelled.events
        self._meet(labelled.novel)
        reasons = events.column("reject_reason")
        event = reasons.is_null().to_numpy(zero_copy_only=False)
        goes_on = event & (events.column("ts_quality").indices.to_numpy() == _INHERITED)
        self.lines += int(np.count_nonzero(events.column("ordinal").to_numpy() == 0))
        self.events += int(np.count_nonzero(event))
        self.continuations += int(np.count_nonzero(goes_on))
        self.rejects.update(_counts(reasons, ~event))
        self.labels.update(_counts(events.column("label_at_ingest"), event))
        for key, n in _counts(events.column("key"), event & ~goes_on).items():
            if key in self.kinds:
                self.kinds[key].count += n
            else:
                self.other += n

    def top(self, limit: int | None, wanted: Callable[[KindCount], bool] = lambda _: True) -> list[KindCount]:
        """Give the kinds, or once merged the templates, with most events, most first; None: all of them."""
        counted = self.kinds if self.templates is None else self.templates
        chosen = (kind for kind in counted.values() if wanted(kind))
        return sorted(chosen, key=lambda kind: (-kind.count, kind.template_id))[:limit]

    def merge(self) -> None:
        """Put kinds that merge into one template together: no more come. What the loudest says holds of all."""
        from pipeline.merged import merged

        kinds = self.top(None)
        found = merged([Kind(one.template_id, one.app, one.template) for one in kinds])
        together: dict[str, KindCount] = {}
        for one in kinds:
            now = found.get(one.template_id)
            id_, text = (now.id, now.text) if now else (one.template_id, one.template)
            if id_ in together:
                mine = together[id_]
                mine.count, mine.kinds = mine.count + one.count, mine.kinds + 1
            else:
                together[id_] = replace(one, template_id=id_, template=text)
        self.templates = together

    def _meet(self, novel: pa.RecordBatch) -> None:
        """Take up kinds met for the first time, as long as there is room."""
        fields = ("template_id", "label", "confidence", "stage", "app", "template", "example")
        rows: Iterable[tuple[str, dict[str, object]]] = zip(
            novel.column("key").to_pylist(), novel.select(list(fields)).to_pylist(), strict=True
        )
        for key, row in rows:
            if len(self.kinds) >= self._most:
                return
            self.kinds.setdefault(key, KindCount(count=0, **row))  # type: ignore[arg-type]


def _counts(column: pa.DictionaryArray, rows: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> dict[str, int]:
    """Count the words of a column among some of its rows."""
    words = column.dictionary.to_pylist()
    if not words or not rows.any():
        return {}
    codes = column.indices.fill_null(len(words)).to_numpy()[rows]
    found = np.bincount(codes, minlength=len(words))
    return {words[i]: int(found[i]) for i in np.flatnonzero(found[: len(words)]).tolist()}
