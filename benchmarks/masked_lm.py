"""What pretraining on a task's own unlabelled texts gives a classifier with few labels.

    python benchmarks/masked_lm.py FILE    # movieReviewSnippets_GroundTruth.txt of vaderSentiment 2.5's sdist (hutto_ICWSM_2014.tar.gz)

10,605 snippets of film reviews with human scores; above 0 is positive. A fifth of the snippets (by their own hash) is the test and is
seen by nothing. A masked language model learns from the others without labels; then the same net is trained on 5 % of their labels,
begun with its weights and begun anew, three times with other labels. The file is read where it lies, never copied into the repository.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import sys
import tempfile
import time
from hashlib import blake2b
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

import danlu
from danlu.evaluation.predictions import read

NET = {"width": 64, "layers": 2, "heads": 4}


def snippets(path: Path) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """((text, label) to learn from, to be judged on); equal texts once."""
    rows: dict[str, str] = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        _, score, text = line.split("\t", 2)
        if float(score):
            rows.setdefault(text.strip(), "positive" if float(score) > 0 else "negative")
    held = {text for text in rows if blake2b(text.encode(), digest_size=1).digest()[0] < 51}
    pairs = list(rows.items())
    return [pair for pair in pairs if pair[0] not in held], [pair for pair in pairs if pair[0] in held]


def classifier(source: Path, folder: Path, name: str, seed: int, begun: str | bool, epochs: int) -> Any:
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
            },
            "model": {"name": "text-transformer", "pretrained": begun, "args": NET},
            "train": {"epochs": epochs, "batch_size": 32, "optimizer": {"name": "adamw", "lr": 1e-3}, "threads": 1},
            "watch": {"captures_every": 0},
            "evaluate": {"report": False},
        },
        screen=False,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--epochs", type=int, default=10, help="of the masked language model")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    learn, test = snippets(options.file)
    raw = folder / "raw.txt"
    raw.write_text("\n".join(text for text, _ in learn), encoding="utf-8")
    began = time.process_time()
    encoder = danlu.train(
        {
            "task": "masked-lm",
            "run": {"folder": str(folder), "name": "encoder"},
            "data": {
                "source": str(raw),
                "cache": str(folder / "cache"),
                "split": {"val": 0.05, "test": 0.0},
                "text": {"max_length": 48},
            },
            "model": {"name": "text-transformer", "args": NET},
            "train": {
                "epochs": options.epochs,
                "batch_size": 64,
                "optimizer": {"name": "adamw", "lr": 3e-3},
                "threads": 1,
            },
            "watch": {"captures_every": 0},
            "evaluate": {"report": False},
        },
        screen=False,
    )
    cost = time.process_time() - began
    told = encoder.metrics
    print(
        f"{len(learn):,} texts to learn from, {len(test):,} to be judged on; masked language model, {options.epochs} epochs,"
        f" {cost:.0f} s CPU: perplexity {told['val/perplexity']:.1f} (frequencies {told['val/unigram-perplexity']:.1f}),"
        f" accuracy {told['val/accuracy']:.3f} ({told['val/unigram-accuracy']:.3f})",
        flush=True,
    )
    gains = []
    print("| seed | labels | anew | begun with it | TF-IDF + linear |\n| --- | --- | --- | --- | --- |", flush=True)
    for seed in range(options.seeds):
        draw = random.Random(seed)
        some = draw.sample(learn, len(learn) // 20)
        source = folder / f"few-{seed}.csv"
        with source.open("w", newline="", encoding="utf-8") as file:
            write = csv.writer(file)
            write.writerow(("text", "label", "split"))
            cut = len(some) // 5
            for part, rows in (("val", some[:cut]), ("train", some[cut:]), ("test", test)):
                write.writerows((*row, part) for row in rows)
        runs = [
            classifier(source, folder, f"{name}-{seed}", seed, begun, 20)
            for name, begun in (("anew", False), ("begun", str(encoder.path)))
        ]
        hits = []
        for run in runs:
            found = read(run.path)
            assert found is not None
            hits.append(dict(zip(found.ids, found.answers.hits, strict=True)))  # type: ignore[union-attr]
        names = sorted(hits[0])
        gains.append(np.asarray([float(hits[1][name]) - float(hits[0][name]) for name in names]))
        linear = runs[0].baselines["tfidf"]["values"]["test/accuracy"]
        accuracies = [run.metrics["test/accuracy"] for run in runs]
        print(f"| {seed} | {len(some)} | {accuracies[0]:.4f} | {accuracies[1]:.4f} | {linear:.4f} |", flush=True)
    every = np.mean(gains, axis=0)  # of each test sample, over seeds
    half = 1.96 * every.std(ddof=1) / np.sqrt(len(every))
    print(
        f"begun - anew: {every.mean():+.4f} (95 % {every.mean() - half:+.4f} to {every.mean() + half:+.4f}, paired by test sample)"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
