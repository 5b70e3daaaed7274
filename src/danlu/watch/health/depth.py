"""The net's matrices from input to output, each with the gradient that reaches it and its layer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from danlu.watch.health.recording import Recording
from danlu.watch.health.series import Parameter

LEAST = 3  # matrices: in fewer there is no depth


@dataclass(frozen=True)
class Rung:
    """A trained matrix or kernel. slope: median over the looks of the root mean square of its gradient. reaching: median norm of the
    loss's gradient with respect to what its layer gives out, NaN where that was not seen. moved: median of update over weight.
    slope_first, reaching_first: the same at the first look alone.
    """

    parameter: Parameter
    layer: str
    slope: float
    reaching: float
    moved: float
    slope_first: float
    reaching_first: float


def ladder(recording: Recording, least_looks: int) -> list[Rung]:
    """From input to output, by the order of the forward pass; empty where fewer looks were taken. Embeddings are left out: most of
    their rows get no gradient in a step. The first of several looks is not counted: branches that begin as zero have none yet.
    """
    order = {layer.name: place for place, layer in reversed(list(enumerate(recording.units)))}
    reaching = {layer.name: layer for layer in reversed(recording.units) if not np.isnan(layer.gradient).all()}
    embeddings = {layer.name for layer in recording.units if "embedding" in layer.kind.lower()}
    rungs = []
    for parameter in recording.weights:
        layer = parameter.name.rpartition(".")[0]
        if parameter.dimensions < 2 or not parameter.trained or layer in embeddings:
            continue
        if len(parameter.steps) < least_looks or np.isnan(parameter.gradient).all():
            continue
        seen = reaching.get(layer)
        slope, moved = parameter.slope, parameter.moved
        known = np.full(1, np.nan) if seen is None else seen.gradient
        rungs.append(
            Rung(
                parameter, layer, _later(slope), _later(known), _later(moved), float(slope[0]), float(known[0])
            )
        )  # fmt: skip
    return sorted(rungs, key=lambda rung: order.get(rung.layer, len(order)))  # stable: else as registered


def _later(values: np.ndarray) -> float:
    """Median of all looks but the first of several."""
    return _median(values[1:] if len(values) > 1 else values)


def _median(values: np.ndarray) -> float:
    sound = values[np.isfinite(values)]
    return float(np.median(sound)) if len(sound) else float("nan")


def while_fast(recording: Recording, rung: Rung) -> float:
    """Median of update over weight at looks where the rate was at least half of its peak; NaN where there were none."""
    return _median(rung.parameter.moved[fast_looks(recording, rung)])


def fast_looks(recording: Recording, rung: Rung) -> np.ndarray:
    """bool (N,): the looks at which the rate was at least half of its peak; all where rates are not known."""
    steps = rung.parameter.steps
    first, last = recording.fast or (int(steps[0]), int(steps[-1]))
    return np.asarray((steps >= first) & (steps <= last))
