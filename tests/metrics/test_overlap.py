"""IoU, Dice and accuracy of pixels equal the reference implementations, whatever the order and division of the images."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, f1_score, jaccard_score

from danlu.metrics.overlap import Overlap, confusion

CLASSES = ("sky", "road", "tree", "never seen")


def scenes(count: int = 12, seed: int = 0) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """(predictions, truths) of many sizes; the third class is predicted and never true, the fourth neither; some pixels are 255."""
    random = np.random.default_rng(seed)
    found, true = [], []
    for _ in range(count):
        size = tuple(random.integers(5, 20, 2))
        truth = random.integers(0, 2, size).astype(np.uint8)
        guess = np.where(random.random(size) < 0.7, truth, random.integers(0, 3, size)).astype(np.uint8)
        truth[random.random(size) < 0.1] = 255
        found.append(guess)
        true.append(truth)
    return found, true


def measured(found: list[np.ndarray], true: list[np.ndarray]) -> Overlap:
    metric = Overlap(CLASSES)
    metric.update({"mask": found}, {"mask": true})
    return metric


def test_equal_to_scikit_learn() -> None:
    found, true = scenes()
    values = measured(found, true).compute()
    kept = [truth != 255 for truth in true]
    y = np.concatenate([truth[k] for truth, k in zip(true, kept, strict=True)])
    p = np.concatenate([guess[k] for guess, k in zip(found, kept, strict=True)])
    assert np.array_equal(confusion(p, y, 4), confusion_matrix(y, p, labels=range(4)))
    iou, dice = jaccard_score(y, p, average=None, labels=[0, 1, 2]), f1_score(y, p, average=None, labels=[0, 1, 2])
    for place, name in enumerate(CLASSES[:3]):
        assert values[f"iou/{name}"] == pytest.approx(iou[place], abs=1e-12)
        assert values[f"dice/{name}"] == pytest.approx(dice[place], abs=1e-12)
    assert math.isnan(values["iou/never seen"])
    assert values["miou"] == pytest.approx(iou.mean(), abs=1e-12)  # a class that nobody saw is in no mean
    assert values["dice"] == pytest.approx(dice.mean(), abs=1e-12)
    assert values["pixel-accuracy"] == pytest.approx((y == p).mean(), abs=1e-12)


def test_equal_to_segmentation_models() -> None:
    torch = pytest.importorskip("torch")
    from danlu._compat.torchvision import ensure

    ensure()
    smp = pytest.importorskip("segmentation_models_pytorch")
    found, true = scenes()
    rows = []
    for guess, truth in zip(found, true, strict=True):
        stats = smp.metrics.get_stats(
            torch.from_numpy(guess.astype(np.int64))[None],
            torch.from_numpy(np.where(truth == 255, -1, truth.astype(np.int64)))[None],
            mode="multiclass",
            ignore_index=-1,
            num_classes=4,
        )
        rows.append(torch.stack(stats[:3]))  # TP, FP, FN; true negatives they count otherwise
    hits, over, missed = torch.cat(rows, 1).sum(1)[:, :3].double()
    values = measured(found, true).compute()
    assert values["miou"] == pytest.approx(float((hits / (hits + over + missed)).mean()), abs=1e-6)
    assert values["dice"] == pytest.approx(float((2 * hits / (2 * hits + over + missed)).mean()), abs=1e-6)


def test_not_a_mean_over_images() -> None:
    one = np.zeros((10, 10), np.uint8)
    other = np.zeros((2, 2), np.uint8)
    wrong = np.ones((2, 2), np.uint8)
    values = Overlap(("a", "b"))
    values.update({"mask": [one, wrong]}, {"mask": [one, other]})
    assert values.compute()["iou/a"] == pytest.approx(100 / 104)
    assert values.compute()["iou/b"] == 0.0  # predicted, never true


def test_any_division_and_order_gives_the_same() -> None:
    found, true = scenes(30)
    whole = measured(found, true)
    parts = [measured(found[start::3], true[start::3]) for start in (2, 0, 1)]
    first = parts[0]
    for part in parts[1:]:
        first.merge(part)
    assert first.compute() == pytest.approx(whole.compute(), nan_ok=True)
    assert first.intervals(0.9) == whole.intervals(0.9)
    with pytest.raises(ValueError, match="classes"):
        whole.merge(Overlap(("a",)))


def test_intervals_hold_the_value_and_narrow_with_more_images() -> None:
    wide, narrow = (measured(*scenes(count)) for count in (10, 200))
    for metric in (wide, narrow):
        values = metric.compute()
        for name, (low, high) in metric.intervals(0.95).items():
            if not math.isnan(values[name]) and name != "iou/tree":
                assert low <= values[name] <= high
    widths = [np.diff(metric.intervals(0.95)["pixel-accuracy"])[0] for metric in (wide, narrow)]
    assert widths[1] < 0.5 * widths[0]


def test_many_images_are_kept_in_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    from danlu.metrics import overlap

    monkeypatch.setattr(overlap, "_EACH", 16)
    found, true = scenes(100)
    metric = measured(found, true)
    backwards = measured(found[::-1], true[::-1])
    metric.intervals(0.9)
    assert len(metric._images) <= 16
    assert np.array_equal(metric._images.sum(0)[:4], np.diagonal(metric.matrix))
    assert metric.intervals(0.9) == backwards.intervals(0.9)


def test_nothing_is_nothing() -> None:
    empty = Overlap(CLASSES)
    assert all(math.isnan(value) for value in empty.compute().values())
    unknown = measured([np.zeros((3, 3), np.uint8)], [np.full((3, 3), 255, np.uint8)])
    assert all(math.isnan(value) for value in unknown.compute().values())
    with pytest.raises(ValueError, match="shape"):
        empty.update({"mask": [np.zeros((2, 2), np.uint8)]}, {"mask": [np.zeros((3, 2), np.uint8)]})
