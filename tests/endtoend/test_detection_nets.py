"""Published detectors learn in the task: judged, resumed to the same bits, begun with weights, refused with reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

import danlu
from danlu.errors import DanluError
from danlu.messages import language, set_language
from danlu.runs import resume
from danlu.training import checkpoint
from tests.endtoend.drawn import SHAPES, coco_of_shapes
from tests.endtoend.pairs import Keeper


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shapes")
    coco_of_shapes(folder, count=20, largest=64)
    return folder / "annotations.json"


def recipe(source: Path, runs: Path, net: str, **model: Any) -> dict[str, Any]:
    return {
        "task": "detection",
        "run": {"folder": str(runs), "name": "it"},
        "data": {
            "source": str(source), "format": "coco", "split": {"val": 0.2, "test": 0.2}, "augment": ["flip"],
            "image": {"size": 64},
        },
        "model": {"name": net, **model},
        "train": {
            "epochs": 2,
            "batch_size": 4,
            "threads": 1,
            "device": "cpu",
            "precision": "fp32",
            "checkpoint": {"every_steps": 2, "every_minutes": None, "every_epochs": None, "keep": 10},
        },
        "evaluate": {"baselines": False, "report": False},
        "watch": {"captures_every": 0},
    }  # fmt: skip


def rt_detr(folder: Path) -> str:
    """The folder of an RT-DETRv2 of a few thousand weights."""
    from danlu._compat.torchvision import ensure

    ensure()
    from transformers import RTDetrResNetConfig, RTDetrV2Config

    trunk = RTDetrResNetConfig(
        embedding_size=8, hidden_sizes=[8, 8, 16, 16], depths=[1, 1, 1, 1], layer_type="basic",
        out_features=["stage2", "stage3", "stage4"],
    )  # fmt: skip
    RTDetrV2Config(
        backbone_config=trunk, d_model=16, encoder_hidden_dim=16, encoder_in_channels=[8, 16, 16], encoder_ffn_dim=16,
        encoder_attention_heads=2, decoder_in_channels=[16, 16, 16], decoder_ffn_dim=16, decoder_attention_heads=2,
        decoder_layers=2, num_queries=10, num_denoising=8, freeze_backbone_batch_norms=False,
    ).save_pretrained(folder)  # fmt: skip
    return f"hf:{folder}"


def d_fine(folder: Path) -> str:
    """The folder of a D-FINE of a few thousand weights."""
    from danlu._compat.torchvision import ensure

    ensure()
    from transformers import DFineConfig, HGNetV2Config

    trunk = HGNetV2Config(
        embedding_size=8, stem_channels=[3, 8, 8], hidden_sizes=[8, 8, 16, 16], depths=[1, 1, 1, 1],
        stage_in_channels=[8, 8, 8, 16], stage_mid_channels=[8] * 4, stage_out_channels=[8, 8, 16, 16],
        stage_num_blocks=[1] * 4, stage_numb_of_layers=[1] * 4, out_features=["stage2", "stage3", "stage4"],
    )  # fmt: skip
    DFineConfig(
        backbone_config=trunk, d_model=16, encoder_hidden_dim=16, encoder_in_channels=[8, 16, 16], encoder_ffn_dim=16,
        encoder_attention_heads=2, decoder_in_channels=[16, 16, 16], decoder_ffn_dim=16, decoder_attention_heads=2,
        decoder_layers=2, num_queries=10, num_denoising=8, freeze_backbone_batch_norms=False,
        decoder_n_points=[2, 2, 2],
    ).save_pretrained(folder)  # fmt: skip
    return f"hf:{folder}"


def resumed_alike(given: dict[str, Any], cut: Path) -> Any:
    """The whole run, after one that was cut at step 2 came to the same bits."""
    cut.mkdir()
    keeper = Keeper(2, cut / "it")
    whole = danlu.train(given, screen=keeper)
    again = resume(cut / "it", screen=False)
    one, other = (checkpoint.listed(run.folder.checkpoints)[-1] for run in (whole, again))
    assert one.name == other.name
    assert int(one.name) > 2
    files = sorted(path.name for path in one.glob("*.safetensors"))
    assert files
    for name in files:
        mine, theirs = load_file(one / name), load_file(other / name)
        assert all(np.array_equal(mine[key], theirs[key], equal_nan=True) for key in mine)
    return whole


def answers_well(run: Any, source: Path) -> None:
    assert run.status == "finished"
    assert "test/ap" in run.metrics
    files = sorted((source.parent / "images").iterdir())[:2]
    for answer in danlu.load(run.path).predict(files):
        for box in answer["boxes"]:
            assert box["label"] in SHAPES
            x1, y1, x2, y2 = box["box"]
            assert 0 <= x1 < x2 <= 97
            assert 0 <= y1 < y2 <= 97


@pytest.mark.parametrize("make", [rt_detr, d_fine])
def test_nets_of_transformers(shapes: Path, tmp_path: Path, make: Any) -> None:
    run = resumed_alike(recipe(shapes, tmp_path / "runs", make(tmp_path / "net")), tmp_path / "cut")
    answers_well(run, shapes)
    terms = {"class", "box", "giou"} | ({"corners", "distil"} if make is d_fine else set())
    assert {f"test/loss/{term}" for term in terms} <= set(run.metrics)


def test_an_ssd_of_torchvision_and_weights_of_a_run(shapes: Path, tmp_path: Path) -> None:
    name = "torchvision:ssdlite320_mobilenet_v3_large"
    run = resumed_alike(recipe(shapes, tmp_path / "runs", name), tmp_path / "cut")
    answers_well(run, shapes)
    begun = recipe(shapes, tmp_path / "more", name, pretrained=str(run.path))
    begun["train"]["epochs"] = 1
    begun["train"]["optimizer"] = {"name": "sgd", "lr": 1e-12}
    again = danlu.train(begun, screen=False)
    mine, theirs = (
        load_file(checkpoint.listed(each.folder.checkpoints)[-1] / "net.safetensors") for each in (again, run)
    )
    key = "1.backbone.features.0.0.0.weight"
    assert np.allclose(mine[key], theirs[key], atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["fcos_resnet50_fpn", "retinanet_resnet50_fpn_v2", "fasterrcnn_mobilenet_v3_large_320_fpn"]
)
def test_large_nets_of_torchvision(shapes: Path, tmp_path: Path, name: str) -> None:
    run = resumed_alike(recipe(shapes, tmp_path / "runs", f"torchvision:{name}"), tmp_path / "cut")
    answers_well(run, shapes)
    if name.startswith("faster"):
        said: tuple[tuple[Any, str], ...] = (("en", "looks at them again"), ("zh", "逐一细看"))
        for spoken, part in said:
            before = language()
            set_language(spoken)
            try:
                with pytest.raises(DanluError) as refused:
                    danlu.export(run.path, tmp_path / "artifact")
            finally:
                set_language(before)
            assert part in refused.value.problems[0].what


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ssdlite320_mobilenet_v3_large", "fcos_resnet50_fpn", "retinanet_resnet50_fpn_v2"])
def test_artifacts_answer_as_the_runs_do(shapes: Path, tmp_path: Path, name: str) -> None:
    given = recipe(shapes, tmp_path / "runs", f"torchvision:{name}")
    given["options"] = {"min_score": 0.0}
    run = danlu.train(given, screen=False)
    danlu.export(run.path, tmp_path / "artifact")
    files = sorted((shapes.parent / "images").iterdir())[:3]
    ours, theirs = (danlu.load(path).predict(files) for path in (run.path, tmp_path / "artifact"))
    for one, other in zip(ours, theirs, strict=True):
        assert one["boxes"]
        assert [box["label"] for box in one["boxes"]] == [box["label"] for box in other["boxes"]]
        for mine, same in zip(one["boxes"], other["boxes"], strict=True):
            assert mine["box"] == pytest.approx(same["box"], abs=0.05)


@pytest.mark.parametrize("name", ["torchvision:maskrcnn_resnet50_fpn", "timm:resnet18", "resnet", "torchvision:fcoss"])
def test_what_is_no_detector_here_is_refused(shapes: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(DanluError) as refused:
        danlu.train(recipe(shapes, tmp_path / "runs", name), screen=False)
    assert "model.name" in refused.value.problems[0].where
    assert refused.value.problems[0].remedy
