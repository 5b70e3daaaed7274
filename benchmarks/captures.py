"""What looking inside the net costs: the share of a training's CPU time that goes into a look at every 10th step.

Run: ``python benchmarks/captures.py [runs]``. Prints, for the default recipe and a small MLP, the median over runs, and whether a run
without looks ended in the same bits. Whole trainings can't be compared: they differ by more than a look costs. So the looks themselves
are timed, with the copying of the net and the writing of what was seen; the rest is the training without them, since a step
after a look takes no longer than others.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import danlu
from danlu.runs.captures import CaptureWriter
from danlu.training.events import Event, FitDone, FitStarted
from danlu.training.looking import Looks

COMMON = {
    "data.source": "builtin:fashion",
    "data.split.val": 0.0,
    "evaluate.baselines": False,
    "evaluate.report": False,
}
COMMON |= {"train.threads": 1, "train.precision": "fp32"}
MLP = {"data.augment": [], "model.name": "mlp"}
RECIPES: dict[str, dict[str, Any]] = {
    "resnet, 78 k parameters": {"train.epochs": 3},
    "mlp 512-256, batch of 64": MLP | {"train.epochs": 5},
    "the same, batch of 256": MLP | {"train.batch_size": 256, "train.epochs": 10},
}


class Clock:
    """CPU seconds of the loop, as a screen; and of the looks in it."""

    wants_snapshots = False
    began = whole = looks = 0.0
    number = 0

    def on(self, event: Event) -> None:
        if isinstance(event, FitStarted):
            self.began, self.looks, self.number = time.process_time(), 0.0, 0  # the forecast before it looks as well
        elif isinstance(event, FitDone):
            self.whole = time.process_time() - self.began

    def progress(self, *_: object) -> None:
        pass

    def close(self) -> None:
        pass

    def timing(self, work: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*given: Any) -> Any:
            began = time.process_time()
            try:
                return work(*given)
            finally:
                self.looks += time.process_time() - began
                self.number += work.__name__ == "after"

        return timed


def measure(changes: dict[str, Any], every: int, folder: str) -> tuple[Clock, bytes]:
    clock = Clock()
    timed = [(Looks, name) for name in ("before", "after", "tell", "saving")] + [(CaptureWriter, "_join")]
    plain = [getattr(kind, name) for kind, name in timed]
    for (kind, name), work in zip(timed, plain, strict=True):
        setattr(kind, name, clock.timing(work))
    try:
        asked = COMMON | changes | {"watch.captures_every": every, "run.folder": folder}
        run = danlu.train({}, screen=clock, **{key.replace(".", "__"): value for key, value in asked.items()})
    finally:
        for (kind, name), work in zip(timed, plain, strict=True):
            setattr(kind, name, work)
    weights = max(Path(run.path / "checkpoints").iterdir()) / "net.safetensors"
    return clock, weights.read_bytes()


def main(runs: int = 5) -> None:
    print(f"{'':<28}{'training':>10}{'a look':>12}{'share':>9}   bits")
    for name, changes in RECIPES.items():
        with tempfile.TemporaryDirectory() as folder:
            _, bits = measure(changes, 0, folder)
            found = [measure(changes, 10, folder) for _ in range(runs)]
        clocks = [clock for clock, _ in found]
        share = statistics.median(clock.looks / (clock.whole - clock.looks) for clock in clocks)
        whole = statistics.median(clock.whole - clock.looks for clock in clocks)
        look = statistics.median(clock.looks / clock.number for clock in clocks)
        same = "equal" if all(each == bits for _, each in found) else "DIFFERENT"
        print(f"{name:<28}{whole:>9.2f}s{1e3 * look:>9.1f} ms{100 * share:>7.1f} %   {same}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
