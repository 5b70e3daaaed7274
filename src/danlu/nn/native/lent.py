"""A layer's other ``forward``, and when nobody looks between it and its neighbours."""

from __future__ import annotations

import copy
from collections.abc import Callable
from types import MethodType
from typing import Any

import torch
from torch import nn
from torch.nn.modules.module import _has_any_global_hook

Forward = Callable[..., Any]
_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


class Lent:
    """What a layer has for a ``forward`` during a training pass. Copies of the layer that are made meanwhile have torch's."""

    def __init__(self, part: nn.Module, work: Forward) -> None:
        self.part, self.work = part, work

    def __call__(self, input: Any, *others: Any, **named: Any) -> Any:  # named as torch's own
        if torch.compiler.is_compiling():
            return type(self.part).forward(self.part, input, *others, **named)
        return self.work(self.part, input, *others, **named)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        part = copy.deepcopy(self.part, memo)
        return MethodType(type(part).forward, part)


def unseen(*parts: nn.Module) -> bool:
    """Whether nobody sees what goes between them, and none has a forward that somebody has given it."""
    for part in parts:  # asked of each layer in each pass
        own = part.__dict__
        given = own.get("forward")
        if (given is not None and not isinstance(given, Lent)) or own.get("_compiled_call_impl") is not None:
            return False
        if any(own[name] for name in _HOOKS):
            return False
    return not _has_any_global_hook()  # type: ignore[no-untyped-call]
