"""Numbers as people write them: told by the whole column, read alike in training and when asked, refused clearly."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from danlu.data.kinds.base import BadValue
from danlu.data.kinds.features import Features
from danlu.data.kinds.number import Number
from danlu.data.tabular.writing import UNITS, Writing, writing_of

OPTIONS = {"scale": "none", "missing": "median", "indicator": True, "min_count": 1}


def way(*texts: str) -> str | None:
    found = writing_of(Counter(texts))
    return None if found is None else str(found)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("12", "3.5", "1e3"), None),  # Python reads all
        (("12,5", "3", "7"), ","),
        (("1.234,50", "99,9", "12"), ","),
        (("1,234.50", "99.9", "12"), "."),
        (("12,345", "1,200,000"), "."),  # nobody can know; it is said
        (("0,123", "12,345"), ","),  # no thousands begin with 0
        (("$1,234.50", "$5", "-$7"), ".$"),
        (("5 €", "1.234,56 €"), ",€"),
        (("¥1,000", "¥20"), ".¥"),
        (("12 %", "3%", "0.5 %"), ".%"),
        (("1 234,5", "7,25", "12"), ","),
        (("1'234.5", "1’000"), "."),
        (("1.234", "1,5") * 20, None),  # 1.234 would mean two things
        (("€ 5", "$5") * 20, None),  # not the same money
        (("555 123 456", "555 987 654"), None),  # telephones
        (("1.2.3", "10.0.0.1"), None),
        (("a", "b", "1,5"), None),
        (("1,2,3", "4,5,6"), None),
    ],
)
def test_a_column_says_how_its_numbers_are_written(texts: tuple[str, ...], expected: str | None) -> None:
    assert way(*texts) == expected


@given(
    st.floats(-1e12, 1e12),
    st.sampled_from(".,"),
    st.sampled_from(["", *UNITS]),
    st.booleans(),
    st.sampled_from("',\u00a0"),
)
def test_what_is_written_is_read(value: float, mark: str, unit: str, before: bool, apart: str) -> None:
    other = {".": ",", ",": "."}[mark] if apart == "," else apart
    text = f"{abs(value):,.4f}".replace(".", "#").replace(",", other).replace("#", mark)
    sign = "-" if value < 0 else ""
    text = f"{sign}{unit}{text}" if before else f"{sign}{text} {unit}"
    assert Writing(mark, unit).read(text) == pytest.approx(round(value, 4), abs=1e-9, rel=1e-12)


def test_features_of_all_writings_are_those_of_plain_numbers() -> None:
    draw = np.random.default_rng(0)
    values = np.round(draw.uniform(-5000, 5000, 60), 2)
    german = [f"{value:,.2f}".replace(",", "_").replace(".", ",").replace("_", ".") + " €" for value in values]
    dollars = [f"{'-' if value < 0 else ''}${abs(value):,.2f}" for value in values]
    dollars[7] = german[7] = ""
    rows = [{"german": one, "dollars": other} for one, other in zip(german, dollars, strict=True)]
    made = Features.fit(rows, OPTIONS)
    assert [one["type"] for one in made.told] == ["number", "number"]
    assert "1.234,5 €" in made.told[0]["why"]
    found = made.prepare_many(rows)
    assert found is not None
    kept = np.arange(60) != 7
    assert np.allclose(found[kept][:, [0, 2]], values[kept, None].astype(np.float32))
    assert found[7].tolist() == [np.float32(np.median(values[kept]))] * 1 + [
        1.0,
        np.float32(np.median(values[kept])),
        1.0,
    ]
    again = Features(**made.spec())  # as an artifact has it
    assert np.array_equal(again.prepare_many(rows), found)
    asked = {"german": 12.5, "dollars": "-$1,000"}  # JSON has numbers of its own
    assert again.prepare(asked).value[[0, 2]].tolist() == [12.5, -1000]
    for wrong in ("12.5 €", "$5", "many"):
        with pytest.raises(BadValue, match=r"german.*1\.234,5 €"):
            again.prepare({**asked, "german": wrong})


def test_plain_columns_have_the_spec_that_they_had() -> None:
    """Caches and artifacts of before are the same."""
    made = Features.fit([{"a": str(value % 7), "b": value % 9} for value in range(40)], OPTIONS)
    assert all("written" not in column for column in made.columns)
    assert Number.fit(["1", "2.5", None], {}).spec() == {}


def test_a_target_is_read_as_its_column_is_written(tmp_path: Path) -> None:
    kind = Number.fit(["1.234,5", "7", None, "12,25"], {})
    assert [float(kind.prepare(raw).value) for raw in ("1.234,5", "12,25", "7", 3.5)] == [1234.5, 12.25, 7, 3.5]
    assert Number(**kind.spec()) == kind
    found = kind.prepare_many(["1.234,5", "7"])
    assert found is not None
    assert found.tolist() == [1234.5, 7]
    with pytest.raises(BadValue, match=r"1\.234,5"):
        kind.prepare("12.5")


def test_yes_and_no_in_any_case_are_one_answer() -> None:
    rows = [{"flag": ("yes", "no", "Yes", "NO", "")[place % 5], "same": ("1", "yes")[place % 2]} for place in range(50)]
    made = Features.fit(rows, OPTIONS)
    assert [one["type"] for one in made.told] == ["boolean", "category"]  # 1 and yes are no two answers
    found = made.prepare_many(rows[:5])
    assert found is not None
    assert found[:4, 0].tolist() == [1, 0, 1, 0]
