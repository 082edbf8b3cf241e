"""Undo: what a person changed last goes back to what held before, exactly, with whoever took it over; nothing else."""

from collections import defaultdict

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clustering.registry import Place, place
from connectors.lake import Lake
from connectors.lake.folding import folded
from pipeline.curate import Done, named, publish, rows_of
from pipeline.curate_find import CurateError, Row, keys_of
from pipeline.learn_state import FITS
from pipeline.resolving import CLUSTER, inherited
from schemas.registry import COPIES, INLINE, LEARN, ORDER, PERSON, UNDO, Verdict
from schemas.taxonomy import UNKNOWN

_LABEL = ("label", "confidence", "stage", "model", "settled", "cert_id")
_TEMPLATE = ("template_id", "merged_text")
_NOT_KNOWN = {"label": UNKNOWN, "confidence": 0.0, "stage": "none", "model": "", "settled": False, "cert_id": None}


def undo(lake: Lake, told: str | None, *, by: str, dry_run: bool = False) -> Done:
    """Undo the last change of a person that was not undone yet; of the whole lake, or of a template.

    All kinds that the change was about go back, in what it changed: the label with all that belongs to it, the
    template, the orders. Kinds that were met later and took the label over from their template follow at once; what
    machines said later of the rest stays.

    Raises:
        CurateError: there is nothing to undo, or no such template.
    """
    named(by)

    def make(kinds: pa.Table) -> list[Row]:
        history = lake.history()
        last = _last_changes(history, keys_of(lake, kinds, told) if told else None)
        if not last:
            raise CurateError(f"{told or lake.root}: nothing to undo; `dioptre labels history` shows what was said")
        sequence = max(last.values())
        keys = [key for key, at in _last_changes(history, None).items() if at == sequence]
        back = _restored(history, rows_of(kinds, keys), sequence, by)
        return back + _followers(kinds, back)

    return publish(lake, make, dry_run=dry_run)


def _last_changes(history: pa.Table, keys: list[str] | None) -> dict[str, int]:
    """Give for each key the sequence of the last change by a person that was not undone."""
    if keys is not None:
        history = history.filter(pc.is_in(history["key"], value_set=pa.array(keys, pa.string())))
    by_machine = pc.is_in(history["set_by"], value_set=pa.array([*COPIES, INLINE, None], pa.string()))
    repeats = pc.is_in(history["set_by"], value_set=pa.array(sorted(COPIES)))
    by_person = pc.or_(pc.invert(by_machine), pc.and_(pc.equal(history["stage"], PERSON), pc.invert(repeats)))
    said = history.filter(pc.and_(by_person, pc.greater(history["_rank"], 0))).select(["key", "set_by", "_rank"])
    undone: defaultdict[str, int] = defaultdict(int)
    last: dict[str, int] = {}
    for row in said.to_pylist():  # newest first
        key = row["key"]
        if key in last:
            continue
        if row["set_by"] == UNDO:
            undone[key] += 1
        elif undone[key]:
            undone[key] -= 1
        else:
            last[key] = row["_rank"]
    return last


def _restored(history: pa.Table, now: list[Row], sequence: int, by: str) -> list[Row]:
    """Make the rows that take a change back."""
    keys = pa.array([row["key"] for row in now], pa.string())
    mine = history.filter(pc.is_in(history["key"], value_set=keys))
    ranks = mine["_rank"].to_numpy()
    before = {row["key"]: row for row in folded(mine.filter(pa.array(ranks < sequence))).to_pylist()}
    change = {row["key"]: row for row in mine.filter(pa.array(np.equal(ranks, sequence))).to_pylist()}
    return [_back(row, before.get(row["key"]), change[row["key"]], by) for row in now]


def _back(now: Row, before: Row | None, change: Row, by: str) -> Row:
    """Make the row that takes a change of one kind back, in the columns that it changed."""
    old = before or change | _NOT_KNOWN | {"ordered": None, "muted": True}
    why = f"{by} takes back what {change['set_by'] or 'somebody'} said" + f": {change['reason']}" * bool(
        change["reason"]
    )
    out = now | {"set_by": UNDO, "reason": why, "ordered": None, "muted": None}
    if change["stage"] == ORDER:
        out["stage"] = ORDER
    else:
        out |= {name: old[name] for name in _LABEL}
    if any(change[name] != old[name] for name in _TEMPLATE):
        out |= {name: old[name] for name in _TEMPLATE}
    if change["ordered"] is not None:
        out["ordered"] = old["ordered"] or ""
    if change["muted"] is not None or before is None:
        out["muted"] = bool(old["muted"])
    return out


def _followers(kinds: pa.Table, back: list[Row]) -> list[Row]:
    """Make the rows of kinds that took over from their template a label taken back: now that of the others holds."""
    after = {row["key"]: row for row in back if row["stage"] != ORDER}
    orders = {row["key"] for row in back} - after.keys()  # they get a row already; learning reopens them
    said = {(row["template_id"], row["label"]) for row in rows_of(kinds, after)}
    ids = pa.array(sorted({id_ for id_, _ in said}), pa.string())
    heirs: list[Row] = []
    like: dict[str, Row] = {}
    for known in kinds.filter(pc.is_in(kinds["template_id"], value_set=ids)).to_pylist():
        row = after.get(known["key"], known)
        if row is known and (row["template_id"], row["label"]) in said and _took_over(row):
            heirs += [row] if row["key"] not in orders else []
        else:
            like[row["template_id"]] = min(like.get(row["template_id"], row), row, key=_place)
    made = [(row, _follow(row, like[row["template_id"]])) for row in heirs if row["template_id"] in like]
    return [now for old, now in made if any(now[name] != old[name] for name in ("label", "stage"))]


def _took_over(row: Row) -> bool:
    """Say whether a kind has a label from its template: inline, by learning, or since an undo again."""
    return bool(row["stage"] == CLUSTER and (row["set_by"] != LEARN or row["reason"] == FITS))


def _place(row: Row) -> tuple[bool, Place]:
    """Order the kinds of a template by whose label the others take over; one that waits for a label comes last."""
    return not row["settled"], place(Verdict(*(row[name] for name in _LABEL)), row["key"], heir=False)


def _follow(row: Row, like: Row) -> Row:
    """Make the row that learning would make of a kind whose template is labelled like another of its kinds.

    If that is not settled, the kind is as if it had only been met, so that learning asks about it.
    """
    verdict = inherited(Verdict(*(like[name] for name in _LABEL)))
    told = {name: getattr(verdict, name) for name in _LABEL} | {"settled": like["settled"]}
    who = {"set_by": LEARN, "reason": FITS} if like["settled"] else {"set_by": INLINE, "reason": None}
    return row | told | who | {"cluster_id": like["cluster_id"], "ordered": None, "muted": None}
