"""Writing 128 tokens with and without the cache of keys and values: CPU seconds, the same tokens."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from danlu.data.batches.batch import Padded
from danlu.nn.nets.gpt import Gpt
from danlu.nn.nets.seq2seq_transformer import Seq2seqTransformer
from danlu.tasks.generating.search import Plan, write
from danlu.tasks.generating.steps import TorchStep

TOKENS, VOCABULARY = 128, 8000


class Again:
    """All tokens computed anew at each step; what was read is read once."""

    moving = ("own",)

    def __init__(self, net: Any, read: Padded | None) -> None:
        self.net, self.read = net, read

    def __call__(self, state: Mapping[str, Any], tokens: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
        own = np.concatenate([state["own"], tokens[:, None]], 1)
        prefix = Padded(torch.from_numpy(own), torch.full((len(own), 1), own.shape[1]))
        logits = self.net(self.read if self.read is not None else prefix, prefix)[:, -1]
        return logits.numpy(), {**state, "own": own}

    def pick(self, value: Any, rows: np.ndarray) -> Any:
        return value[rows]


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    draw = np.random.default_rng(0)
    nets = {
        "gpt, 4 layers of 256": (Gpt(VOCABULARY, longest=256).eval(), None),
        "seq2seq, 3 + 3 layers of 256": (Seq2seqTransformer(VOCABULARY, VOCABULARY, longest=256).eval(), 20),
    }
    print(f"{'net':32}{'texts':>6}{'with cache':>12}{'without':>10}{'times':>8}")
    for name, (net, size) in nets.items():
        for count in (1, 8):
            first = draw.integers(10, VOCABULARY, count)
            read = (
                None
                if size is None
                else Padded(
                    torch.from_numpy(draw.integers(10, VOCABULARY, (count, size))), torch.full((count, 1), size)
                )
            )
            plan = Plan(2, VOCABULARY, TOKENS)  # no end: it has no such id
            with torch.inference_mode():
                begun = Padded(torch.full((count, 1), 3), torch.ones(count, 1, dtype=torch.int64))
                began = time.process_time()
                state = net.begin(begun if read is None else read)
                state.pop("last", None)
                cached, _ = write(TorchStep(net, torch.device("cpu")), state, count, plan, first)
                middle = time.process_time()
                start = np.empty((count, 0), np.int64) if read is not None else np.full((count, 0), 0)
                again, _ = write(Again(net, read), {"own": start}, count, plan, first)
                ended = time.process_time()
            same = all(np.array_equal(one, other) for one, other in zip(cached, again, strict=True))
            quick, slow = middle - began, ended - middle
            print(
                f"{name:32}{count:>6}{quick:>11.2f}s{slow:>9.2f}s{slow / quick:>7.1f}x{'' if same else '  other tokens'}",
                flush=True,
            )


if __name__ == "__main__":
    main()
