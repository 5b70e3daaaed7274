"""What a metric's name says about its number: which way is better, and whether it is a share."""

from __future__ import annotations

from typing import Literal

_BY_CLASS = frozenset(("iou", "dice"))  # before a class's name
_SMALL = frozenset(
    (
        *("mse", "rmse", "mae", "log-loss", "brier", "ece", "eer", "smallest-far", "normalised-entropy"),
        *("missed", "wrong-class", "poor-box", "double", "background"),
        *("perplexity", "ter"),
    )
)
_SHARES = frozenset(
    (
        *("accuracy", "top5", "balanced-accuracy", "macro-f1", "f1", "precision", "recall", "auc"),
        *("ap", "ap50", "ap75", "ap-small", "ap-medium", "ap-large"),
        *("ar", "ar1", "ar10", "ar-small", "ar-medium", "ar-large"),
        *("micro-f1", "map", "subset-accuracy", "hamming-loss"),
        *("eer", "rank1", "gauc"),
        *("miou", "iou", "dice", "pixel-accuracy"),
        *("probe-accuracy", "knn-accuracy", "untrained-probe-accuracy", "untrained-knn-accuracy"),
    )
)
_AT = frozenset(("tar", "recall", "ndcg", "mrr", "map", "hit", "precision", "coverage"))  # before "@"


def better(name: str) -> Literal[1, -1]:
    """+1 where larger is better, -1 for losses and errors. name: with or without its part, "val/accuracy" or "accuracy"."""
    last = name.rpartition("/")[2]
    return -1 if "loss" in name or last in _SMALL else 1


def at_one(name: str) -> bool:
    """Whether it is right where it is 1, and wrong on either side."""
    return name.rpartition("/")[2] == "click-ratio"


def within(name: str, bounds: tuple[float, float]) -> tuple[float, float]:
    """Bounds of a difference between two values of a metric, which for shares lies between -1 and 1, few samples or not."""
    if not is_share(name) or any(bound != bound for bound in bounds):
        return bounds
    return (max(-1.0, bounds[0]), min(1.0, bounds[1]))


def is_share(name: str) -> bool:
    """Whether it is a share of 1, whose differences are told in points (hundredths)."""
    pieces = name.split("/")
    if "loss" in pieces[:-1]:
        return False
    last = pieces[-2] if len(pieces) > 1 and pieces[-2] in _BY_CLASS else pieces[-1]
    return last in _SHARES or last.partition("@")[0] in _AT or any(piece.startswith("ndcg@") for piece in pieces)
