"""What ``danlu plan`` foresees, and what then happens: peak memory, seconds a step and in all, for eight recipes.

Run: ``python benchmarks/forecast.py [NAME…]``. Every forecast and every training is a process of its own, one after another; data are
drawn (but for Fashion-MNIST, which comes with Danlu), trainings end after 60 steps. Prints a table; "memory" is the process's peak as
the system tells it (VmHWM), a step's time that of those after the first second. On a machine that others use, only CPU time says
how good the forecast is: the wall time of a step is as long as they leave room for.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import danlu  # noqa: F401 - before torchvision, which it puts right

MOBILE = {"model.name": "torchvision:mobilenet_v3_small"}
RECIPES: dict[str, dict[str, Any]] = {
    "mlp, 8 × 8, sgd": {"size": 8, "model.name": "mlp", "train.optimizer.name": "sgd"},
    "resnet, Fashion 28 × 28": {},
    "the same, batch of 128 × 4": {"train.batch_size": 128, "train.accumulate": 4},
    "resnet, 32 × 32 × 3, adamw, EMA, batch of 256": {
        "size": 32,
        "train.batch_size": 256,
        "train.optimizer.name": "adamw",
        "train.ema": 0.99,
    },
    "mobilenet_v3_small, 64 × 64, adamw": MOBILE | {"size": 64, "train.optimizer.name": "adamw"},
    "the same, frozen": MOBILE
    | {"size": 64, "train.optimizer.name": "adamw", "model.unfreeze": "frozen", "drawn": True},
    "timm convnext_atto, 64 × 64, batch of 32": {
        "size": 64,
        "model.name": "timm:convnext_atto",
        "train.batch_size": 32,
        "train.optimizer.name": "adamw",
    },
    "detection, 64 × 64": {"task": "detection", "train.batch_size": 16},
}
STEPS = 60
COMMON = {"train.max_steps": STEPS, "train.epochs": 100, "train.threads": 1, "train.precision": "fp32"}
COMMON |= {"run.name": "run", "train.device": "cpu", "evaluate.report": False}
PLAN = """
import json, statistics, sys, time, danlu
from danlu.training.forecast import trial

timed, spent = trial._timed, []


def watched(*given):
    began = time.process_time()
    seconds = timed(*given)
    spent.append(time.process_time() - began)
    return seconds


def only_those(*given, **named):
    spent.clear()  # of rehearsals before
    step = tried(*given, **named)
    kept[:] = spent
    return step


import danlu.runs.forecasting as forecasting

tried, kept = forecasting.try_out, []
trial._timed, forecasting.try_out = watched, only_those
print(json.dumps(danlu.plan(sys.argv[1]).as_dict() | {"cpu": statistics.median(kept[len(kept) // 2 :])}))
"""
TRAIN = """
import json, sys, time, danlu
from danlu.training.events import StepsDone


class Clock:
    wants_snapshots = False
    seconds, steps, last = 0.0, 0, None

    def on(self, event):
        now = time.process_time()
        if isinstance(event, StepsDone) and self.last is not None:
            self.seconds, self.steps = self.seconds + now - self.last, self.steps + len(event.steps)
        self.last = now

    def progress(self, *_):
        pass

    def close(self):
        pass


clock = Clock()
run = danlu.train(sys.argv[1], screen=clock)
told = {event["type"]: event for event in run.events()}
print(json.dumps({"happened": told["happened"], "cpu": clock.seconds / max(1, clock.steps)}))
"""


def main() -> None:
    wanted = sys.argv[1:] or list(RECIPES)
    titles = ("memory", "CPU a step", "wall a step", "wall in all")
    print(f"| recipe | {' | '.join(f'{title}: foreseen | happened | off' for title in titles)} |")
    print("| --- |" + " --- |" * 3 * len(titles))
    worst = [0.0] * len(titles)
    for name in wanted:
        with tempfile.TemporaryDirectory() as place:
            recipe = written(Path(place), RECIPES[name])
            forecast = asked(PLAN, recipe)
            told = asked(TRAIN, recipe)
        happened, time = told["happened"], forecast["time"]
        rows = [
            (forecast["memory"]["peak"] / 1e6, happened["memory"] / 1e6, "{:.0f} MB"),
            (forecast["cpu"] * 1e3, told["cpu"] * 1e3, "{:.0f} ms"),
            ((time["training"] + time["captures"]) / time["steps"] * 1e3, happened["seconds"] * 1e3, "{:.0f} ms"),
            (time["total"], happened["spent"], "{:.1f} s"),
        ]
        cells = [
            cell
            for foreseen, real, form in rows
            for cell in (form.format(foreseen), form.format(real), f"{100 * (foreseen / real - 1):+.0f} %")
        ]
        worst = [max(most, abs(foreseen / real - 1)) for most, (foreseen, real, _) in zip(worst, rows, strict=True)]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
    print("\nlargest errors: " + ", ".join(f"{title} {most:.0%}" for title, most in zip(titles, worst, strict=True)))


def asked(code: str, recipe: Path) -> dict[str, Any]:
    done = subprocess.run([sys.executable, "-c", code, str(recipe)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def written(place: Path, chosen: dict[str, Any]) -> Path:
    """The recipe's file, its data beside it."""
    keys = {key: value for key, value in (COMMON | chosen).items() if key not in ("size", "drawn")}
    if chosen.get("drawn"):
        keys |= {"model.pretrained": str(weights(place))}
    keys |= {"run.folder": str(place / "runs"), "data.cache": str(place / "cache")}
    keys.setdefault("task", "image-classification")
    if keys["task"] == "detection":
        keys |= {"data.source": str(boxes(place)), "data.format": "coco", "data.split": {"val": 0.1, "test": 0.1}}
        keys |= {"data.image": {"size": 64}}
    elif "size" in chosen:
        keys |= {"data.source": str(images(place, chosen["size"])), "data.split": {"val": 0.1, "test": 0.1}}
    else:
        keys |= {"data.source": "builtin:fashion"}
    nested: dict[str, Any] = {}
    for key, value in keys.items():
        at = nested
        *path, last = key.split(".")
        for part in path:
            at = at.setdefault(part, {})
        at[last] = value
    file = place / "recipe.yaml"
    file.write_text(json.dumps(nested), encoding="utf-8")
    return file


def weights(place: Path) -> Path:
    """Drawn ones in a file, as if they had been learnt: what is frozen wants some."""
    from safetensors.torch import save_file
    from torchvision.models import mobilenet_v3_small

    save_file(mobilenet_v3_small().state_dict(), place / "weights.safetensors")
    return place / "weights.safetensors"


def images(place: Path, size: int, rows: int = 4000) -> Path:
    """Ten classes, each brighter in another place."""
    draw = np.random.default_rng(0)
    labels = draw.integers(0, 10, rows)
    pixels = draw.integers(0, 200, (rows, size, size, 3), dtype=np.uint8)
    for row, label in enumerate(labels):
        pixels[row, :, label * size // 10 : (label + 1) * size // 10 + 1] += 50
    np.savez(place / "images.npz", images=pixels, labels=labels)
    return place / "images.npz"


def boxes(place: Path, rows: int = 1000) -> Path:
    """A bright rectangle or two on each image."""
    draw = np.random.default_rng(0)
    found: dict[str, Any] = {
        "images": [],
        "annotations": [],
        "categories": [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}],
    }
    for row in range(rows):
        pixels = draw.integers(0, 100, (64, 64, 3), dtype=np.uint8)
        for _ in range(draw.integers(1, 3)):
            left, top = (int(place) for place in draw.integers(0, 40, 2))
            wide, high = (int(length) for length in draw.integers(10, 24, 2))
            kind = int(draw.integers(1, 3))
            pixels[top : top + high, left : left + wide, kind] = 250
            box = {
                "id": len(found["annotations"]),
                "image_id": row,
                "category_id": kind,
                "bbox": [left, top, wide, high],
            }
            found["annotations"].append(box | {"area": wide * high, "iscrowd": 0})
        Image.fromarray(pixels).save(place / f"{row}.png")
        found["images"].append({"id": row, "file_name": f"{row}.png", "width": 64, "height": 64})
    (place / "instances.json").write_text(json.dumps(found), encoding="utf-8")
    return place / "instances.json"


if __name__ == "__main__":
    main()
