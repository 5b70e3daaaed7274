"""Tensors that a kernel may read: plain ones on a CPU, while torch only computes."""

from __future__ import annotations

import torch
from torch import _C, Tensor, nn
from torch.autograd import forward_ad

_PLAIN = (Tensor, nn.Parameter)


def plain(x: Tensor) -> bool:
    """Whether this is a plain tensor on a CPU with something in it, and nobody but autograd asks what is done with it."""
    return type(x) is Tensor and x.is_cpu and x.numel() > 0 and unwatched()


def unwatched() -> bool:
    """Whether torch only computes. Else its operations are wanted: to be transformed, traced or counted, or for what they keep for
    backward to be replaced, as activation checkpointing does, which works a part out again after the pass.
    """
    return not (
        _C._are_functorch_transforms_active()
        or _C._get_tracing_state() is not None
        or _C._len_torch_dispatch_stack()
        or _C._len_torch_function_stack()
        or _C._autograd._top_saved_tensors_default_hooks(True) is not None
        or forward_ad._current_level >= 0
    )


def owned(each: Tensor | None, *shape: int) -> bool:
    """Whether a kernel can read it as float32 numbers, one after the other. shape: which it is to have; none: any."""
    return (
        type(each) in _PLAIN
        and each.dtype == torch.float32  # type: ignore[union-attr]
        and each.is_cpu  # type: ignore[union-attr]
        and each.is_contiguous()  # type: ignore[union-attr]
        and (not shape or each.shape == shape)  # type: ignore[union-attr]
    )
