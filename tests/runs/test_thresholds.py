"""``evaluate.thresholds``: tuned on the validation part alone, then the same in test, evaluation, prediction and artifact."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import balanced_accuracy_score

import danlu
from danlu.errors import RecipeError, RunError
from danlu.metrics.thresholds import tuned
from danlu.runs import Run, evaluate, resume
from danlu.runs.predicting import RunPredictor
from danlu.training import checkpoint
from tests.runs import small

CLASSES = ("cat", "dog", "emu")


def archive(path: Path) -> None:
    """450 tiny images of three classes, 70, 20 and 10 % of them, that are hard to tell apart."""
    draw = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], [315, 90, 45])
    images = draw.integers(0, 200, (450, 8, 8)).astype(np.int64)
    for row, label in enumerate(labels):
        images[row, :, 3 * label : 3 * label + 2] += 18
    np.savez(path, images=images.clip(0, 255).astype(np.uint8), labels=np.asarray(CLASSES)[labels])


def recipe(place: Path, name: str, **evaluation: Any) -> dict[str, Any]:
    if not (place / "data.npz").exists():
        archive(place / "data.npz")
    asked = small.recipe(place, batch_size=32, epochs=4)
    asked["train"]["checkpoint"] = {"every_steps": None, "every_epochs": 1, "every_minutes": None, "keep": 2}
    asked["run"]["name"] = name
    return asked | {"evaluate": {"baselines": False, "report": False, **evaluation}}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("thresholds")
    danlu.train(recipe(place, "plain"), screen=False)
    danlu.train(recipe(place, "tuned", thresholds="balanced-accuracy"), screen=False)
    return place


def predicted(run: Path, part: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(probabilities (N, K), predicted, true)."""
    found = pq.read_table(run / "predictions" / f"{part}.parquet")
    columns = [np.asarray(found[name].to_pylist()) for name in ("probability", "label", "true/label")]
    return columns[0], columns[1], columns[2]


def test_they_are_those_of_the_validation_part_and_training_knows_nothing_of_them(place: Path) -> None:
    plain, run = place / "runs" / "plain", place / "runs" / "tuned"
    assert small.same(small.last(Run(plain)), small.last(Run(run)))
    probability, _, true = predicted(plain, "val")
    expected = tuned(np.log(probability), true, "balanced-accuracy")
    kept = json.loads((run / "thresholds.json").read_text())
    assert kept["offsets"] == pytest.approx(expected.offsets.tolist(), abs=1e-6)
    assert (kept["before"], kept["after"]) == pytest.approx((expected.before, expected.after))
    assert kept["after"] > kept["before"] + 0.03
    assert kept["classes"] == list(CLASSES)
    assert not (plain / "thresholds.json").exists()


@pytest.mark.parametrize("part", ["val", "test"])
def test_they_decide(place: Path, part: str) -> None:
    """Predictions are of the moved logits; labels other than before, and the figure told is of these."""
    before, old, true = predicted(place / "runs" / "plain", part)
    after, new, _ = predicted(place / "runs" / "tuned", part)
    offsets = np.asarray(json.loads((place / "runs" / "tuned" / "thresholds.json").read_text())["offsets"])
    moved = before * np.exp(offsets)
    np.testing.assert_allclose(after, moved / moved.sum(1, keepdims=True), rtol=1e-4)
    assert (new == after.argmax(1)).all()
    assert (new != old).any()
    told = evaluate(place / "runs" / "tuned", part)["values"]  # type: ignore[arg-type]
    assert told[f"{part}/balanced-accuracy"] == pytest.approx(balanced_accuracy_score(true, new))
    if part == "test":
        assert Run(place / "runs" / "tuned").metrics["test/balanced-accuracy"] == pytest.approx(
            told["test/balanced-accuracy"]
        )


def test_run_and_artifact_answer_by_them(place: Path, tmp_path: Path) -> None:
    run = place / "runs" / "tuned"
    with np.load(place / "data.npz") as data:
        images = [np.asarray(image) for image in data["images"][::9]]
    answers = danlu.load(run).predict(images)
    plain = danlu.load(place / "runs" / "plain").predict(images)
    assert [one["label"] for one in answers] != [one["label"] for one in plain]
    artifact = danlu.load(danlu.export(run, tmp_path / "artifact"))
    exported = artifact.predict(images)
    assert [one["label"] for one in exported] == [one["label"] for one in answers]
    assert [one["probability"] for one in exported] == pytest.approx([one["probability"] for one in answers], abs=1e-4)
    spec = json.loads((tmp_path / "artifact" / "artifact.json").read_text())["decoder"]["spec"]
    kept = json.loads((run / "thresholds.json").read_text())["offsets"]
    assert spec["offsets"] == pytest.approx(kept, abs=1e-6)


def test_other_weights_are_not_decided_by_them(place: Path) -> None:
    run = place / "runs" / "tuned"
    assert RunPredictor(run).task.decoder().spec().keys() == {"classes", "offsets"}
    own = json.loads((run / "thresholds.json").read_text())["weights"]
    assert RunPredictor(run, use="last" if own == "best" else "best").task.decoder().spec().keys() == {"classes"}


def test_where_they_are_gone_nothing_is_decided_without_a_word(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "runs" / "tuned", tmp_path / "tuned")
    (tmp_path / "tuned" / "thresholds.json").unlink()
    with pytest.raises(RunError, match=r"thresholds\.json"):
        RunPredictor(tmp_path / "tuned")


def test_it_is_told_and_a_run_that_is_taken_up_again_finds_the_same(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "runs" / "tuned", tmp_path / "again")
    again = tmp_path / "again"
    first = (again / "thresholds.json").read_bytes()
    (again / "thresholds.json").unlink()
    shutil.rmtree(checkpoint.listed(again / "checkpoints")[-1])
    run = resume(again, screen=False)
    assert (again / "thresholds.json").read_bytes() == first
    assert run.metrics == Run(place / "runs" / "tuned").metrics
    said = [event["text"] for event in run.events() if event["type"] == "said"]
    assert any("balanced-accuracy" in text and "too good an estimate" in text for text in said)


def test_the_report_lists_them(place: Path, tmp_path: Path) -> None:
    page = danlu.write_report(place / "runs" / "tuned", tmp_path / "report.html").read_text(encoding="utf-8")
    assert 'id="thresholds"' in page
    assert 'id="thresholds"' not in danlu.write_report(place / "runs" / "plain", tmp_path / "plain.html").read_text(
        "utf-8"
    )


def test_where_nothing_can_be_tuned_it_is_refused(tmp_path: Path) -> None:
    asked = recipe(tmp_path, "none", thresholds="macro-f1")
    asked["data"]["split"] = {"val": 0.0, "test": 0.2}
    with pytest.raises(RecipeError, match=r"evaluate\.thresholds needs a validation part"):
        danlu.train(asked, screen=False)
    with pytest.raises(RecipeError, match=r"needs classes, and the task detection has none"):
        danlu.train({"task": "detection", "evaluate": {"thresholds": "macro-f1"}}, screen=False)
    assert not (tmp_path / "runs").exists()
