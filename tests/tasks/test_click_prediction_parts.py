"""Logits of clicks: what thinning does to them and is undone, and recalibration beside scikit-learn's regression."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from danlu import recipe as recipes
from danlu.data.table import Table
from danlu.errors import DanluError
from danlu.tasks.baselines.base import Sample
from danlu.tasks.click_prediction.baselines import BoostedClicks, LinearIds, Rate
from danlu.tasks.click_prediction.decoder import ClickDecoder, positive_of, straightened
from danlu.tasks.click_prediction.division import divide


def drawn(rows: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(0)
    logits = draw.normal(-1, 1.5, rows)
    return logits, (draw.random(rows) < 1 / (1 + np.exp(-logits))).astype(np.int64)


@pytest.mark.parametrize("positive", [0, 1])
def test_thinning_is_undone_exactly(positive: int) -> None:
    """Of odds p / (1 - p) a share w of the rows without a click makes p / (w·(1 - p))."""
    chance, share = np.asarray([0.01, 0.2, 0.9]), 0.1
    odds = chance / (share * (1 - chance))
    logits = np.log(odds) if positive == 1 else -np.log(odds)  # of the second class
    decoder = ClickDecoder("ny", positive, float(np.log(share)))
    found = decoder.decode(logits.astype(np.float64), {})
    np.testing.assert_allclose(found["probability"][:, positive], chance, rtol=1e-6)
    assert decoder.answer(found, 1)["click"] == pytest.approx(0.2, rel=1e-6)
    members = decoder.decode(np.stack([logits, logits], 1)[:, :, None], {})
    np.testing.assert_allclose(members["probability"], found["probability"], rtol=1e-6)


def test_recalibration_is_a_regression_on_the_logit() -> None:
    logits, click = drawn()
    sure = 2.5 * logits + 0.7
    slope, intercept = straightened(sure, click.astype(np.float64))
    model = LogisticRegression(C=1e9, tol=1e-10, max_iter=1000).fit(sure[:, None], click)
    assert slope == pytest.approx(model.coef_[0, 0], rel=1e-4)
    assert intercept == pytest.approx(model.intercept_[0], abs=1e-4)
    decoder = ClickDecoder("ny", recalibrate=True)
    assert decoder.calibrates == "click"
    probability = decoder.decode(sure, {})["probability"]
    found = decoder.tuned({"probability": probability}, np.r_[click[:-1], -1], "log-loss")
    assert found.after < found.before
    moved = decoder.moved(found.offsets.tolist())
    after = ClickDecoder(**moved.spec()).decode(sure, {})["probability"][:, 1]
    np.testing.assert_allclose(after, moved.decode(sure, {})["probability"][:, 1])
    assert abs(after.mean() - click.mean()) < 1e-3
    order = np.argsort(sure)
    assert (np.diff(after[order]) >= 0).all()


def test_nothing_is_learnt_of_one_answer() -> None:
    assert straightened(np.arange(5.0), np.zeros(5)) == (1.0, 0.0)
    assert ClickDecoder("ny").calibrates is None


def test_a_click_is_a_yes_or_a_no() -> None:
    assert positive_of(("no", "yes"), None) == 1
    assert positive_of(("clicked", "not"), "clicked") == 0
    with pytest.raises(DanluError, match="maybe"):
        positive_of(("no", "yes"), "maybe")
    with pytest.raises(DanluError, match="a, b, c"):
        positive_of("abc", None)


class Known:
    """Odds of the second class as they were learnt from thinned rows."""

    def __init__(self, logits: np.ndarray) -> None:
        self.logits = logits

    def decision_function(self, values: object) -> np.ndarray:
        return self.logits

    def predict(self, sample: Sample, tell: object) -> dict[str, np.ndarray]:
        yes = 1 / (1 + np.exp(-self.logits))
        return {"probability": np.stack([1 - yes, yes], 1)}


@pytest.mark.parametrize("positive", [0, 1])
def test_what_stands_beside_the_net_is_put_right_in_the_same_way(
    positive: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance, share = np.asarray([0.01, 0.2, 0.9]), 0.1
    odds = chance / (share * (1 - chance))
    known, offset = Known(np.log(odds) if positive == 1 else -np.log(odds)), float(np.log(share))
    sample = Sample({}, {}, {"click": np.asarray([positive, 1 - positive, 1 - positive])}, {}, np.arange(3))
    linear = LinearIds("click", offset, positive)
    linear._model = known
    monkeypatch.setattr(linear, "_matrix", lambda sample, rows: rows)
    boosted = BoostedClicks(known, offset, positive)  # type: ignore[arg-type]
    for baseline in (linear, boosted):
        found = baseline.predict(sample, lambda done, total: None)["probability"]
        np.testing.assert_allclose(found[:, positive], chance, rtol=1e-5)
    rate = Rate("click", offset, positive)
    rate.fit(sample, sample, 0, lambda done, total: None)
    found = rate.predict(sample, lambda done, total: None)["probability"]
    np.testing.assert_allclose(found[:, positive], 1 / (1 + 2 / share), rtol=1e-5)


@pytest.mark.parametrize("clicked", ["a", "b"])
def test_only_training_rows_without_a_click_are_thinned(clicked: str) -> None:
    labels = ["a", "b"] * 500
    names = [str(row) for row in range(1000)]
    options = {"negatives": 0.2, "positive": clicked}
    recipe = recipes.complete(recipes.from_dict({"task": "click-prediction", "options": options}))
    found = divide(recipe, Table({"click": labels}, names, names, "x"))
    kept = list(zip(found.table.columns["click"], found.table.given or (), strict=True))
    other = "b" if clicked == "a" else "a"
    assert sum(label == clicked for label, _ in kept) == 500
    left = sum(label == other and part == "train" for label, part in kept)
    judged = sum(label == other and part != "train" for label, part in kept)
    assert found.facts["negatives_left_out"] == 500 - left - judged
    assert 0.1 < left / (500 - judged) < 0.3
