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
