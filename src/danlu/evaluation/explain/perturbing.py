"""Integrated gradients (Sundararajan et al. 2017) and occlusion (Zeiler & Fergus 2014), by captum."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from danlu._compat.torchvision import ensure
from danlu.errors import DanluError
from danlu.evaluation.explain.subject import Subject
from danlu.messages import say

_STEPS = (64, 256)  # of the path; the second where the first misses by more than _MISSED of the difference
_MISSED = 0.02
_AT_ONCE = 16  # variants of the image in one call of the net
_WINDOWS = 8  # a covered square's side goes so many times into the image's longer side


def integrated_gradients(subject: Subject) -> tuple[Tensor, float, float]:
    """(float32 (C, H, W), sum of it, difference it should equal): each value's part in ``score(image) - score(neutral colour)``."""
    method = _captum().IntegratedGradients(subject.score)
    pixels = subject.pixels
    neutral = subject.neutral.expand_as(pixels)
    with torch.no_grad():
        apart = float(subject.score(pixels) - subject.score(neutral))
    total, found = 0.0, torch.zeros_like(pixels)
    for steps in _STEPS:
        found = method.attribute(pixels, baselines=neutral, n_steps=steps, internal_batch_size=_AT_ONCE).detach()
        total = float(found.double().sum())
        if abs(total - apart) <= _MISSED * abs(apart):
            break
    return found[0].float(), total, apart


def occlusion(subject: Subject) -> tuple[Tensor, int]:
    """(float32 (H, W), side of the square): by how much the score falls where a square of the neutral colour covers the image."""
    pixels = subject.pixels
    channels, high, wide = pixels.shape[1:]
    side = max(1, min(high, wide, -(-max(high, wide) // _WINDOWS)))
    with torch.no_grad():
        found = (
            _captum()
            .Occlusion(subject.score)
            .attribute(
                pixels,
                sliding_window_shapes=(channels, side, side),
                strides=(channels, max(1, side // 2), max(1, side // 2)),
                baselines=subject.neutral.expand_as(pixels),
                perturbations_per_eval=_AT_ONCE,
            )
        )
    return found[0].mean(0).float(), side


def _captum() -> Any:
    """Raises DanluError, with the command that installs it, where there is none."""
    ensure()
    try:
        from captum import attr
    except ImportError as error:
        raise DanluError.of("captum", say("explain.no-captum"), say("explain.no-captum.remedy")) from error
    return attr
