"""The stages that learning asks: what tiny said inline, tiny where nobody did, and large where that was not sure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from classifiers.cascade import Cascade
from classifiers.encoder import Encoder
from classifiers.large import Large
from classifiers.stage import Stage
from classifiers.tiny import Tiny
from schemas.registry import Kind, Verdict

EXIT = 0.7
"""Confidence from which on tiny answers alone, uncertified: nobody has proved a precision for it. On programs never
met, its answers above are right in some 90 %."""


class Models:
    """The packaged models, or others.

    Args:
        tiny: the inline stage; what it said of a kind when it was met is not asked again.
        last: asked about what tiny is not sure of.
        floor: least confidence of an answer; None: what the card of `tiny` says.
    """

    def __init__(self, tiny: Tiny, last: Stage, floor: float | None = None, *, sure: float = EXIT) -> None:
        self._tiny, self._last, self.sure = tiny, last, sure
        self._floor = tiny.floor if floor is None else floor
        self.calls: Counter[str] = Counter()

    @staticmethod
    def load(encoder: Encoder, model: Path | None = None, floor: float | None = None) -> "Models":
        """Load tiny from a folder (None: the packaged one), and the packaged large.

        Raises:
            ModelError: one is missing or damaged.
        """
        tiny, packaged = Tiny.load(model), Tiny.load()
        return Models(tiny, Large.load(encoder=encoder, tiny=packaged), floor)

    def ask(self, kinds: Sequence[Kind], inline: Mapping[str, Verdict]) -> list[Verdict]:
        """Give one verdict a kind, in the order given; `inline`: what was said of them by key when they were met."""
        stages: list[Stage] = [_Remembered(self._tiny, inline, self.calls), _Counted(self._last, self.calls)]
        return Cascade(stages, self._floor, {self._tiny.name: self.sure}).classify(kinds)


class _Counted:
    """A stage whose calls are counted."""

    def __init__(self, stage: Stage, calls: Counter[str]) -> None:
        self.name, self._stage, self._calls = stage.name, stage, calls

    def classify(self, kinds: Sequence[Kind]) -> Sequence[Verdict | None]:
        self._calls[self.name] += len(kinds)
        return self._stage.classify(kinds)


class _Remembered:
    """The inline stage: only kinds of which it has said nothing yet are asked about."""

    def __init__(self, tiny: Tiny, inline: Mapping[str, Verdict], calls: Counter[str]) -> None:
        self.name, self._tiny, self._inline, self._calls = tiny.name, tiny, inline, calls

    def classify(self, kinds: Sequence[Kind]) -> list[Verdict | None]:
        said = [self._inline.get(kind.key) for kind in kinds]
        open_ = [i for i, verdict in enumerate(said) if verdict is None or verdict.model != self._tiny.model]
        fresh = dict(zip(open_, self._tiny.classify([kinds[i] for i in open_]), strict=True)) if open_ else {}
        self._calls[self.name] += len(open_)
        known = [v if v is not None and v.stage == self.name else None for v in said]
        return [fresh[i] if i in fresh else known[i] for i in range(len(kinds))]
