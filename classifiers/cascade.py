"""Ask the cheap stages first; ask the next one only about what is left; below the floor, say `unknown`."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from classifiers.exits import I64, ExitScore
from classifiers.near import Near
from classifiers.opinions import NONE, Judge, Opinion, Seen, domain_name
from classifiers.stage import Stage
from classifiers.tally import Count, Tally
from classifiers.verify import checked, has_word, not_a_label
from schemas.policy import DEPTHS, DOMAIN, Exits, Ladder, Policy
from schemas.registry import Kind, Verdict
from schemas.taxonomy import UNKNOWN, domain_of

__all__ = ["NOBODY", "Cascade", "has_word", "not_a_label"]

NOBODY = "none"
"""The stage of a verdict that no stage was sure enough to give."""


class Cascade:
    """Stages in order of cost.

    Args:
        stages: asked in this order.
        floor: least confidence, in [0, 1], at which a verdict counts as an answer.
        score, near: what exits are decided with under a policy; without them a stage's own confidence counts.
    """

    def __init__(
        self, stages: Sequence[Stage], floor: float, score: ExitScore | None = None, near: Near | None = None
    ) -> None:
        if not 0.0 <= floor <= 1.0:
            raise ValueError(f"floor = {floor}: not in [0, 1]")
        self.stages = tuple(stages)
        self.floor = floor
        self.score = score
        self.judge = Judge(self.stages, score, near)
        self.tally = Tally()
        self.asked: dict[str, int] = {}

    def classify(self, kinds: Sequence[Kind], policy: Policy | None = None) -> list[Verdict]:
        """Give every kind its verdict, in the order given.

        Without a policy a stage answers by itself what it is sure of to the floor, as workers do inline. With one, a
        stage answers alone iff its exit score reaches the threshold that the policy has for the kind; the last, and one
        that the policy does not let pass the kind on, answers what reaches the floor; if it says `unknown`, that holds
        against the guesses before. A kind without a constant word is asked of nobody. A kind on which no stage reaches
        the floor gets the label `unknown` and the stage `none`, with the confidence and the model of the best guess.

        Raises:
            ValueError: a stage gave a label outside the taxonomy, or not one answer a kind; the message names both.
        """
        return self._plain(kinds) if policy is None else self.through(self.stages, kinds, policy)

    def through(self, stages: Sequence[Stage], kinds: Sequence[Kind], policy: Policy) -> list[Verdict]:
        """Classify under a policy, through stages that stand for those of the cascade; `asked` then counts calls."""
        self.asked = dict.fromkeys((stage.name for stage in stages), 0)
        return _Walk(self, stages, kinds, policy).verdicts()

    def _plain(self, kinds: Sequence[Kind]) -> list[Verdict]:
        best: list[Verdict | None] = [None] * len(kinds)
        left = [i for i, kind in enumerate(kinds) if has_word(kind.template)]
        for stage in self.stages:
            if not left:
                break
            asked = [kinds[i] for i in left]
            began = time.thread_time()
            answers = checked(stage, asked, stage.classify(asked))
            spent = (time.thread_time() - began) / len(asked)
            for i, verdict in zip(left, answers, strict=True):
                best[i] = _better(best[i], verdict)
            left = [i for i in left if not self.answers(best[i])]
            self._note(stage.name, answers, spent)
        return [self.final(verdict) for verdict in best]

    def _note(self, stage: str, answers: Sequence[Verdict | None], spent: float) -> None:
        """Count a stage's work by the domain of its answers, all of a domain at once: workers do this a batch."""
        by_domain: dict[str, Count] = {}
        for verdict in answers:
            count = by_domain.setdefault("" if verdict is None else domain_of(verdict.label), Count())
            answered = self.answers(verdict)
            count.kinds, count.cpu_s = count.kinds + 1, count.cpu_s + spent
            count.exits, count.escalations = count.exits + answered, count.escalations + (not answered)
        for domain, count in by_domain.items():
            self.tally.add(stage, domain, count)

    def answers(self, verdict: Verdict | None) -> bool:
        """Tell whether a verdict reaches the floor."""
        return verdict is not None and verdict.label != UNKNOWN and verdict.confidence >= self.floor

    def final(self, verdict: Verdict | None) -> Verdict:
        """Give what a verdict comes to where no other follows."""
        if verdict is None:
            return Verdict(UNKNOWN, 0.0, NOBODY, "")
        return verdict if self.answers(verdict) else replace(verdict, label=UNKNOWN, stage=NOBODY)

    def ladder(self, kinds: Sequence[Kind]) -> Ladder:
        """Ask all stages about all kinds: what a certificate, and thresholds, are made from.

        A kind without a constant word has no answer (-1) of any stage. A stage that the exit scores know costs what
        it did when they were fitted; another, what it took now.

        Raises:
            ValueError: a kind stands twice, or a stage gave a label outside the taxonomy.
        """
        rows = [i for i, kind in enumerate(kinds) if has_word(kind.template)]
        asked = [kinds[i] for i in rows]
        shape = (len(kinds), len(self.stages))
        q = {depth: np.zeros(shape) for depth in DEPTHS}
        answer = {depth: np.full(shape, NONE, np.int64) for depth in DEPTHS}
        costs, seen, before = [], self.judge.seen(asked), None
        for k, stage in enumerate(self.stages):
            began = time.thread_time()
            found = self.judge.opinion(stage, asked, seen, before)
            costs.append(self._cost(stage.name, (time.thread_time() - began) / max(1, len(asked))))
            before = found.answer if stage.name in self.judge.scored else before
            for depth in DEPTHS:
                q[depth][rows, k], answer[depth][rows, k] = found.q[depth], found.answer[depth]
        names = tuple(stage.name for stage in self.stages)
        return Ladder(names, np.array(costs), q, answer, tuple(kind.key for kind in kinds))

    def _cost(self, stage: str, measured: float) -> float:
        known = self.score is not None and stage in self.judge.scored
        return self.score.costs[stage] if known and self.score is not None else measured


@dataclass(frozen=True)
class _Asked:
    """What a stage was asked, as indices of kinds, what it thinks of them, and the CPU-seconds that each took."""

    stage: Stage
    kinds: list[int]
    found: Opinion
    spent: float


class _Walk:
    """Kinds on their way through a cascade under a policy."""

    def __init__(self, cascade: Cascade, stages: Sequence[Stage], kinds: Sequence[Kind], policy: Policy) -> None:
        self._cascade, self._stages, self._kinds, self._policy = cascade, stages, kinds, policy
        self._exits: list[Exits | None] = [None] * len(kinds)
        self._done: list[Verdict | None] = [None] * len(kinds)
        self._guess: list[Verdict | None] = [None] * len(kinds)
        self._q = np.zeros(len(kinds))  # of the guess, at the depth of the kind's tier
        self._before: dict[str, I64] | None = None
        self._asked: list[_Asked] = []

    def verdicts(self) -> list[Verdict]:
        left = [i for i, kind in enumerate(self._kinds) if has_word(kind.template)]
        self._at = {i: row for row, i in enumerate(left)}
        seen = self._cascade.judge.seen([self._kinds[i] for i in left])
        for stage in self._stages:
            if not left:
                break
            left = self._ask(stage, left, seen)
        verdicts = [done or self._final(i) for i, done in enumerate(self._done)]
        self._count(verdicts)
        return verdicts

    def _ask(self, stage: Stage, left: list[int], seen: Seen) -> list[int]:
        """Ask a stage; give who is left."""
        asked = [self._kinds[i] for i in left]
        before = {d: a[left] for d, a in self._before.items()} if self._before is not None else None
        began = time.thread_time()
        found = self._cascade.judge.opinion(stage, asked, seen.take([self._at[i] for i in left]), before)
        self._asked.append(_Asked(stage, left, found, (time.thread_time() - began) / len(left)))
        if stage.name in self._cascade.judge.scored:
            self._before = {d: np.full(len(self._kinds), NONE, np.int64) for d in DEPTHS}
            for d in DEPTHS:
                self._before[d][left] = found.answer[d]
        return [i for at, i in enumerate(left) if not self._take(stage.name, i, at, found)]

    def _take(self, stage: str, i: int, at: int, found: Opinion) -> bool:
        """Take over what a stage thinks of a kind; tell whether that is final."""
        if found.answer[DOMAIN][at] == NONE:
            guess = self._guess[i]
            if found.model[at] and guess is not None:
                self._guess[i] = replace(guess, label=UNKNOWN)
            return False
        exits = self._exits[i] = self._exits[i] or self._policy.exits(
            self._kinds[i].app, domain_name(int(found.answer[DOMAIN][at])), self._kinds[i].key
        )
        depth = exits.tier.depth
        q, threshold = float(found.q[depth][at]), exits.thresholds.get(stage)
        if threshold is not None and q >= threshold:
            self._done[i] = found.verdict(at, depth, stage, exits.cert_id)
            return True
        self._guess[i], self._q[i] = found.verdict(at, depth, stage), q
        return q < exits.passes.get(stage, 0.0)

    def _final(self, i: int) -> Verdict:
        """Give what is said of a kind that no stage answered alone: the last word, if it reaches the floor."""
        guess, exits = self._guess[i], self._exits[i]
        if guess is None or exits is None:
            return Verdict(UNKNOWN, 0.0, NOBODY, "")
        if exits.abstain or self._q[i] < self._cascade.floor or guess.label == UNKNOWN:
            return replace(guess, label=UNKNOWN, stage=NOBODY)
        return guess

    def _count(self, verdicts: Sequence[Verdict]) -> None:
        """Count the work of each stage by the domain of its answers; whose answer stands is known at the end alone."""
        waiting = {i for one in self._asked for i in one.kinds if self._kinds[i].key in _deferred(one.stage)}
        for one in self._asked:
            remembered: frozenset[str] = getattr(one.stage, "remembered", frozenset())
            usage: Mapping[str, Count] = getattr(one.stage, "usage", {})
            name, deferred = one.stage.name, _deferred(one.stage)
            for at, i in enumerate(one.kinds):
                key = self._kinds[i].key
                stands = verdicts[i].stage == name and i not in waiting
                count = Count(
                    int(key not in remembered), int(stands), int(not stands), int(key in deferred), cpu_s=one.spent
                )
                count.add(usage.get(key, Count()))
                self._cascade.asked[name] += count.kinds
                self._cascade.tally.add(name, domain_name(int(one.found.answer[DOMAIN][at])), count)


def _deferred(stage: Stage) -> frozenset[str]:
    found: frozenset[str] = getattr(stage, "deferred", frozenset())
    return found


def _better(old: Verdict | None, new: Verdict | None) -> Verdict | None:
    """The surer of two verdicts; the earlier one at a tie."""
    if old is None or new is None:
        return new if old is None else old
    return new if new.confidence > old.confidence else old
