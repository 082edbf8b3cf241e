"""What is checked of an answer before it counts: a label of the taxonomy, evidence that stands in the line."""

import difflib
import math
import re
from collections.abc import Sequence

from classifiers.stage import Stage
from schemas.registry import Kind, Verdict
from schemas.taxonomy import UNKNOWN, taxonomy

_HOLES = re.compile(r"<\*[^>]*>")
_WORD = re.compile(r"[^\W\d_]{2,}")
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"  # Thai to Khmer, kana, Han
_LETTER = rf"[^\W\d_{_UNSPACED}]"
_EDGE = rf"(?:(?<!{_LETTER})|(?!{_LETTER}))"  # not inside a word, where words are set apart by blanks
_READ = 2048  # characters of a template that are looked through, as models do


def words(template: str) -> list[str]:
    """Give the constant words of a template: two letters or more, of any alphabet, outside its holes."""
    return _WORD.findall(_HOLES.sub(" ", template[:_READ]))


def has_word(template: str) -> bool:
    """Tell whether a template holds a word of two letters or more, of any alphabet, outside its holes."""
    return _WORD.search(_HOLES.sub(" ", template)) is not None


def not_a_label(label: str) -> str:
    """Say that a label is not in the taxonomy, and which one is nearest."""
    near = difflib.get_close_matches(label, [*taxonomy().leaves, UNKNOWN], n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"{label!r} is not a leaf of the taxonomy{hint}"


def checked(stage: Stage, kinds: Sequence[Kind], answers: Sequence[Verdict | None]) -> Sequence[Verdict | None]:
    """Give the answers of a stage of our own back, if they are some: anything else is a bug.

    One whose confidence is no number (NaN) is None: a model that overflows on a kind must not stop the others.

    Raises:
        ValueError: a label outside the taxonomy, a confidence outside [0, 1], or not one answer a kind; the message
            names both.
    """
    if len(answers) != len(kinds):
        raise ValueError(f"stage {stage.name}: {len(answers)} answers to {len(kinds)} kinds; one a kind would be right")
    for kind, verdict in zip(kinds, answers, strict=True):
        if verdict is not None and verdict.label not in taxonomy():
            raise ValueError(f"stage {stage.name}, kind {kind.key}: {not_a_label(verdict.label)}")
        if verdict is not None and (verdict.confidence < 0.0 or verdict.confidence > 1.0):
            raise ValueError(f"stage {stage.name}, kind {kind.key}: confidence {verdict.confidence}: not in [0, 1]")
    return [None if verdict is None or math.isnan(verdict.confidence) else verdict for verdict in answers]


def fault(kind: Kind, label: object, span: object) -> str | None:
    """Say what is wrong with the answer of a stranger; None: it may count.

    Args:
        span: the words it rests on; they must stand in the template, verbatim and whole, and say something. The name
            of the program is none, nor is a piece of a word: they are to be had for any label.
    """
    if not isinstance(label, str) or label not in taxonomy():
        return not_a_label(str(label)[:40])
    if label == UNKNOWN:
        return None
    if not isinstance(span, str) or not words(span):
        return "no evidence: words of the line would be right"
    if not re.search(_EDGE + re.escape(span) + _EDGE, kind.template):
        return f"evidence {span[:40]!r} does not stand in the line in whole words"
    return None
