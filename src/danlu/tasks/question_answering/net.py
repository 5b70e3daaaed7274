"""A net that reads a question beside each window of a text."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from danlu.data.text import windows

UNSEEN = -1e4  # logit of what is no token: finite, so that outputs can be compared


class Windowed(nn.Module):
    """question (padded ids (B, S)), context (padded (B, W, L, 3)) → logits {"start", "end"}, (B, W, 1 + L); place 0: no answer here.

    inner: called with (question ids (N, S), their lengths (N,), text ids (N, L), their lengths (N,)) for N windows, gives (N, 1 + L).
    """

    def __init__(self, inner: nn.Module, window: int, stride: int) -> None:
        super().__init__()
        self.inner = inner
        self.window, self.stride = window, stride

    def forward(self, question: Any, context: Any) -> dict[str, Tensor]:
        ids, asked = question.values, question.sizes.reshape(-1).clamp_min(1)
        text, tokens = context.values[..., 0], context.sizes.reshape(-1, 1)
        batch, count, length = text.shape
        which = torch.arange(count, device=text.device)[None]
        rest = (tokens - which * self.stride).clamp(0, length)
        rest = torch.where(windows.used(tokens, which, self.window, self.stride), rest, 0)  # (B, W)
        owner = torch.arange(batch, device=text.device)[:, None].expand(batch, count).reshape(-1)
        flat, sizes = text.reshape(batch * count, length), rest.reshape(-1)
        kept: Tensor | None = None
        if count > 1 and not torch.compiler.is_compiling():  # windows that a shorter text doesn't have cost nothing
            kept = torch.nonzero(sizes).reshape(-1)
            owner, flat, sizes = owner[kept], flat[kept], sizes[kept]
        found = self.inner(ids[owner], asked[owner], flat, sizes.clamp_min(1))
        place = torch.arange(1 + length, device=text.device)
        seen = (place[None] <= rest.reshape(-1, 1)) & ((place[None] > 0) | (rest.reshape(-1, 1) > 0))
        made = {}
        for name in ("start", "end"):
            logits = found[name]
            if kept is not None:
                whole = logits.new_full((batch * count, 1 + length), UNSEEN)
                logits = whole.index_copy(0, kept, logits)
            made[name] = logits.masked_fill(~seen, UNSEEN).view(batch, count, 1 + length)
        return made

    def get_classifier(self) -> Any:
        """The head, as :func:`danlu.nn.head.head_of` asks for it."""
        told = getattr(self.inner, "get_classifier", None)
        return told() if told is not None else getattr(self.inner, "head", None)

    def get_input_embeddings(self) -> nn.Module:
        """What turns ids into vectors."""
        told = getattr(self.inner, "get_input_embeddings", None)
        found: nn.Module = told() if told is not None else self.inner.embedding  # type: ignore[assignment]
        return found
