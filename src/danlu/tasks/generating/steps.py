"""A step of writing, by a net in torch or by a graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor


class Writes(Protocol):
    """A net that writes step by step. moving: names in its state that differ between texts that go on from one beginning."""

    moving: tuple[str, ...]

    def begin(self, source: Any) -> dict[str, Tensor]: ...

    def step(self, tokens: Tensor, state: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]: ...


class TorchStep:
    """:class:`danlu.tasks.generating.search.Step` of a net."""

    def __init__(self, net: Writes, device: torch.device) -> None:
        self.net, self.device, self.moving = net, device, net.moving

    def __call__(self, state: Mapping[str, Any], tokens: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
        logits, changed = self.net.step(torch.from_numpy(tokens).to(self.device), dict(state))
        return logits.float().cpu().numpy(), {**state, **changed}

    def pick(self, value: Any, rows: np.ndarray) -> Any:
        return value[torch.from_numpy(rows).to(value.device)]
