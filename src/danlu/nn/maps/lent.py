"""A layer's other ``forward``."""

from __future__ import annotations

import copy
from collections.abc import Callable
from types import MethodType
from typing import Any

import torch
from torch import nn

Forward = Callable[..., Any]


class Lent:
    """What a layer has for a ``forward`` during a training pass. Copies of the layer that are made meanwhile have torch's."""

    def __init__(self, part: nn.Module, work: Forward) -> None:
        self.part, self.work = part, work

    def __call__(self, input: Any) -> Any:  # named as torch's own
        if torch.compiler.is_compiling():
            return type(self.part).forward(self.part, input)
        return self.work(self.part, input)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        part = copy.deepcopy(self.part, memo)
        return MethodType(type(part).forward, part)
