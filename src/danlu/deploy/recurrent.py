"""torch's recurrent layers as one node of a graph each.

torch.export unrolls a recurrence step by step, and so fixes the length of a sequence. ONNX has the operators LSTM, GRU and RNN, which
go over any length: while a net is captured, its layers call these.

Sources: https://onnx.ai/onnx/operators/onnx__LSTM.html, onnx__GRU.html and onnx__RNN.html; torch.nn.LSTM, GRU and RNN.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

_GATES = {"LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2), "RNN": (0,)}  # ONNX's order of gates, by torch's places
_ATTRIBUTES: dict[str, dict[str, Any]] = {"LSTM": {}, "GRU": {"linear_before_reset": 1}, "RNN": {}}
_ACTIVATIONS = {"tanh": "Tanh", "relu": "Relu"}


@contextmanager
def as_operators(net: nn.Module) -> Iterator[None]:
    """Inside, what can be written of the net's recurrent layers is captured as operators; eager calls there give no real numbers."""
    changed = [module for module in net.modules() if isinstance(module, nn.RNNBase) and _written(module)]
    try:
        for module in changed:
            module.__dict__["forward"] = _forward(module)
        yield
    finally:
        for module in changed:
            del module.__dict__["forward"]


def _written(module: nn.RNNBase) -> bool:
    """Whether it is exactly torch's layer: a subclass may compute something else. Projections have no place in ONNX."""
    return type(module) in (nn.LSTM, nn.GRU, nn.RNN) and not module.proj_size and not module.training


def _forward(module: nn.RNNBase) -> Callable[..., Any]:
    name = type(module).__name__
    directions = 2 if module.bidirectional else 1

    def forward(x: Tensor, hx: Any = None) -> Any:
        """x (B, T, F) where batch_first, else (T, B, F) → (outputs likewise, the last states (layers·directions, B, H))."""
        if not isinstance(x, Tensor) or x.dim() != 3:
            return type(module).forward(module, x, hx)
        x = x.transpose(0, 1) if module.batch_first else x
        begun = hx if isinstance(hx, tuple) else (hx,)
        last: list[list[Tensor]] = []
        for layer in range(module.num_layers):
            own = slice(layer * directions, (layer + 1) * directions)
            x, *states = _layer(
                module, name, layer, directions, x, [None if each is None else each[own] for each in begun]
            )
            last.append(states)
        states = [torch.cat(each) for each in zip(*last, strict=True)]
        x = x.transpose(0, 1) if module.batch_first else x
        return x, (tuple(states) if name == "LSTM" else states[0])

    return forward


def _layer(
    module: nn.RNNBase, name: str, layer: int, directions: int, x: Tensor, begun: list[Tensor | None]
) -> list[Tensor]:
    """x (T, B, F) → outputs (T, B, directions·H), and the last states (directions, B, H)."""
    time, batch, hidden = x.shape[0], x.shape[1], module.hidden_size
    ends = ["", "_reverse"][:directions]

    def gates(kind: str) -> Tensor:
        rows = []
        for end in ends:
            values = getattr(module, f"{kind}_l{layer}{end}")
            rows.append(torch.cat([values[place * hidden : (place + 1) * hidden] for place in _GATES[name]]))
        return torch.stack(rows)

    bias = torch.cat([gates("bias_ih"), gates("bias_hh")], 1) if module.bias else None
    attributes = {
        **_ATTRIBUTES[name],
        "hidden_size": hidden,
        "direction": "bidirectional" if directions == 2 else "forward",
    }
    if name == "RNN":
        attributes["activations"] = [_ACTIVATIONS[module.nonlinearity]] * directions  # type: ignore[index]
    if name == "LSTM" and len(begun) == 1:
        begun = [None, None]
    state = [directions, batch, hidden]
    found = torch.onnx.ops.symbolic_multi_out(
        name,
        (x, gates("weight_ih"), gates("weight_hh"), bias, None, *begun),
        attributes,
        dtypes=[x.dtype] * (2 + (name == "LSTM")),
        shapes=[[time, directions, batch, hidden], *[state] * (1 + (name == "LSTM"))],
    )
    outputs, *states = found
    return [outputs.transpose(1, 2).reshape(time, batch, directions * hidden), *states]
