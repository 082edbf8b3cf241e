"""What a lake knows of a kind: its row in the registry, else the known template that it fits, as labelling finds it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from clustering.templates import Template
from connectors.lake import Lake
from pipeline.job import Job
from pipeline.resolving import Resolver
from schemas.registry import PERSON, Kind, Verdict


@dataclass(frozen=True)
class Known:
    """What the lake's registry holds of a kind. `first_seen`: when the first line of it was logged."""

    label: str
    confidence: float
    stage: str
    model: str
    settled: bool
    first_seen: datetime
    source: str
    source_offset: int
    example: str


@dataclass(frozen=True)
class Held:
    """What is held of a kind.

    Attributes:
        template: which it is of; without a lake, and for a kind that fits none, it is one by itself.
        known: None: the registry does not know the kind.
        fits: what a new kind takes over of the known template that it fits; None: nothing.
        person: the label that the kind has from a person's word on its template; None: it has not.
    """

    template: Template
    known: Known | None = None
    fits: Verdict | None = None
    person: str | None = None


def held(job: Job, kind: Kind) -> Held:
    """Tell what a job's lake holds of a kind: by its key, else by the template that it fits."""
    alone = Template(kind.key, kind.app, kind.template)
    if job.lake is None:
        return Held(alone)
    kinds: pa.Table = Lake.open(job.lake).kinds()
    rows = _where(kinds, "key", kind.key)
    if rows:
        row = rows[0]
        one = Template(row["template_id"], row["app"], row["merged_text"] or row["template"])
        return Held(one, _known(row), None, _person(kinds, one, row["label"]))
    resolver = Resolver()
    resolver.refresh(kinds)
    fit = resolver.resolve([kind])[0]
    if fit is None:
        return Held(alone)
    return Held(fit.template, None, fit.verdict, _person(kinds, fit.template, fit.verdict.label))


def find(job: Job, name: str) -> dict[str, Any] | None:
    """Find a kind in the lake's registry by key or template id; None: no lake, or it knows none of that name.

    Of the kinds of a template it is one that a person labelled, else the one first seen.
    """
    if job.lake is None:
        return None
    kinds: pa.Table = Lake.open(job.lake).kinds()
    rows = _where(kinds, "key", name) or _where(kinds, "template_id", name)
    return min(rows, key=lambda row: (row["stage"] != PERSON, row["first_seen"], row["key"]), default=None)


def _where(kinds: pa.Table, column: str, value: str) -> list[dict[str, Any]]:
    return list(kinds.filter(pc.equal(kinds.column(column), value)).to_pylist())


def _known(row: Mapping[str, Any]) -> Known:
    return Known(**{name: row[name] for name in Known.__dataclass_fields__})


def _person(kinds: pa.Table, one: Template, label: str) -> str | None:
    """Give the label that holds, if a person gave it to any kind of the template."""
    said = (row["label"] for row in _where(kinds, "template_id", one.id) if row["stage"] == PERSON)
    return label if label in said else None
