"""Hashed values, crosses, buckets, logarithms, and types that a file says: codes, and equal ones from what an artifact carries."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from danlu.data.kinds.base import BadValue
from danlu.data.kinds.features import Features
from danlu.data.sources import criteo
from danlu.data.tabular.encoding import encoder_of
from danlu.data.tabular.hashing import Bucketed, Crossed, Hashed, bucket
from danlu.data.tabular.records import Records
from danlu.data.tabular.scaling import Scale
from danlu.recipe.schema import DataSection
from danlu.recipe.spec import Column


def test_hashes_are_even_and_the_same_for_ever() -> None:
    made = Hashed("site", 64)
    codes = made([f"s{place}" for place in range(6400)])[:, 0]
    assert codes.min() == 2
    assert codes.max() == 65
    counts = np.bincount(codes.astype(int), minlength=66)[2:]
    assert np.square(counts - 100).sum() / 100 < 63 + 4 * np.sqrt(2 * 63)  # χ² of 63 degrees of freedom
    assert bucket("site", "s1", 64) == made(["s1"])[0, 0] == 49  # kept in artifacts: may never change
    assert made([None, "", " s1 ", "s1"])[:, 0].tolist() == [1, 1, 49, 49]
    assert bucket("other", "s1", 1 << 20) != bucket("site", "s1", 1 << 20)


def test_values_of_a_cross_do_not_run_into_each_other() -> None:
    made = Crossed(["user", "item"], 1 << 20)
    codes = made([("ab", "c"), ("a", "bc"), ("c", "ab")])[:, 0].tolist()
    assert len(set(codes)) == 3


def test_a_number_on_an_edge_is_in_the_bucket_above_it() -> None:
    """As the name of the bucket says: [1, 2)."""
    made = Bucketed("count", [1.0, 2.0])
    codes = made([0.5, 1.0, 1.5, 2.0, 9.0])[:, 0].astype(int).tolist()
    assert codes == [2, 3, 3, 4, 4]
    assert [made.called(code) for code in (2, 3, 4)] == ["[-∞, 1)", "[1, 2)", "[2, ∞)"]


def test_a_cross_is_one_category_of_several() -> None:
    made = Crossed(["user", "item"], 1 << 20)
    codes = made([("a", "b"), ("ab", ""), ("a", "b"), ("b", "a"), (None, "b")])[:, 0]
    assert codes[0] == codes[2]
    assert len({*codes.tolist()}) == 3
    assert codes[1] == codes[4] == 1
    assert made.sources == ("user", "item")


def test_buckets_are_equally_full_and_edges_are_the_training_rows() -> None:
    values = np.random.default_rng(0).exponential(1.0, 1000)
    made = Bucketed.fit("count", values, 8)
    counts = np.bincount(made(values.tolist())[:, 0].astype(int))[2:]
    assert counts.tolist() == [125] * 8
    assert made([-5.0, 1e9, None])[:, 0].tolist() == [2, 9, 1]
    with pytest.raises(BadValue, match="many"):
        made(["many"])
    skew = Bucketed.fit("count", np.r_[np.zeros(90), np.arange(10.0)], 4)
    assert len(skew.edges) < 3


def test_logarithms_have_no_mean_and_are_undone() -> None:
    values = np.r_[-3.0, 0.0, 1.0, 10.0, 1e6]
    scale = Scale.fit("log", values)
    logs = np.sign(values) * np.log1p(np.abs(values))
    np.testing.assert_allclose(scale(values), (logs - logs.mean()) / logs.std(), atol=1e-12)
    np.testing.assert_allclose(Scale.of(scale.spec()).back(scale(values)), values, rtol=1e-9, atol=1e-12)


def test_fitted_columns_travel_as_data() -> None:
    draw = np.random.default_rng(0)
    rows = 300
    columns = {
        "user_id": [str(each) for each in draw.integers(0, 50, rows)],
        "site": [f"s{each}" for each in draw.integers(0, 200, rows)],
        "count": draw.exponential(9.0, rows).round(2).tolist(),
        "shop": ["x", "y", "z"] * 100,
    }
    options = {
        "ids": "category",
        "hash_above": 100,
        "buckets": 32,
        "scale": "buckets",
        "number_buckets": 4,
        "min_count": 1,
    }
    kind = Features.fit(Records(columns, rows), {**options, "crosses": [("user_id", "shop")]})
    assert [each["type"] for each in kind.columns] == ["category", "hashed", "bucketed", "category", "crossed"]
    assert kind.numbers == ()
    assert kind.cardinalities == (52, 34, 6, 5, 34)
    again = Features(**kind.spec())
    raws = [Records(columns, rows)[place] for place in range(20)]
    np.testing.assert_array_equal(kind.prepare_many(raws), np.stack([again.prepare(raw).value for raw in raws]))
    assert "shop x" in kind.draw(kind.prepare(raws[0]).value)
    with pytest.raises(BadValue, match="shop"):
        kind.prepare({name: values[0] for name, values in columns.items() if name != "shop"})
    assert [encoder_of(each).spec() for each in kind.columns] == [dict(each) for each in kind.columns]


def test_ids_are_left_out_unless_they_are_categories() -> None:
    values = Records(
        {"user_id": [str(place % 40) for place in range(200)], "age": [str(place % 40) for place in range(200)]}, 200
    )
    assert [each["type"] for each in Features.fit(values, {}).columns] == ["number", "number"]
    assert [each["type"] for each in Features.fit(values, {"ids": "category"}).columns] == ["category", "number"]


def test_types_that_a_file_says_are_believed() -> None:
    values = Records({"zip": ["10115", "20095"] * 50}, 100, {"zip": "category"})
    assert Features.fit(values, {}).columns[0]["type"] == "category"
    assert Features.fit(values.take(np.arange(50)), {}).columns[0]["type"] == "category"
    assert Features.fit(values, {"types": {"zip": "number"}}).columns[0]["type"] == "number"


def criteo_file(path: Path, rows: int = 30) -> Path:
    draw = np.random.default_rng(0)
    lines = []
    for row in range(rows):
        numbers = ["" if draw.random() < 0.2 else str(draw.integers(-2, 500)) for _ in range(13)]
        names = ["" if draw.random() < 0.2 else f"{draw.integers(0, 9):08d}" for _ in range(26)]
        lines.append("\t".join([str(row % 2), *numbers, *names]))
    path.write_text("\n".join([*lines[:5], "broken\tline", *lines[5:]]) + "\n")
    return path


@pytest.mark.parametrize("name", ["train.txt", "day_0", "sample.tsv"])
def test_criteos_files_need_no_header(tmp_path: Path, name: str) -> None:
    path = criteo_file(tmp_path / name)
    assert criteo.recognises(path)
    wanted = {"features": Column("features", "input"), "click": Column("category", "target", also=("label",))}
    table = criteo.read(path, DataSection(), wanted)
    assert len(table) == 30
    assert [where for where, _ in table.problems] == [f"{name}, line 6"]
    kind = Features.fit(table.columns["features"], {"min_count": 1})
    assert [each["type"] for each in kind.columns] == ["number"] * 13 + ["category"] * 26
    assert kind.columns[13]["known"][0].startswith("0000000")


def test_other_tables_are_not_criteos(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("label\tI1\n1\t2\n")
    (tmp_path / "notes.txt").write_text("hello")
    assert not criteo.recognises(tmp_path / "a.tsv")
    assert not criteo.recognises(tmp_path / "notes.txt")
