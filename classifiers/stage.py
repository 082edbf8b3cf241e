"""The protocol of a stage: kinds in, verdicts out, in the order given."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from schemas.registry import Kind, Verdict


@runtime_checkable
class Stage(Protocol):
    """One rung of the cascade: a verdict for each kind it has an opinion on, None for the rest, in the order given.

    A stage may see a kind's `key`, `app` and `template`, and nothing else: no severity, no host, no other line, no
    clock. What it answers is then a function of the kind, and two workers never disagree about one. It leaves its
    input unchanged, takes any text without an exception, and comes back whole from a pickle.
    """

    name: str

    def classify(self, kinds: Sequence[Kind]) -> Sequence[Verdict | None]:
        """Give one answer a kind, labels from the taxonomy, confidences calibrated and in [0, 1]."""
        ...
