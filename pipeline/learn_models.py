"""The stages that learning asks: tiny, then large about what is left, then a server if there is one."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import cast

import numpy as np
import numpy.typing as npt

from classifiers.cascade import Cascade
from classifiers.exits import ExitScore
from classifiers.near import Near
from classifiers.stage import Deferring, Model, Stage
from schemas.policy import DEPTHS, Policy
from schemas.registry import Kind, Verdict

EXIT = 0.7
"""Confidence from which on a stage that has no exit score answers alone, uncertified: nobody has proved a precision for
it. On programs of the test split, 92 % of tiny's answers above are right; 64 % of kinds get one."""

Tuned = Mapping[str, Mapping[str, float]]


class Models:
    """The stages, and the policy by which they exit.

    Args:
        stages: in order of cost; the first is the inline one: what it said of a kind when that was met is not asked
            again.
        floor: least confidence of an answer of the last stage.
        score, near: what exits are decided with; None: a stage's own confidence.
        policy: gives the policy that holds now, from the thresholds found on `tune`; None: these, uncertified.
        sure: confidence from which on what was said inline needs no second opinion.
        left_out: stages that are not there, and why.

    Attributes:
        calls: kinds that went through each stage. tally: the same by domain, with what it took.
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        floor: float,
        score: ExitScore | None = None,
        near: Near | None = None,
        *,
        policy: Callable[[Tuned], Policy] | None = None,
        sure: float = EXIT,
        left_out: Mapping[str, str] | None = None,
    ) -> None:
        self._cascade = Cascade(stages, floor, score, near)
        self._policy = policy or Policy.uncertified
        self.sure, self.left_out = sure, dict(left_out or {})
        self.tally = self._cascade.tally
        self.calls: Counter[str] = Counter()
        self.deferred: frozenset[str] = frozenset()

    @property
    def tuned(self) -> Tuned:
        """Give the thresholds that promise nothing, by tier and by depth: those found on `tune`, or `sure`."""
        score, scored = self._cascade.score, self._cascade.judge.scored
        plain = {s.name: self.sure for s in self._cascade.stages[:-1] if s.name not in scored}
        found: Tuned = score.thresholds if score and scored else {depth: {} for depth in DEPTHS}
        return {where: plain | {s: t for s, t in by.items() if s in scored} for where, by in found.items()}

    @property
    def passes(self) -> Tuned:
        """Give what goes with them in thrifty tiers: what a stage must be sure by to pass a kind on."""
        score, scored = self._cascade.score, self._cascade.judge.scored
        return score.passes if score and scored == frozenset(score.models) else {}

    def policy(self) -> Policy:
        """Give the policy that holds now."""
        return replace(self._policy(self.tuned), passes=self.passes)

    def ask(self, kinds: Sequence[Kind], inline: Mapping[str, Verdict]) -> list[Verdict]:
        """Give one verdict a kind, in the order given.

        It is settled unless a stage was out of reach: then the kind's key is in `deferred`, until it is asked again.

        Args:
            inline: what was said of them by key when they were met.
        """
        first, *others = self._cascade.stages
        scored = first.name in self._cascade.judge.scored
        remembers = Spreads(cast(Model, first), inline) if scored else _Remembered(first, inline)
        stages: list[Stage] = [remembers, *others]
        verdicts = self._cascade.through(stages, kinds, self.policy())
        waiting = frozenset().union(*(stage.deferred for stage in stages if isinstance(stage, Deferring)))
        keys = frozenset(kind.key for kind in kinds)
        self.deferred = (self.deferred - keys) | (waiting & keys)
        self.calls.update({stage: n for stage, n in self._cascade.asked.items() if n})
        pairs = zip(kinds, verdicts, strict=True)
        return [replace(verdict, settled=kind.key not in self.deferred) for kind, verdict in pairs]

    def ready(self) -> bool:
        """Tell whether all stages can be asked now."""
        return all(stage.ready() for stage in self._cascade.stages if isinstance(stage, Deferring))


class Spreads:
    """The inline stage, of which the exit scores read all that it gives the labels of a kind.

    What the note on a kind tells is not asked again; `remembered` holds the keys of such kinds.
    """

    def __init__(self, stage: Model, inline: Mapping[str, Verdict]) -> None:
        self.name, self.labels, self.model, self._stage = stage.name, stage.labels, stage.model, stage
        self._told = {key: v.spread for key, v in inline.items() if v.spread is not None and self._fits(v)}
        self.remembered: frozenset[str] = frozenset(self._told)

    def _fits(self, said: Verdict) -> bool:
        return said.model == self.model and len(said.spread or b"") == 4 * len(self.labels)

    def classify(self, kinds: Sequence[Kind]) -> Sequence[Verdict | None]:
        """Give the stage's verdicts."""
        return self._stage.classify(kinds)

    def scores(self, kinds: Sequence[Kind]) -> npt.NDArray[np.float64]:
        """Give probabilities (n, labels), as noted or else as the stage gives them now."""
        out = np.zeros((len(kinds), len(self.labels)))
        asked = [i for i, kind in enumerate(kinds) if kind.key not in self._told]
        for i, kind in enumerate(kinds):
            if kind.key in self._told:
                out[i] = np.frombuffer(self._told[kind.key], "<f4")
        if asked:
            out[asked] = self._stage.scores([kinds[i] for i in asked])
        return out


class _Remembered:
    """The inline stage: only kinds of which it has said nothing yet are asked about; `remembered` holds the others."""

    def __init__(self, stage: Stage, inline: Mapping[str, Verdict]) -> None:
        self.name, self._stage, self._inline = stage.name, stage, inline
        self._model = stage.model if isinstance(stage, Model) else ""
        self.remembered: frozenset[str] = frozenset()

    def classify(self, kinds: Sequence[Kind]) -> list[Verdict | None]:
        said = [self._inline.get(kind.key) for kind in kinds]
        open_ = [i for i, verdict in enumerate(said) if verdict is None or verdict.model != self._model]
        self.remembered = frozenset(kind.key for kind in kinds) - {kinds[i].key for i in open_}
        fresh = dict(zip(open_, self._stage.classify([kinds[i] for i in open_]), strict=True)) if open_ else {}
        known = [v if v is not None and v.stage == self.name else None for v in said]
        return [fresh[i] if i in fresh else known[i] for i in range(len(kinds))]
