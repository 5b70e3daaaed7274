"""Multi-label images end to end: training, thresholds of the validation part alone, baselines, report, resume, artifact."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

import danlu
from danlu.deploy.loading import load
from danlu.errors import DanluError, RecipeError
from danlu.metrics.thresholds import tuned_each
from danlu.runs import resume
from danlu.tasks.baselines.labels import fitted
from danlu.tasks.image_multi_label.decoder import LabelsDecoder, log_odds, sigmoid
from danlu.training import checkpoint

COLOURS = ("red", "green", "blue")
BARE = {"baselines": False, "report": False}  # what a test does not ask about


def album(folder: Path, rows: int = 150) -> Path:
    """Noise with a patch of each colour that is among the labels; blue is rare."""
    draw = np.random.default_rng(0)
    lines = ["image,labels"]
    for row in range(rows):
        yes = draw.random(3) < (0.5, 0.3, 0.12)
        pixels = draw.integers(0, 90, (12, 12, 3))
        for channel in np.flatnonzero(yes):
            top, left = draw.integers(0, 7, 2)
            pixels[top : top + 5, left : left + 5, channel] += 70
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{row}.png")
        lines.append(f"{row}.png,{'|'.join(np.asarray(COLOURS)[yes]) or '[]'}")
    (folder / "album.csv").write_text("\n".join(lines), encoding="utf-8")
    return folder / "album.csv"


def recipe(place: Path, name: str, **changes: Any) -> dict[str, Any]:
    return {
        "task": "image-multi-label",
        "run": {"folder": str(place / "runs"), "name": name},
        "data": {"source": str(place / "album.csv"), "split": {"val": 0.25, "test": 0.25}},
        "model": {"name": "resnet", "args": {"width": 4, "blocks": [1]}},
        "train": {"epochs": 3, "batch_size": 25, "device": "cpu", "threads": 1, "precision": "fp32"},
        **changes,
    }


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("album")
    album(place)
    danlu.train(recipe(place, "run"), screen=False)
    return place


def predicted(run: Path, part: str) -> dict[str, np.ndarray]:
    table = pq.read_table(run / "predictions" / f"{part}.parquet")
    return {name: np.asarray(table[name].to_pylist()) for name in ("probability", "labels", "true/labels")}


def test_thresholds_come_from_the_validation_part_and_hold_everywhere(place: Path) -> None:
    run = place / "runs" / "run"
    kept = json.loads((run / "thresholds.json").read_text())
    val = predicted(run, "val")
    found = tuned_each(log_odds(val["probability"]), val["true/labels"], "macro-f1")
    assert kept["offsets"] == pytest.approx(found.offsets.tolist(), abs=1e-4)
    assert kept["classes"] == ["blue", "green", "red"]
    test = predicted(run, "test")
    logits = log_odds(test["probability"])
    assert np.array_equal(test["labels"], (logits + np.asarray(kept["offsets"]) > 0).astype(int))
    macro = f1_score(test["true/labels"], test["labels"], average="macro")
    assert danlu.Run(run).metrics["test/macro-f1"] == pytest.approx(macro)


def test_baselines_stand_beside_it(place: Path) -> None:
    found = danlu.Run(place / "runs" / "run").baselines
    assert set(found) == {"frequent", "one-vs-rest"}
    assert found["frequent"]["values"]["test/auc"] == pytest.approx(0.5)
    assert found["one-vs-rest"]["differences"]["test/map"]["interval"] is not None


def test_the_regression_is_scikit_learns() -> None:
    draw = np.random.default_rng(3)
    values = draw.normal(size=(200, 6)).astype(np.float32)
    labels = (values @ draw.normal(size=(6, 3)) + draw.normal(size=(200, 3)) > 0.4).astype(np.float32)
    weights, _ = fitted(values, labels, np.zeros((7, 3)), 0.01, 500, 1e-7)
    for one in range(3):
        other = LogisticRegression(C=1 / (0.01 * 200), tol=1e-8, max_iter=1000).fit(values, labels[:, one])
        assert weights[:-1, one] == pytest.approx(other.coef_[0], abs=2e-3)
        assert weights[-1, one] == pytest.approx(other.intercept_[0], abs=2e-3)


def test_the_artifact_answers_alike_without_torch(place: Path) -> None:
    run = place / "runs" / "run"
    danlu.export(run)
    files = [place / f"{row}.png" for row in range(9)]
    for mine, other in zip(load(run / "artifact").predict(files), load(run).predict(files), strict=True):
        assert mine["labels"] == other["labels"]
        assert dict(mine["top"]) == pytest.approx(dict(other["top"]), abs=1e-4)


def test_decoding() -> None:
    decoder = LabelsDecoder(("a", "b", "c")).moved([0.0, 3.0, -1.0])
    again = LabelsDecoder(**json.loads(json.dumps(decoder.spec())))
    logits = np.asarray([[0.5, -2.0, 0.5], [-900.0, 900.0, 0.0]], np.float32)
    for each in (decoder, again):
        found = each.decode(logits, {})
        assert np.allclose(found["probability"], torch.from_numpy(logits).sigmoid())
        assert found["labels"].tolist() == [[1, 1, 0], [0, 1, 0]]
    answer = decoder.answer(decoder.decode(logits, {}), 0)
    assert answer["labels"] == ["a", "b"]
    assert [name for name, _ in answer["top"]] == ["a", "c", "b"]
    assert np.allclose(log_odds(sigmoid(logits[:1])), logits[:1], atol=1e-5)


def test_rare_labels_weigh_more_where_asked(place: Path) -> None:
    run = danlu.train(
        recipe(place, "weighed", data={**recipe(place, "")["data"], "balance": "class-weights"}, evaluate=BARE),
        screen=False,
    )
    rows = run.data.statistics["labels"]  # type: ignore[union-attr]
    counts = np.asarray(rows["counts"])
    from danlu.recipe.names import load_object, spec_of

    task = load_object(spec_of("image-multi-label").task)(run.recipe, run.data)
    term = task.objective().terms["binary-cross-entropy"]
    assert term.pos_weight.tolist() == pytest.approx(((rows["rows"] - counts) / counts).tolist())


def test_focal_and_mixing_train(place: Path) -> None:
    changes = recipe(place, "focal", evaluate=BARE)
    changes["data"]["augment"] = [{"mixup": 0.4}]
    changes["train"] |= {"loss": {"name": "focal", "gamma": 2.0}, "epochs": 1}
    assert np.isfinite(danlu.train(changes, screen=False).metrics["test/map"])


@pytest.mark.parametrize("balance", ["sampler", "logit-adjustment"])
def test_what_is_for_exclusive_classes_is_refused(place: Path, balance: str) -> None:
    with pytest.raises(RecipeError, match="exclusive"):
        danlu.check(recipe(place, "no", data={**recipe(place, "")["data"], "balance": balance}))


def test_weights_of_another_number_of_labels_are_refused(place: Path) -> None:
    changes = recipe(place, "no")
    changes["train"]["loss"] = {"name": "binary-cross-entropy", "pos_weight": [1.0, 2.0]}
    with pytest.raises(DanluError, match="2 numbers where there are 3"):
        danlu.check(changes)


def test_resumed_it_ends_in_the_same_bits(place: Path) -> None:
    changes = recipe(place, "whole")
    changes["train"] |= {"checkpoint": {"every_steps": None, "every_minutes": None, "every_epochs": 1, "keep": 5}}
    changes["data"]["augment"] = ["flip", {"mixup": 0.4}]
    changes["evaluate"] = BARE
    whole = danlu.train(changes, screen=False)
    other = whole.path.parent / "again"
    shutil.copytree(whole.path, other)
    saved = checkpoint.listed(other / "checkpoints")
    for each in saved[1:]:
        shutil.rmtree(each)
    resume(other, screen=False)
    one, two = (checkpoint.read(checkpoint.listed(path / "checkpoints")[-1]) for path in (whole.path, other))
    assert one.tensors["net"].keys() == two.tensors["net"].keys()
    assert all(torch.equal(value, two.tensors["net"][name]) for name, value in one.tensors["net"].items())
    assert json.loads((other / "thresholds.json").read_text()) == json.loads(
        (whole.path / "thresholds.json").read_text()
    )
