"""Forward passes in fp32, bf16 or fp16, with fp32 master weights always.

fp16 scales the loss so that small gradients survive (Micikevicius et al. 2018); bf16 needs no scaling.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal

import torch
from torch import Tensor
from torch.optim import Optimizer

from danlu.training.optimisers.base import update

Name = Literal["fp32", "bf16", "fp16"]
_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Precision:
    """autocast for the forward pass and, for fp16, the loss scale."""

    def __init__(self, name: Name, device: torch.device) -> None:
        self.name = name
        self.device = device
        self.scaler = torch.amp.GradScaler(device.type) if name == "fp16" else None

    def autocast(self) -> AbstractContextManager[Any]:
        if self.name == "fp32":
            return nullcontext()
        return torch.autocast(self.device.type, dtype=_DTYPES[self.name])

    def backward(self, loss: Tensor) -> None:
        scaled: Tensor = loss if self.scaler is None else self.scaler.scale(loss)
        torch.autograd.backward(scaled)

    def unscale(self, optimizer: Optimizer) -> None:
        if self.scaler is not None:
            self.scaler.unscale_(optimizer)

    def overflowed(self, optimizer: Optimizer) -> bool:
        """After :meth:`unscale`: whether a scaled gradient overflowed, so that :meth:`step` will leave the update out. Waits for the
        device, as the step then does.
        """
        return self.scaler is not None and any(map(bool, self.scaler._found_inf_per_device(optimizer).values()))

    def step(self, optimizer: Optimizer) -> None:
        """The update; under fp16 it is left out when a gradient overflowed, and the scale shrinks."""
        if self.scaler is None:
            update(optimizer)
        else:
            self.scaler.step(optimizer)
            self.scaler.update()

    def pass_over(self) -> None:
        """In place of :meth:`step`; under fp16 the scale learns what unscaling found."""
        if self.scaler is not None:
            self.scaler.update()

    def state(self) -> dict[str, Any]:
        return {} if self.scaler is None else dict(self.scaler.state_dict())

    def load(self, state: dict[str, Any]) -> None:
        if self.scaler is not None and state:
            self.scaler.load_state_dict(state)


def supported(device: torch.device) -> tuple[Name, ...]:
    """Precisions that the device computes natively, fastest first (a CPU without bf16 instructions only emulates bf16)."""
    if device.type == "cuda":
        return ("bf16", "fp16", "fp32") if torch.cuda.is_bf16_supported(including_emulation=False) else ("fp16", "fp32")
    if device.type == "cpu" and (torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()):
        return ("bf16", "fp32")
    return ("fp32",)
