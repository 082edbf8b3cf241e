"""The tiny stage: a linear model on hashed n-grams, served by onnxruntime on one thread."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from classifiers.answers import labels_of, verdicts
from classifiers.card import MODELS, checked_bytes, identity, read_card
from classifiers.features import Recipe, features
from classifiers.session import session
from classifiers.text import input_text
from schemas.registry import Kind, Verdict

MODEL_FILE = "model.onnx"
_KINDS = 256  # features of so many kinds fit the processor's cache: twice as fast as 4,096 at once
_RUN = 32  # kinds of similar length that go through the model together


class Tiny:
    """A loaded model. `floor` is the confidence under which its card advises to answer `unknown`."""

    name = "tiny"

    def __init__(self, folder: Path, open_: Callable[[bytes], Any] = session) -> None:
        self._folder, self._open = folder, open_
        self.card = read_card(folder)
        self.labels = labels_of(folder, self.card)
        self.floor = float(self.card["floor"])
        self.recipe = Recipe.of(self.card["recipe"])
        self.model = f"tiny:{identity(self.card)}"
        self._session = open_(checked_bytes(folder, self.card, MODEL_FILE))

    @staticmethod
    def load(folder: Path | None = None, open_: Callable[[bytes], Any] = session) -> "Tiny":
        """Load a model folder; None: the packaged model. `open_` makes a session of the bytes of its file.

        Raises:
            ModelError: a file is missing, changed, or made for another taxonomy.
        """
        return Tiny(MODELS / "tiny" if folder is None else folder, open_)

    def __reduce__(self) -> tuple[Any, ...]:
        return Tiny, (self._folder, self._open)

    def classify(self, kinds: Sequence[Kind]) -> list[Verdict | None]:
        """Give the likeliest leaf of every kind, with its confidence, and what was given to every other."""
        p = self.scores(kinds)
        said = zip(verdicts(p, self.card, self.name, self.model), p.astype("<f4"), strict=True)
        return [v and replace(v, spread=row.tobytes()) for v, row in said]

    def scores(self, kinds: Sequence[Kind]) -> npt.NDArray[np.float64]:
        """Probabilities (n, leaves), columns in the order of `labels`; rows sum to 1."""
        out = np.zeros((len(kinds), len(self.labels)))
        for start in range(0, len(kinds), _KINDS):
            part = kinds[start : start + _KINDS]
            out[start : start + len(part)] = self._part(part)
        return np.asarray(out / out.sum(1, keepdims=True))

    def _part(self, kinds: Sequence[Kind]) -> npt.NDArray[np.float32]:
        """Probabilities of a few kinds: short ones and long ones apart, so that little is padded."""
        found = features([input_text(kind) for kind in kinds], self.recipe)
        ends = np.cumsum(np.bincount(found.row, minlength=len(kinds)))
        sizes = np.diff(ends, prepend=0)
        order = np.argsort(sizes, kind="stable")
        out = np.empty((len(kinds), len(self.labels)), np.float32)
        for start in range(0, len(kinds), _RUN):
            rows = order[start : start + _RUN]
            places = np.arange(max(1, sizes[rows].max()))
            used = places < sizes[rows, None]
            at = np.where(used, (ends - sizes)[rows, None] + places, 0)
            feed = {"bucket": _taken(found.bucket, at), "value": _taken(found.value, at) * used}
            out[rows] = self._session.run(None, feed)[0]
        return out


def _taken(values: Any, at: npt.NDArray[np.int64]) -> Any:
    return values[at] if len(values) else np.zeros(at.shape, values.dtype)
