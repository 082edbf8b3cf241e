"""The small stage: a few layers of the large one's network, taught by it, averaged with the tiny stage."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from classifiers.answers import belongs, beside_tiny, labels_of, verdicts
from classifiers.card import MODELS, checked_bytes, identity, read_card
from classifiers.encoder import MOST_TOKENS, TOKENIZER_FILE
from classifiers.session import session
from classifiers.text import sentence
from classifiers.tiny import MODEL_FILE as TINY_FILE
from classifiers.tiny import Tiny
from schemas.registry import Kind, Verdict

MODEL_FILE = "model.onnx"
F64 = npt.NDArray[np.float64]


class Small:
    """A loaded network, and the tiny model beside which it was calibrated.

    `floor` is the confidence under which its card advises to answer `unknown`.

    Raises:
        ModelError: a file is changed, or the tiny model is not the one of the card.
    """

    name = "small"

    def __init__(self, folder: Path, tiny: Tiny) -> None:
        from tokenizers import Tokenizer  # here, since few processes need it

        self._folder, self._tiny = folder, tiny
        self.card = read_card(folder)
        belongs(folder, self.card, {"tiny": tiny.card["files"][TINY_FILE]})
        self.labels = labels_of(folder, self.card)
        self.floor = float(self.card["floor"])
        self.model = f"small:{identity(self.card)}"
        self._tokens: Any = Tokenizer.from_str(checked_bytes(folder, self.card, TOKENIZER_FILE).decode())
        self._tokens.enable_truncation(MOST_TOKENS)
        self._tokens.no_padding()
        self._session = session(checked_bytes(folder, self.card, MODEL_FILE))

    @staticmethod
    def load(folder: Path | None = None, tiny: Tiny | None = None) -> "Small":
        """Load a model folder, None: the packaged one; and unless given, the tiny model in the folder next to it.

        Raises:
            ModelError: a file is missing, changed, or does not belong to the other.
        """
        folder = MODELS / "small" if folder is None else folder
        return Small(folder, tiny or Tiny.load(folder.parent / "tiny"))

    def __reduce__(self) -> tuple[Any, ...]:
        return Small, (self._folder, self._tiny)

    def classify(self, kinds: Sequence[Kind]) -> list[Verdict | None]:
        """Give the likeliest leaf of every kind, with its confidence."""
        return verdicts(self.scores(kinds), self.card, self.name, self.model)

    def scores(self, kinds: Sequence[Kind]) -> F64:
        """Probabilities (n, leaves), columns in the order of `labels`; rows sum to 1."""
        return beside_tiny(self.alone(kinds), self._tiny.scores(kinds), self.card)

    def alone(self, kinds: Sequence[Kind]) -> F64:
        """Log-probabilities (n, leaves) of the network by itself, without tiny; asked of one kind at a time."""
        out = np.zeros((len(kinds), len(self.labels)))
        for row, kind in zip(out, kinds, strict=True):
            ids = np.array(self._tokens.encode(sentence(kind)).ids, np.int64)
            row[:] = self._session.run(None, {"input_ids": ids})[0][0]
        return out
