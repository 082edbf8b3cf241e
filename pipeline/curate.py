"""What people say of kinds: rows of the registry, made from what holds now, published unless somebody was faster."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from classifiers.cascade import not_a_label
from clustering.templates import OTHER
from connectors.lake import Lake
from pipeline.curate_find import CurateError, Row, keys_of
from schemas.registry import COPIES, INLINE, KINDS, ORDER, PERSON, UNDO
from schemas.taxonomy import UNKNOWN, taxonomy

MACHINES = COPIES | {INLINE, UNDO}
"""Names that no person may go by: they say who else wrote a row."""

_NOTHING: Row = dict.fromkeys(KINDS.names)

TRIES = 20
"""Times that rows are made anew because somebody published meanwhile."""


@dataclass(frozen=True)
class Change:
    """What was changed of one kind.

    Attributes:
        before, after: (template id, label, muted); `before` has None where the kind was not known.
    """

    key: str
    app: str
    template: str
    before: tuple[str | None, str | None, bool]
    after: tuple[str, str, bool]


@dataclass(frozen=True)
class Done:
    """What was done. `sequence`: of the registry file; None: nothing was written. `notes`: what people should know."""

    sequence: int | None
    changes: list[Change]
    notes: list[str] = field(default_factory=list)


Make = Callable[[pa.Table], list[Row]]
"""Makes the rows to publish from the fold."""


def publish(lake: Lake, make: Make, *, dry_run: bool = False) -> Done:
    """Publish what `make` makes of the kinds as they are; if somebody else publishes meanwhile, it is made anew.

    Raises:
        CurateError: whatever `make` refuses, a person's label for `<other>`, or others publish all the time.
        LakeError: the lake cannot be written.
    """
    for _ in range(TRIES):
        sequence = lake.registry_stamp()[0]
        kinds = lake.kinds()
        rows = [_NOTHING | row for row in make(kinds)]
        _reaching(rows)
        changes = _changes(kinds, rows)
        if dry_run or not rows:
            return Done(None, changes)
        written = lake.publish_after(sequence, pa.Table.from_pylist(rows, KINDS))
        if written is not None:
            return Done(written, changes)
    raise CurateError(f"{lake.root}: others publish all the time; try again when it is quieter")


def set_label(lake: Lake, told: str, label: str, *, by: str, reason: str, dry_run: bool = False) -> Done:
    """Label all kinds of a template as a person; rows that say so already are left as they are.

    Raises:
        CurateError: an unknown label, name, or template.
    """
    known_label(label)
    named(by)

    def make(kinds: pa.Table) -> list[Row]:
        rows = rows_of(kinds, keys_of(lake, kinds, told))
        return [labelled(row, label, by, reason) for row in rows if (row["label"], row["stage"]) != (label, PERSON)]

    return publish(lake, make, dry_run=dry_run)


def labelled(row: Row, label: str, by: str, reason: str | None) -> Row:
    """Give the row of a kind with a person's label."""
    said = {"label": label, "confidence": 1.0, "stage": PERSON, "model": "", "settled": True, "cert_id": None}
    return row | said | {"set_by": by, "reason": reason, "ordered": None, "muted": None}


def ordered(row: Row, by: str, reason: str | None, **what: Any) -> Row:
    """Give the row of a kind with an order: other columns of its template, `ordered` or `muted`."""
    return row | {"stage": ORDER, "set_by": by, "reason": reason, "ordered": None, "muted": None} | what


def rows_of(kinds: pa.Table, keys: Iterable[str]) -> list[Row]:
    """Give the rows of keys, in the order of the table."""
    chosen = kinds.filter(pc.is_in(kinds["key"], value_set=pa.array(list(keys), pa.string())))
    return list(chosen.to_pylist())


def known_label(label: str) -> None:
    """Refuse what is no label.

    Raises:
        CurateError: it is none; the message names the nearest.
    """
    if label not in taxonomy().leaves and label != UNKNOWN:
        raise CurateError(not_a_label(label))


def named(by: str) -> None:
    """Refuse a name that machines go by.

    Raises:
        CurateError: it is one, or empty.
    """
    if not by.strip() or by in MACHINES:
        raise CurateError(
            f"--by {by!r}: not the name of a person; {', '.join(sorted(MACHINES))} are what machines go by"
        )


def _reaching(rows: list[Row]) -> None:
    """Refuse a person's label for what stands for many kinds: their events have keys that no row of kinds has."""
    for row in rows:
        if row["template"] == OTHER and row["stage"] == PERSON and row["set_by"] not in MACHINES:
            raise CurateError(
                f"{OTHER} of {row['app'] or '(none)'}: its kinds came when there was no room to tell them apart; "
                "a label reaches none of their events; a rule (`--rules`) labels those that are still to come"
            )


def _changes(kinds: pa.Table, rows: list[Row]) -> list[Change]:
    """Say what rows change of the fold."""
    known = {row["key"]: row for row in rows_of(kinds, [row["key"] for row in rows])}
    out = []
    for row in rows:
        old = known.get(row["key"])
        before = (old["template_id"], old["label"], bool(old["muted"])) if old else (None, None, False)
        muted = before[2] if row["muted"] is None else row["muted"]
        after = (row["template_id"], row["label"], muted)
        out.append(Change(row["key"], row["app"], row["merged_text"] or row["template"], before, after))
    return out
