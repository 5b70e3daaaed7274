"""The tokenizer that weights were learnt with: taken from their run, or refused; never another one in silence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from danlu.data.text.begun import of_run
from danlu.errors import RecipeError


def test_it_is_that_of_the_run(tmp_path: Path) -> None:
    file = tmp_path / "data" / "columns.json"
    file.parent.mkdir()
    spec = {"tokenizer": {"name": "words"}}
    file.write_text(json.dumps({"kinds": {"label": {"spec": {}}, "text": {"spec": spec}}}), encoding="utf-8")
    assert of_run(str(tmp_path)) == spec
    file.write_text(json.dumps({"kinds": {"label": {"spec": {}}}}), encoding="utf-8")
    assert of_run(str(tmp_path)) is None, "a run without texts"
    assert of_run(str(tmp_path / "other")) is None
    assert of_run("") is None


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"kinds": 3}', '{"kinds": {"text": null}}'])
def test_a_damaged_one_is_refused(content: str, tmp_path: Path) -> None:
    file = tmp_path / "data" / "columns.json"
    file.parent.mkdir()
    file.write_text(content, encoding="utf-8")
    with pytest.raises(RecipeError) as told:
        of_run(str(tmp_path))
    assert "columns.json" in str(told.value)
