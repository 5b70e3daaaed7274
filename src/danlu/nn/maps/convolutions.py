"""Convolutions as the tiles can do them: what is asked of each, and its shape."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn

from danlu.nn.maps import kernel, pieces, tiles

_NEAR = 3 << 19  # numbers of a sample, seen and given, up to which its gradients are worked out as fast as by torch
_CAST = (torch.float32, torch.bfloat16, torch.float16)  # what autocast makes bfloat16; convolutions refuse the rest
_WIDE = 64  # channels up to which a convolution of one position is done here
_PLAIN = (Tensor, nn.Parameter)


def square(part: Any) -> bool:
    """Whether it is a convolution that the tiles know, on a processor that has them."""
    return known(part) and tiles.missing() is None


def known(part: Any) -> bool:
    """Whether it is a convolution that the tiles know: square, without bias, groups or dilation, padded with zeros."""
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


def shape_for(part: Any, x: Any) -> tiles.Shape | None:
    """Of a square convolution that autocast would make one in bfloat16; None: no work for the tiles."""
    if not (torch.is_autocast_enabled("cpu") and torch.get_autocast_dtype("cpu") == torch.bfloat16):
        return None
    channels = part.in_channels
    if not (kernel.alone(x) and x.dim() == 4 and x.shape[1] == channels and _lies(part)):
        return None
    few = channels % tiles.LANES > 0  # pictures: nobody asks for their gradient, and they are copied anyway
    if not (x.dtype in _CAST and not x.requires_grad if few else x.dtype == torch.bfloat16 and kernel.last(x)):
        return None
    return _sized(part, tuple(x.shape), few)


def shape_of(part: Any, sizes: tuple[int, ...]) -> tiles.Shape | None:
    """The same, of maps (B, C, H, W) that a kernel has given."""
    return _sized(part, sizes, False) if sizes[1] == part.in_channels and _lies(part) else None


def _sized(part: Any, sizes: tuple[int, ...], few: bool) -> tiles.Shape | None:
    shape = tiles.shape(*sizes, part.out_channels, part.kernel_size[0], part.stride[0], part.padding[0])
    return shape if torch.get_num_threads() <= tiles.THREADS and _fits(shape, few) else None


def _fits(shape: tiles.Shape, few: bool) -> bool:
    """Whether there is enough to do, and what is seen and comes out of a sample stays near while its gradients are worked out."""
    return shape.comes_out >= max(pieces.LEAST, 1) and (few or shape.of_a_sample <= _NEAR)


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


def half(x: Tensor) -> Tensor:
    """(B, C, H, W) as the tiles read it: bfloat16, channels last."""
    if x.dtype == torch.bfloat16 and kernel.last(x):
        return x
    return x.to(torch.bfloat16).contiguous(memory_format=torch.channels_last)
