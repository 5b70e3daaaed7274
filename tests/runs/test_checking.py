"""What is found before step one leaves nothing behind and says where to mend it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import danlu
from danlu.errors import DanluError

DIGITS = {"data": {"source": "builtin:digits", "limit": 60}, "model": {"args": {"width": 4}}, "train": {"epochs": 1}}


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ({"run__folder": "taken/runs"}, "run.folder"),
        ({"train__loss": "mse"}, "train.loss"),
        ({"model__name": "image-classifier", "model__args": {}}, "model.name"),
    ],
)
def test_the_place_is_a_key_of_the_recipe(
    values: dict[str, Any], place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(DanluError) as caught:
        danlu.train(DIGITS, screen=False, **values)
    assert place in caught.value.problems[0].where
    assert [path.name for path in tmp_path.rglob("*") if path.name not in ("taken", "runs")] == []


def test_a_net_made_for_another_optimizer_is_told_of(tmp_path: Path) -> None:
    """ngrams with Adam's learns its rows by heart: in one line, and only there."""
    lines = [f"{'good' if place % 2 else 'bad'} day {place % 7},{place % 2}" for place in range(60)]
    (tmp_path / "texts.csv").write_text("\n".join(["text,label", *lines]))
    recipe: dict[str, Any] = {
        "task": "text-classification",
        "data": {"source": str(tmp_path / "texts.csv"), "cache": str(tmp_path / "cache"), "duplicates": "keep"},
        "run": {"folder": str(tmp_path / "runs")},
        "train": {"epochs": 1, "threads": 1, "device": "cpu"},
    }

    def told(**values: Any) -> list[str]:
        return [line for line in danlu.check(recipe, **values).warnings if "ngrams" in line]

    assert told() == []
    assert told(train__optimizer={"name": "sgd", "lr": 0.5}) == []
    assert told(model__name="bag", train__optimizer={"name": "adamw", "lr": 1e-3}) == []
    found = told(train__optimizer={"name": "adamw", "lr": 1e-3})
    assert len(found) == 1
    assert "sgd" in found[0]
    assert "0.05" in found[0]
    assert "adamw" in found[0]
