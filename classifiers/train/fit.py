"""Fit the linear model: multinomial logistic regression on hashed features, solved among the rows.

There are far fewer rows than features, so the weights are sought in the span of the rows: with the Gram matrix
K = L L', the rows of L are as good as the features, and the table of weights follows from the solution.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.linalg
import scipy.optimize
import scipy.sparse

F32 = npt.NDArray[np.float32]
I64 = npt.NDArray[np.int64]
_RIDGE = 5e-5  # on the diagonal of K, against equal rows
_SPARE = 0.5  # added to each class's count for its bias


@dataclass(frozen=True)
class Settings:
    """`strength`: greater trusts the rows more, the prior less. `iterations` of L-BFGS. `balance` in [0, 1]: how far
    rare classes are weighted up.
    """

    strength: float
    iterations: int
    balance: float


@dataclass(frozen=True)
class Rows:
    """Training rows in the span of all of them: `basis` (n, n) with basis @ basis.T = K, `features` (n, buckets)."""

    features: Any
    basis: F32

    @staticmethod
    def of(features: Any) -> "Rows":
        """Factor the Gram matrix of a scipy CSR matrix."""
        used, places = np.unique(features.indices, return_inverse=True)
        shape = (features.shape[0], len(used))
        dense = scipy.sparse.csr_matrix((features.data, places, features.indptr), shape=shape)
        gram = np.asarray((dense @ dense.T).todense(), np.float64)
        gram[np.diag_indices_from(gram)] += _RIDGE
        return Rows(features, scipy.linalg.cholesky(gram, lower=True).astype(np.float32))

    def table(self, weights: F32) -> F32:
        """Turn weights in the basis, (n, classes), into weights of the features, (buckets, classes)."""
        dual = scipy.linalg.solve_triangular(self.basis.T.astype(np.float64), weights.astype(np.float64), lower=False)
        return np.asarray(self.features.T @ dual, np.float32)


def logistic(basis: F32, classes: I64, count: int, row_weight: F32, settings: Settings) -> tuple[F32, F32]:
    """Fit weights (width, count) and bias (count,) by L-BFGS from zero; the same input gives the same output."""
    weight = _balanced(classes, count, row_weight, settings.balance)[:, None]
    wanted = np.zeros((len(classes), count), np.float32)
    wanted[np.arange(len(classes)), classes] = 1.0
    total = float(weight.sum())
    bias = np.log(((weight * wanted).sum(0) + _SPARE) / (total + _SPARE * count)).astype(np.float32)

    def loss(flat: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        table = flat.reshape(basis.shape[1], count).astype(np.float32)
        logits = basis @ table + bias
        logits -= logits.max(1, keepdims=True)
        log_p = logits - np.log(np.exp(logits).sum(1, keepdims=True))
        value = -(weight * wanted * log_p).sum() + (table * table).sum() / (2 * settings.strength)
        slope = basis.T @ (weight * (np.exp(log_p) - wanted)) + table / settings.strength
        return float(value) / total, (slope.ravel() / total).astype(np.float64)

    start = np.zeros(basis.shape[1] * count)
    options = {"maxiter": settings.iterations, "maxcor": 8}
    best = scipy.optimize.minimize(loss, start, jac=True, method="L-BFGS-B", options=options)
    return best.x.reshape(basis.shape[1], count).astype(np.float32), bias


def _balanced(classes: I64, count: int, row_weight: F32, balance: float) -> F32:
    mass = np.bincount(classes, row_weight, minlength=count)
    mass[mass == 0] = 1.0
    return np.asarray(row_weight * (mass.mean() / mass[classes]) ** balance, np.float32)
