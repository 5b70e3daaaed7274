"""Layers of a net lend their work to the kernel while training passes through it, and are as they were everywhere else.

What a net is stays untouched: its modules, their types and names, their hooks, evaluation, copies, export. Only between the beginning
and the end of a training pass some of its modules have another ``forward``; where a layer is met in a way that the kernel doesn't know,
it works as it always does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import nn

from danlu.nn.maps import kernel, layers
from danlu.nn.maps.lent import Forward, Lent


class Lending:
    """``net(…)`` with the kernel's forwards lent to its layers."""

    def __init__(self, net: nn.Module) -> None:
        self.net = net
        self._lent = list(_lendable(net))

    def __call__(self, *args: Any) -> Any:
        ready = [lent for lent in self._lent if _ready(lent)]
        try:
            for lent in ready:
                lent.part.__dict__["forward"] = lent
            return self.net(*args)
        finally:
            for lent in ready:
                if lent.part.__dict__.get("forward") is lent:
                    lent.part.__dict__.pop("forward", None)


def forward(net: nn.Module) -> Forward:
    """What training passes through: the net itself where nothing of it can be lent, or there is no kernel here."""
    return Lending(net) if lends(net) and kernel.missing() is None else net


def lends(net: nn.Module) -> bool:
    """Whether a net on a CPU has layers that the kernel can do the work of."""
    return any(True for _ in _lendable(net))


def _lendable(net: nn.Module) -> Iterator[Lent]:
    """Layers on a CPU, of exactly the types that are known and with no forward of their own."""
    device = next((p.device.type for p in net.parameters()), "cpu")
    for part in net.modules() if device == "cpu" else ():
        if "forward" not in part.__dict__ and (work := layers.work(part)) is not None:
            yield Lent(part, work)


def _ready(lent: Lent) -> bool:
    """Whether a layer still is what can be lent, with no ``forward`` that somebody else has given it."""
    return "forward" not in lent.part.__dict__ and layers.work(lent.part) is lent.work
