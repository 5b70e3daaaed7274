"""Makes tests/fixtures/runs/VERSION: ``python tools/make_old_runs.py FOLDER``, run with the Danlu of that version.

Small runs as that version writes them, the data they learnt from, and what it said with them (``expected.json``). Later
versions must go on reading them: tests/runs/test_old_runs.py. They are made once, before a version is released, and never again.

Where a defect was mended on which depends what a run says, ``python tools/make_old_runs.py FOLDER --changed "why"`` writes
beside them what is said from now on (``changed.json``), for each such run with the reason. That is for mended defects alone: a new
default doesn't reach old runs.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"  # before torch is loaded
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import torch
from tests.endtoend.drawn import coco_of_shapes, folder_of_shapes
from tests.runs.nearness import near

import danlu
from danlu import runs
from danlu.training.events import StepsDone

HOUSE_PRICE = Path(__file__).parents[1] / "examples" / "house_price"
SAID = ("evaluated", "intervals", "answers")
WATCH = {"log_seconds": 1e-6}  # every step is told at once

SHAPES: dict[str, Any] = {
    "task": "image-classification",
    "seed": 3,
    "data": {"source": "shapes", "split": {"val": 0.2, "test": 0.2}, "augment": ["flip", {"crop": 1}, {"mixup": 0.2}]},
    "model": {"name": "resnet", "args": {"widths": [4, 8], "blocks": [1, 1], "strides": [2, 2], "stem_pool": 1}},
    "train": {
        "epochs": 16, "batch_size": 8, "accumulate": 2, "ema": 0.5, "device": "cpu", "threads": 1, "precision": "fp32",
        "optimizer": {"name": "adamw", "lr": 0.03}, "early_stop": {"monitor": "val/loss", "patience": 16},
        "checkpoint": {"every_steps": 2, "keep": 1},
    },
    "watch": WATCH,
}  # fmt: skip
BOXES: dict[str, Any] = {
    "task": "detection",
    "data": {"source": "boxes/annotations.json", "format": "coco", "split": {"val": 0.2, "test": 0.2}},
    "model": {"args": {"width": 8, "features": 16, "tower": 0}},
    "train": {
        "epochs": 16, "batch_size": 4, "device": "cpu", "threads": 1, "precision": "fp32",
        "optimizer": {"name": "sgd", "lr": 0.02, "momentum": 0.0, "weight_decay": 1e-4}, "checkpoint": {"keep": 1},
    },
    "options": {"max_boxes": 12},
    "watch": WATCH,
}  # fmt: skip
HOUSES: dict[str, Any] = {
    "task": "house_price.spec:SPEC",
    "data": {"source": "houses.csv"},
    "train": {"epochs": 20, "device": "cpu", "threads": 1, "precision": "fp32", "checkpoint": {"keep": 1}},
    "options": {"hidden": 8},
    "watch": WATCH,
}


class CtrlC:
    """A screen that shows nothing and asks for an end after some steps, as a person would."""

    wants_snapshots = False

    def __init__(self, step: int) -> None:
        self.step = step

    def on(self, event: Any) -> None:
        if isinstance(event, StepsDone) and event.step == self.step:
            os.kill(os.getpid(), signal.SIGINT)

    def progress(self, stage: str, done: int, total: int) -> None: ...

    def close(self) -> None: ...


def write_houses(path: Path, count: int = 120) -> None:
    draw = np.random.default_rng(0)
    lines = ["area,rooms,price"]
    for _ in range(count):
        area, rooms = round(draw.uniform(30, 200), 1), int(draw.integers(1, 8))
        lines.append(f"{area},{rooms},{round(3 * area + 20 * rooms + draw.normal(0, 2), 1)}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def train(name: str, recipe: dict[str, Any], screen: Any = False) -> Path:
    run = danlu.train({**recipe, "run": {"name": name}}, screen=screen)
    (run.path / ".lock").unlink()
    environment = json.loads((run.path / "environment.json").read_text(encoding="utf-8"))
    environment["platform"] = platform.system()  # which kernel it was is nobody's business
    (run.path / "environment.json").write_text(json.dumps(environment, ensure_ascii=False, indent=1), encoding="utf-8")
    return run.path


def said(path: Path, inputs: list[Any]) -> dict[str, Any]:
    """What this version says with a run that has ended."""
    run = runs.Run(path)
    judged = {part: runs.evaluate(path, part) for part in ("test", "val")}
    shutil.rmtree(path / "predictions")
    shutil.rmtree(path / "pictures", ignore_errors=True)
    return {
        "status": run.status,
        "metrics": run.metrics,
        "evaluated": {part: found["values"] for part, found in judged.items()},
        "intervals": {part: found["intervals"] for part, found in judged.items()},
        "inputs": inputs,
        "answers": danlu.load(path).predict(inputs),
    }


def make(folder: Path) -> None:
    folder.mkdir(parents=True)
    os.environ["DANLU_CACHE"] = str(folder / "cache")
    os.chdir(folder)
    torch.set_num_threads(1)
    folder_of_shapes(Path("shapes"), each=14, size=16)
    coco_of_shapes(Path("boxes"), count=16, largest=80)
    write_houses(Path("houses.csv"))
    shutil.copytree(HOUSE_PRICE, "house_price", ignore=shutil.ignore_patterns("__pycache__"))
    pictures = [f"shapes/{name}/3.png" for name in ("circle", "cross", "square")]
    expected = {"shapes": said(train("shapes", SHAPES), pictures)}
    cut = train("shapes-cut", SHAPES, CtrlC(13))
    expected["shapes-cut"] = {"status": runs.Run(cut).status, "continues": "shapes"}
    expected["boxes"] = said(train("boxes", BOXES), ["boxes/images/0003.png", "boxes/images/0010.png"])
    shutil.rmtree("runs/boxes/checkpoints")  # large; what is judged and asked is its best
    expected["houses"] = said(train("houses", HOUSES), [{"area": 80.0, "rooms": 3}, {"area": 150.0, "rooms": 6}])
    environment = json.loads(Path("runs/shapes/environment.json").read_text(encoding="utf-8"))
    about = {"version": danlu.__version__, "packages": environment["packages"], "cpu": environment["cpu"]["capability"]}
    Path("expected.json").write_text(json.dumps({"made": about, "runs": expected}, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree("cache")
    for left in Path().rglob("__pycache__"):
        shutil.rmtree(left)


def note_changes(folder: Path, why: str) -> None:
    file = folder / "changed.json"
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))["runs"]
    known = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    with TemporaryDirectory() as place:
        copy = shutil.copytree(folder, Path(place) / "copy")
        os.environ["DANLU_CACHE"] = str(copy / "cache")
        os.chdir(copy)
        for name, before in expected.items():
            if "answers" not in before:
                continue
            now = said(Path("runs", name), before["inputs"])
            last = before | known.get(name, {})
            different = {key: now[key] for key in SAID if not near(now[key], last[key])}
            if different:
                reasons = [*known.get(name, {}).get("why", []), why]
                known[name] = known.get(name, {}) | different | {"why": reasons}
                sys.stdout.write(f"{name}: {', '.join(different)}\n")
        os.chdir(folder)
    file.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if "--changed" in sys.argv:
        note_changes(Path(sys.argv[1]).absolute(), sys.argv[3])
    else:
        make(Path(sys.argv[1]))
