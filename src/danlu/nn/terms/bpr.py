"""Bayesian personalised ranking: what was met should score above what was not (Rendle et al. 2009)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from danlu.nn.terms._drawn import Drawn


class Bpr(Drawn):
    """-log σ(met - other), the mean over the others."""

    def loss(self, met: Tensor, others: Tensor) -> Tensor:
        return F.softplus(others - met[:, None]).mean(1)
