"""The tiny stage: a linear model on hashed n-grams, served by onnxruntime on one thread."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from classifiers.card import MODELS, ModelError, checked_bytes, read_card
from classifiers.features import Recipe, features
from classifiers.text import input_text
from schemas.registry import Kind, Verdict
from schemas.taxonomy import taxonomy

MODEL_FILE = "model.onnx"
_DIGITS = 4  # of a confidence: the last of a float32 depend on what else is in the batch
_KINDS = 256  # features of so many kinds fit the processor's cache: twice as fast as 4,096 at once
_RUN = 32  # kinds of similar length that go through the model together


class Tiny:
    """A loaded model. `floor` is the confidence under which its card advises to answer `unknown`."""

    name = "tiny"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.card = read_card(folder)
        self.labels = _labels(folder, self.card)
        self.floor = float(self.card["floor"])
        self.recipe = Recipe.of(self.card["recipe"])
        self._knots = np.array(self.card["confidence"], np.float64).reshape(-1, 2)
        self.model = f"tiny:{self.card['files'][MODEL_FILE][:8]}"
        self._session = _session(checked_bytes(folder, self.card, MODEL_FILE))

    @staticmethod
    def load(folder: Path | None = None) -> "Tiny":
        """Load a model folder; None: the packaged model.

        Raises:
            ModelError: a file is missing, changed, or made for another taxonomy.
        """
        return Tiny(MODELS / "tiny" if folder is None else folder)

    def __reduce__(self) -> tuple[Any, ...]:
        return Tiny, (self._folder,)

    def classify(self, kinds: Sequence[Kind]) -> list[Verdict | None]:
        """Give the likeliest leaf of every kind, with its confidence; kinds without any feature get None."""
        scores = self.scores(kinds)
        best = scores.argmax(1)
        top = scores[np.arange(len(kinds)), best]
        sure = np.interp(top, self._knots[:, 0], self._knots[:, 1])
        return [
            Verdict(self.labels[i], round(float(c), _DIGITS), self.name, self.model)
            for i, c in zip(best.tolist(), sure, strict=True)
        ]

    def scores(self, kinds: Sequence[Kind]) -> npt.NDArray[np.float32]:
        """Probabilities (n, leaves), float32, columns in the order of `labels`; rows sum to 1."""
        out = np.zeros((len(kinds), len(self.labels)), np.float32)
        for start in range(0, len(kinds), _KINDS):
            part = kinds[start : start + _KINDS]
            out[start : start + len(part)] = self._part(part)
        return out

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


def _labels(folder: Path, card: dict[str, Any]) -> tuple[str, ...]:
    labels = tuple(card["labels"])
    strange = [label for label in labels if label not in taxonomy().leaves]
    if strange:
        raise ModelError(f"{folder}: made for another taxonomy ({', '.join(strange[:3])} is no leaf); train it again")
    return labels


def _session(data: bytes) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.enable_cpu_mem_arena = False
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
