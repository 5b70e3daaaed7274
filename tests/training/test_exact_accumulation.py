"""What accumulation must not change beside gradients (mixing, metrics, the reported loss), and what it can't keep: refused, or said."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import danlu
from danlu.data.batches.batch import Batch
from danlu.data.batches.batches import Batches
from danlu.errors import RecipeError
from danlu.metrics.classification import Classification
from danlu.nn.terms.cross_entropy import CrossEntropy
from danlu.randomness import Position
from danlu.recipe.names import spec_of
from danlu.runs.assembling import Assembled, assemble
from danlu.training.evaluation import judge
from danlu.training.events import Said
from danlu.training.fitting import as_objective
from danlu.training.fitting import fit as fit_anything
from danlu.training.objective import Objective
from danlu.training.plan import Plan
from danlu.training.precision import Precision
from tests.data import made
from tests.endtoend.drawn import coco_of_shapes
from tests.training.exactness import (
    CUTS,
    FEATURES,
    Loss,
    Pieces,
    Shaped,
    columns_of,
    cut,
    joined,
    prove,
    windows,
)
from tests.training.feeds import Recorder, blobs, small_net
from tests.training.textbook import CASES, CLASSES, WEIGHTS, as_label, labels

# ---- augmentation and mixing ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made.folder(tmp_path_factory.mktemp("photos") / "all", {"cat": 30, "dog": 22, "emu": 9})


def recipe(photos: Path, **train: Any) -> dict[str, Any]:
    return {
        "data": {"source": str(photos), "balance": "class-weights", "augment": ["flip", {"mixup": 0.4}, {"cutmix": 1.0}]},
        "model": {"name": "mlp", "norm": "layer", "activation": "tanh", "args": {"widths": [9]}},
        "train": {"precision": "fp32", "device": "cpu", "loss": {"name": "cross-entropy", "label_smoothing": 0.1}, **train},
    }  # fmt: skip


def assembled(recipe: dict[str, Any]) -> Assembled:
    complete = danlu.recipe.complete(danlu.recipe.from_dict(recipe))
    return assemble(complete, spec_of(complete.task))


def test_mixed_batches_are_the_same_however_they_are_cut(photos: Path) -> None:
    """Partners are chosen by position, so 12 samples mixed as 3 times 4 are the 12 mixed at once: same pixels, same gradient."""
    ours = assembled(recipe(photos, batch_size=4, accumulate=3))

    def whole(plan: Plan) -> list[Batch]:
        feed = Batches(ours.data, "train", 12, ours.recipe.seed, shuffle=True, transforms=plan.transforms)
        found = []
        for batch in feed.epoch(0):
            for transform in plan.transforms:
                batch = transform(batch, Position(plan.seed), plan.kinds)
            found.append(batch)
        return found

    windows_ = whole(ours.plan)
    images = torch.cat([columns_of(window, "image")[0] for window in windows_])
    assert images.is_floating_point()
    counts = np.asarray(ours.data.statistics["label"]["counts"], np.float64)
    weight = torch.tensor(counts.sum() / (3 * counts))

    def loss(outputs: Any, batch: Batch) -> Tensor:
        (target,) = (column.double() for column in columns_of(batch, "label"))
        spread = 0.9 * target + 0.1 / 3 * target.sum(1, keepdim=True)  # float32 shares add up to 1 only nearly
        return -(weight * spread * outputs.log_softmax(1)).sum() / (weight * target).sum()

    plan = ours.plan
    prove(
        ours.net.double(), ours.objective, loss, ours.batches, windows_,
        accumulate=3, seed=plan.seed, transforms=plan.transforms, kinds=plan.kinds,
    )  # fmt: skip


# ---- evaluation -----------------------------------------------------------------------------------------------------


def softmax(outputs: np.ndarray) -> np.ndarray:
    exponents = np.exp(outputs - outputs.max(1, keepdims=True))
    probability: np.ndarray = exponents / exponents.sum(1, keepdims=True)
    return probability


@pytest.mark.parametrize("sizes", [(1,) * 17, (3, 1, 7, 6), (16, 1)])
def test_an_evaluation_is_that_of_all_samples_at_once(sizes: tuple[int, ...]) -> None:
    """Loss with class weights and unknown labels, and every metric: never an average of averages."""
    draw = torch.Generator().manual_seed(4)
    known = torch.randint(0, CLASSES, (17,), generator=draw)
    columns = {"x": torch.randn(17, FEATURES, generator=draw).double(), "y": labels()(17, draw), "label": known}
    net = Shaped((CLASSES,)).double()
    objective = Objective({"loss": CrossEntropy("y", class_weights=WEIGHTS, label_smoothing=0.1)})

    def judged(sizes: tuple[int, ...]) -> dict[str, float]:
        found = judge(
            net, Pieces(cut(columns, ("x",), sizes)), "val", objective=objective, targets=("label",), kinds={},
            decode=lambda outputs, batch: {"probability": softmax(outputs)},
            metrics=[Classification(CLASSES, prediction="probability", target="label")],
            precision=Precision("fp32", torch.device("cpu")),
        )  # fmt: skip
        return {**found.values, **{name: low for name, (low, _) in found.intervals.items()}}

    expected = judged((17,))
    with torch.no_grad():
        loss = CASES["cross-entropy, both"].mean(net(columns["x"]), columns["y"])
    assert expected["val/loss"] == pytest.approx(float(loss), rel=1e-12)
    assert judged(sizes) == pytest.approx(expected, rel=1e-12)


# ---- losses brought to danlu.fit ------------------------------------------------------------------------------------

LOSSES: dict[str, Callable[..., Tensor]] = {
    "weights": nn.CrossEntropyLoss(torch.tensor(WEIGHTS, dtype=torch.float64), ignore_index=-1, label_smoothing=0.1),
    "ignored": nn.CrossEntropyLoss(ignore_index=-1),
    "negative log likelihood": nn.NLLLoss(torch.tensor(WEIGHTS, dtype=torch.float64), ignore_index=-1),
}


@pytest.mark.parametrize("way", CUTS)
@pytest.mark.parametrize("name", LOSSES)
def test_torchs_own_weighted_losses_are_counted_right(name: str, way: str) -> None:
    draw = torch.Generator().manual_seed(1)
    count, size = sum(CUTS[way].sizes), CUTS[way].accumulate
    columns = {"x": torch.randn(count, FEATURES, generator=draw).double(), "target": labels()(count, draw)}
    micros = cut(columns, ("x",), CUTS[way].sizes)
    for index in CUTS[way].hidden:
        micros[index] = micros[index].with_columns(target=as_label(columns_of(micros[index], "target")[0]))
    loss: Loss = lambda outputs, batch: LOSSES[name](outputs, *columns_of(batch, "target"))  # noqa: E731
    net = nn.Sequential(Shaped((CLASSES,)), nn.LogSoftmax(1)).double()
    prove(net, as_objective(LOSSES[name]), loss, Pieces(micros), windows(micros, size), accumulate=size)


def test_a_plain_function_is_a_mean_over_samples() -> None:
    draw = torch.Generator().manual_seed(1)
    columns = {
        "x": torch.randn(17, FEATURES, generator=draw).double(),
        "target": torch.randn(17, generator=draw).double(),
    }
    micros = cut(columns, ("x",), (5, 2, 7, 3))
    loss: Loss = lambda outputs, batch: nn.functional.mse_loss(outputs, *columns_of(batch, "target"))  # noqa: E731
    objective = as_objective(nn.functional.mse_loss)
    prove(Shaped(()).double(), objective, loss, Pieces(micros), [joined(micros)], accumulate=4)


@pytest.mark.parametrize("reduction", ["sum", "none"])
def test_a_loss_that_is_no_mean_is_refused(reduction: str) -> None:
    x, y = blobs(20)
    with pytest.raises(RecipeError, match=f"gives {reduction}, and a mean"):
        fit_anything(small_net(), nn.CrossEntropyLoss(reduction=reduction), (x, y), epochs=1)


# ---- what couples the samples of a batch (test_cached_gradients.py) ---


OWN_LOSS = """
from danlu.nn.terms.cross_entropy import CrossEntropy

class Apart(CrossEntropy):
    coupled = True
"""


def test_a_coupled_loss_of_the_users_is_accumulated_and_said(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_apart_loss.py").write_text(OWN_LOSS)
    monkeypatch.syspath_prepend(tmp_path)
    losses = []
    for loss in ("own_apart_loss:Apart", "cross-entropy"):
        asked = recipe(photos, loss={"name": loss, "label_smoothing": 0.1}, accumulate=2, epochs=2)
        asked["run"] = {"folder": str(tmp_path / "runs")}
        said = dict(danlu.check(danlu.recipe.from_dict(asked)).slots)["gradients"]
        assert ("cached gradients" in said) == (loss != "cross-entropy")
        losses.append(danlu.train(asked, screen=False).metrics["test/loss"])
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)  # only declared coupled, so nothing but rounding may differ


# ---- batch norm -----------------------------------------------------------------------------------------------------


def warned(photos: Path, folder: Path, **changes: Any) -> list[str]:
    asked = recipe(photos, batch_size=8, accumulate=2)
    asked["run"] = {"folder": str(folder)}
    asked["model"] |= changes
    return [text for text in danlu.check(danlu.recipe.from_dict(asked)).warnings if "Batch norm" in text]


def test_check_says_what_batch_norm_sees(photos: Path, tmp_path: Path) -> None:
    (text,) = warned(photos, tmp_path, norm="batch")
    assert "micro-batches of 8, not effective batches of 16" in text
    assert "model.norm: group" in text
    assert "larger train.batch_size" in text
    assert not warned(photos, tmp_path, norm="layer")


def test_a_frozen_batch_norm_is_no_cause(photos: Path, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    asked = recipe(photos)
    asked["model"] |= {"norm": "batch"}
    save_file(assembled(asked).net[1].state_dict(), tmp_path / "body.safetensors")
    frozen = {"norm": "batch", "unfreeze": "frozen", "pretrained": str(tmp_path / "body.safetensors")}
    assert not warned(photos, tmp_path, **frozen)


def test_training_says_it_too(photos: Path, tmp_path: Path) -> None:
    asked = recipe(photos, batch_size=8, accumulate=2, epochs=1)
    asked["run"] = {"folder": str(tmp_path)}
    asked["model"] |= {"norm": "batch"}
    run = danlu.train(asked, screen=False)
    assert any(event["type"] == "said" and "micro-batches of 8" in event["text"] for event in run.events())


def test_fit_says_it_aloud_or_to_its_watchers() -> None:
    x, y = blobs(40)
    with pytest.warns(UserWarning, match=r"Batch norm \(1\) sees one micro-batch at a time"):
        fit_anything(small_net(), "cross-entropy", (x, y), epochs=1, batch_size=8, accumulate=2)
    recorder = Recorder()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit_anything(small_net(), "cross-entropy", (x, y), epochs=1, batch_size=8, accumulate=2, watchers=[recorder])
        fit_anything(small_net(), "cross-entropy", (x, y), epochs=1, batch_size=8)
    assert any("group norm" in said.text for said in recorder.of(Said))


# ---- what else is said before training ------------------------------------------------------------------------------


def said(recipe: dict[str, Any], folder: Path) -> str:
    return "\n".join(danlu.check(danlu.recipe.from_dict(recipe | {"run": {"folder": str(folder)}})).warnings)


def test_a_window_longer_than_an_epoch_is_said(photos: Path, tmp_path: Path) -> None:
    assert "accumulate is 9, and an epoch has 7" in said(recipe(photos, batch_size=8, accumulate=9), tmp_path)
    assert "an epoch has" not in said(recipe(photos, batch_size=8, accumulate=7), tmp_path)


@pytest.mark.parametrize("optimizer", [{"name": "sgd", "momentum": 0.8}, {"name": "adamw", "betas": [0.8, 0.99]}])
def test_a_momentum_that_the_schedule_moves_is_said(photos: Path, tmp_path: Path, optimizer: dict[str, Any]) -> None:
    for cycles in (True, False):
        asked = recipe(photos, optimizer=optimizer, schedule={"one-cycle": {"cycle_momentum": cycles}})
        assert ("one-cycle moves the momentum itself" in said(asked, tmp_path)) == cycles


def test_images_of_many_sizes_are_padded_by_micro_batch_and_that_is_said(tmp_path: Path) -> None:
    boxes = coco_of_shapes(tmp_path / "coco", count=8)
    for accumulate in (1, 2):
        asked = {
            "task": "detection",
            "data": {"source": str(boxes), "split": {"val": 0.2, "test": 0.0}},
            "model": {"norm": "group", "args": {"width": 8, "features": 16, "tower": 0}},
            "train": {"batch_size": 2, "accumulate": accumulate, "device": "cpu"},
        }
        assert ("padded to the largest of their micro-batch" in said(asked, tmp_path)) == (accumulate > 1)
