"""Norms, pools and activations as the kernel can do them: what is asked of each."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from danlu.nn.maps import kernel
from danlu.nn.native.plain import owned

ACTIVATIONS = {nn.ReLU: 1, nn.SiLU: 2}  # places in kernel.ACTIVATIONS
LEAST = 1 << 16  # numbers in maps from which on a call of a kernel is worth its while


def simple(part: Any, channels: int) -> bool:
    """Whether it norms by what it meets, and its statistics move as the kernels move them."""
    if not (part.training and part.track_running_stats and isinstance(part.momentum, float | int)):
        return False
    numbers = part.weight, part.bias, part.running_mean, part.running_var
    return all(owned(each, channels) for each in numbers)


def moved(part: Any) -> tuple[Any, ...]:
    """What a norm's statistics are told by; one batch more is counted."""
    if part.num_batches_tracked is not None:
        part.num_batches_tracked.add_(1)
    return part.weight, part.bias, part.running_mean, part.running_var, part.eps, part.momentum


def worth(x: Tensor) -> bool:
    return x.numel() >= LEAST and kernel.usable(x)


def averages(part: Any) -> bool:
    two: tuple[Any, ...] = (2, (2, 2))
    return part.kernel_size in two and part.stride in two and part.padding in (0, (0, 0)) and not part.divisor_override


def halves(part: Any) -> bool:
    two: tuple[Any, ...] = (2, (2, 2))
    rest = (
        part.padding in (0, (0, 0)) and part.dilation in (1, (1, 1)) and not part.ceil_mode and not part.return_indices
    )
    return part.kernel_size in two and part.stride in two and rest
