"""Self-supervision at few labels of Fashion-MNIST: all images without labels, then 1 % of the labels, beside the same net from scratch.

    python benchmarks/self_supervised.py [seeds] [epochs of pretraining] [mae|simclr]

mae: a small vision transformer (16 patches of 7 pixels, 64 wide, three layers), most of whose patches are hidden while it learns;
half of the hidden ones are painted, each normalised. simclr: the default recipe's residual net.

Data: Debian's dataset-fashion-mnist (apt-get install). For each seed 600 of the 60,000 training images keep their labels (60 of a
class) and 1,000 others with labels are the validation part; the rest is seen without labels. Scratch and fine-tuning learn by the same
recipe, for 50 and for 150 epochs, and are asked about the 10,000 test images: beside each other with equal epochs, and each with the
number that is better for it on the validation part. The curve: a linear probe (logistic regression, its penalty chosen on the
validation part) on the features of the encoder and of an untrained one, at 1, 5, 10 and 100 % of the labels, judged on the test images
too. One thread.
"""

from __future__ import annotations

import resource
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

import danlu
from danlu import recipe as recipes
from danlu.data.places import installed
from danlu.data.sources import idx
from danlu.recipe.names import spec_of
from danlu.runs.assembling import assemble
from danlu.runs.evaluating import evaluate
from danlu.runs.predicting import RunPredictor
from danlu.tasks.self_supervised import probe
from danlu.tasks.self_supervised.probe import Labelled

CLASSES, EACH, HELD = 10, 60, 100
SHARES = (0.01, 0.05, 0.1, 1.0)
AUGMENT: list[Any] = ["flip", {"crop": 2}]  # crops with erasing were worse for both (docs/performance.md)
EPOCHS = (50, 150)
NETS: dict[str, dict[str, Any]] = {
    "mae": {"name": "vit", "args": {"patch": 7, "width": 64, "depth": 3, "heads": 4}},
    "simclr": {"name": "resnet"},
}
UPDATES: dict[str, dict[str, Any]] = {"mae": {"name": "adamw", "lr": 1e-3}, "simclr": {"name": "sgd"}}
RATES = {"mae": (1e-3, 1e-3), "simclr": (0.15, 0.05)}  # from scratch, from an encoder
VIEWS: dict[str, dict[str, Any]] = {"mae": {"augment": [{"random-resized-crop": {"area": 0.6}}, "flip"]}, "simclr": {}}
OPTIONS: dict[str, dict[str, Any]] = {"mae": {"painted": 0.5, "patch_pixels": "normalized"}, "simclr": {}}
LEARNING: dict[str, dict[str, Any]] = {  # without labels (mae: He et al. 2022, table 8)
    "mae": {"optimizer": {"name": "adamw", "lr": 2e-3, "betas": [0.9, 0.95], "weight_decay": 0.05}},
    "simclr": {},
}


def cpu() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime


def arrays(part: str) -> tuple[np.ndarray, np.ndarray]:
    folder = next(iter(installed("fashion-mnist")))
    images, labels = (idx.array(folder / f"{part}-{what}-ubyte.gz") for what in ("images-idx3", "labels-idx1"))
    return images, labels


def divided(seed: int, labels: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """(rows of each class that are no validation rows, in random order; validation rows)."""
    order = np.random.default_rng(seed).permutation(len(labels))
    by_class = [order[labels[order] == label] for label in range(CLASSES)]
    held = np.concatenate([rows[EACH : EACH + HELD] for rows in by_class])
    return [np.concatenate([rows[:EACH], rows[EACH + HELD :]]) for rows in by_class], held


def classifier(source: Path, seed: int, runs: Path, epochs: int, encoder: Path | None, method: str) -> danlu.Run:
    asked: dict[str, Any] = {
        "task": "image-classification",
        "seed": seed,
        "run": {"folder": str(runs), "name": f"{'fine' if encoder else 'scratch'}-{epochs}"},
        "data": {"source": str(source), "augment": AUGMENT, "duplicates": "keep", "split": {"test": 0.0}},
        "model": {**NETS[method], "pretrained": str(encoder) if encoder else False},
        "train": {
            "epochs": epochs,
            "threads": 1,
            "evaluate_every": 1000,
            "optimizer": {**UPDATES[method], "lr": RATES[method][encoder is not None]},
        },
        "watch": {"captures_every": 0},
        "evaluate": {"baselines": False, "report": False},
    }
    return danlu.train(asked, screen=False)


def judged(few: Path, test: Path, seed: int, runs: Path, encoder: Path | None, method: str) -> dict[str, float]:
    """Test accuracy after each number of epochs, and of the one that the validation part chooses ("chosen")."""
    found, worth = {}, {}
    for epochs in EPOCHS:
        run = classifier(few, seed, runs, epochs, encoder, method)
        worth[str(epochs)] = run.metrics["val/accuracy"]
        found[str(epochs)] = evaluate(run.path, "test", str(test))["values"]["test/accuracy"]
        print(f"    {run.path.name}: val {worth[str(epochs)]:.3f}, test {found[str(epochs)]:.4f}", flush=True)
    return found | {"chosen": found[max(worth, key=lambda name: worth[name])]}


def features(net: Any, images: np.ndarray) -> np.ndarray:
    net.eval()
    with torch.inference_mode():
        blocks = [torch.from_numpy(images[start : start + 1000, None]) for start in range(0, len(images), 1000)]
        return np.concatenate([net(block)["embedding"].numpy() for block in blocks])


def curve(
    net: Any, images: np.ndarray, labels: np.ndarray, by_class: list[np.ndarray], held: np.ndarray, test: Any
) -> list[float]:
    every, asked = features(net, images), features(net, test[0])
    found = []
    for share in SHARES:
        rows = np.concatenate([rows[: round(share * 6000)] for rows in by_class])
        train = Labelled(every[rows], labels[rows])
        strengths = (0.01, 0.1, 1.0) if share < 1 else (0.1,)
        worth = {one: probe.accuracy(probe.linear(train, every[held], one), labels[held]) for one in strengths}
        chosen = max(worth, key=lambda one: worth[one])
        found.append(probe.accuracy(probe.linear(train, asked, chosen), test[1]))
    return found


def main(seeds: int = 3, epochs: int = 40, method: str = "mae") -> None:
    torch.set_num_threads(1)
    images, labels = arrays("train")
    test = arrays("t10k")
    rows = []
    for seed in range(seeds):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            by_class, held = divided(seed, labels)
            rest = np.sort(np.concatenate(by_class))
            few = np.concatenate([own[:EACH] for own in by_class])
            np.savez(folder / "unlabelled.npz", x_train=images[rest], x_val=images[held])
            np.savez(
                folder / "few.npz", x_train=images[few], y_train=labels[few], x_val=images[held], y_val=labels[held]
            )
            np.savez(folder / "test.npz", x=test[0], y=test[1])
            began = cpu()
            asked = {
                "task": "self-supervised",
                "seed": seed,
                "run": {"folder": str(folder / "runs"), "name": "encoder"},
                "data": {
                    "source": str(folder / "unlabelled.npz"),
                    "duplicates": "keep",
                    "split": {"test": 0.0},
                    **VIEWS[method],
                },
                "model": NETS[method],
                "options": {"method": method, **OPTIONS[method]},
                "train": {"epochs": epochs, "threads": 1, "evaluate_every": 1000, **LEARNING[method]},
                "watch": {"captures_every": 0},
                "evaluate": {"report": False},
            }
            encoder = danlu.train(asked, screen=False)
            spent = cpu() - began
            print(f"  seed {seed}: pretrained in {spent:.0f} CPU s", flush=True)
            scratch, fine = (
                judged(folder / "few.npz", folder / "test.npz", seed, folder / "runs", given, method)
                for given in (None, encoder.path)
            )
            recipe = recipes.complete(recipes.from_dict(asked))
            untrained = assemble(recipe, spec_of(recipe.task)).net
            curves = [
                curve(net, images, labels, by_class, held, test) for net in (RunPredictor(encoder.path).net, untrained)
            ]
            gains = [fine[name] - scratch[name] for name in scratch]
            rows.append((*scratch.values(), *fine.values(), *gains, *curves[0], *curves[1]))
            print(f"  seed {seed}: {cpu() - began:.0f} CPU s with all that follows", flush=True)
            print(f"  seed {seed}: scratch {scratch}, fine-tuned {fine}, probes {curves}", flush=True)
    table = np.asarray(rows)
    print(f"\n{seeds} seeds, test accuracy, mean (least–most)")
    names = [f"1 %: {kind}, {name} epochs" for kind in ("scratch", "fine-tuned", "gain") for name in scratch]
    names += [f"{share:.0%}: linear probe, {kind}" for kind in ("pretrained", "untrained") for share in SHARES]
    for name, values in zip(names, table.T, strict=True):
        print(f"{name:36} {values.mean():.4f} ({values.min():.4f}–{values.max():.4f})")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]), *sys.argv[3:4])
