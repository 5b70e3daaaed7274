"""What is foreseen of one step. Sizes are bytes, times seconds; a FLOP is a multiplication or an addition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Took(NamedTuple):
    """seconds: by the clock. cpu: of the processor, of all threads of this process together."""

    seconds: float
    cpu: float


@dataclass(frozen=True)
class Parameters:
    """trained: those that ever learn. frozen: those that never do."""

    trained: int
    frozen: int

    @property
    def total(self) -> int:
        return self.trained + self.frozen


@dataclass(frozen=True)
class Flops:
    """Of matrix products, convolutions and attention, as torch counts them. forward: of one sample, a mean over some of a batch.

    step: of an effective batch, forward and backward, without the update.
    """

    forward: float
    step: float


@dataclass(frozen=True)
class StepMemory:
    """What stands in memory during a step.

    weights: parameters and buffers. gradients, optimizer, averaged: of what ever learns, what the optimiser remembers of it, the
    averaged copy. batch: an effective batch as it comes and as it is transformed. activations: what is kept for the backward pass, each
    storage once, without parameters and the batch itself. working: the rest of what a pass holds at its fullest moment. update: what
    the update needs beside the optimiser's memory. evaluation: of a batch without gradients, beside weights.

    tensors: all that are held at the step's fullest moment; less than the sum, since activations go while gradients come. whole: what
    a step really takes, with the scratch memory of kernels and what the allocator can't use again.
    """

    weights: int
    gradients: int
    optimizer: int
    averaged: int
    batch: int
    activations: int
    working: int
    update: int
    evaluation: int
    tensors: int
    whole: int


@dataclass(frozen=True)
class Step:
    """samples: of an effective batch. took: a step, data and update included. look: a look inside the net, beside it.

    outputs: bytes that the net gives out for one sample.
    """

    parameters: Parameters
    flops: Flops
    memory: StepMemory
    samples: int
    took: Took
    look: Took
    outputs: float
