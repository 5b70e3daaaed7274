"""What TensorBoard reads back is what was told."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from danlu.errors import RunError
from danlu.training.events import EpochDone, FitStarted, Snapshot, StepsDone
from danlu.watch.tensorboard import TensorBoard
from tests.watch.stories import Clock, Story, block


def read(folder: Path) -> EventAccumulator:
    found = EventAccumulator(str(folder), size_guidance={"scalars": 0, "histograms": 0, "images": 0})
    found.Reload()
    return found


def scalars(found: EventAccumulator, name: str) -> tuple[list[int], list[float]]:
    events = found.Scalars(name)
    return [event.step for event in events], [event.value for event in events]


def test_scalars_of_every_step_and_evaluation(tmp_path: Path) -> None:
    events = list(Story(Clock()).events())
    watcher = TensorBoard(tmp_path)
    for event in events:
        watcher.on(event)
    watcher.close()
    watcher.close()
    found = read(tmp_path)
    blocks = [event for event in events if isinstance(event, StepsDone)]
    for name in ("train/loss", "lr", "grad_norm"):
        steps, values = scalars(found, name)
        assert steps == list(range(1, 81))
        told = [value for event in blocks for value in event.values[name]]
        np.testing.assert_array_equal(np.float32(values), np.float32(told))
    assert scalars(found, "val/accuracy")[0] == [20, 40, 60, 80]
    np.testing.assert_allclose(scalars(found, "val/accuracy")[1], [0.5, 0.6, 0.7, 0.7], rtol=1e-6)
    assert scalars(found, "epoch/train/loss") == ([20, 40, 60, 80], pytest.approx([1, 1 / 2, 1 / 3, 1 / 4]))
    assert scalars(found, "test/accuracy")[0] == [80]
    np.testing.assert_allclose(scalars(found, "speed/samples")[1], 160.0, rtol=1e-6)
    np.testing.assert_allclose(scalars(found, "speed/waiting")[1], 0.1, rtol=1e-6)


def test_steps_of_a_block_are_spread_over_its_time(tmp_path: Path) -> None:
    watcher = TensorBoard(tmp_path)
    watcher.on(block(0, 5, seconds=10.0))
    watcher.close()
    walls = [event.wall_time for event in read(tmp_path).Scalars("lr")]
    np.testing.assert_allclose(np.diff(walls), 2.0, atol=1e-3)
    assert abs(walls[-1] - time.time()) < 30


def test_a_resumed_run_replaces_the_steps_after_its_checkpoint(tmp_path: Path) -> None:
    first = TensorBoard(tmp_path)
    first.on(FitStarted(0, 0, 20, 2, 10, 32))
    first.on(block(0, 15, a=1.0))
    first.close()
    second = TensorBoard(tmp_path)
    second.on(FitStarted(10, 1, 20, 2, 10, 32))
    second.on(block(10, 10, 1, a=2.0))
    second.close()
    assert scalars(read(tmp_path), "a") == (list(range(1, 21)), [1.0] * 10 + [2.0] * 10)


def test_histograms_of_parameters_and_gradients(tmp_path: Path) -> None:
    weight = torch.randn(50, 40)
    slope = torch.full((10,), 0.25, dtype=torch.bfloat16)
    broken = torch.tensor([1.0, 2.0, float("nan"), float("inf")])
    watcher = TensorBoard(tmp_path)
    watcher.on(FitStarted(0, 0, 20, 2, 10, 32))
    nothing = torch.full((3,), float("nan"))
    watcher.on(
        Snapshot(9, 0, {"fc.weight": weight, "empty": torch.empty(0)}, {"fc.weight": slope, "b": broken, "n": nothing})
    )
    watcher.close()
    found = read(tmp_path)
    assert set(found.Tags()["histograms"]) == {"parameters/fc.weight", "gradients/fc.weight", "gradients/b"}
    (event,) = found.Histograms("parameters/fc.weight")
    value = event.histogram_value
    assert event.step == 9
    assert (value.num, value.min, value.max) == (
        2000,
        pytest.approx(float(weight.min())),
        pytest.approx(float(weight.max())),
    )
    assert value.sum == pytest.approx(float(weight.sum()), rel=1e-4)
    counts = np.histogram(weight.numpy(), bins=[-np.inf, *value.bucket_limit])[0]
    np.testing.assert_array_equal(np.cumsum(value.bucket)[:-2], np.cumsum(counts)[:-2])
    assert found.Histograms("gradients/fc.weight")[0].histogram_value.max == 0.25
    assert found.Histograms("gradients/b")[0].histogram_value.num == 2


def test_snapshots_are_asked_for_every_so_many_epochs(tmp_path: Path) -> None:
    def wanted(every: int, start: int = 0) -> list[bool]:
        """At the last step of each epoch, where the loop asks."""
        watcher, asked = TensorBoard(tmp_path / f"{every}-{start}", histograms_every=every), []
        watcher.on(FitStarted(20 * start, start, 120, 6, 20, 32))
        for epoch in range(start, 6):
            asked.append(watcher.wants_snapshots)
            watcher.on(block(20 * epoch, 20, epoch))
            watcher.on(EpochDone(20 * (epoch + 1), epoch, {}, 1.0))
        watcher.close()
        return asked

    assert wanted(1) == [True] * 6
    assert wanted(2) == [False, True] * 3
    assert wanted(4) == [False, False, False, True, False, False]
    assert wanted(2, start=3) == [True, False, True]
    assert wanted(0) == [False] * 6


def test_pictures_come_back_exactly(tmp_path: Path) -> None:
    import io

    from PIL import Image

    picture = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    watcher = TensorBoard(tmp_path)
    watcher.picture("predictions", picture, 7)
    watcher.on(block(0, 12))
    watcher.picture("later", picture)
    watcher.close()
    assert read(tmp_path).Images("later")[0].step == 12
    (event,) = read(tmp_path).Images("predictions")
    assert (event.step, event.width, event.height) == (7, 30, 20)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(event.encoded_image_string))), picture)


def test_a_missing_package_is_said_with_its_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "tensorboard"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(RunError, match="pip install tensorboard"):
        TensorBoard(tmp_path)
