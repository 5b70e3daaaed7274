"""What of a decoder the kernel knows: plain layers of float32 on a CPU, which nobody looks into."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from danlu.nn.dropout import Dropout
from danlu.nn.native.lent import unseen
from danlu.nn.native.plain import owned
from danlu.nn.writing.kernel import ACTIVATIONS, LANES, PARTS, Tokens

_LOOKS = ("norm2", "query", "answer")  # at what was read
_NOTHING = (nn.Dropout, Dropout)  # what does nothing where nothing is dropped


def tokens_of(net: Any) -> Tokens | None:
    """The kernel for a :class:`danlu.nn.writing.layered.Decodes`; None where it would do something else than the net's modules."""
    if not all(_whole(layer) for layer in net.decoder):
        return None
    layers = [_parts(layer) for layer in net.decoder]
    acts = {type(layer.mlp[1]) for layer in net.decoder}
    norms = [net.norm, *(part for layer in layers for part in layer if isinstance(part, nn.LayerNorm))]
    head, heads = net.targets.weight, net.decoder[0].heads
    modules = [net.norm, *(part for layer in net.decoder for part in layer.modules())]
    width, hidden = head.shape[1], getattr(layers[0][PARTS.index("first")], "out_features", 0)
    fits = (
        len(acts) == len({getattr(each, "eps", None) for each in norms}) == 1
        and all(getattr(layer.mlp[1], "approximate", "none") == "none" for layer in net.decoder)
        and acts <= ACTIVATIONS.keys()
        and all(_alike(layer, width, hidden) for layer in layers)
        and len({sum(part is None for part in layer) for layer in layers}) == 1
        and _plain(net.norm, (width,))
        and owned(head)
        and unseen(*modules)
        and all(layer.heads == heads for layer in net.decoder)
        and width % (heads * LANES) == 0
        and hidden % LANES == 0
    )
    return Tokens(layers, net.norm, head, heads, norms[0].eps, ACTIVATIONS[acts.pop()]) if fits else None


def _whole(layer: Any) -> bool:
    """Whether it is made of these parts alone, and nothing was put between them."""
    mlp = getattr(layer, "mlp", None)
    made = type(mlp) is nn.Sequential and len(mlp) == 4 and type(mlp[2]) in _NOTHING
    return made and type(getattr(layer, "dropout", None)) in _NOTHING and hasattr(layer, "heads")


def _parts(layer: Any) -> list[Any]:
    """As ``danlu.nn.writing.kernel.PARTS`` names them; None: there is none."""
    own = {"first": layer.mlp[0], "last": layer.mlp[3]}
    return [own.get(name, getattr(layer, name, None)) for name in PARTS]


def _alike(layer: Sequence[Any], width: int, hidden: int) -> bool:
    """Whether its parts are plain and of the sizes that all layers have: the kernel reads as many numbers of each. What was read is
    looked at by three of them or by none.
    """
    norm, square = (width,), (width, width)
    sizes = (norm, (3 * width, width), square, norm, square, square, norm, (hidden, width), (width, hidden))
    looks = any(part is not None for name, part in zip(PARTS, layer, strict=True) if name in _LOOKS)
    return all(
        _plain(part, size) if looks or name not in _LOOKS else part is None
        for name, part, size in zip(PARTS, layer, sizes, strict=True)
    )


def _plain(part: Any, size: tuple[int, ...]) -> bool:
    """Exactly a linear layer or, of one size, a norm: a subclass, or what stands in for one, may do more."""
    kind = nn.Linear if len(size) == 2 else nn.LayerNorm
    return type(part) is kind and owned(part.weight, *size) and owned(part.bias, size[0])
