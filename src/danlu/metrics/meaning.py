"""What a metric's name says about its number: which way is better, and whether it is a share."""

from __future__ import annotations

from typing import Literal

_SMALL = frozenset(("mse", "rmse", "mae", "log-loss", "brier", "ece"))
_SHARES = frozenset(
    (
        *("accuracy", "top5", "balanced-accuracy", "macro-f1", "f1", "precision", "recall", "auc"),
        *("ap", "ap50", "ap75", "ar"),
    )
)


def better(name: str) -> Literal[1, -1]:
    """+1 where larger is better, -1 for losses and errors. name: with or without its part, "val/accuracy" or "accuracy"."""
    last = name.rpartition("/")[2]
    return -1 if "loss" in name or last in _SMALL else 1


def is_share(name: str) -> bool:
    """Whether it is a share of 1, whose differences are told in points (hundredths)."""
    return name.rpartition("/")[2] in _SHARES
