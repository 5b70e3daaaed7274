"""What the inputs of the training rows were like, by which later ones can be told to have drifted. JSON-able; no torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from danlu.data.kinds.base import Kind
from danlu.data.kinds.category import Category

SAMPLED = 1000  # training rows that quantiles are of
QUANTILES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
_PIXELS = 2**20  # of a larger image, every second, third, … row and column is looked at


class Column(Protocol):
    """What is gathered of one column, value by value, so that large images are not held together."""

    def add(self, value: np.ndarray) -> None: ...

    def result(self) -> dict[str, Any]: ...


class Images:
    """Quantiles over images: height and width (pixels, as prepared), brightness and contrast (mean and standard deviation of an image's
    pixels, 0–255), each channel's mean.
    """

    def __init__(self) -> None:
        self.rows: list[tuple[float, ...]] = []

    def add(self, value: np.ndarray) -> None:
        high, wide, channels = value.shape
        step = max(1, int(np.ceil(np.sqrt(high * wide / _PIXELS))))
        pixels = value[::step, ::step].reshape(-1, channels).astype(np.float64)
        self.rows.append((high, wide, pixels.mean(), pixels.std(), *pixels.mean(0)))

    def result(self) -> dict[str, Any]:
        height, width, brightness, contrast, *channels = map(quantiles, zip(*self.rows, strict=True))
        return {
            "height": height,
            "width": width,
            "brightness": brightness,
            "contrast": contrast,
            "channels": channels,
        }


class Numbers:
    """Quantiles of the values."""

    def __init__(self) -> None:
        self.values: list[float] = []

    def add(self, value: np.ndarray) -> None:
        self.values.append(float(value))

    def result(self) -> dict[str, Any]:
        return {"values": quantiles(self.values)}


_GATHERED: Mapping[str, type[Column]] = {"image": Images, "number": Numbers}


def profile(
    kinds: Mapping[str, Kind],
    inputs: Sequence[str],
    rows: Iterable[Mapping[str, np.ndarray]],
    statistics: Mapping[str, Mapping[str, Any]],
    card: Mapping[str, Any],
) -> dict[str, Any]:
    """{"rows": how many the quantiles are of, "inputs": {column: …}, "targets": {column: …}}.

    kinds: of inputs and targets. rows: column → prepared value, of some training rows; none where the raw data are gone. statistics:
    what was counted over all training rows. card: the data card, which knows what was missing.
    """
    gathered = {name: _GATHERED[kinds[name].name]() for name in inputs if kinds[name].name in _GATHERED}
    count = 0
    for row in rows:
        count += 1
        for name, column in gathered.items():
            column.add(row[name])
    found = max(1, card.get("rows", {}).get("found", 1))
    missing = card.get("missing", {}).get("columns", {})
    described: dict[str, dict[str, Any]] = {}
    for name, kind in kinds.items():
        made: dict[str, Any] = {"kind": kind.name, "missing": missing.get(name, 0) / found}
        counted = statistics.get(name, {})
        if isinstance(kind, Category) and "counts" in counted:
            made["shares"] = shares(kind.classes, counted["counts"])
        elif counted:
            made["statistics"] = dict(counted)
        if name in gathered and count:
            made |= gathered[name].result()
        described[name] = made
    return {
        "rows": count,
        "inputs": {name: described[name] for name in inputs},
        "targets": {name: made for name, made in described.items() if name not in inputs},
    }


def shares(classes: Sequence[str], counts: Sequence[float]) -> dict[str, float]:
    """Class → its share of the rows."""
    values = np.asarray(counts, np.float64)
    return dict(zip(classes, (values / max(values.sum(), 1.0)).tolist(), strict=True))


def quantiles(values: Sequence[float] | np.ndarray) -> dict[str, float]:
    """{"0.05": …, …} at :data:`QUANTILES`, by linear interpolation."""
    found = np.quantile(np.asarray(values, np.float64), QUANTILES)
    return {f"{level:g}": float(value) for level, value in zip(QUANTILES, found, strict=True)}
