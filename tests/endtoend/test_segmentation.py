"""Images and masks become a net that names pixels, an artifact that does so without torch, and a report with overlays."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import danlu
from danlu.errors import DanluError
from danlu.tasks.segmentation.decoder import mask_of
from tests.endtoend.drawn import SHAPES, pairs_of_shapes


def recipe(folder: Path, runs: Path, **options: Any) -> dict[str, Any]:
    return {
        "task": "segmentation",
        "run": {"folder": str(runs), "name": "shapes"},
        "data": {"source": str(folder), "split": {"val": 0.2, "test": 0.2}},
        "model": {"args": {"width": 8, "decoder": 16, "blocks": [1, 1, 1]}},
        "train": {"epochs": 3, "batch_size": 8, "optimizer": {"name": "adamw", "lr": 1e-2}},
        "options": options,
    }


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = pairs_of_shapes(tmp_path_factory.mktemp("pairs"), 60, 32)
    return folder, danlu.train(recipe(folder, tmp_path_factory.mktemp("runs"), large="tile"), screen=False)


def test_trains_judges_and_draws(run: Any) -> None:
    _, trained = run
    assert trained.status == "finished"
    wanted = {"test/miou", "test/dice", "test/pixel-accuracy", "test/iou/circle", "test/loss/dice"}
    assert wanted <= set(trained.metrics)
    assert trained.metrics["test/pixel-accuracy"] > 0.6
    low, high = trained.intervals["test/miou"]
    assert low <= trained.metrics["test/miou"] <= high
    assert (trained.path / "pictures" / "test.png").stat().st_size > 1000
    beside = json.loads((trained.path / "baselines.json").read_text(encoding="utf-8"))
    assert set(beside) == {"most-frequent", "pixel-colour"}
    text = (trained.path / "report.html").read_text(encoding="utf-8")
    assert 'class="cards strips"' in text
    assert 'class="key colour"' in text


def test_the_artifact_answers_as_the_run_and_without_torch(run: Any) -> None:
    folder, trained = run
    artifact = danlu.export(trained)
    told = json.loads((artifact / "artifact.json").read_text(encoding="utf-8"))
    assert told["parity"]["equal_answers"] == told["parity"]["samples"]
    files = sorted((folder / "images").iterdir())[:3]
    wide = folder / "wide.png"
    Image.fromarray(np.concatenate([np.asarray(Image.open(file)) for file in files], axis=1)).save(wide)
    code = (
        "import danlu, json, sys\n"
        f"answers = danlu.load({str(artifact)!r}).predict({[str(path) for path in [*files, wide]]!r})\n"
        "assert not {'torch', 'torchvision'} & set(sys.modules)\n"
        "print(json.dumps(answers))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    answers = json.loads(done.stdout.splitlines()[-1])
    own = danlu.load(trained.path).predict([*files, wide])
    for one, other in zip(answers, own, strict=True):
        assert one["size"] == other["size"]
        assert (mask_of(one) == mask_of(other)).mean() > 0.999
        assert set(one["classes"]) <= {"background", *SHAPES}
    assert answers[3]["size"] == [32, 96]  # in tiles, at its own scale
    assert (mask_of(answers[3])[8:24, 8:24] == mask_of(answers[0])[8:24, 8:24]).mean() > 0.8


def test_nets_that_name_whole_images_are_refused(run: Any, tmp_path: Path) -> None:
    folder, _ = run
    for name in ("resnet", "timm:resnet18", "torchvision:resnet18", "smp:Unets", "torchvision:fasterrcnn_resnet50_fpn"):
        asked = recipe(folder, tmp_path) | {"model": {"name": name}}
        with pytest.raises(DanluError) as refused:
            danlu.train(asked, screen=False)
        assert "model.name" in str(refused.value)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["smp:Unet", "torchvision:lraspp_mobilenet_v3_large", "hf"])
def test_published_nets_are_trained_and_exported(tmp_path: Path, name: str) -> None:
    folder = pairs_of_shapes(tmp_path / "data", 16, 32)
    model: dict[str, Any] = {"name": name}
    if name == "smp:Unet":
        model["args"] = {"encoder_name": "resnet18", "decoder_channels": [32, 16, 8, 8, 8]}
    if name == "hf":
        tiny = {
            "model_type": "segformer", "architectures": ["SegformerForSemanticSegmentation"], "num_encoder_blocks": 2,
            "depths": [1, 1], "sr_ratios": [2, 1], "hidden_sizes": [8, 16], "patch_sizes": [3, 3], "strides": [2, 2],
            "num_attention_heads": [1, 2], "mlp_ratios": [2, 2], "decoder_hidden_size": 16,
        }  # fmt: skip
        (tmp_path / "tiny").mkdir()
        (tmp_path / "tiny" / "config.json").write_text(json.dumps(tiny), encoding="utf-8")
        model["name"] = f"hf:{tmp_path / 'tiny'}"
    asked = recipe(folder, tmp_path / "runs") | {"model": model}
    asked["data"] |= {"image": {"size": 27}}  # no multiple of what such nets want
    asked["train"] |= {"epochs": 1, "batch_size": 4}
    trained = danlu.train(asked, screen=False)
    told = json.loads((danlu.export(trained) / "artifact.json").read_text(encoding="utf-8"))
    assert told["parity"]["largest_difference"] < 1e-4


@pytest.mark.slow
def test_finds_the_shapes(tmp_path: Path) -> None:
    folder = pairs_of_shapes(tmp_path / "data", 300, 48, seed=3)
    asked = recipe(folder, tmp_path / "runs")
    asked["model"], asked["train"] = {}, {"epochs": 30, "batch_size": 16}
    trained = danlu.train(asked, screen=False)
    assert trained.metrics["test/miou"] > 0.7
