"""Columns stand on the page under the names that the file has for them."""

from __future__ import annotations

import re
from pathlib import Path

import danlu


def test_columns_are_called_as_in_the_file(tmp_path: Path) -> None:
    """Named by the recipe or found by name; a head of "text" over somebody's ``opinion`` says nothing."""
    lines = [f"{'fine' if row % 2 else 'awful'} thing {row},{'yes' if row % 2 else 'no'}" for row in range(60)]
    (tmp_path / "own.csv").write_text("\n".join(["opinion,verdict", *lines]))
    (tmp_path / "found.csv").write_text("\n".join(["review,label", *lines]))
    recipe = {
        "task": "text-classification",
        "data": {"cache": str(tmp_path / "cache")},
        "train": {"epochs": 1},
        "evaluate": {"baselines": False},
    }
    for name, mapped in (("own", {"text": "opinion", "label": "verdict"}), ("found", {})):
        data = {**recipe["data"], "source": str(tmp_path / f"{name}.csv"), "columns": mapped}  # type: ignore[dict-item]
        run = danlu.train({**recipe, "run": {"name": name, "folder": str(tmp_path)}, "data": data}, screen=False)
        page = run.path.joinpath("report.html").read_text(encoding="utf-8")
        heads = [re.sub("<[^>]*>", "", head) for head in re.findall("<th[^>]*>(.*?)</th>", page)]
        text = "opinion" if mapped else "review"
        assert heads.count(text) >= 3  # in the data card, over the worst samples, over the words
        assert "text" not in heads
        assert f"({'verdict' if mapped else 'label'})" in page
