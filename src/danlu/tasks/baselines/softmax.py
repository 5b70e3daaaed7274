"""Multinomial logistic regression, by L-BFGS with a bound on its passes over the data."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

_MEMORY = 10
Objective = Callable[[np.ndarray], tuple[float, np.ndarray]]


class Softmax:
    """Least mean cross entropy plus alpha/2 times the squared weights (no penalty on biases).

    scikit-learn's ``LogisticRegression`` with C = 1 / (alpha·N). weights: float64 (D + 1, K), the biases last.
    """

    def __init__(self, dimensions: int, classes: int) -> None:
        self.weights = np.zeros((dimensions + 1, classes))

    def fit(
        self,
        values: np.ndarray,
        labels: np.ndarray,
        alpha: float,
        passes: int,
        tolerance: float = 1e-4,
        tell: Callable[[int], None] | None = None,
    ) -> int:
        """Goes on from the present weights; how many passes it took. values: (N, D). labels: int64 (N,) in 0…K-1.

        tell: is given the number of passes after each.
        """
        rows = np.arange(len(labels))
        shape = self.weights.shape

        done = 0

        def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
            nonlocal done
            weights = flat.reshape(shape)
            logits = values @ weights[:-1].astype(values.dtype) + weights[-1].astype(values.dtype)
            logits -= logits.max(1, keepdims=True)
            given = logits[rows, labels].copy()
            np.exp(logits, out=logits)
            total = logits.sum(1, keepdims=True)
            loss = float((np.log(total[:, 0]) - given).mean(dtype=np.float64))
            logits /= total
            logits[rows, labels] -= 1
            slope = np.empty(shape)
            slope[:-1] = values.T @ logits
            slope[-1] = logits.sum(0)
            slope /= len(labels)
            slope[:-1] += alpha * weights[:-1]
            done += 1
            if tell is not None:
                tell(done)
            return loss + alpha / 2 * float(np.square(weights[:-1]).sum()), slope.reshape(-1)

        found, used = minimise(objective, self.weights.reshape(-1), passes, tolerance)
        self.weights = found.reshape(shape)
        return used

    def probability(self, values: np.ndarray) -> np.ndarray:
        """float32 (N, K). values: (N, D)."""
        logits = values @ self.weights[:-1].astype(values.dtype) + self.weights[-1].astype(values.dtype)
        logits -= logits.max(1, keepdims=True)
        np.exp(logits, out=logits)
        logits /= logits.sum(1, keepdims=True)
        return np.asarray(logits, np.float32)


def minimise(objective: Objective, start: np.ndarray, passes: int, tolerance: float) -> tuple[np.ndarray, int]:
    """L-BFGS (Nocedal & Wright, Numerical Optimization, 2006, algorithm 7.4) with backtracking, for a convex function.

    Ends where no component of the gradient is larger than ``tolerance``, nothing more is gained, or ``passes`` are used up.
    """
    at = start.astype(np.float64)
    value, slope = objective(at)
    used = 1
    steps: list[tuple[np.ndarray, np.ndarray, float]] = []
    while used < passes and np.abs(slope).max() > tolerance:
        way = _direction(slope, steps)
        fall = float(way @ slope)
        if fall >= 0:  # rounding spoilt the memory
            steps, way = [], -slope
            fall = float(way @ slope)
        length = 1.0 if steps else min(1.0, 1.0 / float(np.abs(slope).sum()))
        while True:
            new = at + length * way
            new_value, new_slope = objective(new)
            used += 1
            if new_value <= value + 1e-4 * length * fall or used >= passes or length < 1e-10:
                break
            length /= 2
        if not new_value < value:
            break
        moved, turned = new - at, new_slope - slope
        bend = float(moved @ turned)
        if bend > 1e-12 * float(turned @ turned):
            steps = [*steps[-(_MEMORY - 1) :], (moved, turned, 1 / bend)]
        at, value, slope = new, new_value, new_slope
    return at, used


def _direction(slope: np.ndarray, steps: list[tuple[np.ndarray, np.ndarray, float]]) -> np.ndarray:
    """Minus the inverse Hessian, as the remembered steps know it, times the gradient."""
    way = -slope
    shares = []
    for moved, turned, inverse in reversed(steps):
        share = inverse * float(moved @ way)
        shares.append(share)
        way -= share * turned
    if steps:
        moved, turned, inverse = steps[-1]
        way /= inverse * float(turned @ turned)
    for (moved, turned, inverse), share in zip(steps, reversed(shares), strict=True):
        way += moved * (share - inverse * float(turned @ way))
    return way
