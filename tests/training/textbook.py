"""The textbook's losses: means over a whole batch, by torch.nn.functional alone; and targets with unknown entries to try them on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

CLASSES = 4
WEIGHTS = [0.2, 3.0, 1.0, 0.7]
ANSWERS = [0.5, 2.0, 4.0, 1.5]

Draw = torch.Generator
Mean = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Case:
    """loss: its name in the catalogue, with args. shape: of one sample's output. target: (count, draw) → targets with some unknown.

    hide: makes whole samples unknown. mean: the loss of a batch (outputs, targets), nan or 0 where nothing is known.
    """

    loss: str
    shape: tuple[int, ...]
    target: Callable[[int, Draw], Tensor]
    mean: Mean
    hide: Callable[[Tensor], Tensor]
    args: Mapping[str, Any] = field(default_factory=dict)


# ---- targets --------------------------------------------------------------------------------------------------------


def labels(*shape: int) -> Callable[[int, Draw], Tensor]:
    """int64 (count, *shape), a fifth of them -1."""

    def made(count: int, draw: Draw) -> Tensor:
        found = torch.randint(0, CLASSES, (count, *shape), generator=draw)
        return torch.where(torch.rand(count, *shape, generator=draw) < 0.2, -1, found)

    return made


def rows_of_probability(count: int, draw: Draw) -> Tensor:
    """float32 (count, CLASSES): mixed pairs, some of which lack one of the two (their sum is below 1)."""
    share = torch.rand(count, 1, generator=draw)
    one, two = (labels()(count, draw) for _ in range(2))
    hot = [F.one_hot(each.clamp(min=0), CLASSES) * (each >= 0)[:, None] for each in (one, two)]
    return share * hot[0] + (1 - share) * hot[1]


def numbers(*shape: int) -> Callable[[int, Draw], Tensor]:
    """float32 (count, *shape), a fifth of them NaN."""

    def made(count: int, draw: Draw) -> Tensor:
        found = torch.randn(count, *shape, generator=draw) * 2
        return torch.where(torch.rand(count, *shape, generator=draw) < 0.2, torch.nan, found)

    return made


def answers(*shape: int) -> Callable[[int, Draw], Tensor]:
    """float32 (count, *shape) of 0, 1 and what lies between, a fifth of them unknown: NaN."""

    def made(count: int, draw: Draw) -> Tensor:
        found = (torch.rand(count, *shape, generator=draw) * 1.5).clamp(max=1.0)
        return torch.where(torch.rand(count, *shape, generator=draw) < 0.2, torch.nan, found)

    return made


def as_label(target: Tensor) -> Tensor:
    return torch.full_like(target, -1)


def as_nothing(target: Tensor) -> Tensor:
    return torch.zeros_like(target)


def as_nan(target: Tensor) -> Tensor:
    return torch.full_like(target, torch.nan)


# ---- means ----------------------------------------------------------------------------------------------------------


def cross_entropy(weights: bool = False, smoothing: float = 0.0) -> Mean:
    def mean(output: Tensor, target: Tensor) -> Tensor:
        weight = output.new_tensor(WEIGHTS) if weights else None
        return F.cross_entropy(output, target, weight, ignore_index=-1, label_smoothing=smoothing)

    return mean


def soft_cross_entropy(weights: bool = False, smoothing: float = 0.0) -> Mean:
    """Σ w·q·(-log p) / Σ w·q, where q is the row with its mass spread by ``smoothing`` (in the denominator: as it came)."""

    def mean(output: Tensor, target: Tensor) -> Tensor:
        weight = output.new_tensor(WEIGHTS if weights else [1.0] * CLASSES)
        target = target.to(output.dtype)
        spread = (1 - smoothing) * target + smoothing * target.sum(1, keepdim=True) / CLASSES
        return -(weight * spread * output.log_softmax(1)).sum() / (weight * target).sum()

    return mean


def focal(gamma: float, weights: bool = False) -> Mean:
    def mean(output: Tensor, target: Tensor) -> Tensor:
        weight = output.new_tensor(WEIGHTS if weights else [1.0] * CLASSES)
        known = target >= 0
        p = output.softmax(1).movedim(1, -1)[known].gather(1, target[known][:, None])[:, 0]
        w = weight[target[known]]
        return -(w * (1 - p) ** gamma * p.log()).sum() / w.sum()

    return mean


def soft_focal(gamma: float) -> Mean:
    def mean(output: Tensor, target: Tensor) -> Tensor:
        target, p = target.to(output.dtype), output.softmax(1)
        return -(target * (1 - p) ** gamma * p.log()).sum() / target.sum()

    return mean


def focal_answers(gamma: float, alpha: float | None = None) -> Mean:
    """The guide's function: (1 - e^-bce)^gamma · bce, weighted by alpha."""

    def mean(output: Tensor, target: Tensor) -> Tensor:
        known = ~target.isnan()
        x, y = output[known], target[known].to(output.dtype)
        bce = F.binary_cross_entropy_with_logits(x, y, reduction="none")
        weight = 1.0 if alpha is None else alpha * y + (1 - alpha) * (1 - y)
        return (weight * (1 - torch.exp(-bce)) ** gamma * bce).mean()

    return mean


def binary_cross_entropy(pos_weight: float | list[float] | None = None) -> Mean:
    def mean(output: Tensor, target: Tensor) -> Tensor:
        known = ~target.isnan()
        weight = None if pos_weight is None else output.new_tensor(pos_weight).expand_as(output)[known]
        return F.binary_cross_entropy_with_logits(output[known], target[known].to(output.dtype), pos_weight=weight)

    return mean


def regression(function: Callable[..., Tensor], **options: float) -> Mean:
    def mean(output: Tensor, target: Tensor) -> Tensor:
        known = ~target.isnan()
        return function(output[known], target[known].to(output.dtype), **options)

    return mean


_DENSE = (CLASSES, 2, 3)
_SMOOTH = {"label_smoothing": 0.1}
_WEIGHED = {"class_weights": WEIGHTS}

CASES: dict[str, Case] = {
    "cross-entropy": Case("cross-entropy", (CLASSES,), labels(), cross_entropy(), as_label),
    "cross-entropy, weights": Case(
        "cross-entropy", (CLASSES,), labels(), cross_entropy(weights=True), as_label, _WEIGHED
    ),
    "cross-entropy, smoothing": Case(
        "cross-entropy", (CLASSES,), labels(), cross_entropy(smoothing=0.1), as_label, _SMOOTH
    ),
    "cross-entropy, both": Case(
        "cross-entropy", (CLASSES,), labels(), cross_entropy(True, 0.1), as_label, _WEIGHED | _SMOOTH
    ),
    "cross-entropy, dense, both": Case(
        "cross-entropy", _DENSE, labels(2, 3), cross_entropy(True, 0.1), as_label, _WEIGHED | _SMOOTH
    ),
    "cross-entropy, mixed": Case(
        "cross-entropy", (CLASSES,), rows_of_probability, soft_cross_entropy(), as_nothing
    ),
    "cross-entropy, mixed, both": Case(
        "cross-entropy", (CLASSES,), rows_of_probability, soft_cross_entropy(True, 0.1), as_nothing, _WEIGHED | _SMOOTH
    ),
    "focal": Case("focal", (CLASSES,), labels(), focal(2.0), as_label),
    "focal, sharp, weights": Case(
        "focal", (CLASSES,), labels(), focal(0.5, weights=True), as_label, {"gamma": 0.5, **_WEIGHED}
    ),
    "focal, dense": Case("focal", _DENSE, labels(2, 3), focal(2.0), as_label),
    "focal, mixed": Case("focal", (CLASSES,), rows_of_probability, soft_focal(2.0), as_nothing),
    "focal, one answer": Case("focal", (), answers(), focal_answers(2.0), as_nan),
    "focal, answers, alpha": Case("focal", (4,), answers(4), focal_answers(1.5, 0.25), as_nan, {"gamma": 1.5, "alpha": 0.25}),
    "binary-cross-entropy": Case("binary-cross-entropy", (), answers(), binary_cross_entropy(), as_nan),
    "binary-cross-entropy, weight": Case(
        "binary-cross-entropy", (3,), answers(3), binary_cross_entropy(2.5), as_nan, {"pos_weight": 2.5}
    ),
    "binary-cross-entropy, weights": Case(
        "binary-cross-entropy", (4,), answers(4), binary_cross_entropy(ANSWERS), as_nan, {"pos_weight": ANSWERS}
    ),
    "mse": Case("mse", (), numbers(), regression(F.mse_loss), as_nan),
    "mse, many": Case("mse", (3,), numbers(3), regression(F.mse_loss), as_nan),
    "l1": Case("l1", (3,), numbers(3), regression(F.l1_loss), as_nan),
    "huber": Case("huber", (3,), numbers(3), regression(F.huber_loss, delta=0.7), as_nan, {"delta": 0.7}),
}  # fmt: skip
