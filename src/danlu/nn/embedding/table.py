"""A table of learnt vectors, one for each id."""

from __future__ import annotations

from torch import nn


def table(count: int, width: int, scale: float | None, sparse: bool) -> nn.Embedding:
    """An embedding (count, width), N(0, scale²) at the start, zeros for 0; None: N(0, 1).

    sparse: gradients hold the rows of the batch alone, for optimisers that touch no others (``rowwise-adagrad``, ``sparse-adam``).
    """
    made = nn.Embedding(count, width, sparse=sparse)
    if scale is not None:
        nn.init.normal_(made.weight, std=scale)
    elif width == 1:
        nn.init.zeros_(made.weight)
    return made
