"""Squared lengths of looked-up vectors, for L2 on what a batch looks up."""

from __future__ import annotations

from torch import Tensor, nn


def squares(table: nn.Embedding, places: Tensor) -> Tensor:
    """‖row‖² of the rows at ``places``, in their shape. Where more are asked for than there are, each row is squared once."""
    if table.sparse or places.numel() < table.num_embeddings:
        found: Tensor = table(places).square().sum(-1)
        return found
    return table.weight.square().sum(-1)[places]
