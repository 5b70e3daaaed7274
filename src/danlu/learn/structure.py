"""What a net is made of, as few figures as the diagrams need."""

from __future__ import annotations

from collections import Counter
from typing import Any

from torch import nn

NORMS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)
DROPOUTS = (nn.modules.dropout._DropoutNd,)
ACTIVATIONS = tuple(
    getattr(nn, name)
    for name in (
        *("ReLU", "ReLU6", "LeakyReLU", "PReLU", "RReLU", "ELU", "SELU", "CELU", "GELU", "SiLU", "Mish", "Hardswish"),
        *("Hardsigmoid", "Hardtanh", "Softplus", "Sigmoid", "Tanh"),
    )
)


def structure(net: nn.Module) -> dict[str, Any]:
    """parameters: all of them, each once. first, hidden, last: layers that have weights and are no norm, in the order in which they
    were made: {"kind", "parameters"} (hidden: "layers" and "parameters" of all). norms, activations: {"kind": count}. dropout: the
    largest rate, None without dropout layers.
    """
    leaves = [module for module in net.modules() if not list(module.children())]
    weighted = [
        module
        for module in leaves
        if list(module.parameters(recurse=False)) and not isinstance(module, NORMS + ACTIVATIONS)
    ]
    rates = [float(module.p) for module in leaves if isinstance(module, DROPOUTS)]
    inner = weighted[1:-1]
    return {
        "parameters": sum(parameter.numel() for parameter in net.parameters()),
        "first": _layer(weighted[0]) if weighted else None,
        "hidden": {"layers": len(inner), "parameters": sum(_layer(module)["parameters"] for module in inner)},
        "last": _layer(weighted[-1]) if len(weighted) > 1 else None,
        "norms": dict(Counter(type(module).__name__ for module in leaves if isinstance(module, NORMS))),
        "activations": dict(Counter(type(module).__name__ for module in leaves if isinstance(module, ACTIVATIONS))),
        "dropout": max(rates) if rates else None,
    }


def _layer(module: nn.Module) -> dict[str, Any]:
    parameters = sum(parameter.numel() for parameter in module.parameters(recurse=False))
    return {"kind": type(module).__name__, "parameters": parameters}
