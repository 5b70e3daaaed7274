"""Through ``danlu.train``: the row is named as it stands in the user's file, and every watcher tells of it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor, nn

import danlu
from danlu.cli.main import main
from danlu.errors import TrainingError
from danlu.randomness import keys_of, order
from danlu.training.events import FitDone, FitStarted
from danlu.training.nonfinite import capture
from danlu.watch.console import Console
from danlu.watch.plain import Plain

BLACK = 21


class Logs(nn.Module):
    """Looks at the logarithm of an image's mean: of a black one it is -inf."""

    def __init__(self, in_channels: int, classes: int) -> None:
        super().__init__()
        self.brightness = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), Log())
        self.head = nn.Linear(in_channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.brightness(x))  # type: ignore[no-any-return]


class Log(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.log()


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 grey pictures, those of class b brighter, number 21 black."""
    folder = tmp_path_factory.mktemp("photos")
    draw = np.random.default_rng(0)
    lines = ["image,label"]
    for number in range(40):
        pixels = draw.integers(20, 120, (8, 8)) + 100 * (number % 2)
        Image.fromarray(np.uint8(pixels * (number != BLACK))).save(folder / f"{number}.png")
        lines.append(f"{number}.png,{'ab'[number % 2]}")
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    return folder / "labels.csv"


def recipe(manifest: Path, runs: Path, **train: Any) -> dict[str, Any]:
    return {
        "seed": _seed(), "run": {"folder": str(runs), "name": "one"},
        "data": {"source": str(manifest), "normalize": "none", "split": {"val": 0, "test": 0}, "workers": 0},
        "model": {"name": "tests.training.test_guard_run:Logs"},
        "train": {"epochs": 2, "batch_size": 8, "precision": "fp32", "optimizer": {"lr": 0.01}, "device": "cpu", **train},
    }  # fmt: skip


def _seed() -> int:
    """One whose first batch of all, which is looked at before training, is sound."""
    keys = keys_of(f"{number}.png" for number in range(40))
    return next(seed for seed in range(9) if BLACK not in order(seed, "order", 0, keys)[:8])


def test_the_row_is_named_as_in_the_users_file(manifest: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError) as caught:
        danlu.train(recipe(manifest, tmp_path), screen=False)
    text = str(caught.value)
    assert f"rows it would be finite: labels.csv, line {BLACK + 2} ({BLACK}.png)." in text
    assert "aten.log.default in 1.brightness.2 (Log) made Inf of finite values" in text
    run = danlu.Run(tmp_path / "one")
    assert run.status == "stopped"
    (event,) = [event for event in run.events() if event["type"] == "non-finite"]
    assert event["action"] == "stop"
    assert event["finding"]["kind"] == "forward"
    assert len(event["rows"]) == 1
    assert str(event["loss"]) in ("nan", "inf")
    (folder,) = (tmp_path / "one" / "captures").glob("non-finite-*")
    kept = capture.read(folder)
    black = (kept.batch["image"] == 0).flatten(1).all(1)  # type: ignore[union-attr]
    (row,) = np.array(kept.details["micros"][0]["rows"])[black.numpy()]
    assert (row["id"], row["place"]) == (f"{BLACK}.png", event["rows"][0])


def test_skipping_is_said_everywhere(
    manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = recipe(manifest, tmp_path, non_finite="skip") | {"watch": {"tensorboard": True}}
    lines = io.StringIO()
    run = danlu.train(made, screen=Plain(lines))
    assert run.status == "finished"
    assert run.skipped == 2
    told = lines.getvalue()
    assert told.count("event=warning") >= 2
    assert "aten.log.default" in told
    assert " skipped=2 " in told
    board = EventAccumulator(str(tmp_path / "one" / "tensorboard"), size_guidance={"tensors": 0})
    board.Reload()
    texts = [event.tensor_proto.string_val[0].decode() for event in board.Tensors("warnings/text_summary")]
    assert sum("aten.log.default" in text for text in texts) == 2
    assert len(list((tmp_path / "one" / "captures").glob("non-finite-*"))) == 2
    monkeypatch.chdir(tmp_path)
    assert main(["resume", str(tmp_path / "one")]) == 0
    assert "Steps left out because they were NaN or infinite: 2." in capsys.readouterr().out


def test_the_screens_last_picture_says_how_many_steps_were_left_out() -> None:
    stream = io.StringIO()

    screen = Console(stream, refresh=0.01)
    screen.on(FitStarted(0, 0, 4, 1, 4, 8))
    screen.on(FitDone(4, 1, "finished", 1.0, {}, 3))
    screen.close()
    assert "NaN or infinite: 3" in stream.getvalue()
