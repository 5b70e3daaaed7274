"""A loss of every member, answers of their mean, and intervals that hold what they promise."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from danlu.nn.terms.binary_cross_entropy import BinaryCrossEntropy
from danlu.nn.terms.cross_entropy import CrossEntropy
from danlu.nn.terms.mse import MSE
from danlu.tasks.decoding import softmax
from danlu.tasks.table_classification.decoder import ClassDecoder
from danlu.tasks.table_multi_label.decoder import SetsDecoder
from danlu.tasks.table_regression.decoder import NumberDecoder
from danlu.tasks.tables.members import EachMember

OUT = torch.randn(6, 4, 3, dtype=torch.float64)


def test_each_member_learns_classes_by_itself() -> None:
    label = torch.tensor([0, 2, 1, -1, 0, 1])
    term = EachMember(CrossEntropy("label"))
    wanted = sum(F.cross_entropy(OUT[:, k], label, ignore_index=-1, reduction="sum") for k in range(4)) / 4
    torch.testing.assert_close(term(OUT, {"label": label}), torch.as_tensor(wanted))
    assert term.count({"label": label}).item() == 5
    torch.testing.assert_close(term(OUT[:, 0], {"label": label}), CrossEntropy("label")(OUT[:, 0], {"label": label}))


def test_each_member_learns_a_standardised_number() -> None:
    target = torch.tensor([5.0, 7.0, torch.nan, 1.0, 2.0, 3.0], dtype=torch.float64)
    term = EachMember(MSE("value"), numbers=True, mean=4.0, std=2.0)
    known = ~target.isnan()
    wanted = (OUT[known, :, 0] - ((target[known] - 4) / 2)[:, None]).square().mean(1).sum()
    torch.testing.assert_close(term(OUT[:, :, :1], {"value": target}), wanted)
    assert term.count({"value": target}).item() == 5


def test_each_member_learns_sets() -> None:
    sets = torch.randint(0, 2, (6, 3))
    term = EachMember(BinaryCrossEntropy("labels"))
    every = sets[:, None].expand(-1, 4, -1).double()
    wanted = F.binary_cross_entropy_with_logits(OUT, every, reduction="sum") / 4
    torch.testing.assert_close(term(OUT, {"labels": sets}), wanted)


def test_answers_are_of_the_mean_of_predictions() -> None:
    out = OUT.float().numpy()
    classes = ClassDecoder({"label": ("a", "b", "c")})
    wanted = np.stack([softmax(out[:, k]) for k in range(4)]).mean(0)
    np.testing.assert_allclose(classes.decode(out, {})["probability"], wanted, atol=1e-6)
    assert np.array_equal(classes.decode(out, {})["label"], wanted.argmax(1))
    sets = SetsDecoder(("a", "b", "c")).decode(out, {})
    np.testing.assert_allclose(sets["probability"], (1 / (1 + np.exp(-out))).mean(1), atol=1e-6)
    assert np.array_equal(sets["labels"] > 0, sets["probability"] > 0.5)
    number = NumberDecoder(mean=100.0, std=10.0).decode(out[:, :, :1], {})["value"]
    np.testing.assert_allclose(number, out[:, :, 0].mean(1) * 10 + 100, rtol=1e-6)


@pytest.mark.parametrize("level", [0.8, 0.9])
def test_intervals_hold_their_share_of_new_rows(level: float) -> None:
    """Of exchangeable rows the chance is ⌈(n + 1)·level⌉ / (n + 1) exactly, here over 4,000 draws of 60 rows, skew and heavy-tailed."""
    draw = np.random.default_rng(0)
    count, decoder = 60, NumberDecoder(level=level)
    held = 0
    for _ in range(4000):
        truth = draw.standard_t(2, count + 1) + draw.exponential(2, count + 1)
        half = decoder.tuned({"value": np.zeros(count)}, truth[:count], "coverage").offsets[0]
        held += bool(abs(truth[count]) <= half)
    wanted = np.ceil((count + 1) * level) / (count + 1)
    assert abs(held / 4000 - wanted) < 4 * np.sqrt(wanted * (1 - wanted) / 4000)


def test_too_few_rows_promise_nothing() -> None:
    few = NumberDecoder(level=0.9).tuned({"value": np.zeros(5)}, np.ones(5), "coverage")
    decoder = NumberDecoder(level=0.9).moved(few.offsets.tolist())
    assert decoder.half is None
    assert "interval" not in decoder.answer({"value": np.ones(1)}, 0)
    sure = NumberDecoder(**NumberDecoder(1.0, 2.0).moved([3.0]).spec()).answer({"value": np.ones(1)}, 0)
    assert sure == {"value": 1.0, "interval": [-2.0, 4.0]}
