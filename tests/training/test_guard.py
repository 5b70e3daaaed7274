"""What is read from the device in blocks stops training as soon as it is no number."""

from __future__ import annotations

import math

import pytest

from danlu.errors import TrainingError
from danlu.training.events import StepsDone
from danlu.training.slots import guard


def block(loss: float, norm: float) -> StepsDone:
    return StepsDone(1, 0, (0,), {"train/loss": (loss,), "grad_norm": (norm,)}, 1, 0.1, 0.0)


@pytest.mark.parametrize(("loss", "norm"), [(math.nan, 1.0), (math.inf, 1.0), (1.0, math.nan), (1.0, math.inf)])
def test_neither_loss_nor_gradient_may_be_infinite(loss: float, norm: float) -> None:
    with pytest.raises(TrainingError):
        guard.after_reading(block(loss, norm), scaled=False)


def test_a_scaled_gradient_may_overflow() -> None:
    guard.after_reading(block(1.0, math.inf), scaled=True)
    guard.after_reading(block(1.0, 1.0), scaled=False)
