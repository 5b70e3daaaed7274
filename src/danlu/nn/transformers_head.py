"""The head of a net of Transformers that writes, which can be its embedding."""

from __future__ import annotations

from typing import Any

from torch import nn


def writing_head(model: Any, decoder: nn.Module) -> nn.Module:
    """The layer whose outputs are the ids; where it is the embedding itself, what of ``decoder`` with parameters is last: its norm."""
    found: nn.Module = model.get_output_embeddings()
    embedding = model.get_input_embeddings()
    if found.weight is not embedding.weight:
        return found
    parts = [each for each in decoder.named_modules() if next(each[1].parameters(False), None) is not None]
    last: nn.Module = [part for name, part in parts if "embed" not in name and part is not embedding][-1]
    return last
