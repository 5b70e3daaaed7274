"""Values of finished steps, gathered on the device and read in blocks, so that no step waits for a number."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from danlu.training.events import StepsDone


class Refused(NamedTuple):
    """A step that the guard left out: its position (from 0), loss and gradient norm."""

    step: int
    loss: float
    norm: float


class Meter:
    """Collects each step's loss, terms and gradient norm until :meth:`flush`; keeps the epoch's sums per term.

    The epoch's training loss is Σ wₖ·ΣSₖ/ΣCₖ over its steps: exact whatever the sizes of their batches (rule 4). A step that the guard
    refused is not in it.
    """

    def __init__(
        self, names: tuple[str, ...], weights: tuple[float, ...], seconds: float, penalised: bool = False
    ) -> None:
        self.penalised = penalised
        self.names = names
        self.weights = torch.tensor(weights, dtype=torch.float64)
        self.seconds = seconds
        self.sums = torch.zeros(len(names), 2, dtype=torch.float64)  # ΣS and ΣC of the epoch so far
        self._clear()

    def _clear(self) -> None:
        self._steps: list[int] = []
        self._rates: list[float] = []
        self._rows: list[tuple[Tensor, Tensor, Tensor, Tensor, Tensor]] = []
        self._verdicts: list[bool | Tensor] = []
        self._samples: list[int] = []
        self._waited = 0.0
        self._since = time.perf_counter()

    def add(
        self,
        step: int,
        lr: float,
        loss: Tensor,
        norm: Tensor,
        penalty: Tensor,
        parts: Tensor,
        counts: Tensor,
        samples: int,
        refused: bool | Tensor = False,
    ) -> None:
        """loss, norm, penalty: 0-d. parts = Sₖ/Cₖ and counts = Cₖ of the effective batch: (terms,). All stay on the device.

        refused: whether the guard refused the step or, where the device decides, any since the last flush.
        """
        self._rows.append((loss, norm, penalty, parts, counts))
        self._steps.append(step)
        self._rates.append(lr)
        self._samples.append(samples)
        self._verdicts.append(refused)

    def waited(self, seconds: float) -> None:
        """Called once a window has come, after so many seconds. With a block's first window its time begins: before it the net may have
        been judged and saved.
        """
        if not self._steps:
            self._since = time.perf_counter() - seconds
        self._waited += seconds

    def due(self) -> bool:
        return time.perf_counter() - self._since >= self.seconds or len(self._steps) >= 4096

    def flush(self, epoch: int, skips: bool = False) -> tuple[StepsDone | None, Refused | None]:
        """The block of steps since the last flush, up to the first that was refused; None where there are none.

        skips: a refused step is done with, so its numbers end the block; else they are not in it.
        """
        if not self._steps:
            self._since = time.perf_counter()
            return None, None
        columns = [torch.stack(column).double() for column in zip(*self._rows, strict=True)]
        table = torch.column_stack(columns).cpu()
        first = self._first_refused()
        refused = None
        if first < len(table):
            refused = Refused(self._steps[first], float(table[first, 0]), float(table[first, 1]))
        steps = first + skips if refused else first
        table = table[:steps]
        terms = len(self.names)
        parts, counts = table[:, 3 : 3 + terms], table[:, 3 + terms :]
        added = torch.stack([parts[:first] * counts[:first], counts[:first]], dim=2).numpy()
        # one after the other: the sum's bits don't depend on blocks
        self.sums = torch.from_numpy(np.add.accumulate(np.concatenate([self.sums.numpy()[None], added]))[-1].copy())
        values: dict[str, tuple[float, ...]] = {
            "train/loss": tuple(table[:, 0].tolist()),
            "lr": tuple(self._rates[:steps]),
            "grad_norm": tuple(table[:, 1].tolist()),
        }
        if self.penalised:
            values["train/l1"] = tuple(table[:, 2].tolist())
        if terms > 1:
            values |= {f"train/loss/{name}": tuple(parts[:, i].tolist()) for i, name in enumerate(self.names)}
        block = None
        if steps:
            block = StepsDone(
                self._steps[steps - 1] + 1, epoch, tuple(self._steps[:steps]), values, sum(self._samples[:steps]),
                time.perf_counter() - self._since, self._waited,
            )  # fmt: skip
        self._clear()
        return block, refused

    def _first_refused(self) -> int:
        """Its index among the steps; their number where there is none."""
        told: list[Any] = self._verdicts
        if isinstance(told[0], Tensor):
            told = torch.stack(told).tolist()
        return next((index for index, refused in enumerate(told) if refused), len(told))

    def epoch(self) -> dict[str, float]:
        """The epoch's training loss and terms; starts the next epoch. Flush first."""
        means = self.sums[:, 0] / self.sums[:, 1]
        means = torch.where(self.sums[:, 1] > 0, means, torch.zeros(()).double())
        values = {"train/loss": float((means * self.weights).sum())}
        if len(self.names) > 1:
            values |= {f"train/loss/{name}": float(means[i]) for i, name in enumerate(self.names)}
        self.sums = torch.zeros_like(self.sums)
        return values

    def state(self) -> Any:
        return self.sums.tolist()

    def load(self, state: Any) -> None:
        self.sums = torch.tensor(state, dtype=torch.float64).reshape(len(self.names), 2)
