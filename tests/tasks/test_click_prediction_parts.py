"""Logits of clicks: what thinning does to them and is undone, and recalibration beside scikit-learn's regression."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from danlu.errors import DanluError
from danlu.tasks.click_prediction.decoder import ClickDecoder, positive_of, straightened


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
