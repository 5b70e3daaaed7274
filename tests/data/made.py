"""Small data sets on disk, for the tests of sources and of preparing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from danlu import recipe as recipes
from danlu.data import reading
from danlu.data.dataset import Dataset
from danlu.data.prepare import prepare
from danlu.data.table import Table
from danlu.recipe.names import spec_of
from danlu.recipe.schema import DataSection, Recipe
from danlu.recipe.spec import Column

IMAGES: Mapping[str, Column] = {"image": Column("image", "input"), "label": Column("category", "target")}
BOXES: Mapping[str, Column] = {
    "image": Column("image", "input", {"shape": "ragged"}),
    "boxes": Column("boxes", "target"),
}


def image(path: Path, seed: int = 0, size: tuple[int, int] = (8, 10)) -> Path:
    """A PNG (or what the name says) of its own content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def folder(root: Path, layout: Mapping[str, int]) -> Path:
    """{"cat": 3} → root/cat/0.png …, each of its own content."""
    seed = 0
    for name, count in layout.items():
        for number in range(count):
            image(root / name / f"{number}.png", seed)
            seed += 1
    return root


def recipe(source: Path | str, **data: Any) -> Recipe:
    return recipes.complete(recipes.from_dict({"data": {"source": str(source), **data}}))


def table(source: Path | str, wanted: Mapping[str, Column] = IMAGES, **data: Any) -> Table:
    """What the source finds."""
    return reading.read(Recipe(data=DataSection(source=str(source), **data)), wanted)[1]


def prepared(source: Path | str, **data: Any) -> Dataset:
    asked = recipe(source, **data)
    return prepare(asked, spec_of(asked.task))


def labels(found: Table) -> dict[str, Any]:
    """id → label."""
    return dict(zip(found.ids, found.columns["label"], strict=True))
