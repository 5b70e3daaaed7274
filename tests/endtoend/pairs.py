"""What it takes for a pair of techniques to hold: 20 steps, the same bits when resumed from the 11th, and the plain loop's numbers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import danlu
from danlu import recipe as recipes
from danlu.errors import DanluError
from danlu.randomness import Position, torch_seed
from danlu.recipe.names import spec_of
from danlu.runs import Run, resume
from danlu.runs.assembling import Assembled, assemble
from danlu.training import checkpoint
from danlu.training.events import CheckpointSaved, Event
from tests.endtoend import plain_loop, techniques
from tests.endtoend.techniques import STEPS, STOP, Technique

CLASSES = {"cat": 24, "dog": 18, "emu": 10}


@dataclass(frozen=True)
class Ground:
    """Where pairs are tried. photos: the pictures; weights: a folder of other nets' weights, by norm; runs: one for run folders."""

    photos: Path
    weights: Path
    runs: Path

    def recipe(self, *chosen: Technique) -> dict[str, Any]:
        return techniques.recipe(str(self.photos), str(self.weights), *chosen)


def prepare(folder: Path) -> Ground:
    """52 pictures of three classes (two of them twice) that differ in brightness, and weights for every net the techniques can make."""
    folder.mkdir(parents=True, exist_ok=True)
    draw = np.random.default_rng(3)
    labels = np.repeat(np.arange(len(CLASSES)), list(CLASSES.values()))
    images = (draw.integers(0, 130, (len(labels), 10, 10, 3)) + 40 * labels[:, None, None, None]).astype(np.uint8)
    images[[27, 31]] = images[[28, 32]]
    np.savez(folder / "photos.npz", images=images, labels=np.asarray(list(CLASSES))[labels])
    ground = Ground(folder / "photos.npz", folder, folder / "runs")
    from safetensors.torch import save_file

    for norm in ("batch", "none"):  # every other norm has the names of the batch norm; only prelu has parameters
        model = {**ground.recipe()["model"], "norm": norm, "activation": "prelu"}
        body = _assembled({**ground.recipe(), "seed": 77, "model": model}).net[1]  # type: ignore[index]
        save_file(body.state_dict(), ground.weights / f"{norm}.safetensors")
    return ground


class Keeper:
    """A screen that copies the run's folder as it lies on the disk when the checkpoint of a step has been saved."""

    def __init__(self, step: int, target: Path) -> None:
        self.step, self.target = step, target

    def on(self, event: Event) -> None:
        if isinstance(event, CheckpointSaved) and event.step == self.step:
            shutil.copytree(Path(event.path).parent.parent, self.target)

    def progress(self, stage: str, done: int, total: int) -> None:
        pass

    def close(self) -> None:
        pass


def refused(ground: Ground, *chosen: Technique) -> str:
    """What is said where a recipe can't be carried out; "" where it can. Nothing must have been made by then."""
    try:
        danlu.train(_named(ground, "refused", *chosen), screen=False)
    except DanluError as error:
        assert not (ground.runs / "refused").exists()
        return str(error)
    return ""


def hold(ground: Ground, *chosen: Technique) -> None:
    """Raises AssertionError unless these techniques train together, resume to the same bits, and equal the plain loop."""
    shutil.rmtree(ground.runs, ignore_errors=True)
    done = danlu.train(_named(ground, "whole", *chosen), screen=Keeper(STOP, ground.runs / "cut"))
    whole, resumed = Story.of(done), Story.of(resume(ground.runs / "cut", screen=False))
    steps = len(whole.curves["train/loss"])
    assert steps == STEPS or (steps > STOP and whole.reason == "early-stop")
    assert {event["attempt"] for event in resumed.events} == {1, 2}
    same_bits(whole, resumed)
    same_as_plain(whole, steps)


@dataclass(frozen=True)
class Story:
    """What a run's folder tells. curves: name → one number a step; what a later attempt did again stands in place of the first."""

    path: Path
    events: list[dict[str, Any]]
    curves: dict[str, list[float]]
    judged: dict[tuple[int, str], dict[str, Any]]
    reason: str
    last: Path

    @classmethod
    def of(cls, run: Run) -> Story:
        events = list(run.events())
        steps: dict[str, dict[int, float]] = {}
        for event in events:
            if event["type"] == "steps-done":
                for name, values in event["values"].items():
                    steps.setdefault(name, {}).update(zip(event["steps"], values, strict=True))
        curves = {name: [values[step] for step in sorted(values)] for name, values in steps.items()}
        timeless = ("values", "intervals", "best", "epoch")
        judged = {(e["step"], e["part"]): {key: e[key] for key in timeless} for e in events if e["type"] == "evaluated"}
        (reason,) = {event["reason"] for event in events if event["type"] == "fit-done"}
        return cls(run.path, events, curves, judged, reason, checkpoint.listed(run.path / "checkpoints")[-1])


def same_bits(whole: Story, resumed: Story) -> None:
    """Every step's numbers, every evaluation, every tensor and every value of the last checkpoint, and the best weights."""
    assert resumed.curves == whole.curves
    assert resumed.judged == whole.judged
    assert resumed.last.name == whole.last.name
    assert resumed.reason == whole.reason
    for one, other in ((whole.last, resumed.last), (whole.path / "best", resumed.path / "best")):
        assert not checkpoint.verify(one)
        assert not checkpoint.verify(other)
        tensors = sorted(path.name for path in one.glob("*.safetensors"))
        assert tensors == sorted(path.name for path in other.glob("*.safetensors"))
        for name in tensors:
            assert (one / name).read_bytes() == (other / name).read_bytes(), f"{one.name}/{name}"
    values = [json.loads((story.last / "state.json").read_text()) for story in (whole, resumed)]
    for each in values:
        each.pop("extra", None)  # what was there at the time: versions, the recipe's hash
    assert values[0] == values[1]


def same_as_plain(story: Story, steps: int) -> None:
    """The last weights (averaged where asked) and every step's loss are those of the plain loop, started from the same weights.

    Bit for bit, since both call the same kernels of torch in the same order. Only focal loss has no function in torch: written as in
    the paper it rounds otherwise (1e-7 a step), so over 20 steps losses may differ by 1e-6, and weights by 1e-5 of the largest of
    their tensor. So does the mean of weights, which torch's class sums in another order, and a loss that goes by cached gradients: it
    is summed over all samples of an effective batch at once.
    """
    recipe = recipes.load(story.path / "recipe.yaml")
    resolved = recipe.model_dump(mode="json")
    simple = {"data.storage": "auto", "data.workers": 0, "model.unfreeze": "all"}
    ours = assemble(recipes.patch(recipe, simple), spec_of(recipe.task))
    losses, net = plain_loop.train(
        resolved, ours.net, lambda epoch: _micros(ours, epoch), len(ours.batches), steps,
        _weights(resolved, ours), _offsets(resolved, ours),
        lambda step, micro: torch.default_generator.manual_seed(torch_seed(Position(resolved["seed"], 0, step, micro))),
        {step: found["values"]["val/loss"] for (step, part), found in story.judged.items() if part == "val"},
    )  # fmt: skip
    tensors = checkpoint.load(story.last).tensors
    found = tensors.get("ema", tensors["net"])
    exact = resolved["train"]["loss"]["name"] == "cross-entropy"
    mean = resolved["train"]["swa"] is not None or resolved["train"]["optimizer"]["name"] == "schedule-free"
    ours_ = story.curves["train/loss"]
    assert ours_ == losses if exact else ours_ == pytest.approx(losses, rel=1e-6)
    for name, value in net.state_dict().items():
        far = _distance(value, found[name])
        assert far <= (0 if exact and not mean else 1e-5), f"{name}: {far:.1e}"


def _distance(one: Tensor, other: Tensor) -> float:
    """The largest difference, by the largest value; 0 where they are equal."""
    if torch.equal(one, other):
        return 0.0
    one, other = one.double(), other.double()
    return float((one - other).abs().max() / one.abs().max().clamp_min(1e-3))


def _micros(ours: Assembled, epoch: int) -> Iterator[plain_loop.Micro]:
    for batch in ours.batches.epoch(epoch):
        for transform in ours.plan.transforms:
            batch = transform(batch, Position(ours.plan.seed, epoch), ours.plan.kinds)
        inputs, label = batch["image"], batch["label"]
        assert isinstance(inputs, Tensor)
        assert isinstance(label, Tensor)
        yield inputs, label


def _weights(resolved: dict[str, Any], ours: Assembled) -> Tensor | None:
    """The recipe's own class weights, or scikit-learn's balanced ones of the training rows."""
    own = resolved["train"]["loss"]["args"].get("class_weights")
    if own is not None:
        return torch.tensor(own, dtype=torch.float64)
    if resolved["data"]["balance"] != "class-weights":
        return None
    from sklearn.utils.class_weight import compute_class_weight

    labels = np.asarray(ours.data.store.gather("label", ours.data.parts["train"])).reshape(-1)
    return torch.tensor(compute_class_weight("balanced", classes=np.arange(len(CLASSES)), y=labels))


def _offsets(resolved: dict[str, Any], ours: Assembled) -> Tensor | None:
    """Logarithms of the classes' shares among the training rows, where logits are adjusted."""
    if resolved["data"]["balance"] != "logit-adjustment":
        return None
    labels = np.asarray(ours.data.store.gather("label", ours.data.parts["train"])).reshape(-1)
    return torch.tensor([np.log(np.mean(labels == number)) for number in range(len(CLASSES))])


def _named(ground: Ground, name: str, *chosen: Technique) -> dict[str, Any]:
    return {**ground.recipe(*chosen), "run": {"folder": str(ground.runs), "name": name}}


def _assembled(recipe: dict[str, Any]) -> Assembled:
    complete = recipes.complete(recipes.from_dict(recipe))
    return assemble(complete, spec_of(complete.task))
