"""Tree crowns in aerial images: a detector from scratch beside a template, split by source image; composites beside, named so.

    python benchmarks/crowns.py [seeds] [epochs]

The images and boxes come with the package deepforest (``pip install --no-deps deepforest``; they are only read). Tiles of 200 pixels:
2019_YELL_2_528000 and OSBS_029 to train on, SOAP_061 to validate, 2019_YELL_2_541000 to test; no tile of a source image lies in two
parts (the first and the last show one region, from other places). The template is the mean of the training crowns, grey, slid over
a tile at seven sizes (quantiles of the training boxes) by normalised cross-correlation; its peaks are boxes with the correlation as
their score. How much of its surroundings it has, the threshold and the overlap for suppression are those with the largest AP50 on the
training tiles. Composites: crowns of the test image pasted as ellipses onto windows of it that hold no crown; both are unseen, the
arrangement isn't real. AP50 of all.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

import danlu
from danlu.data.sources._voc_file import annotated
from danlu.data.writing.boxes import Labelled, write
from danlu.tasks.detection.decode import suppress
from danlu.tasks.detection.metrics import AveragePrecision

PARTS = {
    "train": ("2019_YELL_2_528000_4978000_image_crop2", "OSBS_029"),
    "val": ("SOAP_061",),
    "test": ("2019_YELL_2_541000_4977000_image_crop",),
}
TILE, CLASS = 200, "crown"
Tile = tuple[np.ndarray, np.ndarray]  # uint8 (200, 200, 3) and float (n, 4)


def source(name: str) -> Tile:
    """An image and its boxes, continuous."""
    spec = find_spec("deepforest")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("pip install --no-deps deepforest")
    folder = Path(next(iter(spec.submodule_search_locations))) / "data"
    found = annotated((folder / f"{name}.xml").read_bytes(), name)
    rows, *_ = found.rows(dict.fromkeys(found.classes, 0), continuous=found.from_zero)
    return np.asarray(Image.open(folder / f"{name}.png").convert("RGB")), rows[:, :4]


def tiles(name: str) -> list[Tile]:
    """Tiles side by side; a crown belongs to a tile in which at least a third of it lies. Those that hold no crown stay."""
    pixels, boxes = source(name)
    made = []
    for y in range(0, pixels.shape[0] - TILE + 1, TILE):
        for x in range(0, pixels.shape[1] - TILE + 1, TILE):
            inside = (boxes - [x, y, x, y]).clip(0, TILE)
            share = (inside[:, 2:] - inside[:, :2]).prod(1) / (boxes[:, 2:] - boxes[:, :2]).prod(1)
            made.append((pixels[y : y + TILE, x : x + TILE], inside[share >= 1 / 3]))
    return made


def composites(name: str, count: int, seed: int) -> list[Tile]:
    """Crowns of an image as ellipses on windows of it without crowns, two to eight each, hardly touching."""
    pixels, boxes = source(name)
    random = np.random.default_rng(seed)
    made: list[Tile] = []
    while len(made) < count:
        side = 60
        while True:  # a crown-free window, mirrored out to a tile
            x, y = (int(random.integers(0, size - side)) for size in (pixels.shape[1], pixels.shape[0]))
            if not ((boxes[:, 0] < x + side) & (boxes[:, 2] > x) & (boxes[:, 1] < y + side) & (boxes[:, 3] > y)).any():
                break
        window = pixels[y : y + side, x : x + side]
        tile = np.pad(window, ((0, TILE - side), (0, TILE - side), (0, 0)), "symmetric").copy()
        placed: list[list[int]] = []
        for row in random.permutation(len(boxes))[: int(random.integers(2, 9))]:
            x1, y1, x2, y2 = (int(edge) for edge in boxes[row])
            w, h = x2 - x1, y2 - y1
            if min(w, h) < 8 or max(w, h) > 90:
                continue
            left, top = int(random.integers(0, TILE - w)), int(random.integers(0, TILE - h))
            if any(left < b[2] and b[0] < left + w and top < b[3] and b[1] < top + h for b in placed):
                continue
            ys, xs = np.mgrid[:h, :w]
            mask = ((xs + 0.5) / w - 0.5) ** 2 + ((ys + 0.5) / h - 0.5) ** 2 <= 0.25
            tile[top : top + h, left : left + w][mask] = pixels[y1:y2, x1:x2][mask]
            placed.append([left, top, left + w, top + h])
        made.append((tile, np.asarray(placed, np.float64).reshape(-1, 4)))
    return made


def template(parts: Sequence[Tile], margin: float) -> np.ndarray:
    """float (32, 32): the mean of all crowns with a margin (a share of the box on each side), grey, each of mean 0 and deviation 1."""
    shapes = []
    for pixels, boxes in parts:
        grey = Image.fromarray(pixels).convert("L")
        for box in boxes:
            width, height = box[2] - box[0], box[3] - box[1]
            wide = box + margin * np.asarray([-width, -height, width, height])
            if min(width, height) >= 8 and wide.min() >= 0 and wide.max() <= TILE:
                one = np.asarray(grey.resize((32, 32), Image.Resampling.BILINEAR, box=tuple(wide)), np.float64)
                shapes.append((one - one.mean()) / (one.std() + 1e-6))
    return np.mean(shapes, axis=0)


def correlated(pixels: np.ndarray, mean: np.ndarray, sizes: Sequence[int], margin: float) -> np.ndarray:
    """float32 (n, 5): corners of boxes at peaks of the normalised cross-correlation, and its value; at half the resolution.

    sizes: of boxes, in pixels of the tile. A box may reach beyond the tile: it is continued by mirroring.
    """
    half = Image.fromarray(pixels).convert("L").resize((TILE // 2, TILE // 2), Image.Resampling.BOX)
    grey = torch.from_numpy(np.asarray(half, np.float32))[None, None]
    found = []
    for size in sizes:
        side = round(size * (1 + 2 * margin) / 2)
        shape = F.interpolate(torch.from_numpy(mean).float()[None, None], (side, side), mode="bilinear", antialias=True)
        shape = (shape - shape.mean()) / shape.std(correction=0)
        edge = side // 2
        wide = F.pad(grey, (edge,) * 4, mode="reflect")
        local = F.avg_pool2d(wide, side, 1)
        spread = (F.avg_pool2d(wide**2, side, 1) - local**2).clamp(min=1.0).sqrt()
        score = F.conv2d(wide, shape)[0, 0] / (side * side * spread[0, 0])
        peak = F.max_pool2d(score[None, None], 5, 1, 2)[0, 0] == score
        ys, xs = torch.nonzero(peak & (score > 0.1), as_tuple=True)
        middle = 2.0 * (torch.stack([xs, ys], 1).double() - edge + side / 2)
        corners = torch.cat([middle - size / 2, middle + size / 2], 1).clamp(0, TILE)
        found.append(np.column_stack([corners.numpy(), score[ys, xs].double().numpy()]))
    return np.concatenate(found).astype(np.float32)


def kept(rows: np.ndarray, least: float, overlap: float) -> np.ndarray:
    """float32 (n, 6) of what :func:`correlated` found."""
    rows = rows[rows[:, 4] > least]
    rows = np.column_stack([rows, np.zeros(len(rows))]).astype(np.float32)
    return rows[suppress(rows[:, :4], rows[:, 4], rows[:, 5], overlap, 100)]


def best_template(train: Sequence[Tile]) -> tuple[np.ndarray, list[int], float, float, float]:
    """(template, sizes, margin, threshold, overlap), the last three with the largest AP50 on the training tiles."""
    boxes = np.concatenate([boxes for _, boxes in train])
    sides = np.sqrt((boxes[:, 2:] - boxes[:, :2]).prod(1))
    sizes = sorted({round(each) for each in np.quantile(sides, [0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95])})
    tried = []
    for margin in (0.0, 0.2, 0.4):
        mean = template(train, margin)
        rows = [correlated(pixels, mean, sizes, margin) for pixels, _ in train]
        for least in (0.1, 0.2, 0.3, 0.4, 0.5):
            for overlap in (0.1, 0.3, 0.5):
                tried.append((ap50([kept(each, least, overlap) for each in rows], train), margin, least, overlap, mean))
    best, margin, least, overlap, mean = max(tried, key=lambda each: each[0])
    print(
        f"template: sizes {sizes}, margin {margin}, threshold {least}, overlap {overlap}: {best:.3f} on training tiles"
    )
    return mean, sizes, margin, least, overlap


def ap50(found: Sequence[np.ndarray], parts: Sequence[Tile]) -> float:
    metric = AveragePrecision(1)
    truth = []
    for _, boxes in parts:
        area = (boxes[:, 2:] - boxes[:, :2]).prod(1)
        truth.append(np.column_stack([boxes, np.zeros((len(boxes), 2)), area]).astype(np.float32).reshape(-1, 7))
    metric.update({"boxes": list(found)}, {"boxes": truth})
    return metric.compute()["ap50"]


def trained(parts: Mapping[str, Sequence[Tile]], seed: int, epochs: int, folder: Path) -> Any:
    for part in ("train", "val"):
        images = []
        for number, (pixels, boxes) in enumerate(parts[part]):
            path = folder / f"{part}-{number}.png"
            Image.fromarray(pixels).save(path)
            objects = [{"box": box.tolist(), "label": CLASS} for box in boxes]
            images.append(Labelled(path.name, (TILE, TILE), objects, path))
        write(folder / "coco", "coco", images, [CLASS], part)
    return danlu.train(
        {
            "task": "detection",
            "seed": seed,
            "run": {"folder": str(folder / "runs"), "name": f"crowns-{seed}"},
            "data": {"source": str(folder / "coco"), "augment": [{"flip": {"direction": "both"}}, "color-jitter"]},
            "model": {"args": {"width": 16, "features": 32, "tower": 1}},
            "train": {
                "epochs": epochs,
                "threads": 1,
                "evaluate_every": epochs,
                "optimizer": {"name": "adamw", "lr": 3e-3, "weight_decay": 0.05},
            },
            "evaluate": {"baselines": False, "report": False, "weights": "last"},
            "watch": {"captures_every": 0},
        },
        screen=False,
    )


def found_by(run: Any, parts: Sequence[Tile]) -> list[np.ndarray]:
    rows = []
    for answer in danlu.load(run.path).predict([pixels for pixels, _ in parts]):
        made = [[*box["box"], box["score"], 0] for box in answer["boxes"]]
        rows.append(np.asarray(made, np.float32).reshape(-1, 6))
    return rows


def main(seeds: int = 3, epochs: int = 24) -> None:
    torch.set_num_threads(1)
    parts = {part: [tile for name in names for tile in tiles(name)] for part, names in PARTS.items()}
    parts["composites"] = composites(PARTS["test"][0], 100, 0)
    for part, rows in parts.items():
        print(f"{part}: {len(rows)} tiles, {sum(len(boxes) for _, boxes in rows)} crowns", flush=True)
    judged = ("test", "composites")
    mean, sizes, margin, least, overlap = best_template(parts["train"])
    figures = [
        ap50([kept(correlated(pixels, mean, sizes, margin), least, overlap) for pixels, _ in parts[part]], parts[part])
        for part in judged
    ]
    table = {"template, correlation": [figures]}
    print(table, flush=True)
    table["Danlu, from scratch"] = []
    for seed in range(seeds):
        with tempfile.TemporaryDirectory() as name:
            began = time.process_time()
            run = trained(parts, seed, epochs, Path(name))
            spent = time.process_time() - began
            figures = [ap50(found_by(run, parts[part]), parts[part]) for part in judged]
            table["Danlu, from scratch"].append(figures)
            print(seed, f"{spent:.0f} CPU s", figures, flush=True)
    print("| | AP50, held-out source image | AP50, composites |\n| --- | --- | --- |")
    for name, rows in table.items():
        if not rows:
            continue
        cells = [f"{statistics.mean(column):.3f}" for column in zip(*rows, strict=True)]
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
