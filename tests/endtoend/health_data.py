"""What the runs of test_health.py learn from, beside what comes with Danlu: written once, the same on every machine."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
from sklearn.datasets import load_digits

from danlu.data.sources.builtin import ASSETS
from tests.endtoend.drawn import coco_of_shapes, folder_of_shapes

WRITERS: dict[str, Callable[[Path], Path]] = {}
"""What a recipe's ``data.source`` may say → function of an empty folder, which gives the path that is meant."""


def _writer(write: Callable[[Path], Path]) -> Callable[[Path], Path]:
    WRITERS[write.__name__] = write
    return write


@_writer
def houses(folder: Path) -> Path:
    """Prices that two numbers explain but for a deviation of 2, of some 150 in all."""
    return _houses(folder, 400, 2)


@_writer
def rough_houses(folder: Path) -> Path:
    """Prices that hang on other things too: a deviation of 50 is left, whatever is learnt (mean absolute error 40)."""
    return _houses(folder, 800, 50)


def _houses(folder: Path, count: int, deviation: float) -> Path:
    draw = np.random.default_rng(0)
    with (folder / "houses.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("area", "rooms", "price"))
        for _ in range(count):
            area, rooms = round(draw.uniform(30, 200), 1), int(draw.integers(1, 8))
            writer.writerow((area, rooms, round(3 * area + 20 * rooms + draw.normal(0, deviation), 1)))
    return folder / "houses.csv"


def flipped(share: float) -> np.ndarray:
    """bool (1797,): the digits whose labels :func:`noisy` and :func:`noisier` draw anew."""
    return np.random.default_rng(1).random(1797) < share


@_writer
def noisy(folder: Path) -> Path:
    """Digits, of whose labels 22 % are drawn anew: about 20 % are wrong."""
    return _mislabelled(folder, 0.22)


@_writer
def noisier(folder: Path) -> Path:
    """Digits, of whose labels 44 % are drawn anew: about 40 % are wrong."""
    return _mislabelled(folder, 0.44)


def _mislabelled(folder: Path, share: float) -> Path:
    """``LABEL/ROW.png``: so that a sample's id tells which digit it is."""
    images, labels = _digits()
    labels = np.where(flipped(share), np.random.default_rng(2).integers(0, 10, len(labels)), labels)
    for row, (image, label) in enumerate(zip(images.astype(np.uint8), labels, strict=True)):
        (folder / "digits" / str(label)).mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(image).save(folder / "digits" / str(label) / f"{row:04d}.png")
    return folder / "digits"


@_writer
def rare_digits(folder: Path) -> Path:
    """All of the digits 0 to 6, a quarter of 7, 8 and 9."""
    images, labels = _digits()
    kept = np.concatenate([np.flatnonzero(labels == c)[: 180 if c < 7 else 45] for c in range(10)])
    return _archive(folder, images[kept], labels[kept])


@_writer
def shades(folder: Path) -> Path:
    """Three classes that brightness alone tells apart, without a doubtful case."""
    draw = np.random.default_rng(3)
    labels = draw.integers(0, 3, 600)
    images = draw.integers(0, 40, (600, 12, 12)) + 60 * labels[:, None, None]
    return _archive(folder, images, labels)


@_writer
def few_images(folder: Path) -> Path:
    """Fashion-MNIST: 200 images to learn from, 400 and 1,600 to judge on."""
    with np.load(ASSETS / "fashion.npz", allow_pickle=False) as archive:
        images, labels = archive["images"], archive["labels"]
    rows = np.random.default_rng(4).permutation(len(labels))[:2200]
    parts = {"train": rows[:200], "val": rows[200:600], "test": rows[600:]}
    arrays = {
        f"{name}_{part}": values[found]
        for part, found in parts.items()
        for name, values in (("x", images), ("y", labels))
    }
    np.savez(folder / "data.npz", **arrays)
    return folder / "data.npz"


@_writer
def shapes(folder: Path) -> Path:
    return folder_of_shapes(folder / "shapes", each=60)


@_writer
def boxes(folder: Path) -> Path:
    return coco_of_shapes(folder / "boxes", count=320, seed=3)


def _digits() -> tuple[np.ndarray, np.ndarray]:
    digits = load_digits()
    return digits.images * 255 / 16, digits.target


def _archive(folder: Path, images: np.ndarray, labels: np.ndarray) -> Path:
    np.savez(folder / "data.npz", x=images.astype(np.uint8), y=labels)
    return folder / "data.npz"
