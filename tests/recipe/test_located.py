"""Problems found far from the recipe name the line that asked for what went wrong."""

from __future__ import annotations

import pytest

from danlu.errors import DataError
from danlu.recipe import from_text
from danlu.recipe.located import located


@pytest.mark.parametrize(
    ("where", "place"),
    [
        ("data.split.group", "<text>:2 (data.split.group)"),
        ("data.columns.label", "<text>:2 (data.columns.label)"),
        ("data.csv", "data.csv"),
        ("photos/cat.png", "photos/cat.png"),
        ("", ""),
    ],
)
def test_dotted_keys_become_file_and_line(where: str, place: str) -> None:
    recipe = from_text("seed: 1\ndata: {source: x.csv, split: {group: patient}}")
    with pytest.raises(DataError) as caught, located(recipe):
        raise DataError.of(where, "wrong", "mend it")
    problem = caught.value.problems[0]
    assert problem.where.replace(recipe.where("seed").partition(":1")[0], "<text>") == place
    assert (problem.what, problem.remedy) == ("wrong", "mend it")
