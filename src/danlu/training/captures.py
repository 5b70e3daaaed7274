"""What a net's layers give out, layer by layer: by running a copy of it, eagerly, on a few samples (house rule 2).

The net itself notices nothing: its weights, buffers, gradients, mode and hooks stay as they are, and so do all random generators.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from danlu.data.batches.batch import Batch
from danlu.nn.moments import Moments, moments
from danlu.randomness import Position
from danlu.training.nonfinite.culprits import take
from danlu.training.nonfinite.replay import eager
from danlu.training.objective import Objective
from danlu.training.precision import Precision
from danlu.training.randomness import reseed
from danlu.training.seeing import GATES, RELU, Noted, Seen, cloned, copied, replica, saturated, silent, undisturbed

__all__ = ["SAMPLES", "Activation", "activations", "of_batch", "replica"]

SAMPLES = 16  # of a batch, unless said otherwise


@dataclass(frozen=True)
class Activation:
    """One output of one call of a layer, in the order of the forward pass.

    layer: dotted, "" is the net itself. kind: its class, or "F.relu" for an activation that the layer's forward calls as a function.
    call: 0, or the how-manieth of a layer that is used again. output: which of several, dotted. figures: of all its values.
    dead: of ReLU and its kin (leaky ones and GELU, SiLU too) the share of units (channels, features) that are ≤ 0 for every sample and
    place. saturated: of tanh the share of values beyond ±0.97, of sigmoid that outside 0.03 … 0.97. Both None of other layers.
    gradient: Euclidean norm of the loss's gradient with respect to this output; None where there is no loss or it does not depend on
    the output. gradient_odd: its NaN and infinite values.
    """

    layer: str
    kind: str
    call: int
    output: str
    shape: tuple[int, ...]
    figures: Moments
    dead: float | None = None
    saturated: float | None = None
    gradient: float | None = None
    gradient_odd: int = 0


def activations(
    net: nn.Module,
    arguments: tuple[Any, ...],
    *,
    loss: Callable[[Any], Tensor] | None = None,
    position: Position | None = None,
    precision: Precision | None = None,
    training: bool | None = None,
) -> tuple[Activation, ...]:
    """What each layer of ``net`` gives out when called with ``arguments``.

    A layer that only hands on what another gave is left out. loss: makes a 0-d loss of the outputs; then each output's gradient is
    given too. position: dropout draws as in this micro-batch of training; None: as the generators stand. training: the mode; None: as
    the net is. Hooks on the net are not called, but for those of torch.nn.utils that compute weights.
    Raises TrainingError where the net can't be copied; what the net's forward raises comes through.
    """
    doubled = replica(net)
    if training is not None:
        doubled.train(training)
    if isinstance(loss, nn.Module):
        loss = copied(loss)
    seen = Seen(doubled, _measured, _sloped)
    with undisturbed(), torch.inference_mode(False), torch.set_grad_enabled(loss is not None), eager():
        if position is not None:
            reseed(position)
        given = cloned(arguments)
        with precision.autocast() if precision is not None else nullcontext(), seen:
            outputs = doubled(*given)
        if loss is not None:
            value = loss(outputs)
            if value.requires_grad:  # not where everything is frozen
                torch.autograd.backward(value)
    return tuple(_activation(row, seen.slopes.get(place)) for place, row in enumerate(seen.rows))


def of_batch(
    net: nn.Module,
    objective: Objective | None,
    batch: Batch,
    *,
    position: Position | None = None,
    precision: Precision | None = None,
    samples: int = SAMPLES,
    training: bool | None = None,
) -> tuple[Activation, ...]:
    """:func:`activations` for the first ``samples`` of a batch, which is as the net gets it; with gradients by the objective.

    Batch norm in training mode sees these samples only, so its outputs are not quite those of the step.
    """
    few = take(batch, np.arange(min(samples, len(batch))))
    doubled = copied(objective) if objective is not None else None

    def loss(outputs: Any) -> Tensor:
        assert doubled is not None
        share: Tensor = doubled(outputs, few, doubled.counts(few))[0]
        return share

    return activations(
        net,
        few.arguments(),
        loss=loss if doubled is not None else None,
        position=position,
        precision=precision,
        training=training,
    )


def _measured(value: Tensor, family: str, units: int | None) -> tuple[Moments, float | None, float | None]:
    """(figures, dead share, saturated share)."""
    dead = float(silent(value, units).double().mean()) if family in RELU and units is not None else None
    beyond = float(saturated(value, family)) if family in GATES and value.numel() else None
    return moments(value, quantiles=(), bins=0), dead, beyond


def _sloped(slope: Tensor) -> tuple[float, int]:
    """(norm, NaN and infinite values)."""
    slope = slope if slope.device.type in ("cpu", "cuda") else slope.cpu()  # others may have no float64
    norm = float(torch.linalg.vector_norm(slope, dtype=torch.float64))
    found = None if math.isfinite(norm) else moments(slope, quantiles=(), bins=0)
    return (norm, 0) if found is None else (found.norm, found.nan + found.inf)


def _activation(row: Noted, slope: tuple[float, int] | None) -> Activation:
    found = Activation(row.layer, row.kind, row.call, row.output, row.shape, *row.measured)
    return found if slope is None else replace(found, gradient=slope[0], gradient_odd=slope[1])
