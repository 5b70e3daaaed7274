"""Seconds and milliseconds in one column are told apart; whatever is of one unit stays as it is."""

from __future__ import annotations

import numpy as np
import pytest

from danlu.data.columns import Coded, Numbers, Numerals, Texts
from danlu.data.kinds.moment import Moment
from danlu.data.moments import moments, zones_mixed

SECONDS = [1_600_000_000 + 1000 * place for place in range(40)]
BOTH = [value * 1000 if place % 2 else value for place, value in enumerate(SECONDS)]


@pytest.mark.parametrize(
    "column",
    [
        BOTH,
        Numbers(np.asarray(BOTH)),
        Numerals(np.asarray(BOTH)),
        Coded.of(map(str, BOTH)),
        Texts(map(str, BOTH)),
        [float(value) for value in BOTH],
    ],
)
def test_milliseconds_among_seconds_are_made_seconds(column: object) -> None:
    lines = [str(place) for place in range(40)]
    assert moments(column, lines).tolist() == SECONDS  # type: ignore[arg-type]
    kind = Moment.fit(column, {})  # type: ignore[arg-type]
    assert Moment(**kind.spec()) == kind
    made = [kind.prepare(value) for value in column]  # type: ignore[attr-defined]
    assert [float(each.value) for each in made] == SECONDS
    assert [len(each.notes) for each in made] == [0, 1] * 20, "it is told of how many rows"


@pytest.mark.parametrize(
    "values",
    [
        SECONDS,
        [value * 1000 for value in SECONDS],
        [20240101 + place for place in range(10)],
        list(range(100)),
        [202403171530 + place for place in range(20)],
        [1.6e9, 5.0, 7.0, 9.0, 1.6e12, 3.0],  # counts of something else
    ],
)
def test_numbers_of_one_unit_are_as_they_are(values: list[float]) -> None:
    assert moments(Numbers(np.asarray(values, np.float64)), [""] * len(values)).tolist() == values
    kind = Moment.fit(values, {})
    assert kind.spec() == {}
    assert kind == Moment()


def test_chinese_dates_are_times() -> None:
    values = ["2024年01月31日", "2024年2月1日", "2024年2月1日 12:30"]
    found = moments(values, ["a", "b", "c"])
    assert np.diff(found).tolist() == [86400, 45000]


@pytest.mark.parametrize(
    ("values", "mixed"),
    [
        (["2024-01-01 10:00:00Z", "2024-01-01 11:00:00"], True),
        (["2024-01-01T10:00+01:00", "2024-01-01T11:00+0200"], False),
        (["2024-01-01 10:00", "2024-01-01 11:00"], False),
        (["2024-01-01", "2024-01-02T00:00Z"], False),  # a day has no zone
        ([1.0, 2.0], False),
    ],
)
def test_zones_that_some_times_lack_are_noticed(values: list[object], mixed: bool) -> None:
    assert zones_mixed(values) == mixed
