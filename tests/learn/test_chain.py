"""The chain rule's lesson beside the same net written down in numpy, with its gradients by hand."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from danlu.learn.chain import WEIGHTS, ChainAsked, chain

VALUES = st.floats(-2, 2, allow_subnormal=False)
ASKED = st.builds(
    ChainAsked,
    inputs=st.tuples(VALUES, VALUES),
    target=VALUES,
    weights=st.tuples(*[st.floats(-4, 4, allow_subnormal=False)] * WEIGHTS),
    chosen=st.integers(0, WEIGHTS - 1),
    rate=st.floats(0, 2),
)


class Textbook:
    """z = W·x + b, h = tanh z, y = v·h + c, L = ½(y − t)², and each derivative as it stands in a textbook."""

    def __init__(self, asked: ChainAsked, weights: np.ndarray | None = None) -> None:
        w = np.array(asked.weights) if weights is None else weights
        self.x, self.target = np.array(asked.inputs), asked.target
        self.matrix, self.bias, self.out, self.shift = w[:6].reshape(3, 2), w[6:9], w[9:12], w[12]
        self.z = self.matrix @ self.x + self.bias
        self.h = np.tanh(self.z)
        self.y = float(self.out @ self.h + self.shift)
        self.loss = 0.5 * (self.y - self.target) ** 2

    def back(self) -> dict[str, Any]:
        dy = self.y - self.target
        dh = dy * self.out
        dz = dh / np.cosh(self.z) ** 2
        return {
            "dy": dy,
            "dh": dh,
            "dz": dz,
            "gradients": np.concatenate([np.outer(dz, self.x).ravel(), dz, dy * self.h, [dy]]),
        }


@settings(max_examples=40)
@given(ASKED)
def test_every_number_is_the_textbooks(asked: ChainAsked) -> None:
    said, mine = chain(asked), Textbook(asked)
    for name in ("z", "h", "y", "loss"):
        np.testing.assert_allclose(said[name], getattr(mine, name), rtol=1e-12, atol=1e-12)
    for name, wanted in mine.back().items():
        np.testing.assert_allclose(said[name], wanted, rtol=1e-9, atol=1e-11)


@settings(max_examples=40)
@given(ASKED)
def test_the_links_multiply_to_the_gradient_and_each_is_its_own_derivative(asked: ChainAsked) -> None:
    said, mine = chain(asked), Textbook(asked)
    links, chosen = said["links"], asked.chosen
    assert prod(link["value"] for link in links) == pytest.approx(said["gradients"][chosen], rel=1e-9, abs=1e-12)
    assert (links[0]["of"], links[0]["by"]) == ("L", "y")
    assert links[0]["value"] == pytest.approx(mine.y - asked.target, abs=1e-12)
    assert links[-1]["by"] == "w"
    assert [link["of"] for link in links[1:]] == [link["by"] for link in links[:-1]]
    if chosen < 9:
        unit = chosen // 2 if chosen < 6 else chosen - 6
        through, squashed, last = (link["value"] for link in links[1:])
        assert links[1]["by"] == f"h{unit + 1}"
        assert links[2]["by"] == f"z{unit + 1}"
        assert through == pytest.approx(asked.weights[9 + unit])
        assert squashed == pytest.approx(1 - np.tanh(mine.z[unit]) ** 2, abs=1e-12)
        assert last == pytest.approx(asked.inputs[chosen % 2] if chosen < 6 else 1.0)
    else:
        assert len(links) == 2
        assert links[1]["value"] == pytest.approx(mine.h[chosen - 9] if chosen < 12 else 1.0, abs=1e-12)


@settings(max_examples=40)
@given(ASKED)
def test_the_measured_slope_is_the_gradient(asked: ChainAsked) -> None:
    said = chain(asked)
    assert said["measured"] == pytest.approx(said["gradients"][asked.chosen], abs=1e-7)


@settings(max_examples=40)
@given(ASKED)
def test_the_curve_and_the_step(asked: ChainAsked) -> None:
    said = chain(asked)
    weights = np.array(asked.weights)
    for place, loss in said["curve"]:
        moved = weights.copy()
        moved[asked.chosen] = place
        assert loss == pytest.approx(Textbook(asked, moved).loss, rel=1e-10, abs=1e-12)
    places = [place for place, _ in said["curve"]]
    assert places[len(places) // 2] == pytest.approx(weights[asked.chosen], abs=1e-12)
    assert said["curve"][len(places) // 2][1] == pytest.approx(said["loss"], rel=1e-9, abs=1e-12)
    after = weights - asked.rate * Textbook(asked).back()["gradients"]
    np.testing.assert_allclose(said["stepped"]["weights"], after, rtol=1e-9, atol=1e-11)
    assert said["stepped"]["loss"] == pytest.approx(Textbook(asked, after).loss, rel=1e-9, abs=1e-12)


@settings(max_examples=40)
@given(ASKED)
def test_a_small_step_never_raises_the_loss(asked: ChainAsked) -> None:
    """The steepest way down: what gradient descent rests on."""
    said = chain(asked.model_copy(update={"rate": 1e-4}))
    assert said["stepped"]["loss"] <= said["loss"] + 1e-12


def test_steps_go_on_from_where_steps_have_led() -> None:
    asked = ChainAsked(rate=0.3)
    for _ in range(25):
        said = chain(asked)
        asked = asked.model_copy(update={"weights": tuple(said["stepped"]["weights"])})
        ChainAsked.model_validate(asked.model_dump())
    assert said["loss"] < 1e-6


@pytest.mark.parametrize(
    "controls",
    [
        {"inputs": [0.0]},
        {"inputs": [0.0, 2.1]},
        {"inputs": [0.0, float("nan")]},
        {"inputs": [0.0, float("inf")]},
        {"inputs": "12"},
        {"target": None},
        {"target": -2.001},
        {"weights": [0.0] * (WEIGHTS - 1)},
        {"weights": [0.0] * (WEIGHTS + 1)},
        {"weights": [1e9] * WEIGHTS},
        {"chosen": WEIGHTS},
        {"chosen": -1},
        {"chosen": 0.5},
        {"rate": -0.1},
        {"rate": 2.1},
        {"speed": 1},
    ],
)
def test_other_controls_are_refused(controls: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ChainAsked(**controls)
