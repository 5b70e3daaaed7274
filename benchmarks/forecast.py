"""What ``danlu plan`` foresees, and what then happens: peak memory, seconds a step and in all, for eight recipes.

Run: ``python benchmarks/forecast.py [NAME…] [--rounds N]``. A round is a forecast and then the training, each a process of its own, one
after another; data are drawn (but for Fashion-MNIST, which comes with Danlu), trainings end after 60 steps, that of the MLP after 1,000
(60 would be a third of a second). What is compared is what a user is told: the forecast of ``danlu plan --json``, and what the run's
``happened`` says at its end. "memory" is the process's peak as the system tells it (VmHWM); a step's time is that of those after the
first block of steps, with its share of looks inside the net.

Prints a table: medians over the rounds, and as "off" the median of the rounds' own. "itself": by how much the slowest of the rounds'
trainings exceeded the quickest, which no forecast can undercut. On a machine that others use, only CPU time says how good a forecast
is: the wall time of a step is as long as they leave room for.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

import danlu  # noqa: F401 - before torchvision, which it puts right

MOBILE = {"model.name": "torchvision:mobilenet_v3_small"}
RECIPES: dict[str, dict[str, Any]] = {
    "mlp, 8 × 8, sgd": {"size": 8, "model.name": "mlp", "train.optimizer.name": "sgd", "train.max_steps": 1000},
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
COMMON = {"train.max_steps": STEPS, "train.epochs": 100, "train.threads": 1, "train.device": "cpu"}
COMMON |= {"evaluate.report": False}
PLAN = """
import json, sys, danlu
print(json.dumps(danlu.plan(sys.argv[1], run__name=sys.argv[2]).as_dict()))
"""
TRAIN = """
import json, sys, danlu
run = danlu.train(sys.argv[1], screen=False, run__name=sys.argv[2])
print(json.dumps({event["type"]: event for event in run.events()}["happened"]))
"""


class Pair(NamedTuple):
    """One quantity of one round."""

    foreseen: float
    happened: float

    @property
    def off(self) -> float:
        return self.foreseen / self.happened - 1


TITLES = {"memory": "{:.0f} MB", "CPU a step": "{:.0f} ms", "wall a step": "{:.0f} ms", "wall in all": "{:.1f} s"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="of the recipes; without any, all of them")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    heads = [f"{title}: {part}" for title in TITLES for part in ("foreseen", "happened", "off")]
    print(f"| recipe | {' | '.join(heads)} | CPU a step, off in each round | itself | load |")
    print("| --- |" + " --- |" * (len(heads) + 3))
    worst = dict.fromkeys(TITLES, 0.0)
    for name in given.names or RECIPES:
        with tempfile.TemporaryDirectory() as place:
            recipe = written(Path(place), RECIPES[name])
            found = [seen(recipe, f"run-{number}") for number in range(given.rounds)]
        cells = []
        for title, form in TITLES.items():
            pairs = [one[title] for one in found]
            off = middle(pairs)
            cells += [form.format(statistics.median(values)) for values in zip(*pairs, strict=True)] + [f"{off:+.0%}"]
            worst[title] = max(worst[title], abs(off))
        steps = [one["CPU a step"] for one in found]
        each = ", ".join(f"{pair.off:+.0%}" for pair in steps)
        print(f"| {name} | {' | '.join(cells)} | {each} | {itself(steps):.0%} | {os.getloadavg()[1]:.1f} |", flush=True)
    print("\nlargest errors: " + ", ".join(f"{title} {most:.0%}" for title, most in worst.items()))


def middle(pairs: Sequence[Pair]) -> float:
    """The median of what the rounds were off by: a forecast is held against the training that follows it."""
    return statistics.median(pair.off for pair in pairs)


def itself(pairs: Sequence[Pair]) -> float:
    """How far the same training differed between rounds."""
    took = [pair.happened for pair in pairs]
    return max(took) / min(took) - 1


def seen(recipe: Path, name: str) -> dict[str, Pair]:
    """A round."""
    return compared(asked(PLAN, recipe, name), asked(TRAIN, recipe, name))


def compared(forecast: dict[str, Any], happened: dict[str, Any]) -> dict[str, Pair]:
    """forecast: of ``danlu plan``. happened: the event of that name. Megabytes, milliseconds, seconds; see ``TITLES``."""
    time = forecast["time"]
    step = (time["training"] + time["captures"]) / time["steps"]
    found = (
        Pair(forecast["memory"]["peak"] / 1e6, happened["memory"] / 1e6),
        Pair(1e3 * time["cpu"], 1e3 * happened["cpu"]),
        Pair(1e3 * step, 1e3 * happened["seconds"]),
        Pair(time["total"], happened["spent"]),
    )
    return dict(zip(TITLES, found, strict=True))


def asked(code: str, recipe: Path, name: str) -> dict[str, Any]:
    done = subprocess.run([sys.executable, "-c", code, str(recipe), name], capture_output=True, text=True, check=False)
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
