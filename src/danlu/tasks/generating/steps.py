"""A step of writing, by a net in torch or by a graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor


class Writes(Protocol):
    """A net that writes step by step. moving: names in its state that differ between texts that go on from one beginning.

    It may have a method ``writing()``, which gives a :class:`Growing` that does as ``step`` does, or None where it has none now.
    """

    moving: tuple[str, ...]

    def begin(self, source: Any) -> dict[str, Tensor]: ...

    def step(self, tokens: Tensor, state: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]: ...


class Growing(Protocol):
    """Steps in a state of another form, which each call may overwrite. Values that are no tensors have a method ``pick``.

    moving: names in that state, the first of which no state of the net has.
    """

    moving: tuple[str, ...]

    def taken(self, state: Mapping[str, Tensor]) -> dict[str, Any]: ...

    def __call__(self, tokens: Tensor, state: Mapping[str, Any]) -> tuple[Tensor, dict[str, Any]]: ...


class TorchStep:
    """:class:`danlu.tasks.generating.search.Step` of a net. On a CPU it writes in place where the net can."""

    def __init__(self, net: Writes, device: torch.device) -> None:
        make = getattr(type(net), "writing", None)  # of the class: a net may have a part of that name
        self.growing: Growing | None = make(net) if make is not None and device.type == "cpu" else None
        self.net, self.device = net, device
        self.moving = net.moving if self.growing is None else self.growing.moving

    def __call__(self, state: Mapping[str, Any], tokens: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
        given = torch.from_numpy(tokens).to(self.device)
        if self.growing is None:
            logits, changed = self.net.step(given, dict(state))
        else:
            if self.moving[0] not in state:
                state = self.growing.taken(state)
            logits, changed = self.growing(given, state)
        return logits.float().cpu().numpy(), {**state, **changed}

    def pick(self, value: Any, rows: np.ndarray) -> Any:
        if isinstance(value, Tensor):
            return value[torch.from_numpy(rows).to(value.device)]
        return value.pick(rows)
