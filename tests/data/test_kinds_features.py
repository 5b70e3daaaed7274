"""Rows of a table: types told from values, rare and unseen categories, what a service is asked that no training row looked like."""

from __future__ import annotations

import json
import math
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from danlu import recipe as recipes
from danlu.data.kinds.base import BadValue, MissingValue
from danlu.data.kinds.category import Category
from danlu.data.kinds.features import Features
from danlu.data.kinds.number import Number
from danlu.data.prepare import prepare
from danlu.data.tabular.encoders import MISSING, RARE, Categorical, Dated, parts_of
from danlu.data.tabular.leaks import suspects
from danlu.data.tabular.types import told
from danlu.errors import DanluError
from danlu.recipe.names import spec_of
from danlu.runs.checking import data_findings

DRAW = np.random.default_rng(0)
ROWS = 200


def rows() -> list[dict[str, Any]]:
    draw = np.random.default_rng(0)
    return [
        {
            "area": round(float(draw.uniform(30, 200)), 1),
            "rooms": int(draw.integers(1, 6)) if row % 9 else None,
            "town": "rare" if row == 3 else str(draw.choice(["Ulm", "Bonn", "Trier"])),
            "built": (date(1950, 1, 1) + timedelta(days=int(draw.integers(0, 20000)))).isoformat(),
            "garden": str(draw.choice(["yes", "no"])),
            "id": row + 1,
            "country": "DE",
            "note": " ".join(draw.choice(list("abcdefgh"), 9)),
        }
        for row in range(ROWS)
    ]


@pytest.mark.parametrize(
    ("values", "type_"),
    [
        ([1.5, 2, "3.25", ""], "number"),
        (["1", "0", "", "1"], "boolean"),
        (["yes", "no", "yes"], "boolean"),
        (["red", "green", "red"], "category"),
        (["2020-01-05", "2021-02-03", "?"], "date"),
        (["17.3.2020", "2.4.2021", "31.12.2021"], "date"),
        (["2020/1/5 13:00", "2020/1/6 14:30"], "date"),
        ([date(2020, 1, 5), date(2021, 1, 5)], "date"),
        (["", None, "NA"], "constant"),
        (["x"] * 5, "constant"),
        (["x"] * 5 + [None], "category"),
        (list(range(1, 60)), "id"),
        ([f"u{DRAW.integers(1 << 40):x}" for _ in range(50)], "id"),
        ([" ".join(DRAW.choice(list("abcdefgh"), 9)) for _ in range(60)], "text"),
        ([float(value) for value in DRAW.normal(size=60)], "number"),
        ([int(value) for value in DRAW.permutation(60)], "number"),
        ([*map(float, DRAW.permutation(40)), "oops"], "number"),
    ],
)
def test_types(values: list[Any], type_: str) -> None:
    assert told("column", values).type == type_


def test_an_id_is_told_by_its_name() -> None:
    values = [int(value) for value in DRAW.permutation(60)]
    assert told("customer_id", values).type == told("userId", values).type == "id"
    assert told("humid", values).type == "number"


def test_what_is_left_out_is_said() -> None:
    kind = Features.fit(rows(), {})
    out = {one["name"]: (one["type"], one["why"]) for one in kind.told if not one["used"]}
    assert {name: type_ for name, (type_, _) in out.items()} == {"id": "id", "country": "constant", "note": "text"}
    assert all(why for _, why in out.values())
    assert kind.describe([])["left_out"] == list(out)


def test_types_are_overridden_and_columns_ignored() -> None:
    kind = Features.fit(rows(), {"types": {"rooms": "category", "id": "number"}, "ignore": ["built"]})
    assert "rooms" not in kind.numbers
    assert "id" in kind.numbers
    assert not any("built" in name for name in kind.numbers)
    with pytest.raises(DanluError, match="rooms"):
        Features.fit(rows(), {"ignore": ["roms"]})
    with pytest.raises(DanluError, match="Nothing is left"):
        Features.fit([{"a": 1}] * 5, {})


def test_a_spec_makes_an_equal_kind_and_blocks_equal_rows() -> None:
    table = rows()
    kind = Features.fit(table, {})
    again = Features(**json.loads(json.dumps(kind.spec())))
    block = kind.prepare_many(table)
    assert block is not None
    assert block.dtype == np.float32
    assert block.shape == (ROWS, *kind.storage().shape)
    for row, wanted in zip(table, block, strict=True):
        assert np.array_equal(again.prepare(row).value, wanted)
    assert len(kind.names) == block.shape[1]


def test_rare_unseen_and_missing_categories() -> None:
    made = Categorical.fit("town", ["a"] * 5 + ["b"] * 5 + ["c"], {"min_count": 5})
    assert made(["a", "b", "c", "never seen", None, "?"])[:, 0].tolist() == [2, 3, RARE, RARE, MISSING, MISSING]
    frequent = Categorical.fit("town", ["a"] * 5 + ["b"] * 6, {"missing": "most-frequent"})
    assert frequent([None])[0, 0] == frequent(["b"])[0, 0]
    constant = Categorical.fit("town", ["a"] * 5 + ["b"] * 6, {"missing": "constant", "fill": "a"})
    assert constant([None])[0, 0] == constant(["a"])[0, 0]
    with pytest.raises(MissingValue):
        Categorical.fit("town", ["a"] * 5, {"missing": "drop"})([None])


def test_a_service_is_asked_in_other_orders_and_for_more() -> None:
    kind = Features.fit(rows(), {})
    row = rows()[0]
    wanted = kind.prepare(row).value
    assert np.array_equal(kind.prepare(dict(reversed(row.items())) | {"unknown": "x"}).value, wanted)
    assert np.array_equal(kind.prepare({name: str(value) for name, value in row.items()}).value, wanted)
    unseen = kind.prepare({**row, "town": "Atlantis"}).value
    assert np.array_equal(unseen, kind.prepare({**row, "town": "rare"}).value)
    assert not np.array_equal(unseen, wanted)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"area": "large"}, ("area", "large")),
        ({"area": math.inf}, ("area", "inf")),
        ({"garden": "perhaps"}, ("garden", "perhaps")),
        ({"built": "yesterday"}, ("built", "yesterday")),
        ({"town": ["Ulm"]}, ("town",)),
    ],
)
def test_cells_of_another_type_are_refused_with_their_column(change: dict[str, Any], words: tuple[str, ...]) -> None:
    kind = Features.fit(rows(), {})
    with pytest.raises(BadValue) as caught:
        kind.prepare({**rows()[0], **change})
    assert all(word in str(caught.value) for word in words)
    assert kind.prepare_many([rows()[0], {**rows()[0], **change}]) is None


def test_a_column_that_is_not_there_is_refused_and_an_empty_cell_is_not() -> None:
    kind = Features.fit(rows(), {})
    row = rows()[0]
    with pytest.raises(BadValue, match="town"):
        kind.prepare({name: value for name, value in row.items() if name != "town"})
    assert np.isfinite(kind.prepare(dict.fromkeys(row)).value).all()
    with pytest.raises(MissingValue):
        Features.fit(rows(), {"missing": "drop"}).prepare({**row, "area": None})


def test_dates_become_parts() -> None:
    days = np.asarray([0.0, 31.0, 18262.75])  # 1970-01-01 Thursday, 1970-02-01 Sunday, 2020-01-01 18:00 Wednesday
    found = parts_of(days)
    assert found["year"].tolist() == [1970, 1970, 2020]
    assert found["month"].tolist() == [1, 2, 1]
    assert found["weekday"].tolist() == [3, 6, 2]
    np.testing.assert_allclose(found["in day sin"], [0, 0, -1], atol=1e-12)
    np.testing.assert_allclose(found["in year cos"][:2], np.cos(2 * np.pi * np.asarray([0, 31 / 365])), atol=1e-12)
    for name in ("year", "week", "day"):
        np.testing.assert_allclose(found[f"in {name} sin"] ** 2 + found[f"in {name} cos"] ** 2, 1)
    made = Dated.fit("day", ["2020-01-01", "2020-06-01", None], {}, "iso")
    assert "day year" not in made.numbers
    assert "day days" in made.numbers
    assert "day ?" in made.numbers
    assert np.isfinite(made([None, "2031-05-05"])).all()


def test_a_column_that_tells_the_target_is_suspected() -> None:
    draw = np.random.default_rng(0)
    label = draw.integers(0, 2, 400)
    values = np.stack([draw.normal(size=400), label * 10 + draw.normal(0, 0.5, 400), label], 1).astype(np.float32)
    found = suspects(values, ["a", "leak", "copy"], [False, False, True], label, Category(("no", "yes")))
    assert [one["name"] for one in found] == ["leak", "copy"]
    assert found[1]["score"] == 1.0
    number = draw.normal(size=400)
    values = np.stack([number**3, number + draw.normal(size=400)], 1).astype(np.float32)
    assert [one["name"] for one in suspects(values, ["cube", "noisy"], [False] * 2, number, Number())] == ["cube"]


def test_a_class_of_one_row_hides_no_leak() -> None:
    """Its recall of nothing would take a third of the balanced accuracy."""
    label = np.tile([0, 1], 200)
    label[7] = 2
    values = np.stack([label * 1.0, DRAW.normal(size=400)], 1).astype(np.float32)
    found = suspects(values, ["leak", "noise"], [False] * 2, label, Category(("a", "b", "rare")))
    assert [one["name"] for one in found] == ["leak"]


def test_a_season_is_no_leak() -> None:
    """What weekday it will be is known to everybody; that the date itself tells the target may not be."""
    days = [date(2020, 1, 1) + timedelta(days=row) for row in range(600)]
    kind = Features.fit([{"when": day.isoformat()} for day in days], {})
    values = np.stack([kind.prepare({"when": day.isoformat()}).value for day in days])
    weekly = np.asarray([float(day.weekday() ** 2) for day in days])
    assert kind.suspects(values, weekly, Number()) == []
    rising = np.arange(600) ** 2 / 1000.0
    assert [one["name"] for one in kind.suspects(values, rising, Number())] == ["when"]


def test_dates_in_several_forms_are_told_as_such() -> None:
    days = [date(2023, 1, 1) + timedelta(days=row) for row in range(120)]
    mixed = told("when", [day.isoformat() if row % 3 else day.strftime("%d/%m/%Y") for row, day in enumerate(days)])
    assert mixed.type == "id"
    assert "several ways (iso, " in mixed.reason
    assert told("when", [day.isoformat() for day in days]).type == "date"
    names = told("name", [f"{row}-{row * 7919 % 1000}x" for row in range(120)])
    assert "several ways" not in names.reason


def test_a_leak_is_a_warning_of_the_card(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    lines = ["a,paid,label"]
    for _ in range(300):
        label = int(draw.integers(2))
        lines.append(f"{draw.normal():.3f},{label * 100 + draw.normal():.2f},{'yes' if label else 'no'}")
    (tmp_path / "table.csv").write_text("\n".join(lines))
    asked = {"task": "table-classification", "data": {"source": str(tmp_path / "table.csv")}}
    recipe = recipes.complete(recipes.from_dict(asked))
    warned = prepare(recipe, spec_of(recipe.task)).card["warnings"]
    assert any("paid" in text and "balanced accuracy" in text for text in warned)
    assert not any("column a " in text.lower() for text in warned)


def test_columns_that_nothing_is_learnt_from_are_told_before_training(tmp_path: Path) -> None:
    """Those that the recipe leaves out are known to who wrote it."""
    lines = ["a,code,fixed,skipped,label"]
    lines += [f"{row * 7 % 13}.5,K{row:03d},1,{row % 9}.25,{'yes' if row % 2 else 'no'}" for row in range(120)]
    (tmp_path / "table.csv").write_text("\n".join(lines))
    asked = {
        "task": "table-classification",
        "data": {"source": str(tmp_path / "table.csv")},
        "options": {"features": {"ignore": ["skipped"]}},
    }
    recipe = recipes.complete(recipes.from_dict(asked))
    told = data_findings(prepare(recipe, spec_of(recipe.task)).card)
    assert "2 columns of the table are not learnt from: code (another value in every row); fixed (always 1)." in told


def test_columns_that_divide_rows_are_no_features(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    lines = ["a,patient,split,label"]
    for row in range(200):
        part = ("train", "val", "test", "train")[row // 10 % 4]
        lines.append(f"{draw.normal():.3f},{row // 10},{part},{'yes' if draw.random() < 0.5 else 'no'}")
    (tmp_path / "table.csv").write_text("\n".join(lines))
    data = {"source": str(tmp_path / "table.csv"), "split": {"group": "patient"}}
    recipe = recipes.complete(recipes.from_dict({"task": "table-classification", "data": data}))
    kind = prepare(recipe, spec_of(recipe.task)).kinds["features"]
    assert isinstance(kind, Features)
    assert kind.names == ("a",)


def test_a_spreadsheet_is_refused_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "book.xlsx").write_bytes(b"PK\x03\x04")
    data = {"source": str(tmp_path / "book.xlsx")}
    recipe = recipes.complete(recipes.from_dict({"task": "table-regression", "data": data}))
    with pytest.raises(DanluError, match="Save the sheet as CSV"):
        prepare(recipe, spec_of(recipe.task))
