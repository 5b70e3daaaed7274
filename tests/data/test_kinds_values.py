"""The kinds category and number."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from danlu.data.columns import Coded
from danlu.data.kinds.base import BadValue, MissingValue, prepare_row
from danlu.data.kinds.category import Category, natural
from danlu.data.kinds.number import Number

ABC = Category(("a", "b", "c"))


def test_classes_come_in_natural_order() -> None:
    names = ["class 10", "class 2", "Beta", "alpha", "class 1", "2", "10", "1"]
    assert sorted(names, key=natural) == ["1", "2", "10", "alpha", "Beta", "class 1", "class 2", "class 10"]
    assert Category.fit([3, 10, 2.0, None, float("nan"), "x"], {}).classes == ("2", "3", "10", "x")
    assert Category.fit(Coded(np.asarray([1, -1, 1]), ("unused", "used")), {}).classes == ("used",)
    assert Category.fit(["b"], {"classes": ("b", "a")}).classes == ("b", "a")


def test_labels_are_known_however_they_are_written() -> None:
    kind = Category(("1", "2", "True"))
    for raw, index in (
        ("1", 0),
        (" 2 ", 1),
        (2, 1),
        (2.0, 1),
        (np.int64(1), 0),
        (np.float32(2), 1),
        (True, 2),
        (b"1", 0),
    ):
        assert kind.prepare(raw).value == index
    assert kind.prepare("1").value.dtype == np.int64
    assert kind.prepare("1").value.shape == ()


def test_an_unknown_class_is_bad_and_nothing_is_missing() -> None:
    with pytest.raises(BadValue, match="'d'"):
        ABC.prepare("d")
    with pytest.raises(BadValue):
        ABC.prepare([1])
    for raw in (None, "", "  ", float("nan"), np.float64("nan")):
        with pytest.raises(MissingValue):
            ABC.prepare(raw)


def test_many_at_once_are_the_same_as_one_by_one() -> None:
    kind = Category(("0", "1", "7"))
    for raws in (np.asarray([0, 7, 1, 1]), np.asarray(["1", "0"]), ["7", "1"]):
        made = kind.prepare_many(raws)  # type: ignore[arg-type]
        assert made is not None
        assert made.tolist() == [int(kind.prepare(raw).value) for raw in raws]
    assert kind.prepare_many(np.asarray([0, 8])) is None
    assert kind.prepare_many(["1", None]) is None


def test_classes_are_unique() -> None:
    with pytest.raises(ValueError, match="unique"):
        Category(("a", "a"))
    assert Category(**ABC.spec()) == ABC


def test_soft_labels() -> None:
    one, other = torch.tensor([0, 2, 1, -1, 1]), torch.tensor([1, 2, -1, 0, 0])
    share = torch.tensor([0.25, 0.5, 0.7, 0.5, 1.0])
    mixed = ABC.mix(one, other, share)
    expected = [[0.25, 0.75, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0], [0, 1, 0]]
    assert torch.allclose(mixed, torch.tensor(expected))  # type: ignore[arg-type]
    again = ABC.mix(mixed, mixed, torch.full((5,), 0.3))
    assert torch.allclose(again, mixed)  # type: ignore[arg-type]
    assert mixed.dtype == torch.float32  # type: ignore[union-attr]


def test_a_batch_of_labels() -> None:
    batch = ABC.collate(np.asarray([2, 0, -1]))
    assert batch.dtype == torch.int64  # type: ignore[union-attr]
    assert [int(value) for value in ABC.uncollate(batch)] == [2, 0, -1]
    assert ABC.describe([np.asarray(1), np.asarray(1), np.asarray(-1)]) == {"classes": {"a": 0, "b": 2, "c": 0}}
    assert ABC.draw(np.asarray(1)) == "b"


@pytest.mark.parametrize(
    ("raw", "value"), [(3, 3.0), ("1e-3", 0.001), (" 2.5 ", 2.5), (np.float64(4), 4.0), (True, 1.0)]
)
def test_numbers(raw: object, value: float) -> None:
    made = Number().prepare(raw).value
    assert made == np.float32(value)
    assert made.dtype == np.float32


@pytest.mark.parametrize("raw", ["abc", "inf", float("-inf"), "1e300", [1, 2], "1,5", b"x"])
def test_what_is_no_number(raw: object) -> None:
    with pytest.raises(BadValue) as error:
        Number().prepare(raw)
    assert not isinstance(error.value, MissingValue)


@pytest.mark.parametrize("raw", [None, "", "NA", "n/a", "NaN", "null", float("nan"), "?"])
def test_gaps_in_numbers(raw: object) -> None:
    with pytest.raises(MissingValue):
        Number().prepare(raw)


def test_many_numbers_at_once() -> None:
    kind = Number()
    made = kind.prepare_many(np.asarray([1, 2]))
    assert made is not None
    assert made.dtype == np.float32
    assert kind.prepare_many(np.asarray([1.0, np.nan])) is None
    assert kind.prepare_many(np.asarray([1.0, 1e300])) is None
    assert kind.prepare_many(["1", None]) is None


def test_texts_at_once_are_the_same_as_one_by_one() -> None:
    raws = ["3.5", " -1e-3 ", "1_000", "0.1", "16777217", "3.4028234e38"]
    made = Number().prepare_many(raws)
    assert made is not None
    assert made.tobytes() == b"".join(Number().prepare(raw).value.tobytes() for raw in raws)
    for odd in ("", "NA", "x", "inf", "3.4028235e38", [1]):
        assert Number().prepare_many([*raws, odd]) is None  # type: ignore[list-item]


def test_statistics_are_numpys_and_stable() -> None:
    values = np.random.default_rng(0).normal(1e6, 2.0, 5000).astype(np.float32)
    wide = values.astype(np.float64)
    for blocks in ([values], np.split(values, [1, 2, 700]), [values[:0], values]):
        found = Number().statistics(blocks)
        assert found["mean"] == pytest.approx(wide.mean(), rel=1e-14)
        assert found["std"] == pytest.approx(wide.std(), rel=1e-9)
        assert (found["min"], found["max"]) == (wide.min(), wide.max())
    assert Number().statistics([]) == {}


def test_numbers_mix_linearly_and_keep_their_shape() -> None:
    mixed = Number().mix(
        Number().collate(np.float32([1, 5])), Number().collate(np.float32([3, 9])), torch.tensor([0.25, 1])
    )
    assert torch.allclose(mixed, torch.tensor([2.5, 5.0]))  # type: ignore[arg-type]
    assert mixed.shape == (2,)  # type: ignore[union-attr]
    found = Number().describe([np.float32(1), np.float32(2), np.float32(9)])
    assert found["quartiles"] == [1.5, 2.0, 5.5]
    assert math.isclose(found["mean"], 4.0)


def test_a_bad_row_says_its_column() -> None:
    with pytest.raises(BadValue) as error:
        prepare_row({"x": Number(), "y": ABC}, {"x": 1, "y": "d"})
    assert error.value.column == "y"
