"""Images without labels become an encoder: trained, resumed, judged by probes, taken up by another recipe, exported."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import danlu
from danlu.errors import DanluError, RecipeError
from danlu.runs import Run, resume
from danlu.training import checkpoint
from tests.endtoend.pairs import Keeper, Story, same_bits

METHODS = ("simclr", "rotation", "mae")
FEW = ("simclr", pytest.param("rotation", marks=pytest.mark.slow), "mae")  # where rotations are like views
NETS: dict[str, dict[str, Any]] = {
    "simclr": {"name": "resnet", "args": {"width": 4, "blocks": [1, 1]}},
    "rotation": {"name": "resnet", "args": {"width": 4, "blocks": [1, 1]}},
    "mae": {"name": "vit", "args": {"width": 16, "depth": 1, "heads": 2}},
}


def pictures(labels: np.ndarray) -> np.ndarray:
    """uint8 (N, 12, 12): stripes along, across or none, at a random place."""
    draw = np.random.default_rng(0)
    noise = draw.integers(0, 90, (len(labels), 12, 12))
    stripes = 150 * ((np.arange(12)[None] + draw.integers(0, 4, (len(labels), 1))) % 4 < 2)
    along, across = np.repeat(stripes[:, :, None], 12, 2), np.repeat(stripes[:, None], 12, 1)
    none = np.zeros_like(along)
    return np.asarray(noise + np.choose(labels[:, None, None], [along, across, none]), np.uint8)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stripes")
    labels = np.arange(240) % 3
    images = pictures(labels)
    parts = {"train": slice(0, 150), "val": slice(150, 190), "test": slice(190, 240)}
    every = {f"x_{part}": images[rows] for part, rows in parts.items()}
    labelled = {f"y_{part}": labels[rows] for part, rows in parts.items()}
    shuffled = {name: np.random.default_rng(1).permutation(values) for name, values in labelled.items()}
    for name, columns in {"labelled": every | labelled, "shuffled": every | shuffled, "bare": every}.items():
        np.savez(folder / f"{name}.npz", **columns)  # type: ignore[arg-type]
    (folder / "photos").mkdir()
    for number, image in enumerate(images[:60]):
        Image.fromarray(image).save(folder / "photos" / f"{number}.png")
    return folder


def recipe(source: Path, runs: Path, method: str = "simclr", **train: Any) -> dict[str, Any]:
    return {
        "task": "self-supervised",
        "seed": 4,
        "run": {"folder": str(runs), "name": method},
        "data": {"source": str(source)},
        "model": NETS[method],
        "train": {"epochs": 2, "batch_size": 32, "threads": 1, "precision": "fp32", "evaluate_every": 1, **train},
        "options": {"method": method},
    }


@pytest.fixture(scope="module")
def runs(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Run]:
    folder = tmp_path_factory.mktemp("runs")
    return {method: danlu.train(recipe(source / "labelled.npz", folder, method), screen=False) for method in METHODS}


def weights(run: Run) -> dict[str, np.ndarray]:
    tensors = checkpoint.load(checkpoint.listed(run.path / "checkpoints")[-1]).tensors["net"]
    return {name: value.numpy() for name, value in tensors.items()}


@pytest.mark.parametrize("method", METHODS)
def test_trains_and_is_judged_beside_an_untrained_encoder(runs: Mapping[str, Run], method: str) -> None:
    found = runs[method].metrics
    for part in ("val", "test"):
        for name in ("probe-accuracy", "knn-accuracy", "untrained-probe-accuracy", "untrained-knn-accuracy"):
            assert 0 <= found[f"{part}/{name}"] <= 1
        assert found[f"{part}/embedding-std"] > 0
        assert found[f"{part}/loss"] > 0
    assert (runs[method].path / "report.html").stat().st_size > 1000


@pytest.mark.parametrize("method", FEW)
def test_an_artifact_answers_as_the_run(runs: Mapping[str, Run], method: str, source: Path, tmp_path: Path) -> None:
    folder = danlu.export(runs[method], tmp_path / "artifact")
    files = sorted((source / "photos").iterdir())[:4]
    answers = [danlu.load(path).predict(files) for path in (folder, runs[method].path)]
    for one, other in zip(*answers, strict=True):
        np.testing.assert_allclose(one["embedding"], other["embedding"], atol=1e-4)
    assert len(answers[0][0]["embedding"]) == 16


def test_labels_change_nothing_that_is_learnt(runs: Mapping[str, Run], source: Path, tmp_path: Path) -> None:
    for other in ("shuffled.npz", "bare.npz"):
        run = danlu.train(recipe(source / other, tmp_path / other), screen=False)
        mine, theirs = weights(run), weights(runs["simclr"])
        assert all(np.array_equal(mine[name], theirs[name]) for name in theirs), other
        assert ("val/probe-accuracy" in run.metrics) == (other == "shuffled.npz")


def test_a_folder_of_images_without_classes_will_do(source: Path, tmp_path: Path) -> None:
    asked = recipe(source / "photos", tmp_path, epochs=1)
    asked["data"]["split"] = {"val": 0.2, "test": 0.0}
    run = danlu.train(asked, screen=False)
    assert "val/loss" in run.metrics
    assert "val/probe-accuracy" not in run.metrics
    asked["data"]["columns"] = {"label": "kind"}  # named, so that it is no longer optional
    asked["run"]["name"] = "named"
    with pytest.raises(DanluError):
        danlu.train(asked, screen=False)


@pytest.mark.parametrize("method", FEW)
def test_resumes_bit_for_bit_where_it_is_accumulated(method: str, source: Path, tmp_path: Path) -> None:
    asked = recipe(source / "labelled.npz", tmp_path / "runs", method, epochs=4, accumulate=2, batch_size=16)
    asked["train"]["checkpoint"] = {"every_steps": 7, "every_minutes": None, "every_epochs": None}
    asked["evaluate"] = {"report": False}
    done = danlu.train(asked, screen=Keeper(7, tmp_path / "cut"))
    same_bits(Story.of(done), Story.of(resume(tmp_path / "cut", screen=False)))


# ---- what another recipe takes up ---------------------------------------------------------------------------------------


def taking_up(source: Path, run: Run, runs: Path, **model: Any) -> dict[str, Any]:
    asked = recipe(source / "labelled.npz", runs)
    asked |= {"task": "image-classification", "model": {**run.recipe.model.model_dump(), "pretrained": str(run.path)}}
    asked["model"] = {key: value for key, value in asked["model"].items() if key in ("name", "args", "pretrained")}
    asked["model"] |= model
    del asked["options"]
    return asked


@pytest.mark.parametrize("method", METHODS)
def test_its_encoder_is_where_another_recipe_begins(
    method: str, runs: Mapping[str, Run], source: Path, tmp_path: Path
) -> None:
    asked = taking_up(source, runs[method], tmp_path, unfreeze="frozen")
    run = danlu.train(asked, screen=False)
    before, after = weights(runs[method]), weights(run)
    body = [name for name in after if name.startswith("1.") and not name.startswith("1.head")]
    assert len(body) > 5
    for name in body:
        np.testing.assert_array_equal(after[name], before[f"encoder.{name}"], err_msg=name)
    assert after["1.head.weight"].shape[0] == 3
    said = json.loads((run.path / "environment.json").read_text())["pretrained"]
    assert said["run"] == str(runs[method].path)
    manifest = json.loads((runs[method].path / said["file"]).with_name("MANIFEST.json").read_text())
    assert manifest["files"]["net.safetensors"]["blake2b"] == said["blake2b"]
    assert run.recipe.model.pretrained == str(runs[method].path)


def test_a_plan_of_unfreezing_holds_for_it(runs: Mapping[str, Run], source: Path, tmp_path: Path) -> None:
    asked = taking_up(source, runs["simclr"], tmp_path, unfreeze={"gradual": {"until": 0.9}})
    asked["train"] |= {"epochs": 3, "optimizer": {"name": "sgd", "lr": 0.05}}
    run = danlu.train(asked, screen=False)
    before, after = weights(runs["simclr"]), weights(run)
    assert not np.array_equal(after["1.stages.1.0.branch.0.weight"], before["encoder.1.stages.1.0.branch.0.weight"])


def test_a_classifier_can_be_taken_up_as_well(runs: Mapping[str, Run], source: Path, tmp_path: Path) -> None:
    first = danlu.train(taking_up(source, runs["simclr"], tmp_path), screen=False)
    again = taking_up(source, first, tmp_path / "again", unfreeze="frozen")
    run = danlu.train(again, screen=False)
    one, other = weights(first), weights(run)
    np.testing.assert_array_equal(one["1.stem.0.weight"], other["1.stem.0.weight"])


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"data.image": {"channels": 3}}, "learnt from images of 1 channels, and these have 3"),
        ({"model.args": {"width": 8, "blocks": [1, 1]}}, r"another net: \d+ tensors differ, stem.0.weight is \(8, 1"),
        ({"model.name": "image-classifier", "model.args": {}}, "another net"),
    ],
)
def test_another_net_or_other_channels_are_refused(
    changes: dict[str, Any], what: str, runs: Mapping[str, Run], source: Path, tmp_path: Path
) -> None:
    asked = taking_up(source, runs["simclr"], tmp_path)
    with pytest.raises(RecipeError, match=what) as caught:
        danlu.check(danlu.recipe.patch(danlu.recipe.from_dict(asked), changes))
    assert "model.pretrained" in caught.value.problems[0].where
    assert caught.value.problems[0].remedy


def test_damaged_weights_and_runs_without_any_are_refused(
    runs: Mapping[str, Run], source: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(runs["simclr"].path, copy)
    asked = taking_up(source, runs["simclr"], tmp_path, pretrained=str(copy))
    file = checkpoint.listed(copy / "checkpoints")[-1] / "net.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(RecipeError, match="not as it was written"):
        danlu.check(danlu.recipe.from_dict(asked))
    shutil.rmtree(copy / "checkpoints")
    shutil.rmtree(copy / "best")
    with pytest.raises(RecipeError, match="no weights yet"):
        danlu.check(danlu.recipe.from_dict(asked))


@pytest.mark.parametrize(
    ("method", "changes", "what"),
    [
        ("mae", {"model": {"name": "resnet"}}, "masked autoencoding needs a net that can leave patches out"),
        ("mae", {"model.args": {"patch": 5}}, "patches of 5"),
        ("simclr", {"data.augment": [{"mixup": 0.2}]}, "a view is of one image"),
        ("simclr", {"train.loss": {"name": "focal"}}, "makes no use of"),
    ],
)
def test_what_cant_be_is_refused(method: str, changes: dict[str, Any], what: str, source: Path, tmp_path: Path) -> None:
    asked = danlu.recipe.from_dict(recipe(source / "labelled.npz", tmp_path, method))
    with pytest.raises(DanluError, match=what):
        danlu.check(danlu.recipe.patch(asked, changes))
