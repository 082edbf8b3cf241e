"""Why a kind has its label: what became a hole, what each stage said, which labelled kinds are nearest."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import re2

from classifiers.cascade import NOBODY, has_word
from classifiers.neighbours import Neighbour, Neighbours
from classifiers.rules import Rule, Rules
from classifiers.tiny import Tiny
from clustering.registry import PERSON
from connectors.lake import Lake
from pipeline.job import Job
from pipeline.why_stages import Asked, asked
from schemas.registry import Kind, Verdict
from schemas.taxonomy import UNKNOWN, taxonomy


@dataclass(frozen=True)
class Score:
    """A leaf with the probability that a stage gives it."""

    label: str
    probability: float
    definition: str


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
class Matched:
    """The operator's rule that decides, and where it stands."""

    name: str
    label: str
    match: str
    file: str
    line: int


@dataclass(frozen=True)
class Why:
    """What was asked about a kind, and what came back; `label` is what holds, `decided_by` the stage that gave it.

    Attributes:
        definition: of the label.
        rule, known: None: no rule matches; no lake knows the kind.
        tiny: what the model says by itself; None: it was not asked, since no constant word is in the template.
        scores, nearest: best first.
        cascade: what all stages say; None: none was asked, as with `tiny`.
    """

    kind: Kind
    template_id: str
    label: str
    confidence: float
    decided_by: str
    definition: str
    floor: float
    rules: int | None
    rule: Matched | None
    known: Known | None
    tiny: Verdict | None
    scores: Sequence[Score]
    nearest: Sequence[Neighbour]
    cascade: Asked | None


def why(kind: Kind, job: Job, *, scores: int = 5, nearest: int = 5) -> Why:
    """Ask every stage about a kind, those too whose word does not count."""
    tiny = Tiny.load(job.model)
    floor = tiny.floor if job.floor is None else job.floor
    rules = Rules.load(job.rules) if job.rules else None
    rule = _matched(rules, kind, str(job.rules)) if rules else None
    row = find(job, kind.key)
    known = _known(row) if row else None
    said = _said(tiny, kind)
    verdict = _holds(rule, rules, known, said, floor)
    leaf = taxonomy().leaves.get(verdict.label)
    return Why(
        kind=kind, template_id=row["template_id"] if row else kind.key, label=verdict.label,
        confidence=verdict.confidence, decided_by=verdict.stage, definition=leaf.definition if leaf else "",
        floor=floor, rules=len(rules.rules) if rules else None, rule=rule, known=known, tiny=said,
        scores=_scores(tiny, kind, scores) if said else (), nearest=_nearest(job, kind, nearest),
        cascade=asked(kind, job) if said else None,
    )  # fmt: skip


def find(job: Job, name: str) -> dict[str, Any] | None:
    """Find a kind in the lake's registry by key or template id; None: no lake, or it knows none of that name."""
    if job.lake is None:
        return None
    kinds: pa.Table = Lake.open(job.lake).kinds()
    for column in ("key", "template_id"):
        rows = kinds.filter(pc.equal(kinds.column(column), name))
        if rows.num_rows:
            return dict(rows.slice(0, 1).to_pylist()[0])
    return None


def _said(tiny: Tiny, kind: Kind) -> Verdict | None:
    """Give what the inline stage says of a kind, without the figures of all other labels."""
    said = tiny.classify([kind])[0] if has_word(kind.template) else None
    return replace(said, spread=None) if said else None


def _holds(
    rule: Matched | None, rules: Rules | None, known: Known | None, said: Verdict | None, floor: float
) -> Verdict:
    """Give the verdict that holds: person, then rule, then what the lake remembers, then the model."""
    if known and known.stage == PERSON:
        return Verdict(known.label, known.confidence, PERSON, known.model)
    if rule and rules:
        return Verdict(rule.label, 1.0, rules.name, rules.model)
    if known:
        return Verdict(known.label, known.confidence, known.stage, known.model)
    if said is None or said.confidence < floor:
        return Verdict(UNKNOWN, said.confidence if said else 0.0, NOBODY, said.model if said else "")
    return said


def _matched(rules: Rules, kind: Kind, file: str) -> Matched | None:
    """Find the first rule that matches, as the rules stage does."""
    if rules.classify([kind])[0] is None:
        return None
    rule = next(rule for rule in rules.rules if _fits(rule, kind))
    return Matched(rule.name, rule.label, rule.match, file, rule.line)


def _fits(rule: Rule, kind: Kind) -> bool:
    return bool(re2.search(rule.match, kind.template)) and (rule.app is None or bool(re2.search(rule.app, kind.app)))


def _known(row: dict[str, Any]) -> Known:
    return Known(**{name: row[name] for name in Known.__dataclass_fields__})


def _scores(tiny: Tiny, kind: Kind, most: int) -> list[Score]:
    found = tiny.scores([kind])[0]
    best = np.argsort(-found, kind="stable")[:most].tolist()
    leaves = taxonomy().leaves
    return [Score(tiny.labels[i], float(found[i]), leaves[tiny.labels[i]].definition) for i in best]


def _nearest(job: Job, kind: Kind, most: int) -> list[Neighbour]:
    return Neighbours.load(job.model).nearest([kind], most)[0]
