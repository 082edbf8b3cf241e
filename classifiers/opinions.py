"""What one stage thinks of kinds, in numbers: its answer at each depth, and how sure it is to be right."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from classifiers.exits import DOMAIN_OF, DOMAINS, F64, I64, LEAVES, ExitScore, domains, evidence, lead, nearest
from classifiers.near import Near
from classifiers.stage import Model, Stage
from classifiers.verify import checked, words
from schemas.policy import DEPTHS, DOMAIN, LEAF
from schemas.registry import Kind, Verdict
from schemas.taxonomy import UNKNOWN

_LEAF_AT = {leaf: i for i, leaf in enumerate(LEAVES)}
_DIGITS = 4
NONE = -1
"""The index of no answer."""


@dataclass(frozen=True)
class Opinion:
    """Of n kinds.

    Attributes:
        answer: by depth, (n,) index into the taxonomy's leaves or domains; NONE: no opinion, or `unknown`.
        q: by depth, (n,) in [0, 1]; 0 where there is no opinion.
        inside: (n,) the likeliest leaf of the likeliest domain. sure: (n,) how likely that leaf is right.
        model: (n,) which model spoke; "": none did.
    """

    answer: Mapping[str, I64]
    q: Mapping[str, F64]
    inside: I64
    sure: F64
    model: Sequence[str]

    def verdict(self, i: int, depth: str, stage: str, cert_id: str | None = None) -> Verdict:
        """Give the verdict on a kind at a depth; its confidence is that of the leaf, whatever the depth."""
        at, sure = (self.inside[i], self.sure[i]) if depth == DOMAIN else (self.answer[LEAF][i], self.q[LEAF][i])
        label = LEAVES[at] if at != NONE else UNKNOWN
        return Verdict(label, round(float(sure), _DIGITS), stage, self.model[i], cert_id=cert_id)


@dataclass(frozen=True)
class Seen:
    """What is seen of n kinds, whatever the stage.

    `cosines`: by depth, (n, classes), to the nearest labelled kind of each. `words`: (n,) constant words.
    """

    cosines: Mapping[str, F64]
    words: F64

    @staticmethod
    def of(cosines: F64, words: F64) -> "Seen":
        """Take cosines by leaf."""
        return Seen({LEAF: cosines, DOMAIN: nearest(cosines)}, words)

    def take(self, rows: Sequence[int]) -> "Seen":
        """Give some of the kinds, in the order asked for."""
        return Seen({depth: found[rows] for depth, found in self.cosines.items()}, self.words[rows])


class Judge:
    """Turns what stages say into opinions.

    Args:
        stages: in the order asked. score, near: without them a stage's own confidence counts.
    """

    def __init__(self, stages: Sequence[Stage], score: ExitScore | None, near: Near | None) -> None:
        self._score, self._near = score, near
        models = [(stage.name, stage.model) for stage in stages if isinstance(stage, Model)] if score else []
        self.scored = score.fitting(models, near.model) if score and near else frozenset()

    def seen(self, kinds: Sequence[Kind]) -> "Seen":
        """Give what is told of kinds whatever the stage."""
        if not self.scored or self._near is None:
            return Seen.of(np.zeros((len(kinds), len(LEAVES))), np.zeros(len(kinds)))
        counts = np.array([float(len(words(kind.template))) for kind in kinds])
        return Seen.of(self._near.cosines(kinds), counts)

    def opinion(self, stage: Stage, kinds: Sequence[Kind], seen: "Seen", before: Mapping[str, I64] | None) -> Opinion:
        """Ask a stage.

        Args:
            seen: as the method of that name gives it. before: by depth, (n,) what the scored stage before answered.

        Raises:
            ValueError: the stage gave a label outside the taxonomy, or not one answer a kind.
        """
        if stage.name not in self.scored:
            return _told(checked(stage, kinds, stage.classify(kinds)))
        model = cast(Model, stage)
        p = spread(model, kinds)
        return self._weighed(model, p, seen, before)

    def _weighed(self, stage: Model, p: F64, seen: "Seen", before: Mapping[str, I64] | None) -> Opinion:
        """Weigh probabilities; a row that is no numbers is no answer."""
        assert self._score is not None
        spoke = np.asarray(np.isfinite(p).all(1), np.bool_)
        p = np.where(spoke[:, None], p, 0.0)
        by_depth = {LEAF: p, DOMAIN: domains(p)}
        answer = {d: by_depth[d].argmax(1).astype(np.int64) for d in DEPTHS}
        q = {}
        for d in DEPTHS:
            agrees = answer[d] == before[d] if before is not None else np.zeros(len(p))
            near = lead(seen.cosines[d], answer[d])
            q[d] = self._score.q(stage.name, d, evidence(by_depth[d], near, agrees, seen.words))
        inside = np.where(DOMAIN_OF[None, :] == answer[DOMAIN][:, None], p, -1.0).argmax(1)
        own = p[np.arange(len(p)), inside] if len(p) else np.zeros(0)
        sure = np.where(inside == answer[LEAF], q[LEAF], own)
        answer = {d: np.where(spoke, answer[d], NONE) for d in DEPTHS}
        q = {d: np.where(spoke, q[d], 0.0) for d in DEPTHS}
        return Opinion(answer, q, inside, sure, [stage.model if one else "" for one in spoke])


def spread(stage: Model, kinds: Sequence[Kind]) -> F64:
    """Give a model's probabilities (n, leaves), columns in the order of the taxonomy, 0 for leaves it does not know."""
    found = np.asarray(stage.scores(kinds), np.float64)
    if stage.labels == LEAVES:
        return found
    out = np.zeros((len(kinds), len(LEAVES)))
    out[:, [_LEAF_AT[label] for label in stage.labels]] = found
    return out


def _told(answers: Sequence[Verdict | None]) -> Opinion:
    """Take verdicts at their word; a leaf that is right has a domain that is right, so one confidence does for both."""
    leaf = np.array([NONE if v is None else _LEAF_AT.get(v.label, NONE) for v in answers], np.int64)
    q = np.array([v.confidence if v is not None and v.label != UNKNOWN else 0.0 for v in answers], np.float64)
    domain = np.where(leaf == NONE, NONE, DOMAIN_OF[leaf])
    model = ["" if v is None else v.model for v in answers]
    return Opinion({LEAF: leaf, DOMAIN: domain}, {LEAF: q, DOMAIN: q}, leaf, q, model)


def domain_name(at: int) -> str:
    """Give the name of a domain by its index; "" for none."""
    return "" if at == NONE else DOMAINS[at]
