"""Groups that copies join are found, and said where they take most of the rows."""

from __future__ import annotations

import csv
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from danlu import recipe as recipes
from danlu.data.chains import longest_chain
from danlu.data.dataset import Dataset
from danlu.data.prepare import prepare
from danlu.data.split import joined
from danlu.messages import Language, set_language
from danlu.recipe.names import spec_of


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 9)), min_size=1, max_size=40))
def test_the_longest_chain_is_the_largest_unit_of_several_groups(rows: list[tuple[int, int]]) -> None:
    groups, copies = np.asarray(rows, np.int64).T
    units = joined(groups, copies)
    assert units is not None
    several = {unit: (units == unit).sum() for unit in units if len(set(groups[units == unit])) > 1}
    found = longest_chain(groups, copies)
    assert (found is None) == (not several)
    if found is not None:
        assert found.rows == max(several.values())
        largest = [unit for unit, size in several.items() if size == found.rows]
        assert found.groups in {len(set(groups[units == unit])) for unit in largest}
        assert found.of == len(set(groups))


def documents(folder: Path, sharing: int, **data: Any) -> Dataset:
    """Twelve documents of twenty sentences; the first ``sharing`` have one in common, but for its case."""
    draw = random.Random(0)
    words = ["".join(draw.choices("abcdefgh", k=6)) for _ in range(300)]
    with (folder / "texts.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("text", "label", "document"))
        for document in range(12):
            for row in range(20):
                text = " ".join(draw.choices(words, k=8))
                if row == 0 and document < sharing:
                    text = "press any key to go on" if document % 2 else "Press any key to go on"
                writer.writerow((text, "ab"[row % 2], document))
    plan = {
        "task": "text-classification",
        "data": {"source": str(folder / "texts.csv"), "split": {"val": 0.1, "test": 0.1, "group": "document"}, **data},
    }
    recipe = recipes.complete(recipes.given(plan, {}))
    return prepare(recipe, spec_of(recipe.task), None)


@pytest.mark.parametrize(
    ("language", "told"), [("en", "8 of 12 groups, 67% of the rows"), ("zh", "12 个分组中有 8 个（占全部行的 67%）")]
)
def test_it_is_said_where_copies_join_most_of_the_groups(tmp_path: Path, language: Language, told: str) -> None:
    set_language(language)
    try:
        (warning,) = documents(tmp_path, 8).card["warnings"]
    finally:
        set_language("en")
    assert warning.startswith(told)
    assert "data.duplicates" in warning


def test_the_remedy_sets_the_groups_free(tmp_path: Path) -> None:
    """Without it the eight are in one part; with it the card has nothing to say of chains, and the parts hold what they should."""
    joint = documents(tmp_path, 8)
    free = documents(tmp_path, 8, duplicates="keep")
    assert not any("groups" in warning for warning in free.card["warnings"])
    assert len(joint.parts["train"]) >= 160
    assert [len(free.parts[part]) for part in ("val", "test")] == [20, 20]


@pytest.mark.parametrize("sharing", [0, 1, 5])
def test_few_joined_groups_are_no_warning(tmp_path: Path, sharing: int) -> None:
    assert documents(tmp_path, sharing).card["warnings"] == []
