"""TensorBoard's files: numbers of every step and evaluation, histograms of parameters and gradients, pictures."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from danlu.errors import Problem, RunError
from danlu.messages import say
from danlu.training.events import (
    CheckpointSaved,
    EpochDone,
    Evaluated,
    Event,
    FitDone,
    FitStarted,
    Snapshot,
    StepsDone,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor
    from torch.utils.tensorboard import SummaryWriter


class TensorBoard:
    """A watcher. Its x axis counts finished steps.

    A resumed run goes on in a new file of the same folder, and TensorBoard forgets the steps after the checkpoint
    that are done again. histograms_every: epochs between histograms. Costs about 0.1 ms a step, half of it in a
    thread.

    Raises RunError where the package is missing or its files can't be written.
    """

    def __init__(self, folder: str | os.PathLike[str], histograms_every: int = 1) -> None:
        try:
            from tensorboard.compat.proto.event_pb2 import Event as Record  # type: ignore[import-untyped]
            from tensorboard.compat.proto.summary_pb2 import Summary  # type: ignore[import-untyped]
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            what, remedy = say("watch.no-tensorboard", reason=error), say("watch.no-tensorboard.remedy")
            raise RunError(Problem("watch.tensorboard", what, remedy)) from error
        self.folder = os.fspath(folder)
        self._record, self._summary, self._make = Record, Summary, SummaryWriter
        self._opened: SummaryWriter | None = None
        self._every, self._epoch, self._step = histograms_every, 0, 0

    @property
    def wants_snapshots(self) -> bool:
        """Whether the epoch in hand ends with histograms."""
        return self._every > 0 and (self._epoch + 1) % self._every == 0

    def on(self, event: Event) -> None:
        try:
            self._write(event)
        except OSError as error:  # raised here for what the writing thread met
            what = say("watch.tensorboard-not-written", reason=error.strerror or str(error))
            raise RunError(Problem(self.folder, what, say("watch.tensorboard-not-written.remedy"))) from error

    def picture(self, name: str, image: NDArray[np.uint8], step: int | None = None) -> None:
        """image: (H, W, 3) uint8, RGB. step: finished; None: those of the last event."""
        self._writer().add_image(name, image, self._step if step is None else step, dataformats="HWC")

    def close(self) -> None:
        """May be called more than once."""
        opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()

    def _write(self, event: Event) -> None:
        self._step = max(self._step, event.step)
        match event:
            case FitStarted():
                self._epoch = event.epoch
                _await_next_second(Path(self.folder))
                self._opened = self._opened or self._make(self.folder, purge_step=event.step + 1)
            case StepsDone():
                self._steps(event)
            case EpochDone():
                self._epoch = event.epoch + 1
                self._scalars(event.step, time.time(), {f"epoch/{name}": value for name, value in event.values.items()})
            case Evaluated():
                self._scalars(event.step, time.time(), event.values)
            case Snapshot() if self.wants_snapshots:
                self._histograms("parameters", event.parameters, event.step)
                self._histograms("gradients", event.gradients, event.step)
            case CheckpointSaved() | FitDone():
                self._writer().flush()

    def _writer(self) -> SummaryWriter:
        if self._opened is None:
            self._opened = self._make(self.folder)
        return self._opened

    def _steps(self, event: StepsDone) -> None:
        """All numbers of a step in one record; its time as if the block's steps had taken equally long."""
        count, now = len(event.steps), time.time()
        names = list(event.values)
        for index, row in enumerate(zip(*event.values.values(), strict=True)):
            wall = now - event.seconds * (count - 1 - index) / count
            self._scalars(event.step - count + 1 + index, wall, dict(zip(names, row, strict=True)))
        if event.seconds > 0:
            speed = {"speed/samples": event.samples / event.seconds, "speed/waiting": event.waited / event.seconds}
            self._scalars(event.step, now, speed)

    def _scalars(self, step: int, wall: float, values: Mapping[str, float]) -> None:
        items = [self._summary.Value(tag=name, simple_value=value) for name, value in values.items()]
        record = self._record(wall_time=wall, step=step, summary=self._summary(value=items))
        self._writer()._get_file_writer().event_writer.add_event(record)  # type: ignore[no-untyped-call]

    def _histograms(self, group: str, tensors: Mapping[str, Any], step: int) -> None:
        for name, tensor in tensors.items():
            if (finite := _finite(tensor)).numel():
                self._writer().add_histogram(f"{group}/{name}", finite, step)


def _await_next_second(folder: Path) -> None:
    """TensorBoard reads files in the order of their names, in which only the second stands: two of one second would swap."""
    seconds = [
        int(part) for path in folder.glob("events.out.tfevents.*") if (part := path.name.split(".")[3]).isdigit()
    ]
    until = time.monotonic() + 1.1
    while max(seconds, default=0) >= int(time.time()) and time.monotonic() < until:
        time.sleep(0.02)


def _finite(tensor: Tensor) -> Tensor:
    """float32, the elements that a histogram can hold."""
    import torch

    flat = tensor.detach().flatten().float()
    if flat.numel() == 0 or all(map(math.isfinite, torch.aminmax(flat))):  # a NaN makes both NaN
        return flat
    return flat[torch.isfinite(flat)]
