"""Imbalanced real pictures: remedies beside one-versus-rest logistic regression.

    python benchmarks/imbalance.py [splits]

Data: the stamps of benchmarks/multi_label.py by their top folder, as they are: from some 140 animals down to 9 soldiers' things,
13 classes of at least 8. Rare classes are those of fewer than 25 stamps. Net: MobileNetV2 with torchvision's weights, fine-tuned;
plainly, and with adjusted logits (`balance: logit-adjustment`). The regressions have scikit-learn's class_weight="balanced"
and a penalty chosen on validation rows by macro F1, as is the net's best epoch. The first line is the plan with the best macro F1 of
validation rows in the mean over splits. Figures are of test rows, things on one side: the mean over splits, and the paired difference
of the first line to each other with its interval by bootstrap over things.
"""

from __future__ import annotations

import csv
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from multi_label import RECIPE, _file, stamps, stored, table
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from transfer import features

import danlu
from danlu.metrics.multi_label import f1

LEAST, RARE = 8, 25
PLANS: dict[str, dict[str, Any]] = {
    "net, plain": {},
    "net, logit adjustment": {"data.balance": "logit-adjustment"},
}


def manifest(path: Path) -> Path:
    rows = stamps()
    often = Counter(words[0] for _, words, _ in rows)
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["image", "label", "thing"])
        writer.writerows([file, words[0], thing] for file, words, thing in rows if often[words[0]] >= LEAST)
    return path


def regression(parts: dict[str, tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Predicted classes of the test rows."""
    best: tuple[float, Any] = (-1.0, None)
    for c in (1e-4, 1e-3, 1e-2, 1e-1, 1.0):
        one = LogisticRegression(C=c, class_weight="balanced", max_iter=300)
        model = make_pipeline(StandardScaler(), OneVsRestClassifier(one)).fit(*parts["train"])
        score = f1_score(parts["val"][1], model.predict(parts["val"][0]), average="macro")
        best = max(best, (score, model), key=lambda pair: pair[0])
    return np.asarray(best[1].predict(parts["test"][0]))


def pixels(run: danlu.Run) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Images of 16 × 16 and their classes, by part."""
    from danlu.tasks.baselines.drawing import gather
    from danlu.tasks.baselines.features import matrix

    assert run.data is not None
    samples = {part: gather(run.data, rows) for part, rows in run.data.parts.items()}
    return {part: (matrix(sample, 16), np.asarray(sample.targets["label"])) for part, sample in samples.items()}


def main() -> None:
    splits = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    warnings.filterwarnings("ignore")
    began = time.process_time()
    judged: list[Any] = []
    held: dict[str, list[float]] = {name: [] for name in PLANS}  # macro F1 of validation rows
    rare: np.ndarray = np.zeros(0, bool)
    with tempfile.TemporaryDirectory() as place:
        source = manifest(Path(place) / "stamps.csv")
        things = {str(file): thing for file, _, thing in stamps()}
        for seed in range(splits):
            answers: dict[str, np.ndarray] = {}
            run, true = None, np.zeros(0)
            for name, plan in PLANS.items():
                options = {"data.source": str(source), "run.folder": place, "run.name": f"{name}-{seed}", "seed": seed}
                options |= {"task": "image-classification", "train.best": "val/macro-f1", "evaluate.baselines": False}
                options |= {"evaluate.weights": "best", "train.loss": {"name": "cross-entropy", "label_smoothing": 0.1}}
                run = danlu.train(danlu.recipe.patch(danlu.Recipe(), RECIPE | options | plan), screen=False)
                found = stored(run, "test", ("label", "true/label"))
                answers[name], true = found["label"], found["true/label"]
                held[name].append(run.metrics["val/macro-f1"])
            assert run is not None
            assert run.data is not None
            answers["one-vs-rest LR, its features"] = regression(
                {p: features(run, p) for p in ("train", "val", "test")}
            )
            answers["one-vs-rest LR, pixels"] = regression(pixels(run))
            shown = [things[_file(run.data.ids[row], things)] for row in run.data.parts["test"]]
            judged.append((answers, true, shown))
            if not seed:
                counts = {name: sum(by_part.values()) for name, by_part in run.data.card["classes"]["label"].items()}
                rare = np.asarray([count < RARE for count in counts.values()])
                print(f"{len(run.data)} stamps: {counts}")

    def values(answer: np.ndarray, true: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
        """Metric → (D,): with the samples weighted by (D, N)."""
        classes = np.arange(len(rare))
        there, said = true[:, None] == classes, answer[:, None] == classes
        hits, count = weights @ (there & said), weights @ there
        recall = np.divide(hits, count, out=np.full(hits.shape, np.nan), where=count > 0)
        return {
            "macro-f1": np.nanmean(f1(hits, count + weights @ said), 1),
            "recall of rare classes": np.nanmean(recall[:, rare], 1),
            "accuracy": hits.sum(1) / count.sum(1),
        }

    print("macro F1 of validation rows:", {name: round(float(np.mean(each)), 3) for name, each in held.items()})
    nets = sorted(PLANS, key=lambda name: -float(np.mean(held[name])))
    table(judged, nets[:1] + [name for name in judged[0][0] if name != nets[0]], values)
    print(f"CPU seconds: {time.process_time() - began:.0f}")


if __name__ == "__main__":
    main()
