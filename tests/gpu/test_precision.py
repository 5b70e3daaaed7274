"""Half precision: it agrees with fp32, and fp16 gets over gradients that overflow.

The loop scales losses on the CPU as on a GPU, so that most of this is proven there too (a recipe refuses fp16 on CPUs: they only
emulate it).
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import danlu
from danlu import recipe as recipes
from danlu.data.batches.batch import Batch
from danlu.nn.nets.resnet import ResNet
from danlu.runs import parity
from danlu.training import checkpoint
from danlu.training.events import StepsDone
from danlu.training.loop import fit
from danlu.training.optimisers.adamw import AdamW
from danlu.training.optimisers.sgd import SGD
from danlu.training.plan import CheckpointPolicy, Plan
from danlu.training.precision import Name, supported
from danlu.training.schedules.constant import Constant
from tests.endtoend.pairs import Ground
from tests.gpu.conftest import Note
from tests.gpu.feeds import Fed
from tests.gpu.test_training import asked
from tests.training.feeds import Recorder, blobs, cross_entropy, small_net

AGREES = 0.05  # what `train.precision: auto` asks for


@pytest.fixture
def scalers(monkeypatch: pytest.MonkeyPatch) -> list[torch.amp.GradScaler]:
    """Every scaler that is made; their first scale is small enough that nothing overflows by itself."""
    made: list[torch.amp.GradScaler] = []
    make = torch.amp.GradScaler

    def noted(kind: str, **options: Any) -> torch.amp.GradScaler:
        made.append(make(kind, **{"init_scale": 2.0**10, **options}))
        return made[-1]

    monkeypatch.setattr(torch.amp, "GradScaler", noted)
    return made


class Weights(Recorder):
    """Every step's weights, and the loss scale after it."""

    def __init__(self, net: nn.Module, scalers: list[torch.amp.GradScaler]) -> None:
        super().__init__()
        self.net, self.scalers = net, scalers
        self.after: list[dict[str, Tensor]] = []
        self.scales: list[float] = []

    def on(self, event: Any) -> None:
        super().on(event)
        if isinstance(event, StepsDone):
            assert len(event.steps) == 1
            self.after.append({name: p.detach().clone() for name, p in self.net.named_parameters()})
            self.scales.append(self.scalers[-1].get_scale())


def plan(device: torch.device, **changes: Any) -> Plan:
    base = Plan(epochs=2, optimizer=AdamW, lr=0.02, schedule=Constant(), seed=4, precision="fp16", device=device)
    return replace(base, **{"log_seconds": 1e-9, **changes})


class Planted(nn.Module):
    """Its gradient overflows in the forward passes named."""

    def __init__(self, net: nn.Module, at: set[int]) -> None:
        super().__init__()
        self.net, self.at, self.passes = net, at, 0

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.net(x)
        if self.training:
            if self.passes in self.at:
                logits.register_hook(lambda slope: slope * math.inf)
            self.passes += 1
        return logits


@pytest.mark.parametrize("optimizer", [AdamW, SGD])
@pytest.mark.parametrize(
    "extra", [{}, {"ema": 0.9, "clip_norm": 1.0}, {"l1": 1e-3, "proximal": True}, {"sam": 0.05}], ids=str
)
def test_a_step_that_overflows_is_left_out(
    device: torch.device, scalers: list[torch.amp.GradScaler], optimizer: Any, extra: dict[str, Any]
) -> None:
    """The scale is halved, the weights stay to the bit, and training goes on."""
    net = Planted(small_net(), {6 if "sam" in extra else 3}).to(device)  # which has two passes a step
    watcher = Weights(net, scalers)
    fitted = fit(
        net, cross_entropy().to(device), Fed(blobs(60), 12, device),
        plan(device, optimizer=optimizer, **extra), watchers=[watcher],
    )  # fmt: skip
    scales = watcher.scales
    assert scales[:3] == [scales[0]] * 3
    assert scales[3:] == [scales[0] / 2] * 7
    moved = [
        any(not torch.equal(now[name], then[name]) for name in now)
        for then, now in zip(watcher.after, watcher.after[1:], strict=False)
    ]
    assert moved == [step != 3 for step in range(1, 10)]
    assert not math.isfinite(watcher.curve("grad_norm")[3])
    losses = watcher.curve("train/loss")
    assert all(map(math.isfinite, losses))
    assert sum(losses[-3:]) < sum(losses[:3])
    assert all(bool(torch.isfinite(value).all()) for value in fitted.net.state_dict().values())


def test_a_scale_that_is_too_large_comes_down(
    device: torch.device, monkeypatch: pytest.MonkeyPatch, scalers: list[torch.amp.GradScaler]
) -> None:
    """Real overflows: from 2³⁶ each halves it, and moves nothing, until gradients fit into fp16 (largest value 65504)."""
    noted = torch.amp.GradScaler
    monkeypatch.setattr(torch.amp, "GradScaler", lambda kind: noted(kind, init_scale=2.0**36))
    net = small_net().to(device)
    watcher = Weights(net, scalers)
    fit(
        net,
        cross_entropy().to(device),
        Fed(blobs(60), 12, device),
        plan(device, epochs=8),
        watchers=[watcher],
    )
    left_out = 36 - round(math.log2(watcher.scales[-1]))
    assert left_out > 5
    moved = [
        any(not torch.equal(now[name], then[name]) for name in now)
        for then, now in zip(watcher.after, watcher.after[1:], strict=False)
    ]
    halved = [now < then for then, now in zip(watcher.scales, watcher.scales[1:], strict=False)]
    assert moved == [not each for each in halved]
    assert sum(halved) + 1 == left_out  # the first step too
    losses = watcher.curve("train/loss")
    assert sum(losses[-5:]) < sum(losses[:5])


def test_the_scale_is_resumed(device: torch.device, tmp_path: Path, scalers: list[torch.amp.GradScaler]) -> None:
    """Cut after the step that halved it: the same weights and the same scale as without the cut."""

    def run(folder: str, steps: int, resume: bool = False, passes: int = 0) -> dict[str, Any]:
        net = Planted(small_net(), {3}).to(device)
        net.passes = passes
        policy = CheckpointPolicy(tmp_path / folder, every_steps=6, every_minutes=None, every_epochs=None)
        asked = plan(device, checkpoint=policy, epochs=3, max_steps=steps)
        fit(net, cross_entropy().to(device), Fed(blobs(60), 12, device), asked, resume=resume)
        return {
            "tensors": checkpoint.load(checkpoint.listed(tmp_path / folder)[-1]).tensors,
            "scale": scalers[-1].state_dict(),
        }

    whole = run("whole", 12)
    (tmp_path / "cut").mkdir()
    (tmp_path / "whole" / "000006").rename(tmp_path / "cut" / "000006")
    resumed = run("cut", 12, resume=True, passes=6)
    assert resumed["scale"] == whole["scale"]
    for group, tensors in whole["tensors"].items():
        for name, value in tensors.items():
            assert torch.equal(resumed["tensors"][group][name], value), f"{group}/{name}"


def pictured(device: torch.device) -> tuple[nn.Module, Batch]:
    torch.manual_seed(2)
    x, y = torch.randn(64, 3, 24, 24), torch.arange(64) % 5
    net = ResNet(3, 5, (24, 24), width=8).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return net, next(iter(Fed((x, y), 64, device).epoch(0)))


@pytest.mark.parametrize("name", ["bf16", "fp16"])
def test_half_precision_agrees_with_fp32(device: torch.device, note: Note, name: Name) -> None:
    """Loss and direction of the gradient of a residual net, as `train.precision: auto` compares them."""
    net, batch = pictured(device)
    (exact, _), (half, _) = parity.tried(net, cross_entropy().to(device), batch, ("fp32", name), device)
    found = parity.apart(exact, half)
    note("off", found)
    assert 0 < found < AGREES


@pytest.mark.gpu
def test_auto_takes_what_the_device_does_best(
    accelerator: torch.device, ground: Ground, tmp_path: Path, note: Note
) -> None:
    """And writes it into the recipe with the figure of its agreement; on a GPU half precision."""
    given = asked(ground, accelerator, tmp_path, "auto", precision="auto", max_steps=3)
    run = danlu.train(given, screen=False)
    chosen = recipes.load(run.path / "recipe.yaml").train.precision
    note("chosen", chosen)
    assert chosen in supported(accelerator)
    if accelerator.type == "cuda":
        assert chosen == supported(accelerator)[0] != "fp32"
