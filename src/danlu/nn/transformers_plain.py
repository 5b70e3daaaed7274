"""Attention of Transformers' nets as softmax and products: the fast kernels keep no weights, and their strides hold in no graph."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch


@contextmanager
def plain_attention(model: Any) -> Iterator[None]:
    """model: of Transformers; afterwards it attends as before."""
    before = model.config._attn_implementation
    model.set_attn_implementation("eager")
    try:
        yield
    finally:
        model.set_attn_implementation(before)


def plain_in_a_graph(model: Any) -> AbstractContextManager[None]:
    """:func:`plain_attention` while a graph is captured, nothing else."""
    return plain_attention(model) if torch.compiler.is_exporting() else nullcontext()
