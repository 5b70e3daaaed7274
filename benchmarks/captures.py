"""What looking inside the net costs: CPU seconds of a training with a look at every 10th step, beside one without.

Run: ``python benchmarks/captures.py [pairs]``. Prints, for the default recipe and a small MLP, the median of alternating pairs, and
whether both runs ended in the same bits. From the first step to the last checkpoint, without evaluations; what was captured is
written in that time too.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import danlu
from danlu.training.events import Event

MLP = {"data.source": "builtin:fashion", "data.augment": [], "model.name": "mlp", "train.epochs": 3}
RECIPES: dict[str, dict[str, Any]] = {
    "fashion, resnet": {"data.source": "builtin:fashion", "train.epochs": 1},
    "fashion, mlp 512-256": MLP,
    "the same, batch 256": MLP | {"train.batch_size": 256, "train.epochs": 6},
}


class Clock:
    """CPU seconds between the loop's beginning and its end."""

    wants_snapshots = False
    began = ended = 0.0

    def on(self, event: Event) -> None:
        kind = type(event).__name__
        if kind == "FitStarted":
            self.began = time.process_time()
        elif kind == "FitDone":
            self.ended = time.process_time()

    def progress(self, *_: object) -> None:
        pass

    def close(self) -> None:
        pass


def measure(changes: dict[str, Any], every: int, folder: str) -> tuple[float, bytes]:
    clock = Clock()
    fixed = {"watch.captures_every": every, "evaluate.baselines": False, "run.folder": folder, "train.threads": 1}
    fixed |= {"train.precision": "fp32", "data.split.val": 0.0, "evaluate.report": False}
    run = danlu.train({}, screen=clock, **{key.replace(".", "__"): value for key, value in (changes | fixed).items()})
    weights = max(Path(run.path / "checkpoints").iterdir()) / "net.safetensors"
    return clock.ended - clock.began, weights.read_bytes()


def main(pairs: int = 5) -> None:
    print(f"{'':<24}{'without':>10}{'with':>10}{'cost':>9}   bits")
    for name, changes in RECIPES.items():
        plain, looking, same = [], [], True
        with tempfile.TemporaryDirectory() as folder:
            measure(changes, 0, folder)  # warms the caches
            for number in range(pairs):
                order = (0, 10) if number % 2 else (10, 0)
                found = {every: measure(changes, every, folder) for every in order}
                plain.append(found[0][0])
                looking.append(found[10][0])
                same &= found[0][1] == found[10][1]
        cost = statistics.median(b / a for a, b in zip(plain, looking, strict=True)) - 1
        middle = statistics.median(plain), statistics.median(looking)
        print(
            f"{name:<24}{middle[0]:>9.2f}s{middle[1]:>9.2f}s{100 * cost:>7.1f} %   {'equal' if same else 'DIFFERENT'}"
        )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
