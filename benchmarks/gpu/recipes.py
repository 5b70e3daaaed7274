"""Steps and seconds on a GPU until a recipe's validation accuracy reaches a target.

Run: ``python benchmarks/gpu/recipes.py [--target 0.93] [--seeds 3] RECIPE [RECIPE…] [key=value…]``. A recipe is a file; keys
hold for all of them. Seconds are those of training, from the first step on, evaluations after each epoch left out.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from typing import Any

import torch
import yaml
from throughput import accelerator

import danlu
from danlu import recipe as recipes
from danlu.training.events import Evaluated, Event, StepsDone


class Course:
    """A screen that notes the first evaluation at or above the target."""

    wants_snapshots = False

    def __init__(self, target: float) -> None:
        self.target = target
        self.seconds, self.best = 0.0, 0.0
        self.reached: tuple[int, float] | None = None

    def on(self, event: Event) -> None:
        if isinstance(event, StepsDone):
            self.seconds += event.seconds
        elif isinstance(event, Evaluated) and event.part == "val":
            accuracy = event.values["val/accuracy"]
            self.best = max(self.best, accuracy)
            if self.reached is None and accuracy >= self.target:
                self.reached = event.step, self.seconds

    def progress(self, stage: str, done: int, total: int) -> None:
        pass

    def close(self) -> None:
        pass


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--target", type=float, default=0.93)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("words", nargs="+", help="recipes and key=value")
    given = parser.parse_args()
    device = accelerator()
    keys: dict[str, Any] = {"train.device": str(device), "evaluate.baselines": False, "evaluate.report": False}
    keys |= {word.partition("=")[0]: yaml.safe_load(word.partition("=")[2]) for word in given.words if "=" in word}
    print(f"{torch.cuda.get_device_name(device) if device.type == 'cuda' else 'CPU'}, torch {torch.__version__}\n")
    print(f"| recipe | reached {given.target} | steps | seconds | best |\n| --- | --- | --- | --- | --- |")
    for file in (word for word in given.words if "=" not in word):
        courses = []
        for seed in range(given.seeds):
            with tempfile.TemporaryDirectory() as folder:
                recipe = recipes.patch(recipes.load(file), keys | {"seed": seed, "run.folder": folder})
                courses.append(Course(given.target))
                danlu.train(recipe, screen=courses[-1])
        there = [course.reached for course in courses if course.reached is not None]
        middle = [f"{statistics.median(each):.4g}" for each in zip(*there, strict=True)] or ["–", "–"]
        best = statistics.median(course.best for course in courses)
        print(f"| {file} | {len(there)} of {len(courses)} | {' | '.join(middle)} | {best:.4f} |", flush=True)


if __name__ == "__main__":
    main()
