"""Activations by name: one line of a recipe for every own net. No torch at import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from danlu.nn.named import made

if TYPE_CHECKING:
    from torch import nn

ENTRIES: dict[str, str] = {
    "relu": "torch.nn:ReLU",
    "leaky-relu": "torch.nn:LeakyReLU",
    "prelu": "torch.nn:PReLU",
    "elu": "torch.nn:ELU",
    "silu": "torch.nn:SiLU",
    "gelu": "torch.nn:GELU",
    "mish": "torch.nn:Mish",
    "hard-swish": "torch.nn:Hardswish",
    "softplus": "torch.nn:Softplus",
    "sigmoid": "torch.nn:Sigmoid",
    "tanh": "torch.nn:Tanh",
    "identity": "torch.nn:Identity",
}


def make_activation(name: str, **args: Any) -> nn.Module:
    """A new activation: a name of :data:`ENTRIES` or ``package.module:Object``, called with ``args``.

    Never in place: hooks that look at what a layer gave must find it unspoilt. Raises RecipeError for an unknown
    name, and for what makes no module.
    """
    return made("activation", name, ENTRIES, **args)
