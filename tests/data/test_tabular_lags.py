"""Lags look at the past alone."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from danlu.data.table import Table
from danlu.data.tabular.lags import lagged
from danlu.data.tabular.records import Records
from danlu.errors import DanluError


def table(values: list[float], days: list[int], groups: list[str] | None = None) -> Table:
    count = len(values)
    moments = [(date(2020, 1, 1) + timedelta(days=day)).isoformat() for day in days]
    extra: dict[str, Any] = {"time": moments} | ({"group": groups} if groups else {})
    names = [str(row) for row in range(count)]
    columns = {"features": Records({"rain": list(range(count)), "wind": [0] * count}, count), "value": values}
    return Table(columns=columns, ids=names, origins=names, fingerprint="x", extra=extra)


def cells(made: Table, name: str) -> list[Any]:
    return [row[name] for row in made.columns["features"]]


def test_by_time_and_not_by_place() -> None:
    made = lagged(table([10, 30, 20, 50], [0, 2, 1, 4]), "features", {"value": (1, 2)})
    assert cells(made, "value -1") == [None, 20, 10, None]  # the fourth day is not there
    assert cells(made, "value -2") == [None, 10, None, 30]


def test_a_column_that_has_lags_is_left_out_and_others_stay() -> None:
    made = lagged(table([1, 2, 3], [0, 1, 2]), "features", {"rain": (1,)})
    assert made.columns["features"][2] == {"wind": 0, "rain -1": 1}


def test_within_a_group() -> None:
    made = lagged(table([1, 2, 3, 4], [0, 0, 1, 1], ["a", "b", "b", "a"]), "features", {"value": (1,)})
    assert cells(made, "value -1") == [None, None, 2, 1]


def test_what_comes_later_changes_nothing_before() -> None:
    draw = np.random.default_rng(0)
    values, days = draw.normal(size=60).tolist(), draw.permutation(60).tolist()
    changed = [999.0 if day >= 40 else value for value, day in zip(values, days, strict=True)]
    lags = {"value": (1, 2, 7)}
    one, other = (lagged(table(each, days), "features", lags).columns["features"] for each in (values, changed))
    for place, day in enumerate(days):
        if day <= 40:
            assert one[place] == other[place]
    assert any(one[place] != other[place] for place, day in enumerate(days) if day > 41)


def test_without_time_and_for_unknown_names_it_is_refused() -> None:
    made = table([1, 2], [0, 1])
    with pytest.raises(DanluError, match=r"data\.split\.time"):
        lagged(Table(made.columns, made.ids, made.origins, "x"), "features", {"value": (1,)})
    with pytest.raises(DanluError, match="rian"):
        lagged(made, "features", {"rian": (1,)})


def test_gaps_and_times_that_stand_twice_are_told() -> None:
    made = lagged(table([1, 2, 3, 4, 5, 6], [0, 1, 1, 2, 6, 7]), "features", {"value": (1,)})
    (first, twice), (second, gaps) = made.notes
    assert first == "2"
    assert twice.startswith("1 row has the same time")
    assert second == "4"
    assert gaps.startswith("1 gap ")
    assert lagged(table([1, 2, 3], [0, 1, 2]), "features", {"value": (1,)}).notes == ()
    apart = table([1, 2, 3, 4], [0, 1, 0, 1], ["a", "a", "b", "b"])
    assert lagged(apart, "features", {"value": (1,)}).notes == ()  # a group's times are its own
