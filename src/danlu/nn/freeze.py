"""Feature extraction: the backbone stays as it is, only the head learns."""

from __future__ import annotations

from types import MethodType

from torch import nn

from danlu.nn.head import head_of


def freeze(net: nn.Module, where: str = "model.unfreeze") -> tuple[str, ...]:
    """Freeze everything but the head; returns the head's names.

    Frozen parameters need no gradient. Frozen norms with running statistics (batch norm) stay in eval mode whatever
    ``net.train()`` says, so that their statistics never move. Raises RecipeError where no head is found.
    """
    heads = head_of(net, where)
    inside = tuple(f"{head}." for head in heads)
    for name, parameter in net.named_parameters():
        parameter.requires_grad_(name.startswith(inside))
    for name, module in net.named_modules():
        if isinstance(module, nn.modules.batchnorm._NormBase) and not f"{name}.".startswith(inside):
            module.train = MethodType(_stay, module)  # type: ignore[method-assign]
            module.eval()
    return heads


def _stay(module: nn.Module, mode: bool = True) -> nn.Module:
    """In place of ``train``: eval mode, always."""
    return nn.Module.train(module, False)
