"""A first convolution that whitens small patches, its filters computed from training images instead of learnt."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Whitening(nn.Module):
    """(B, C, H, W) float → (B, 2·C·kernel², H - kernel + 1, W - kernel + 1).

    Projections of each patch on the eigenvectors of the patches' covariance, divided by the root of their eigenvalues, and
    the same with the other sign, since a rectifier follows; a learnt bias begins at 0 (Jordan 2024, "94% on CIFAR-10 in 3.29
    seconds", airbench, after Page 2019). The filters are a buffer: :meth:`fit` computes them, nothing trains them.
    """

    weight: Tensor

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__()
        self.channels, self.kernel = channels, kernel
        count = channels * kernel * kernel
        filters = torch.eye(count).reshape(count, channels, kernel, kernel)
        self.register_buffer("weight", torch.cat([filters, -filters]))
        self.bias = nn.Parameter(torch.zeros(2 * count))

    @torch.no_grad()
    def fit(self, images: Tensor, eps: float = 5e-4) -> None:
        """images: (N, C, H, W) float, as the layer will see them. eps: added to the eigenvalues, so that noise stays small."""
        patches = F.unfold(images.float(), self.kernel).transpose(1, 2).reshape(-1, len(self.bias) // 2).double()
        values, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))
        values, vectors = values.flip(0), vectors.flip(1)  # the largest first
        largest = vectors.gather(0, vectors.abs().argmax(0, keepdim=True))
        filters = (vectors * largest.sign() / (values + eps).sqrt()).T  # eigenvectors have no sign of their own
        filters = filters.reshape(-1, self.channels, self.kernel, self.kernel)
        self.weight.copy_(torch.cat([filters, -filters]))

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"{self.channels}, kernel={self.kernel}"
