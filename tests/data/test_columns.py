"""Raw columns that hold millions of values in little memory give what a list would give."""

from __future__ import annotations

import pickle
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from danlu.data.columns import Picked, Texts, pick

TEXTS = st.lists(st.one_of(st.none(), st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)), max_size=30)


@given(TEXTS, st.integers(-5, 35), st.integers(-5, 35))
def test_texts_are_as_in_a_list(texts: list[str | None], start: int, stop: int) -> None:
    column = Texts(texts)
    assert len(column) == len(texts)
    assert list(column) == texts
    assert [column[row] for row in range(len(texts))] == texts
    assert column[start:stop] == texts[start:stop]
    assert column[stop:start:-2] == texts[stop:start:-2]
    assert list(pickle.loads(pickle.dumps(column))) == texts  # noqa: S301 - as a worker process is given it


def test_an_empty_text_is_none() -> None:
    assert list(Texts(["a", "", None])) == ["a", None, None]
    with pytest.raises(IndexError):
        Texts(["a"])[1]


@given(TEXTS, TEXTS)
def test_different_texts_have_different_digests(one: list[str | None], other: list[str | None]) -> None:
    assert (Texts(one).digest() == Texts(other).digest()) == (one == other)


def test_a_million_texts_take_little_memory() -> None:
    column = Texts(str(number) for number in range(100_000))
    held = sys.getsizeof(column._letters) + sys.getsizeof(column._ends)
    assert held < 16 * 100_000  # as a list of str: 66 bytes each


def test_all_rows_are_the_column_itself() -> None:
    column = Texts("abc")
    assert pick(column, np.arange(3)) is column
    some = pick(column, np.asarray([2, 0]))
    assert isinstance(some, Picked)
    assert list(some) == ["c", "a"]
    assert list(pick(column, np.asarray([1, 0, 2]))) == ["b", "a", "c"]
