"""Frozen parts stay as they are: their parameters need no gradient, and their norms' running statistics never move."""

from __future__ import annotations

from collections.abc import Iterable
from types import MethodType

from torch import nn


def freeze(parameters: Iterable[nn.Parameter], norms: Iterable[nn.Module]) -> None:
    """norms: stay in eval mode from now on, whatever ``net.train()`` says."""
    for parameter in parameters:
        parameter.requires_grad_(False)
    for norm in norms:
        norm.train = MethodType(_stay, norm)  # type: ignore[method-assign]
        norm.eval()


def thaw(parameters: Iterable[nn.Parameter], norms: Iterable[nn.Module], training: bool) -> None:
    """The inverse. training: the mode that the norms are in now."""
    for parameter in parameters:
        parameter.requires_grad_(True)
    for norm in norms:
        vars(norm).pop("train", None)
        norm.train(training)


def _stay(module: nn.Module, mode: bool = True) -> nn.Module:
    """In place of ``train``: eval mode, always."""
    return nn.Module.train(module, False)
