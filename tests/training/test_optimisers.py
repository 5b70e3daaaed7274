"""Our optimisers move weights exactly as torch's unfused ones do."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from danlu.training.optimisers.adam import Adam
from danlu.training.optimisers.adamw import AdamW
from danlu.training.optimisers.base import load_state, set_rates, state_tensors
from danlu.training.optimisers.rmsprop import RMSprop
from danlu.training.optimisers.sgd import SGD

PAIRS: list[tuple[type, type, dict[str, Any], dict[str, Any]]] = [
    (SGD, torch.optim.SGD, {}, {"momentum": 0.9, "nesterov": True}),
    (SGD, torch.optim.SGD, {"momentum": 0.0}, {}),
    (Adam, torch.optim.Adam, {}, {}),
    (AdamW, torch.optim.AdamW, {"betas": (0.8, 0.99)}, {"betas": (0.8, 0.99)}),
    (RMSprop, torch.optim.RMSprop, {"momentum": 0.5}, {"momentum": 0.5}),
]


def steps(net: nn.Module, optimizer: torch.optim.Optimizer, count: int) -> None:
    generator = torch.Generator().manual_seed(3)
    for _ in range(count):
        x = torch.randn(16, 4, generator=generator)
        nn.functional.mse_loss(net(x), x[:, :2]).backward()
        optimizer.step()
        optimizer.zero_grad()


def nets() -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    first = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2)).double().float()
    second = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2))
    second.load_state_dict(first.state_dict())
    return first, second


@pytest.mark.parametrize(("ours", "theirs", "mine", "plain"), PAIRS)
def test_same_steps_as_torch(ours: type, theirs: type, mine: dict[str, Any], plain: dict[str, Any]) -> None:
    first, second = nets()
    steps(first, ours([{"params": list(first.parameters())}], lr=0.05, weight_decay=0.02, **mine), 20)
    steps(second, theirs(second.parameters(), lr=0.05, weight_decay=0.02, foreach=False, **plain), 20)
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)


def test_adamw_decays_apart_from_the_gradient() -> None:
    """With no gradient at all, decoupled decay shrinks the weight by (1 - lr·decay) and Adam's own decay does not."""
    weight = nn.Parameter(torch.ones(3))
    optimizer = AdamW([{"params": [weight]}], lr=0.1, weight_decay=0.5)
    weight.grad = torch.zeros(3)
    optimizer.step()
    torch.testing.assert_close(weight.detach(), torch.full((3,), 0.95))


@pytest.mark.parametrize("make", [SGD, Adam, AdamW, RMSprop])
def test_state_goes_through_tensors_bit_for_bit(make: type) -> None:
    first, second = nets()
    names = [{p: n for n, p in net.named_parameters()} for net in (first, second)]
    one = make([{"params": list(first.parameters())}], lr=0.05)
    steps(first, one, 5)
    second.load_state_dict(first.state_dict())
    other = make([{"params": list(second.parameters())}], lr=0.05)
    load_state(other, names[1], state_tensors(one, names[0]))
    steps(first, one, 5)
    steps(second, other, 5)
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("make", [SGD, Adam, AdamW, RMSprop])
def test_loaded_state_has_the_weights_memory_format(make: type) -> None:
    """A momentum of other strides than its channels_last weight would be added to the wrong elements by a fused kernel."""
    images = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))

    def step(net: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        net(images).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()

    nets = [nn.Conv2d(3, 5, 3).to(memory_format=torch.channels_last) for _ in range(2)]
    names = [{p: n for n, p in net.named_parameters()} for net in nets]
    one, other = (make([{"params": list(net.parameters())}], lr=0.05) for net in nets)
    for _ in range(3):
        step(nets[0], one)
    nets[1].load_state_dict({name: value.contiguous() for name, value in nets[0].state_dict().items()})
    load_state(other, names[1], {name: value.contiguous() for name, value in state_tensors(one, names[0]).items()})
    for _ in range(3):
        step(nets[0], one)
        step(nets[1], other)
    assert torch.equal(nets[0].weight, nets[1].weight)


@pytest.mark.parametrize(("make", "args"), [(SGD, {"momentum": 0.0}), (RMSprop, {})])
def test_a_cycle_of_momentum_gives_none_to_who_was_made_without(make: type, args: dict[str, float]) -> None:
    nets_ = nets()
    with_rate, cycled = (make([{"params": list(net.parameters())}], lr=0.05, **args) for net in nets_)
    set_rates(cycled, 0.05, 0.95)
    steps(nets_[0], with_rate, 3)
    steps(nets_[1], cycled, 3)
    for a, b in zip(nets_[0].parameters(), nets_[1].parameters(), strict=True):
        assert torch.equal(a, b)
    moving = make([{"params": list(nets_[0].parameters())}], lr=0.05, momentum=0.5)
    set_rates(moving, 0.05, 0.95)
    assert [group["momentum"] for group in moving.param_groups] == [0.95]
