"""Focal loss: what is easy counts less (Lin et al. 2017)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from danlu.errors import RecipeError
from danlu.messages import say
from danlu.nn.terms._binary import answers, known
from danlu.nn.terms._classes import Classes

if TYPE_CHECKING:
    from danlu.data.batches.batch import Batch


class Focal(Classes):
    """(1 - p)^gamma · (-log p), where p is the probability given to the truth.

    classes: "exclusive" takes logits (B, K, …) beside labels or probabilities, as cross entropy; "independent" takes
    logits and yes-or-no answers of one shape, as binary cross entropy, and equals the guide's function.
    "auto" is independent where there is no class dimension (targets that are not labels of shape (B,), or labels of the
    logits' own shape) or ``alpha`` is given; real targets (B, K) with K > 1 are then taken as probabilities of exclusive classes.
    gamma: 0 is plain cross entropy. alpha: weight of a yes, 1 - alpha of a no (independent only; it scales the sum, the
    count stays the number of answers). class_weights, logit_offsets: exclusive only, as in cross entropy.
    Labels -1 (and NaN answers) are ignored. Raises RecipeError where shapes or arguments don't fit.
    """

    def __init__(
        self,
        target: str,
        output: str | None = None,
        *,
        gamma: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 2.0,
        alpha: Annotated[float, Field(gt=0, lt=1)] | None = None,
        class_weights: Sequence[Annotated[float, Field(ge=0, allow_inf_nan=False)]] | None = None,
        logit_offsets: Sequence[Annotated[float, Field(allow_inf_nan=False)]] | None = None,
        classes: Literal["auto", "exclusive", "independent"] = "auto",
        ignore: int = -1,
    ) -> None:
        super().__init__(target, output, class_weights=class_weights, logit_offsets=logit_offsets, ignore=ignore)
        by_class = class_weights is not None or logit_offsets is not None
        if alpha is not None and (by_class or classes == "exclusive"):
            raise RecipeError.of("train.loss", say("nn.focal-alpha"), say("nn.focal-alpha-remedy"))
        if classes == "independent" and by_class:
            name = "class_weights" if class_weights is not None else "logit_offsets"
            raise RecipeError.of("train.loss", say("nn.focal-weights", name=name), say("nn.focal-weights-remedy"))
        self.gamma = gamma
        self.alpha = alpha
        self.classes = "independent" if alpha is not None else classes

    def count(self, batch: Batch) -> Tensor:
        target: Any = batch[self.target]
        # A label counts 1 either way, so that the logits' shape need not be known here.
        return known(target).sum().double() if self._independent(target) else super().count(batch)

    def forward(self, outputs: Any, batch: Batch) -> Tensor:
        target: Any = batch[self.target]
        logits = self.pick(outputs)
        return self._answers(logits, target) if self._independent(target, logits) else self._labels(outputs, batch)

    def _independent(self, target: Tensor, logits: Tensor | None = None) -> bool:
        if self.classes != "auto":
            return self.classes == "independent"
        if target.is_floating_point():
            return target.ndim == 1 or target.shape[1] == 1  # of one class alone, cross entropy is always 0
        return logits is not None and logits.shape == target.shape

    def _answers(self, logits: Tensor, target: Tensor) -> Tensor:
        logits, target, there = answers(self, logits, target)
        bce = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
        loss = self._focus(bce)
        if self.alpha is not None:
            loss = loss * (self.alpha * target + (1 - self.alpha) * (1 - target))
        return torch.where(there, loss, 0.0).sum()

    def _labels(self, outputs: Any, batch: Batch) -> Tensor:
        logits, target = self.both(outputs, batch)
        loss = self._focus(-F.log_softmax(logits, 1))
        if target.is_floating_point():
            return (self._weighted(target, logits.dtype) * loss).sum()
        kept = target != self.ignore
        label = torch.where(kept, target, 0)
        weight = self.weights(logits)
        scale = 1.0 if weight is None else weight[label]
        return torch.where(kept, scale * loss.gather(1, label[:, None])[:, 0], 0.0).sum()

    def _focus(self, cross: Tensor) -> Tensor:
        """(1 - p)^gamma · cross, with p = exp(-cross)."""
        missed = -torch.expm1(-cross)
        if self.gamma < 1:  # the power's slope at 0 is infinite
            missed = missed.clamp_min(torch.finfo(missed.dtype).eps)
        return missed**self.gamma * cross

    def extra_repr(self) -> str:
        return f"gamma={self.gamma}, alpha={self.alpha}, classes={self.classes!r}"
