"""Fit the linear model: multinomial logistic regression on sparse hashed features, towards labels or soft targets."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.optimize

F32 = npt.NDArray[np.float32]
I64 = npt.NDArray[np.int64]
_SPARE = 0.5  # added to each class's count for its bias


@dataclass(frozen=True)
class Settings:
    """`strength`: greater trusts the rows more, the prior less. `iterations` of L-BFGS. `balance` in [0, 1]: how far
    rare classes are weighted up.
    """

    strength: float
    iterations: int
    balance: float


def one_hot(classes: I64, count: int) -> F32:
    """Write labels as targets (n, count), each row 1 at its class."""
    wanted = np.zeros((len(classes), count), np.float32)
    wanted[np.arange(len(classes)), classes] = 1.0
    return wanted


def logistic(features: Any, wanted: F32, row_weight: F32, settings: Settings) -> tuple[F32, F32]:
    """Fit weights (buckets, classes) and bias (classes,) by L-BFGS from zero; the same input gives the same output.

    Args:
        features: scipy CSR matrix (n, buckets), float32. wanted: (n, classes), rows sum to 1.
        row_weight: (n,), how much each row counts before rare classes are weighted up.
    """
    weight = _balanced(wanted, row_weight, settings.balance)[:, None]
    total, count = float(weight.sum()), wanted.shape[1]
    bias = np.log(((weight * wanted).sum(0) + _SPARE) / (total + _SPARE * count)).astype(np.float32)
    turned = features.T.tocsr()

    def loss(flat: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        table = flat.reshape(features.shape[1], count).astype(np.float32)
        logits = features @ table + bias
        logits -= logits.max(1, keepdims=True)
        log_p = logits - np.log(np.exp(logits).sum(1, keepdims=True))
        value = -(weight * wanted * log_p).sum() + (table * table).sum() / (2 * settings.strength)
        slope = turned @ (weight * (np.exp(log_p) - wanted)) + table / settings.strength
        return float(value) / total, (slope.ravel() / total).astype(np.float64)

    start = np.zeros(features.shape[1] * count)
    options = {"maxiter": settings.iterations, "maxcor": 8}
    best = scipy.optimize.minimize(loss, start, jac=True, method="L-BFGS-B", options=options)
    return best.x.reshape(features.shape[1], count).astype(np.float32), bias


def _balanced(wanted: F32, row_weight: F32, balance: float) -> F32:
    """Weight rows up by how rare what they want is."""
    mass = (wanted * row_weight[:, None]).sum(0)
    mass[mass == 0] = 1.0
    return np.asarray(row_weight * (wanted @ (mass.mean() / mass) ** balance), np.float32)
