"""Dice as a term: a sum and a count, equal to its formula and to another library, with ignored pixels in neither."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from danlu.data.batches.batch import Batch
from danlu.errors import RecipeError
from danlu.nn.terms.dice import Dice
from danlu.training.objective import Objective


def batch_of(target: Tensor) -> Batch:
    return Batch({"pixels": target}, ())


def given(seed: int = 0, images: int = 4) -> tuple[Tensor, Tensor]:
    torch.manual_seed(seed)
    target = torch.randint(0, 3, (images, 6, 5))
    target[0, :2] = -1
    target[1] = 2  # of one class alone
    return torch.randn(images, 3, 6, 5, dtype=torch.float64, requires_grad=True), target


def by_hand(logits: Tensor, target: Tensor) -> Tensor:
    """1 - the mean over the classes that are there."""
    share, known = logits.softmax(0), target >= 0
    each = [
        2 * share[k][known & (target == k)].sum() / (share[k][known].sum() + (target == k).sum())
        for k in range(len(logits))
        if (target == k).any()
    ]
    return 1 - torch.stack(each).mean()


def test_each_image_by_the_formula() -> None:
    logits, target = given()
    term = Dice("pixels")
    expected = torch.stack([by_hand(*one) for one in zip(logits, target, strict=True)]).sum()
    torch.testing.assert_close(term(logits, batch_of(target)), expected)
    assert float(term.count(batch_of(target))) == 4


def test_over_the_batch_equal_to_segmentation_models() -> None:
    from danlu._compat.torchvision import ensure

    ensure()
    losses = pytest.importorskip("segmentation_models_pytorch.losses")
    logits, target = given()
    term = Dice("pixels", over="batch")
    assert term.coupled
    assert not Dice("pixels").coupled
    objective = Objective({"dice": term})
    loss, _ = objective(logits, batch_of(target), objective.counts(batch_of(target)))
    theirs = losses.DiceLoss("multiclass", ignore_index=-1)(logits, target)
    torch.testing.assert_close(loss, theirs, rtol=1e-6, atol=1e-6)


def test_two_unequal_parts_give_the_gradient_of_the_whole() -> None:
    logits, target = given()
    objective = Objective({"dice": Dice("pixels")})
    counts = objective.counts(batch_of(target))
    loss, _ = objective(logits, batch_of(target), counts)
    (whole,) = torch.autograd.grad(loss, logits)
    parts = torch.zeros_like(logits)
    for rows in (slice(0, 1), slice(1, 4)):
        piece, _ = objective(logits[rows], batch_of(target[rows]), counts)
        parts += torch.autograd.grad(piece, logits)[0]
    torch.testing.assert_close(parts, whole)


def test_its_gradient_is_that_of_finite_differences() -> None:
    logits, target = given()
    for over in ("image", "batch"):
        term = Dice("pixels", over=over, smooth=0.5)
        assert torch.autograd.gradcheck(lambda x, term=term: term(x, batch_of(target)), (logits,))


def test_ignored_pixels_change_nothing() -> None:
    logits, target = given()
    term = Dice("pixels")
    changed = logits.detach().clone()
    changed[0, :, :2] += torch.randn(3, 2, 5)
    torch.testing.assert_close(term(changed, batch_of(target)), term(logits, batch_of(target)))
    nothing = torch.full_like(target, -1)
    assert float(term.count(batch_of(nothing))) == 0
    loss = term(logits, batch_of(nothing))
    (gradient,) = torch.autograd.grad(loss, logits)
    assert float(loss.detach()) == 0
    assert not gradient.any()


def test_a_perfect_answer_costs_nothing_and_shapes_must_fit() -> None:
    _, target = given()
    sure = 100.0 * torch.nn.functional.one_hot(target.clamp(min=0), 3).permute(0, 3, 1, 2).double()
    assert float(Dice("pixels")(sure, batch_of(target))) == pytest.approx(0, abs=1e-9)
    with pytest.raises(RecipeError):
        Dice("pixels")(sure, batch_of(target[:, :3]))
