"""Draw a cert set: kinds in a random order, over all templates, before any label of them is seen."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow.compute as pc

from classifiers.cascade import has_word
from clustering.templates import OTHER
from connectors.lake import Lake
from connectors.lake.certificates import Certificates, Row
from connectors.lake.erase_kinds import BLANK
from schemas.registry import PERSON, RULE, Kind

SIZE = 300
"""Kinds drawn at a time: as many give a first coarse certificate where the models are any good."""


@dataclass(frozen=True)
class Drawn:
    """A kind of a cert set. `label`: what a person says it is; None: nobody has said yet."""

    rank: int
    kind: Kind
    template_id: str
    label: str | None


class DrawError(Exception):
    """Nothing can be drawn."""


def population(lake: Lake) -> list[tuple[str, Kind]]:
    """Give all templates that may be drawn, by id, each by its first kind: no person or rule has spoken of any kind of
    it, it has a constant word, and it was not drawn before.
    """
    table = lake.kinds()
    spoken = _spoken(lake) | set(Certificates(lake.root).draws().column("key").to_pylist())
    first: dict[str, Row] = {}
    barred: set[str] = set()
    for row in table.select(
        ["key", "template_id", "app", "template", "merged_text", "first_seen", "stage"]
    ).to_pylist():
        id_, text = row["template_id"], row["merged_text"] or row["template"]
        if row["key"] in spoken or row["stage"] == RULE or text == OTHER or not has_word(text):
            barred.add(id_)
        best = first.get(id_)
        if best is None or (row["first_seen"], row["key"]) < (best["first_seen"], best["key"]):
            first[id_] = row
    return [(i, _kind(row)) for i, row in sorted(first.items()) if i not in barred]


def draw(lake: Lake, n: int, cert_set: str | None = None, *, seed: int | None = None) -> str:
    """Draw n kinds, or all there are; give the id of the cert set.

    Args:
        cert_set: an older one, which grows: its ranks go on. None: a new one.
        seed: of the random order; None: nobody knows it before.

    Raises:
        DrawError: there is nothing to draw from.
    """
    found = population(lake)
    if not found:
        raise DrawError(
            f"{lake.root}: no kind to draw that nobody has spoken of; read in more logs, then `dioptre learn`"
        )
    seed = secrets.randbits(62) if seed is None else seed
    order = np.random.default_rng(seed).permutation(len(found))[:n].tolist()
    cert_set, now = cert_set or secrets.token_hex(8), datetime.now(UTC)
    journal = Certificates(lake.root)
    begins = sum(1 for one in journal.draws().column("cert_set").to_pylist() if one == cert_set)
    apps = sorted({kind.app for _, kind in found})
    common = {"cert_set": cert_set, "inclusion": len(order) / len(found), "population": len(found)}
    common |= {"seed": seed, "drawn_at": now}
    rows = [
        common | {"rank": begins + place, "template_id": found[at][0], "apps": None if place else apps}
        | {"key": found[at][1].key, "app": found[at][1].app, "template": found[at][1].template}
        for place, at in enumerate(order)
    ]  # fmt: skip
    journal.note_draw(rows)
    return cert_set


def drawn(lake: Lake, cert_set: str) -> list[Drawn]:
    """Give the kinds of a cert set that are still in the lake, in their random order, with what people say of them.

    One whose template was erased is left out: no stage can be asked about it.
    """
    table = lake.kinds()
    rows = zip(*(table.column(name).to_pylist() for name in ("key", "stage", "label")), strict=True)
    said = {key: label if stage == PERSON else None for key, stage, label in rows}
    mine = (row for row in Certificates(lake.root).draws().to_pylist() if row["cert_set"] == cert_set)
    return [
        Drawn(row["rank"], _kind(row), row["template_id"], said[row["key"]])
        for row in sorted(mine, key=lambda row: row["rank"])
        if row["key"] in said and row["template"] != BLANK
    ]


def labelled(kinds: Iterable[Drawn]) -> list[Drawn]:
    """Give those before the first that nobody has labelled: so nobody chooses which labels count, by whatever queue
    they were given.
    """
    out: list[Drawn] = []
    for one in kinds:
        if one.label is None:
            break
        out.append(one)
    return out


def cert_sets(lake: Lake) -> list[str]:
    """Give all cert sets, oldest first."""
    return list(dict.fromkeys(Certificates(lake.root).draws().column("cert_set").to_pylist()))


def to_label(lake: Lake) -> list[Drawn]:
    """Give the kinds of the newest cert set that wait for a label, in the order in which they are to be labelled."""
    sets = cert_sets(lake)
    return [one for one in drawn(lake, sets[-1]) if one.label is None] if sets else []


def _spoken(lake: Lake) -> set[str]:
    """Give the keys of which a person ever said something."""
    rows = lake.history()
    return set(rows.filter(pc.equal(rows["stage"], PERSON))["key"].to_pylist())


def _kind(row: Row) -> Kind:
    return Kind(row["key"], row["app"], row.get("merged_text") or row["template"])
