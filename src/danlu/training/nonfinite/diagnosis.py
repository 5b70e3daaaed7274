"""Why a step is NaN or infinite: the first layer and operation, or what held it already, and the rows that are to blame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from torch import nn

from danlu.data.batches.batch import Batch
from danlu.randomness import Position
from danlu.training.nonfinite.culprits import culprits, spoilt_samples, take
from danlu.training.nonfinite.finding import Finding, Kind
from danlu.training.nonfinite.replay import Replay, Traced
from danlu.training.objective import Objective
from danlu.training.plan import Plan
from danlu.training.precision import Precision


def diagnose(
    net: nn.Module,
    objective: Objective,
    window: Sequence[Batch],
    micros: Sequence[Batch],
    plan: Plan,
    precision: Precision,
    position: Position,
) -> Finding:
    """Do the step again and say what was found. Changes nothing but torch's generators, which every micro-batch seeds anew.

    net: as it was before the step. window, micros: its micro-batches before and after the batch transforms. position: of the step.
    """
    try:
        doing = Replay(net, objective, micros, precision, position)
        found = doing.traced()
        if found is None:
            return Finding("passing")
        if found.phase == "norm":
            return Finding("norm", name=found.name)
        finding = _finding(found)
        if finding.kind == "column":
            return _column(finding, window[found.micro], micros[found.micro], plan, position)
        if finding.kind in ("weight", "buffer", "constant"):
            return finding
        batch = micros[found.micro]
        blamed = culprits(lambda index: doing.spoils(found.micro, take(batch, index)), len(batch), found.origin.samples)
        return replace(finding, rows=tuple(batch.rows[blamed].tolist()))
    except (RuntimeError, TypeError, NotImplementedError) as error:  # a net that can't be copied; no memory for it
        lines = str(error).splitlines()
        return Finding("unknown", reason=lines[0] if lines else type(error).__name__)


def _finding(found: Traced) -> Finding:
    origin = found.origin
    if origin.leaf is not None:
        kind: Kind = origin.leaf[0]  # type: ignore[assignment]
    elif found.phase == "running":
        kind = "running"
    else:
        kind = "backward" if origin.node else "forward"
    name = origin.leaf[1] if origin.leaf is not None else found.name
    return Finding(kind, found.micro, name, origin.value, origin.layer, origin.operation, origin.node)


def _column(finding: Finding, raw: Batch, batch: Batch, plan: Plan, position: Position) -> Finding:
    """Which rows of a column are spoilt, and whether a transform did it. A mixed-in partner's row is named as its own."""
    if finding.name in raw and len(spoilt := spoilt_samples(raw[finding.name])):
        return replace(finding, rows=tuple(np.unique(raw.rows[spoilt]).tolist()))
    rows = tuple(batch.rows[spoilt_samples(batch[finding.name])].tolist())
    for transform in plan.transforms:
        raw = transform(raw, position, plan.kinds)
        if finding.name in raw and len(spoilt_samples(raw[finding.name])):
            return replace(finding, kind="transform", rows=rows, reason=str(transform))
    return replace(finding, rows=rows)
