"""TensorBoard's files: numbers of every step and evaluation, histograms of parameters and gradients, pictures."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from danlu.errors import Problem, RunError
from danlu.messages import say
from danlu.training.events import (
    EpochDone,
    Evaluated,
    Event,
    FitStarted,
    Said,
    Snapshot,
    StepsDone,
)
from danlu.watch.event_file import EventFile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor


_WIDTHS = [1e-12 * 1.1**power for power in range(775)]  # up to 1e20, as TensorBoard's own histograms
_BINS = [*(-width for width in reversed(_WIDTHS)), 0.0, *_WIDTHS]


class TensorBoard:
    """A watcher. Its x axis counts finished steps.

    A resumed run goes on in a new file of the same folder, and TensorBoard forgets the steps after the checkpoint
    that are done again. histograms_every: epochs between histograms.

    Raises RunError where the package is missing or its files can't be written.
    """

    def __init__(self, folder: str | os.PathLike[str], histograms_every: int = 1) -> None:
        try:
            from tensorboard.compat.proto.event_pb2 import Event as Record  # type: ignore[import-untyped]
            from tensorboard.compat.proto.event_pb2 import SessionLog
            from tensorboard.compat.proto.summary_pb2 import Summary  # type: ignore[import-untyped]
            from torch.utils.tensorboard import summary
        except ImportError as error:
            what, remedy = say("watch.no-tensorboard", reason=error), say("watch.no-tensorboard.remedy")
            raise RunError(Problem("watch.tensorboard", what, remedy)) from error
        self.folder = os.fspath(folder)
        self._record, self._session, self._summary, self._made = Record, SessionLog, Summary, summary
        self._opened: EventFile | None = None
        self._every, self._epoch, self._step = histograms_every, 0, 0

    @property
    def wants_snapshots(self) -> bool:
        """Whether the epoch in hand ends with histograms."""
        return self._every > 0 and (self._epoch + 1) % self._every == 0

    def on(self, event: Event) -> None:
        with self._told():
            self._write(event)

    def picture(self, name: str, image: NDArray[np.uint8], step: int | None = None) -> None:
        """image: (H, W, 3) uint8, RGB. step: finished; None: those of the last event."""
        with self._told():
            made = self._made.image(name, image, dataformats="HWC")  # type: ignore[no-untyped-call]
            self._add(made, self._step if step is None else step, time.time())

    def close(self) -> None:
        """May be called more than once."""
        opened, self._opened = self._opened, None
        with self._told():
            if opened is not None:
                opened.close()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What is added inside is in the file afterwards."""
        try:
            yield
            if self._opened is not None:
                self._opened.write()
        except OSError as error:
            what = say("watch.tensorboard-not-written", reason=error.strerror or str(error))
            raise RunError(Problem(self.folder, what, say("watch.tensorboard-not-written.remedy"))) from error

    def _write(self, event: Event) -> None:
        self._step = max(self._step, event.step)
        match event:
            case FitStarted():
                self._epoch = event.epoch
                self._file(purge_step=event.step + 1)
            case StepsDone():
                self._steps(event)
            case EpochDone():
                self._epoch = event.epoch + 1
                self._scalars(event.step, time.time(), {f"epoch/{name}": value for name, value in event.values.items()})
            case Evaluated():
                self._scalars(event.step, time.time(), event.values)
            case Said() if event.level == "warning" and self._opened is not None:
                self._add(self._made.text("warnings", event.text), event.step, time.time())  # type: ignore[no-untyped-call]
            case Snapshot() if self.wants_snapshots:
                self._histograms("parameters", event.parameters, event.step)
                self._histograms("gradients", event.gradients, event.step)

    def _file(self, purge_step: int | None = None) -> EventFile:
        """purge_step: the first whose earlier values no longer hold."""
        if self._opened is None:
            self._opened = EventFile(Path(self.folder))
            now = time.time()
            self._opened.add(self._record(wall_time=now, file_version="brain.Event:2").SerializeToString())
            if purge_step is not None:
                start = self._session(status=self._session.START)
                self._opened.add(self._record(wall_time=now, step=purge_step, session_log=start).SerializeToString())
        return self._opened

    def _add(self, summary: Any, step: int, wall: float) -> None:
        self._file().add(self._record(wall_time=wall, step=step, summary=summary).SerializeToString())

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
        self._add(self._summary(value=items), step, wall)

    def _histograms(self, group: str, tensors: Mapping[str, Any], step: int) -> None:
        for name, tensor in tensors.items():
            if (finite := _finite(tensor)).numel():
                made = self._made.histogram(f"{group}/{name}", finite.numpy(), _BINS)  # type: ignore[no-untyped-call]
                self._add(made, step, time.time())


def _finite(tensor: Tensor) -> Tensor:
    """float32, the elements that a histogram can hold."""
    import torch

    flat = tensor.detach().flatten().float()
    if flat.numel() == 0 or all(map(math.isfinite, torch.aminmax(flat))):  # a NaN makes both NaN
        return flat
    return flat[torch.isfinite(flat)]
