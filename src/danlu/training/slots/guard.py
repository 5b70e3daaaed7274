"""The guard: a loss that is not finite stops training before it spoils the weights.

On a CPU the number is there anyway, so every step is looked at before its update. On a GPU looking would make the host wait for each
step: there the block's values are looked at when they are read, and the last checkpoint is the way back.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor

from danlu.data.batches.batch import Batch
from danlu.errors import TrainingError
from danlu.messages import say
from danlu.training.events import StepsDone


def before_update(loss: Tensor, norm: Tensor, micros: Sequence[Batch], step: int, epoch: int, scaled: bool) -> None:
    """Raises TrainingError where loss or gradient norm is NaN or infinite (a scaled fp16 gradient may overflow)."""
    if loss.device.type != "cpu":
        return
    if math.isfinite(float(loss)) and (scaled or math.isfinite(float(norm))):
        return
    rows = [int(row) for batch in micros for row in batch.rows[: len(batch)]]
    _stop(float(loss), float(norm), step, epoch, rows)


def after_reading(block: StepsDone, scaled: bool) -> None:
    """The same for the values of a block that has been read from the device."""
    for step, loss, norm in zip(block.steps, block.values["train/loss"], block.values["grad_norm"], strict=True):
        if not (math.isfinite(loss) and (scaled or math.isfinite(norm))):
            _stop(loss, norm, step, block.epoch, [])


def _stop(loss: float, norm: float, step: int, epoch: int, rows: list[int]) -> None:
    shown = ", ".join(map(str, rows[:8])) + (", …" if len(rows) > 8 else "")
    raise TrainingError.of(
        say("training.step-place", step=step, epoch=epoch + 1),
        say("training.not-finite", loss=loss, norm=norm, rows=shown or "?"),
        say("training.not-finite.remedy"),
    )
