"""Which words an answer rests on: integrated gradients on the embeddings (Sundararajan, Taly, Yan 2017, "Axiomatic Attribution").

The path goes from embeddings of nothing (zeros) to the text's own. What all tokens get adds up to the difference between the answer's
logit and that for nothing, as far as the steps are fine enough: how far they are not is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from danlu.data.batches.batch import Padded
from danlu.data.kinds.text import Text
from danlu.runs.predicting import RunPredictor

STEPS = 32
_AT_ONCE = 8192  # tokens in one pass


@dataclass(frozen=True)
class Words:
    """pieces: what each token stands for. weights: float64 (T,), what each adds to the logit of ``target``.

    gap: how far they are from adding up to the difference of the logits, as a share of the sum of their sizes.
    """

    target: str
    pieces: tuple[str, ...]
    weights: np.ndarray
    gap: float

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "target": self.target,
            "tokens": list(self.pieces),
            "weights": [float(f"{weight:.5g}") for weight in self.weights],
            "gap": float(f"{self.gap:.3g}"),
        }


def words(run: RunPredictor, raws: Sequence[Any], target: int | None = None, steps: int = STEPS) -> list[Words]:
    """Of each raw text. target: index of the class that is explained; None: the one that the net answers.

    Raises TypeError where the net's inputs are no single text, or nothing in it turns ids into vectors.
    """
    return [of_ids(run, run.prepare(raw).values[run.inputs[0]], target, steps) for raw in raws]


def of_ids(run: RunPredictor, ids: np.ndarray, target: int | None = None, steps: int = STEPS) -> Words:
    """The same for a prepared text, int32 (T,)."""
    kind = run.kinds[run.inputs[0]]
    if len(run.inputs) != 1 or not isinstance(kind, Text):
        raise TypeError("the net is not called with one text")
    weights, chosen, gap = integrated(
        run.net, torch.from_numpy(np.ascontiguousarray(ids)).to(run.device), target, steps
    )
    classes: Sequence[str] = getattr(run.kinds[run.data.targets[0]], "classes", ())
    name = classes[chosen] if chosen < len(classes) else str(chosen)
    return Words(name, tuple(kind.words.pieces(ids.tolist())), weights, gap)


def integrated(net: nn.Module, ids: Tensor, target: int | None, steps: int) -> tuple[np.ndarray, int, float]:
    """(float64 (T,) shares of the tokens, class, gap). ids: (T,)."""
    tables = tables_of(net)
    was = net.training
    net.eval()
    try:
        with torch.inference_mode():
            whole = net(_text(ids, 1))
            with _scaled(tables, torch.zeros(1, device=ids.device), []):
                nothing = net(_text(ids, 1))
        chosen = int(whole[0].argmax()) if target is None else target
        at = (torch.arange(steps, dtype=torch.float32, device=ids.device) + 0.5) / steps
        sums: list[Tensor] = []
        for block in torch.split(at, max(1, _AT_ONCE // max(1, len(ids)))):
            seen: list[tuple[Tensor, Tensor]] = []
            with torch.enable_grad(), _scaled(tables, block, seen):
                outputs = net(_text(ids, len(block)))
                slopes = torch.autograd.grad(outputs[:, chosen].sum(), [leaf for leaf, _ in seen], allow_unused=True)
            for place, ((_, value), slope) in enumerate(zip(seen, slopes, strict=True)):
                share = torch.zeros(value.shape[1]) if slope is None else (slope * value).sum((0, 2)).double().cpu()
                sums[place : place + 1] = [sums[place] + share] if place < len(sums) else [share]
        spread = getattr(net, "spread", None)
        parts = [each / steps for each in sums]
        weights = (spread(parts) if spread is not None else torch.stack(parts).sum(0)).double().numpy()
    finally:
        net.train(was)
    meant = float(whole[0, chosen] - nothing[0, chosen])
    gap = abs(float(weights.sum()) - meant) / max(float(np.abs(weights).sum()), 1e-9)
    return weights, chosen, gap


def tables_of(net: nn.Module) -> list[nn.Module]:
    """What turns ids into vectors. Raises TypeError where there is nothing."""
    ask: Any = getattr(net, "get_input_embeddings", None)
    found = [ask()] if ask is not None else [module for module in net.modules() if isinstance(module, nn.Embedding)]
    if not found:
        raise TypeError(f"nothing in {type(net).__name__} turns ids into vectors")
    return found


@contextmanager
def _scaled(tables: Sequence[nn.Module], share: Tensor, seen: list[tuple[Tensor, Tensor]]) -> Iterator[None]:
    """Inside, what the tables give is multiplied by ``share`` (S,); ``seen`` gets (that, the whole values) of each call."""

    def scale(module: nn.Module, inputs: Any, output: Tensor) -> Tensor:
        scaled = (output.detach() * share.to(output.dtype)[:, None, None]).requires_grad_(torch.is_grad_enabled())
        seen.append((scaled, output.detach()))
        return scaled

    hooks = [table.register_forward_hook(scale) for table in tables]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _text(ids: Tensor, copies: int) -> Padded:
    sizes = torch.full((copies, 1), len(ids), dtype=torch.int64, device=ids.device)
    return Padded(ids[None].expand(copies, -1).contiguous(), sizes)
