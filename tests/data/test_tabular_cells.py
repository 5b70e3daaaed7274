"""Cells of tables: what is a yes, a number, nothing."""

from __future__ import annotations

import math

import pytest

from danlu.data.kinds.base import BadValue
from danlu.data.tabular.cells import answer_of


@pytest.mark.parametrize(("raw", "answer"), [("yes", 1), ("否", 0), (True, 1), ("0", 0), (1, 1), ("1.0", 1)])
def test_yes_and_no(raw: object, answer: int) -> None:
    assert answer_of(raw) == answer


@pytest.mark.parametrize(("raw", "answer"), [("2", 1), (7, 1), (-1, 0), (0.25, 0.25)])
def test_a_count_that_only_had_been_0_and_1_takes_other_numbers(raw: object, answer: float) -> None:
    assert answer_of(raw) == answer


def test_neither_a_word_nor_infinity_is_an_answer() -> None:
    for raw in ("maybe", "inf", "1,5"):
        with pytest.raises(BadValue):
            answer_of(raw)
    assert math.isnan(answer_of(""))
