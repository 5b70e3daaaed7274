"""What tests of augmentation share: batches of made-up images, and one augmentation applied to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from danlu.data.augment.base import BatchTransform
from danlu.data.augment.pipeline import apply, build
from danlu.data.batches.batch import Batch, Padded, Ragged, Value
from danlu.data.kinds.base import Kind
from danlu.data.kinds.boxes import Boxes
from danlu.data.kinds.category import Category
from danlu.data.kinds.image import Image
from danlu.randomness import Position, keys_of
from danlu.recipe.schema import Named

KEYS = keys_of(f"sample {number}" for number in range(4096))


def named(*choices: Any) -> list[Named]:
    """The short spellings of a recipe: ``"flip"``, ``{"rotate": 10}``, ``{"crop": {"padding": 2}}``."""
    made = []
    for choice in choices:
        if isinstance(choice, str):
            made.append(Named(name=choice))
            continue
        ((name, value),) = choice.items()
        made.append(Named(name=name, args=value) if isinstance(value, dict) else Named(name=name, value=value))
    return made


def pictures(*shape: int, seed: int = 0, last: bool = False) -> Tensor:
    """uint8 ``shape`` (B, C, H, W), every value equally likely; last: with channels last in memory."""
    drawn = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    made = torch.from_numpy(drawn)
    return made.contiguous(memory_format=torch.channels_last) if last else made


def kinds_of(columns: Mapping[str, Value]) -> dict[str, Kind]:
    """Fitting kinds, by the columns' names: image, label, boxes."""
    made: dict[str, Kind] = {}
    for name, value in columns.items():
        if name == "image":
            pixels = value.values if isinstance(value, Padded | Ragged) else value
            size = (None, None) if isinstance(value, Padded) else pixels.shape[2:]
            made[name] = Image(*size, channels=pixels.shape[1])
        elif name == "label":
            made[name] = Category(tuple("abcde"))
        else:
            made[name] = Boxes(tuple("abcde"))
    return made


def batch_of(keys: np.ndarray | None = None, partners: int = 0, **columns: Value) -> Batch:
    first = next(iter(columns.values()))
    count = len(first.values if isinstance(first, Padded) else first)
    keys = KEYS[:count] if keys is None else keys
    return Batch(columns, ("image",), np.arange(count), keys, partners)


def transforms_of(*choices: Any, **columns: Value) -> list[BatchTransform]:
    return build(named(*choices), kinds_of(columns))


def augmented(*choices: Any, at: Position | None = None, batch: Batch) -> Batch:
    """``batch`` after a list of augmentations."""
    kinds = kinds_of(batch.columns)
    return apply(build(named(*choices), kinds), batch, at or Position(7), kinds)
