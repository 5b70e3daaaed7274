"""Layers of a net lend their work to the kernel while training passes through it, and are as they were everywhere else.

What a net is stays untouched: its modules, their types and names, their hooks, evaluation, copies, export. Only between the beginning
and the end of a training pass some of its modules have another ``forward``; where a layer is met in a way that the kernel doesn't know,
it works as it always does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import nn

from danlu.nn.maps import kernel as maps_kernel
from danlu.nn.maps import layers as maps
from danlu.nn.native.building import NoKernelError
from danlu.nn.native.lent import Forward, Lent
from danlu.nn.recurrent import kernel as recurrent_kernel
from danlu.nn.recurrent import layers as recurrent


class Lending:
    """``net(…)`` with the kernels' forwards lent to its layers."""

    def __init__(self, net: nn.Module) -> None:
        self.net = net
        self.lent = list(_lendable(net))

    @property
    def by_gradients(self) -> bool:
        """Whether a layer works, and draws what it drops, otherwise where no gradients are wanted."""
        return any(recurrent.work(lent.part) is lent.work for lent in self.lent)

    def __call__(self, *args: Any) -> Any:
        ready = [lent for lent in self.lent if _ready(lent)]
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
    lending = Lending(net)
    return lending if lending.lent else net


def _lendable(net: nn.Module) -> Iterator[Lent]:
    """Layers on a CPU, of exactly the types that are known and with no forward of their own."""
    device = next((p.device.type for p in net.parameters()), "cpu")
    for part in net.modules() if device == "cpu" else ():
        if "forward" not in part.__dict__ and (found := _work(part)) is not None:
            work, missing = found
            if missing is None:
                yield Lent(part, work)


def _work(part: nn.Module) -> tuple[Forward, NoKernelError | None] | None:
    """What does a layer's work, and why it can't here; the kernel is asked for, and so compiled, only for a layer that it knows."""
    if (work := maps.work(part)) is not None:
        return work, maps_kernel.missing()
    if (work := recurrent.work(part)) is not None:
        return work, recurrent_kernel.missing()
    return None


def _ready(lent: Lent) -> bool:
    """Whether a layer still is what can be lent, with no ``forward`` that somebody else has given it."""
    found = None if "forward" in lent.part.__dict__ else _work(lent.part)
    return found is not None and found[0] is lent.work
