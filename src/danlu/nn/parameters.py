"""Which parameters weight decay may touch."""

from __future__ import annotations

from torch import nn

Named = tuple[str, nn.Parameter]

_NORMS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm, nn.LocalResponseNorm)


def split_parameters(net: nn.Module) -> tuple[list[Named], list[Named]]:
    """(decay, no decay): trainable parameters, each once, in the order of their names.

    No decay: biases, parameters of normalisation layers, everything of fewer than two dimensions (gains, PReLU's
    slopes), and what the net itself names by ``no_weight_decay()`` (timm's convention: position embeddings, class
    tokens). All other matrices and kernels decay, embeddings too: in a factorisation they are the model, and decay is
    its regulariser.
    """
    exempt = _exempt(net)
    decay: list[Named] = []
    free: list[Named] = []
    for name, parameter in sorted(net.named_parameters()):
        if parameter.requires_grad:
            (free if name in exempt or parameter.ndim < 2 or _is_bias(name) else decay).append((name, parameter))
    return decay, free


def _is_bias(name: str) -> bool:
    return name.rpartition(".")[2].startswith("bias")


def _exempt(net: nn.Module) -> set[str]:
    names: set[str] = set()
    for prefix, module in net.named_modules():
        dot = f"{prefix}." if prefix else ""
        if isinstance(module, _NORMS):
            names.update(dot + name for name, _ in module.named_parameters(recurse=False))
        own = getattr(module, "no_weight_decay", None)
        if callable(own):
            names.update(dot + name for name in own())
    return names
