"""Met or not, each item by itself: the logistic loss with drawn items (He et al. 2017)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from danlu.nn.terms._drawn import Drawn


class Pointwise(Drawn):
    """(-log σ(met) - Σ log(1 - σ(other))) / (1 + n); where all items are scored, as if one of them were drawn."""

    def loss(self, met: Tensor, others: Tensor) -> Tensor:
        each = F.softplus(others)
        drawn = each.shape[1] if each.shape[1] <= _DRAWN else 1
        return (F.softplus(-met) + each.mean(1) * drawn) / (1 + drawn)


_DRAWN = 256  # more than that can't have been drawn: all were scored
