"""Finding a net's head: what turns features into outputs."""

from __future__ import annotations

from typing import Any

from torch import nn

from danlu.errors import RecipeError
from danlu.messages import say

_ATTRIBUTES = ("head", "heads", "classifier", "fc")  # own nets and torchvision's; timm's say it by get_classifier()
_LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d)


def head_of(net: nn.Module, where: str = "model.name") -> tuple[str, ...]:
    """Dotted names of the modules that are the head, mostly one.

    timm's nets are asked; else it is the attribute ``head``, ``heads``, ``classifier`` or ``fc`` (of a Sequential of
    layers the last linear or convolution: what stands before it comes with published weights). Containers are followed
    into their last part with parameters. Of any other net it is the last linear layer or convolution.
    Raises RecipeError where there is none.
    """
    names = _find(net)
    if not names:
        raise RecipeError.of(where, say("nn.no-head", net=type(net).__name__), say("nn.no-head-remedy"))
    return names


def _find(net: nn.Module) -> tuple[str, ...]:
    ask: Any = getattr(net, "get_classifier", None)
    if callable(ask):
        told = ask()
        parts = told if isinstance(told, tuple | list) else (told,)
        names = [name for part in parts if isinstance(part, nn.Module) for name in _name_of(net, part)]
        if names:
            return tuple(names)
    for attribute in _ATTRIBUTES:
        part = getattr(net, attribute, None)
        if isinstance(part, nn.Module) and _has_parameters(part):
            inner = _last_layer(part) if isinstance(part, nn.Sequential) else ""
            return (f"{attribute}.{inner}" if inner else attribute,)
    children = [(name, child) for name, child in net.named_children() if _has_parameters(child)]
    if children and (isinstance(net, nn.Sequential) or len(children) == 1):
        name, child = children[-1]
        if isinstance(child, _LAYERS):
            return (name,)
        return tuple(f"{name}.{inner}" for inner in _find(child))
    last = _last_layer(net)
    return (last,) if last else ()


def _name_of(net: nn.Module, part: nn.Module) -> list[str]:
    return [name for name, module in net.named_modules() if module is part and _has_parameters(part)][:1]


def _last_layer(net: nn.Module) -> str:
    names = [name for name, module in net.named_modules() if isinstance(module, _LAYERS)]
    return names[-1] if names else ""


def _has_parameters(module: nn.Module) -> bool:
    return next(module.parameters(), None) is not None
