"""A corpus as training sees it: its kinds with their classes and weights, dealt over the four splits."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from classifiers.train import corpus
from classifiers.train.corpus import Conflict, CorpusError, Labelled, ToKind
from classifiers.train.evaluate import LEAVES
from schemas.registry import Kind

I64 = npt.NDArray[np.int64]

FAMILY_POWER = 0.3
"""A kind counts its family's number of kinds to the power of minus this, so that large programs do not drown small."""


@dataclass(frozen=True)
class Dealt:
    """The kinds of a corpus, the split and the class (index in LEAVES) of each, and those it labels in two ways."""

    rows: tuple[Labelled, ...]
    split: npt.NDArray[Any]
    classes: I64
    conflicts: tuple[Conflict, ...]

    def at(self, *splits: str) -> I64:
        """Where the rows of some splits are."""
        return np.flatnonzero(np.isin(self.split, splits))

    def kinds(self, at: I64) -> list[Kind]:
        """The kinds of some rows."""
        return [self.rows[i].kind for i in at.tolist()]

    def families(self, at: I64) -> list[str]:
        """The families of programs of some rows."""
        return [corpus.family(self.rows[i].program) for i in at.tolist()]

    def weights(self, at: I64) -> npt.NDArray[np.float32]:
        """How much each of some rows counts; 1 on average."""
        families = self.families(at)
        size = Counter(families)
        weight = np.array([size[family] ** -FAMILY_POWER for family in families])
        return np.asarray(weight / weight.mean(), np.float32)


def allowed(dealt: Dealt, corpus_dir: Path, kinds: Sequence[Kind]) -> list[Kind]:
    """Leave out the kinds that a student must not meet, labelled or not: those of programs held out from training."""
    held_out = {
        (dealt.rows[i].kind.app, dealt.rows[i].kind.template) for i in dealt.at("tune", "cert", "test").tolist()
    }
    splits = corpus.splits_of(corpus_dir, [kind.app for kind in kinds])
    pairs = zip(kinds, splits, strict=True)
    return [k for k, split in pairs if (split == "train" or not k.app) and (k.app, k.template) not in held_out]


def deal(corpus_dir: Path, to_kind: ToKind) -> Dealt:
    """Read a corpus for training.

    Raises:
        CorpusError: it cannot be used, or a split that training needs has no kinds.
    """
    rows, conflicts = corpus.read(corpus_dir, to_kind)
    split = np.array(corpus.splits_of(corpus_dir, [row.program for row in rows]))
    empty = [name for name in ("train", "tune", "test") if not (split == name).any()]
    if empty:
        raise CorpusError(f"{corpus_dir}: no kinds of split {', '.join(empty)}; more programs would be right")
    classes = np.array([LEAVES.index(row.leaf) for row in rows], np.int64)
    return Dealt(tuple(rows), split, classes, tuple(conflicts))
