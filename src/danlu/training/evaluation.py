"""One pass over a part without gradients: the objective's terms and the metrics, as mergeable states (never averages of averages)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from danlu.data.augment.base import BatchTransform
from danlu.data.batches.batch import Batch
from danlu.data.kinds.base import Kind
from danlu.metrics.base import Metric
from danlu.randomness import Position
from danlu.training.events import EvaluationProgress, Event
from danlu.training.objective import Objective
from danlu.training.plan import Feed, Judged
from danlu.training.precision import Precision

Decode = Callable[[Any, Batch], dict[str, Any]]
Keep = Callable[[Batch, Mapping[str, Any]], None]


@dataclass(frozen=True)
class Taught:
    """How a net is judged by what it says where it is told a part of the truth (the beginning of a text), which takes one call.

    look: its outputs, in torch, and the batch → columns in numpy. metrics: of these. answers: whether the net is asked as well in
    the end, and judged by that; else these columns are what is kept.
    """

    look: Callable[[Any, Batch], dict[str, Any]]
    metrics: Sequence[Metric]
    answers: bool = True


def judge(
    net: nn.Module,
    batches: Feed,
    part: str,
    *,
    decode: Decode,
    metrics: Sequence[Metric],
    targets: Sequence[str],
    kinds: Mapping[str, Kind],
    precision: Precision,
    objective: Objective | None = None,
    transforms: Sequence[BatchTransform] = (),
    confidence: float = 0.95,
    keep: Keep | None = None,
    tell: Callable[[Event], None] | None = None,
    taught: Taught | None = None,
    respond: Callable[[nn.Module, Batch], Any] | None = None,
) -> Judged:
    """Values named ``part/metric`` with their intervals.

    decode: outputs as numpy → prediction columns. targets: columns the metrics compare with. keep: is given every batch with its
    predictions (to write them down); nothing else is held, so memory does not grow with the part.
    taught: metrics of the net's plain outputs; with them ``metrics`` are asked only where ``respond`` tells what the net answers.
    The net's mode (train or eval) is as before afterwards.
    """
    was_training = net.training
    net.eval()
    sums: Tensor | None = None
    told, total = time.perf_counter(), len(batches)
    try:
        with torch.inference_mode():
            for done, batch in enumerate(batches.epoch(0), start=1):
                for transform in transforms:
                    batch = transform(batch, Position(0), kinds)
                with precision.autocast():
                    outputs = net(*batch.arguments())
                if objective is not None:
                    counts = objective.counts(batch)
                    _, parts = objective(outputs, batch, counts)
                    block = torch.stack([parts.double() * counts, counts])
                    sums = block if sums is None else sums + block
                if taught is not None:
                    looked = taught.look(outputs, batch)
                    for metric in taught.metrics:
                        metric.update(looked, {})
                    if respond is None:
                        if keep is not None:
                            keep(batch, looked)
                        continue
                    with precision.autocast():
                        outputs = respond(net, batch)
                predictions = decode(as_numpy(outputs), batch)
                truth = {name: true_values(kinds, name, batch) for name in targets}
                for metric in metrics:
                    metric.update(predictions, truth)
                if keep is not None:
                    keep(batch, predictions)
                if tell is not None and time.perf_counter() - told > 0.5:
                    told = time.perf_counter()
                    tell(EvaluationProgress(0, 0, part, done, total))
    finally:
        net.train(was_training)
    values: dict[str, float] = {}
    uncounted: frozenset[str] = frozenset()
    if objective is not None and sums is not None:
        values |= _losses(objective, sums.cpu(), part)
        uncounted = frozenset() if sums[1].any() else frozenset(values)
    intervals: dict[str, tuple[float, float]] = {}
    asked = metrics if taught is None else (*taught.metrics, *(metrics if respond is not None else ()))
    for metric in asked:
        values |= {f"{part}/{name}": value for name, value in metric.compute().items()}
        bounds_of = metric.intervals(confidence)
        known = {
            name: bounds for name, bounds in bounds_of.items() if not np.isnan(bounds).any()
        }  # NaN: too few for one
        intervals |= {f"{part}/{name}": bounds for name, bounds in known.items()}
    return Judged(values, intervals, uncounted)


def as_numpy(outputs: Any) -> Any:
    """Tensors in nested dicts, lists and tuples → numpy, half precision as float32."""
    if isinstance(outputs, Tensor):
        return (outputs.float() if outputs.dtype in (torch.bfloat16, torch.float16) else outputs).cpu().numpy()
    if isinstance(outputs, dict):
        return {name: as_numpy(value) for name, value in outputs.items()}
    if isinstance(outputs, (list, tuple)):
        return [as_numpy(value) for value in outputs]
    return outputs


def true_values(kinds: Mapping[str, Kind], name: str, batch: Batch) -> Any:
    """A target column for the metrics: ndarray (B, …), or a list of B ndarrays for ragged ones."""
    value = batch[name]
    return value.cpu().numpy() if isinstance(value, Tensor) else kinds[name].uncollate(value)


def _losses(objective: Objective, sums: Tensor, part: str) -> dict[str, float]:
    total, values = 0.0, {}
    for (name, weight), value, count in zip(objective.weights.items(), *sums.tolist(), strict=True):
        mean = value / count if count else float(np.nan)
        total += weight * (mean if count else 0.0)
        values[f"{part}/loss/{name}"] = mean
    if values and not sums[1].any():  # nothing carried a loss: that is not a loss of 0
        total = float(np.nan)
    return {f"{part}/loss": total} | (values if len(values) > 1 else {})
