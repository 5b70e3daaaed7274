"""Gradients on the device are the CPU's: every own net, every loss. In float64 nearly to the bit, in float32 as far as that goes."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from danlu.data.batches.batch import Batch
from danlu.recipe import names
from danlu.recipe.names import catalogue
from danlu.recipe.schema import Named
from danlu.training.objective import Objective
from tests.gpu.conftest import Note
from tests.gpu.nets import NETS, leaves
from tests.training.exactness import FEATURES, Shaped
from tests.training.textbook import CASES

BARS = {torch.float64: 1e-9, torch.float32: 2e-4}  # of the gradient's norm


def slopes(net: nn.Module, loss: Callable[[nn.Module], Tensor]) -> Tensor:
    """Every parameter's gradient, end to end, in float64 on the CPU."""
    loss(net).backward()
    return torch.cat([p.grad.double().flatten().cpu() for p in net.parameters() if p.grad is not None])


def far(one: Tensor, other: Tensor) -> float:
    return float((one - other).norm() / other.norm())


TRIED = [
    pytest.param(name, dtype, id=f"{name}-{str(dtype).removeprefix('torch.')}")
    for name, case in NETS.items()
    for dtype in BARS
    if not (case.single and dtype is torch.float64)
]


@pytest.mark.parametrize(("name", "dtype"), TRIED)
def test_nets(device: torch.device, note: Note, name: str, dtype: torch.dtype) -> None:
    """The reference is the CPU in float64 where the net can be; the loss weighs every output by a drawn number."""
    case = NETS[name]
    net, inputs = case.net(), case.inputs()
    net = net if case.single else net.double()

    def loss(some: nn.Module) -> Tensor:
        like = next(some.parameters())
        drawn = torch.Generator().manual_seed(7)
        found = leaves(some(*(value.to(like if value.is_floating_point() else like.device) for value in inputs)))
        weights = [torch.randn(out.shape, generator=drawn, dtype=torch.float64).to(out) for out in found]
        return torch.stack([(out * weight).sum() for out, weight in zip(found, weights, strict=True)]).sum()

    there = copy.deepcopy(net).to(device, dtype)
    found = far(slopes(there, loss), slopes(net, loss))
    note("off", found)
    assert found <= BARS[dtype]


def test_every_own_net_is_among_them() -> None:
    kinds = {type(module).__module__.rpartition(".")[2] for case in NETS.values() for module in case.net().modules()}
    own = {name.replace("-", "_") for name in catalogue("net")}
    assert own - kinds == set()


@pytest.mark.parametrize("dtype", BARS)
@pytest.mark.parametrize("name", CASES)
def test_losses(device: torch.device, name: str, dtype: torch.dtype) -> None:
    """Beside them the values, counts and parts."""
    case, drawn = CASES[name], torch.Generator().manual_seed(2)
    target, x = case.target(12, drawn), torch.randn(12, FEATURES, generator=drawn, dtype=torch.float64)
    net = Shaped(case.shape).double()
    objective = Objective({"loss": names.build("loss", Named(name=case.loss, args=dict(case.args)), target="y")})
    told = []

    def loss(some: nn.Module) -> Tensor:
        like = next(some.parameters())
        terms = copy.deepcopy(objective).to(like.device)
        batch = Batch({"x": x.to(like), "y": target.to(like.device)}, ("x",), np.arange(12))
        value, parts = terms(some(*batch.arguments()), batch, terms.counts(batch))
        told.append((float(value.detach()), terms.counts(batch).tolist(), parts.double().tolist()))
        return value

    found = far(slopes(copy.deepcopy(net).to(device, dtype), loss), slopes(net, loss))
    assert found <= BARS[dtype]
    for there, here in zip(*told, strict=True):
        assert there == pytest.approx(here, rel=BARS[dtype])
