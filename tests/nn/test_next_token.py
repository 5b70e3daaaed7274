"""The loss of the next token: torch's own over real tokens, and the same however a batch is divided."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from danlu.data.batches.batch import Batch, Padded
from danlu.nn.terms.next_token import NextToken


def batch(ids: torch.Tensor, sizes: torch.Tensor) -> Batch:
    rows = np.arange(len(ids))
    return Batch({"text": Padded(ids, sizes[:, None])}, (), rows, rows.astype(np.uint64))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_it_is_torchs_over_real_tokens(smoothing: float) -> None:
    torch.manual_seed(0)
    logits = torch.randn(4, 6, 9, dtype=torch.float64, requires_grad=True)
    ids, sizes = torch.randint(1, 9, (4, 6)), torch.tensor([6, 1, 0, 4])
    for row, size in enumerate(sizes.tolist()):
        ids[row, size:] = 0
    term, whole = NextToken("text", label_smoothing=smoothing), batch(ids, sizes)
    kept = [(row, place) for row, size in enumerate(sizes.tolist()) for place in range(size)]
    chosen = torch.stack([logits[at] for at in kept])
    truth = torch.stack([ids[at] for at in kept])
    expected = F.cross_entropy(chosen, truth, reduction="sum", label_smoothing=smoothing)
    found = term(logits, whole)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    assert float(term.count(whole)) == 11
    (gradient,) = torch.autograd.grad(found, logits)
    pieces = torch.zeros_like(gradient)
    for rows in ([0], [1, 2], [3]):
        part = logits.detach()[rows].requires_grad_()
        term(part, batch(ids[rows], sizes[rows])).backward()
        pieces[rows] = part.grad
    torch.testing.assert_close(pieces, gradient, rtol=1e-12, atol=1e-12)
    assert not gradient[2].any()
    assert not gradient[1, 1:].any()
