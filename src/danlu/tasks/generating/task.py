"""What applications that write share as tasks: how they are taught and asked, and the graph of a step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from danlu.data.batches.batch import Batch
from danlu.tasks.base import Further, Task
from danlu.tasks.generating.decoder import LAST, STEP, Writer, keys_of, written
from danlu.tasks.generating.search import write
from danlu.tasks.generating.steps import TorchStep
from danlu.tasks.generating.teacher import NextTokens, told
from danlu.training.evaluation import Taught


class WritingTask(Task):
    """A task whose :meth:`decoder` is a :class:`Writer`, and whose net has ``begin`` and ``step``."""

    source: str  # the column that the net reads first

    def taught(self) -> Taught | None:
        return Taught(told, (NextTokens(),))

    def respond(self, net: nn.Module, batch: Batch) -> Any:
        decoder = self._decoder
        assert isinstance(decoder, Writer)
        state: dict[str, Tensor] = net.begin(batch[self.source])  # type: ignore[operator]
        first = state.pop(LAST, None)
        step = TorchStep(net, next(iter(state.values())).device)  # type: ignore[arg-type]
        given = batch[self.source]
        keys = keys_of(given.values.cpu().numpy(), given.sizes.cpu().numpy())  # type: ignore[union-attr]
        return written(
            *write(step, state, len(batch), decoder.plan, None if first is None else first.cpu().numpy(), keys)
        )

    def graphs(self, net: nn.Module, outputs: Any) -> Mapping[str, Further]:
        state: dict[str, Tensor] = {name: value for name, value in outputs.items() if name != LAST}
        tokens = torch.zeros(len(next(iter(state.values()))), dtype=torch.int64)
        for _ in range(3):  # a beginning of several tokens, so that its length is seen to vary
            state |= net.step(tokens, state)[1]  # type: ignore[operator]
        free = {
            name: [axis for axis in range(1, value.ndim) if _grows(name, axis, value)] for name, value in state.items()
        }
        return {STEP: Further(_Step(net, tuple(state)), {"tokens": tokens, **state}, free)}


class _Step(nn.Module):
    """The step with a state of plain tensors, in the order of ``names``."""

    def __init__(self, net: nn.Module, names: tuple[str, ...]) -> None:
        super().__init__()
        self.net, self.names = net, names

    def forward(self, tokens: Tensor, *state: Tensor) -> Any:
        logits, changed = self.net.step(tokens, dict(zip(self.names, state, strict=True)))  # type: ignore[operator]
        return {"logits": logits, "state": changed}


def _grows(name: str, axis: int, value: Tensor) -> bool:
    """Keys and values (B, L, H, T, d) and masks (B, T) vary in T."""
    return axis == 3 if value.ndim == 5 else value.ndim == 2 and axis == 1
