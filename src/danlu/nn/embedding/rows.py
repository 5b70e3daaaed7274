"""Gradients of the batch's rows alone: the rows that come twice are added, so that each comes once.

What ``torch.Tensor.coalesce`` does, at a fraction of its price: places are sorted together with where they stood, and the rows of each
are added, in the batch's order, by the native kernel or by torch's for bags of embeddings. The sums are the same on every run.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from danlu.nn.embedding.native import kernel

Runs = tuple[Tensor, Tensor, Tensor]  # see :func:`runs`


def coalesced(gradient: Tensor) -> Tensor:
    """A gradient (rows, …), sparse in its rows, with each row once and in order: itself where it is so already."""
    if gradient.is_coalesced():
        return gradient
    if gradient.sparse_dim() != 1:
        return gradient.coalesce()
    if _once(gradient._indices()[0]):  # made so, but autograd doesn't pass it on
        return gradient._coalesced_(True)
    return sparse_rows(*summed(gradient._indices()[0], gradient._values()), gradient.shape)


def sparse_rows(place: Tensor, values: Tensor, shape: tuple[int, ...]) -> Tensor:
    """A gradient of ``shape`` that is ``values`` (m, …) at the rows ``place`` (m,), each once and rising."""
    return torch.sparse_coo_tensor(place[None], values, shape, is_coalesced=True, check_invariants=False)


@torch.no_grad()
def summed(place: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
    """int64 (n,), not negative, and (n, …) → the distinct places int64 (m,), rising, and the sums (m, …) of what belongs to each."""
    if not len(place):
        return place, values
    flat = values.reshape(len(values), -1)
    once, order, starts = runs(place)
    if flat.shape[1] and kernel.usable(flat):
        return once, kernel.sums(flat, order, starts).reshape(len(once), *values.shape[1:])
    if flat.shape[1] == 0:
        return once, values.new_zeros((len(once), *values.shape[1:]))
    sums = torch.embedding_bag(flat, order, starts, False, 0, False, None, False)[0]
    return once, sums.reshape(len(once), *values.shape[1:])


def _once(place: Tensor) -> bool:
    """Whether the places rise. Only asked where no device is waited for."""
    return place.device.type == "cpu" and bool((place.numpy()[1:] > place.numpy()[:-1]).all())


def runs(place: Tensor) -> Runs:
    """(distinct places (m,), the order (n,) that brings equal ones together, where each one's run begins in it (m,))."""
    if kernel.usable() and place.is_cpu:
        return kernel.runs(place.contiguous())
    if place.device.type != "cpu":
        ordered, order = torch.sort(place, stable=True)
        first = torch.ones_like(ordered, dtype=torch.bool)
        torch.ne(ordered[1:], ordered[:-1], out=first[1:])
        starts = first.nonzero()[:, 0]
        return ordered[starts], order, starts
    count = len(place)
    bits = count.bit_length()
    if int(place.max()) >> (63 - bits):  # place and position don't fit into one number together
        ordered, order = torch.sort(place, stable=True)
        sorted_, behind = ordered.numpy(), order
    else:
        both = place.numpy() << bits
        both |= np.arange(count)
        both.sort()  # numpy sorts numbers by vectors, and needs none beside them
        behind = torch.from_numpy(both & ((1 << bits) - 1))
        both >>= bits
        sorted_ = both
    starts_ = np.flatnonzero(np.r_[True, sorted_[1:] != sorted_[:-1]])
    return torch.from_numpy(sorted_[starts_]), behind, torch.from_numpy(starts_)
