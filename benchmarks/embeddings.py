"""Embeddings at speed: a step of matrix factorisation over 1 M users × 100 k items × 64, batch 8192.

Beside the tutorial loop (dense ``nn.Embedding``, Adam) and ``torch.optim.SparseAdam``; then the cost per sample at 10⁵ and 10⁷ rows.
CPU seconds, the best of several steps; ids are drawn evenly, so that nearly all rows of a batch differ: the dearest case.

    python benchmarks/embeddings.py [--users 1000000] [--items 100000] [--quick]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from danlu.nn.nets.collaborative_filtering import CollaborativeFiltering
from danlu.training import allocator
from danlu.training.optimisers.rowwise_adagrad import RowwiseAdagrad
from danlu.training.optimisers.sparse_adam import SparseAdam

BATCH, WIDTH = 8192, 64


def stepper(net: nn.Module, optimiser: torch.optim.Optimizer, users: int, items: int) -> Callable[[int], None]:
    """One training step on fresh ids."""
    rng = np.random.default_rng(0)
    blocks = [
        (
            torch.from_numpy(rng.integers(0, users, BATCH)),
            torch.from_numpy(rng.integers(0, items, BATCH)),
            torch.from_numpy(rng.normal(size=BATCH).astype(np.float32)),
        )
        for _ in range(64)
    ]

    def step(number: int) -> None:
        user, item, rating = blocks[number % 64]
        optimiser.zero_grad(set_to_none=True)
        loss = (net(user, item) - rating).square().mean()
        loss.backward()
        optimiser.step()

    return step


def seconds(step: Callable[[int], None], count: int, rounds: int = 5) -> float:
    """CPU seconds of a step: the best round of ``count``."""
    step(0)
    best = np.inf
    for start in range(rounds):
        began = time.process_time()
        for number in range(count):
            step(start * count + number)
        best = min(best, (time.process_time() - began) / count)
    return float(best)


def made(users: int, items: int, sparse: bool) -> nn.Module:
    torch.manual_seed(0)
    return CollaborativeFiltering(users, items, embedding=WIDTH, scale=0.1, sparse=sparse)


def table(users: int, items: int, slow: bool) -> dict[str, float]:
    """Name → CPU seconds of a step."""
    found: dict[str, float] = {}
    if slow:
        net = made(users, items, False)
        tutorial = torch.optim.Adam(net.parameters(), lr=1e-3)
        found["tutorial: nn.Embedding + Adam"] = seconds(stepper(net, tutorial, users, items), 1, 3)
        del net, tutorial
        net = made(users, items, True)
        lazy = torch.optim.SparseAdam(list(net.parameters()), lr=1e-3)
        found["torch.optim.SparseAdam"] = seconds(stepper(net, lazy, users, items), 5)
        del net, lazy
    for name, make in (("sparse-adam", SparseAdam), ("rowwise-adagrad", RowwiseAdagrad)):
        net = made(users, items, True)
        optimiser = make([{"params": list(net.parameters())}], lr=1e-2)
        found[f"danlu {name}"] = seconds(stepper(net, optimiser, users, items), 20)
        del net, optimiser
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--quick", action="store_true", help="no tutorial loop, no 10⁷ rows")
    asked = parser.parse_args()
    torch.set_num_threads(1)  # CPU seconds of threads that wait for each other would be counted twice
    allocator.keep()  # for all alike: memory that a step frees is kept for the next one
    found = table(asked.users, asked.items, not asked.quick)
    slowest = max(found.values())
    print(
        f"torch {torch.__version__}, {torch.get_num_threads()} threads; {asked.users:,} × {asked.items:,} × {WIDTH}, batch {BATCH}"
    )
    for name, cost in found.items():
        print(f"{name:32s} {1e3 * cost:10.2f} ms a step   × {slowest / cost:8.1f}")
    for rows in (10**5,) if asked.quick else (10**5, 10**7):
        cost = table(rows, rows // 10, False)["danlu rowwise-adagrad"]
        print(f"rowwise-adagrad, {rows:>10,} users {1e6 * cost / BATCH:10.3f} µs a sample")


if __name__ == "__main__":
    main()
