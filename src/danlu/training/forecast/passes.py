"""Passes over a few samples under watch, and what follows from them for a whole batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.utils._pytree import tree_leaves

from danlu.data.batches.batch import Batch
from danlu.randomness import Position
from danlu.training.forecast.tracking import Kept, Tracker, size
from danlu.training.nonfinite.culprits import take
from danlu.training.objective import Objective
from danlu.training.parts import Parts
from danlu.training.randomness import reseed

_WHOLE = 16  # samples: a batch up to this is taken as it is


@dataclass(frozen=True)
class Pass:
    """What was seen of ``samples``. forward, flops: of the forward pass, of all passes. kept: for backward. course: see Tracker."""

    samples: int
    forward: int
    flops: int
    kept: int
    course: tuple[int, ...]
    outputs: int = 0


def samples_for(count: int) -> tuple[int, ...]:
    """How many samples of ``count`` are looked at: two numbers through which a line can be drawn, or all of a few."""
    return (count,) if count <= _WHOLE else (max(4, count // 8), max(8, count // 4))


def trained(parts: Parts, objective: Objective, batch: Batch, passes: int, at: Position) -> Pass:
    """Forward and backward, ``passes`` of them accumulated. Gradients are left where they are."""
    net = parts.net
    net.zero_grad(set_to_none=True)
    known = [*net.parameters(), *net.buffers(), *objective.parameters(), *objective.buffers(), *batch.tensors()]
    counts = objective.counts(batch) * passes
    tracker, kept = Tracker(known), Kept(known)
    forward = 0
    for index in range(passes):
        reseed(at)
        with tracker:
            with kept if index == 0 else Kept(known):
                with parts.precision.autocast():
                    outputs = net(*batch.arguments())
                forward = forward or tracker.flops
                share, _ = objective(outputs, batch, counts)
            if share.requires_grad:
                parts.precision.backward(share)
            del outputs, share
    return Pass(len(batch), forward, tracker.flops // passes, kept.bytes, tuple(tracker.course))


def judged(parts: Parts, batch: Batch) -> Pass:
    """A forward pass as evaluation does it."""
    net = parts.judged
    was = net.training
    tracker = Tracker([*net.parameters(), *net.buffers(), *batch.tensors()])
    net.eval()
    try:
        with torch.no_grad(), tracker, parts.precision.autocast():
            outputs = net(*batch.arguments())
        given = size(tree_leaves(outputs))
    finally:
        net.train(was)
    return Pass(len(batch), tracker.flops, tracker.flops, 0, tuple(tracker.course), given)


def few(batch: Batch, count: int) -> Batch:
    return batch if count == len(batch) else take(batch, np.arange(count))


def line(seen: Sequence[tuple[int, float]], samples: int) -> float:
    """The value at ``samples`` on the line through (samples, value) of one or two passes."""
    (first, low), (last, high) = seen[0], seen[-1]
    if first == last:
        return high * samples / last
    return high + (high - low) * (samples - last) / (last - first)


def fullest(seen: Sequence[Pass], samples: int) -> int:
    """The most that a pass over ``samples`` holds: each moment is drawn on, since the fullest of few samples may be another one."""
    courses = [one.course for one in seen]
    if len({len(course) for course in courses}) == 1:
        moments = zip(*courses, strict=True)
        return round(
            max(line([(one.samples, at) for one, at in zip(seen, held, strict=True)], samples) for held in moments)
        )
    return round(line([(one.samples, max(one.course)) for one in seen], samples))
