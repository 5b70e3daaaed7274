"""Lines for logs: one ``key=value`` list an epoch, and one every half minute within; no escape codes, keys in
English.
"""

from __future__ import annotations

import json
import math
import re
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TextIO

from danlu.training.events import (
    CheckpointSaved,
    Compared,
    Diagnosed,
    Evaluated,
    EvaluationProgress,
    Event,
    FitDone,
    FitStarted,
    Said,
    StepsDone,
)
from danlu.watch.eta import Clock
from danlu.watch.rows import Row, Rows
from danlu.watch.stages import Stage
from danlu.watch.state import State

EVERY = 30.0  # seconds between lines within an epoch
BEATS = ("start", "progress", "evaluating", "epoch", "stage")  # what says how far it is, and so need not be said again
BARE = re.compile(r"[^\s\"'=\\\x00-\x1f\x7f]+")


class Plain:
    """A watcher. Each line starts with ``event=`` start, progress, evaluating, epoch, test, baselines, health, checkpoint, warning,
    info, end, stage or stage-done; a value with spaces is quoted as in JSON. A reader that goes away (``| head``)
    ends the lines, never the training.
    """

    wants_snapshots = False

    def __init__(self, stream: TextIO | None = None, clock: Clock = time.monotonic, every: float = EVERY) -> None:
        self._stream = stream or sys.stdout
        self.state = State(clock)
        self._clock, self._every = clock, every
        self._rows = Rows()
        self._stage: Stage | None = None
        self._last = clock()

    def on(self, event: Event) -> None:
        row = self._rows.on(event)
        if row is not None:
            self._epoch(row)
        self.state.on(event)
        due = self._clock() - self._last >= self._every
        match event:
            case FitStarted():
                self._started(event)
            case StepsDone() if due:
                self._progress()
            case EvaluationProgress() if due:
                done, left = f"{event.done}/{event.total}", _seconds(self.state.eta.evaluation())
                self._line("evaluating", {"part": event.part, "done": done, "eta": left} | self._eta())
            case Evaluated() if event.part == "test":
                self._line("test", _judged(event.values, event.intervals) | {"seconds": f"{event.seconds:.1f}"})
            case Compared():
                self._line("baselines", _beside(event))
            case Diagnosed():
                self._line("health", {"verdict": event.name, "severity": event.severity, "text": event.text})
            case CheckpointSaved():
                self._line("checkpoint", {"step": event.step, "path": event.path, "seconds": f"{event.seconds:.2f}"})
            case Said():
                self._line("warning" if event.level == "warning" else "info", {"text": event.text})
            case FitDone():
                best = {f"best/{name}": _number(value) for name, value in event.best.items()}
                spent = f"{event.seconds:.1f}"
                ended = {"reason": event.reason, "step": event.step, "skipped": event.skipped or None, "seconds": spent}
                self._line("end", ended | best)

    def progress(self, stage: str, done: int, total: int) -> None:
        """How far a stage of the preparation is. Nothing is said of one that takes less than two seconds."""
        if self._stage is not None and self._stage.name != stage:
            self._stage_over(self._stage)
            self._stage = None
        first = self._stage is None
        if self._stage is None:
            self._stage = Stage(stage, done, total, self._clock)
        before = not first and self._stage.shown
        self._stage.tell(done, total)
        if self._stage.over:
            self._stage_over(self._stage)
            self._stage = None
        elif self._stage.shown and (not before or self._clock() - self._last >= self._every):
            of = f"{done}/{total}" if total else done
            self._line("stage", {"stage": stage, "done": of, "eta": _seconds(self._stage.left)})

    def close(self) -> None:
        row = self._rows.flush()
        if row is not None:
            self._epoch(row)

    def _started(self, event: FitStarted) -> None:
        values = {
            "epochs": event.epochs,
            "step": f"{event.step}/{event.total_steps}",
            "steps_per_epoch": event.steps_per_epoch,
            "batch_size": event.batch_size,
            "monitor": event.monitor or None,
        }
        self._line("start", values)

    def _progress(self) -> None:
        state = self.state
        values = {name: _number(value) for name, value in state.latest.items()}
        speed = {
            "samples/s": None if state.speed is None else f"{state.speed:.4g}",
            "waiting": None if state.waiting is None else f"{100 * state.waiting:.0f}%",
            "eta_epoch": _seconds(state.eta.epoch()),
        }
        self._line("progress", self._place(state.epoch, state.step) | values | speed | self._eta())

    def _epoch(self, row: Row) -> None:
        best = {"best": "yes"} if row.best else {}
        values = _judged(row.values, row.intervals) | best | {"seconds": f"{row.seconds:.1f}"}
        self._line("epoch", self._place(row.epoch, row.step) | values | self._eta())

    def _place(self, epoch: int, step: int) -> dict[str, object]:
        return {"epoch": f"{epoch + 1}/{self.state.epochs}", "step": f"{step}/{self.state.total_steps}"}

    def _eta(self) -> dict[str, object]:
        """Of the whole run."""
        return {"eta_run": _seconds(self.state.eta.run())}

    def _stage_over(self, stage: Stage) -> None:
        stage.end()
        if stage.shown:
            self._line("stage-done", {"stage": stage.name, "done": stage.done, "seconds": f"{stage.seconds:.1f}"})

    def _line(self, event: str, values: Mapping[str, object]) -> None:
        if event in BEATS:
            self._last = self._clock()
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        pairs = [("event", event), ("time", now), *((key, value) for key, value in values.items() if value is not None)]
        text = " ".join(f"{key}={_quoted(str(value))}" for key, value in pairs)
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        try:
            self._stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            self._line = _nothing  # type: ignore[method-assign]


def _nothing(event: str, values: Mapping[str, object]) -> None:
    """Nobody reads."""


def _quoted(text: str) -> str:
    return text if BARE.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def _number(value: float) -> str:
    return f"{value:.6g}"


def _seconds(value: float | None) -> str | None:
    return None if value is None else f"{value:.0f}s"


def _beside(event: Compared) -> dict[str, object]:
    """The net's figure and every baseline's, what it gains over the best of them, and whether that is sure."""
    bounds = dict(zip(("difference/low", "difference/high"), event.interval, strict=True))
    figures = {"net": event.net, **event.baselines, "difference": event.difference}
    figures |= {name: bound for name, bound in bounds.items() if math.isfinite(bound)}
    told = {name: _number(value) for name, value in figures.items()}
    beaten = "yes" if event.beaten else "no"
    return {"part": event.part, "metric": event.metric, **told, "best": event.best, "beaten": beaten}


def _judged(values: Mapping[str, float], intervals: Mapping[str, tuple[float, float]]) -> dict[str, object]:
    """Every value, and behind each that has an interval its bounds."""
    found: dict[str, object] = {}
    for name, value in values.items():
        found[name] = _number(value)
        if name in intervals:
            found |= {f"{name}/low": _number(intervals[name][0]), f"{name}/high": _number(intervals[name][1])}
    return found
