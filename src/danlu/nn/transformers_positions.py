"""Position embeddings of nets of Transformers: for images of another size, by the net's own rule."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

Size = tuple[int, int]


def of_images(config: Any) -> Any:
    return getattr(config, "vision_config", config)


def size_of(config: Any) -> Size | None:
    found = getattr(of_images(config), "image_size", None)
    if isinstance(found, int):
        return found, found
    return (int(found[0]), int(found[1])) if isinstance(found, list | tuple) and len(found) == 2 else None


class Positions:
    """A net's position embeddings, with the net's own rule for images of another size."""

    def __init__(self, table: Tensor, owner: Any, size: Size) -> None:
        self.table = table
        self.owner = owner
        self.size = size

    def at(self, shape: torch.Size, size: Size) -> Tensor | None:
        """Of ``shape``, for images of ``size``; None where the rule can't be asked so.

        Nets differ in what they expect; one that is understood gives its own table back for its own size.
        """
        own = self._ask(self.table.shape[-2], self.size)
        if own is None or not torch.equal(own.reshape(self.table.shape), self.table):
            return None
        new = self._ask(shape[-2], size)
        return new.reshape(shape) if new is not None and new.numel() == math.prod(shape) else None

    def _ask(self, count: int, size: Size) -> Tensor | None:
        try:
            with torch.no_grad():
                found: Tensor = self.owner.interpolate_pos_encoding(
                    self.table.new_zeros(1, count, self.table.shape[-1]), *size
                )
        except (RuntimeError, TypeError, ValueError, AttributeError, IndexError):
            return None
        return found


def positions(net: nn.Module, config: Any, state: Mapping[str, Tensor]) -> dict[str, Positions]:
    """The embeddings among them that depend on the image's size."""
    size = size_of(config)
    found: dict[str, Positions] = {}
    if size is None:
        return found
    for name, table in state.items():
        if "position_embedding" not in name or table.ndim not in (2, 3) or not name.endswith(("embeddings", "weight")):
            continue
        parent = name.rpartition(".")[0]
        for place in (parent, parent.rpartition(".")[0]):  # a parameter's owner, or that of an nn.Embedding
            if callable(getattr(net.get_submodule(place), "interpolate_pos_encoding", None)):
                found[name] = Positions(table, net.get_submodule(place), size)
                break
    return found
