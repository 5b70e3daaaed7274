"""Micro-batches made one batch: what a term that compares samples must see."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from danlu.data.batches.batch import Batch, Padded, Ragged, Value


def joined(batches: Sequence[Batch]) -> Batch:
    """The samples of all batches, in order. Padded values are padded to the largest of all; none may wait for partners."""
    first = batches[0]
    if len(batches) == 1:
        return first
    if any(batch.partners for batch in batches):
        raise ValueError("batches that wait to be mixed can't be joined")
    columns = {name: _values([batch[name] for batch in batches]) for name in first.columns}
    rows, keys = (np.concatenate([getattr(batch, name) for batch in batches]) for name in ("rows", "keys"))
    return Batch(columns, first.inputs, rows, keys)


def _values(pieces: Sequence[Value]) -> Value:
    if isinstance(pieces[0], Tensor):
        return torch.cat(pieces)  # type: ignore[arg-type]
    if isinstance(pieces[0], Padded):
        padded = [piece for piece in pieces if isinstance(piece, Padded)]
        size = torch.stack([torch.tensor(piece.values.shape[1:]) for piece in padded]).amax(0).tolist()
        blocks = [_padded(piece.values, size) for piece in padded]
        return Padded(torch.cat(blocks), torch.cat([piece.sizes for piece in padded]))
    offsets, total = [pieces[0].offsets[:1]], 0
    ragged = [piece for piece in pieces if isinstance(piece, Ragged)]
    for piece in ragged:
        offsets.append(piece.offsets[1:] + total)
        total += int(piece.offsets[-1])
    return Ragged(torch.cat([piece.values for piece in ragged]), torch.cat(offsets))


def _padded(values: Tensor, size: Sequence[int]) -> Tensor:
    missing = [most - own for most, own in zip(size, values.shape[1:], strict=True)]
    return F.pad(values, [side for more in reversed(missing) for side in (0, more)]) if any(missing) else values
