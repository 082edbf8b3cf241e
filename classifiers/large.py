"""The large stage: a linear head on the vector of a fine-tuned sentence encoder, averaged with the tiny stage."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from classifiers.answers import belongs, beside_tiny, labels_of, verdicts
from classifiers.card import MODELS, checked_bytes, identity, read_card
from classifiers.encoder import MODEL_FILE as ENCODER_FILE
from classifiers.encoder import Encoder
from classifiers.session import session
from classifiers.text import sentence
from classifiers.tiny import MODEL_FILE as TINY_FILE
from classifiers.tiny import Tiny
from schemas.registry import Kind, Verdict

MODEL_FILE = "model.onnx"
F64 = npt.NDArray[np.float64]


class Large:
    """A loaded head, with the encoder that it belongs to and the tiny model beside which it was calibrated.

    `floor` is the confidence under which its card advises to answer `unknown`.

    Raises:
        ModelError: a file is changed, or the encoder or the tiny model is not the one of the card.
    """

    name = "large"

    def __init__(self, folder: Path, encoder: Encoder, tiny: Tiny) -> None:
        self._folder, self._encoder, self._tiny = folder, encoder, tiny
        self.card = read_card(folder)
        beside = {"encoder": encoder.card["files"][ENCODER_FILE], "tiny": tiny.card["files"][TINY_FILE]}
        belongs(folder, self.card, beside)
        self.labels = labels_of(folder, self.card)
        self.floor = float(self.card["floor"])
        self.model = f"large:{identity(self.card)}"
        self._session = session(checked_bytes(folder, self.card, MODEL_FILE))

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
        return verdicts(self.scores(kinds), self.card, self.name, self.model)

    def scores(self, kinds: Sequence[Kind]) -> F64:
        """Probabilities (n, leaves), columns in the order of `labels`; rows sum to 1."""
        return beside_tiny(self.alone(kinds), self._tiny.scores(kinds), self.card)

    def alone(self, kinds: Sequence[Kind]) -> F64:
        """Log-probabilities (n, leaves) of the network by itself, without tiny."""
        vectors = self._encoder.vectors([sentence(kind) for kind in kinds])
        rows = [self._session.run(None, {"vector": vectors[i : i + 1]})[0][0] for i in range(len(kinds))]
        return np.asarray(rows, np.float64).reshape(len(kinds), len(self.labels))
