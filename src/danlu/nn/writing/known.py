"""What of a decoder the kernel knows: plain layers of float32 on a CPU, which nobody looks into."""

from __future__ import annotations

from typing import Any

from torch import nn

from danlu.nn.native.plain import owned
from danlu.nn.writing.kernel import ACTIVATIONS, LANES, Tokens


def tokens_of(net: Any) -> Tokens | None:
    """The kernel for a :class:`danlu.nn.writing.layered.Decodes`; None where it would do something else than the net's modules."""
    layers = [_parts(layer) for layer in net.decoder]
    acts = {type(layer.mlp[1]) for layer in net.decoder}
    norms = [net.norm, *(part for layer in layers for part in layer if isinstance(part, nn.LayerNorm))]
    head, heads = net.targets.weight, net.decoder[0].heads
    modules = [net.norm, *(part for layer in net.decoder for part in layer.modules())]
    fits = (
        len(acts) == len({each.eps for each in norms}) == 1
        and all(getattr(layer.mlp[1], "approximate", "none") == "none" for layer in net.decoder)
        and acts <= ACTIVATIONS.keys()
        and all(_plain(part) for layer in layers for part in layer if part is not None)
        and _plain(net.norm)
        and owned(head)
        and not any(each._forward_hooks or each._forward_pre_hooks or "forward" in each.__dict__ for each in modules)
        and (head.shape[1] // heads) % LANES == 0
        and layers[0][-1].weight.shape[1] % LANES == 0
    )
    return Tokens(layers, net.norm, head, heads, norms[0].eps, ACTIVATIONS[acts.pop()]) if fits else None


def _parts(layer: Any) -> list[Any]:
    """As ``danlu.nn.writing.kernel.PARTS`` names them."""
    both = (layer.norm2, layer.query, layer.answer)
    return [layer.norm1, layer.inside, layer.outside, *both, layer.norm3, layer.mlp[0], layer.mlp[3]]


def _plain(part: Any) -> bool:
    """Exactly a linear layer or a norm: a subclass, or what stands in for one, may do more."""
    return type(part) in (nn.Linear, nn.LayerNorm) and all(owned(each) for each in (part.weight, part.bias))
