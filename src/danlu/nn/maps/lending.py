"""Layers of a net lend their work to the kernel while training passes through it, and are as they were everywhere else.

What a net is stays untouched: its modules, their types and names, their hooks, evaluation, copies, export. Only between the beginning
and the end of a training pass some of its modules have another ``forward``; where a layer is met in a way that the kernel doesn't know,
it works as it always does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from danlu.nn.maps import kernel
from danlu.nn.maps.functions import Convolution, Norm, Pool

_ACTIVATIONS = {nn.ReLU: 1, nn.SiLU: 2}  # places in kernel.ACTIVATIONS
_NARROW = 8  # positions a side of a map up to which a filter's gradient is worked out here
_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")

Forward = Callable[..., Any]


class Lending:
    """``net(…)`` with the kernel's forwards lent to its layers."""

    def __init__(self, net: nn.Module) -> None:
        self.net = net
        self._lent = list(_lendable(net))

    def __call__(self, *args: Any) -> Any:
        if torch._C._are_functorch_transforms_active():
            return self.net(*args)
        for part, forward in self._lent:
            part.__dict__["forward"] = forward
        try:
            return self.net(*args)
        finally:
            for part, _ in self._lent:
                part.__dict__.pop("forward", None)


def forward(net: nn.Module) -> Forward:
    """What training passes through: the net itself where nothing of it can be lent, or there is no kernel here."""
    if any(True for _ in _lendable(net)) and kernel.missing() is None:
        return Lending(net)
    return net


def lends(net: nn.Module) -> bool:
    """Whether a net on a CPU has layers that the kernel can do the work of."""
    return any(True for _ in _lendable(net))


def _lendable(net: nn.Module) -> Iterator[tuple[nn.Module, Forward]]:
    """(module, its other forward) of layers on a CPU, of exactly the types that are known and with no forward of their own."""
    device = next((p.device.type for p in net.parameters()), "cpu")
    for part in net.modules() if device == "cpu" else ():
        if "forward" in part.__dict__:
            continue
        if type(part) is nn.BatchNorm2d and part.affine and part.track_running_stats and part.momentum is not None:
            yield part, partial(_norm, part, None)
        elif type(part) is nn.MaxPool2d and _halves(part):
            yield part, partial(_pool, part)
        elif type(part) is nn.Conv2d and _square(part):
            yield part, partial(_convolution, part)
        elif type(part) is nn.Sequential and (steps := _steps(part)):
            yield part, partial(_sequence, steps)


def _steps(part: nn.Sequential) -> list[tuple[nn.Module, nn.Module | None]] | None:
    """(layer, the activation behind it that is done with it); None where there is no such pair."""
    layers, steps = list(part), []
    while layers:
        first = layers.pop(0)
        pair = type(first) is nn.BatchNorm2d and bool(layers) and type(layers[0]) in _ACTIVATIONS
        steps.append((first, layers.pop(0) if pair else None))
    return steps if any(second is not None for _, second in steps) else None


def _sequence(steps: list[tuple[nn.Module, nn.Module | None]], x: Any) -> Any:
    for first, second in steps:
        if second is None:
            x = first(x)
        elif _watched(first) or _watched(second):
            x = second(first(x))
        else:
            x = _norm(first, second, x)
    return x


def _watched(part: nn.Module) -> bool:
    return any(getattr(part, name) for name in _HOOKS)


def _norm(part: Any, activation: nn.Module | None, x: Tensor) -> Tensor:
    """part: a batch norm."""
    if part.training and kernel.usable(x) and x.numel() > x.shape[1] and _simple(part, x):
        part.num_batches_tracked.add_(1)
        by = 0 if activation is None else _ACTIVATIONS[type(activation)]  # type: ignore[index]
        running = part.running_mean, part.running_var
        done: Tensor = Norm.apply(x, part.weight, part.bias, *running, part.eps, part.momentum, by)  # type: ignore[no-untyped-call]
        return done
    y: Tensor = nn.BatchNorm2d.forward(part, x)
    return y if activation is None else activation(y)  # type: ignore[no-any-return]


def _simple(part: Any, x: Tensor) -> bool:
    numbers = part.weight, part.bias, part.running_mean, part.running_var
    return x.shape[1] == part.num_features and all(
        each is not None and each.dtype == torch.float32 and each.is_contiguous() for each in numbers
    )


def _pool(part: nn.MaxPool2d, x: Tensor) -> Tensor:
    if not kernel.usable(x) or min(x.shape[2:]) < 2:
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
