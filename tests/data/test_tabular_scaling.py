"""Imputers and scalers equal scikit-learn's to 1e-9, and nothing of test rows is in them."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm  # type: ignore[import-untyped]
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, QuantileTransformer, RobustScaler, StandardScaler

from danlu import recipe as recipes
from danlu.data.dataset import Dataset
from danlu.data.kinds.features import Features
from danlu.data.prepare import prepare
from danlu.data.tabular.encoders import Numeric
from danlu.data.tabular.normal import inverse_normal
from danlu.data.tabular.scaling import Scale, steps
from danlu.recipe.names import spec_of


def column(seed: int, rows: int = 700, gaps: float = 0.1) -> np.ndarray:
    """Skew, with ties at 0 and gaps."""
    draw = np.random.default_rng(seed)
    values = np.where(draw.random(rows) < 0.2, 0.0, np.round(draw.lognormal(1, 1, rows), 2))
    return np.where(draw.random(rows) < gaps, np.nan, values)


SCALERS: dict[str, Any] = {
    "standard": StandardScaler(),
    "minmax": MinMaxScaler(),
    "robust": RobustScaler(),
    "quantile": QuantileTransformer(
        n_quantiles=steps(700), output_distribution="normal", subsample=10**9, random_state=0
    ),
}
STRATEGIES = {"median": "median", "mean": "mean", "most-frequent": "most_frequent", "constant": "constant"}


@pytest.mark.parametrize("missing", STRATEGIES)
@pytest.mark.parametrize("scale", SCALERS)
def test_equals_scikit_learn(scale: str, missing: str) -> None:
    train, other = column(0), column(1)
    own = Numeric.fit("x", list(train), {"missing": missing, "scale": scale, "fill": 2.5, "indicator": False})
    theirs = make_pipeline(SimpleImputer(strategy=STRATEGIES[missing], fill_value=2.5), SCALERS[scale])
    theirs.fit(train[:, None])
    for values in (train, other):
        np.testing.assert_allclose(own(list(values)), theirs.transform(values[:, None]), rtol=0, atol=1e-9)


def test_the_indicator_is_scikit_learns() -> None:
    train, other = column(0), column(1)
    own = Numeric.fit("x", list(train), {})
    assert own.numbers == ("x", "x ?")
    theirs = MissingIndicator().fit(train[:, None]).transform(other[:, None])
    assert np.array_equal(own(list(other))[:, 1] > 0, theirs[:, 0])
    assert Numeric.fit("x", list(column(0, gaps=0.0)), {}).numbers == ("x",)


def test_what_does_not_vary_is_not_divided_by_nothing() -> None:
    for name in SCALERS:
        assert np.isfinite(Scale.fit(name, np.full(40, 0.1))(np.asarray([0.1, 7.0]))).all()


def test_a_scale_is_undone() -> None:
    values = column(0, gaps=0.0)
    for name in ("none", "standard", "minmax", "robust"):
        scale = Scale.fit(name, values)
        np.testing.assert_allclose(Scale.of(scale.spec()).back(scale(values)), values, atol=1e-9)


def test_normal_quantiles() -> None:
    shares = np.r_[1e-300, 1e-12, np.linspace(0.001, 0.999, 999), 1 - 1e-12]
    np.testing.assert_allclose(inverse_normal(shares), norm.ppf(shares), rtol=1e-13, atol=1e-13)
    assert inverse_normal(np.asarray([0.0, 1.0])).tolist() == [-math.inf, math.inf]


def dataset(path: Path, **features: Any) -> Dataset:
    asked = {
        "task": "table-regression",
        "data": {"source": str(path), "columns": {"value": "y"}, "split": {"test": 0.0}},
        "options": {"features": features},
    }
    recipe = recipes.complete(recipes.from_dict(asked))
    return prepare(recipe, spec_of(recipe.task))


def written(path: Path, test: list[list[Any]]) -> Path:
    draw = np.random.default_rng(3)
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["a", "b", "town", "day", "y", "split"])
        for row in range(120):
            part = "val" if row % 6 == 0 else "train"
            cells = [round(draw.normal(), 3), "" if row % 7 == 0 else round(draw.lognormal(), 3)]
            writer.writerow([*cells, "ABC"[row % 3], f"2020-0{1 + row % 9}-11", round(draw.normal(), 3), part])
        writer.writerows([*row, "test"] for row in test)
    return path


@pytest.mark.parametrize("scale", ["standard", "minmax", "robust", "quantile"])
def test_nothing_is_learnt_from_test_rows(tmp_path: Path, scale: str) -> None:
    """Test rows far from all others, with a category of their own: kind, statistics and prepared training rows stay to the bit."""
    calm = [[0.1, 1.0, "A", "2020-02-11", 0.5]] * 30
    wild = [[1e6, "", "Z", "1950-01-01", -1e6]] * 30
    one = dataset(written(tmp_path / "one.csv", calm), scale=scale)
    other = dataset(written(tmp_path / "other.csv", wild), scale=scale)
    assert one.kinds["features"].spec() == other.kinds["features"].spec()
    assert one.statistics == other.statistics
    assert len(one.parts["test"]) == len(other.parts["test"]) > 0
    for part in ("train", "val"):
        rows = [data.store.gather("features", data.parts[part]) for data in (one, other)]  # type: ignore[index]
        assert np.array_equal(rows[0], rows[1])


def test_nothing_is_learnt_from_validation_rows_either(tmp_path: Path) -> None:
    data = dataset(written(tmp_path / "table.csv", []))
    kind = data.kinds["features"]
    assert isinstance(kind, Features)
    raws = [row for row in csv.DictReader((tmp_path / "table.csv").open()) if row["split"] == "train"]
    for row in raws:
        del row["y"], row["split"]
    assert Features.fit(raws, {}).spec() == kind.spec()
