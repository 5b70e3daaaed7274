"""Counts, sums and metrics are those of the whole, whatever it is divided into and in whatever order it is merged."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import Tensor

from danlu.metrics.base import Metric
from danlu.metrics.classification import Classification
from danlu.metrics.moments import Moments
from danlu.metrics.regression import Regression
from danlu.nn.terms.base import Term
from danlu.nn.terms.binary_cross_entropy import BinaryCrossEntropy
from danlu.nn.terms.cross_entropy import CrossEntropy
from danlu.nn.terms.focal import Focal
from danlu.nn.terms.huber import Huber
from danlu.nn.terms.l1 import L1
from danlu.nn.terms.mse import MSE
from danlu.recipe.names import catalogue
from danlu.tasks.detection.metrics import AveragePrecision
from danlu.tasks.detection.terms import BoxTerm, CentreTerm, ClassTerm
from danlu.training.objective import Objective

CLASSES = 3
WEIGHTS = [0.0, 2.5, 0.3]


@st.composite
def divisions(draw: st.DrawFn) -> list[np.ndarray]:
    """Rows 0 … n - 1 in any order, in pieces of any size, some of them empty."""
    count = draw(st.integers(1, 30))
    order = np.random.default_rng(draw(st.integers(0, 999))).permutation(count)
    cuts = sorted(draw(st.lists(st.integers(0, count), max_size=6)))
    return np.split(order, cuts)


# ---- terms ------------------------------------------------------------------------------------------------------------


def labels(draw: np.random.Generator, count: int) -> Tensor:
    return torch.from_numpy(draw.integers(-1, CLASSES, count))


def soft(draw: np.random.Generator, count: int) -> Tensor:
    """Probabilities after mixing: rows of ignored samples are 0."""
    rows = draw.random((count, CLASSES))
    rows = rows / rows.sum(1, keepdims=True) * (draw.random((count, 1)) < 0.8)
    return torch.from_numpy(rows.astype(np.float32))


def numbers(draw: np.random.Generator, count: int) -> Tensor:
    values = draw.normal(size=count).astype(np.float32) * 10
    return torch.from_numpy(np.where(draw.random(count) < 0.2, np.nan, values).astype(np.float32))


def answers(draw: np.random.Generator, count: int) -> Tensor:
    return torch.from_numpy(draw.choice([0.0, 1.0, -1.0, np.nan, 0.3], (count, CLASSES)).astype(np.float32))


Draw = Callable[[np.random.Generator, int], Tensor]
TERMS: dict[str, tuple[Callable[[], Term], Draw, tuple[int, ...]]] = {
    "cross-entropy": (lambda: CrossEntropy("y"), labels, (CLASSES,)),
    "cross-entropy, weighted": (
        lambda: CrossEntropy("y", class_weights=WEIGHTS, label_smoothing=0.1),
        labels,
        (CLASSES,),
    ),
    "cross-entropy, mixed": (lambda: CrossEntropy("y", class_weights=WEIGHTS), soft, (CLASSES,)),
    "focal": (lambda: Focal("y", class_weights=WEIGHTS), labels, (CLASSES,)),
    "focal, mixed": (lambda: Focal("y"), soft, (CLASSES,)),
    "focal, independent": (lambda: Focal("y", alpha=0.3), answers, (CLASSES,)),
    "binary-cross-entropy": (lambda: BinaryCrossEntropy("y", pos_weight=[1.0, 2.0, 0.5]), answers, (CLASSES,)),
    "mse": (lambda: MSE("y"), numbers, ()),
    "l1": (lambda: L1("y"), numbers, ()),
    "huber": (lambda: Huber("y"), numbers, ()),
}


# of outputs of other forms: in tests of their own
ELSEWHERE = {"arcface", "bpr", "cosface", "dice", "info-nce", "next-token", "nt-xent", "pointwise", "sampled-softmax"}


def test_every_loss_of_the_catalogue_is_here() -> None:
    assert set(catalogue("loss")) == {name.partition(",")[0] for name in TERMS} | ELSEWHERE


@pytest.mark.parametrize("name", TERMS)
@settings(max_examples=8)
@given(pieces=divisions(), seed=st.integers(0, 99))
@example(pieces=[np.arange(0), np.arange(1), np.arange(0)], seed=0)
def test_pieces_add_up_to_the_whole_batch(name: str, pieces: list[np.ndarray], seed: int) -> None:
    """Counts are known beforehand, so that the pieces' losses and gradients add up to the whole batch's."""
    make, draw_target, shape = TERMS[name]
    draw = np.random.default_rng(seed)
    count = sum(map(len, pieces))
    target = draw_target(draw, count)
    outputs = torch.from_numpy(draw.normal(size=(count, *shape)) * 3).requires_grad_()
    objective = Objective({"a": make(), "b": make()}, {"b": 0.25})

    def batch(rows: np.ndarray) -> Any:
        return {"y": target[torch.from_numpy(rows)]}

    everything = np.arange(count)
    whole = objective.counts(batch(everything))
    added = sum((objective.counts(batch(rows)) for rows in pieces), torch.zeros(2, dtype=torch.float64))
    assert whole.dtype == torch.float64
    torch.testing.assert_close(added, whole, rtol=1e-14, atol=0)
    loss, parts = objective(outputs, batch(everything), whole)
    (expected,) = torch.autograd.grad(loss, outputs)
    found, shares = torch.zeros_like(expected), torch.zeros_like(parts)
    total = 0.0
    for rows in pieces:
        if len(rows):
            piece, own = objective(outputs[torch.from_numpy(rows)], batch(rows), added)
            found += torch.autograd.grad(piece, outputs)[0]
            total, shares = total + float(piece.detach()), shares + own
    assert total == pytest.approx(float(loss.detach()), rel=1e-12, abs=1e-14)
    torch.testing.assert_close(shares, parts, rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-15)
    assert torch.isfinite(found).all()
    if not whole.any():
        assert total == 0
        assert not found.any()


@settings(max_examples=12)
@given(pieces=divisions(), seed=st.integers(0, 99))
def test_pieces_of_a_detector_add_up(pieces: list[np.ndarray], seed: int) -> None:
    draw = np.random.default_rng(seed)
    count, places = sum(map(len, pieces)), 7
    found = draw.choice([-2, -1, -1, 0, 1], (count, places))
    columns = {
        "fcos_class": torch.from_numpy(found),
        "fcos_centre": torch.from_numpy(np.where(found >= 0, draw.random(found.shape), 0.0)),
        "fcos_box": torch.from_numpy(draw.random((count, places, 4)) * 9),
    }
    outputs = {
        "class": torch.from_numpy(draw.normal(size=(count, places, 2))),
        "box": torch.from_numpy(draw.random((count, places, 4)) * 9),
        "centre": torch.from_numpy(draw.normal(size=(count, places))),
    }
    objective = Objective({"class": ClassTerm(), "box": BoxTerm(), "centre": CentreTerm()})

    def of(values: dict[str, Tensor], rows: np.ndarray) -> Any:
        return {name: value[torch.from_numpy(rows)] for name, value in values.items()}

    everything = np.arange(count)
    whole = objective.counts(of(columns, everything))
    added = sum((objective.counts(of(columns, rows)) for rows in pieces), torch.zeros(3, dtype=torch.float64))
    torch.testing.assert_close(added, whole, rtol=1e-13, atol=0)
    _, parts = objective(of(outputs, everything), of(columns, everything), whole)
    shares = sum(
        (objective(of(outputs, rows), of(columns, rows), added)[1] for rows in pieces if len(rows)), torch.zeros(3)
    )
    torch.testing.assert_close(shares.double(), parts.double(), rtol=1e-6, atol=1e-9)


# ---- metrics --------------------------------------------------------------------------------------------------------------

ODD = (0.0, 1.0, -1e300, 1e300, 1e-300, math.inf, -math.inf, math.nan)


def merged(make: Callable[[], Any], states: Sequence[Any], seed: int) -> Any:
    """The states as a tree of merges in any order, as ranks and parts bring them; an empty one among them."""
    draw, left = np.random.default_rng(seed), [*states, make()]
    while len(left) > 1:
        one, other = (left.pop(int(draw.integers(len(left)))) for _ in range(2))
        one.merge(other)
        left.append(one)
    return left[0]


def close(one: dict[str, Any], other: dict[str, Any], tolerance: float) -> None:
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert np.asarray(other[name]) == pytest.approx(np.asarray(value), rel=tolerance, abs=tolerance, nan_ok=True), (
            name
        )


def in_pieces(make: Callable[[], Metric], predicted: Any, true: Any, pieces: list[np.ndarray], seed: int) -> None:
    """Whole = in pieces by update = in pieces by merge."""
    (kind, values), (target, truth) = predicted, true

    def some(column: Any, rows: np.ndarray) -> Any:
        return column[rows] if isinstance(column, np.ndarray) else [column[row] for row in rows]

    whole, followed = make(), make()
    whole.update(
        {kind: some(values, np.sort(np.concatenate(pieces)))}, {target: some(truth, np.sort(np.concatenate(pieces)))}
    )
    states = []
    for rows in pieces:
        states.append(make())
        for each in (followed, states[-1]):
            each.update({kind: some(values, rows)}, {target: some(truth, rows)})
    for other in (followed, merged(make, states, seed)):
        close(whole.compute(), other.compute(), 1e-11)
        close(whole.intervals(0.9), other.intervals(0.9), 1e-8)


@pytest.mark.parametrize("classes", [2, 3, 7])
@settings(max_examples=8)
@given(pieces=divisions(), seed=st.integers(0, 99), broken=st.booleans())
@example(pieces=[np.arange(5), np.arange(5, 30)], seed=0, broken=True)
@example(pieces=[np.arange(25), np.arange(25, 30)], seed=1, broken=True)
def test_classification(pieces: list[np.ndarray], classes: int, seed: int, broken: bool) -> None:
    """broken: some of the probabilities are NaN, as of a net that was spoilt."""
    draw = np.random.default_rng(seed)
    count = sum(map(len, pieces))
    probability = draw.dirichlet(np.ones(classes), count).round(1)  # many are equal, some 0 and 1
    if broken:
        probability[draw.random(count) < 0.2] = math.nan
    label = draw.integers(-1, classes, count)
    in_pieces(lambda: Classification(classes), ("probability", probability), ("label", label), pieces, seed)


@settings(max_examples=20)
@given(divisions(), st.integers(0, 99), st.sampled_from([0.0, 1e6, -1e9]), st.booleans())
def test_regression(pieces: list[np.ndarray], seed: int, away: float, broken: bool) -> None:
    """away: far from 0, where sums of squares would lose all of their digits. broken: predictions without bounds."""
    draw = np.random.default_rng(seed)
    count = sum(map(len, pieces))
    true = np.where(draw.random(count) < 0.2, np.nan, draw.normal(size=count) + away)
    predicted = np.nan_to_num(true) + draw.normal(size=count)
    if broken:
        predicted = np.where(draw.random(count) < 0.3, draw.choice([math.inf, -math.inf, math.nan], count), predicted)
    in_pieces(Regression, ("value", predicted), ("target", true), pieces, seed)


def images(draw: np.random.Generator, count: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """(found, true) with few different scores."""
    found, true = [], []
    for _ in range(count):
        objects, boxes = int(draw.integers(0, 4)), int(draw.integers(0, 6))
        truth, rows = np.zeros((objects, 7), np.float32), np.zeros((boxes, 6), np.float32)
        for box in (truth, rows):
            box[:, :2] = draw.integers(0, 5, (len(box), 2))
            box[:, 2:4] = box[:, :2] + draw.integers(2, 8, (len(box), 2))
        truth[:, 4], truth[:, 5] = draw.integers(0, 2, objects), draw.random(objects) < 0.1
        rows[:, 4], rows[:, 5] = draw.choice([0.5, 0.7], boxes), draw.integers(0, 2, boxes)
        found.append(rows)
        true.append(truth)
    return found, true


@settings(max_examples=10)
@given(divisions(), st.integers(0, 99))
def test_average_precision(pieces: list[np.ndarray], seed: int) -> None:
    count = sum(map(len, pieces))
    found, true = images(np.random.default_rng(seed), count)
    in_pieces(lambda: AveragePrecision(2), ("boxes", found), ("boxes", true), pieces, seed)


@settings(max_examples=40)
@given(
    st.lists(st.one_of(st.sampled_from(ODD), st.floats(-1e6, 1e6)), min_size=1, max_size=20),
    divisions(),
    st.integers(0, 9),
)
@example([math.inf, 1.0], [np.asarray([0]), np.asarray([1])], 0)
@example([1.0, math.inf, 2.0, -math.inf], [np.asarray([0, 1]), np.asarray([2, 3])], 0)
def test_moments_of_any_numbers(values: list[float], pieces: list[np.ndarray], seed: int) -> None:
    numbers_, whole = np.asarray(values), Moments()
    whole.update(numbers_)
    states = []
    for rows in pieces:
        states.append(Moments())
        states[-1].update(numbers_[rows[rows < len(values)]])
    rest = np.setdiff1d(np.arange(len(values)), np.concatenate(pieces))
    states.append(Moments())
    states[-1].update(numbers_[rest])
    made = merged(Moments, states, seed)
    assert made.n == whole.n == len(values)
    with np.errstate(over="ignore", invalid="ignore"):
        scale = max(1.0, float(np.abs(numbers_).max()))
    assert made.value == pytest.approx(whole.value, rel=1e-12, abs=1e-12 * scale, nan_ok=True)
    assert math.isfinite(made.value) == bool(np.isfinite(numbers_).all())
    if scale < 1e100:
        assert made.interval(0.9) == pytest.approx(whole.interval(0.9), rel=1e-9, abs=1e-9 * scale, nan_ok=True)
