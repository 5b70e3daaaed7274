"""Accumulation where the loss compares samples: gradients of outputs are cached (GradCache; Gao et al. 2021).

The loss of an effective batch depends on its samples only through the net's outputs. So all micro-batches go forward without a graph,
the loss and its gradient with respect to the outputs of the whole effective batch are computed, and every micro-batch goes forward
again, with the same random numbers, to pass its share of that gradient back. It costs one more forward pass; memory is that of a
micro-batch beside the outputs of all. The gradient is the full batch's (batch norm, as ever, sees micro-batches).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from danlu.data.batches.batch import Batch
from danlu.data.batches.joining import joined
from danlu.errors import TrainingError
from danlu.messages import say
from danlu.nn.lending import Lending
from danlu.training.objective import Objective
from danlu.training.precision import Precision
from danlu.training.slots.running import Running


class CachedGradients:
    """Backward of an effective batch of several micro-batches, for an objective with coupled terms."""

    def __init__(
        self, net: nn.Module, objective: Objective, precision: Precision, forward: Callable[..., Any] | None = None
    ) -> None:
        self.net, self.objective, self.precision = net, objective, precision
        self.forward = forward or net  # compiled, where training is
        self._graphs = isinstance(self.forward, Lending) and self.forward.by_gradients
        self._running = Running(net)

    def backward(self, micros: Sequence[Batch], reseed: Callable[[int], object]) -> tuple[Tensor, Tensor, Tensor]:
        """Add up the gradients; loss (0-d), terms and counts (K,).

        reseed: called with the micro-batch's index before every forward pass, so that both passes draw alike in the net.
        Running statistics move once, by the second pass. Raises TrainingError where an output has no row for every sample.
        """
        before = self._running.read()
        given: list[Any] = []
        with torch.set_grad_enabled(self._graphs):  # a graph is kept where without it other values would be dropped
            for index, batch in enumerate(micros):
                given.append(_detached(self._forward(batch, index, reseed)))
        self._running.write(before)
        sizes = [len(batch) for batch in micros]
        outputs = _joined(given, sizes)
        leaves = list(_tensors(outputs))
        for leaf in leaves:
            leaf.requires_grad_(leaf.is_floating_point())
        whole = joined(micros)
        counts = self.objective.counts(whole)
        loss, values = self.objective(outputs, whole, counts)
        self.precision.backward(loss)
        start = 0
        for index, batch in enumerate(micros):
            own = list(_tensors(self._forward(batch, index, reseed)))
            shares = [None if leaf.grad is None else leaf.grad[start : start + len(batch)] for leaf in leaves]
            both = [
                (output, share)
                for output, share in zip(own, shares, strict=True)
                if share is not None and output.requires_grad
            ]
            if both:
                torch.autograd.backward([output for output, _ in both], [share for _, share in both])
            start += len(batch)
        return loss.detach(), values, counts

    def _forward(self, batch: Batch, index: int, reseed: Callable[[int], object]) -> Any:
        reseed(index)
        with self.precision.autocast():
            return self.forward(*batch.arguments())


def _tensors(outputs: Any) -> Iterator[Tensor]:
    """Every tensor in nested mappings, lists and tuples, always in the same order."""
    if isinstance(outputs, Tensor):
        yield outputs
    elif isinstance(outputs, Mapping):
        for value in outputs.values():
            yield from _tensors(value)
    elif isinstance(outputs, (list, tuple)):
        for value in outputs:
            yield from _tensors(value)


def _detached(outputs: Any) -> Any:
    """The same structure without a graph, whose memory is given back."""
    if isinstance(outputs, Tensor):
        return outputs.detach()
    if isinstance(outputs, Mapping):
        return {name: _detached(value) for name, value in outputs.items()}
    return [_detached(value) for value in outputs] if isinstance(outputs, (list, tuple)) else outputs


def _joined(outputs: Sequence[Any], sizes: Sequence[int]) -> Any:
    """The same structure with the samples of all micro-batches."""
    first = outputs[0]
    if isinstance(first, Tensor):
        if any(not piece.ndim or len(piece) != size for piece, size in zip(outputs, sizes, strict=True)):
            shapes = ", ".join(str(tuple(piece.shape)) for piece in outputs[:3])
            what = say("accumulation.not-by-sample", shapes=shapes, sizes=", ".join(map(str, sizes[:3])))
            raise TrainingError.of("train.accumulate", what, say("accumulation.not-by-sample.remedy"))
        return torch.cat(list(outputs))
    if isinstance(first, Mapping):
        return {name: _joined([each[name] for each in outputs], sizes) for name in first}
    if isinstance(first, (list, tuple)):
        return [_joined([each[place] for each in outputs], sizes) for place in range(len(first))]
    return first
