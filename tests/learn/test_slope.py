"""A whole net's gradients beside plain torch, hooks, and finite differences: the small net, and runs of their own."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import danlu
from danlu.data.batches.batch import Batch
from danlu.errors import DanluError
from danlu.learn.builtin import Builtin
from danlu.learn.limits import Limit
from danlu.learn.own import own
from danlu.learn.slope import SAMPLES, SlopeAsked, slope
from danlu.learn.stage import Stage
from danlu.nn.terms.cross_entropy import CrossEntropy
from danlu.training.feeds import TARGET
from danlu.training.objective import Objective
from tests.learn import played

Loss = Callable[[nn.Module], Tensor]  # of the net in double precision


def alone(net: nn.Module) -> nn.Module:
    return copy.deepcopy(net).double().eval()


def compare(said: dict[str, Any], net: nn.Module, loss: Loss) -> None:
    """Every number of the lesson, computed again by torch's autograd, hooks and own differences."""
    net.zero_grad()
    outputs: dict[str, Tensor] = {}

    def keep(name: str) -> Any:
        def hook(module: nn.Module, given: Any, output: Tensor) -> None:
            outputs.setdefault(name, output)
            if output.requires_grad:  # not where only the data have passed
                output.retain_grad()

        return hook

    hooks = [module.register_forward_hook(keep(name)) for name, module in net.named_modules() if name]
    value = loss(net)
    value.backward()
    for hook in hooks:
        hook.remove()
    assert said["exact"]
    assert said["loss"] == pytest.approx(value.item(), rel=1e-10)
    for layer in said["layers"]:
        if layer["name"]:
            output = outputs[layer["name"]]
            assert layer["shape"] == list(output.shape[1:])
            assert layer["size"] == pytest.approx(output.detach().square().mean().sqrt().item(), rel=1e-9)
            wanted = None if output.grad is None else pytest.approx(output.grad.norm().item(), rel=1e-9)
            assert layer["gradient"] == wanted
    parameter = dict(net.named_parameters())[said["name"]]
    assert parameter.grad is not None
    index = tuple(said["place"])
    assert parameter.grad[index].abs() == parameter.grad.abs().max()
    assert said["gradient"] == pytest.approx(parameter.grad[index].item(), rel=1e-9)
    here = parameter.detach()[index].item()
    assert said["weight"] == pytest.approx(here, rel=1e-12)

    def at(weight: float) -> float:
        with torch.no_grad():
            parameter[index] = weight
            return loss(net).item()

    difference = (at(here + 3e-6) - at(here - 3e-6)) / 6e-6
    scale = max(abs(difference), 1e-3)
    assert said["gradient"] == pytest.approx(difference, abs=1e-5 * scale)
    assert said["measured"] == pytest.approx(said["gradient"], abs=1e-5 * scale)
    for weight, found in said["curve"]:
        assert found == pytest.approx(at(weight), rel=1e-9)
    middle = said["curve"][len(said["curve"]) // 2]
    assert middle == pytest.approx([here, said["loss"]], rel=1e-9)


@pytest.mark.parametrize("parameter", [0, 1, 2, 3])
def test_the_small_net(builtin: Builtin, parameter: int) -> None:
    points, arm = played.pair(builtin.stage.batches[0])
    said = slope(builtin.stage, SlopeAsked(parameter=parameter))
    net = alone(builtin.stage.net)
    matrices = [name for name, each in net.named_parameters() if each.ndim == 2]
    assert said["parameters"] == matrices
    assert said["name"] == matrices[parameter]
    assert said["samples"] == SAMPLES
    compare(said, net, lambda net: F.cross_entropy(net(points[:SAMPLES].double()), arm[:SAMPLES]))
    assert {layer["kind"] for layer in said["layers"]} >= {"Linear", "ReLU"}


@pytest.mark.parametrize("parameter", [0, 3])
def test_a_run_with_convolutions_and_batch_norm(convolutions: Path, parameter: int) -> None:
    stage = own(convolutions)
    images, labels = (stage.batches[0][name][:SAMPLES] for name in ("image", "label"))
    assert isinstance(images, Tensor)
    net = alone(danlu.load(convolutions).net)
    assert any(isinstance(module, nn.BatchNorm2d) for module in net.modules())
    compare(slope(stage, SlopeAsked(parameter=parameter)), net, lambda net: F.cross_entropy(net(images), labels))


def test_a_run_with_weighted_classes_and_smoothing(layers: Path) -> None:
    stage = own(layers)
    images, labels = (stage.batches[0][name][:SAMPLES] for name in ("image", "label"))
    said = slope(stage, SlopeAsked(parameter=1))
    counts = torch.tensor(
        [
            entry["train"]
            for entry in danlu.Run(layers).folder.read_json(danlu.Run(layers).folder.card)["classes"]["label"].values()
        ]
    ).double()
    weights = counts.sum() / (len(counts) * counts)
    compare(
        said,
        alone(danlu.load(layers).net),
        lambda net: F.cross_entropy(net(images), labels, weights, label_smoothing=0.1),
    )


def test_a_regression(old: Path) -> None:
    stage = own(old / "houses")
    area, rooms, price = (stage.batches[0][name][:SAMPLES].double() for name in ("area", "rooms", "price"))
    net = alone(danlu.load(old / "houses").net)
    said = slope(stage, SlopeAsked())
    compare(said, net, lambda net: F.mse_loss(net(area, rooms), price))


def test_samples_are_the_runs_own(convolutions: Path, place: Path) -> None:
    """Of the training part, each once, as they lie in the archive."""
    stage = own(convolutions)
    raw = np.load(place / "images.npz")
    known = {image.tobytes(): int(label) for image, label in zip(raw["images"], raw["labels"], strict=True)}
    seen = []
    for batch in stage.batches:
        for image, label in zip(batch["image"].numpy(), batch["label"].tolist(), strict=True):
            seen.append(image.tobytes())
            assert known[image.tobytes()] == label
    rows = danlu.Run(convolutions).folder.read_json(danlu.Run(convolutions).folder.card)["rows"]
    assert len(seen) == len(set(seen)) == rows["train"]


class Weighted(CrossEntropy):
    """An own term that holds weights in single precision."""

    def __init__(self, target: str) -> None:
        super().__init__(target)
        self.register_buffer("shares", torch.tensor([0.2, 0.5, 0.3]))

    def forward(self, outputs: Any, batch: Batch) -> Tensor:
        return F.cross_entropy(*self.both(outputs, batch), self.shares, reduction="sum")


def test_an_own_objective_is_doubled_too() -> None:
    stage = played.stage(lambda: nn.Linear(4, 3), played.batches((4,)))
    said = slope(replace(stage, objective=Objective({"own": Weighted(TARGET)})), SlopeAsked())
    assert said["exact"]
    assert said["measured"] == pytest.approx(said["gradient"], rel=1e-6)


class Single(nn.Module):
    """Its own code asks for single precision."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x.float())


class Loud(nn.Module):
    """Gives single precision whatever it computes in."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x).float()


@pytest.mark.parametrize("make", [Single, Loud])
def test_a_net_that_takes_no_doubles_is_measured_roughly(make: Callable[[], nn.Module]) -> None:
    stage = played.stage(make, played.batches((4,)))
    said = slope(stage, SlopeAsked())
    assert not said["exact"]
    assert said["measured"] == pytest.approx(said["gradient"], rel=0.02)


class Drawing(nn.Module):
    """Draws in evaluation as well."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(F.dropout(x, 0.3, training=True))


def test_a_net_that_draws_draws_the_same_at_every_point() -> None:
    stage = played.stage(Drawing, played.batches((4,)))
    said = slope(stage, SlopeAsked())
    assert said["measured"] == pytest.approx(said["gradient"], rel=1e-6)
    assert said == slope(stage, SlopeAsked())


def test_an_index_beyond_the_last_is_the_last(builtin: Builtin) -> None:
    assert slope(builtin.stage, SlopeAsked(parameter=99))["chosen"] == 3


def test_what_cannot_be_shown_is_said() -> None:
    def vectors() -> nn.Module:
        return nn.Sequential(nn.BatchNorm1d(3))

    with pytest.raises(DanluError, match="no weights"):
        slope(played.stage(vectors, played.batches((3,))), SlopeAsked())
    lost = played.stage(lambda: nn.Linear(4, 3), played.batches((4,)))
    with torch.no_grad():
        lost.net.weight[0, 0] = torch.nan  # type: ignore[operator, union-attr]
    with pytest.raises(DanluError, match="finite"):
        slope(lost, SlopeAsked())
    stop = Event()
    stop.set()
    with pytest.raises(DanluError, match="too slow"):
        slope(played.stage(lambda: nn.Linear(4, 3), played.batches((4,))), SlopeAsked(), Limit(stop=stop))


def test_a_frozen_net_shows_what_is_still_trained() -> None:
    def frozen() -> nn.Module:
        net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
        net[0].requires_grad_(False)
        return net

    stage: Stage = played.stage(frozen, played.batches((4,)))
    said = slope(stage, SlopeAsked())
    assert said["parameters"] == ["2.weight"]
    assert [layer["gradient"] is None for layer in said["layers"]] == [True, True, False]
