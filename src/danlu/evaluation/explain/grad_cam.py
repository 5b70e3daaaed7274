"""Grad-CAM (Selvaraju et al. 2017): where the feature maps of a layer speak for an answer."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from danlu.errors import DanluError
from danlu.evaluation.explain.subject import Subject
from danlu.messages import say
from danlu.recipe.nearest import did_you_mean

_SMALL = 1e-7  # as in pytorch-grad-cam
_LEAST = 4  # pixels of a map's side: smaller ones, of small images, say next to nothing about where


@dataclass(frozen=True)
class Map:
    """heat: float32 (H, W) of the image, 0–1. layer: the module that it was read from. shape: (height, width) of its maps."""

    heat: Tensor
    layer: str
    shape: tuple[int, int]


def grad_cam(subject: Subject, layer: str | None = None) -> Map:
    """The weighted sum of a layer's maps, each weighted by the mean of its gradient; what speaks against is cut off.

    layer: a module's dotted name; None: the last feature map (see :func:`seen`) on which the score depends, of at least 4 × 4 if any is
    so large. Raises DanluError where there is none.
    """
    pixels = subject.pixels.clone().requires_grad_()
    with torch.enable_grad():
        maps, outputs = seen(subject, pixels, layer)
        if not maps:
            raise DanluError.of(layer or "net", *_nothing(subject.net, layer))
        score = subject.aim.score(outputs).sum()
        gradients = torch.autograd.grad(score, [value for _, value in maps], allow_unused=True)
    told = [
        (name, value, gradient)
        for (name, value), gradient in zip(maps, gradients, strict=True)
        if gradient is not None and (layer is not None or bool(gradient.any()))
    ]
    if not told:
        raise DanluError.of(layer or "net", say("explain.no-gradient"), say("explain.no-layer.remedy"))
    large = [each for each in told if min(each[1].shape[2:]) >= _LEAST]
    name, value, gradient = (large or told)[-1]
    heat = _heat(value.detach(), gradient, (pixels.shape[2], pixels.shape[3]))
    return Map(heat, name, (value.shape[2], value.shape[3]))


def _heat(values: Tensor, gradient: Tensor, size: tuple[int, int]) -> Tensor:
    weights = gradient.mean((2, 3), keepdim=True)
    heat = _scaled(F.relu((weights * values).sum(1, keepdim=True)).float())
    return _scaled(F.interpolate(heat, size, mode="bilinear", align_corners=False))[0, 0]


def _scaled(heat: Tensor) -> Tensor:
    heat = heat - heat.min()
    return heat / (_SMALL + heat.max())


def seen(subject: Subject, pixels: Tensor, layer: str | None) -> tuple[list[tuple[str, Tensor]], Any]:
    """([(module's name, its maps (1, C, h, w))] in the order in which they are made, the net's outputs).

    layer: that one alone, else every module that runs once, gives out maps of more than one pixel, and isn't the net's own output.
    """
    found: list[tuple[str, Tensor]] = []
    calls: Counter[str] = Counter()
    names = {module: name for name, module in subject.net.named_modules() if name}

    def keep(module: nn.Module, _: Any, output: Any) -> Any:
        name = names[module]
        calls[name] += 1
        if not isinstance(output, Tensor) or output.ndim != 4 or not output.is_floating_point():
            return None
        if layer is None and min(output.shape[2:]) < 2:
            return None
        found.append((name, output))
        return output.clone()  # what follows may change it in place

    wanted = [module for module, name in names.items() if layer is None or name == layer]
    handles = [module.register_forward_hook(keep) for module in wanted]
    try:
        outputs = subject.outputs(pixels)
    finally:
        for handle in handles:
            handle.remove()
    sizes = {tuple(each.shape) for each in _tensors(outputs)}
    once = [
        (name, value)
        for name, value in found
        if calls[name] == 1 and value.requires_grad and (layer is not None or tuple(value.shape) not in sizes)
    ]
    return once, outputs


def _tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    return [each for part in parts for each in _tensors(part)]


def _nothing(net: nn.Module, layer: str | None) -> tuple[str, str]:
    if layer is None:
        return say("explain.no-layer"), say("explain.no-layer.remedy")
    known = [name for name, _ in net.named_modules() if name]
    if layer in known:
        return say("explain.layer-no-map"), say("explain.no-layer.remedy")
    return say("explain.unknown-layer"), did_you_mean(layer, known) or say("explain.no-layer.remedy")
