"""Made-up predictions: ties, absent classes, one class only, nothing at all."""

from __future__ import annotations

import numpy as np

from danlu.evaluation.predictions import ClassPredictions


def answered(
    n: int = 200,
    classes: int = 4,
    seed: int = 0,
    *,
    ties: bool = False,
    only: tuple[int, ...] = (),
    pairs: bool = False,
) -> tuple[ClassPredictions, np.ndarray, np.ndarray]:
    """(predictions, probability float32 (N, K), label (N,)). only: the classes that occur. ties: probabilities in tenths."""
    rng = np.random.default_rng(seed)
    label = rng.choice(only or classes, n)
    logits = rng.normal(size=(n, classes))
    logits[np.arange(n), label] += 1.0
    if ties:
        logits = np.round(logits)
    probability = np.exp(logits)
    probability = (probability / probability.sum(1, keepdims=True)).astype(np.float32)
    names = [f"class {index}" for index in range(classes)]
    ids = [f"sample/{index}" for index in range(n)]
    return ClassPredictions.of(ids, probability, label, names, "test"), probability, label


CASES = {
    "plain": {},
    "ties": {"ties": True, "n": 500},
    "absent classes": {"classes": 7, "only": (1, 2, 5)},
    "one class only": {"classes": 3, "only": (1,)},
    "two classes": {"classes": 2, "ties": True},
    "one sample": {"n": 1},
}
