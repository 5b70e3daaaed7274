"""The captured columns, taken apart: one object a layer's output and one a parameter, each with its values over the looks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

LEAST = 4  # looks from which anything is said: 64 samples, and no single odd batch decides
_LATE = 5  # looks that the last third should have; where it has fewer, more are taken


@dataclass(frozen=True)
class Layer:
    """One output of one call of a layer over N looks. kind: its class, "F.relu" of a function. last: the net gives it out.

    steps: int64 (N,). sizes: values of the output. silent: bool (N, U), the units ≤ 0 for every sample and place; None of layers
    other than ReLU and its kin. saturated: share (N,), NaN of layers other than tanh and sigmoid. gradient: norm (N,) of the loss's
    gradient with respect to the output, NaN where it does not depend on it.
    """

    name: str
    kind: str
    call: int
    output: str
    last: bool
    steps: np.ndarray
    sizes: np.ndarray
    silent: np.ndarray | None
    saturated: np.ndarray
    gradient: np.ndarray

    @property
    def family(self) -> str:
        """ "relu" of ReLU and F.relu."""
        return self.kind.removeprefix("F.").replace("_", "").lower()


@dataclass(frozen=True)
class Parameter:
    """A parameter over N looks: norms of weight, gradient (NaN: it got none) and update, float64 (N,). size: elements."""

    name: str
    size: int
    dimensions: int
    trained: bool
    steps: np.ndarray
    weight: np.ndarray
    gradient: np.ndarray
    update: np.ndarray

    @property
    def moved(self) -> np.ndarray:
        """float64 (N,): norm of the update over that of the weight; NaN where the weight is 0."""
        nothing = np.full(len(self.update), np.nan)
        return np.asarray(np.divide(self.update, self.weight, out=nothing, where=self.weight > 0))

    @property
    def slope(self) -> np.ndarray:
        """float64 (N,): root mean square of the gradient's elements."""
        return np.asarray(self.gradient / np.sqrt(max(self.size, 1)))


def late(steps: np.ndarray) -> np.ndarray | None:
    """bool (N,): the looks of the last third, at least five where there are so many, never the first of several; None: fewer than four.

    steps: int64 (N,), rising.
    """
    if len(steps) < LEAST:
        return None
    chosen = np.asarray(steps >= steps[-1] - (steps[-1] - steps[0]) / 3)
    chosen[-min(_LATE, len(steps) - 1) :] = True
    return chosen


def layers_of(columns: Mapping[str, np.ndarray]) -> tuple[Layer, ...]:
    """In the order in which the forward pass first met them."""
    if not columns:
        return ()
    names = ("layer", "kind", "call", "output")
    groups: dict[tuple[str, str, int, str], list[int]] = {}
    for row, key in enumerate(zip(*(columns[name].tolist() for name in names), strict=True)):
        groups.setdefault(key, []).append(row)
    return tuple(_layer(columns, *key, np.asarray(rows)) for key, rows in groups.items())


def _layer(columns: Mapping[str, np.ndarray], name: str, kind: str, call: int, output: str, rows: np.ndarray) -> Layer:
    numbers = {key: np.asarray(columns[key][rows], np.float64) for key in ("saturated", "gradient")}
    return Layer(
        name=name,
        kind=kind,
        call=call,
        output=output,
        last=bool(np.asarray(columns["last"][rows], bool).any()),
        steps=np.asarray(columns["step"][rows], np.int64),
        sizes=np.asarray(columns["size"][rows], np.int64),
        silent=_unpacked(columns["silent"][rows].tolist(), np.asarray(columns["units"][rows], np.int64)),
        **numbers,
    )


def _unpacked(packed: list[bytes], units: np.ndarray) -> np.ndarray | None:
    """bool (N, U); None where there are no units, or not always as many."""
    count = int(units[0])
    if count == 0 or (units != count).any():
        return None
    bits = np.stack([np.frombuffer(one, np.uint8) for one in packed])
    return np.unpackbits(bits, axis=1)[:, :count].astype(bool)


def parameters_of(columns: Mapping[str, np.ndarray]) -> tuple[Parameter, ...]:
    """In the order of the net."""
    if not columns:
        return ()
    groups: dict[str, list[int]] = {}
    for row, name in enumerate(columns["parameter"].tolist()):
        groups.setdefault(name, []).append(row)
    return tuple(_parameter(columns, name, np.asarray(rows)) for name, rows in groups.items())


def _parameter(columns: Mapping[str, np.ndarray], name: str, rows: np.ndarray) -> Parameter:
    numbers = {key: np.asarray(columns[key][rows], np.float64) for key in ("weight", "gradient", "update")}
    return Parameter(
        name=name,
        size=int(columns["size"][rows[-1]]),
        dimensions=int(columns["dimensions"][rows[-1]]),
        trained=bool(np.asarray(columns["trained"][rows], bool).any()),
        steps=np.asarray(columns["step"][rows], np.int64),
        **numbers,
    )
