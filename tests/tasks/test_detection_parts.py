"""The detector's parts: assignment, terms, decoding and AP against slow references and closed forms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from danlu.data.batches.batch import Batch, Padded, Ragged
from danlu.randomness import Position
from danlu.tasks.detection.assign import CENTRE, AssignBoxes, dense
from danlu.tasks.detection.decode import detections, suppress
from danlu.tasks.detection.locations import REACH, STRIDES, grid
from danlu.tasks.detection.metrics import AveragePrecision
from danlu.tasks.detection.net import Fcos
from danlu.tasks.detection.terms import BoxTerm, CentreTerm, ClassTerm, distance_giou_loss
from danlu.training.objective import Objective


def ragged(*images: list[list[float]]) -> Ragged:
    counts = [len(rows) for rows in images]
    values = torch.tensor([row for rows in images for row in rows], dtype=torch.float32).reshape(-1, 7)
    return Ragged(values, torch.tensor([0, *np.cumsum(counts)], dtype=torch.int64))


def box(x1: float, y1: float, x2: float, y2: float, kind: int = 0, crowd: int = 0) -> list[float]:
    return [x1, y1, x2, y2, kind, crowd, (x2 - x1) * (y2 - y1)]


def batch_of(boxes: Ragged, size: tuple[int, int] = (96, 128)) -> Batch:
    count = len(boxes.offsets) - 1
    image = Padded(torch.zeros(count, 3, *size, dtype=torch.uint8), torch.tensor([size] * count))
    raw = Batch({"image": image, "boxes": boxes}, ("image",), np.arange(count), np.arange(count).astype(np.uint64))
    return AssignBoxes()(raw, Position(0), {})


def slow_assignment(rows: list[list[float]], size: tuple[int, int]) -> list[tuple[int, list[float]]]:
    """FCOS's rules, one location and one box at a time."""
    points, levels = grid(*size)
    said = []
    for (x, y), level in zip(points.tolist(), levels.tolist(), strict=True):
        stride, (above, upto) = STRIDES[level], REACH[level]
        answer, smallest = (-1, [1.0] * 4), math.inf
        crowded = False
        for x1, y1, x2, y2, kind, crowd, _ in rows:
            sides = [x - x1, y - y1, x2 - x, y2 - y]
            if min(sides) <= 0:
                continue
            if crowd:
                crowded = True
                continue
            if max(abs(x - (x1 + x2) / 2), abs(y - (y1 + y2) / 2)) >= CENTRE * stride:
                continue
            if above < max(sides) <= upto and (x2 - x1) * (y2 - y1) < smallest:
                smallest, answer = (x2 - x1) * (y2 - y1), (int(kind), [side / stride for side in sides])
        said.append((-2, [1.0] * 4) if answer[0] == -1 and crowded else answer)
    return said


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 70), st.integers(3, 100), st.integers(3, 90),
                          st.integers(0, 2), st.integers(0, 1)), max_size=6))  # fmt: skip
def test_assignment_is_the_slow_one(drawn: list[tuple[int, ...]]) -> None:
    rows = [box(x, y, min(x + w, 128), min(y + h, 96), k, c) for x, y, w, h, k, c in drawn]
    batch = batch_of(ragged(rows, []))
    slow = slow_assignment(rows, (96, 128))
    assert batch["fcos_class"][0].tolist() == [kind for kind, _ in slow]
    np.testing.assert_allclose(batch["fcos_box"][0].numpy(), [side for _, side in slow], rtol=1e-5)
    assert bool((batch["fcos_class"][1] == -1).all())


def test_centreness_is_one_in_the_middle_and_zero_in_the_background() -> None:
    batch = batch_of(ragged([box(16, 16, 40, 40)]))
    points, _ = grid(96, 128)
    centre = batch["fcos_centre"][0]
    middle = int(np.argmin(np.abs(points - 28).sum(1)))
    assert float(centre[middle]) == 1.0
    assert bool(((centre > 0) == (batch["fcos_class"][0] >= 0)).all())


def test_padding_teaches_nothing() -> None:
    """What an image is asked doesn't depend on how far the largest of its batch reaches; beyond itself it is asked nothing."""
    rows = [box(4, 6, 40, 44, 1), box(20, 10, 60, 50, 2)]
    small = torch.tensor([[50, 70]])
    asked = []
    for size in ((50, 70), (96, 128)):
        raw = Batch({"image": Padded(torch.zeros(1, 3, *size), small), "boxes": ragged(rows)}, ("image",), np.arange(1))
        found = AssignBoxes()(raw, Position(0), {})["fcos_class"][0].numpy()
        points, levels = grid(*size)
        beyond = (points >= [70, 50]).any(1)
        assert (found[beyond] == -2).all()
        assert beyond.any()
        asked.append(
            {
                (*point, level): kind
                for point, level, kind in zip(points.tolist(), levels, found, strict=True)
                if kind > -2
            }
        )
    assert asked[0] == asked[1]
    assert {-1, 1, 2} == set(asked[0].values())


def test_nothing_is_found_on_padding() -> None:
    points, _ = grid(96, 128)
    outputs = {
        "class": np.full((1, len(points), 1), 9.0), "box": np.full((1, len(points), 4), 0.6), "centre": np.full((1, len(points)), 9.0)
    }  # fmt: skip
    (found,) = detections(outputs, (96, 128), np.asarray([[50, 70]]), 0.5, 1.0, 10_000)
    assert len(found) == int((points < [70, 50]).all(1).sum())


def test_dense_of_ragged() -> None:
    rows = dense(ragged([box(0, 0, 1, 1)], [], [box(1, 1, 2, 2, 1), box(2, 2, 3, 3, 2)]))
    assert rows.shape == (3, 2, 7)
    assert rows[..., 4].tolist() == [[0, -1], [-1, -1], [1, 2]]


def giou(a: list[float], b: list[float]) -> float:
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(w, 0) * max(h, 0)
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
    outer = (max(a[2], b[2]) - min(a[0], b[0])) * (max(a[3], b[3]) - min(a[1], b[1]))
    return shared / union - (outer - union) / outer


def test_giou_is_that_of_corners() -> None:
    distances = np.random.default_rng(0).uniform(0.1, 5, (50, 2, 4))
    ours = distance_giou_loss(torch.tensor(distances[:, 0]), torch.tensor(distances[:, 1]))
    corners = distances * [-1, -1, 1, 1]
    assert ours.tolist() == pytest.approx([1 - giou(a, b) for a, b in corners.tolist()])


def objective() -> Objective:
    return Objective({"class": ClassTerm(), "box": BoxTerm(), "centre": CentreTerm()})


def some_outputs(images: int, classes: int = 3) -> dict[str, torch.Tensor]:
    draw = torch.Generator().manual_seed(1)
    places = len(grid(96, 128)[0])
    make = {"class": (images, places, classes), "box": (images, places, 4), "centre": (images, places)}
    made = {name: torch.randn(*shape, generator=draw, dtype=torch.float64) for name, shape in make.items()}
    made["box"] = made["box"].exp()
    return {name: value.requires_grad_() for name, value in made.items()}


def test_micro_batches_add_up_to_the_full_batch() -> None:
    """Images with many objects, few, none: gradients of the accumulated loss are the full batch's, to 1e-12."""
    images = [[box(10, 10, 50, 60, 1), box(30, 5, 90, 80, 2)], [], [box(60, 40, 100, 90)], [box(0, 0, 20, 20, 2)]]
    whole, goal = batch_of(ragged(*images)), objective()
    outputs = some_outputs(4)
    loss, _ = goal(outputs, whole, goal.counts(whole))
    full = torch.autograd.grad(loss, list(outputs.values()))
    micros = [batch_of(ragged(*images[first:last])) for first, last in ((0, 1), (1, 2), (2, 4))]
    counts = torch.stack([goal.counts(micro) for micro in micros]).sum(0)
    pieces = []
    for micro, (first, last) in zip(micros, ((0, 1), (1, 2), (2, 4)), strict=True):
        share, _ = goal({name: value[first:last] for name, value in outputs.items()}, micro, counts)
        pieces.append(share)
    again = torch.autograd.grad(torch.stack(pieces).sum(), list(outputs.values()))
    for a, b in zip(full, again, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-14)


def test_no_objects_anywhere_is_finite_and_teaches_the_background() -> None:
    batch, goal, outputs = batch_of(ragged([], [])), objective(), some_outputs(2)
    loss, _ = goal(outputs, batch, goal.counts(batch))
    gradients = torch.autograd.grad(loss, list(outputs.values()), allow_unused=True)
    assert math.isfinite(float(loss.detach()))
    assert float(gradients[0].sum()) > 0
    assert gradients[1] is None or not gradients[1].any()


def naive_nms(boxes: np.ndarray, scores: np.ndarray, kinds: np.ndarray, overlap: float) -> list[int]:
    kept: list[int] = []
    for row in np.argsort(-scores, kind="stable"):
        if all(kinds[row] != kinds[k] or _iou(boxes[row], boxes[k]) <= overlap for k in kept):
            kept.append(int(row))
    return kept


def _iou(a: Any, b: Any) -> float:
    shared = max(min(a[2], b[2]) - max(a[0], b[0]), 0) * max(min(a[3], b[3]) - max(a[1], b[1]), 0)
    return float(shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared))


@pytest.mark.parametrize("seed", range(5))
def test_suppression_is_the_naive_one(seed: int) -> None:
    draw = np.random.default_rng(seed)
    corner = draw.uniform(0, 50, (80, 2))
    boxes = np.concatenate([corner, corner + draw.uniform(1, 40, (80, 2))], 1)
    scores, kinds = draw.uniform(size=80).round(1), draw.integers(0, 3, 80)
    assert suppress(boxes, scores, kinds, 0.5).tolist() == naive_nms(boxes, scores, kinds, 0.5)


def test_what_is_assigned_decodes_to_the_same_boxes() -> None:
    """Outputs that say exactly what was asked for give the true boxes back: coordinates, classes, and AP 1."""
    images = [[box(10, 12, 50, 62, 1), box(60, 5, 120, 80, 2)], [], [box(4, 4, 24, 28, 0)]]
    batch = batch_of(ragged(*images))
    found = batch["fcos_class"]
    assert isinstance(found, torch.Tensor)
    logits = torch.nn.functional.one_hot(found.clamp(min=0), 3) * (found >= 0)[..., None] * 20.0 - 10.0
    outputs = {"class": logits.numpy(), "box": batch["fcos_box"].numpy(), "centre": np.full(found.shape, 5.0)}
    boxes = detections(outputs, (96, 128), np.array([[96, 128]] * 3), 0.5, 0.6, 100)
    assert [len(rows) for rows in boxes] == [2, 0, 1]
    for rows, truth in zip(boxes, images, strict=True):
        found_rows = sorted(rows[:, [0, 1, 2, 3, 5]].tolist())
        for row, expected in zip(found_rows, sorted(r[:5] for r in truth), strict=True):
            assert row == pytest.approx(expected, abs=1e-4)
    metric = AveragePrecision(3)
    metric.update({"boxes": boxes}, {"boxes": [np.array(rows).reshape(-1, 7) for rows in images]})
    values = metric.compute()
    assert {"ap", "ap50", "ap75", "ar", "ar1", "ap-medium"} <= set(values)
    assert list(values.values()) == pytest.approx([1.0] * len(values))


def test_ap_of_a_hand_worked_case_and_merging() -> None:
    """Two objects; the better-scored of three boxes is wrong: precision 1/2 at recall 1/2, 2/3 at recall 1."""
    truth = [np.array([box(0, 0, 10, 10), box(20, 20, 40, 40)])]
    found = [np.array([[50, 50, 60, 60, 0.9, 0], [0, 0, 10, 10, 0.8, 0], [20, 20, 40, 40, 0.7, 0.0]])]
    metric, empty = AveragePrecision(1), AveragePrecision(1)
    assert math.isnan(empty.compute()["ap"])
    empty.update({"boxes": found}, {"boxes": truth})
    metric.merge(empty)
    assert metric.compute()["ap50"] == pytest.approx(2 / 3, abs=1e-6)
    assert AveragePrecision(1).intervals(0.95) == {}


def test_the_net_answers_for_every_location() -> None:
    net = Fcos(3, 4, width=8, features=16, tower=1)
    out = net(torch.randn(2, 3, 70, 100))
    places = len(grid(70, 100)[0])
    assert {name: tuple(value.shape) for name, value in out.items()} == {
        "class": (2, places, 4), "box": (2, places, 4), "centre": (2, places)}  # fmt: skip
    assert bool((out["box"] >= 0).all())
    assert float(torch.sigmoid(out["class"].detach()).mean()) == pytest.approx(0.01, abs=0.01)
