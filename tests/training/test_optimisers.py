"""Our optimisers move weights exactly as torch's unfused ones do."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import nn

from danlu.training.optimisers.adam import Adam
from danlu.training.optimisers.adamw import AdamW
from danlu.training.optimisers.base import load_state, set_rates, state_tensors
from danlu.training.optimisers.lion import Lion
from danlu.training.optimisers.muon import Muon
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


def test_lion_by_hand() -> None:
    """Chen et al. 2023, algorithm 2, in float64."""
    generator = torch.Generator().manual_seed(0)
    weight = nn.Parameter(torch.randn(5, 3, generator=generator, dtype=torch.float64))
    value, mean = weight.detach().clone(), torch.zeros(5, 3, dtype=torch.float64)
    optimizer = Lion([{"params": [weight]}], lr=0.01, weight_decay=0.3, betas=(0.9, 0.99))
    for _ in range(7):
        slope = torch.randn(5, 3, generator=generator, dtype=torch.float64)
        weight.grad = slope.clone()
        optimizer.step()
        value = value * (1 - 0.01 * 0.3) - 0.01 * (0.9 * mean + 0.1 * slope).sign()
        mean = 0.99 * mean + 0.01 * slope
        torch.testing.assert_close(weight.detach(), value, rtol=0, atol=1e-12)


@pytest.mark.parametrize("shape", [(6, 4), (4, 9), (5, 2, 3, 3)])
def test_muon_moves_matrices_by_orthogonal_steps_and_vectors_as_adamw(shape: tuple[int, ...]) -> None:
    """All singular values of an update lie near .2·√max(out, in), whatever those of the gradient (Liu et al. 2025)."""
    generator = torch.Generator().manual_seed(1)
    matrix, vector = (nn.Parameter(torch.randn(size, generator=generator)) for size in (shape, (7,)))
    twin = nn.Parameter(vector.detach().clone())
    before = matrix.detach().clone()
    optimizer = Muon([{"params": [matrix, vector]}], lr=0.1, nesterov=False, betas=(0.9, 0.95))
    adamw = torch.optim.AdamW([twin], lr=0.1, weight_decay=0.0, betas=(0.9, 0.95), eps=1e-7)
    matrix.grad = torch.randn(shape, generator=generator) * torch.logspace(-1, 0, shape[0]).view(
        -1, *(1,) * (len(shape) - 1)
    )
    vector.grad = torch.randn(7, generator=generator)
    twin.grad = vector.grad.clone()
    optimizer.step()
    adamw.step()
    moved = (before - matrix.detach()).flatten(1)
    sizes = torch.linalg.svdvals(moved) / (0.1 * 0.2 * max(moved.shape) ** 0.5)
    assert sizes.min() > 0.4  # five Newton-Schulz steps leave them in about .7 … 1.2
    assert sizes.max() < 1.5
    torch.testing.assert_close(vector, twin)


@pytest.mark.parametrize("make", [SGD, Adam, AdamW, RMSprop, Lion, Muon])
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


@pytest.mark.parametrize("make", [SGD, Adam, AdamW, RMSprop, Lion, Muon])
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


@pytest.mark.parametrize(
    ("make", "args"),
    [
        (Adam, {}),
        (AdamW, {}),
        (AdamW, {"amsgrad": True}),
        (SGD, {}),
        (SGD, {"momentum": 0.5, "nesterov": False, "dampening": 0.1}),
        (SGD, {"momentum": 0.0}),
    ],
)
@pytest.mark.parametrize("halts", [None, (2, 3)])
def test_the_kernel_alone_gives_the_bits_of_a_step(
    make: type, args: dict[str, Any], halts: tuple[int, ...] | None
) -> None:
    """Parameters that begin late, or pause, and rates that change included. halts: steps that a flag on the device makes empty ones."""
    both = []
    for quick in (False, True):
        torch.manual_seed(0)
        weights = [torch.nn.Parameter(torch.randn(shape)) for shape in ((5, 3), (5,), (2, 5), (7,))]
        groups = [{"params": weights[:2], "weight_decay": 0.1}, {"params": weights[2:], "weight_decay": 0.0}]
        optimizer = make(groups, lr=0.1, **args)
        done = []
        for step in range(6):
            for number, p in enumerate(weights):
                p.grad = None if number == 3 and step in (0, 1, 4) else torch.randn_like(p)
            for group in optimizer.param_groups:
                group["lr"] = 0.1 / (1 + step)
            halted = None if halts is None else torch.tensor(float(step in halts))
            before = [p.detach().clone() for p in weights]
            done.append(quick and optimizer.quick(halted))
            if not done[-1]:
                if halted is not None:
                    optimizer.found_inf = halted
                optimizer.step()
                if halted is not None:
                    del optimizer.found_inf
            stood = all(torch.equal(p.detach(), was) for p, was in zip(weights, before, strict=True))
            assert stood == (halts is not None and step in halts)
        assert done == [quick] * 6
        memory = [value for p in weights for _, value in sorted(optimizer.state[p].items())]
        both.append([*(p.detach() for p in weights), *memory])
    assert all(torch.equal(one, other) for one, other in zip(*both, strict=True))


@pytest.mark.parametrize("make", [Adam, AdamW, SGD])
def test_a_step_without_gradients_moves_nothing(make: type) -> None:
    """Of several groups, in the first step and behind others, where nothing learns."""
    layers = [nn.Linear(3, 2), nn.Linear(2, 1)]
    optimiser = make([{"params": list(layer.parameters())} for layer in layers], lr=0.1)
    assert optimiser.quick()
    layers[1](layers[0](torch.ones(1, 3))).sum().backward()
    assert optimiser.quick()
    for layer in layers:
        layer.zero_grad(set_to_none=True)
    before = [parameter.clone() for layer in layers for parameter in layer.parameters()]
    assert optimiser.quick()
    assert optimiser.quick(torch.zeros(()))
    assert all(map(torch.equal, before, (parameter for layer in layers for parameter in layer.parameters())))


def test_a_hooked_step_is_left_to_torch() -> None:
    weight = torch.nn.Parameter(torch.ones(3))
    optimizer = AdamW([{"params": [weight]}], lr=0.1)
    weight.grad = torch.ones(3)
    optimizer.step()
    assert optimizer.quick()
    seen: list[int] = []
    handle = optimizer.register_step_post_hook(lambda *_: seen.append(1))
    assert not optimizer.quick()
    handle.remove()
    assert optimizer.quick()
    assert not seen


def test_without_torchs_private_names_the_step_is_torchs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch, "_fused_adamw_")
    weight = torch.nn.Parameter(torch.ones(3))
    optimizer = AdamW([{"params": [weight]}], lr=0.1)
    optimizer.state[weight] = {"step": torch.zeros(())}
    weight.grad = torch.ones(3)
    assert not optimizer.quick()
    assert torch.equal(weight.detach(), torch.ones(3))


def test_no_machinery_of_compilation_is_loaded() -> None:
    """torch loads it for marks that only torch.compile needs: a second of every start."""
    code = """
import sys, torch
from danlu.training.optimisers.adamw import AdamW
from danlu.training.optimisers.sgd import SGD
for make in (AdamW, SGD):
    weight = torch.nn.Parameter(torch.ones(3))
    optimizer = make([{"params": [weight]}], lr=0.1)
    for _ in range(2):
        weight.grad = torch.ones(3)
        assert optimizer.quick()
    assert float(weight[0]) < 1
sys.exit("torch._dynamo" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
