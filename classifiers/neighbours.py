"""The labelled kinds nearest to a kind, to explain a verdict; nothing is decided with them."""

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from classifiers.card import MODELS, checked_bytes, read_card
from classifiers.features import Features, Recipe, features
from classifiers.text import input_text
from schemas.registry import Kind

F64 = npt.NDArray[np.float64]
CORPUS_FILE = "corpus.tsv.gz"
_SHARPNESS = 1.0  # power of a feature's rarity in the cosine; rare words tell kinds apart


@dataclass(frozen=True)
class Neighbour:
    """A labelled kind of the training corpus. `cosine` in [0, 1]: 1 says the same words, 0 shares none."""

    label: str
    program: str
    template: str
    cosine: float


class Neighbours:
    """An index of labelled kinds, computed at load (tenths of a second for some thousands) from a packaged list."""

    def __init__(self, rows: Sequence[tuple[str, str, str]], recipe: Recipe) -> None:
        self.rows = list(rows)
        self.recipe = recipe
        kinds = [Kind("", program, template) for _, program, template in rows]
        self._index = features([input_text(kind) for kind in kinds], recipe)
        count = np.bincount(self._index.bucket, minlength=recipe.buckets)
        self._rarity = (1.0 + np.log((1.0 + len(rows)) / (1.0 + count))) ** _SHARPNESS
        self._value = self._index.value * self._rarity[self._index.bucket]
        self._norm = _norms(self._index, self._value)

    @staticmethod
    def load(folder: Path | None = None) -> "Neighbours":
        """Load the labelled kinds packaged with a model; None: the packaged tiny model.

        Raises:
            ModelError: a file is missing or is not the one of the card.
        """
        folder = MODELS / "tiny" if folder is None else folder
        card = read_card(folder)
        lines = gzip.decompress(checked_bytes(folder, card, CORPUS_FILE)).decode("utf-8").split("\n")
        rows = [(leaf, program, template) for leaf, program, template in (x.split("\t", 2) for x in lines if x)]
        return Neighbours(rows, Recipe.of(card["recipe"]))

    def nearest(self, kinds: Sequence[Kind], k: int = 5) -> list[list[Neighbour]]:
        """Give the k nearest labelled kinds of each kind, nearest first; fewer where fewer share a feature."""
        return [self._nearest(kind, k) for kind in kinds]

    def _nearest(self, kind: Kind, k: int) -> list[Neighbour]:
        asked = features([input_text(kind)], self.recipe)
        value = asked.value * self._rarity[asked.bucket]
        dense = np.zeros(self.recipe.buckets)
        np.add.at(dense, asked.bucket, value)
        dots = np.bincount(self._index.row, self._value * dense[self._index.bucket], minlength=len(self.rows))
        cosines = np.minimum(dots / (self._norm * max(float(np.sqrt((dense**2).sum())), 1e-9)), 1.0)
        best = [int(i) for i in np.argsort(-cosines, kind="stable")[:k] if cosines[i] > 0]
        return [Neighbour(*self.rows[i], float(cosines[i])) for i in best]


def _norms(found: Features, value: F64) -> F64:
    squares = np.bincount(found.row, value**2, minlength=found.n)
    return np.maximum(np.sqrt(squares), 1e-9)
