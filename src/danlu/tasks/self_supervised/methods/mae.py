"""Masked autoencoding: most patches are hidden, the encoder sees the others, a light decoder paints what is hidden (He et al. 2022)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from danlu.nn.nets.vit import Layer, Vit, sines
from danlu.nn.terms.base import Term
from danlu.tasks.self_supervised.learner import Learner

if TYPE_CHECKING:
    from danlu.data.batches.batch import Batch


class Masked(Learner):
    """{"pixels", "truth": (B, painted, C·patch²)}: what the decoder paints, and the patches as the net's normalisation gives them.

    narrow: width of the decoder's tokens. normalized: of each patch that is painted mean and deviation are taken away before.
    """

    def __init__(
        self, encoder: nn.Module, body: Vit, width: int, narrow: int = 64, *, normalized: bool = False
    ) -> None:
        super().__init__(encoder)
        self.normalized = normalized
        self.narrow = nn.Linear(width, narrow)
        self.hidden = nn.Parameter(torch.zeros(narrow))
        nn.init.normal_(self.hidden, std=0.02)
        self.decode = Layer(narrow, 4, 0.0)
        self.norm = nn.LayerNorm(narrow)
        self.head = nn.Linear(narrow, body.stem.in_channels * body.patch**2)
        self.register_buffer("places", sines(body.grid, narrow), persistent=False)
        self.places: Tensor

    def forward(self, image: Tensor, visible: Tensor | None = None, hidden: Tensor | None = None) -> dict[str, Tensor]:
        found = {} if self.training else {"embedding": self.embed(image)}
        if visible is not None and hidden is not None:
            front, body = self.encoder.children()
            assert isinstance(body, Vit)
            normal = front(image)
            truth = F.unfold(normal, body.patch, stride=body.patch).transpose(1, 2)
            seen = self.narrow(body.encode(taken(body.tokens(normal), visible))) + self.places[visible]
            asked = self.hidden + self.places[hidden]
            painted = self.norm(self.decode(torch.cat([seen, asked], 1)))[:, visible.shape[1] :]
            truth = taken(truth, hidden).detach()
            found |= {"pixels": self.head(painted), "truth": alone(truth) if self.normalized else truth}
        return found


class HiddenPixels(Term):
    """The mean squared error of a hidden patch's pixels, summed over the hidden patches that are painted; C counts them."""

    def count(self, batch: Batch) -> Tensor:
        hidden: Tensor = batch["hidden"]  # type: ignore[assignment]
        return torch.tensor(float(hidden.numel()), dtype=torch.float64, device=hidden.device)

    def forward(self, outputs: Any, batch: Batch) -> Tensor:
        pixels = self.pick(outputs)
        truth: Tensor = outputs["truth"]
        return (pixels - truth.to(pixels.dtype)).square().mean(2).sum()


def alone(patches: Tensor) -> Tensor:
    """(B, n, P) → the same shape: each patch with a mean of 0 and a variance of 1, or of 0 where all its pixels are equal."""
    mean, variance = patches.mean(2, keepdim=True), patches.var(2, keepdim=True, unbiased=False)
    return (patches - mean) / (variance + 1e-6).sqrt()


def taken(tokens: Tensor, places: Tensor) -> Tensor:
    """(B, N, D) at int64 (B, n) → (B, n, D)."""
    return tokens.gather(1, places[:, :, None].expand(-1, -1, tokens.shape[2]))
