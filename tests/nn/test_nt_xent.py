"""NT-Xent against SimCLR's pseudocode, written out view by view, and against finite differences."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from tests.training.test_cached_gradients import textbook
from torch import Tensor

from danlu.data.batches.batch import Batch
from danlu.errors import RecipeError
from danlu.nn.terms.nt_xent import NtXent


def batch(count: int) -> Batch:
    return Batch({"views": torch.zeros(count, 2)}, ("views",), np.arange(count))


def loss(outputs: Tensor, temperature: float) -> Tensor:
    term = NtXent("views", temperature=temperature)
    mean: Tensor = term(outputs, batch(len(outputs))) / term.count(batch(len(outputs)))
    return mean


@pytest.mark.parametrize("views", [2, 3])
@pytest.mark.parametrize("temperature", [0.1, 0.5, 2.0])
def test_equals_the_pseudocode(views: int, temperature: float) -> None:
    outputs = torch.randn(5, views, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(views))
    torch.testing.assert_close(loss(outputs, temperature), textbook(outputs, temperature), rtol=1e-12, atol=1e-14)


def test_gradient_equals_finite_differences() -> None:
    outputs = torch.randn(4, 2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(2)).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: loss(x, 0.3), (outputs,), atol=1e-9)


def test_known_values() -> None:
    same = torch.ones(6, 2, 4, dtype=torch.float64)  # collapsed: every other view is as near as the positive
    assert float(loss(same, 0.5)) == pytest.approx(math.log(11))
    apart = torch.eye(6, dtype=torch.float64)[:, None].expand(
        6, 2, 6
    )  # all positives equal, all negatives at right angles
    assert float(loss(apart, 0.5)) == pytest.approx(math.log(1 + 10 * math.exp(-2)))
    assert float(loss(3 * apart, 0.5)) == pytest.approx(float(loss(apart, 0.5)))  # length counts nothing
    assert float(loss(torch.randn(1, 2, 3), 0.5)) == pytest.approx(0.0)  # alone, there is nobody to be told from


def test_other_shapes_are_refused() -> None:
    for shape in ((4, 3), (4, 1, 3), (4, 2, 3, 3)):
        with pytest.raises(RecipeError, match="compares views"):
            loss(torch.zeros(shape), 0.5)
