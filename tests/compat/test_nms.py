"""Suppression equals the naive O(n²) algorithm of torchvision's C++ kernel, box by box."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from danlu._compat.nms import _floor32, nms


def naive(boxes: np.ndarray, scores: np.ndarray, threshold: float) -> list[int]:
    """The C++ loop: in float32, compared with the threshold in double."""
    boxes = boxes.astype(np.float32) if boxes.dtype != np.float64 else boxes
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    order = np.argsort(-scores.astype(np.float64), kind="stable")
    gone = np.zeros(len(boxes), bool)
    kept = []
    for at, i in enumerate(order):
        if gone[i]:
            continue
        kept.append(int(i))
        for j in order[at + 1 :]:
            zero = boxes.dtype.type(0)
            w = max(zero, min(boxes[i, 2], boxes[j, 2]) - max(boxes[i, 0], boxes[j, 0]))
            h = max(zero, min(boxes[i, 3], boxes[j, 3]) - max(boxes[i, 1], boxes[j, 1]))
            inter = w * h
            with np.errstate(invalid="ignore", divide="ignore"):
                overlap = float(inter / (areas[i] + areas[j] - inter))
            gone[j] |= overlap > threshold
    return kept


def some_boxes(seed: int, count: int, *, grid: bool, flat: float = 0.0) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(seed)
    corner, size = rng.uniform(0, 60, (count, 2)), rng.uniform(1, 40, (count, 2))
    if grid:  # whole pixels and few scores: many exact ties of both
        corner, size = corner // 10 * 10, size // 10 * 10 + 10
    size[rng.random(count) < flat] *= [1, 0]
    scores = rng.integers(0, 5, count) / 5 if grid else rng.random(count)
    return torch.tensor(np.hstack([corner, corner + size]), dtype=torch.float32), torch.tensor(scores).float()


@pytest.mark.parametrize("threshold", [0.0, 0.1, 0.3, 0.5, 0.7, 1.0])
@pytest.mark.parametrize(("seed", "grid", "flat"), [(0, False, 0.0), (1, True, 0.0), (2, True, 0.3), (3, False, 0.3)])
def test_equals_the_naive_loop(seed: int, grid: bool, flat: float, threshold: float) -> None:
    boxes, scores = some_boxes(seed, 120, grid=grid, flat=flat)
    expected = naive(boxes.numpy(), scores.numpy(), threshold)
    assert nms(boxes, scores, threshold).tolist() == expected
    assert nms(boxes.double(), scores.double(), threshold).tolist() == naive(
        boxes.double().numpy(), scores.numpy(), threshold
    )


def test_many_boxes_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    boxes, scores = some_boxes(5, 150, grid=False)
    whole = nms(boxes, scores, 0.4)
    monkeypatch.setattr("danlu._compat.nms._BLOCK", 7)
    assert torch.equal(nms(boxes, scores, 0.4), whole)


def test_a_chain_is_settled_in_order() -> None:
    """Each box overlaps only its neighbours: every second one stays, which needs as many rounds as there are boxes."""
    left = torch.arange(40.0)
    boxes = torch.stack([left * 4, torch.zeros(40), left * 4 + 8, torch.ones(40)], 1)
    assert nms(boxes, torch.linspace(1, 0, 40), 0.3).tolist() == list(range(0, 40, 2))


def test_degenerate_boxes_stay_beside_each_other() -> None:
    boxes = torch.tensor([[1.0, 1, 1, 1], [1, 1, 1, 1], [0, 0, 4, 4]])
    assert nms(boxes, torch.tensor([0.9, 0.8, 0.7]), 0.5).tolist() == [0, 1, 2]


def test_nothing_and_wrong_shapes() -> None:
    assert nms(torch.empty(0, 4), torch.empty(0), 0.5).tolist() == []
    with pytest.raises(RuntimeError, match="2d"):
        nms(torch.empty(4), torch.empty(1), 0.5)
    with pytest.raises(RuntimeError, match="match"):
        nms(torch.empty(3, 4), torch.empty(2), 0.5)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_halves_are_judged_in_float(dtype: torch.dtype) -> None:
    boxes, scores = some_boxes(7, 60, grid=True)
    assert torch.equal(nms(boxes.to(dtype), scores.to(dtype).float(), 0.3), nms(boxes, scores.to(dtype).float(), 0.3))


@pytest.mark.parametrize("value", [0.0, 0.1, 0.25, 0.3, 0.5, 0.7, 1.0])
def test_the_threshold_is_compared_as_in_double(value: float) -> None:
    near = np.float32(value)
    for x in (np.nextafter(near, np.float32(-1)), near, np.nextafter(near, np.float32(2))):
        assert (torch.tensor(x) > _floor32(value)).item() == (float(x) > value)
