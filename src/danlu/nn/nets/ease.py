"""EASE: the best linear model of items by items, in closed form (Steck 2019)."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from danlu.nn.embedding.interactions import Interactions
from danlu.nn.embedding.item_to_item import ItemToItem, together


class Ease(ItemToItem):
    """argmin ‖X - XB‖² + l2·‖B‖² with a diagonal of zeros: B = I - P/diag(P), P = (XᵀX + l2·I)⁻¹, in float64."""

    def __init__(
        self, users: int, items: int, interactions: Interactions, *, l2: Annotated[float, Field(gt=0)] = 250.0
    ) -> None:
        super().__init__(users, items, interactions)
        self.l2 = l2
        self.fit()

    def matrix(self, user: np.ndarray, item: np.ndarray) -> np.ndarray:
        counts = together(user, item, int(user.max()) + 1, self.count)
        counts[np.diag_indices(self.count)] += self.l2
        inverse = np.linalg.inv(counts)
        found: np.ndarray = -inverse / np.diag(inverse)
        found[np.diag_indices(self.count)] = 0.0
        return found
