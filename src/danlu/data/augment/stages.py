"""The batch transforms that a list of augmentations becomes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
import torch
from torch import Tensor

from danlu.data.augment.base import BatchTransform
from danlu.data.augment.colour import Change
from danlu.data.augment.draws import Draws
from danlu.data.augment.geometry import Fill, Geometry, compose
from danlu.data.augment.parts import Colouring, Covering, Geometric, Mixing
from danlu.data.augment.sending import sent
from danlu.data.batches.batch import Batch, Padded, Value
from danlu.data.kinds.base import Kind
from danlu.randomness import Position


@dataclass(frozen=True)
class Place:
    """Where an augmentation stands in the list, which its random numbers depend on."""

    index: int
    name: str

    def draws(self, at: Position, keys: np.ndarray) -> Draws:
        return Draws(at, f"augment/{self.index}/{self.name}", keys)


class Alone(BatchTransform):
    """A transform that needs no partners."""

    partners = 0
    copies = False

    def choose(self, keys: np.ndarray, at: Position, rows: np.ndarray) -> np.ndarray:
        return np.empty((0, len(keys)), dtype=np.int64)


class Warp(Alone):
    """Neighbouring geometric augmentations as one warp of every column that lies on the image.

    fill: that of the parts. Where none of them lets anything in from outside it is "edge", since a stretched image is
    still interpolated half a pixel beyond its outermost pixels' centres.
    """

    def __init__(self, parts: Sequence[tuple[Place, Geometric]]) -> None:
        self.parts = parts
        self.fill: Fill = next((part.fill for _, part in parts if part.fill is not None), "edge")
        self.copies = self.fill != "mean" and all(part.copies for _, part in parts)

    def takes(self, part: Geometric) -> bool:
        """Whether ``part`` can be done in the same warp: it needs no fill, or the same."""
        filled = any(own.fill is not None for _, own in self.parts)
        return part.fill is None or not filled or part.fill == self.fill

    def __str__(self) -> str:
        return "+".join(place.name for place, _ in self.parts)

    def __call__(self, batch: Batch, at: Position, kinds: Mapping[str, Kind]) -> Batch:
        each = (part.inverse(place.draws(at, batch.keys)) for place, part in self.parts)
        geometry = Geometry(reduce(compose, each), sizes_of(batch, kinds), self.fill)
        if geometry.still():
            return batch
        return _each(batch, kinds, lambda kind, value: kind.warp(value, geometry))


class Recolour(Alone):
    """Neighbouring augmentations of colour as one change, rounded once."""

    def __init__(self, parts: Sequence[tuple[Place, Colouring]]) -> None:
        self.parts = parts

    def __str__(self) -> str:
        return "+".join(place.name for place, _ in self.parts)

    def __call__(self, batch: Batch, at: Position, kinds: Mapping[str, Kind]) -> Batch:
        steps = [step for place, part in self.parts for step in part.steps(place.draws(at, batch.keys))]
        if not steps:
            return batch

        def change(kind: Kind, value: Value) -> Value:
            return kind.recolour(value, Change(steps, value.sizes if isinstance(value, Padded) else None))

        return _each(batch, kinds, change)


class Cover(Alone):
    """A part of the images painted over."""

    def __init__(self, place: Place, part: Covering) -> None:
        self.place, self.part = place, part

    def __str__(self) -> str:
        return self.place.name

    def __call__(self, batch: Batch, at: Position, kinds: Mapping[str, Kind]) -> Batch:
        draws = self.place.draws(at, batch.keys)
        columns: dict[str, Value] = {}
        for name, value in _images(batch, kinds):
            if isinstance(value, Padded):
                columns[name] = value._replace(values=self.part.cover(value.values, value.sizes, draws))
            else:
                columns[name] = self.part.cover(value, None, draws)
        return batch.with_columns(**columns)


class Mix(BatchTransform):
    """Samples mixed with partners; of several augmentations that mix, each sample is given one, with equal chances."""

    partners = 1

    def __init__(self, parts: Sequence[tuple[Place, Mixing]]) -> None:
        self.parts = parts

    def __str__(self) -> str:
        return "|".join(place.name for place, _ in self.parts)

    def choose(self, keys: np.ndarray, at: Position, rows: np.ndarray) -> np.ndarray:
        """int64 (1, B): any of the training ``rows``, equally likely, by hash of the sample's key and the epoch."""
        drawn = self.parts[0][0].draws(at, keys).uniform("partner")[:, 0]
        picked: np.ndarray = rows[(drawn * len(rows)).astype(np.int64)][None]
        return picked

    def __call__(self, batch: Batch, at: Position, kinds: Mapping[str, Kind]) -> Batch:
        if batch.partners != self.partners:
            raise ValueError(f"{self} needs batches with {self.partners} partner a sample, not {batch.partners}")
        count = len(batch)
        keys = batch.keys[:count]
        draws = [place.draws(at, keys) for place, _ in self.parts]
        turn = (draws[0].uniform("turn")[:, 0] * len(self.parts)).astype(np.int64)
        shares = [
            np.where(turn == index, part.shares(drawn), 1.0)
            for index, ((_, part), drawn) in enumerate(zip(self.parts, draws, strict=True))
        ]
        columns: dict[str, Value] = {}
        kept: Tensor | None = None
        for name, value in _images(batch, kinds):
            pixels, partner = _halves(value, count)
            share = torch.ones(count, device=pixels.device)
            for (_, part), own, drawn in zip(self.parts, shares, draws, strict=True):
                pixels, left = part.mix(pixels, partner, own, drawn)
                share = share * left
            columns[name] = pixels
            kept = share if kept is None else kept
        for name in batch.columns.keys() - columns.keys():
            sample, partner = _halves(batch[name], count)
            if kept is None:  # no images: the same share for every column
                kept = sent(np.prod(shares, axis=0).astype(np.float32), sample.device)
            columns[name] = kinds[name].mix(sample, partner, kept)
        return replace(batch, columns=columns, rows=batch.rows[:count], keys=keys, partners=0)


def sizes_of(batch: Batch, kinds: Mapping[str, Kind]) -> tuple[int, int] | Tensor:
    """(height, width) of the batch's images, or int64 (B, 2) where they are of many sizes: the first image column's."""
    _, value = next(_images(batch, kinds))
    if isinstance(value, Padded):
        return value.sizes
    return value.shape[-2], value.shape[-1]


def _images(batch: Batch, kinds: Mapping[str, Kind]) -> Iterator[tuple[str, Tensor | Padded]]:
    for name, value in batch.columns.items():
        if name in kinds and kinds[name].name == "image":
            if not isinstance(value, Tensor | Padded):
                raise TypeError(f"images of column {name!r} are neither a tensor nor padded")
            yield name, value


def _each(batch: Batch, kinds: Mapping[str, Kind], change: Callable[[Kind, Value], Value]) -> Batch:
    changed = {name: change(kinds[name], value) for name, value in batch.columns.items() if name in kinds}
    return batch.with_columns(**changed)


def _halves(value: Value, count: int) -> tuple[Tensor, Tensor]:
    """The samples themselves and their partners."""
    if not isinstance(value, Tensor):
        raise TypeError("only tensors of one shape for all samples can be mixed")
    return value[:count], value[count:]
