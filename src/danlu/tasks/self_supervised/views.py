"""Several augmented views of each image, as a function of (seed, purpose, epoch, sample, view) (house rule 1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from danlu.data.augment.base import BatchTransform
from danlu.data.augment.stages import Alone
from danlu.data.batches.batch import Batch
from danlu.data.kinds.base import Kind
from danlu.randomness import Position, bits


def view_keys(keys: np.ndarray, views: int) -> np.ndarray:
    """uint64 (B·V,): a key for each view of each sample, from the sample's key and the view's number alone."""
    return bits(0, "view", 0, keys, views).reshape(-1)


class Views(Alone):
    """Adds ``views`` (B, V, C, H, W): V passes of the same augmentations over each image. Other columns than the image are left out."""

    def __init__(self, augment: Sequence[BatchTransform], count: int = 2) -> None:
        self.augment, self.count = augment, count

    def __str__(self) -> str:
        return f"{self.count}×({', '.join(map(str, self.augment)) or '–'})"

    def __call__(self, batch: Batch, at: Position, kinds: Mapping[str, Kind]) -> Batch:
        image = batch["image"]
        assert isinstance(image, Tensor)
        keys, rows = view_keys(batch.keys, self.count), np.repeat(batch.rows, self.count)
        each = Batch({"image": image.repeat_interleave(self.count, 0)}, ("image",), rows, keys)
        for transform in self.augment:
            each = transform(each, at, kinds)
        pixels = each["image"]
        assert isinstance(pixels, Tensor)
        views = pixels.reshape(len(image), self.count, *pixels.shape[1:])
        return replace(batch, columns={"image": image, "views": views}, inputs=("image", "views"))


class Rotations(Alone):
    """Adds ``views`` (B, 4, C, H, H), the image turned by 0, 90, 180 and 270 degrees, and ``rotation`` int64 (B, 4) = 0, 1, 2, 3."""

    def __str__(self) -> str:
        return "rotations"

    def __call__(self, batch: Batch, at: Position, kinds: Mapping[str, Kind]) -> Batch:
        image = batch["image"]
        assert isinstance(image, Tensor)
        views = torch.stack([image.rot90(turns, (2, 3)) for turns in range(4)], 1)
        turns = torch.arange(4, device=image.device).expand(len(image), 4)
        columns = {"image": image, "views": views, "rotation": turns}
        return replace(batch, columns=columns, inputs=("image", "views"))


class Hidden(Alone):
    """Adds ``visible`` and ``hidden`` int64 (B, n): which of ``patches`` patches the encoder sees, and which of the others are painted.

    share: of the patches, which are hidden. painted: share of these that are asked for; the rest is neither seen nor painted.
    """

    def __init__(self, patches: int, share: float, painted: float = 1.0) -> None:
        self.patches = patches
        self.hidden = min(max(1, round(share * patches)), patches - 1)
        self.painted = max(1, round(painted * self.hidden))

    def __str__(self) -> str:
        told = f", paint {self.painted}" if self.painted < self.hidden else ""
        return f"hide {self.hidden}/{self.patches}{told}"

    def __call__(self, batch: Batch, at: Position, kinds: Mapping[str, Kind]) -> Batch:
        image = batch["image"]
        assert isinstance(image, Tensor)
        order = bits(at.seed, "mask", at.epoch, batch.keys, self.patches).argsort(1, kind="stable")
        hidden, visible = (
            torch.from_numpy(np.sort(part, 1)).to(image.device)
            for part in (order[:, : self.painted], order[:, self.hidden :])
        )
        columns = {"image": image, "visible": visible, "hidden": hidden}
        return replace(batch, columns=columns, inputs=("image", "visible", "hidden"))
