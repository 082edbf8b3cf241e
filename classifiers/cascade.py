"""Ask the cheap stages first; ask the next one only about what is left; below the floor, say `unknown`."""

import difflib
import re
from collections.abc import Mapping, Sequence

from classifiers.stage import Stage
from schemas.registry import Kind, Verdict
from schemas.taxonomy import UNKNOWN, taxonomy

NOBODY = "none"
"""The stage of a verdict that no stage was sure enough to give."""

_HOLES = re.compile(r"<\*[^>]*>")
_WORD = re.compile(r"[^\W\d_]{2,}")


class Cascade:
    """Stages in order of cost.

    Args:
        stages: asked in this order.
        floor: least confidence, in [0, 1], at which a verdict counts as an answer.
        exits: least confidence, by a stage's name, at which it keeps the next from being asked; the floor unless given.
            Uncertified: nobody has proved a precision for it. An answer of a later stage then takes the place of an
            earlier one, however sure that was.
    """

    def __init__(self, stages: Sequence[Stage], floor: float, exits: Mapping[str, float] | None = None) -> None:
        if not 0.0 <= floor <= 1.0:
            raise ValueError(f"floor = {floor}: not in [0, 1]")
        self.stages = tuple(stages)
        self.floor = floor
        self._exits = dict(exits or {})

    def classify(self, kinds: Sequence[Kind]) -> list[Verdict]:
        """Give every kind its verdict, in the order given.

        A kind without a constant word is asked of nobody. A kind on which no stage reaches the floor gets the label
        `unknown` and the stage `none`, with the confidence and the model of the best guess.

        Raises:
            ValueError: a stage gave a label outside the taxonomy, or not one answer a kind; the message names both.
        """
        best: list[Verdict | None] = [None] * len(kinds)
        left = [i for i, kind in enumerate(kinds) if has_word(kind.template)]
        for stage in self.stages:
            if not left:
                break
            for i, verdict in zip(left, _asked(stage, [kinds[i] for i in left]), strict=True):
                best[i] = verdict if self._exits and self._answers(verdict) else _better(best[i], verdict)
            exit_ = max(self.floor, self._exits.get(stage.name, 0.0))
            left = [i for i in left if not self._answers(best[i], exit_)]
        return [self._final(verdict) for verdict in best]

    def _answers(self, verdict: Verdict | None, least: float | None = None) -> bool:
        least = self.floor if least is None else least
        return verdict is not None and verdict.label != UNKNOWN and verdict.confidence >= least

    def _final(self, verdict: Verdict | None) -> Verdict:
        if verdict is None:
            return Verdict(UNKNOWN, 0.0, NOBODY, "")
        if self._answers(verdict):
            return verdict
        return Verdict(UNKNOWN, verdict.confidence, NOBODY, verdict.model)


def has_word(template: str) -> bool:
    """Tell whether a template holds a word of two letters or more, of any alphabet, outside its holes."""
    return _WORD.search(_HOLES.sub(" ", template)) is not None


def _asked(stage: Stage, kinds: Sequence[Kind]) -> Sequence[Verdict | None]:
    answers = stage.classify(kinds)
    if len(answers) != len(kinds):
        raise ValueError(f"stage {stage.name}: {len(answers)} answers to {len(kinds)} kinds; one a kind would be right")
    for kind, verdict in zip(kinds, answers, strict=True):
        if verdict is not None and verdict.label not in taxonomy():
            raise ValueError(f"stage {stage.name}, kind {kind.key}: {not_a_label(verdict.label)}")
    return answers


def _better(old: Verdict | None, new: Verdict | None) -> Verdict | None:
    """The surer of two verdicts; the earlier one at a tie."""
    if old is None or new is None:
        return new if old is None else old
    return new if new.confidence > old.confidence else old


def not_a_label(label: str) -> str:
    """Say that a label is not in the taxonomy, and which one is nearest."""
    near = difflib.get_close_matches(label, [*taxonomy().leaves, UNKNOWN], n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"{label!r} is not a leaf of the taxonomy{hint}"
