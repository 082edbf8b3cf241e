"""How near a kind is to the labelled ones of each leaf: cosines over words, for thousands of kinds a second."""

import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from classifiers.card import MODELS, checked_bytes, read_card
from classifiers.exits import LEAVES
from classifiers.features import GROUPS, Features, Recipe, features
from classifiers.neighbours import CORPUS_FILE
from classifiers.text import input_text
from schemas.registry import Kind

F64 = npt.NDArray[np.float64]
Row = tuple[str, str, str]
"""A labelled kind: leaf, program, template."""

_RECIPE = Recipe(1 << 20, (2, 2), {g: {"app": 0.5, "word": 1.0, "pair": 1.0}.get(g, 0.0) for g in GROUPS})
_KINDS = 16  # asked at once: their sums over 36,000 labelled kinds stay in the processor's cache
_ROWS = 1_024  # counted at once: all 36,000 left 68 MB more in the heap


class Near:
    """An index of labelled kinds by their words and pairs of words; `model` names the list it was made of.

    It is made in .7 CPU-s of 36,000 kinds. `Neighbours` reads pieces of words too: it is better at
    showing what is alike, and a hundred times as slow.
    """

    def __init__(self, rows: Sequence[Row], model: str = "near") -> None:
        self.model, self._size = model, max(1, len(rows))
        rows = sorted(rows, key=lambda row: LEAVES.index(row[0]))
        leaf = np.array([LEAVES.index(row[0]) for row in rows], np.int64)
        self._leaf, self._first = np.unique(leaf, return_index=True)
        found = _features(rows)
        count = np.bincount(found.bucket, minlength=1)
        self._rarity = (1.0 + np.log((1.0 + len(rows)) / (1.0 + count))).astype(np.float32)
        self._strange = 1.0 + np.log(1.0 + len(rows))
        value = found.value * self._weights(found.bucket)
        value /= np.sqrt(np.maximum(np.bincount(found.row, value**2, minlength=self._size), 1e-12))[found.row]
        order = np.argsort(found.bucket, kind="stable")
        self._row, self._value = found.row[order].astype(np.int32), value[order].astype(np.float32)
        self._end = np.cumsum(np.bincount(found.bucket, minlength=_RECIPE.buckets)).astype(np.int32)

    @staticmethod
    def load(folder: Path | None = None) -> "Near":
        """Load the labelled kinds packaged with a model; None: the packaged tiny model.

        Raises:
            ModelError: a file is missing or is not the one of the card.
        """
        return Near(*labelled(MODELS / "tiny" if folder is None else folder))

    def cosines(self, kinds: Sequence[Kind]) -> F64:
        """Give (n, leaves) in [0, 1]: cosine to the nearest labelled kind of each leaf, 0 if none shares a word."""
        parts = [self._part(kinds[i : i + _KINDS]) for i in range(0, len(kinds), _KINDS)]
        return np.concatenate([np.zeros((0, len(LEAVES))), *parts])

    def _part(self, kinds: Sequence[Kind]) -> F64:
        found = features([input_text(kind) for kind in kinds], _RECIPE)
        value = found.value * self._weights(found.bucket)
        norm = np.sqrt(np.bincount(found.row, value**2, minlength=len(kinds)))
        end = self._end[found.bucket].astype(np.int64)
        count = end - np.where(found.bucket > 0, self._end[found.bucket - 1], 0)
        which = np.repeat(np.arange(len(count)), count)  # the feature that each posting belongs to
        at = np.arange(len(which)) - np.repeat(np.cumsum(count) - end, count)
        cell = found.row[which] * self._size + self._row[at]
        dots = np.bincount(cell, value[which] * self._value[at], minlength=len(kinds) * self._size)
        out = np.zeros((len(kinds), len(LEAVES)))
        if len(self._first):
            best = np.maximum.reduceat(dots.reshape(len(kinds), self._size), self._first, axis=1)
            out[:, self._leaf] = np.clip(best / np.maximum(norm, 1e-9)[:, None], 0.0, 1.0)
        return out

    def _weights(self, bucket: npt.NDArray[np.int64]) -> F64:
        """How rare each feature is; one that no labelled kind has is the rarest."""
        known = bucket < len(self._rarity)
        return np.asarray(np.where(known, self._rarity[np.where(known, bucket, 0)], self._strange), np.float64)


def _features(rows: Sequence[Row]) -> Features:
    """Count the features of labelled kinds, some at a time."""
    texts = [input_text(Kind("", program, template)) for _, program, template in rows]
    parts = [features(texts[i : i + _ROWS], _RECIPE) for i in range(0, max(1, len(texts)), _ROWS)]
    row = np.concatenate([part.row + i * _ROWS for i, part in enumerate(parts)])
    bucket = np.concatenate([part.bucket for part in parts])
    return Features(len(texts), row, bucket, np.concatenate([part.value for part in parts]))


def labelled(folder: Path) -> tuple[list[Row], str]:
    """Read the labelled kinds packaged with a model; give them, and what names them.

    Raises:
        ModelError: a file is missing or is not the one of the card.
    """
    card = read_card(folder)
    lines = gzip.decompress(checked_bytes(folder, card, CORPUS_FILE)).decode("utf-8").split("\n")
    rows = [(leaf, program, template) for leaf, program, template in (x.split("\t", 2) for x in lines if x)]
    return rows, f"near:{card['files'][CORPUS_FILE][:8]}"
