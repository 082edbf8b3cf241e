"""What a person sees of a kind before labelling it: lines, the labelled kinds nearest to it, what a model proposes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.review import Item
from schemas.taxonomy import taxonomy

if TYPE_CHECKING:
    from pathlib import Path

    from classifiers.neighbours import Neighbour, Neighbours

PROPOSALS, NEAREST, LINES = 3, 3, 3


@dataclass(frozen=True)
class Proposal:
    """A leaf that a model thinks of, with its probability and what the leaf means."""

    label: str
    probability: float
    definition: str


@dataclass(frozen=True)
class Look:
    """All that is shown of an item. `lines`: masked example first, then others as they came."""

    item: Item
    lines: Sequence[str]
    hosts: int
    proposals: Sequence[Proposal]
    nearest: "Sequence[Neighbour]"


class Looker:
    """Looks kinds up; models are loaded when the first is asked for.

    Args:
        ask: SQL and parameters -> rows, of the lake's catalog.
        model: folder of the inline model; None: the packaged one.
    """

    def __init__(self, ask: Callable[[str, dict[str, Any]], list[dict[str, Any]]], model: "Path | None" = None) -> None:
        self._ask, self._model_folder = ask, model

    def look(self, item: Item) -> Look:
        """Gather what is to be shown. What models propose for a kind drawn at random stands in no order of theirs."""
        found = self.proposals(item)
        if item.blind:
            found = sorted(found, key=lambda one: one.label)
        rows = self._ask(
            "SELECT message, host FROM events WHERE template_id = $id LIMIT 2000", {"id": item.template_id}
        )
        lines = list(dict.fromkeys([str(item.row["example"]), *(str(row["message"]) for row in rows)]))[:LINES]
        nearest = self._neighbours.nearest([item.kind], NEAREST)[0]
        return Look(item, lines, len({row["host"] for row in rows if row["host"]}), found, nearest)

    def proposals(self, item: Item) -> list[Proposal]:
        """Give the likeliest leaves of the best model there is, best first."""
        p = np.asarray(self._model.scores([item.kind]), np.float64)[0]
        best = np.argsort(-p, kind="stable")[:PROPOSALS].tolist()
        leaves, labels = taxonomy().leaves, self._model.labels
        return [Proposal(labels[i], float(p[i]), leaves[labels[i]].definition) for i in best]

    @cached_property
    def _model(self) -> Any:
        """The dearest stage that is there."""
        from classifiers.plan import plan_of

        return plan_of(self._model_folder).stages[-1]

    @cached_property
    def _neighbours(self) -> "Neighbours":
        from classifiers.neighbours import Neighbours

        return Neighbours.load(self._model_folder)
