"""Why a kind has its label: what became a hole, what each stage said, which labelled kinds are nearest."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import re2

from classifiers.cascade import NOBODY, has_word
from classifiers.neighbours import Neighbour, Neighbours
from classifiers.rules import Rule, Rules
from classifiers.tiny import Tiny
from clustering.templates import OTHER
from pipeline.job import Job
from pipeline.why_known import Held, Known, held
from pipeline.why_stages import Asked, asked
from schemas.registry import PERSON, RULE, Kind, Verdict
from schemas.taxonomy import UNKNOWN, taxonomy


@dataclass(frozen=True)
class Score:
    """A leaf with the probability that a stage gives it."""

    label: str
    probability: float
    definition: str


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
        template: text of the template that the kind is of, which is what dearer stages read.
        rule, known: None: no rule matches; no lake knows the kind.
        fits: what a kind that no lake knows takes over of a known template; None: it fits none.
        person: the label that it has from a person's word on its template; None: no person's word holds.
        tiny: what the model says by itself; None: it was not asked, since no constant word is in the template.
        scores, nearest: best first.
        cascade: what all stages say; None: none was asked, as with `tiny`.
    """

    kind: Kind
    template_id: str
    template: str
    label: str
    confidence: float
    decided_by: str
    definition: str
    floor: float
    rules: int | None
    rule: Matched | None
    known: Known | None
    fits: Verdict | None
    person: str | None
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
    found = held(job, kind)
    said = _said(tiny, kind)
    verdict = _holds(rule, rules, found, said, floor)
    leaf = taxonomy().leaves.get(verdict.label)
    return Why(
        kind=kind, template_id=found.template.id, template=found.template.text, label=verdict.label,
        confidence=verdict.confidence, decided_by=verdict.stage, definition=leaf.definition if leaf else "",
        floor=floor, rules=len(rules.rules) if rules else None, rule=rule, known=found.known, fits=found.fits,
        person=found.person, tiny=said, scores=_scores(tiny, kind, scores) if said else (),
        nearest=_nearest(job, kind, nearest), cascade=_asked(kind, found, job) if said else None,
    )  # fmt: skip


def _said(tiny: Tiny, kind: Kind) -> Verdict | None:
    """Give what the inline stage says of a kind, without the figures of all other labels."""
    said = tiny.classify([kind])[0] if has_word(kind.template) else None
    return replace(said, spread=None) if said else None


def _asked(kind: Kind, found: Held, job: Job) -> Asked | None:
    """Ask the cascade as learning does: about the template, not at all where a program takes no more kinds."""
    text = found.template.text
    return asked(replace(kind, template=text), job) if text != OTHER and has_word(text) else None


def _holds(rule: Matched | None, rules: Rules | None, found: Held, said: Verdict | None, floor: float) -> Verdict:
    """Give the verdict that holds: person, then rule, then what the lake remembers, then the model."""
    known = found.known
    if rule and rules and not (known and known.stage == PERSON):
        return Verdict(rule.label, 1.0, rules.name, rules.model)
    if known and not (rules and known.stage == RULE):  # else a rule that is no more has let go of it
        return Verdict(known.label, known.confidence, known.stage, known.model)
    if found.fits:
        return found.fits
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


def _scores(tiny: Tiny, kind: Kind, most: int) -> list[Score]:
    found = tiny.scores([kind])[0]
    best = np.argsort(-found, kind="stable")[:most].tolist()
    leaves = taxonomy().leaves
    return [Score(tiny.labels[i], float(found[i]), leaves[tiny.labels[i]].definition) for i in best]


def _nearest(job: Job, kind: Kind, most: int) -> list[Neighbour]:
    return Neighbours.load(job.model).nearest([kind], most)[0]
