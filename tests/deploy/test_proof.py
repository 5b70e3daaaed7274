"""What is promised: an artifact, asked for raw files of the whole test part without torch, gives the run's predictions."""

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

import danlu
from danlu.data.sources import builtin
from danlu.runs.predicting import RunPredictor
from tests.deploy.given import without_torch
from tests.endtoend.drawn import coco_of_shapes, folder_of_shapes

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parents[2] / "examples"

ASK = """
import json
from pathlib import Path

import numpy as np

import danlu
from danlu.deploy.artifact import Artifact

folder, asked, out = sys.argv[1:]
model = danlu.load(folder)
assert isinstance(model, Artifact)
inputs = json.loads(Path(asked).read_text())
found = {}
for start in range(0, len(inputs), 16):
    rows = [model.prepare(raw) for raw in inputs[start : start + 16]]
    given = model.given(rows)
    outputs = model.outputs(given)
    for name, values in (outputs if isinstance(outputs, dict) else {"output": outputs}).items():
        found[f"{name}-{start}"] = values
np.savez(out, **found)
print(json.dumps(model.predict(inputs)))
"""


def logits(run: RunPredictor, inputs: list[Any]) -> dict[str, np.ndarray]:
    """As ASK does it, in torch, fp32, eager."""
    found = {}
    for start in range(0, len(inputs), 16):
        given = run.given([run.prepare(raw) for raw in inputs[start : start + 16]])
        outputs = run.outputs(given)
        for name, values in (outputs if isinstance(outputs, dict) else {"output": outputs}).items():
            found[f"{name}-{start}"] = values
    return found


def asked(run: danlu.Run, inputs: list[Any], folder: Path) -> tuple[list[dict[str, Any]], float]:
    """(the artifact's answers, the largest difference of its outputs from the run's)."""
    artifact = danlu.export(run)
    (folder / "inputs.json").write_text(json.dumps(inputs))
    words = [str(artifact), str(folder / "inputs.json"), str(folder / "found.npz")]
    answers = json.loads(without_torch(ASK, *words, cwd=folder))
    wanted = logits(RunPredictor(run.path), inputs)
    with np.load(folder / "found.npz") as found:
        assert set(found.files) == set(wanted)
        furthest = max(float(np.abs(found[name] - wanted[name]).max()) for name in wanted)
    return answers, furthest


def written_down(run: danlu.Run) -> dict[str, Any]:
    """Sample id → what the run itself wrote down of its test part."""
    table = pq.read_table(run.path / "predictions" / "test.parquet").to_pylist()
    return {row["id"]: row for row in table}


def fashion(folder: Path, count: int) -> Path:
    """Fashion-MNIST as files: NAME/number.png."""
    table = builtin.read(Path("builtin:fashion"), danlu.Recipe().data, _wanted())
    for row in range(count):
        name = str(table.columns["label"][row]).replace("/", "-")
        (folder / name).mkdir(parents=True, exist_ok=True)
        pixels = np.asarray(table.columns["image"][row])
        Image.fromarray(pixels.reshape(28, 28)).save(folder / name / f"{row}.png")
    return folder


def _wanted() -> Any:
    from danlu.recipe.names import spec_of

    return spec_of("image-classification").columns


@pytest.mark.parametrize(("name", "change"), [
    ("default", {}),
    ("guide", {"model": {"name": "image-classifier"}}),
    ("mlp", {"model": {"name": "mlp"}, "data": {"normalize": "minmax"}}),
    ("timm", {"model": {"name": "timm:resnet18"}, "data": {"image": {"size": 32, "channels": 3}}}),
    ("transformer", {"model": {"name": "timm:test_vit"}, "data": {"image": {"size": 160, "channels": 3}}}),
    ("torchvision", {"model": {"name": "torchvision:mobilenet_v3_small"}, "data": {"image": {"size": 32}}}),
    ("own", {"model": {"name": "own_net:SmallNet", "args": {"width": 8}}, "train": {"ema": 0.9}}),
])  # fmt: skip
def test_images(name: str, change: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    count = 200 if name == "transformer" else 600
    photos = fashion(tmp_path / "photos", count)
    shutil.copy(EXAMPLES / "own_net.py", tmp_path)
    monkeypatch.chdir(tmp_path)
    recipe: dict[str, Any] = {
        "run": {"folder": "runs", "name": name},
        "data": {"source": str(photos), "split": {"val": 0.2, "test": 0.4}, **change.get("data", {})},
        "model": change.get("model", {"args": {"width": 8}}),
        "train": {"epochs": 1, "batch_size": 32, "device": "cpu", "precision": "fp32", **change.get("train", {})},
    }
    run = danlu.train(recipe, screen=False)
    before = written_down(run)
    ids = sorted(before)
    answers, furthest = asked(run, [str(photos / each) for each in ids], tmp_path)
    assert len(ids) == 0.4 * count
    assert furthest < 1e-4
    classes = RunPredictor(run.path).kinds["label"].classes  # type: ignore[attr-defined]
    for each, answer in zip(ids, answers, strict=True):
        probability = np.asarray(before[each]["probability"])
        if np.diff(np.sort(probability)[-2:])[0] > 1e-4:
            assert answer["label"] == classes[before[each]["label"]]
        assert answer["probability"] == pytest.approx(probability.max(), abs=1e-4)


def test_boxes(tmp_path: Path) -> None:
    coco_of_shapes(tmp_path / "data", count=60, seed=3, largest=128)
    recipe = {
        "task": "detection",
        "run": {"folder": str(tmp_path / "runs"), "name": "boxes"},
        "data": {
            "source": str(tmp_path / "data/annotations.json"),
            "format": "coco",
            "split": {"val": 0.2, "test": 0.4},
        },
        "model": {"args": {"width": 8, "features": 16, "tower": 1}},
        "train": {"epochs": 6, "batch_size": 8, "optimizer": {"name": "adamw", "lr": 3e-3}, "precision": "fp32"},
    }
    run = danlu.train(recipe, screen=False)
    inputs = [str(path) for path in sorted((tmp_path / "data/images").glob("*.png"))]
    answers, furthest = asked(run, inputs, tmp_path)
    assert furthest < 1e-3  # distances are in strides, up to a hundred of them; scores are within 1e-4
    wanted = danlu.load(run.path).predict(inputs)
    equal = sum(_alike(mine["boxes"], theirs["boxes"]) for mine, theirs in zip(answers, wanted, strict=True))
    assert equal >= 0.95 * len(inputs)  # the rest have scores or overlaps at a threshold


def _alike(mine: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> bool:
    return len(mine) == len(theirs) and all(
        one["label"] == other["label"]
        and np.allclose([*one["box"], one["score"]], [*other["box"], other["score"]], atol=0.02)
        for one, other in zip(mine, theirs, strict=True)
    )


def test_tables_of_a_strangers_application(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no line about exporting, nor about decoding."""
    import danlu.tasks

    place = tmp_path / "danlu.tasks"
    shutil.copytree(EXAMPLES / "house_price", place / "house_price", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(danlu.tasks, "__path__", [*danlu.tasks.__path__, str(place)])
    draw = np.random.default_rng(0)
    rows = [(round(draw.uniform(30, 200), 2), int(draw.integers(1, 8))) for _ in range(200)]
    lines = "".join(f"{area},{rooms},{3 * area + 20 * rooms}\n" for area, rooms in rows)
    (tmp_path / "houses.csv").write_text("area,rooms,price\n" + lines)
    recipe = {
        "task": "house-price",
        "run": {"folder": str(tmp_path / "runs"), "name": "houses"},
        "data": {"source": str(tmp_path / "houses.csv"), "split": {"val": 0.2, "test": 0.2}},
        "train": {"epochs": 5, "precision": "fp32"},
    }
    run = danlu.train(recipe, screen=False)
    inputs: list[Any] = [{"area": area, "rooms": rooms} for area, rooms in rows]
    answers, furthest = asked(run, inputs, tmp_path)
    wanted = danlu.load(run.path).predict(inputs)
    assert furthest < 1e-4 + 1e-5 * max(answer["price"] for answer in wanted)
    assert [answer["price"] for answer in answers] == pytest.approx([each["price"] for each in wanted], rel=1e-5)
    profile = danlu.load(run.path / "artifact").profile  # type: ignore[attr-defined]
    middle = profile["inputs"]["area"]["values"]["0.5"]
    assert middle == pytest.approx(np.median([area for area, _ in rows]), rel=0.15)
    shutil.rmtree(run.path / "artifact")
    (tmp_path / "houses.csv").rename(tmp_path / "others.csv")
    with pytest.raises(danlu.errors.ArtifactError, match="--inputs"):
        danlu.export(run)
    folder = danlu.export(run, inputs=[tmp_path / "others.csv"])
    described = json.loads((folder / "artifact.json").read_text(encoding="utf-8"))
    assert (described["parity"]["source"], described["parity"]["samples"]) == ("inputs", 21)


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    photos = folder_of_shapes(tmp_path / "shapes", each=12, size=16)
    recipe = {
        "run": {"folder": str(tmp_path / "runs"), "name": "twice"},
        "data": {"source": str(photos), "split": {"val": 0.2, "test": 0.2}},
        "model": {"args": {"width": 8}},
        "train": {"epochs": 1, "batch_size": 8, "precision": "fp32"},
    }
    run = danlu.train(recipe, screen=False)
    one, other = (danlu.export(run, tmp_path / name) for name in ("one", "other"))
    assert (one / "MANIFEST.json").read_bytes() == (other / "MANIFEST.json").read_bytes()


def test_memory_does_not_grow_with_the_files(tmp_path: Path) -> None:
    """Images of many sizes, far more of them than fit: the peak is that of the first hundreds."""
    coco_of_shapes(tmp_path / "data", count=24, seed=1, largest=300)
    from tests.deploy.given import ARTIFACTS

    measure = """
import resource

import danlu

model = danlu.load(sys.argv[1], threads=1)
files = sys.argv[2:]

def peak(count):
    for index, answer in enumerate(model.stream((files[k % len(files)] for k in range(count)), batch_size=8)):
        assert "boxes" in answer
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

first = peak(200)
print((peak(1500) - first) / first)
"""
    files = [str(path) for path in sorted((tmp_path / "data/images").glob("*.png"))]
    grown = float(without_torch(measure, str(ARTIFACTS / "boxes"), *files, cwd=tmp_path))
    assert grown < 0.1


@pytest.mark.gpu
def test_on_a_gpu(tmp_path: Path) -> None:
    """Only where onnxruntime can use it."""
    onnxruntime = pytest.importorskip("onnxruntime")
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        pytest.skip("onnxruntime was built without CUDA")
    from tests.deploy.given import ARTIFACTS, RUNS

    files = sorted((RUNS / "shapes").glob("*/*.png"))
    given = danlu.load(ARTIFACTS / "shapes").predict(files)
    there = danlu.load(ARTIFACTS / "shapes", "cuda").predict(files)
    for one, other in zip(given, there, strict=True):
        assert one["probability"] == pytest.approx(other["probability"], abs=1e-3)
    assert torch.cuda.is_available()
