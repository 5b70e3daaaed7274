"""What the optimisers share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch.optim import Optimizer
from torch.optim import optimizer as torchs

Groups = Iterable[dict[str, Any]]


def fusible(groups: list[dict[str, Any]]) -> bool:
    """Whether torch's fused kernels can update these parameters: floating point, on CPU or CUDA, dense."""
    return all(
        p.is_floating_point() and p.device.type in ("cpu", "cuda") and not p.is_sparse
        for group in groups
        for p in group["params"]
    )


def update(optimizer: Optimizer, halted: torch.Tensor | None = None) -> None:
    """Move the weights once. halted: 0-d float32, 1 where the step is to change nothing, which the device alone may know."""
    quick = getattr(optimizer, "quick", None)
    if quick is not None and quick(halted):
        return
    if halted is None:
        optimizer.step()
        return
    optimizer.found_inf = halted  # type: ignore[attr-defined]
    try:
        optimizer.step()
    finally:
        del optimizer.found_inf  # type: ignore[attr-defined]


def hooked(asked: Optimizer) -> bool:
    """Whether somebody wants to be called before or after each step."""
    everywhere = (torchs._global_optimizer_pre_hooks, torchs._global_optimizer_post_hooks)
    return any((*everywhere, asked._optimizer_step_pre_hooks, asked._optimizer_step_post_hooks))


def set_rates(optimizer: Optimizer, lr: float, momentum: float | None) -> None:
    """Give every group ``lr``·its scale and, where the schedule cycles it, the momentum (Adam's first beta).

    An optimiser that was made without momentum is given none.
    """
    with_momentum = optimizer.defaults.get("momentum", 0.0) > 0
    for group in optimizer.param_groups:
        group["lr"] = lr * group.get("lr_scale", 1.0)
        if momentum is None:
            continue
        if "betas" in group:
            group["betas"] = (momentum, group["betas"][1])
        elif with_momentum:
            group["momentum"] = momentum


def state_tensors(optimizer: Optimizer, names: dict[torch.nn.Parameter, str]) -> dict[str, torch.Tensor]:
    """``name/key`` → tensor for everything the optimiser remembers of each parameter.

    Python's own numbers become int64, bool or float64, which torch's step counters and momenta never are; so they can be told apart.
    """
    found = {}
    for parameter, name in names.items():
        for key, value in optimizer.state.get(parameter, {}).items():
            if value is None:
                continue
            if not isinstance(value, torch.Tensor):
                value = torch.tensor(value, dtype=torch.float64 if isinstance(value, float) else None)
            found[f"{name}/{key}"] = value
    return found


def load_state(optimizer: Optimizer, names: dict[torch.nn.Parameter, str], tensors: dict[str, torch.Tensor]) -> None:
    """The inverse of :func:`state_tensors`.

    Step counters stay where torch keeps them (on the CPU unless fused on a GPU). Everything else takes its parameter's
    memory format: fused kernels walk through memory, so a momentum of other strides than its weight (channels_last)
    would be added to the wrong elements.
    """
    by_name = {name: parameter for parameter, name in names.items()}
    for key, value in tensors.items():
        name, _, field = key.rpartition("/")
        parameter = by_name[name]
        if not value.dim() and value.dtype in _PYTHONS:  # arithmetic with tensors of them would round otherwise
            optimizer.state[parameter][field] = value.item()
            continue
        if value.shape == parameter.shape and value.dim():
            value = torch.empty_like(parameter, dtype=value.dtype).copy_(value)
        elif value.dim() or (parameter.is_cuda and (field != "step" or optimizer.defaults.get("fused"))):
            value = value.to(parameter.device)
        optimizer.state[parameter][field] = value.detach().clone()


_PYTHONS = (torch.int64, torch.bool, torch.float64)
