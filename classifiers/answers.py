"""From the figures of a model to its answers: averages, temperatures, and the confidence that a card knows."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from classifiers.card import ModelError
from schemas.registry import Verdict
from schemas.taxonomy import taxonomy

F64 = npt.NDArray[np.float64]
LEAST = 1e-9
"""The least probability that enters a logarithm."""

_DIGITS = 4  # of a confidence: the last of a float32 depend on what else is in the batch


def labels_of(folder: Path, card: dict[str, Any]) -> tuple[str, ...]:
    """Read the labels of a card.

    Raises:
        ModelError: one is no leaf of this taxonomy.
    """
    labels = tuple(card["labels"])
    if strange := [label for label in labels if label not in taxonomy().leaves]:
        raise ModelError(f"{folder}: made for another taxonomy ({', '.join(strange[:3])} is no leaf); train it again")
    return labels


def verdicts(p: F64, card: dict[str, Any], stage: str, model: str) -> list[Verdict | None]:
    """Give the likeliest label of each row of `p` (n, labels), with the confidence that the card's line gives it."""
    knots = np.array(card["confidence"], np.float64).reshape(-1, 2)
    best = p.argmax(1)
    sure = np.interp(p[np.arange(len(p)), best], knots[:, 0], knots[:, 1])
    labels = card["labels"]
    return [
        Verdict(labels[i], round(float(c), _DIGITS), stage, model) for i, c in zip(best.tolist(), sure, strict=True)
    ]


def averaged(network: npt.ArrayLike, tiny: npt.ArrayLike, weight_of_tiny: float) -> F64:
    """Average two models' log-probabilities (n, labels); they err apart, for one reads words and one reads pieces."""
    return (1.0 - weight_of_tiny) * np.asarray(network, np.float64) + weight_of_tiny * np.asarray(tiny, np.float64)


def beside_tiny(network: F64, tiny: F64, card: dict[str, Any]) -> F64:
    """Average a network's log-probabilities with tiny's probabilities, both (n, labels), as the network's card says.

    Returns:
        (n, labels) probabilities; rows sum to 1.
    """
    return cooled(averaged(network, np.log(tiny + LEAST), card["weight_of_tiny"]), float(card["temperature"]))


def cooled(logits: F64, temperature: float) -> F64:
    """Softmax of logits / temperature, row by row."""
    x = logits / temperature
    e = np.exp(x - x.max(1, keepdims=True, initial=-np.inf))
    return np.asarray(e / e.sum(1, keepdims=True))


def belongs(folder: Path, card: dict[str, Any], beside: dict[str, str]) -> None:
    """Refuse a model that was calibrated beside other ones.

    Raises:
        ModelError: a sha256 is not the one of the card; the message gives both.
    """
    for name, found in beside.items():
        if (wanted := card.get("beside", {}).get(name)) != found:
            raise ModelError(f"{folder}: trained beside {name} {str(wanted)[:8]}, not {found[:8]}; train it anew")
