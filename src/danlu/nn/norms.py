"""Normalisation layers by name: one line of a recipe for every own net. No torch at import.

| name | what is brought to mean 0, variance 1 | source |
| --- | --- | --- |
| batch | every channel over the batch and all positions | Ioffe & Szegedy 2015 |
| layer | every sample and position over its channels | Ba et al. 2016, as ConvNeXt has it on images |
| instance | every sample and channel over its positions | Ulyanov et al. 2016 |
| group | every sample over groups of channels and all positions | Wu & He 2018 |
| none | nothing | |

A vector has no positions to average over: there ``instance`` takes it as one channel whose positions are its features.
Layer norm over channels *and* positions, the other reading on images, is a group norm with one group.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from danlu.nn.named import made

if TYPE_CHECKING:
    from torch import nn

ENTRIES: dict[str, str] = {
    "batch": "danlu.nn.norm_layers:batch",
    "layer": "danlu.nn.norm_layers:layer",
    "instance": "danlu.nn.norm_layers:instance",
    "group": "danlu.nn.norm_layers:group",
    "none": "danlu.nn.norm_layers:none",
}


def make_norm(name: str, channels: int, dims: Literal[1, 2] = 2) -> nn.Module:
    """A new norm for (B, channels) where ``dims`` is 1, for (B, channels, H, W) where it is 2.

    name: one of :data:`ENTRIES`, or ``package.module:Object``, which is called as ``Object(channels)``.
    Raises RecipeError for an unknown name, and for what makes no module.
    """
    return made("norm", name, ENTRIES, *((channels, dims) if name in ENTRIES else (channels,)))
