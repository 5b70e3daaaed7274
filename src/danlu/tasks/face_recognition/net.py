"""Features → an embedding of length 1, and its cosine to the centre of every identity that is learnt."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from danlu.nn.embedding.ranking import all_scores


class Neck(nn.BatchNorm1d):
    """Batch norm of features (B, D) without a scale; a training batch of one, which has no variance, takes the running statistics."""

    def __init__(self, dimensions: int) -> None:
        super().__init__(dimensions)
        self.weight.requires_grad_(False)

    def forward(self, input: Tensor) -> Tensor:
        if self.training and len(input) == 1:
            return F.batch_norm(input, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
        return super().forward(input)


class Embedder(nn.Module):
    """Images → {"embedding": (B, D) of length 1, "cosine": (B, K)}, float32 under autocast too: in bfloat16 angles below 3° are 0.

    body: images → features (B, D). centres: K, one for each identity that is learnt (Deng et al. 2019).
    """

    def __init__(self, body: nn.Module, dimensions: int, centres: int) -> None:
        super().__init__()
        self.body = body
        self.neck = Neck(dimensions)
        self.centres = nn.Parameter(torch.empty(centres, dimensions))
        nn.init.normal_(self.centres, std=0.01)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        features = self.body(image)
        if features.dtype in (torch.bfloat16, torch.float16):
            features = features.float()
        embedding = F.normalize(self.neck(features))
        return {"embedding": embedding, "cosine": all_scores(embedding, F.normalize(self.centres))}
