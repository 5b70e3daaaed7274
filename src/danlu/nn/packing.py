"""Two padded sequences become one without a hole: before, first, between, second, behind, then padding."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Packed:
    """ids int64 (B, T). lengths int64 (B,). second: bool (B, T), tokens of the second sequence and all behind it.

    source: int64 (B, T), which place of [before, first, between, second, behind, padding] stands here. places: int64 (B, 1 + S), where
    position 0 and then each token of the second sequence stand.
    """

    ids: Tensor
    lengths: Tensor
    second: Tensor
    source: Tensor
    places: Tensor


class Packing(nn.Module):
    """before, between, behind: ids around and between the sequences. padding: the id behind them."""

    def __init__(
        self, before: tuple[int, ...], between: tuple[int, ...], behind: tuple[int, ...], padding: int
    ) -> None:
        super().__init__()
        self.sizes = (len(before), len(between), len(behind))
        self.padding = padding
        ids = torch.tensor([*before, *between, *behind], dtype=torch.int64)
        self.register_buffer("around", ids, persistent=False)
        self.around: Tensor

    def forward(self, first: Tensor, first_lengths: Tensor, second: Tensor, second_lengths: Tensor) -> Packed:
        """first (B, S), second (B, U): ids padded at the right; lengths int64 (B,)."""
        batch, (a, b, c) = first.shape[0], self.sizes
        parts = torch.split(self.around, [a, b, c])
        before, between, behind = (part.expand(batch, -1) for part in parts)
        one, two = first.shape[1], second.shape[1]
        pad = torch.full((batch, 1), self.padding, dtype=torch.int64, device=first.device)
        every = torch.cat([before, first.long(), between, second.long(), behind, pad], 1)
        total = a + one + b + two + c
        time = torch.arange(total, device=first.device)[None]
        n, m = first_lengths.reshape(-1, 1), second_lengths.reshape(-1, 1)
        # Each border that is passed skips what its sequence has of padding.
        source = time + torch.where(time >= a + n, one - n, 0) + torch.where(time >= a + n + b + m, two - m, 0)
        lengths = a + n + b + m + c
        source = torch.where(time < lengths, source, total)
        token = a + n + b + torch.arange(two, device=first.device)[None]
        places = torch.cat([torch.zeros_like(n), token.clamp_max(total - 1)], 1)
        return Packed(every.gather(1, source), lengths.reshape(-1), time >= a + n + b, source, places)
