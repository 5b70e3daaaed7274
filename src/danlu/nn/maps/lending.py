"""Layers of a net lend their work to the kernel while training passes through it, and are as they were everywhere else.

What a net is stays untouched: its modules, their types and names, their hooks, evaluation, copies, export. Only between the beginning
and the end of a training pass some of its modules have another ``forward``; where a layer is met in a way that the kernel doesn't know,
it works as it always does.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from types import MethodType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import _has_any_global_hook

from danlu.nn.maps import kernel
from danlu.nn.maps.functions import Convolution, Norm, Pool

_ACTIVATIONS = {nn.ReLU: 1, nn.SiLU: 2}  # places in kernel.ACTIVATIONS
_LEAST = 1 << 16  # numbers in maps from which on a call of the kernel is worth its while
_NARROW = 8  # positions a side of a map up to which a filter's gradient is worked out here
_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks", "_compiled_call_impl")

Forward = Callable[..., Any]


class Lent:
    """A layer's other ``forward``. Copies of the layer that are made during a pass have torch's."""

    def __init__(self, part: nn.Module, work: Forward) -> None:
        self.part, self.work = part, work

    def __call__(self, input: Any) -> Any:  # named as torch's own
        if torch.compiler.is_compiling():
            return type(self.part).forward(self.part, input)
        return self.work(self.part, input)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        part = copy.deepcopy(self.part, memo)
        return MethodType(type(part).forward, part)

    @property
    def ready(self) -> bool:
        """Whether the layer still is what can be lent, with no ``forward`` that somebody else has given it."""
        return "forward" not in self.part.__dict__ and _work(self.part) is self.work


class Lending:
    """``net(…)`` with the kernel's forwards lent to its layers."""

    def __init__(self, net: nn.Module) -> None:
        self.net = net
        self._lent = list(_lendable(net))

    def __call__(self, *args: Any) -> Any:
        ready = [lent for lent in self._lent if lent.ready]
        try:
            for lent in ready:
                lent.part.__dict__["forward"] = lent
            return self.net(*args)
        finally:
            for lent in ready:
                if lent.part.__dict__.get("forward") is lent:
                    lent.part.__dict__.pop("forward", None)


def forward(net: nn.Module) -> Forward:
    """What training passes through: the net itself where nothing of it can be lent, or there is no kernel here."""
    return Lending(net) if lends(net) and kernel.missing() is None else net


def lends(net: nn.Module) -> bool:
    """Whether a net on a CPU has layers that the kernel can do the work of."""
    return any(True for _ in _lendable(net))


def _lendable(net: nn.Module) -> Iterator[Lent]:
    """Layers on a CPU, of exactly the types that are known and with no forward of their own."""
    device = next((p.device.type for p in net.parameters()), "cpu")
    for part in net.modules() if device == "cpu" else ():
        if "forward" not in part.__dict__ and (work := _work(part)) is not None:
            yield Lent(part, work)


def _work(part: nn.Module) -> Forward | None:
    """What does a layer's work, with the layer given first; None where nothing here can."""
    if type(part) is nn.MaxPool2d:
        return _pool if _halves(part) else None
    if type(part) is nn.Conv2d:
        return _convolution if _square(part) else None
    if type(part) is nn.Sequential:
        layers = list(part)
        return _sequence if any(map(_pair, layers, layers[1:])) else None
    return None


def _pair(first: nn.Module, second: nn.Module) -> bool:
    return type(first) is nn.BatchNorm2d and type(second) in _ACTIVATIONS


def _sequence(part: nn.Sequential, x: Any) -> Any:
    """An activation behind a norm is done with it."""
    layers = list(part)
    place = 0
    while place < len(layers):
        first, second = layers[place], layers[place + 1] if place + 1 < len(layers) else None
        if second is not None and _pair(first, second) and _alone(first, second):
            x = _norm(first, second, x)
            place += 2
        else:
            x = first(x)
            place += 1
    return x


def _alone(*parts: nn.Module) -> bool:
    """Whether nobody sees what goes between them, and none has a forward that somebody has given it."""
    own = any("forward" in part.__dict__ or _watched(part) for part in parts)
    return not own and not _has_any_global_hook()  # type: ignore[no-untyped-call]


def _watched(part: nn.Module) -> bool:
    return any(getattr(part, name) for name in _HOOKS)


def _norm(part: Any, activation: nn.Module, x: Tensor) -> Tensor:
    """part: a batch norm. Without an activation behind it torch's own is as fast."""
    if part.training and x.numel() >= max(_LEAST, 2 * x.shape[1]) and kernel.usable(x) and _simple(part, x):
        if part.num_batches_tracked is not None:
            part.num_batches_tracked.add_(1)
        running, by = (part.running_mean, part.running_var), _ACTIVATIONS[type(activation)]  # type: ignore[index]
        done: Tensor = Norm.apply(x, part.weight, part.bias, *running, part.eps, part.momentum, by)  # type: ignore[no-untyped-call]
        return done
    return activation(part(x))  # type: ignore[no-any-return]


def _simple(part: Any, x: Tensor) -> bool:
    numbers = part.weight, part.bias, part.running_mean, part.running_var
    moving = part.track_running_stats and isinstance(part.momentum, float | int)
    return moving and all(kernel.owned(each, x.shape[1]) for each in numbers)


def _pool(part: nn.MaxPool2d, x: Tensor) -> Tensor:
    if x.numel() < _LEAST or not kernel.usable(x) or min(x.shape[2:]) < 2:
        return nn.MaxPool2d.forward(part, x)  # type: ignore[no-any-return]
    y: Tensor = Pool.apply(x)  # type: ignore[no-untyped-call]
    return y


def _halves(part: nn.MaxPool2d) -> bool:
    two: tuple[Any, ...] = (2, (2, 2))
    rest = (
        part.padding in (0, (0, 0)) and part.dilation in (1, (1, 1)) and not part.ceil_mode and not part.return_indices
    )
    return part.kernel_size in two and part.stride in two and rest


def _convolution(part: nn.Conv2d, x: Tensor) -> Tensor:
    """Where autocast would make it a convolution in bfloat16 that oneDNN is slow to differentiate."""
    if torch.is_autocast_enabled("cpu") and x.dtype == torch.bfloat16 == torch.get_autocast_dtype("cpu"):
        size, stride, padding = part.kernel_size[0], part.stride[0], int(part.padding[0])
        right = (x.shape[-1] + 2 * padding - size) // stride + 1
        if 0 < right <= _NARROW and part.weight.dtype == torch.float32 and kernel.usable(x):
            y: Tensor = Convolution.apply(x, part.weight, stride, padding)  # type: ignore[no-untyped-call]
            return y
    return nn.Conv2d.forward(part, x)


def _square(part: nn.Conv2d) -> bool:
    """Whether it is a convolution that :class:`Convolution` knows, on a processor with tiles."""
    return (
        torch.cpu._is_amx_tile_supported()
        and part.bias is None
        and part.groups == 1
        and part.padding_mode == "zeros"
        and not isinstance(part.padding, str)
        and part.kernel_size[0] == part.kernel_size[1] > 1
        and part.stride[0] == part.stride[1]
        and part.padding[0] == part.padding[1]
        and part.dilation == (1, 1)
    )
