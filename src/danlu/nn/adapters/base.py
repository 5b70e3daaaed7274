"""What a kind of adapter is."""

from __future__ import annotations

from typing import Protocol

from torch import nn


class Adapter(Protocol):
    """Changes a net in place. What is below the head is frozen for good, but for what was put in."""

    def attach(self, net: nn.Module, where: str = "model.adapter") -> None:
        """Before training; the net answers as before. Draws from torch's default generator.

        where: the recipe's place of the adapter. Raises RecipeError where it can't be put anywhere.
        """
        ...

    def merge(self, net: nn.Module) -> None:
        """What was learnt becomes part of the net's own weights: its modules, and the names of its weights, are as before."""
        ...
