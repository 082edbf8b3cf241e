"""The packaged models: what their cards say, and whether their files are whole."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from classifiers.card import CARD, MODELS, ModelError, checked_bytes, read_card


@dataclass(frozen=True)
class Listed:
    """One model. `size` is the bytes of all its files; `fault` says what is wrong with them, None: nothing."""

    name: str
    folder: Path
    size: int
    card: dict[str, Any]
    fault: str | None


def packaged(root: Path = MODELS) -> list[Listed]:
    """List the models under a folder, by name, each with its files checked against its card."""
    return [_listed(path.parent) for path in sorted(root.glob(f"*/{CARD}"))]


def _listed(folder: Path) -> Listed:
    try:
        card = read_card(folder)
    except ModelError as error:
        return Listed(folder.name, folder, 0, {}, str(error))
    size, faults = 0, []
    for name in card["files"]:
        try:
            size += len(checked_bytes(folder, card, name))
        except ModelError as error:
            faults.append(str(error))
    return Listed(folder.name, folder, size, card, "\n".join(faults) or None)
