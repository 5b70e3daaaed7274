"""The guard: a step whose loss, gradient or running statistics are NaN or infinite changes nothing.

It is looked at before its update. On a CPU the numbers are there anyway, and the host decides. On a GPU looking would make the host
wait for each step, so the device decides: from the first such step on a flag on the device makes every update an empty one (the
optimiser's fused kernels take it as ``found_inf``), until the host reads the block of steps, goes back to that one and does again what
came after. Where the optimiser has no such kernels, or fp16 gradients are scaled, the host looks at every step, as torch's GradScaler
does. A scaled fp16 gradient may overflow: that is the scaler's business, which shrinks its scale.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from danlu.errors import TrainingError
from danlu.messages import say
from danlu.training.precision import Precision
from danlu.training.slots.running import Copied, Running

MOST_IN_A_ROW = 10  # steps left out one after the other: then it is not the batches

Verdict = bool | Tensor  # whether a step is left out; a 0-d float32 0 or 1 where only the device knows


@dataclass
class Skips:
    """How many steps were left out, how many of them in a row, and the position of the last. Checkpointed."""

    total: int = 0
    in_a_row: int = 0
    last: int = -2

    def add(self, step: int) -> None:
        self.in_a_row = self.in_a_row + 1 if step == self.last + 1 else 1
        self.total, self.last = self.total + 1, step


class Guard:
    """Looks at every step, and keeps what it needs to leave one out. followed: whether the net is averaged."""

    def __init__(self, net: nn.Module, optimizer: Optimizer, precision: Precision, followed: bool = False) -> None:
        self.net = net
        self.scaled = precision.scaler is not None
        self.deferred = defers(optimizer, precision)
        self.skips = Skips()
        self._followed = followed
        self._running = Running(net)
        self._kept: list[Copied] = []
        self._halted = torch.zeros((), device=precision.device)

    def begin(self) -> None:
        """The net's buffers are sound now: at the beginning of an epoch, after a load."""
        self._kept = self._running.read()

    def refuses(self, loss: Tensor, norm: Tensor) -> Verdict:
        """Whether this step must not change anything. loss, norm: 0-d, of the effective batch, before its update."""
        now = self._running.read()
        gradient = None if self.scaled else norm
        values = [value for value in (loss, gradient, self._running.total(now)) if value is not None]
        if self.deferred:
            exact = torch.float64 if any(value.dtype is torch.float64 for value in values) else torch.float32
            spoilt = torch.stack([value.to(exact) for value in values]).mul_(0.0).sum() != 0  # 0·∞ and 0·NaN are NaN
            self._halted = torch.maximum(self._halted, spoilt.float())
            halted = self._halted > 0
            self._kept = [_unless(halted, old, new) for old, new in zip(self._kept, now, strict=True)]
            if self._followed:  # an average must meet no NaN, not even with weight 0
                self._running.write(self._kept)
            return self._halted
        if all(math.isfinite(float(value)) for value in values):
            self._kept = now
            return False
        return True

    def take_back(self) -> None:
        """The buffers as they were before the refused step; updates are updates again."""
        self._running.write(self._kept)
        self._halted = torch.zeros_like(self._halted)

    def approve(self, step: int, epoch: int) -> None:
        """Before weights are judged or saved. Raises TrainingError where an update of finite gradients made them overflow."""
        weights = [(name, p) for name, p in self.net.named_parameters() if p.is_floating_point()]
        if not weights or bool(torch.stack(torch._foreach_norm([p.detach() for _, p in weights])).isfinite().all()):
            return
        name = next((name for name, p in weights if not bool(torch.isfinite(p).all())), None)
        if name is not None:
            raise TrainingError.of(
                say("nonfinite.place", step=step, epoch=epoch + 1),
                say("nonfinite.weights", name=name),
                say("nonfinite.weights.remedy"),
            )

    def state(self) -> dict[str, Any]:
        return dict(vars(self.skips))

    def load(self, state: dict[str, Any]) -> None:
        self.skips = Skips(**state)


def defers(optimizer: Optimizer, precision: Precision) -> bool:
    """Whether the device can decide alone, so that the host need not wait for it."""
    on_cpu, scaled = precision.device.type == "cpu", precision.scaler is not None
    return not on_cpu and not scaled and bool(getattr(optimizer, "_step_supports_amp_scaling", False))


def _unless(halted: Tensor, old: Copied, new: Copied) -> Copied:
    """halted: bool, 0-d."""
    if old.values.shape != new.values.shape:  # a buffer that has grown
        return new
    return Copied(torch.where(halted, old.values, new.values), new.shapes)
