"""Training's passes through torch.compile: a compiled form of each shape of a batch, and never a silent way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn


def forward(net: nn.Module) -> Callable[..., Any]:
    """``net(…)``, compiled when first called with inputs of a shape.

    Each shape has its own form, so that bits depend on the batch and not on those before it; what is drawn (dropout) is drawn as
    without. Raises what torch raises where there are more shapes than it compiles: for the whole process, from the first call on.
    """
    torch._dynamo.config.fail_on_recompile_limit_hit = True
    made: Callable[..., Any] = torch.compile(net, dynamic=False, options={"fallback_random": True})
    return made
