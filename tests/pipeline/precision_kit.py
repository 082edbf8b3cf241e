"""A lake of made-up kinds, stages whose answers are known, and people who label what was drawn."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from classifiers.exits import DOMAIN_OF, LEAVES
from connectors.lake import Lake
from pipeline.certify import Asks
from pipeline.certify_draw import Drawn
from pipeline.curate import labelled, publish, rows_of
from schemas.policy import DOMAIN, LEAF, Ladder
from schemas.registry import INLINE, KINDS, Kind

APPS = ("sshd", "postfix", "kernel", "nginx")
SINCE = datetime(2026, 11, 1, tzinfo=UTC)


def word(number: int) -> str:
    """Write a number in letters."""
    return "".join(chr(ord("a") + int(digit)) for digit in f"{number:04d}")


def lake_of(folder: Path, n: int, apps: Sequence[str] = APPS, first: int = 0) -> Lake:
    """Make a lake (or open it) and note n kinds of some programs in it."""
    lake = Lake.create(folder)
    numbers = range(first, first + n)
    rows = [
        {"key": f"{i + 1:016x}", "template_id": f"{i + 1:016x}", "template": f"{word(i)} happened to {word(7 * i)}",
         "app": apps[i % len(apps)], "label": "unknown", "confidence": 0.5, "stage": "none", "model": "", "settled": False,
         "example": word(i), "first_seen": SINCE + timedelta(minutes=i), "source": "file-1", "source_offset": i,
         "set_by": INLINE}
        for i in numbers
    ]  # fmt: skip
    lake.note_novel(pa.Table.from_pylist(rows, KINDS).combine_chunks().to_batches()[0])
    return lake


def truth_of(key: str) -> int:
    """What a kind is, by its key: one of the leaves."""
    return int(key, 16) * 7 % len(LEAVES)


class Knows:
    """Two stages: `tiny` is right in some 97 % of the 70 % that it is sure of, `large` in all that it is asked."""

    stages = ("tiny", "large")

    def __init__(self, right: float = 0.97) -> None:
        self._right = right

    def ladder(self, kinds: Sequence[Kind]) -> Ladder:
        keys = [kind.key for kind in kinds]
        luck = np.array([np.random.default_rng(int(key, 16)).random(3) for key in keys]).reshape(len(keys), 3)
        truth = np.array([truth_of(key) for key in keys], np.int64)
        sure = luck[:, 0] < 0.7
        tiny = np.where(luck[:, 1] < np.where(sure, self._right, 0.4), truth, (truth + 5) % len(LEAVES))
        large = np.where(luck[:, 2] < max(self._right, 0.5), truth, (truth + 9) % len(LEAVES))
        q = np.stack([np.where(sure, 0.8 + luck[:, 0] / 5, luck[:, 0] / 2), np.where(luck[:, 2] < 0.97, 0.9, 0.3)], 1)
        leaf = np.stack([tiny, large], 1)
        return Ladder(
            self.stages,
            np.array([1e-4, 1e-2]),
            {LEAF: q, DOMAIN: q},
            {LEAF: leaf, DOMAIN: DOMAIN_OF[leaf]},
            tuple(keys),
        )


def asks(right: float = 0.97, **frozen: str) -> Asks:
    """Make what asks the stages."""
    return Asks(Knows(right), {"tiny": "tiny:1", "large": "large:1", **frozen})


def label(lake: Lake, kinds: Sequence[Drawn], *, wrong: bool = False) -> None:
    """Label drawn kinds as a person, all at once."""
    said = {one.kind.key: LEAVES[truth_of(one.kind.key) - wrong] for one in kinds}
    publish(lake, lambda table: [labelled(row, said[row["key"]], "ann", None) for row in rows_of(table, said)])
