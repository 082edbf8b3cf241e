"""Model cards: what a packaged model is, and the check that its file is the one the card speaks of."""

import hashlib
import json
from pathlib import Path
from typing import Any

MODELS = Path(__file__).with_name("models")
CARD = "card.json"


_DECIDES = ("files", "beside", "labels", "recipe", "rarity", "weight_of_tiny", "temperature", "confidence", "floor")
"""What of a card decides a model's answers; the rest tells how it was made and how it scores."""


class ModelError(ValueError):
    """A model that cannot be used; the message says which file, why, and what would be right."""


def read_card(folder: Path) -> dict[str, Any]:
    """Read the card of a model folder.

    Raises:
        ModelError: no card, or none that can be read.
    """
    path = folder / CARD
    try:
        card: dict[str, Any] = json.loads(path.read_bytes())
    except OSError as error:
        raise ModelError(
            f"{path}: {error.strerror or error}; a folder with {CARD} and model.onnx would be right"
        ) from None
    except ValueError as error:
        raise ModelError(f"{path}: not a model card: {error}") from None
    if not isinstance(card, dict) or not isinstance(card.get("files"), dict):
        raise ModelError(f"{path}: not a model card: no `files`")
    return card


def checked_bytes(folder: Path, card: dict[str, Any], name: str) -> bytes:
    """Read one file of a model, if it is the one its card pins.

    Raises:
        ModelError: the file is missing, or its sha256 is not the card's; the message gives both.
    """
    path = folder / name
    wanted = card["files"].get(name)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror or error}; train or install the model again") from None
    found = hashlib.sha256(data).hexdigest()
    if found != wanted:
        raise ModelError(f"{path}: sha256 {found} is not the {wanted} of its card; train or install the model again")
    return data


def identity(card: dict[str, Any]) -> str:
    """Tell models apart by all that decides their answers, the calibration in the card too: 8 hex digits.

    Exit scores and certificates hold for the model they were made with, so one that was calibrated anew is another.
    """
    told = {name: card[name] for name in _DECIDES if name in card}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:8]
