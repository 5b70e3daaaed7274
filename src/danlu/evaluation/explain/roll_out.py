"""Attention roll-out (Abnar & Zuidema 2020): how the patches of an image reach a Transformer's last layer.

It follows attention, not the answer: the map is the same for every class.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from danlu.errors import DanluError
from danlu.evaluation.explain.subject import Subject
from danlu.messages import say


def roll_out(subject: Subject) -> tuple[Tensor, int]:
    """(float32 (H, W) in 0–1, number of attention layers). Raises DanluError for nets that are no such Transformers."""
    with torch.no_grad(), _watched(subject.net) as (attentions, grids):
        subject.outputs(subject.pixels)
    if not attentions:
        raise DanluError.of("net", say("explain.no-attention"), say("explain.no-attention.remedy"))
    if len({each.shape[-1] for each in attentions}) > 1 or not grids:
        raise DanluError.of("net", say("explain.windows"), say("explain.no-attention.remedy"))
    tokens, (high, wide) = attentions[0].shape[-1], grids[0]
    before = tokens - high * wide  # class and register tokens stand in front
    if before < 0:
        raise DanluError.of("net", say("explain.windows"), say("explain.no-attention.remedy"))
    flow = rolled([each[0].mean(0) for each in attentions])
    reached = flow[0, before:] if before else flow.mean(0)
    heat = reached.reshape(1, 1, high, wide)
    heat = heat - heat.min()
    heat = heat / heat.max().clamp_min(1e-12)
    size = subject.pixels.shape[2:]
    return F.interpolate(heat, size, mode="bilinear", align_corners=False)[0, 0].float(), len(attentions)


def rolled(attentions: list[Tensor]) -> Tensor:
    """Attention matrices (T, T), rows summing to 1, first layer first → (T, T): the product of ½·(A + 1), each row summing to 1."""
    flow = torch.eye(attentions[0].shape[-1], dtype=attentions[0].dtype)
    for each in attentions:
        mixed = (each + torch.eye(len(each), dtype=each.dtype)) / 2
        flow = (mixed / mixed.sum(-1, keepdim=True)) @ flow
    return flow


@contextmanager
def _watched(net: nn.Module) -> Iterator[tuple[list[Tensor], list[tuple[int, int]]]]:
    """Attention matrices (1, heads, T, T) in the order of layers, and the grid of patches, of a call inside.

    Fused kernels give no matrices: timm's and transformers' layers are told to do without, torch's to give theirs. All is as before
    afterwards.
    """
    attentions: list[Tensor] = []
    grids: list[tuple[int, int]] = []
    with ExitStack() as stack:
        for module in net.modules():
            if isinstance(getattr(module, "fused_attn", None), bool):
                stack.callback(setattr, module, "fused_attn", module.fused_attn)
                module.fused_attn = False  # type: ignore[assignment]
            config = getattr(module, "config", None)
            if isinstance(getattr(config, "_attn_implementation", None), str):
                stack.callback(setattr, config, "_attn_implementation", config._attn_implementation)  # type: ignore[union-attr]
                config._attn_implementation = "eager"  # type: ignore[union-attr]
            if isinstance(module, nn.MultiheadAttention):
                handle = module.register_forward_pre_hook(_with_weights, with_kwargs=True)
                stack.callback(handle.remove)

            def look(layer: nn.Module, _: Any, output: Any) -> None:
                if isinstance(layer, nn.Conv2d) and not grids and min(output.shape[2:]) > 1:
                    grids.append((output.shape[2], output.shape[3]))
                for part in output if isinstance(output, tuple) else (output,):
                    if _is_attention(part) and not any(part is each for each in attentions):
                        attentions.append(part)

            stack.callback(module.register_forward_hook(look).remove)
        yield attentions, grids
        kept = {each.data_ptr(): each for each in attentions}  # a dropout that does nothing hands on what it was given
        attentions[:] = [each.float().cpu() for each in kept.values()]


def _with_weights(module: nn.Module, given: Any, named: dict[str, Any]) -> Any:
    return given, {**named, "need_weights": True, "average_attn_weights": False}


def _is_attention(value: Any) -> bool:
    if not isinstance(value, Tensor) or value.ndim != 4 or value.shape[-1] != value.shape[-2] or value.shape[-1] < 2:
        return False
    if not value.is_floating_point() or float(value.min()) < 0:
        return False
    sums = value.sum(-1)
    return bool(torch.allclose(sums, torch.ones_like(sums), atol=1e-3))
