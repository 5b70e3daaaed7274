"""Training in a process of its own, watched from outside and killed at a chosen moment."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATIENCE = 150.0  # seconds until something that is waited for must have happened
GLANCE = 0.001  # seconds between two looks at the folder

RUN = Path("runs") / "it"


@dataclass(frozen=True)
class Moment:
    """When to kill: in which phase, at which of its turns (share of them all), how late in it (share of its length).

    phase: start (anywhere before the first step), filling (the cache), checking (a checkpoint goes round and back), begun (what a run
    begins with is written), steps, checkpoint, best (the best weights are written), evaluation, test, predictions (they are written),
    any (anywhere in the whole run).
    """

    phase: str
    turn: float
    late: float

    def __str__(self) -> str:
        return f"{self.phase}(turn={self.turn:.3f}, late={self.late:.3f})"


@dataclass(frozen=True)
class Course:
    """How the uninterrupted run went, so that moments in it can be chosen. Seconds; steps and epochs that were done."""

    begun: float
    whole: float
    steps: int
    epochs: int
    step: float
    saves: int
    saving: float
    evaluating: float
    testing: float

    @classmethod
    def of(cls, place: Path, begun: float, whole: float) -> Course:
        events = list(told(place))
        spent: dict[str, list[float]] = {
            "checkpoint-saved": [0.02],
            "evaluated": [0.05],
            "steps-done": [0.01],
            "test": [0.05],
        }
        for event in events:
            kind = "test" if (event["type"], event.get("part")) == ("evaluated", "test") else event["type"]
            if kind in spent:
                spent[kind].append(event["seconds"])
        steps = max(event["step"] for event in events)
        return cls(
            begun=begun,
            whole=whole,
            steps=steps,
            epochs=sum(event["type"] == "epoch-done" for event in events),
            step=_middle(spent["steps-done"]),
            saves=sum(event["type"] == "checkpoint-saved" for event in events),
            saving=_middle(spent["checkpoint-saved"]),
            evaluating=_middle(spent["evaluated"]),
            testing=_middle(spent["test"]) + 0.2,
        )


@dataclass(frozen=True)
class Whole:
    """A run that nobody disturbed: its workplace, and how it went."""

    place: Path
    course: Course


def _middle(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


class Training:
    """``danlu train recipe.yaml``, or ``danlu resume`` where the run's folder is there already, in the folder ``place``."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.resumed = (place / RUN / "recipe.yaml").is_file()
        self.told_before = sum(1 for _ in told(place))
        words = ["resume", str(RUN)] if self.resumed else ["train", "recipe.yaml"]
        self.began = time.monotonic()
        with (place / "said.txt").open("ab") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "danlu", *words], cwd=place, stdout=said, stderr=said, start_new_session=True
            )

    def finish(self) -> int:
        """Wait for the end; the exit code."""
        return self.process.wait(PATIENCE)

    def said(self) -> str:
        """What this training and those before it in the same place have printed."""
        return (self.place / "said.txt").read_text(encoding="utf-8")

    def kill(self, moment: Moment, course: Course) -> bool:
        """SIGKILL the training process, and nothing else, at ``moment``; whether it was still there to be killed."""
        self.await_(moment, course)
        self.process.kill()
        return self.process.wait() == -signal.SIGKILL

    def signal(self, number: int) -> None:
        """To every process of the training, as a terminal or a scheduler sends it."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, number)

    def await_(self, moment: Moment, course: Course) -> None:
        """Return when ``moment`` has come, or the training has ended before it came."""
        if moment.phase == "any":
            self._wait(lambda: False, moment.late * course.whole)
        else:
            happened, length = self._awaited(moment, course)
            self._wait(happened, PATIENCE)
            self._wait(lambda: False, moment.late * length)

    def left(self) -> list[int]:
        """Processes of the training that live on, after having had time to notice that it is gone."""
        deadline = time.monotonic() + 20.0
        while (alive := _session(self.process.pid)) and time.monotonic() < deadline:
            time.sleep(0.05)
        return alive

    def _wait(self, happened: Callable[[], bool], longest: float) -> None:
        deadline = time.monotonic() + longest
        while self.process.poll() is None and not happened() and time.monotonic() < deadline:
            time.sleep(min(GLANCE, max(0.0, deadline - time.monotonic())))

    def _awaited(self, moment: Moment, course: Course) -> tuple[Callable[[], bool], float]:
        """(what tells that the phase has come, how long it lasts)."""
        run, watch = self.place / RUN, _Watch(self.place)
        match moment.phase:
            case "start":
                return lambda: True, course.begun
            case "filling":
                return lambda: any((self.place / "cache").glob("prepared/*.filling-*")), 0.03
            case "checking":
                return lambda: any((self.place / "runs").glob(".*check*")), course.saving
            case "begun":
                return lambda: any((self.place / "runs").glob("*it*")), 0.05
            case "steps":
                return lambda: watch.step > moment.turn * (course.steps - 1), course.step
            case "checkpoint":
                turn = int(moment.turn * course.saves)
                return lambda: watch.writing(run / "checkpoints", turn), course.saving
            case "best":
                return lambda: watch.writing(run, 0), course.saving
            case "evaluation":
                return lambda: watch.epochs > moment.turn * (course.epochs - 1), course.evaluating
            case "predictions":
                return lambda: any((run / "predictions").glob(".*.part")), 0.004
            case "test":
                return lambda: watch.fitted, course.testing
        raise ValueError(moment.phase)


class _Watch:
    """What the events have told so far, and how many checkpoints were begun."""

    def __init__(self, place: Path) -> None:
        self.path = place / RUN / "events.jsonl"
        self.read = self.path.stat().st_size if self.path.is_file() else 0
        self._step = self._epochs = 0
        self._fitted = False
        self._begun: set[str] = set()

    @property
    def step(self) -> int:
        self._look()
        return self._step

    @property
    def epochs(self) -> int:
        self._look()
        return self._epochs

    @property
    def fitted(self) -> bool:
        self._look()
        return self._fitted

    def writing(self, folder: Path, turn: int) -> bool:
        """Whether the ``turn``-th (from 0) set of files that is written in ``folder`` is being written."""
        now = {path.name for path in folder.glob(".*.part")}
        self._begun |= now
        return bool(now) and len(self._begun) > turn

    def _look(self) -> None:
        if not self.path.is_file() or self.path.stat().st_size == self.read:
            return
        with self.path.open("rb") as file:
            file.seek(self.read)
            new = file.read()
        new = new[: new.rfind(b"\n") + 1]
        self.read += len(new)
        for line in new.splitlines():
            event = json.loads(line)
            self._step = max(self._step, event["step"])
            self._epochs += event["type"] == "epoch-done"
            self._fitted |= event["type"] == "fit-done"


def landed(training: Training) -> str:
    """In which phase a killed training was, by what it left."""
    place = training.place
    run = place / RUN
    events = list(told(place))
    before = "resuming, " if training.resumed else ""
    if not (run / "recipe.yaml").is_file():
        if any((place / "cache").glob("prepared/*.filling-*")):
            return "filling the cache"
        if any((place / "runs").glob(".*check*")):
            return "checking"
        return "beginning the folder" if any((place / "runs").glob("*it*")) else "before the folder"
    if len(events) <= training.told_before:
        return before + ("before anything was told" if training.resumed else "before the first step")
    if any((run / "checkpoints").glob(".*.part")):
        return before + "writing a checkpoint"
    if any(run.glob(".best.*.part")):
        return before + "writing the best weights"
    if any((run / "predictions").glob(".*.part")):
        return before + "writing predictions"
    last, places = events[-1], [event for event in events if event["type"] == "fit-started"]
    match last["type"]:
        case "said" | "fit-started":
            return before + "before the first step"
        case "epoch-done":
            return before + "evaluating"
        case "evaluated":
            return before + ("after the test" if last["part"] == "test" else "between evaluation and checkpoint")
        case "fit-done":
            return before + "testing"
    inside = last["step"] % places[-1]["steps_per_epoch"] if places else 0
    return before + ("in the steps, middle of an epoch" if inside else "in the steps, end of an epoch")


def told(place: Path) -> Iterator[dict[str, Any]]:
    """The events, a torn last line left out."""
    path = place / RUN / "events.jsonl"
    if not path.is_file():
        return
    for line in path.read_bytes().splitlines(keepends=True):
        if line.endswith(b"\n"):
            yield json.loads(line)


def _session(leader: int) -> list[int]:
    """Living processes of a session, where the system tells (Linux)."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == leader and fields[0] not in "ZX":
            found.append(int(path.parent.name))
    return found
