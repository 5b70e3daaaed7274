"""Stochastic depth (Huang et al. 2016) of published nets: each residual branch is left out for a share of the samples."""

from __future__ import annotations

from torch import nn

from danlu.errors import DanluError, RecipeError
from danlu.messages import say


def set_depth(net: nn.Module, rate: float, name: str, where: str) -> None:
    """Give torchvision's layers of it new rates: the last ``rate``, the others in proportion to what they had.

    Raises RecipeError where the net has none.
    """
    from torchvision.ops import StochasticDepth

    layers = [layer for layer in net.modules() if isinstance(layer, StochasticDepth)]
    most = max((layer.p for layer in layers), default=0.0)
    if most == 0.0:
        raise no_branches(name, where)
    for layer in layers:
        layer.p = layer.p / most * rate


def has_depth(net: nn.Module) -> bool:
    """Whether some layer of a net of timm leaves branches out."""
    from timm.layers.drop import DropPath

    return any(isinstance(layer, DropPath) and bool(layer.drop_prob) for layer in net.modules())


def no_branches(name: str, where: str) -> DanluError:
    return RecipeError.of(where, say("nn.no-branches", net=name), say("nn.no-branches-remedy"))
