"""What torch draws inside a net (dropout, drop-path) comes from the default generators, seeded anew before every micro-batch.

So a resumed run needs no saved generator state, and every technique draws the same numbers as without the interruption (rule 1).
"""

from __future__ import annotations

import torch

from danlu.randomness import Position, torch_seed


def reseed(position: Position, rank: int = 0) -> None:
    """Seed torch's default generators (CPU and, where one is in use, CUDA) for one micro-batch."""
    seed = torch_seed(position, rank)
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.manual_seed_all(seed)
