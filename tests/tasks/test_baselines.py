"""Baselines equal their reference implementations, stay within bounds, and are judged as the net is."""

from __future__ import annotations

import csv
import json
import shutil
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

import danlu
from danlu.cli.main import main
from danlu.data.kinds.base import Kind
from danlu.data.kinds.boxes import Boxes
from danlu.data.kinds.category import Category
from danlu.data.kinds.image import Image
from danlu.data.kinds.number import Number
from danlu.metrics.classification import Classification
from danlu.tasks.baselines import drawing, linear, nearest
from danlu.tasks.baselines.base import Sample
from danlu.tasks.baselines.constant import Majority, Mean, Median
from danlu.tasks.baselines.features import Scaling, matrix
from danlu.tasks.baselines.linear import LinearClasses, LinearNumber
from danlu.tasks.baselines.nearest import NearestClasses, NearestNumber
from danlu.tasks.baselines.reduced import reduce
from danlu.tasks.baselines.softmax import Softmax, minimise
from danlu.tasks.detection.baseline import AverageBox

ROOT = Path(__file__).parents[2]


def silent(done: int, total: int) -> None:
    assert 0 <= done <= total


def digits(start: int, stop: int, number: bool = False) -> Sample:
    """Some of scikit-learn's digits, as a cache would give them."""
    found = load_digits()
    images = (found.images[start:stop, :, :, None] * 15).astype(np.uint8)
    kinds: dict[str, Kind] = {"image": Image(8, 8, 1), "label": Category(tuple("0123456789"))}
    labels = found.target[start:stop]
    target = labels.astype(np.float32) if number else labels.astype(np.int64)
    sizes = np.full((stop - start, 2), 8)
    return Sample({"image": images}, {"image": sizes}, {"label": target}, kinds, np.arange(start, stop))


TRAIN, HELD, TEST = (0, 800), (800, 1000), (1000, 1300)


@pytest.mark.parametrize("alpha", [1.0, 1e-2, 1e-4])
def test_softmax_is_scikit_learns(alpha: float) -> None:
    rng = np.random.default_rng(0)
    values, labels = rng.normal(size=(150, 6)), rng.integers(0, 4, 150)
    labels[values[:, 0] > 0.5] = 2
    model = Softmax(6, 4)
    model.fit(values, labels, alpha, passes=5000, tolerance=1e-9)
    reference = LogisticRegression(C=1 / (alpha * 150), tol=1e-10, max_iter=5000).fit(values, labels)
    np.testing.assert_allclose(model.probability(values), reference.predict_proba(values), atol=1e-5)
    np.testing.assert_allclose(model.weights[:-1], reference.coef_.T, atol=1e-3)


def test_minimise_finds_the_least_of_an_ill_conditioned_bowl_within_its_passes() -> None:
    scale = np.logspace(0, 4, 12)
    wanted = np.arange(12.0)
    calls = []

    def bowl(at: np.ndarray) -> tuple[float, np.ndarray]:
        calls.append(1)
        return float((scale * (at - wanted) ** 2).sum() / 2), scale * (at - wanted)

    found, used = minimise(bowl, np.zeros(12), 1000, 1e-8)
    np.testing.assert_allclose(found, wanted, atol=1e-7)
    assert used == len(calls) < 400
    calls.clear()
    minimise(bowl, np.zeros(12), 15, 1e-8)
    assert len(calls) <= 15


def test_linear_classes_choose_their_penalty_on_held_samples() -> None:
    train, held, test = digits(*TRAIN), digits(*HELD), digits(*TEST)
    model = LinearClasses("label", 10)
    model.fit(train, held, 300, silent)
    found = model.predict(test, silent)
    values = matrix(train)
    scaling = Scaling(values)
    worth = {}
    for alpha in linear._ALPHAS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reference = LogisticRegression(C=1 / (alpha * 800), max_iter=2000).fit(values, train.targets["label"])
        worth[alpha] = reference.score(scaling(matrix(held)), held.targets["label"])
        if alpha == model.settings()["alpha"]:
            theirs = reference.predict_proba(scaling(matrix(test)))
    assert worth[model.settings()["alpha"]] >= max(worth.values()) - 0.011
    assert (found["label"] == theirs.argmax(1)).mean() > 0.98
    assert np.abs(found["probability"] - theirs).mean() < 0.01
    assert found["probability"].dtype == np.float32


def test_linear_numbers_are_ridge() -> None:
    train, held, test = (digits(*part, number=True) for part in (TRAIN, HELD, TEST))
    model = LinearNumber("label")
    model.fit(train, held, 300, silent)
    values = matrix(train)
    scaling = Scaling(values)
    others = scaling(matrix(held))
    errors = {}
    for alpha in linear._RIDGES:
        reference = Ridge(alpha=alpha * 800).fit(values.astype(np.float64), train.targets["label"])
        errors[alpha] = np.square(reference.predict(others) - held.targets["label"]).mean()
    best = min(errors, key=lambda alpha: errors[alpha])
    assert model.settings()["alpha"] == best
    reference = Ridge(alpha=best * 800).fit(values.astype(np.float64), train.targets["label"])
    np.testing.assert_allclose(
        model.predict(test, silent)["value"], reference.predict(scaling(matrix(test))), atol=1e-4
    )


def test_neighbours_are_scikit_learns(monkeypatch: pytest.MonkeyPatch) -> None:
    train, held, test = digits(*TRAIN), digits(*HELD), digits(*TEST)
    model = NearestClasses("label", 10)
    model.fit(train, held, 300, silent)
    flat, label = matrix(train), train.targets["label"]
    worth = [
        KNeighborsClassifier(k).fit(flat, label).score(matrix(held), held.targets["label"]) for k in nearest._CHOICES
    ]
    assert worth[nearest._CHOICES.index(model.k)] >= max(worth) - 0.011, "ties between classes are broken otherwise"
    votes = KNeighborsClassifier(model.k).fit(flat, label).predict_proba(matrix(test))
    share = np.bincount(label, minlength=10) / 800
    found = model.predict(test, silent)
    np.testing.assert_allclose(found["probability"], (votes * model.k + share) / (model.k + 1), atol=1e-6)
    monkeypatch.setattr(nearest, "AT_ONCE", 800 * 7)
    assert np.array_equal(model.predict(test, silent)["probability"], found["probability"]), "blocks make no difference"


def test_neighbours_of_numbers_are_scikit_learns() -> None:
    train, held, test = (digits(*part, number=True) for part in (TRAIN, HELD, TEST))
    model = NearestNumber("label")
    model.fit(train, held, 300, silent)
    reference = KNeighborsRegressor(model.k).fit(matrix(train), train.targets["label"])
    np.testing.assert_allclose(model.predict(test, silent)["value"], reference.predict(matrix(test)), atol=1e-5)


def test_the_work_for_neighbours_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Smaller images, then fewer training samples, evenly spread; what is found are places among all of them."""
    monkeypatch.setattr(nearest, "_OPERATIONS", 64 * 1000 * 300)
    monkeypatch.setattr(nearest, "_SMALLEST", 4)
    train = digits(0, 1797)
    index = nearest.Neighbours(train, 300)
    assert index._values.shape[1] == 16, "4 × 4 pixels"
    assert len(index) == 1797
    index = nearest.Neighbours(train, 800)
    assert len(index) == 1500
    assert index.places[0] == 0
    assert index.places[-1] == 1796
    own = index.near(train.take(index.places[:50]), 1, silent)[:, 0]
    assert (own == index.places[:50]).mean() > 0.9, "a sample is its own nearest neighbour"


def test_constants_by_hand() -> None:
    train, held, test = digits(0, 100), digits(100, 100), digits(100, 103)
    train.targets["label"][:3] = -1
    majority = Majority("label", 10)
    majority.fit(train, held, 3, silent)
    share = np.bincount(train.targets["label"][3:], minlength=10) / 97
    found = majority.predict(test, silent)
    np.testing.assert_allclose(found["probability"], np.tile(share, (3, 1)), atol=1e-7)
    assert found["label"].tolist() == [int(share.argmax())] * 3
    numbers = digits(0, 100, number=True)
    numbers.targets["label"][:2] = [np.nan, 1000]
    for baseline, middle in ((Mean("label"), np.nanmean), (Median("label"), np.nanmedian)):
        baseline.fit(numbers, held, 3, silent)
        assert baseline.predict(test, silent)["value"] == pytest.approx([float(middle(numbers.targets["label"]))] * 3)


def test_without_held_samples_they_do_with_their_defaults() -> None:
    train, none, test = digits(*TRAIN), digits(900, 900), digits(*TEST)
    for baseline in (LinearClasses("label", 10), NearestClasses("label", 10)):
        baseline.fit(train, none, 300, silent)
        assert (baseline.predict(test, silent)["label"] == test.targets["label"]).mean() > 0.8


def test_the_matrix_of_all_kinds() -> None:
    kinds: dict[str, Kind] = {"picture": Image(4, 4, 1), "age": Number(), "colour": Category(("red", "green"))}
    pixels = np.arange(16, dtype=np.uint8).reshape(1, 4, 4, 1)
    inputs = {"picture": pixels, "age": np.array([3.5], np.float32), "colour": np.array([1])}
    sample = Sample(inputs, {}, {}, kinds, np.arange(1))
    assert matrix(sample)[0].tolist() == pytest.approx([*(np.arange(16) / 255), 3.5, 0, 1])
    means = [2.5, 4.5, 10.5, 12.5]
    assert matrix(sample, 2)[0].tolist() == pytest.approx([*(np.array(means) / 255), 3.5, 0, 1])


def test_scaling_of_columns() -> None:
    rng = np.random.default_rng(0)
    raw = np.stack([rng.normal(5, 3, 500), np.full(500, 7.0), rng.normal(2000, 0.5, 500)], axis=1).astype(np.float32)
    values = raw.copy()
    scaling = Scaling(values)
    np.testing.assert_allclose(values.mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(values.std(0), [1, 0, 1], atol=1e-3)
    assert np.array_equal(scaling(raw.copy()), values)


def test_images_of_many_sizes_become_small_squares() -> None:
    images = [np.full((90, 40, 3), 200, np.uint8), np.full((10, 12, 3), 50, np.uint8)]
    made = reduce(Image(None, None, 3), images)
    assert made is not None
    small, sizes = made
    assert small.shape == (2, 32, 32, 3)
    assert (small[0] == 200).all()
    assert (small[1] == 50).all()
    assert sizes is not None
    assert sizes.tolist() == [[90, 40], [10, 12]]
    flat = reduce(Image(100, 50, 1), np.full((2, 100, 50, 1), 9, np.uint8))
    assert flat is not None
    assert flat[0].shape == (2, 32, 16, 1)
    assert reduce(Boxes(("a",)), []) is None


def test_the_mean_box_by_hand() -> None:
    boxes = [
        np.array([[0, 0, 10, 10, 1, 0, 100], [0, 0, 100, 50, 0, 1, 9]], np.float32),  # the second is a crowd
        np.array([[20, 10, 40, 20, 1, 0, 200], [10, 10, 20, 20, 2, 0, 100]], np.float32),
        np.zeros((0, 7), np.float32),
    ]
    sizes = np.array([[50, 100], [50, 100], [10, 10]])  # height, width
    kinds: dict[str, Kind] = {"boxes": Boxes(("a", "b", "c"))}
    train = Sample({}, {"image": sizes}, {"boxes": boxes}, kinds, np.arange(3))
    baseline = AverageBox(3, most=5)
    baseline.fit(train, train, 3, silent)
    found = baseline.predict(train.take(np.array([2])), silent)["boxes"]
    np.testing.assert_allclose(found[0], [[1.0, 1.0, 2.5, 3.0, 2 / 3, 1], [1.0, 2.0, 2.0, 4.0, 1 / 3, 2]], atol=1e-6)
    few = AverageBox(3, most=1)
    few.fit(train, train, 3, silent)
    assert [row[5] for row in few.predict(train, silent)["boxes"][0]] == [1]


# ---- in a run -----------------------------------------------------------------------------------------------------
SMALL = {
    "data": {"source": "builtin:digits", "limit": 400, "workers": 0},
    "model": {"name": "mlp", "args": {"widths": [16]}},
    "train": {"epochs": 1, "device": "cpu", "precision": "fp32", "threads": 1},
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return danlu.train(
        {**SMALL, "run": {"folder": str(tmp_path_factory.mktemp("runs")), "name": "small"}}, screen=False
    )


def test_they_are_judged_as_the_net_is(run: Any) -> None:
    """Their figures are what the metric says of the predictions they left behind, on the very samples of the net."""
    entries = json.loads((run.path / "baselines.json").read_text())
    assert list(entries) == ["majority", "linear", "nearest"] == list(run.baselines)
    for part in ("val", "test"):
        net = pq.read_table(run.path / "predictions" / f"{part}.parquet").to_pydict()
        for name, entry in entries.items():
            table = pq.read_table(run.path / "predictions" / f"baseline-{name}-{part}.parquet").to_pydict()
            assert table["id"] == net["id"]
            assert table["true/label"] == net["true/label"]
            assert table.keys() == net.keys()
            metric = Classification(10)
            probability = np.asarray(table["probability"], np.float32)
            metric.update({"probability": probability}, {"label": np.asarray(table["true/label"])})
            want = {f"{part}/{key}": value for key, value in metric.compute().items()}
            assert {key: value for key, value in entry["values"].items() if key.startswith(part)} == pytest.approx(want)
            low, high = entry["intervals"][f"{part}/accuracy"]
            assert low <= entry["values"][f"{part}/accuracy"] <= high
            assert entry["samples"][part] == len(net["id"])


def test_the_verdict_is_the_paired_difference_to_the_best_of_them(run: Any) -> None:
    entries = run.baselines
    accuracy = {name: entry["values"]["test/accuracy"] for name, entry in entries.items()}
    told = run.compared()
    assert told.best == max(accuracy, key=lambda name: accuracy[name])
    assert told.baselines == pytest.approx(accuracy)
    assert told.net == pytest.approx(run.metrics["test/accuracy"])
    assert told.difference == pytest.approx(told.net - accuracy[told.best])
    assert told.interval[0] <= told.difference <= told.interval[1]
    assert not told.beaten, "one epoch of a small net does not beat neighbours on digits"
    (event,) = [each for each in run.events() if each["type"] == "compared" and each["part"] == "test"]
    assert event["baselines"] == told.baselines
    assert event["beaten"] is False


def test_what_is_known_is_not_computed_again(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in (run.path / "predictions").glob("baseline-*")}

    def never(*_: object) -> None:
        raise AssertionError("fitted again")

    with monkeypatch.context() as patch:
        patch.setattr(drawing, "gather", never)
        judged = danlu.runs.evaluate(run.path, "test")
    assert {path.name: path.stat().st_mtime_ns for path in (run.path / "predictions").glob("baseline-*")} == before
    assert judged["verdict"]["best"] == run.compared().best
    assert (
        judged["baselines"]["majority"]["values"]["test/accuracy"]
        == run.baselines["majority"]["values"]["test/accuracy"]
    )
    assert danlu.runs.evaluate(run.path, "train")["verdict"] is None, "neighbours know their own training rows"
    (run.path / "predictions" / "baseline-linear-test.parquet").unlink()
    again = danlu.runs.evaluate(run.path, "test")
    assert again["verdict"] == judged["verdict"]
    assert (run.path / "predictions" / "baseline-linear-test.parquet").is_file()


def test_on_other_data_they_are_fitted_on_the_runs_own(run: Any) -> None:
    kept = (run.path / "baselines.json").read_text()
    judged = danlu.runs.evaluate(run.path, "test", "builtin:digits")
    assert judged["samples"] == 1797
    assert judged["verdict"]["samples"] == 1797
    assert judged["baselines"]["nearest"]["values"]["test/accuracy"] > 0.85
    assert (run.path / "baselines.json").read_text() == kept


def test_lines_and_tables_show_them(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(run.path), "--part", "val", "--lang", "en"]) == 0
    shown = capsys.readouterr().out
    assert "majority" in shown.splitlines()[0]
    assert "does not" in shown
    assert main(["evaluate", str(run.path), "--lang", "zh"]) == 0
    shown = capsys.readouterr().out
    assert "最近邻" in shown.splitlines()[0]
    assert "没有超过" in shown or "不能确定" in shown
    assert main(["runs", str(run.path.parent), "--lang", "en"]) == 0
    assert "not beaten" in capsys.readouterr().out


def test_they_can_be_left_out(tmp_path: Path) -> None:
    quick = {**SMALL, "evaluate": {"baselines": False}, "run": {"folder": str(tmp_path), "name": "without"}}
    run = danlu.train(quick, screen=False)
    assert run.baselines == {}
    assert run.compared() is None
    assert not (run.path / "baselines.json").exists()
    assert not [event for event in run.events() if event["type"] == "compared"]


@pytest.fixture
def houses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The application of CONTRIBUTING.md, which calls its prediction "price", and a table for it."""
    shutil.copytree(
        ROOT / "examples/house_price", tmp_path / "house_price", ignore=shutil.ignore_patterns("__pycache__")
    )
    draw = np.random.default_rng(0)
    with (tmp_path / "houses.csv").open("w", newline="") as file:
        rows = [
            (round(a, 2), r, round(3 * a + 20 * r, 2))
            for a, r in zip(draw.uniform(30, 200, 200), range(200), strict=True)
        ]
        csv.writer(file).writerows([("area", "rooms", "price"), *rows])
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    for module in [name for name in sys.modules if name.partition(".")[0] == "house_price"]:
        del sys.modules[module]


def test_numbers_under_a_name_of_their_own(houses: Path) -> None:
    run = danlu.train(
        {
            "task": "house_price.spec:SPEC",
            "data": {"source": "houses.csv"},
            "train": {"epochs": 1, "device": "cpu"},
            "run": {"name": "houses", "folder": str(houses / "runs")},
        },
        screen=False,
    )
    assert list(run.baselines) == ["mean", "median", "linear"]
    assert run.baselines["linear"]["values"]["test/mae"] < 1, "the price is linear"
    told = run.compared()
    assert (told.metric, told.better, told.best, told.beaten) == ("mae", -1, "linear", False)
    assert told.difference == pytest.approx(run.metrics["test/mae"] - told.baselines["linear"])
    assert "price" in pq.read_schema(run.path / "predictions" / "baseline-mean-test.parquet").names


def test_rows_are_bounded_and_drawn_by_their_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    class Data:
        keys = np.random.default_rng(0).integers(0, 2**63, 5000, dtype=np.uint64)
        instant, inputs = True, ("image",)
        kinds = {"image": Image(8, 8, 1)}  # noqa: RUF012

    rows = np.arange(5000)
    data: Any = Data()
    assert len(drawing.chosen(data, rows, 0)) == 5000
    monkeypatch.setattr(drawing, "ROWS", 700)
    some = drawing.chosen(data, rows, 0)
    assert len(some) == 700
    assert np.array_equal(some, np.sort(some))
    assert set(drawing.chosen(data, rows[1000:], 0)) >= set(some[some >= 1000]), "the draw is by sample, not by place"
    assert not np.array_equal(drawing.chosen(data, rows, 1), some)
    monkeypatch.setattr(drawing, "_VALUES", 64 * 300)
    assert len(drawing.chosen(data, rows, 0)) == 300


def test_where_rows_are_drawn_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "ROWS", 150)
    run = danlu.train({**SMALL, "run": {"folder": str(tmp_path), "name": "some"}}, screen=False)
    said = [
        event["text"] for event in run.events() if event["type"] == "said" and "drawn by sample id" in event["text"]
    ]
    assert said == ["The baselines see 150 of 400 training rows and 300/360 of those to be judged, drawn by sample id."]
    assert run.baselines["linear"]["rows"] == 150
