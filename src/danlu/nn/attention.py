"""Attention, chosen by device in one place."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from danlu.nn.dropout import drop


def attend(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, dropout: float = 0.0, *, causal: bool = False
) -> Tensor:
    """softmax(q·kᵀ / √d + mask)·v. q (B, H, S, d); k, v (B, H, T, d); mask: bool, True = seen, or float, to be added.

    causal: without a mask; each of S = T places sees itself and earlier ones.

    On a CPU it is plain matrix products: there the backward pass of the fused kernel costs more than it saves at the lengths of texts
    (docs/performance.md). Elsewhere it is torch's scaled_dot_product_attention. dropout: of attention weights, drawn where it is > 0.
    A row of a mask must show something: where it shows nothing the answer is NaN, as in torch.
    """
    if q.device.type != "cpu":
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=dropout, is_causal=causal)
    if causal:
        mask = torch.ones(q.shape[-2], k.shape[-2], dtype=torch.bool, device=q.device).tril()
    scores = torch.matmul(q * (1.0 / math.sqrt(q.shape[-1])), k.transpose(-2, -1))
    if mask is not None:
        if (
            mask.dtype == torch.bool
        ):  # filling costs as much for each score as the rest of the attention; adding is cheap
            mask = torch.zeros(mask.shape, dtype=scores.dtype, device=mask.device).masked_fill(~mask, -math.inf)
        scores = scores + mask
    return torch.matmul(drop(scores.softmax(-1), dropout), v)


def attend_one(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> Tensor:
    """:func:`attend` for one place of each text: q (B, H, d); k, v (B·H, T, d); mask: float (B, T), to be added → (B, H·d)."""
    batch, heads, width = q.shape
    asked = (q * (1.0 / math.sqrt(width))).view(batch * heads, 1, width)
    scores = torch.bmm(asked, k.transpose(1, 2))
    if mask is not None:
        scores = (scores.view(batch, heads, -1) + mask[:, None]).view_as(scores)
    return torch.bmm(scores.softmax(-1), v).view(batch, heads * width)
