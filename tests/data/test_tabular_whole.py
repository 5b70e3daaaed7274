"""Whole columns of cells give what the same cells give one by one."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from danlu.data.kinds.base import BadValue
from danlu.data.kinds.features import Features
from danlu.data.tabular.cells import is_missing, name_of, number_of
from danlu.data.tabular.records import Records, cells, lacking
from danlu.data.tabular.whole import each, good, good_numbers, numbers, present

ODD = [
    "",
    "NA",
    "?",
    "nan",
    "-nan",
    "+NaN",
    "inf",
    "-Infinity",
    " 7 ",
    "1_000",
    "1e400",
    "٣",
    "0x10",
    "True",
    "-",
    "1,5",
    None,
]
CELLS: Any = st.one_of(
    st.sampled_from(ODD),
    st.text(max_size=4),
    st.floats(width=64),
    st.integers(-(10**6), 10**6),
    st.integers(-5, 5).map(str),
    st.booleans(),
    st.sampled_from([math.nan, np.float32(2.5), np.int64(3), 10**400, date(2024, 1, 2), ["a"], b"4"]),
)


def one_by_one(raws: list[Any], read: Any) -> list[Any]:
    found = []
    for raw in raws:
        try:
            found.append(read(raw))
        except BadValue:
            continue
    return found


@given(st.one_of(st.lists(CELLS, max_size=30), st.lists(st.one_of(st.sampled_from(ODD), st.just("3")), max_size=30)))
def test_columns_are_read_as_their_cells(raws: list[Any]) -> None:
    singly = one_by_one(raws, number_of)
    assert np.array_equal(good_numbers(raws), np.asarray(singly, np.float64), equal_nan=True)
    assert good(raws, name_of) == one_by_one(raws, name_of)
    assert [id(raw) for raw in present(raws)] == [id(raw) for raw in raws if not is_missing(raw)]
    if len(singly) == len(raws):
        assert np.array_equal(numbers(raws), np.asarray(singly, np.float64), equal_nan=True)
        return
    first = next(raw for raw in raws if not one_by_one([raw], number_of))
    with pytest.raises(BadValue) as told:
        number_of(first)
    with pytest.raises(BadValue) as whole:
        numbers(raws)
    assert str(whole.value) == str(told.value)


def test_a_text_that_comes_again_is_read_once() -> None:
    asked: list[Any] = []

    def read(raw: Any) -> Any:
        asked.append(raw)
        return raw

    assert each(["a", None, "a", "b", None], read) == ["a", None, "a", "b", None]
    assert asked == ["a", None, "b"]
    assert each([1, 1.0, True], repr) == ["1", "1.0", "True"], "equal values of other types are read each by itself"


def test_records_are_cut_and_taken_column_by_column() -> None:
    columns: dict[str, Any] = {"x": ["1", "2", None, "4"], "y": np.asarray([5.0, 6.0, 7.0, 8.0])}
    whole = Records(columns, 4, {"x": "number"})
    rows = np.asarray([3, 1])
    for some, expected in ((whole[1:3], [1, 2]), (whole.take(rows), [3, 1]), (whole.at(rows), [3, 1])):
        assert isinstance(some, Records)
        assert some.types == whole.types
        assert list(some) == [whole[row] for row in expected]
        assert cells(some, "x") == [whole.columns["x"][row] for row in expected]
    assert lacking(whole, ["x", "z"]) == ["z"] == lacking(list(whole), ["x", "z"])


@pytest.mark.parametrize("odd", ["xy", ["x", "y"], None, 3])
def test_rows_that_are_no_mappings_are_not_taken_for_empty_ones(odd: Any) -> None:
    rows = [{"x": place % 7, "y": "ab"[place % 2]} for place in range(50)]
    assert Features.fit(rows, {}).prepare_many([*rows, odd]) is None
    assert lacking([odd], ["x"]) == ["x"]


def test_features_of_records_are_those_of_their_rows() -> None:
    draws = np.random.default_rng(0)
    columns: dict[str, Any] = {
        "number": [str(value) if value > -1 else None for value in draws.normal(size=200).round(2)],
        "city": [("x", "y", "zz", None)[place] for place in draws.integers(0, 4, 200)],
        "day": [f"2024-0{place}-11" for place in draws.integers(1, 9, 200)],
        "yes": [("yes", "no")[place] for place in draws.integers(0, 2, 200)],
    }
    records = Records(columns, 200)
    rows = [dict(row) for row in records]
    options = {"crosses": [["city", "yes"]], "buckets": 50}
    kind = Features.fit(records, options)
    assert kind.spec() == Features.fit(rows, options).spec()
    together = kind.prepare_many(records)
    assert together is not None
    assert together.dtype == np.float32
    assert np.array_equal(together, np.stack([kind.prepare(row).value for row in rows]))
