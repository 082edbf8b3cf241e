"""Templates of an input that ends: once all its kinds were met, each row is told the template its kind merged into."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from clustering.templates import OTHER, Template, Templates
from pipeline.curate_templates import orders_of
from schemas.events import WORD
from schemas.registry import KINDS, Kind

MOST_KINDS = 500_000
"""Kinds merged; what comes after keeps its key for a template."""


def merged(kinds: Sequence[Kind], known: pa.Table | None = None) -> dict[str, Template]:
    """Give the templates of kinds by key, where they are others than the kinds themselves.

    Args:
        known: kinds of a lake (KINDS), which take part, with what people want of templates there.
    """
    table = KINDS.empty_table() if known is None else known
    rows = table.select(["key", "app", "template"]).to_pylist()
    templates = Templates(orders=orders_of(table)).merge([*(Kind(**row) for row in rows), *kinds])
    found = zip(kinds, templates.resolve(kinds), strict=True)
    return {kind.key: one for kind, one in found if one and one.text != OTHER and one.id != kind.key}


class Merging:
    """Takes in the kinds of an input, then renames its rows.

    Args:
        known: kinds of a lake (KINDS), whose templates stay as they are.
    """

    def __init__(self, known: pa.Table) -> None:
        self._known = known
        self._kinds: dict[str, Kind] = {}
        self.templates: Mapping[str, Template] = {}

    def __iter__(self) -> Iterator[Template]:
        """Give the kinds that were met as templates of their own, and those that they merged into."""
        yield from (Template(kind.key, kind.app, kind.template) for kind in self._kinds.values())
        yield from self.templates.values()

    def meet(self, novel: pa.RecordBatch) -> None:
        """Take in kinds that were met for the first time (KINDS)."""
        rows: Iterable[dict[str, str]] = novel.select(["key", "app", "template"]).to_pylist()
        for row in rows:
            if len(self._kinds) < MOST_KINDS:
                self._kinds.setdefault(row["key"], Kind(**row))

    def finish(self) -> None:
        """Merge: no more kinds come."""
        self.templates = merged(list(self._kinds.values()), self._known)

    def renamed(self, events: pa.RecordBatch) -> pa.RecordBatch:
        """Give LABELLED rows with the ids of the templates that their kinds merged into."""
        column = events.column("template_id")
        ids = column.dictionary.to_pylist()
        now = [self.templates[id_].id if id_ in self.templates else id_ for id_ in ids]
        if now == ids:
            return events
        at = events.schema.get_field_index("template_id")
        words = pa.array(now, column.type.value_type)
        renamed = pc.dictionary_encode(pa.DictionaryArray.from_arrays(column.indices, words).cast(pa.string()))
        return events.set_column(at, events.schema.field(at), renamed.cast(WORD))
