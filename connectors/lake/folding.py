"""The fold of all that was ever said of kinds: what holds of each now.

Of all rows of a key, by sequence, novel before all:

- key, template, app, example, where it was first seen: of the latest row.
- template_id and merged_text: of the latest row; cluster_id: of the latest that tells it; ordered and muted: of the
  latest that tells them and is no machine's.
- label, confidence, stage, model, settled, cert_id, and who set them, when and why: of the latest row of a person or of
  an undo, if that is a person's label; else of the latest row. So a person's label holds until a person changes it,
  and an undo goes back to what held before. A person's label that a machine repeats is not a person's word, and a
  row that tells an order (stage `order`) tells no label.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.registry import COPIES, KINDS, ORDER, PERSON, UNDO

RANKED = KINDS.append(pa.field("_rank", pa.int64()))
"""KINDS, and the sequence of the registry file that a row stands in; 0: novel."""

VERDICT = ("label", "confidence", "stage", "model", "settled", "cert_id", "set_by", "reason", "set_at")
"""The columns of the row that wins."""

_ORDERS = ("ordered", "muted")
_ORDER = [("key", "ascending"), ("_rank", "descending")] + [
    (name, "ascending") for name in ("first_seen", "source", "source_offset", "template_id", "label", "model")
]
Rows = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


def sorted_rows(ranked: pa.Table) -> pa.Table:
    """Order rows by key, then newest first, whatever order they came in; of novel keep the first seen of each key."""
    ordered: Any = ranked.combine_chunks().sort_by(_ORDER)
    ranks = ordered.column("_rank").to_numpy()
    noted = ranks == 0
    return ordered.filter(pa.array(~(noted & ~_begins(ordered, noted)))) if noted.any() else ordered


def folded(rows: pa.Table) -> pa.Table:
    """Fold rows as `sorted_rows` orders them: one row a key, ordered by key."""
    starts = np.flatnonzero(_begins(rows))
    if len(starts) == rows.num_rows:
        return rows.drop_columns(["_rank"])
    won, out = _winners(rows, starts), rows.take(starts)
    columns = {name: out[name] for name in KINDS.names} | {name: rows[name].take(won) for name in VERDICT}
    for name in ("cluster_id", *_ORDERS):
        told = _flags(rows[name].is_valid())
        told &= ~_flags(_copies(rows)) if name in _ORDERS else True
        columns[name] = _or_null(rows[name].take(_first(told, starts)), told[_first(told, starts)])
    return pa.table([columns[name] for name in KINDS.names], schema=KINDS)


def words_of_people(rows: pa.Table) -> tuple[Flags, Flags]:
    """Say which rows decide (a person's, or an undo), and which count: all but a machine's repetition of a person."""
    by_person = pc.equal(rows["stage"], PERSON)
    counts = pc.invert(pc.or_(pc.and_(by_person, _copies(rows)), pc.equal(rows["stage"], ORDER)))
    decides = pc.and_(pc.or_(by_person, pc.fill_null(pc.equal(rows["set_by"], UNDO), False)), counts)
    return _flags(decides), _flags(counts)


def _copies(rows: pa.Table) -> Any:
    return pc.is_in(rows["set_by"], value_set=pa.array(sorted(COPIES)))


def _or_null(values: Any, told: Flags) -> Any:
    """Give the values that are told, null for the others."""
    return pc.if_else(pa.array(told), values.combine_chunks(), pa.scalar(None, values.type))


def _winners(rows: pa.Table, starts: Rows) -> Rows:
    """Find the row of each key whose verdict holds."""
    decides, counts = words_of_people(rows)
    by_person = _flags(pc.equal(rows["stage"], PERSON))
    decided = _first(decides, starts)
    return np.where(decides[decided] & by_person[decided], decided, _first(counts, starts))


def _first(flags: Flags, starts: Rows) -> Rows:
    """Find the newest row of each key that is flagged; the newest of all if none is."""
    never = len(flags)
    found = np.minimum.reduceat(np.where(flags, np.arange(len(flags)), never), starts)
    return np.where(found == never, starts, found)


def _begins(rows: pa.Table, among: Flags | None = None) -> Flags:
    """Flag the first row of each key, or of each key among some rows."""
    keys = rows.column("key").combine_chunks()
    if rows.num_rows == 0:
        return np.zeros(0, np.bool_)
    same = _flags(pc.equal(keys.slice(1), keys.slice(0, len(keys) - 1)))
    if among is not None:
        same = same & among[:-1]
    return np.concatenate([[True], ~same])


def _flags(told: Any) -> Flags:
    """Give a column of booleans without nulls as an array."""
    told = told.combine_chunks() if isinstance(told, pa.ChunkedArray) else told
    return np.asarray(told.to_numpy(zero_copy_only=False), np.bool_)
