"""Face recognition from folders to an artifact, on drawn faces."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import danlu
from danlu import recipe as recipes
from danlu.data.prepare import prepare
from danlu.errors import DataError, RecipeError
from danlu.recipe.names import spec_of
from danlu.runs.stored import Stored
from danlu.tasks.face_recognition.net import Embedder


def draw(folder: Path, people: int, pictures: int = 6, seed: int = 0) -> Path:
    """A person is a pattern of 4 × 4 grey fields; a picture of it is brighter or darker, and noisy. Written as PGM."""
    rng = np.random.default_rng(seed)
    for person in range(people):
        pattern = rng.uniform(0, 255, (4, 4)).repeat(4, 0).repeat(4, 1)
        (folder / f"p{person}").mkdir(parents=True)
        for picture in range(pictures):
            values = pattern * rng.uniform(0.6, 1.2) + rng.normal(0, 12, pattern.shape)
            Image.fromarray(values.clip(0, 255).astype(np.uint8)).save(folder / f"p{person}" / f"{picture}.pgm")
    return folder


def recipe(source: Path, runs: Path, **more: Any) -> Any:
    values: dict[str, Any] = {
        "task": "face-recognition",
        "seed": 3,
        "run.folder": str(runs),
        "run.name": "faces",
        "data.source": str(source),
        "data.augment": [],
        "data.split": {"val": 0.25, "test": 0.25},
        "model.args": {"widths": [8, 16], "blocks": [1, 1]},
        "options.dimensions": 16,
        "train.epochs": 12,
        "train.batch_size": 16,
        "train.loss": {"arcface": {"scale": 16.0, "margin": 0.3}},
        "watch.captures_every": 0,
    }
    return recipes.patch(danlu.Recipe(task="face-recognition"), values | more)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> danlu.Run:
    folder = tmp_path_factory.mktemp("faces")
    return danlu.train(recipe(draw(folder / "people", 24), folder / "runs"), False)


def prepared(made: Any) -> Any:
    return prepare(made, spec_of("face-recognition"))


def whom(data: Any) -> dict[str, set[int]]:
    return {part: set(data.store.gather("identity", rows).tolist()) for part, rows in data.parts.items()}


@pytest.mark.parametrize("more", [{}, {"data.limit": 20}, {"data.split.stratify": False}])
def test_nobody_is_in_two_parts(tmp_path: Path, more: dict[str, Any]) -> None:
    data = prepared(recipe(draw(tmp_path / "people", 12), tmp_path, **more))
    seen = whom(data)
    assert set(seen) == {"train", "val", "test"}
    assert len(seen["train"] | seen["val"] | seen["test"]) == sum(map(len, seen.values()))
    assert not [text for text in data.card["warnings"] if "never trained" in text]


def test_a_source_that_tears_a_person_apart_is_refused(tmp_path: Path) -> None:
    draw(tmp_path / "people" / "train", 4)
    draw(tmp_path / "people" / "val", 2)
    with pytest.raises(DataError, match=r"identity 'p0' is in more than one part \(train, val\)"):
        prepared(recipe(tmp_path / "people", tmp_path))


def test_stratifying_by_identity_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="stratify"):
        prepared(recipe(draw(tmp_path / "people", 6), tmp_path, **{"data.split.stratify": True}))


@pytest.mark.parametrize("mixing", ["mixup", "cutmix"])
def test_mixing_two_people_is_refused(tmp_path: Path, mixing: str) -> None:
    made = recipe(draw(tmp_path / "people", 6), tmp_path, **{"data.augment": [{mixing: 0.2}]})
    with pytest.raises(RecipeError, match=mixing):
        danlu.train(made, False)


def test_people_never_seen_are_told_apart(trained: danlu.Run) -> None:
    values = trained.metrics
    assert values["test/auc"] > 0.9
    assert values["test/rank1"] > 0.7
    low, high = trained.intervals["test/auc"]
    assert low <= values["test/auc"] <= high
    stored = Stored(trained.path / "predictions" / "test.parquet")
    lengths = [float(np.linalg.norm(row)) for block in stored.blocks(("embedding",)) for row in block["embedding"]]
    assert np.allclose(lengths, 1, atol=1e-5)
    assert set(trained.baselines) == {"pixels", "eigenfaces"}
    assert {"test/auc", "test/rank1"} <= set(trained.baselines["eigenfaces"]["values"])


def test_it_learns_from_training_people_alone(trained: danlu.Run) -> None:
    """One centre for each; validation carries no loss, which is told as none and not as 0."""
    centres = trained.path / "best"
    assert centres.is_dir()
    values = [value for key, value in trained.metrics.items() if key == "val/loss"]
    assert all(value is None or np.isnan(value) for value in values)
    assert len(prepared(trained.recipe).statistics["identity"]["counts"]) == 24


def test_the_report_is_written(trained: danlu.Run) -> None:
    text = (trained.path / "report.html").read_text("utf-8")
    assert "equal error rate" in text


def test_strangers_are_judged_with_identities_of_their_own(trained: danlu.Run, tmp_path: Path) -> None:
    from danlu.runs.evaluating import evaluate

    found = evaluate(trained.path, "test", str(draw(tmp_path / "others", 5, seed=77)))
    assert found["samples"] == 30
    assert found["values"]["test/auc"] > 0.85


def test_the_artifact_gives_the_same_embedding_without_torch(trained: danlu.Run, tmp_path: Path) -> None:
    folder = danlu.export(trained, tmp_path / "artifact")
    files = sorted((tmp_path / "x").glob("*")) or sorted(draw(tmp_path / "x", 2).rglob("*.pgm"))
    mine = np.asarray([each["embedding"] for each in danlu.load(folder).predict(files)])
    theirs = np.asarray([each["embedding"] for each in danlu.load(trained.path).predict(files)])
    assert mine.shape == (12, 16)
    np.testing.assert_allclose(mine, theirs, atol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(mine, axis=1), 1, atol=1e-5)


def test_a_training_batch_of_one_is_no_accident() -> None:
    net = Embedder(torch.nn.Flatten(), 4, 3)
    net.train()
    assert float(net(torch.rand(1, 4))["embedding"].detach().norm()) == pytest.approx(1.0)
    before = net.neck.running_mean.clone()  # type: ignore[union-attr]
    net(torch.rand(5, 4))
    assert not torch.equal(before, net.neck.running_mean)  # type: ignore[arg-type]


def test_angles_keep_their_digits_in_bf16() -> None:
    torch.manual_seed(0)
    net = Embedder(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 8)), 8, 3)
    images = torch.randn(6, 3, 2, 2)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        found = net(images)
    embedding, cosine = found["embedding"], found["cosine"]
    assert embedding.dtype == cosine.dtype == torch.float32
    torch.testing.assert_close(embedding.norm(dim=1), torch.ones(6), atol=1e-6, rtol=0)
    wanted = embedding.double() @ torch.nn.functional.normalize(net.centres.detach().double()).T
    torch.testing.assert_close(cosine.double(), wanted, atol=1e-6, rtol=0)


def test_pairs_in_lfw_s_form_are_judged_fold_by_fold(tmp_path: Path) -> None:
    """Two folds whose thresholds differ: each is judged at the other's, by hand."""
    from danlu.runs.predictions import PredictionWriter
    from danlu.tasks.face_recognition.pairs import judge, read

    angles = {"a/a_0001.jpg": 0, "a/a_0002.jpg": 20, "b/1.pgm": 90, "b/2.pgm": 130, "c/1.pgm": 200, "c/2.pgm": 210}
    vectors = np.asarray([[np.cos(np.deg2rad(x)), np.sin(np.deg2rad(x))] for x in angles.values()], np.float32)
    with PredictionWriter(tmp_path / "p.parquet") as writer:
        writer.add(list(angles), {"identity": np.zeros(6, np.int64)}, {"embedding": vectors})
    (tmp_path / "pairs.txt").write_text("2\t1\na\t1\t2\na\t1\tb\t1\nb 1 2\nb 2 c 1\n")
    assert [(pair.same, pair.fold) for pair in read(tmp_path / "pairs.txt")] == [
        (True, 0), (False, 0), (True, 1), (False, 1),
    ]  # fmt: skip
    found = judge(tmp_path / "p.parquet", tmp_path / "pairs.txt")
    assert (found.accuracy, found.auc, found.pairs, found.folds) == (1.0, 1.0, 4, 2)
    (tmp_path / "far.txt").write_text("2 1\nb 1 2\nb 2 c 1\na 1 2\nb 1 a 2\n")
    assert judge(tmp_path / "p.parquet", tmp_path / "far.txt").accuracy == 1.0
    (tmp_path / "bad.txt").write_text("a 1 2\na one 2\n")
    with pytest.raises(DataError, match=r"bad.txt:2"):
        read(tmp_path / "bad.txt")
    (tmp_path / "gone.txt").write_text("a 1 7\n")
    with pytest.raises(DataError, match="Picture 7 of 'a'"):
        judge(tmp_path / "p.parquet", tmp_path / "gone.txt")
