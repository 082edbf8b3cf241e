"""Which kinds a person should label next: doubt x volume, with random audits among them; or those of a cert set."""

import hashlib
import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from classifiers.cascade import has_word
from clustering.templates import OTHER
from connectors.lake import Lake
from pipeline.certify_draw import cert_sets, drawn, labelled
from pipeline.curate import Done, known_label, named, publish, rows_of
from pipeline.curate import labelled as with_label
from pipeline.curate_find import CurateError, Row
from schemas.policy import TIERS
from schemas.registry import PERSON, RULE, Kind

QUEUE, AUDIT, CERT = "queue", "audit", "cert"
"""Why a kind was put before a person. Labels of `queue` were chosen by what models were unsure of: they may train, and
never certify. `audit`: drawn at random, with a chance that is kept. `cert`: drawn by `dioptre certify`."""

RATE = 0.1
"""Chance of each kind to be an audit."""

EVERY = 5
"""Each fifth kind put before a person is an audit, as long as there are any."""

DELTA = 0.05


@dataclass(frozen=True)
class Item:
    """A kind to be labelled.

    Attributes:
        kind: the text and program of its template, under the key of its first kind.
        why: queue, audit or cert. inclusion: the chance it had to be chosen at random; None: it was not.
        events: of its template. doubt: 1 - confidence of the label that holds now.
    """

    template_id: str
    kind: Kind
    why: str
    inclusion: float | None
    events: int
    doubt: float
    row: Row

    @property
    def blind(self) -> bool:
        """Whether what models think is to be told without its order and numbers, lest it lead the answer."""
        return self.why != QUEUE


def queue(lake: Lake, volumes: Mapping[str, int]) -> list[Item]:
    """Give the templates that nobody labelled, the most worth first, each fifth an audit.

    Kinds of a cert set are left out: their labels belong to certificates.

    Args:
        volumes: events by template id.
    """
    held = {one.kind.key for name in cert_sets(lake) for one in drawn(lake, name)}
    templates = _open_templates(lake, held)
    total = len(templates)
    items = [_item(row, volumes) for row in templates]
    audits = sorted((i for i in items if _chance(i.template_id) < RATE), key=lambda i: _chance(i.template_id))
    chosen = {i.template_id for i in audits} if total else set()
    rest = [i for i in items if i.template_id not in chosen]
    rest.sort(key=lambda i: (-i.doubt * max(1, i.events), i.template_id))
    return _mixed(rest, [_as(i, AUDIT, RATE) for i in audits])


def cert_queue(lake: Lake, volumes: Mapping[str, int]) -> list[Item]:
    """Give the kinds of the newest cert set that have no label yet, in the order in which they count.

    Raises:
        CurateError: nothing was drawn.
    """
    sets = cert_sets(lake)
    if not sets:
        raise CurateError(f"{lake.root}: no kinds are drawn; `dioptre certify --draw 300` draws them, then review them")
    rows = {row["key"]: row for row in lake.kinds().to_pylist()}
    waiting = [one for one in drawn(lake, sets[-1]) if one.label is None]
    found = []
    for one in waiting:
        row = rows[one.kind.key]
        item = _item(row | {"merged_text": one.kind.template}, volumes)
        found.append(_as(item, CERT, None))
    return found


def progress(lake: Lake) -> dict[str, Any]:
    """Say how far labels are from a first certificate: `needed` more in the order of the draw, at the very least.

    It takes twice as many answered kinds as prove the coarse tier without an error (the walk starts there).
    """
    sets = cert_sets(lake)
    kinds = drawn(lake, sets[-1]) if sets else []
    done = len(labelled(kinds))
    least = 2 * math.ceil(math.log(DELTA) / math.log(TIERS["coarse"].p))
    share = _answered_share(lake)
    wanted = math.ceil(least / max(share, 0.05))
    return {
        "cert_set": sets[-1] if sets else None, "drawn": len(kinds), "labelled": done, "tier": "coarse",
        "least": least, "answered_share": round(share, 3), "needed": max(0, wanted - done),
    }  # fmt: skip


def answer(lake: Lake, item: Item, label: str, *, by: str) -> Done:
    """Label all kinds of an item's template as a person; the reason keeps why it was asked, and with what chance.

    Raises:
        CurateError: an unknown label or name.
    """
    return answer_all(lake, {item.template_id: label}, {item.template_id: item}, by=by)


def answer_all(
    lake: Lake, answers: Mapping[str, str], items: Mapping[str, Item], *, by: str, dry_run: bool = False
) -> Done:
    """Label several templates at once, as one change, which one undo takes back; by template id.

    Raises:
        CurateError: an unknown label, name or template; nothing is labelled then.
    """
    named(by)
    for label in answers.values():
        known_label(label)
    if strange := [id_ for id_ in answers if id_ not in items]:
        raise CurateError(
            f"{strange[0]}: not a template that waits for a label here; `dioptre review --json` lists them"
        )

    def make(kinds: pa.Table) -> list[Row]:
        mine = {items[id_].row["key"]: id_ for id_ in answers}
        now = {row["template_id"]: mine[row["key"]] for row in rows_of(kinds, mine)}
        those = kinds.filter(pc.is_in(kinds["template_id"], value_set=pa.array(list(now), pa.string()))).to_pylist()
        asked = ((row, now[row["template_id"]]) for row in those)
        return [with_label(row, answers[id_], by, reason_of(items[id_])) for row, id_ in asked]

    return publish(lake, make, dry_run=dry_run)


def reason_of(item: Item) -> str:
    """Write what is kept with a label: why the kind was asked about, and the chance it had."""
    return f"review: {item.why}" + (f", inclusion {item.inclusion:g}" if item.inclusion is not None else "")


def _open_templates(lake: Lake, held: set[str]) -> list[Row]:
    """Give one row a template of which neither a person nor a rule has spoken, its first kind's."""
    first: dict[str, Row] = {}
    barred: set[str] = set()
    for row in lake.kinds().to_pylist():
        id_, text = row["template_id"], row["merged_text"] or row["template"]
        if row["stage"] in (PERSON, RULE) or row["key"] in held or text == OTHER or row["muted"] or not has_word(text):
            barred.add(id_)
        if id_ not in first or (row["first_seen"], row["key"]) < (first[id_]["first_seen"], first[id_]["key"]):
            first[id_] = row
    return [row for id_, row in sorted(first.items()) if id_ not in barred]


def _item(row: Row, volumes: Mapping[str, int]) -> Item:
    kind = Kind(row["key"], row["app"], row["merged_text"] or row["template"])
    doubt = 1.0 - float(row["confidence"])
    return Item(row["template_id"], kind, QUEUE, None, volumes.get(row["template_id"], 0), doubt, row)


def _as(item: Item, why: str, inclusion: float | None) -> Item:
    return Item(item.template_id, item.kind, why, inclusion, item.events, item.doubt, item.row)


def _chance(template_id: str) -> float:
    """Give a number in [0, 1) that is a template's own, and has nothing to do with what it says."""
    return int.from_bytes(hashlib.sha256(f"audit {template_id}".encode()).digest()[:8], "big") / 2**64


def _mixed(rest: Sequence[Item], audits: Sequence[Item]) -> list[Item]:
    """Put each fifth an audit."""
    out: list[Item] = []
    left, drawn_ = deque(rest), deque(audits)
    while left or drawn_:
        turn = drawn_ and (len(out) % EVERY == EVERY - 1 or not left)
        out.append((drawn_ if turn else left).popleft())
    return out


def _answered_share(lake: Lake) -> float:
    """Give the share of kinds that machines answered: so many of those labelled count for a certificate."""
    stages = [s for s in lake.kinds().column("stage").to_pylist() if s not in (PERSON, RULE)]
    return sum(s != "none" for s in stages) / len(stages) if stages else 0.0
