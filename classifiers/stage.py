"""The protocol of a stage: kinds in, verdicts out, in the order given."""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy.typing as npt

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


@runtime_checkable
class Model(Stage, Protocol):
    """A stage that has a probability for every label. `model` names its version, as `tiny:0a1b2c3d`."""

    labels: tuple[str, ...]
    model: str

    def scores(self, kinds: Sequence[Kind]) -> npt.NDArray[Any]:
        """Give probabilities (n, labels), floats, columns in the order of `labels`; rows sum to 1."""
        ...


@runtime_checkable
class Deferring(Protocol):
    """A stage that may be out of reach: what it could not be asked is asked again later.

    `deferred` holds the keys that it left without an answer the last time it was asked, for no fault of theirs.
    """

    name: str
    deferred: frozenset[str]

    def ready(self) -> bool:
        """Tell whether it may be asked now."""
        ...
