"""Lakes with kinds that a labeller met, and a last stage that counts what it is asked."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pyarrow as pa

from classifiers.encoder import Encoder
from classifiers.tiny import Tiny
from clustering.key import key_of
from connectors.lake import Lake
from pipeline.learn import Learner
from pipeline.learn_models import Models
from schemas.registry import INLINE, KINDS, Kind, Verdict, conform
from schemas.taxonomy import UNKNOWN

START = datetime(2026, 11, 1, tzinfo=UTC)


@cache
def encoder() -> Encoder:
    return Encoder.load()


@cache
def tiny() -> Tiny:
    return Tiny.load()


class Last:
    """A last stage that labels by a function of the text, and remembers what it was asked. It calls `first` first."""

    name = "large"

    def __init__(
        self, label: Callable[[str], str] = lambda _: "app.info", first: Callable[[], object] = lambda: None
    ) -> None:
        self.asked: list[str] = []
        self._label, self._first = label, first

    def classify(self, kinds: Sequence[Kind]) -> list[Verdict | None]:
        self.asked += [kind.template for kind in kinds]
        if kinds:
            self._first()
        return [Verdict(self._label(kind.template), 0.9, self.name, "large:test") for kind in kinds]


def learner(lake: Lake, last: Last | None = None, *, most: int = 2_000) -> Learner:
    """A learner whose inline stage is sure of nothing, so that all goes to `last`."""
    models = Models([tiny(), last or Last()], floor=0.3, sure=1.01)
    return Learner(lake, encoder, lambda: models, most=most)


def meet(lake: Lake, lines: Iterable[tuple[str, str]], *, said: Verdict | None = None, first: int = 0) -> list[str]:
    """Note kinds as a labeller does when it meets them; gives their keys."""
    verdict = said or Verdict(UNKNOWN, 0.2, "none", tiny().model)
    rows = []
    for i, (app, message) in enumerate(lines):
        kind = key_of(app, message).kind
        rows.append(
            {
                "key": kind.key, "template_id": kind.key, "template": kind.template, "app": kind.app,
                "label": verdict.label, "confidence": verdict.confidence, "stage": verdict.stage,
                "model": verdict.model, "settled": False, "cert_id": None, "example": message,
                "first_seen": START + timedelta(seconds=first + i), "source": "file-0", "source_offset": i,
                "set_by": INLINE,
            }
        )  # fmt: skip
    distinct = list({row["key"]: row for row in rows}.values())
    table = conform(pa.Table.from_pylist([{n: row.get(n) for n in KINDS.names} for row in distinct], KINDS))
    for batch in table.to_batches():
        lake.note_novel(batch)
    return [row["key"] for row in rows]


def person(lake: Lake, key: str, label: str) -> None:
    """A person labels a kind."""
    row = next(row for row in lake.kinds().to_pylist() if row["key"] == key)
    row |= {"label": label, "confidence": 1.0, "stage": "person", "model": "", "settled": True, "set_by": "ann"}
    lake.publish(pa.Table.from_pylist([row], KINDS))


def rows(lake: Lake) -> dict[str, dict[str, object]]:
    """What the lake says of each key."""
    return {row["key"]: row for row in Lake.open(lake.root).kinds().to_pylist()}


def new_lake(root: Path) -> Lake:
    return Lake.create(root)
