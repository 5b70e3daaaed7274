"""What techniques do, where they should help: each beside the same training without it, with an interval over seeds.

    python benchmarks/effects.py [seeds] [first seed] [name …]

Every seed draws its own training rows from the 12,000 embedded images of Fashion-MNIST and judges on 2,000 others; a pair shares rows,
first weights and order. Printed: mean of both, mean difference with its 95 % interval (Student's t over seeds). The settings were tried
on seeds from 100 on; the figures in docs/performance.md are of seeds 0 to 4.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import load_file
from scipy import stats

import danlu
from danlu.evaluation.predictions import ClassPredictions
from danlu.evaluation.predictions import read as read_predictions

EMBEDDED = Path(danlu.__file__).parent / "data" / "assets" / "fashion.npz"
COMMON: dict[str, Any] = {
    "data.augment": [],
    "data.split.val": 0.0,
    "train.threads": 1,
    "train.precision": "fp32",
    "train.schedule": "one-cycle",
    "train.loss": "cross-entropy",
    "evaluate.weights": "last",
    "evaluate.baselines": False,
    "evaluate.report": False,
    "watch.captures_every": 0,
    "train.checkpoint.every_epochs": 1000,
}
MLP = {
    "model.name": "mlp",
    "model.args": {"widths": [256, 256]},
    "model.norm": "none",  # behind a norm the size of weights means nothing
    "train.optimizer": {"name": "adamw", "lr": 1e-3, "weight_decay": 0.0},
    "train.batch_size": 50,
    "train.epochs": 40,
}
CNN = {
    "model.name": "resnet",
    "model.args": {"width": 12},
    "train.optimizer": {"name": "sgd", "lr": 0.1, "weight_decay": 5e-4, "momentum": 0.9},
    "train.batch_size": 50,
    "train.epochs": 20,
}
HELD = {
    "train.schedule": "constant",
    "train.optimizer": {"name": "sgd", "lr": 0.1, "weight_decay": 5e-4, "momentum": 0.9},
}
MOVED = {"data.augment": [{"flip": {"alternating": True}}, {"crop": 2}]}

Data = Callable[[int, Path], None]
Measure = Callable[[danlu.Run], float]


def images(rows: int, noise: float = 0.0, classes: Mapping[int, int] | None = None) -> Data:
    """Writes ``rows`` training images with a share of ``noise`` labels drawn anew, and 2,000 to be judged on; or only some
    classes, each with its number of training images.
    """

    def written(seed: int, path: Path) -> None:
        with np.load(EMBEDDED) as archive:
            x, y = archive["images"], archive["labels"].astype(np.int64)
        draw = np.random.default_rng(seed)
        order = draw.permutation(len(x))
        test, rest = order[:2000], order[2000:]
        if classes is not None:
            test = test[np.isin(y[test], list(classes))]
            rest = np.concatenate([rest[y[rest] == label][:count] for label, count in classes.items()])
        else:
            rest = rest[:rows]
        labels = y[rest].copy()
        wrong = draw.random(len(rest)) < noise
        labels[wrong] = draw.integers(0, 10, int(wrong.sum()))
        np.savez(path, x_train=x[rest], y_train=labels, x_test=x[test], y_test=y[test])

    return written


def metric(name: str) -> Measure:
    return lambda run: float(run.metrics[f"test/{name}"])


def recall(label: int) -> Measure:
    """Share of a class's test images that are answered with it."""

    def measured(run: danlu.Run) -> float:
        told = read_predictions(run.path)
        assert isinstance(told, ClassPredictions)
        return float((told.answers.predicted[told.answers.true == label] == label).mean())

    return measured


def zeros(run: danlu.Run) -> float:
    """Share of the hidden layers' weights that are exactly 0."""
    last = max((run.path / "checkpoints").iterdir()) / "net.safetensors"
    weights = [value for name, value in load_file(last).items() if value.ndim == 2 and "head" not in name]
    return sum(int((w == 0).sum()) for w in weights) / sum(w.numel() for w in weights)


@dataclass(frozen=True)
class Effect:
    """plain, with_it: what is changed in a recipe."""

    name: str
    data: Data
    plain: Mapping[str, Any]
    with_it: Mapping[str, Any]
    measures: Mapping[str, Measure] = field(default_factory=lambda: {"accuracy": metric("accuracy")})


BOTH = {"accuracy": metric("accuracy"), "log-loss": metric("log-loss")}
FEW, NOISY = images(1000), images(1000, noise=0.3)
UNEVEN = images(0, classes={0: 600, 4: 600, 6: 30})  # t-shirts and coats, and a few shirts
RECALL = {"recall of the rare class": recall(2), "balanced accuracy": metric("balanced-accuracy")}
EFFECTS = (
    Effect("dropout .5", FEW, MLP, {"model.dropout": 0.5}, BOTH),
    Effect("decay 2 (decoupled L2)", FEW, MLP, {"train.optimizer.weight_decay": 2.0}, BOTH),
    Effect("L1 .2, proximal", FEW, MLP, {"train.l1": 0.2, "train.l1_by": "proximal"}, {**BOTH, "zeros": zeros}),
    Effect("L1 1e-4, penalty", FEW, MLP, {"train.l1": 1e-4}, {**BOTH, "zeros": zeros}),
    Effect("flip + crop", FEW, CNN, MOVED, BOTH),
    Effect("mixup", FEW, CNN, {"data.augment": [{"mixup": 0.4}]}, BOTH),
    Effect("drop-path .2", FEW, CNN, {"model.args": {"width": 12, "drop_path": 0.2}}, BOTH),
    Effect("SAM .1, 30 % wrong labels", NOISY, CNN, {"train.sam": 0.1}, BOTH),
    Effect("EMA .99 at a constant rate", FEW, CNN | HELD, {"train.ema": 0.99}, BOTH),
    Effect("SWA .5 at a constant rate", FEW, CNN | HELD, {"train.swa": 0.5}, BOTH),
    Effect("views flip-shift", FEW, CNN | MOVED, {"evaluate.views": "flip-shift"}, BOTH),
    Effect("class weights", UNEVEN, CNN, {"data.balance": "class-weights"}, RECALL),
    Effect("weighted sampler", UNEVEN, CNN, {"data.balance": "sampler"}, RECALL),
    Effect("logit adjustment", UNEVEN, CNN, {"data.balance": "logit-adjustment"}, RECALL),
    Effect("focal", UNEVEN, CNN, {"train.loss": "focal"}, RECALL),
    Effect("focal + class weights", UNEVEN, CNN, {"train.loss": "focal", "data.balance": "class-weights"}, RECALL),
)


class Trainings:
    """What was asked for before is not trained again: effects share their plain training."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._runs: dict[str, danlu.Run] = {}
        self._sources: dict[tuple[int, int], Path] = {}

    def run(self, data: Data, seed: int, changes: Mapping[str, Any]) -> danlu.Run:
        source = self._sources.setdefault((id(data), seed), self.place / f"{len(self._sources)}.npz")
        if not source.exists():
            data(seed, source)
        wanted = {**COMMON, **changes, "data.source": str(source), "seed": seed}
        key = repr(sorted(wanted.items()))
        if key not in self._runs:
            wanted |= {"run.folder": str(self.place / "runs"), "run.name": f"{len(self._runs)}"}
            flat = {name.replace(".", "__"): value for name, value in wanted.items()}
            self._runs[key] = danlu.train({}, screen=False, **flat)
        return self._runs[key]


def interval(gaps: np.ndarray) -> tuple[float, float, float]:
    """Mean, and its 95 % interval by Student's t."""
    half = stats.t.ppf(0.975, len(gaps) - 1) * gaps.std(ddof=1) / len(gaps) ** 0.5 if len(gaps) > 1 else np.inf
    return float(gaps.mean()), float(gaps.mean() - half), float(gaps.mean() + half)


def main(seeds: int = 5, first: int = 0, *names: str) -> None:
    print("| technique | measured by | without | with | difference |\n| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        trainings = Trainings(Path(folder))
        for effect in EFFECTS:
            if names and not any(effect.name.startswith(name) for name in names):
                continue
            pairs = [
                (
                    trainings.run(effect.data, seed, effect.plain),
                    trainings.run(effect.data, seed, {**effect.plain, **effect.with_it}),
                )
                for seed in range(first, first + seeds)
            ]
            for told, measure in effect.measures.items():
                without, with_it = (np.asarray([measure(pair[side]) for pair in pairs]) for side in (0, 1))
                mean, low, high = interval(with_it - without)
                row = (
                    effect.name,
                    told,
                    f"{without.mean():.4f}",
                    f"{with_it.mean():.4f}",
                    f"{mean:+.4f} ({low:+.4f} to {high:+.4f})",
                )
                print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]), *sys.argv[3:])
