"""Search among 100,000 embeddings: time of one query and recall, beside numpy's float32 and usearch's graph.

    python benchmarks/index.py [--graph]

Two sets, unit vectors of 128 and of 512 numbers: clustered (2,000 centres, 50 around each, cosine to the centre about .7, as of people
with fifty pictures each) and random ones, in which no structure helps anybody. Queries are new vectors of the same making. Recall is
the share of the true ten nearest (float64) among the ten answers. Times are CPU time of one thread, the median of 40 queries asked one
by one, and of 64 asked together. --graph also builds usearch's graph (minutes) and asks it with two expansions.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

import danlu

COUNT, QUERIES, NEAREST = 100_000, 40, 10
Ask = Callable[[np.ndarray], np.ndarray]  # (Q, D) → places (Q, NEAREST)


def unit(values: np.ndarray) -> np.ndarray:
    made: np.ndarray = (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)
    return made


def clustered(count: int, dimensions: int, rng: np.random.Generator, centres: np.ndarray) -> np.ndarray:
    noise = rng.normal(size=(count, dimensions)) / np.sqrt(dimensions)
    return unit(centres[rng.integers(0, len(centres), count)] + noise)


def sets(dimensions: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(0)
    centres = unit(rng.normal(size=(2000, dimensions)))
    return {
        "clustered": (clustered(COUNT, dimensions, rng, centres), clustered(QUERIES, dimensions, rng, centres)),
        "random": (unit(rng.normal(size=(COUNT, dimensions))), unit(rng.normal(size=(QUERIES, dimensions)))),
    }


def measured(ask: Ask, queries: np.ndarray, true: np.ndarray) -> tuple[float, float, float]:
    """(milliseconds of one query, of one of 64 together, recall)."""
    ask(queries[:1])
    times, found = [], []
    for query in queries:
        began = time.process_time()
        found.append(ask(query[None])[0])
        times.append(time.process_time() - began)
    together = np.tile(queries, (2, 1))[:64]
    began = time.process_time()
    ask(together)
    whole = (time.process_time() - began) / len(together)
    recall = np.mean([len(set(one) & set(other)) / NEAREST for one, other in zip(found, true, strict=True)])
    return float(np.median(times)) * 1e3, whole * 1e3, float(recall)


def graph(vectors: np.ndarray) -> dict[str, Ask]:
    from usearch.index import Index

    began = time.process_time()
    made = Index(ndim=vectors.shape[1], metric="ip", dtype="i8", connectivity=16, expansion_add=64)
    made.add(np.arange(len(vectors)), vectors, threads=1)
    print(f"  graph built in {time.process_time() - began:.0f} CPU seconds", flush=True)

    def asked(expansion: int) -> Ask:
        def ask(queries: np.ndarray) -> np.ndarray:
            made.expansion_search = expansion
            keys = np.asarray(made.search(queries, NEAREST, threads=1).keys)
            return keys.reshape(len(queries), -1)

        return ask

    return {f"usearch, expansion {expansion}": asked(expansion) for expansion in (64, 512)}


def main() -> None:
    for dimensions in (128, 512):
        for name, (vectors, queries) in sets(dimensions).items():
            true = np.argsort(-(queries.astype(np.float64) @ vectors.T.astype(np.float64)), axis=1)[:, :NEAREST]
            with tempfile.TemporaryDirectory() as folder:
                index = danlu.Index.create(Path(folder) / "index", dimensions)
                index.add(vectors, [str(row) for row in range(COUNT)])

                def plain(queries: np.ndarray, vectors: np.ndarray = vectors) -> np.ndarray:
                    scores = queries @ vectors.T
                    places = np.argpartition(-scores, NEAREST, axis=1)[:, :NEAREST]
                    return places

                def ours(queries: np.ndarray, index: danlu.Index = index) -> np.ndarray:
                    return np.asarray([[int(hit.id) for hit in hits] for hits in index.search(queries, NEAREST)])

                asks: dict[str, Ask] = {"danlu.Index": ours, "numpy float32": plain}
                if "--graph" in sys.argv:
                    asks |= graph(vectors)
                for way, ask in asks.items():
                    one, many, recall = measured(ask, queries, true)
                    print(
                        f"{dimensions:4d} {name:10s} {way:24s} {one:7.2f} ms  {many:7.2f} ms of 64  recall {recall:.4f}",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
