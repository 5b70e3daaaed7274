"""Nearest items by cosine (Sarwar et al. 2001)."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from danlu.nn.embedding.interactions import Interactions
from danlu.nn.embedding.item_to_item import ItemToItem, together


class ItemKnn(ItemToItem):
    """Each item speaks for its ``neighbours`` nearest: those whom the same users met, by cosine, shrunk where few did.

    cosine = both / (√one·√other + shrink).
    """

    def __init__(
        self,
        users: int,
        items: int,
        interactions: Interactions,
        *,
        neighbours: Annotated[int, Field(ge=1)] = 100,
        shrink: Annotated[float, Field(ge=0)] = 0.0,
    ) -> None:
        super().__init__(users, items, interactions)
        self.neighbours, self.shrink = neighbours, shrink
        self.fit()

    def matrix(self, user: np.ndarray, item: np.ndarray) -> np.ndarray:
        counts = together(user, item, int(user.max()) + 1, self.count)
        size = np.sqrt(np.diag(counts))
        found: np.ndarray = counts / np.maximum(size[:, None] * size[None] + self.shrink, 1e-12)
        found[np.diag_indices(self.count)] = 0.0
        if self.neighbours < self.count:
            far = np.argpartition(-found, self.neighbours - 1, axis=0)[self.neighbours :]
            np.put_along_axis(found, far, 0.0, axis=0)
        return found
