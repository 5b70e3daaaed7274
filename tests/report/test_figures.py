"""The figures in a report beside scikit-learn's, to 1e-6; and what scikit-learn has not by formulas of its own."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import metrics

import danlu
from danlu.report import write_report
from tests.report.made import classified, regressed
from tests.report.page import Read, read
from tests.runs.small import recipe

EXACT = 1e-6


def near(value: float) -> Any:
    return pytest.approx(value, rel=EXACT, abs=EXACT, nan_ok=True)


def answered(
    rows: int,
    classes: int,
    seed: int,
    *,
    weights: np.ndarray | None = None,
    only: tuple[int, ...] = (),
    always: int | None = None,
    ties: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """probability float32 (N, K), label (N,). weights: how frequent classes are. only: those that occur. always: what is predicted."""
    draw = np.random.default_rng(seed)
    label = draw.choice(only, rows) if only else draw.choice(classes, rows, p=weights)
    logits = draw.normal(size=(rows, classes))
    logits[np.arange(rows), label] += 1.5
    if always is not None:
        logits[:, always] = logits.max(1) + 1
    if ties:
        logits = np.round(logits)
    probability = np.exp(logits)
    return (probability / probability.sum(1, keepdims=True)).astype(np.float32), label


SKEWED = np.array([0.7, 0.2, 0.06, 0.04])
CASES: dict[str, dict[str, Any]] = {
    "plain": {"rows": 400, "classes": 4},
    "two classes": {"rows": 300, "classes": 2},
    "two hundred classes": {"rows": 3000, "classes": 200},
    "unevenly frequent": {"rows": 500, "classes": 4, "weights": SKEWED},
    "absent classes": {"rows": 200, "classes": 8, "only": (1, 2, 6)},
    "one true class": {"rows": 60, "classes": 3, "only": (1,)},
    "one predicted class": {"rows": 150, "classes": 3, "always": 2},
    "ties": {"rows": 300, "classes": 6, "ties": True},
    "one sample": {"rows": 1, "classes": 3},
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("case", CASES)
def test_classification(case: str, seed: int, tmp_path: Path) -> None:
    probability, label = answered(**CASES[case], seed=seed)
    names = [f"class {place}" for place in range(probability.shape[1])]
    page = read(write_report(classified(tmp_path / "run", probability, label, names)))
    check_classes(page, probability, label)


def test_a_real_training(tmp_path: Path) -> None:
    from danlu.evaluation.predictions import read as predictions

    run = danlu.train(recipe(tmp_path), screen=False)
    kept = predictions(run.path)
    probability = np.concatenate([block for _, block in kept.blocks()])
    check_classes(read(run.path / "report.html"), probability, kept.answers.true)


def check_classes(page: Read, probability: np.ndarray, label: np.ndarray) -> None:
    shown, classes = page.names, probability.shape[1]
    every = np.arange(classes)
    predicted = probability.argmax(1)  # of equals the first, as everywhere
    wide = probability.astype(np.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of classes that don't occur
        assert shown["test/accuracy"] == near(metrics.accuracy_score(label, predicted))
        assert shown["test/balanced-accuracy"] == near(metrics.balanced_accuracy_score(label, predicted))
        assert shown["test/macro-f1"] == near(metrics.f1_score(label, predicted, average="macro", zero_division=0))
        # scikit-learn makes the rows sum to 1 before it takes logarithms, which float32 ones do to 1e-7
        loss = metrics.log_loss(label, wide / wide.sum(1, keepdims=True), labels=every)
        assert shown["test/log-loss"] == near(loss)
        assert shown["calibration/log-loss"] == near(loss)
        if classes == 2:
            assert shown["test/auc"] == near(
                metrics.roc_auc_score(label, logit(wide)) if len(set(label)) == 2 else np.nan
            )
            assert shown["calibration/brier"] == near(metrics.brier_score_loss(label, wide[:, 1]))
        else:
            assert shown["calibration/brier"] == near(((wide - np.eye(classes)[label]) ** 2).sum(1).mean())
        if classes > 5:
            assert shown["test/top5"] == near(top5(wide, label))
        matrix = metrics.confusion_matrix(label, predicted, labels=every)
        by_class = metrics.precision_recall_fscore_support(label, predicted, labels=every, zero_division=np.nan)
    drawn = {f"{i},{j}": int(matrix[i, j]) for i, j in np.argwhere(matrix)}
    listed = [place for place in every if any(name.startswith(f"class/{place}/") for name in shown)]
    if classes <= 24:
        assert page.cells == drawn
    else:
        assert page.cells, "the classes with the most mistakes"
        assert page.cells.items() <= drawn.items()
    if classes <= 120:
        assert len(listed) == len(set(label) | set(predicted)), "the others have no figures"
    else:
        assert len(listed) == 120
    for place in listed:
        for name, values in zip(("precision", "recall", "f1"), by_class, strict=False):
            if np.isnan(values[place]):
                assert f"class/{place}/{name}" not in shown
            else:
                assert shown[f"class/{place}/{name}"] == near(values[place]), (place, name)
    assert shown["calibration/ece"] == near(ece(wide.max(1), predicted == label))


def logit(wide: np.ndarray) -> np.ndarray:
    """By which AUC ranks: where the second probability rounds to 1 the first still differs."""
    return np.log(wide[:, 1]) - np.log(wide[:, 0])


def top5(wide: np.ndarray, label: np.ndarray) -> float:
    """scikit-learn's, with ties to the first class: it takes the last of equals."""
    size = wide.shape[1]
    rank = wide - np.arange(size) * 1e-12
    return float(metrics.top_k_accuracy_score(label, rank, k=5, labels=np.arange(size)))


def ece(sure: np.ndarray, right: np.ndarray, bins: int = 15) -> float:
    """Σ over bins of (share of the samples) · |mean confidence - accuracy|, Guo et al. 2017, bins (i/15, (i + 1)/15]."""
    total = 0.0
    for place in range(bins):
        low, high = place / bins, (place + 1) / bins
        inside = (sure > low) & (sure <= high)
        if inside.any():
            total += inside.mean() * abs(sure[inside].mean() - right[inside].mean())
    return total


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("rows", [2, 40, 3000])
def test_regression(rows: int, seed: int, tmp_path: Path) -> None:
    draw = np.random.default_rng(seed)
    true = draw.gamma(2.0, 100.0, rows)
    predicted = true + draw.normal(3.0, 30.0, rows)
    page = read(write_report(regressed(tmp_path / "run", predicted, true)))
    wanted = {
        "mse": metrics.mean_squared_error(true, predicted),
        "rmse": metrics.root_mean_squared_error(true, predicted),
        "mae": metrics.mean_absolute_error(true, predicted),
        "r2": metrics.r2_score(true, predicted),
    }
    for name, value in wanted.items():
        assert page.names[f"test/{name}"] == near(value), name
        assert page.names[f"residuals/{name}"] == near(value), name
    assert page.names["residuals/bias"] == near(float((predicted - true).mean()))


def test_temperature_is_fitted_on_validation_and_what_it_gives_is_shown(tmp_path: Path) -> None:
    from scipy.optimize import minimize_scalar

    draw = np.random.default_rng(0)
    label = draw.integers(0, 3, 900)
    logits = draw.normal(size=(900, 3))
    logits[np.arange(900), label] += 1.0
    too_sure = np.exp(3 * logits)
    probability = (too_sure / too_sure.sum(1, keepdims=True)).astype(np.float32)
    val, test = slice(0, 400), slice(400, None)
    run = classified(
        tmp_path / "run", probability[test], label[test], ["a", "b", "c"], val=(probability[val], label[val])
    )
    page = read(write_report(run))

    def cooled(rows: slice, temperature: float) -> np.ndarray:
        scaled = np.exp(np.log(probability[rows].astype(np.float64)) / temperature)
        return scaled / scaled.sum(1, keepdims=True)

    best = minimize_scalar(
        lambda heat: metrics.log_loss(label[val], cooled(val, heat)),
        bounds=(0.1, 10),
        method="bounded",
        options={"xatol": 1e-9},
    ).x
    assert page.names["calibration/temperature"] == pytest.approx(best, rel=1e-4)
    after = cooled(test, best)
    wanted = ece(after.max(1), after.argmax(1) == label[test])
    assert page.names["calibration/mended-ece"] == pytest.approx(wanted, abs=2e-4), "a sample may change its bin"
    assert wanted < 0.5 * page.names["calibration/ece"]
    assert "too sure" in page.text


def test_samples_without_a_label_count_nowhere(tmp_path: Path) -> None:
    probability, label = answered(200, 3, 0)
    label[::7] = -1
    page = read(write_report(classified(tmp_path / "run", probability, label, ["a", "b", "c"])))
    check_classes(page, probability[label >= 0], label[label >= 0])
