"""What a net looks at while it writes: of each token that is written, its shares of what was read (Bahdanau et al. 2015)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from danlu.data.batches.batch import Padded
from danlu.data.kinds.text import Text
from danlu.runs.predicting import RunPredictor
from danlu.tasks.generating.decoder import Writer


@dataclass(frozen=True)
class Attention:
    """read, written: what tokens stand for, the end too if it was reached. weights: float64 (written, read), rows add up to 1."""

    read: tuple[str, ...]
    written: tuple[str, ...]
    weights: np.ndarray

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        rows = [[float(f"{each:.5g}") for each in row] for row in self.weights.tolist()]
        return {"read": list(self.read), "written": list(self.written), "weights": rows}


def attention(run: RunPredictor, raws: Sequence[Any], layer: int | None = None) -> list[Attention]:
    """Of each raw text and what the run writes for it, heads averaged. layer: from 0; None: all layers averaged.

    Raises TypeError where the run does not write texts from texts, or its net tells no attention, IndexError for a layer it lacks.
    """
    return [of_ids(run, run.prepare(raw).values[run.inputs[0]], layer) for raw in raws]


def of_ids(run: RunPredictor, ids: np.ndarray, layer: int | None = None) -> Attention:
    """The same for a prepared text, int32 (T,)."""
    kind, decoder = run.kinds[run.inputs[0]], run.task.decoder()
    ask: Any = getattr(run.net, "attention", None)
    if len(run.inputs) != 1 or not isinstance(kind, Text) or not isinstance(decoder, Writer) or ask is None:
        raise TypeError(
            "the run does not write a text that it reads another for, or its net does not tell what it looks at"
        )
    said = run.outputs({run.inputs[0]: kind.stack([ids])})
    tokens = np.asarray(said["tokens"])[0, : int(said["lengths"][0])]
    most = decoder.plan.most  # a text of so many tokens was cut, and has no end
    source, prefix = _text(run, ids), _text(run, np.concatenate([[decoder.plan.start], tokens])[:most])
    with torch.inference_mode():
        maps = ask(source, prefix)[0].double()  # (L, H, T, S)
    chosen = maps.mean((0, 1)) if layer is None else maps[layer].mean(0)
    written = decoder.words.pieces([*tokens.tolist(), decoder.plan.end][:most])
    return Attention(tuple(kind.words.pieces(ids.tolist())), tuple(written), chosen.cpu().numpy())


def _text(run: RunPredictor, ids: np.ndarray) -> Padded:
    values = torch.from_numpy(np.ascontiguousarray(ids, np.int64))[None]
    return Padded(values.to(run.device), torch.tensor([[len(ids)]], device=run.device))
