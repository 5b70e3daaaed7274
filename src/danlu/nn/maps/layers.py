"""Which layers the kernels can do the work of, and how: by themselves, and several that follow each other at once.

Where a layer is met in a way that no kernel knows, it works as it always does.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from danlu.nn.maps import kernel, tiles
from danlu.nn.maps.functions import Convolution, Ends, How, Join, Mean, Norm, Pool, Silu, Stage
from danlu.nn.native.lent import Forward, unseen
from danlu.nn.native.plain import owned
from danlu.nn.pooling import GlobalPool
from danlu.nn.residual import Block

_ACTIVATIONS = {nn.ReLU: 1, nn.SiLU: 2}  # places in kernel.ACTIVATIONS
_LEAST = 1 << 16  # numbers in maps from which on a call of a kernel is worth its while
_NEAR = 3 << 19  # numbers of a sample, seen and given, up to which its gradients are worked out as fast as by torch
_CAST = (torch.float32, torch.bfloat16, torch.float16)  # what autocast makes bfloat16; convolutions refuse the rest
_WIDE = 64  # channels up to which a convolution of one position is done here
_PLAIN = (Tensor, nn.Parameter)


def work(part: nn.Module) -> Forward | None:
    """What does a layer's work, with the layer given first; None where nothing here can."""
    if type(part) is nn.MaxPool2d:
        return _pool if _halves(part) else None
    if type(part) is nn.AvgPool2d:
        return _mean if _averages(part) else None
    if type(part) is nn.SiLU:
        return None if part.inplace else _silu
    if type(part) is nn.Conv2d:
        return _convolution if _square(part) and part.kernel_size[0] > 1 else None
    if type(part) is GlobalPool:
        return _ends if part.pool == "avg-max" else None
    if type(part) is Block:
        return _block if type(part.activation) in _ACTIVATIONS else None
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
    return any(type(part) is nn.Conv2d and _known(part) for part in net.modules())


def _all_leaves(part: nn.Sequential) -> Iterator[nn.Module]:
    for layer in part:
        yield from _all_leaves(layer) if type(layer) is nn.Sequential else (layer,)


def _pair(first: nn.Module, second: nn.Module) -> bool:
    """Whether both may be taken at once."""
    if type(first) is nn.Conv2d:
        return _square(first) and (type(second) is nn.BatchNorm2d or _pools(second))
    return type(first) is nn.BatchNorm2d and type(second) in _ACTIVATIONS


def _pools(part: nn.Module) -> bool:
    return type(part) is nn.MaxPool2d and _halves(part)


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
    if len(layers) > end and type(layers[end]) in _ACTIVATIONS and unseen(layers[end]):
        by = _ACTIVATIONS[type(layers[end])]  # type: ignore[index]
        end += 1
    shape = _shape(first, x)
    positions = 0 if shape is None else shape.samples * shape.out[0] * shape.out[1]
    if shape is None or not _simple(norm, shape.outputs) or positions < 2:
        return 1, first(x)
    pooled = len(layers) > end and _pools(layers[end]) and unseen(layers[end]) and min(shape.out) > 1
    weight, bias, *moving = _moved(norm)
    how = How(tiles.Moving(*moving), by, pooled)
    y = Stage.apply(_half(x), first.weight, weight, bias, shape, how)  # type: ignore[no-untyped-call]
    return end + pooled, y


def _norm(part: Any, activation: nn.Module, x: Tensor) -> Tensor:
    """part: a batch norm. Without an activation behind it torch's own is as fast."""
    if x.numel() >= max(_LEAST, 2 * x.shape[1]) and kernel.usable(x) and _simple(part, x.shape[1]):
        done: Tensor = Norm.apply(x, *_moved(part), _ACTIVATIONS[type(activation)])  # type: ignore[no-untyped-call, index]
        return done
    return activation(part(x))  # type: ignore[no-any-return]


def _simple(part: Any, channels: int) -> bool:
    """Whether it norms by what it meets, and its statistics move as the kernels move them."""
    if not (part.training and part.track_running_stats and isinstance(part.momentum, float | int)):
        return False
    numbers = part.weight, part.bias, part.running_mean, part.running_var
    return all(owned(each, channels) for each in numbers)


def _moved(part: Any) -> tuple[Any, ...]:
    """What a norm's statistics are told by; one batch more is counted."""
    if part.num_batches_tracked is not None:
        part.num_batches_tracked.add_(1)
    return part.weight, part.bias, part.running_mean, part.running_var, part.eps, part.momentum


def _pool(part: nn.MaxPool2d, x: Tensor) -> Tensor:
    if not _worth(x) or min(x.shape[2:]) < 2:
        return nn.MaxPool2d.forward(part, x)  # type: ignore[no-any-return]
    y: Tensor = Pool.apply(x)  # type: ignore[no-untyped-call]
    return y


def _mean(part: Any, x: Tensor) -> Tensor:
    if x.dim() != 4 or not _worth(x) or min(x.shape[2:]) < 2:
        return nn.AvgPool2d.forward(part, x)
    y: Tensor = Mean.apply(x, bool(part.ceil_mode))  # type: ignore[no-untyped-call]
    return y


def _ends(part: GlobalPool, x: Tensor) -> Tensor:
    y: Tensor = Ends.apply(x) if _worth(x) and part.pool == "avg-max" else GlobalPool.forward(part, x)  # type: ignore[no-untyped-call]
    return y


def _block(part: Any, x: Tensor) -> Tensor:
    """Where the two ways of a residual block meet."""
    skip, branch, by = part.skip(x), part.drop_path(part.branch(x)), _ACTIVATIONS.get(type(part.activation))
    alike = skip.shape == branch.shape and skip.dtype == branch.dtype and _worth(skip) and _worth(branch)
    if not (by and alike and unseen(part.activation) and not getattr(part.activation, "inplace", False)):
        out: Tensor = part.activation(skip + branch)
        return out
    return Join.apply(skip, branch, by)[0]  # type: ignore[no-any-return, no-untyped-call]


def _silu(part: nn.SiLU, x: Tensor) -> Tensor:
    return Silu.apply(x) if _worth(x) else nn.SiLU.forward(part, x)  # type: ignore[no-untyped-call, no-any-return]


def _worth(x: Tensor) -> bool:
    return x.numel() >= _LEAST and kernel.usable(x)


def _averages(part: Any) -> bool:
    two: tuple[Any, ...] = (2, (2, 2))
    return part.kernel_size in two and part.stride in two and part.padding in (0, (0, 0)) and not part.divisor_override


def _halves(part: Any) -> bool:
    two: tuple[Any, ...] = (2, (2, 2))
    rest = (
        part.padding in (0, (0, 0)) and part.dilation in (1, (1, 1)) and not part.ceil_mode and not part.return_indices
    )
    return part.kernel_size in two and part.stride in two and rest


def _convolution(part: nn.Conv2d, x: Tensor) -> Tensor:
    y = _convolved(part, x, pooled=False)
    return nn.Conv2d.forward(part, x) if y is None else y


def _convolved(part: Any, x: Any, *, pooled: bool) -> Tensor | None:
    shape = _shape(part, x)
    if shape is None or (pooled and min(shape.out) < 2):
        return None
    y: Tensor = Convolution.apply(_half(x), part.weight, shape, pooled)  # type: ignore[no-untyped-call]
    return y


def _square(part: Any) -> bool:
    """Whether it is a convolution that the tiles know, on a processor that has them."""
    return _known(part) and tiles.missing() is None


def _known(part: Any) -> bool:
    if part.bias is not None or part.groups != 1 or part.padding_mode != "zeros":
        return False
    try:
        return _sides(part.kernel_size, part.stride, part.padding, part.dilation, part.out_channels, part.in_channels)
    except TypeError:  # somebody has set a list
        return False


@lru_cache(4096)
def _sides(size: Any, stride: Any, padding: Any, dilation: Any, outputs: int, channels: int) -> bool:
    return (
        all(map(_twice, (size, stride, padding)))
        and padding[0] < size[0]
        and dilation == (1, 1)
        and outputs % tiles.LANES == 0
        and _worth_tiles(channels, size[0])
    )


def _twice(sides: Any) -> bool:
    """Whether it is said for rows and columns, and the same; somebody may have set a number or a word, which torch takes too."""
    return isinstance(sides, tuple) and len(sides) == 2 and sides[0] == sides[1]


def _worth_tiles(channels: int, size: int) -> bool:
    """Where torch is not as fast: pictures of so few numbers, maps, and where a position sees itself alone, those that aren't wide."""
    if channels % tiles.LANES:
        return channels * size**2 <= tiles.FEW
    return size > 1 or channels <= _WIDE


def _shape(part: Any, x: Any) -> tiles.Shape | None:
    """Of a square convolution that autocast would make one in bfloat16; None: no work for the tiles."""
    if not (torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") == torch.bfloat16):
        return None
    channels = part.in_channels
    if not (kernel.alone(x) and x.dim() == 4 and x.shape[1] == channels and _lies(part)):
        return None
    few = channels % tiles.LANES > 0  # pictures: nobody asks for their gradient, and they are copied anyway
    if not (x.dtype in _CAST and not x.requires_grad if few else x.dtype == torch.bfloat16 and kernel.last(x)):
        return None
    shape = tiles.shape(*x.shape, part.out_channels, part.kernel_size[0], part.stride[0], part.padding[0])
    return shape if torch.get_num_threads() <= tiles.THREADS and _fits(shape, few) else None


def _fits(shape: tiles.Shape, few: bool) -> bool:
    """Whether there is enough to do, and what is seen and comes out of a sample stays near while its gradients are worked out."""
    return shape.comes_out >= max(_LEAST, 1) and (few or shape.of_a_sample <= _NEAR)


def _lies(part: Any) -> bool:
    """Whether a kernel is to learn and still has the sizes that its convolution tells of, since somebody may have put another there;
    of float32 numbers with channels last, as that of a net is whose maps are to lie so.
    """
    weight = part.weight
    known = type(weight) in _PLAIN and weight.dtype == torch.float32 and weight.is_cpu and weight.requires_grad
    if not known or weight.shape != (part.out_channels, part.in_channels, *part.kernel_size):
        return False
    last: bool = weight.stride(1) == 1 and weight.is_contiguous(memory_format=torch.channels_last)
    return last


def _half(x: Tensor) -> Tensor:
    if x.dtype == torch.bfloat16 and kernel.last(x):
        return x
    return x.to(torch.bfloat16).contiguous(memory_format=torch.channels_last)
