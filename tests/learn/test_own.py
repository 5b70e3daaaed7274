"""Runs that lessons play on: their folder and all random numbers stay as they are, and what can't be is said."""

from __future__ import annotations

import random
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

import danlu
from danlu.errors import DanluError, DataError, RunError
from danlu.learn.activation import ActivationAsked, activation
from danlu.learn.builtin import ARMS, PARTS, Builtin, spiral, train
from danlu.learn.chain import ChainAsked, chain
from danlu.learn.diagrams import of_builtin, of_run
from danlu.learn.limits import Limit
from danlu.learn.own import own
from danlu.learn.rate import Bench, RateAsked
from danlu.learn.slope import SlopeAsked, slope
from danlu.learn.stage import Stage
from danlu.learn.threads import on_threads
from tests.learn import conftest, played

LESSONS: dict[str, Callable[[Stage], Any]] = {
    "chain": lambda stage: chain(ChainAsked()),
    "slope": lambda stage: slope(stage, SlopeAsked()),
    "activation": lambda stage: activation(stage, ActivationAsked(shift=1.0, name="tanh")),
    "rate": lambda stage: Bench(stage).rate(RateAsked(factor=3.0), Limit(600.0)),
}


def generators() -> tuple[Any, ...]:
    torch_, numpy_ = torch.random.get_rng_state(), np.random.get_state()
    return torch_.tolist(), random.getstate(), numpy_[1].tolist(), numpy_[2:]


def weights(stage: Stage) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in stage.net.state_dict().items()}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("lesson", LESSONS)
@pytest.mark.parametrize("name", ["builtin", "convolutions", "layers"])
def test_a_lesson_changes_nothing(lesson: str, name: str, request: pytest.FixtureRequest) -> None:
    run = request.getfixturevalue(name)
    before, files = generators(), {} if name == "builtin" else played.digest(run)
    stage = run.stage if name == "builtin" else own(run)
    held, first = weights(stage), weights(Stage(stage.fresh(), stage.fresh, stage.objective, stage.batches, stage.plan))
    batch = {key: value.clone() for key, value in stage.batches[0].columns.items()}
    one, other = LESSONS[lesson](stage), LESSONS[lesson](stage)
    assert one == other
    assert generators() == before
    assert same(held, weights(stage))
    assert all(p.grad is None for p in stage.net.parameters())
    assert not stage.net.training
    assert same(first, stage.fresh().state_dict())
    assert same(batch, stage.batches[0].columns)
    assert files == ({} if name == "builtin" else played.digest(run))


def test_diagrams_change_nothing(convolutions: Path, builtin: Builtin) -> None:
    before, files = generators(), played.digest(convolutions)
    of_run(convolutions)
    of_builtin()
    assert generators() == before
    assert files == played.digest(convolutions)


def test_training_the_small_net_draws_nothing(builtin: Builtin) -> None:
    before = generators()
    again = train()
    assert generators() == before
    assert same(weights(builtin.stage), weights(again.stage))
    assert [type(event) for event in again.events] == [type(event) for event in builtin.events]


def test_it_is_the_same_on_however_many_threads(builtin: Builtin) -> None:
    with on_threads(3):
        again = train()
        assert torch.get_num_threads() == 3
    assert same(weights(builtin.stage), weights(again.stage))


def test_a_slow_net_gets_more_threads_and_fewer_samples(convolutions: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert own(convolutions).threads == 1
    monkeypatch.setattr("danlu.learn.own.FORWARD", 0.0)
    with on_threads(2):
        stage = own(convolutions)
        assert torch.get_num_threads() == 2
    assert stage.threads == 2
    assert {len(batch) for batch in stage.batches} == {4}
    assert slope(stage, SlopeAsked())["samples"] == activation(stage, ActivationAsked())["samples"] == 4
    assert torch.get_num_threads() == 1


def test_training_it_is_given_up_where_nobody_waits() -> None:
    stop = Event()
    stop.set()
    with pytest.raises(DanluError):
        train(stop)


def test_the_small_net_learns(builtin: Builtin) -> None:
    """On points that it was not trained on."""
    assert min(builtin.accuracy.values()) > 0.95
    parts = spiral()
    points = torch.cat([points for points, _ in parts.values()])
    assert len(points.unique(dim=0)) == sum(PARTS.values())
    for part, (inside, arm) in parts.items():
        assert len(inside) == PARTS[part]
        counts = torch.bincount(arm, minlength=ARMS)
        assert counts.min() > 0.2 * len(arm)
        assert inside.abs().max() < 1.2


def test_a_stage_is_the_runs(convolutions: Path) -> None:
    stage, said = own(convolutions), danlu.load(convolutions)
    assert same(weights(stage), said.net.state_dict())
    assert not same(weights(stage), stage.fresh().state_dict())
    assert same(stage.fresh().state_dict(), stage.fresh().state_dict())
    assert stage.plan.transforms == ()
    assert not stage.published


def test_the_first_weights_are_those_that_training_began_with(place: Path) -> None:
    """Training of no steps would end with them: here the rate is so small that they hardly move."""
    asked = played.recipe(place, {"name": "mlp", "args": {"widths": [6]}}, "still", epochs=1)
    asked["train"]["optimizer"] = {"name": "sgd", "lr": 1e-12, "momentum": 0.0, "weight_decay": 0.0}
    stage = own(conftest.train(place, asked))
    for value, first in zip(stage.net.parameters(), stage.fresh().parameters(), strict=True):
        torch.testing.assert_close(value, first, rtol=0, atol=1e-9)


def test_a_detector(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its inputs and targets are of many sizes."""
    for name in ("STEPS", "FINDER"):
        monkeypatch.setattr(f"danlu.learn.rate.{name}", 30)
    stage = own(old / "boxes")
    said = slope(stage, SlopeAsked())
    assert said["measured"] == pytest.approx(said["gradient"], rel=1e-4 if said["exact"] else 0.05)
    assert activation(stage, ActivationAsked())["layers"]
    said = Bench(stage).rate(RateAsked(), Limit(600.0))
    assert said["steps"] == 30
    assert min(said["base"]["losses"]) < said["base"]["losses"][0]


def test_a_regression(old: Path) -> None:
    stage = own(old / "houses")
    assert activation(stage, ActivationAsked())["kind"] == "ReLU"
    said = Bench(stage).rate(RateAsked(), Limit(600.0))
    assert said["base"]["end"] < said["base"]["losses"][0]


OWN_NET = '''
from torch import nn


class Plain(nn.Module):
    """No layer of it is an activation: functions are called."""

    def __init__(self, in_channels: int, classes: int) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(in_channels, 4, 3), nn.Linear(4, classes)

    def forward(self, images):
        return self.last(self.first(images).relu().mean((2, 3)))
'''


@pytest.fixture
def plain(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (place / "lessons_own_net.py").write_text(OWN_NET, encoding="utf-8")
    monkeypatch.syspath_prepend(str(place))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    if not (place / "runs" / "plain").exists():
        conftest.train(place, played.recipe(place, {"name": "lessons_own_net:Plain"}, "plain"))
    yield place / "runs" / "plain"
    sys.modules.pop("lessons_own_net", None)


def test_an_own_net_that_calls_functions(plain: Path) -> None:
    stage = own(plain)
    said = slope(stage, SlopeAsked(parameter=1))
    assert said["measured"] == pytest.approx(said["gradient"], rel=1e-5)
    with pytest.raises(DanluError, match="no activation layers"):
        activation(stage, ActivationAsked())
    assert of_run(plain)["net"]["activations"] == {}


def test_an_own_net_whose_code_is_gone(plain: Path, place: Path) -> None:
    sys.modules.pop("lessons_own_net", None)
    (place / "lessons_own_net.py").unlink()
    with pytest.raises(DanluError, match="lessons_own_net"):
        own(plain)


def test_a_frozen_net_that_began_from_a_file(convolutions: Path, place: Path) -> None:
    shutil.copy(convolutions / "best" / "net.safetensors", place / "begun.safetensors")
    model = {"name": "resnet", "args": {"width": 4, "blocks": [1, 1]}} | {
        "pretrained": str(place / "begun.safetensors"),
        "unfreeze": "frozen",
    }
    stage = own(conftest.train(place, played.recipe(place, model, "frozen")))
    begun = load_file(place / "begun.safetensors")
    assert not stage.published
    trained = {name for name, each in stage.net.named_parameters() if each.requires_grad}
    assert 0 < len(trained) < len(list(stage.net.parameters()))
    assert all(torch.equal(begun[name], value) for name, value in stage.fresh().named_parameters())
    said = slope(stage, SlopeAsked(parameter=99))
    assert set(said["parameters"]) <= trained
    assert said["measured"] == pytest.approx(said["gradient"], rel=1e-5)
    assert activation(stage, ActivationAsked())["own_loss"] > 0
    (place / "begun.safetensors").unlink()  # then weights are drawn, and it is told
    again = own(place / "runs" / "frozen")
    assert again.published
    assert same(weights(again), weights(stage))
    assert not same(dict(stage.fresh().named_parameters()), dict(again.fresh().named_parameters()))
    assert Bench(again).rate(RateAsked(), Limit(600.0))["published"]


def test_data_that_are_gone(convolutions: Path, place: Path, tmp_path: Path) -> None:
    archive, hidden = place / "images.npz", tmp_path / "images.npz"
    shutil.move(archive, hidden)
    try:
        with pytest.raises(DataError):
            own(convolutions)
        assert of_run(convolutions)["status"] == "finished"
    finally:
        shutil.move(hidden, archive)


def test_no_run_and_no_weights_yet(convolutions: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError):
        own(tmp_path)
    run = tmp_path / "begun"
    shutil.copytree(convolutions, run, ignore=shutil.ignore_patterns("checkpoints", "best", "events.jsonl"))
    with pytest.raises(RunError):
        own(run)


def test_it_gives_up_where_nobody_waits(convolutions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the data are prepared anew, which may take long."""
    stop = Event()
    stop.set()
    run = tmp_path / "elsewhere"
    shutil.copytree(convolutions, run)
    text = (run / "recipe.yaml").read_text(encoding="utf-8")
    (run / "recipe.yaml").write_text(text.replace("/cache", "/another-cache"), encoding="utf-8")
    (run / "MANIFEST.json").unlink()
    with pytest.raises(DanluError, match="too slow"):
        own(run, stop)
