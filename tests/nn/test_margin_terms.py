"""ArcFace and CosFace against their formulas, in whole and in unequal halves."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from danlu.errors import RecipeError
from danlu.nn.terms.arcface import ArcFace
from danlu.nn.terms.cosface import CosFace
from danlu.training.objective import Objective


def cosines(rows: int = 12, classes: int = 5) -> Tensor:
    torch.manual_seed(0)
    return F.linear(F.normalize(torch.randn(rows, 6)), F.normalize(torch.randn(classes, 6))).double().requires_grad_()


def arc(cosine: Tensor, label: Tensor, margin: float, scale: float) -> Tensor:
    """As Deng et al. write it: with the angle itself."""
    own = F.one_hot(label, cosine.shape[1]).bool()
    angle = torch.acos(cosine)
    beyond = cosine - margin * math.sin(margin)
    lowered = torch.where(angle + margin < math.pi, torch.cos(angle + margin), beyond)
    return F.cross_entropy(scale * torch.where(own, lowered, cosine), label, reduction="sum")


def cos(cosine: Tensor, label: Tensor, margin: float, scale: float) -> Tensor:
    return F.cross_entropy(scale * (cosine - margin * F.one_hot(label, cosine.shape[1])), label, reduction="sum")


@pytest.mark.parametrize(("kind", "formula"), [(ArcFace, arc), (CosFace, cos)])
def test_value_and_slope_are_the_formulas(kind: Any, formula: Any) -> None:
    cosine, label = cosines(), torch.arange(12) % 5
    term = kind("who", "cosine", margin=0.4, scale=10.0)
    found = term({"cosine": cosine}, {"who": label})
    (slope,) = torch.autograd.grad(found, cosine)
    wanted = formula(cosine, label, 0.4, 10.0)
    (true,) = torch.autograd.grad(wanted, cosine)
    torch.testing.assert_close(found, wanted)
    torch.testing.assert_close(slope, true)


def test_an_angle_far_beyond_goes_on_costing_more() -> None:
    """cos(θ + m) alone would rise again behind π - m."""
    worst = torch.linspace(-1.0, 1.0, 201, dtype=torch.float64)
    lowered = ArcFace("who", margin=0.5).lowered(worst)
    assert (lowered.diff() > 0).all()
    assert (lowered < worst).all()


@pytest.mark.parametrize("cosine", [1.0, -1.0])
def test_the_ends_have_finite_slopes(cosine: float) -> None:
    values = torch.full((2, 3), cosine, requires_grad=True)
    ArcFace("who")(values, {"who": torch.tensor([0, 1])}).backward()
    assert values.grad is not None
    assert values.grad.isfinite().all()


@pytest.mark.parametrize("kind", [ArcFace, CosFace])
def test_halves_give_the_whole(kind: Any) -> None:
    term = kind("who", "cosine", centres=[3, 0, 7, 8, 2])
    label = torch.tensor([3, 0, 7, 8, 2, 3, 5, -1, 99, -4, 0, 0])  # four of them are nobody who is learnt
    cosine = cosines()
    objective = Objective({"margin": term})
    batches = [(slice(0, 5), {"who": label[:5]}), (slice(5, 12), {"who": label[5:]})]
    counts = torch.stack([objective.counts(batch) for _, batch in batches]).sum(0)  # type: ignore[arg-type]
    assert float(counts[0]) == 8
    whole, _ = objective({"cosine": cosine}, {"who": label}, counts)  # type: ignore[arg-type]
    (slope,) = torch.autograd.grad(whole, cosine)
    parts = [objective({"cosine": cosine[rows]}, batch, counts)[0] for rows, batch in batches]  # type: ignore[arg-type]
    (summed,) = torch.autograd.grad(torch.stack(parts).sum(), cosine)
    torch.testing.assert_close(torch.stack(parts).sum(), whole)
    torch.testing.assert_close(summed, slope)
    nobody = (label == 5) | (label < 0) | (label == 99)
    assert (slope[nobody] == 0).all()
    assert (slope[~nobody] != 0).any(1).all()


def test_centres_are_columns() -> None:
    cosine = cosines(3, 3)
    named = ArcFace("who", centres=[7, 2, 4])(cosine, {"who": torch.tensor([4, 7, 2])})
    plain = ArcFace("who")(cosine, {"who": torch.tensor([2, 0, 1])})
    torch.testing.assert_close(named, plain)


def test_nobody_known_costs_nothing() -> None:
    cosine = cosines(4, 3)
    term = CosFace("who", centres=[0, 1, 2])
    batch = {"who": torch.tensor([-1, 9, 9, -5])}
    assert float(term.count(batch)) == 0
    loss = term(cosine, batch)
    assert float(loss.detach()) == 0
    (slope,) = torch.autograd.grad(loss, cosine)
    assert (slope == 0).all()


def test_mixed_labels_and_wrong_shapes_are_refused() -> None:
    with pytest.raises(RecipeError, match="mixup"):
        ArcFace("who").count({"who": torch.rand(4, 3)})
    with pytest.raises(RecipeError, match="cosines"):
        ArcFace("who")(torch.rand(4), {"who": torch.zeros(4, dtype=torch.int64)})
