"""A multi-layer perceptron for the rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from danlu.nn.nets.tabm import TabM

Size = Annotated[int, Field(ge=1)]


class TableMLP(TabM):
    """Rows (B, numbers + categories) → (B, 1, classes): one member of :class:`danlu.nn.nets.tabm.TabM` alone."""

    def __init__(
        self,
        numbers: int,
        cardinalities: Sequence[int],
        classes: int,
        quantiles: Sequence[Sequence[float]] = (),
        *,
        width: Size = 256,
        depth: Size = 3,
        embedding: Literal["periodic", "piecewise", "none"] = "piecewise",
        size: Size = 12,
        frequencies: Size = 24,
        spread: Annotated[float, Field(gt=0)] = 0.1,
        activation: str = "relu",
        dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1,
    ) -> None:
        super().__init__(
            numbers, cardinalities, classes, quantiles, members=1, width=width, depth=depth, embedding=embedding, size=size,
            frequencies=frequencies, spread=spread, activation=activation, dropout=dropout,
        )  # fmt: skip
