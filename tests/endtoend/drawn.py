"""Small data sets drawn on the spot: shapes in folders, shapes with boxes in COCO's format."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

SHAPES = ("circle", "cross", "square")


def shape(draw: ImageDraw.ImageDraw, name: str, box: tuple[int, int, int, int], colour: tuple[int, ...] | int) -> None:
    x1, y1, x2, y2 = box
    if name == "circle":
        draw.ellipse((x1, y1, x2 - 1, y2 - 1), fill=colour)
    elif name == "square":
        draw.rectangle((x1, y1, x2 - 1, y2 - 1), fill=colour)
    else:
        third_x, third_y = (x2 - x1) // 3, (y2 - y1) // 3
        draw.rectangle((x1 + third_x, y1, x2 - 1 - third_x, y2 - 1), fill=colour)
        draw.rectangle((x1, y1 + third_y, x2 - 1, y2 - 1 - third_y), fill=colour)


def background(random: np.random.Generator, width: int, height: int) -> Image.Image:
    return Image.fromarray(random.integers(0, 60, (height, width, 3), dtype=np.uint8))


def folder_of_shapes(folder: Path, each: int = 40, size: int = 24, seed: int = 0) -> Path:
    """``folder/NAME/i.png``: one shape an image."""
    random = np.random.default_rng(seed)
    for name in SHAPES:
        (folder / name).mkdir(parents=True)
        for index in range(each):
            image = background(random, size, size)
            side = int(random.integers(9, size - 6))
            x, y = (int(v) for v in random.integers(1, size - side, 2))
            colour = tuple(int(v) for v in random.integers(120, 255, 3))
            shape(ImageDraw.Draw(image), name, (x, y, x + side, y + side), colour)
            image.save(folder / name / f"{index}.png")
    return folder


def coco_of_shapes(folder: Path, count: int = 60, seed: int = 0, largest: int = 96) -> Path:
    """``folder/annotations.json`` with images of many sizes, 0–3 objects each, category ids with gaps."""
    random = np.random.default_rng(seed)
    (folder / "images").mkdir(parents=True)
    images, annotations = [], []
    for number in range(1, count + 1):
        width, height = (int(v) for v in random.integers(64, largest + 1, 2))
        picture = background(random, width, height)
        name = f"{number:04d}.png"
        for _ in range(int(random.integers(0, 4))):
            side = int(random.integers(16, 40))
            x, y = int(random.integers(0, width - side)), int(random.integers(0, height - side))
            kind = int(random.integers(0, 3))
            colour = tuple(int(v) for v in random.integers(120, 255, 3))
            shape(ImageDraw.Draw(picture), SHAPES[kind], (x, y, x + side, y + side), colour)
            annotations.append(
                {"id": len(annotations) + 1, "image_id": number, "category_id": 10 * kind + 3, "iscrowd": 0,
                 "bbox": [x, y, side, side], "area": side * side}
            )  # fmt: skip
        picture.save(folder / "images" / name)
        images.append({"id": number, "file_name": f"images/{name}", "width": width, "height": height})
    categories = [{"id": 10 * kind + 3, "name": name} for kind, name in enumerate(SHAPES)]
    path = folder / "annotations.json"
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    return path


def pairs_of_shapes(folder: Path, count: int = 40, size: int = 48, seed: int = 0, varied: bool = False) -> Path:
    """``folder/images/i.png`` and palette masks ``folder/masks/i.png``: 1-3 shapes an image, values 1-3; 255 along an edge of some.

    varied: images of many sizes, up to ``size``.
    """
    random = np.random.default_rng(seed)
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    for number in range(count):
        width, height = (int(v) for v in random.integers(size // 2, size + 1, 2)) if varied else (size, size)
        picture, mask = background(random, width, height), Image.new("P", (width, height))
        mask.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255])
        for _ in range(int(random.integers(1, 4))):
            side = int(random.integers(min(width, height) // 4, min(width, height) // 2))
            x, y = int(random.integers(0, width - side)), int(random.integers(0, height - side))
            kind = int(random.integers(0, 3))
            colour = tuple(int(v) for v in random.integers(120, 255, 3))
            box = (x, y, x + side, y + side)
            shape(ImageDraw.Draw(picture), SHAPES[kind], box, colour)
            shape(ImageDraw.Draw(mask), SHAPES[kind], box, kind + 1)
        if number % 8 == 0:
            ImageDraw.Draw(mask).line((0, 0, width, 0), fill=255)
        picture.save(folder / "images" / f"{number:03d}.png")
        mask.save(folder / "masks" / f"{number:03d}.png")
    (folder / "classes.txt").write_text("\n".join(("background", *SHAPES)) + "\n", encoding="utf-8")
    return folder
