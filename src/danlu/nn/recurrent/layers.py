"""Which recurrent layers the kernel can do the work of, and how: torch's by themselves, and those of a net that knows its lengths.

Where a layer is met in a way that the kernel doesn't know, it works as it always does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from danlu.nn.dropout import drop
from danlu.nn.native.lent import Forward, Lent, unseen
from danlu.nn.native.plain import owned, plain
from danlu.nn.recurrent import kernel
from danlu.nn.recurrent.functions import Layer
from danlu.nn.recurrent.kernel import Rows

_GATES = {nn.LSTM: 4, nn.GRU: 3}
_SOON, _WIDE = 8, 512  # times from which on, and units up to which a GRU is faster than torch's
_READ = (torch.float32, torch.bfloat16)


def work(part: nn.Module) -> Forward | None:
    """What does a layer's work, with the layer given first; None where nothing here can."""
    return _layers if type(part) in _GATES and not part.proj_size else None


def lends(net: nn.Module) -> bool:
    """Whether a net on a CPU has layers here that a kernel can do the work of."""
    device = next((p.device.type for p in net.parameters()), "cpu")
    return device == "cpu" and any("forward" not in part.__dict__ and work(part) for part in net.modules())


def directions(
    cells: Sequence[nn.Module], x: Tensor, lengths: Tensor, *, states: bool
) -> tuple[Tensor | None, Tensor] | None:
    """(states (B, T, D·H) or None, the last state of each row (B, D·H)) of D = 1 or 2 layers of one direction each.

    None: no work for the kernel.

    The second one reads a row from its end on. x: (B, T, F). lengths: int64 (B,), of at least one. States behind a row's end are zero.
    Only while all of them are lent, and where nobody looks at one of them.
    """
    if torch.compiler.is_compiling():
        return None
    lent = all(isinstance(cell.__dict__.get("forward"), Lent) for cell in cells) and unseen(*cells)
    alike = lent and all(_whole(cell, 1) and _shape(cell) == _shape(cells[0]) for cell in cells)
    if not (alike and _reads(cells[0], x) and _worth(cells[0], x.shape[1]) and _lengths_lie(lengths, len(x))):
        return None
    weights: list[Tensor] = [weight for cell in cells for weight in cell._flat_weights]  # type: ignore[union-attr]
    rows, each = Rows.of(lengths, x.shape[1]), len(weights) // len(cells)
    y, last, _ = Layer.apply(_half(x.transpose(0, 1)), rows, states, each, *weights)  # type: ignore[no-untyped-call]
    return y.transpose(0, 1) if states else None, torch.cat(last.unbind(), 1)


def _lengths_lie(lengths: Tensor, rows: int) -> bool:
    """Whether the kernel can read them."""
    return (
        type(lengths) is Tensor
        and lengths.device.type == "cpu"
        and lengths.dtype == torch.int64
        and lengths.shape == (rows,)
    )


def _layers(part: Any, input: Any, hx: Any = None) -> Any:
    if hx is not None or not (
        _whole(part) and _reads(part, input) and _worth(part, input.shape[int(part.batch_first)])
    ):
        return type(part).forward(part, input, hx)
    x = _half(input.transpose(0, 1) if part.batch_first else input)
    times, count = x.shape[:2]
    rows = Rows.of(torch.full((count,), times, dtype=torch.int64, device="cpu"), times)
    each, size, ends = 4 if part.bias else 2, len(part._flat_weights) // part.num_layers, []
    for layer in range(part.num_layers):
        x = drop(x, part.dropout, part.training) if layer else x
        weights = part._flat_weights[layer * size : (layer + 1) * size]
        x, *last = Layer.apply(x, rows, True, each, *weights)  # type: ignore[no-untyped-call]
        ends.append(last)
    state, cell = (torch.cat(found) for found in zip(*ends, strict=True))
    x = x.transpose(0, 1) if part.batch_first else x
    if type(part) is nn.LSTM:
        return x, (state, cell)
    return x.to(input.dtype), state.to(input.dtype)  # as torch's GRU does


def _half(x: Tensor) -> Tensor:
    return x.to(torch.bfloat16).contiguous()


def _shape(part: Any) -> tuple[type, int, int, bool]:
    return type(part), part.input_size, part.hidden_size, part.bias


def _reads(part: Any, x: Any) -> bool:
    """Whether it is training, autocast would make it one in bfloat16, and x is a block of rows of the size that it wants."""
    if not (
        torch.is_grad_enabled()
        and torch.is_autocast_enabled("cpu")
        and torch.get_autocast_dtype("cpu") == torch.bfloat16
    ):
        return False
    threads = torch.get_num_threads() == 1 or kernel.threaded()
    return (
        isinstance(x, Tensor)
        and plain(x)
        and x.dtype in _READ
        and x.dim() == 3
        and x.shape[2] == part.input_size
        and threads
    )


def _worth(part: Any, times: int) -> bool:
    """A GRU is worked out as four gates, of which one is zero for features and one for the state."""
    return type(part) is nn.LSTM or (times >= _SOON and part.hidden_size <= _WIDE)


def _whole(part: Any, layers: int | None = None) -> bool:
    """Whether its weights are those that it tells of, since somebody may have put others there.

    layers: how many, of one direction each; None: any number, of one or two.
    """
    if type(part) not in _GATES or (layers is not None and (part.num_layers != layers or part.bidirectional)):
        return False
    features, hidden, ways = part.input_size, part.hidden_size, 1 + part.bidirectional
    gates = _GATES[type(part)] * hidden
    bias: list[tuple[int, ...]] = [(gates,)] * 2 if part.bias else []
    shapes = [
        shape
        for layer in range(part.num_layers)
        for _ in range(ways)
        for shape in ((gates, ways * hidden if layer else features), (gates, hidden), *bias)
    ]
    part._update_flat_weights()  # as torch's forward does: functional_call may have put others in their place
    weights = part._flat_weights
    return len(weights) == len(shapes) and all(owned(each, *shape) for each, shape in zip(weights, shapes, strict=True))
