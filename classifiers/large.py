"""The large stage: a linear head on the vector of a sentence encoder, averaged with the tiny stage."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from classifiers.card import MODELS, ModelError, checked_bytes, read_card
from classifiers.encoder import MODEL_FILE as ENCODER_FILE
from classifiers.encoder import Encoder, encoder_text
from classifiers.text import SECTION, input_text
from classifiers.tiny import MODEL_FILE as TINY_FILE
from classifiers.tiny import Tiny
from schemas.registry import Kind, Verdict
from schemas.taxonomy import taxonomy

MODEL_FILE = "model.onnx"
_DIGITS = 4
_LEAST = 1e-9


class Large:
    """A loaded head, with the encoder and the tiny model that it was trained beside.

    `floor` is the confidence under which its card advises to answer `unknown`.

    Raises:
        ModelError: a file is changed, or the encoder or the tiny model is not the one of the card.
    """

    name = "large"

    def __init__(self, folder: Path, encoder: Encoder, tiny: Tiny) -> None:
        self._folder, self._encoder, self._tiny = folder, encoder, tiny
        self.card = read_card(folder)
        _check(
            folder, self.card, {"encoder": encoder.card["files"][ENCODER_FILE], "tiny": tiny.card["files"][TINY_FILE]}
        )
        self.labels = tuple(self.card["labels"])
        self.floor = float(self.card["floor"])
        self._knots = np.array(self.card["confidence"], np.float64).reshape(-1, 2)
        self.model = f"large:{self.card['files'][MODEL_FILE][:8]}"
        data = checked_bytes(folder, self.card, MODEL_FILE)
        self._session = onnxruntime.InferenceSession(data, _options(), providers=["CPUExecutionProvider"])

    @staticmethod
    def load(folder: Path | None = None, encoder: Encoder | None = None, tiny: Tiny | None = None) -> "Large":
        """Load a model folder; None: the packaged models.

        Raises:
            ModelError: a file is missing, changed, or does not belong to the others.
        """
        return Large(MODELS / "large" if folder is None else folder, encoder or Encoder.load(), tiny or Tiny.load())

    def __reduce__(self) -> tuple[Any, ...]:
        return Large, (self._folder, self._encoder, self._tiny)

    def classify(self, kinds: Sequence[Kind]) -> list[Verdict | None]:
        """Give the likeliest leaf of every kind, with its confidence."""
        if not kinds:
            return []
        p = self.scores(kinds)
        best = p.argmax(1)
        sure = np.interp(p[np.arange(len(kinds)), best], self._knots[:, 0], self._knots[:, 1])
        return [
            Verdict(self.labels[i], round(float(c), _DIGITS), self.name, self.model)
            for i, c in zip(best.tolist(), sure, strict=True)
        ]

    def scores(self, kinds: Sequence[Kind]) -> npt.NDArray[np.float64]:
        """Probabilities (n, leaves), columns in the order of `labels`; rows sum to 1."""
        vectors = self._encoder.vectors([large_text(kind) for kind in kinds])
        rows = [self._session.run(None, {"vector": vectors[i : i + 1]})[0][0] for i in range(len(kinds))]
        head = np.asarray(rows, np.float64).reshape(len(kinds), len(self.labels))
        return cooled(averaged(head, np.log(self._tiny.scores(kinds) + _LEAST)), float(self.card["temperature"]))


def large_text(kind: Kind) -> str:
    """Give the text whose vector the head reads: the program's words, a colon, the message's words."""
    return f"{_app_words(kind)}: {encoder_text(kind)}"


def averaged(head: npt.ArrayLike, tiny: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Average two models' log-probabilities (n, leaves).

    Over folds by program, leaf macro-F1 was .672 of tiny, .575 of the head and .698 of both; .4 or .6 gave no more.
    """
    return 0.5 * np.asarray(head, np.float64) + 0.5 * np.asarray(tiny, np.float64)


def cooled(logits: npt.NDArray[np.float64], temperature: float) -> npt.NDArray[np.float64]:
    """Softmax of logits / temperature, row by row."""
    x = logits / temperature
    e = np.exp(x - x.max(1, keepdims=True))
    return np.asarray(e / e.sum(1, keepdims=True))


def _app_words(kind: Kind) -> str:
    words = input_text(kind).partition(SECTION)[0].replace(b"\x01", b" ")
    return b" ".join(words.split()).decode("utf-8", "replace")


def _check(folder: Path, card: dict[str, Any], beside: dict[str, str]) -> None:
    """Refuse a head that was trained beside other models, or for another taxonomy."""
    for name, found in beside.items():
        if (wanted := card.get("beside", {}).get(name)) != found:
            raise ModelError(f"{folder}: trained beside {name} {str(wanted)[:8]}, not {found[:8]}; train it anew")
    if strange := [label for label in card["labels"] if label not in taxonomy().leaves]:
        raise ModelError(f"{folder}: made for another taxonomy ({', '.join(strange[:3])} is no leaf); train it again")


def _options() -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.enable_cpu_mem_arena = False
    return options
