"""The forecast of a step against closed forms: parameters, FLOPs, memory by part; and that nothing is changed by it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from danlu.nn.residual import Block
from danlu.nn.terms.cross_entropy import CrossEntropy
from danlu.randomness import Position
from danlu.training.forecast import passes
from danlu.training.forecast.figures import Step
from danlu.training.forecast.trial import try_out
from danlu.training.objective import Objective
from danlu.training.optimisers.adamw import AdamW
from danlu.training.optimisers.sgd import SGD
from danlu.training.parts import Parts
from danlu.training.plan import Plan
from danlu.training.unfreezing.frozen import Frozen
from tests.training.feeds import ArrayFeed

FLOAT = 4  # bytes
CLASSES = 3


def foreseen(net: nn.Module, shape: Sequence[int], batch: int = 64, count: int = 128, **plan: Any) -> Step:
    """The forecast for random inputs of ``shape`` and three classes."""
    return try_out(
        net, goal(), feed(shape, batch, count), Plan(**{"optimizer": plain, **plan}), warm=False, seconds=0.0
    )


def feed(shape: Sequence[int], batch: int, count: int = 128) -> ArrayFeed:
    draw = torch.Generator().manual_seed(0)
    return ArrayFeed(
        torch.randn(count, *shape, generator=draw), torch.randint(CLASSES, (count,), generator=draw), batch
    )


def goal() -> Objective:
    return Objective({"cross-entropy": CrossEntropy("label")})


def plain(groups: Any, **own: Any) -> SGD:
    return SGD(groups, momentum=0.0, **own)


def mlp() -> nn.Sequential:
    return nn.Sequential(nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, CLASSES))


def test_a_linear_layer() -> None:
    """2·in·out forward; as much again for the weights' gradient, and nothing for that of its input, which is data."""
    found = foreseen(nn.Linear(8, CLASSES), (8,))
    assert (found.parameters.trained, found.parameters.frozen) == (8 * CLASSES + CLASSES, 0)
    assert found.flops.forward == 2 * 8 * CLASSES
    assert found.flops.step == 64 * 2 * 2 * 8 * CLASSES
    assert found.memory.weights == found.memory.gradients == FLOAT * (8 * CLASSES + CLASSES)


def test_an_mlp() -> None:
    """Backward: each weight's gradient, and the gradient of what stands between the layers."""
    found = foreseen(mlp(), (8,))
    assert found.flops.forward == 2 * (8 * 6 + 6 * CLASSES)
    assert found.flops.step == 64 * (2 * 2 * (8 * 6 + 6 * CLASSES) + 2 * 6 * CLASSES)


def test_a_convolution() -> None:
    """2·C·k²·C'·H'·W' a sample, here with stride 2 over 8 × 8."""
    net = nn.Sequential(nn.Conv2d(2, 5, 3, stride=2, padding=1), nn.Flatten(), nn.Linear(5 * 16, CLASSES))
    found = foreseen(net, (2, 8, 8))
    convolution, head = 2 * 2 * 9 * 5 * 16, 2 * 80 * CLASSES
    assert found.flops.forward == convolution + head
    assert found.flops.step == 64 * (2 * convolution + 3 * head)


def test_a_residual_block() -> None:
    """Two convolutions and that of the skip, as torch's own counter sees them."""
    block = Block(4, 8, 2, "relu", "batch")
    net = nn.Sequential(block, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, CLASSES))
    found = foreseen(net, (4, 8, 8))
    by_hand = 2 * 16 * (9 * 4 * 8 + 9 * 8 * 8 + 4 * 8) + 2 * 8 * CLASSES
    assert found.flops.forward == by_hand
    batch = next(feed((4, 8, 8), 64).epoch(0))
    with FlopCounterMode(display=False) as counter:
        goal()(net(*batch.arguments()), batch, goal().counts(batch))[0].backward()
    assert found.flops.step == counter.get_total_flops()


@pytest.mark.parametrize(("accumulate", "samples"), [(1, 64), (2, 128)])
def test_a_step_is_an_effective_batch(accumulate: int, samples: int) -> None:
    found = foreseen(nn.Linear(8, CLASSES), (8,), accumulate=accumulate)
    assert found.samples == samples
    assert found.flops.step == samples * 2 * 2 * 8 * CLASSES


@pytest.mark.parametrize(
    ("optimizer", "times", "steps"),
    [(plain, 0, 0), (SGD, 1, 0), (AdamW, 2, 1)],
    ids=["plain", "momentum", "adamw"],
)
def test_what_the_optimiser_remembers(optimizer: Any, times: int, steps: int) -> None:
    """A momentum, or two moments and a counter (float32) for each of four tensors."""
    found = foreseen(mlp(), (8,), optimizer=optimizer)
    learnt = FLOAT * sum(p.numel() for p in mlp().parameters())
    assert found.memory.optimizer == times * learnt + steps * FLOAT * 4


def test_what_is_frozen_takes_no_gradient_and_no_memory_of_the_optimiser() -> None:
    net = nn.Sequential(nn.Sequential(nn.Linear(8, 6), nn.ReLU()), nn.Linear(6, CLASSES))
    found = foreseen(net, (8,), optimizer=AdamW, unfreeze=Frozen())
    head, body = 6 * CLASSES + CLASSES, 8 * 6 + 6
    assert (found.parameters.trained, found.parameters.frozen, found.parameters.total) == (head, body, head + body)
    assert found.memory.gradients == FLOAT * head
    assert found.memory.optimizer == 2 * FLOAT * head + 2 * FLOAT
    assert found.flops.step == 64 * (2 * (8 * 6 + 6 * CLASSES) + 2 * 6 * CLASSES)


def test_an_average_is_another_copy() -> None:
    assert foreseen(mlp(), (8,)).memory.averaged == 0
    found = foreseen(mlp(), (8,), ema=0.9)
    assert found.memory.averaged == found.memory.weights


def test_activations_of_an_mlp() -> None:
    """ReLU's output, which is also the next layer's input, and the log-probabilities; the data themselves are the batch's."""
    found = foreseen(mlp(), (8,), batch=64).memory
    assert found.activations == pytest.approx(FLOAT * 64 * (6 + CLASSES), rel=0, abs=64)
    assert found.batch == 64 * (8 * FLOAT + 8)  # labels are int64


def test_twice_the_batch_is_twice_the_activations() -> None:
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.SiLU(), nn.Flatten(), nn.Linear(4 * 36, CLASSES))
    one, two = (foreseen(net, (1, 8, 8), batch=size, count=256).memory for size in (64, 128))
    assert two.activations == pytest.approx(2 * one.activations, rel=0.01)
    assert two.batch == 2 * one.batch
    assert (one.weights, one.gradients, one.optimizer) == (two.weights, two.gradients, two.optimizer)


def test_accumulating_keeps_activations_and_adds_batches() -> None:
    once, twice = (foreseen(mlp(), (8,), accumulate=times).memory for times in (1, 2))
    assert twice.activations == once.activations
    assert twice.batch == 2 * once.batch


@pytest.mark.parametrize("wide", [4, 2000], ids=["activations-lead", "gradients-lead"])
def test_few_samples_tell_of_the_whole_batch(wide: int) -> None:
    """What is drawn on from 8 and 16 samples is what 64 take, also where their fullest moment is another one."""
    net = nn.Sequential(
        nn.Flatten(), nn.Linear(64, wide), nn.Tanh(), nn.Linear(wide, wide // 2), nn.Tanh(), nn.Linear(wide // 2, 3)
    )
    parts = Parts(net, goal(), Plan(optimizer=plain), 2)
    batch, at = next(feed((1, 8, 8), 64).epoch(0)), Position(0)
    seen = [passes.trained(parts, goal(), passes.few(batch, count), 1, at) for count in passes.samples_for(64)]
    whole = passes.trained(parts, goal(), batch, 1, at)
    assert [one.samples for one in seen] == [8, 16]
    assert passes.line([(one.samples, one.kept) for one in seen], 64) == pytest.approx(whole.kept, abs=64)
    assert passes.fullest(seen, 64) == pytest.approx(max(whole.course), rel=1e-3)


def test_nothing_is_changed() -> None:
    net = nn.Sequential(nn.Linear(8, 6), nn.BatchNorm1d(6), nn.Dropout(0.5), nn.Linear(6, CLASSES))
    before = {name: value.clone() for name, value in net.state_dict().items()}
    drawn = torch.get_rng_state()
    foreseen(net, (8,), optimizer=AdamW, ema=0.9, captures_every=1, unfreeze=Frozen())
    assert torch.equal(torch.get_rng_state(), drawn)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert all(p.grad is None and p.requires_grad for p in net.parameters())


def test_watching_operations_loads_no_machinery_of_compilation() -> None:
    """torch marks what stands in such a mode as not to be compiled, and loads torch.compile's machinery for the mark."""
    code = """
import sys, torch
from danlu.training.forecast.tracking import Tracker
weight = torch.ones(4, 3, requires_grad=True)
with Tracker([weight]) as tracker:
    (torch.ones(2, 4) @ weight).sum().backward()
assert tracker.flops == 2 * 2 * 4 * 3 * 2, tracker.flops  # forward, and the gradient of the weight alone
sys.exit("torch._dynamo" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
