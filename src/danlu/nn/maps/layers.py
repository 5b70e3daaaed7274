"""Which layers the kernels can do the work of, and how: by themselves, and several that follow each other at once.

Where a layer is met in a way that no kernel knows, it works as it always does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn

from danlu.nn.maps import kernel, pieces
from danlu.nn.maps.blocks import block
from danlu.nn.maps.convolutions import half, known, shape_for, square
from danlu.nn.maps.functions import Ends, Mean, Norm, Pool, Silu
from danlu.nn.maps.pieces import ACTIVATIONS, averages, halves, moved, simple, worth
from danlu.nn.maps.stages import Convolution, How, Stage
from danlu.nn.native.lent import Forward, unseen
from danlu.nn.pooling import GlobalPool
from danlu.nn.residual import Block


def work(part: nn.Module) -> Forward | None:
    """What does a layer's work, with the layer given first; None where nothing here can."""
    if type(part) is nn.MaxPool2d:
        return _pool if halves(part) else None
    if type(part) is nn.AvgPool2d:
        return _mean if averages(part) else None
    if type(part) is nn.SiLU:
        return None if part.inplace else _silu
    if type(part) is nn.Conv2d:
        return _convolution if square(part) and part.kernel_size[0] > 1 else None
    if type(part) is GlobalPool:
        return _ends if part.pool == "avg-max" else None
    if type(part) is Block:
        return block if type(part.activation) in ACTIVATIONS else None
    if type(part) is nn.Sequential:
        layers = list(_all_leaves(part))
        return _sequence if any(map(_pair, layers, layers[1:])) else None
    return None


def lends(net: nn.Module) -> bool:
    """Whether a net on a CPU has layers here that a kernel can do the work of."""
    device = next((p.device.type for p in net.parameters()), "cpu")
    return device == "cpu" and any("forward" not in part.__dict__ and work(part) for part in net.modules())


def convolves(net: nn.Module) -> bool:
    """Whether a net has convolutions that a processor with tiles can do."""
    return any(type(part) is nn.Conv2d and known(part) for part in net.modules())


def _all_leaves(part: nn.Sequential) -> Iterator[nn.Module]:
    for layer in part:
        yield from _all_leaves(layer) if type(layer) is nn.Sequential else (layer,)


def _pair(first: nn.Module, second: nn.Module) -> bool:
    """Whether both may be taken at once."""
    if type(first) is nn.Conv2d:
        return square(first) and (type(second) is nn.BatchNorm2d or _pools(second))
    return type(first) is nn.BatchNorm2d and type(second) in ACTIVATIONS


def _pools(part: nn.Module) -> bool:
    return type(part) is nn.MaxPool2d and halves(part)


def _sequence(part: nn.Sequential, x: Any) -> Any:
    layers = list(_leaves(part))
    while layers:
        taken, x = _first(layers, x)
        del layers[:taken]
    return x


def _leaves(part: nn.Sequential) -> Iterator[nn.Module]:
    """Its layers, and those of the sequences in it that nobody looks at."""
    for layer in part:
        yield from _leaves(layer) if type(layer) is nn.Sequential and unseen(layer) else (layer,)


def _first(layers: list[nn.Module], x: Any) -> tuple[int, Any]:
    """(how many of the first layers have been gone through, what came out)."""
    first = layers[0]
    if len(layers) > 1 and _pair(first, layers[1]) and unseen(first, layers[1]):
        if type(first) is nn.BatchNorm2d:
            return 2, _norm(first, layers[1], x)
        if type(layers[1]) is nn.MaxPool2d:
            if (y := _convolved(first, x, pooled=True)) is not None:
                return 2, y
        else:
            return _stage(first, layers, x)
    return 1, first(x)


def _stage(first: Any, layers: list[nn.Module], x: Any) -> tuple[int, Any]:
    """A convolution and a norm, with the activation behind them, and the pooling behind that."""
    norm, end, by = layers[1], 2, 0
    if len(layers) > end and type(layers[end]) in ACTIVATIONS and unseen(layers[end]):
        by = ACTIVATIONS[type(layers[end])]  # type: ignore[index]
        end += 1
    shape = shape_for(first, x)
    positions = 0 if shape is None else shape.samples * shape.out[0] * shape.out[1]
    if shape is None or not simple(norm, shape.outputs) or positions < 2:
        return 1, first(x)
    pooled = len(layers) > end and _pools(layers[end]) and unseen(layers[end]) and min(shape.out) > 1
    weight, bias, mean, variance, eps, momentum = moved(norm)
    how = How(mean, variance, eps, momentum, by, pooled)
    y = Stage.apply(half(x), first.weight, weight, bias, shape, how)  # type: ignore[no-untyped-call]
    return end + pooled, y


def _norm(part: Any, activation: nn.Module, x: Tensor) -> Tensor:
    """part: a batch norm. Without an activation behind it torch's own is as fast."""
    if x.numel() >= max(pieces.LEAST, 2 * x.shape[1]) and kernel.usable(x) and simple(part, x.shape[1]):
        done: Tensor = Norm.apply(x, *moved(part), ACTIVATIONS[type(activation)])  # type: ignore[no-untyped-call, index]
        return done
    return activation(part(x))  # type: ignore[no-any-return]


def _pool(part: nn.MaxPool2d, x: Tensor) -> Tensor:
    if not worth(x) or min(x.shape[2:]) < 2:
        return nn.MaxPool2d.forward(part, x)  # type: ignore[no-any-return]
    y: Tensor = Pool.apply(x)  # type: ignore[no-untyped-call]
    return y


def _mean(part: Any, x: Tensor) -> Tensor:
    if x.dim() != 4 or not worth(x) or min(x.shape[2:]) < 2:
        return nn.AvgPool2d.forward(part, x)
    y: Tensor = Mean.apply(x, bool(part.ceil_mode))  # type: ignore[no-untyped-call]
    return y


def _ends(part: GlobalPool, x: Tensor) -> Tensor:
    y: Tensor = Ends.apply(x) if worth(x) and part.pool == "avg-max" else GlobalPool.forward(part, x)  # type: ignore[no-untyped-call]
    return y


def _silu(part: nn.SiLU, x: Tensor) -> Tensor:
    return Silu.apply(x) if worth(x) else nn.SiLU.forward(part, x)  # type: ignore[no-untyped-call, no-any-return]


def _convolution(part: nn.Conv2d, x: Tensor) -> Tensor:
    y = _convolved(part, x, pooled=False)
    return nn.Conv2d.forward(part, x) if y is None else y


def _convolved(part: Any, x: Any, *, pooled: bool) -> Tensor | None:
    shape = shape_for(part, x)
    if shape is None or (pooled and min(shape.out) < 2):
        return None
    y: Tensor = Convolution.apply(half(x), part.weight, shape, pooled)  # type: ignore[no-untyped-call]
    return y
