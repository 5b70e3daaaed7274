"""Weights to begin with, drawn for the activation that follows."""

from __future__ import annotations

from torch import nn

_SATURATING = {"sigmoid": "sigmoid", "tanh": "tanh", "identity": "linear"}


def initialise(net: nn.Module, activation: str) -> None:
    """Draw the weights of every convolution and linear layer inside ``net``, with biases zero; other layers stay.

    He et al. 2015 (normal, fan in, gain √2) for rectifiers and their smooth kin; Glorot & Bengio 2010 (normal) for
    sigmoid, tanh and identity, which saturate or explode under the larger weights. Draws from torch's default
    generator in the order of ``net.modules()``.
    """
    for module in net.modules():
        if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Linear):
            if activation in _SATURATING:
                gain = nn.init.calculate_gain(_SATURATING[activation])  # type: ignore[arg-type]
                nn.init.xavier_normal_(module.weight, gain=gain)
            else:
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
