"""Embeddings at speed: a step of matrix factorisation over 1 M users × 100 k items × 64, batch 8192.

Beside the tutorial loop (dense ``nn.Embedding``, Adam) and ``torch.optim.SparseAdam``; then the cost per sample at 10⁵ and 10⁷ rows.
CPU seconds, the best of several steps; ids are drawn evenly, so that nearly all rows of a batch differ: the dearest case. With
``--quality`` what each reaches: RMSE on 5 M planted ratings, or on ML-100K.

    python benchmarks/embeddings.py [--users 1000000] [--items 100000] [--quick] [--quality [ml-100k.inter] [--seeds 5]]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from scipy import stats
from torch import Tensor, nn

from danlu.nn.embedding.descent import Descent
from danlu.nn.embedding.native import kernel
from danlu.nn.nets.collaborative_filtering import CollaborativeFiltering
from danlu.training import allocator
from danlu.training.optimisers.rowwise_adagrad import RowwiseAdagrad
from danlu.training.optimisers.sparse_adam import SparseAdam

BATCH, WIDTH = 8192, 64


def drawn(users: int, items: int) -> list[tuple[Tensor, Tensor, Tensor]]:
    """64 batches of ids and ratings."""
    rng = np.random.default_rng(0)
    return [
        (
            torch.from_numpy(rng.integers(0, users, BATCH)),
            torch.from_numpy(rng.integers(0, items, BATCH)),
            torch.from_numpy(rng.normal(size=BATCH).astype(np.float32)),
        )
        for _ in range(64)
    ]


def stepper(net: nn.Module, optimiser: torch.optim.Optimizer, users: int, items: int) -> Callable[[int], None]:
    """One training step on fresh ids."""
    blocks = drawn(users, items)

    def step(number: int) -> None:
        user, item, rating = blocks[number % 64]
        optimiser.zero_grad(set_to_none=True)
        loss = (net(user, item) - rating).square().mean()
        loss.backward()
        optimiser.step()

    return step


def closed(net: CollaborativeFiltering, optimiser: RowwiseAdagrad, users: int, items: int) -> Callable[[int], None]:
    """The same step in closed form, as the loop takes it."""
    blocks = drawn(users, items)
    descent = Descent((net.user_embeddings.weight, net.item_embeddings.weight))

    def step(number: int) -> None:
        rules = tuple(optimiser.rule(parameter) for parameter in descent.parameters)
        assert descent.step(*blocks[number % 64], rules) is not None

    return step


def whole(net: CollaborativeFiltering, optimiser: torch.optim.Optimizer) -> Callable[[Tensor, Tensor, Tensor], None]:
    """Steps of a net with biases in closed form."""
    assert isinstance(optimiser, RowwiseAdagrad)
    tables = net.user_embeddings.weight, net.item_embeddings.weight
    descent = Descent(tables, (net.user_biases.weight, net.item_biases.weight), net.offset)

    def step(users: Tensor, items: Tensor, ratings: Tensor) -> None:
        found = descent.step(users, items, ratings, tuple(optimiser.rule(each) for each in descent.parameters))
        assert found is not None
        net.offset.grad = torch.tensor(found.slopes)
        optimiser.step()

    return step


def made(users: int, items: int, sparse: bool) -> CollaborativeFiltering:
    torch.manual_seed(0)
    return CollaborativeFiltering(users, items, embedding=WIDTH, scale=0.1, sparse=sparse)


def table(users: int, items: int, names: Sequence[str], rounds: int) -> dict[str, float]:
    """Name → CPU seconds of a step: the least of ``rounds``, in turns, so that whatever else the machine does meets all alike."""
    steps: dict[str, Callable[[int], None]] = {}
    for name in names:
        net = made(users, items, not name.startswith("tutorial"))
        groups = [{"params": list(net.parameters())}]
        optimiser = OPTIMISERS[name.split(",")[0]](groups)
        if "closed" in name:
            assert isinstance(optimiser, RowwiseAdagrad)
            steps[name] = closed(net, optimiser, users, items)
        else:
            steps[name] = stepper(net, optimiser, users, items)
    found = dict.fromkeys(names, np.inf)
    for number in range(rounds):
        for name, step in steps.items():
            if number >= TUTORIAL and name.startswith("tutorial"):
                continue
            for again in range(2 if number == 0 else 1):
                with native("native" in name):
                    began = time.thread_time()
                    step(number + again)
                    found[name] = min(found[name], time.thread_time() - began)
    return found


def native(on: bool) -> AbstractContextManager[Any]:
    """The native kernel, or torch's operations alone."""
    return nullcontext() if on else patch.object(kernel, "usable", lambda *_: False)


OPTIMISERS: dict[str, Callable[[Any], torch.optim.Optimizer]] = {
    "tutorial: nn.Embedding + Adam": lambda groups: torch.optim.Adam(groups, lr=1e-3),
    "torch.optim.SparseAdam": lambda groups: torch.optim.SparseAdam(groups, lr=1e-3),
    "sparse-adam": lambda groups: SparseAdam(groups, lr=1e-2),
    "rowwise-adagrad": lambda groups: RowwiseAdagrad(groups, lr=1e-2),
}
NAMES = (
    *("tutorial: nn.Embedding + Adam", "torch.optim.SparseAdam"),
    *("sparse-adam, torch", "rowwise-adagrad, torch", "sparse-adam, native", "rowwise-adagrad, native"),
    "rowwise-adagrad, native, closed",
)
TUTORIAL = 5  # rounds of the dear one


def planted(users: int, items: int, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ratings of rank 8 with noise of deviation .5."""
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(users, 8)).astype(np.float32), rng.normal(size=(items, 8)).astype(np.float32)
    user, item = rng.integers(0, users, count), rng.integers(0, items, count)
    rating = (one[user] * other[item]).sum(1) / np.sqrt(8) + 0.5 * rng.normal(size=count)
    return user, item, rating.astype(np.float32)


def rated(path: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """ML-100K: a line for each rating, user, item and rating first."""
    with Path(path).open() as file:
        rows = [line.split("\t")[:3] for line in file if line[0].isdigit()]
    user, item = (np.unique([row[place] for row in rows], return_inverse=True)[1] for place in (0, 1))
    return user, item, np.asarray([float(row[2]) for row in rows], np.float32)


def quality(
    ratings: tuple[np.ndarray, np.ndarray, np.ndarray],
    names: Sequence[str],
    *,
    width: int,
    batch: int,
    epochs: int,
    seed: int = 0,
) -> dict[str, float]:
    """Name → RMSE on a tenth of the rows; rate and epoch by the least on another tenth. Row-wise Adagrad, whose steps shrink and cost
    little, is given twice the epochs.
    """
    (user, item, rating), found = ratings, dict[str, float]()
    part = np.random.default_rng(1 + seed).random(len(user))
    parts = [np.flatnonzero(part < 0.1), np.flatnonzero((part >= 0.1) & (part < 0.2)), np.flatnonzero(part >= 0.2)]
    columns = [torch.from_numpy(np.ascontiguousarray(column)) for column in (user, item, rating)]
    mean, deviation = rating[parts[2]].mean(), rating[parts[2]].std()

    def rmse(net: nn.Module, rows: np.ndarray) -> float:
        with torch.no_grad():
            found = mean + deviation * net(*(column[rows] for column in columns[:2]))
        return float((found - columns[2][rows]).square().mean().sqrt())

    rates = {
        "tutorial: nn.Embedding + Adam": (0.003, 0.005, 0.01, 0.02, 0.03),
        "sparse-adam": (0.003, 0.005, 0.01, 0.02, 0.03),
        "rowwise-adagrad": (0.02, 0.05, 0.1, 0.5, 1.0),
    }
    for name in names:
        best: tuple[float, ...] = (np.inf,)
        most = epochs * (2 if name.startswith("rowwise") else 1)
        began = time.process_time()
        for rate in rates[name.split(",")[0]]:
            torch.manual_seed(seed)
            sparse = not name.startswith("tutorial")
            sizes = int(user.max()) + 1, int(item.max()) + 1
            net = CollaborativeFiltering(*sizes, embedding=width, biases=True, scale=0.1, sparse=sparse)
            optimiser = OPTIMISERS[name.split(",")[0]]([{"params": list(net.parameters())}])
            way = whole(net, optimiser) if "closed" in name else None
            for epoch in range(most):
                order = parts[2][np.random.default_rng((seed, epoch)).permutation(len(parts[2]))]
                for start in range(0, len(order), batch):
                    rows = order[start : start + batch]
                    done = (epoch + start / len(order)) / most
                    optimiser.param_groups[0]["lr"] = rate * (1.0 - done)  # down to 0, for all alike
                    with native("native" in name):
                        optimiser.zero_grad(set_to_none=True)
                        wanted = (columns[2][rows] - mean) / deviation
                        if way is not None:
                            way(columns[0][rows], columns[1][rows], wanted)
                            continue
                        (net(columns[0][rows], columns[1][rows]) - wanted).square().mean().backward()
                        optimiser.step()
                best = min(best, (rmse(net, parts[1]), rmse(net, parts[0]), rate, epoch + 1))
        seconds, found[name] = time.process_time() - began, best[1]
        print(
            f"{name:32s} test RMSE {best[1]:.4f}   rate {best[2]:g}, epoch {best[3]}   {seconds:.0f} CPU s", flush=True
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--quick", action="store_true", help="no tutorial loop, no 10⁷ rows")
    parser.add_argument(
        "--quality", nargs="?", const="planted", help="RMSE instead: on planted ratings, or ML-100K's file"
    )
    parser.add_argument(
        "--seeds", type=int, default=1, help="of --quality on a file: other parts, first weights and order"
    )
    asked = parser.parse_args()
    torch.set_num_threads(1)  # CPU seconds of threads that wait for each other would be counted twice
    allocator.keep()  # for all alike: memory that a step frees is kept for the next one
    if missing := kernel.missing():
        raise SystemExit(f"no native kernel: {missing}")
    if asked.quality:
        if asked.quality == "planted":
            quality(planted(50_000, 10_000, 5_000_000), (NAMES[0], *NAMES[4::2]), width=8, batch=BATCH, epochs=8)
            return
        ratings, names = rated(asked.quality), (NAMES[0], *NAMES[2:])
        told = [quality(ratings, names, width=32, batch=1024, epochs=15, seed=seed) for seed in range(asked.seeds)]
        for name in told[0] if asked.seeds > 1 else ():
            gaps = np.asarray([one[name] - next(iter(one.values())) for one in told])
            half = stats.t.ppf(0.975, len(gaps) - 1) * gaps.std(ddof=1) / len(gaps) ** 0.5
            mean = np.mean([one[name] for one in told])
            print(f"{name:32s} mean {mean:.4f}, above the tutorial loop {gaps.mean():+.4f} (± {half:.4f})")
        return
    found = table(asked.users, asked.items, NAMES[1 if asked.quick else 0 :], 60)
    slowest = max(found.values())
    threads = torch.get_num_threads()
    sizes = f"{asked.users:,} × {asked.items:,} × {WIDTH}, batch {BATCH}"
    print(f"torch {torch.__version__}, {threads} threads; {sizes}")
    for name, cost in found.items():
        print(f"{name:32s} {1e3 * cost:10.2f} ms a step   × {slowest / cost:8.1f}")
    for rows in (10**5,) if asked.quick else (10**5, 10**7):
        for name, cost in table(rows, rows // 10, (NAMES[3], *NAMES[5:]), 60).items():
            print(f"{name}, {rows:>10,} users {1e6 * cost / BATCH:10.3f} µs a sample")


if __name__ == "__main__":
    main()
