"""Sets of labels: every way of writing them gives the same rows, and what can't be read is refused with the row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from danlu import recipe as recipes
from danlu.data.dataset import Dataset
from danlu.data.kinds.base import BadValue, MissingValue
from danlu.data.kinds.labels import Labels, pairs
from danlu.data.prepare import prepare
from danlu.errors import DanluError
from danlu.recipe.names import spec_of

SETS = [("a",), ("a", "b"), (), ("c",), ("a", "c"), ("b",)] * 8


def dataset(path: Path, **data: Any) -> Dataset:
    asked = {"task": "image-multi-label", "data": {"source": str(path), **data}}
    recipe = recipes.complete(recipes.from_dict(asked))
    return prepare(recipe, spec_of(recipe.task))


def pictures(folder: Path) -> list[str]:
    draw = np.random.default_rng(0)
    for row in range(len(SETS)):
        Image.fromarray(draw.integers(0, 255, (8, 8, 3), dtype=np.uint8)).save(folder / f"{row}.png")
    return [f"{row}.png" for row in range(len(SETS))]


def write(path: Path, head: str, rows: list[str]) -> Path:
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return path


def stored(data: Dataset) -> np.ndarray:
    order = np.argsort([int(name.split(".")[0]) for name in data.ids])
    return np.asarray(data.store.gather("labels", np.arange(len(data))))[order]


TRUE = np.asarray([[name in each for name in "abc"] for each in SETS], np.uint8)


@pytest.mark.parametrize("how", ["bar", "comma", "semicolon", "json", "python", "columns", "jsonl"])
def test_every_way_of_writing_them_gives_the_same(tmp_path: Path, how: str) -> None:
    names = pictures(tmp_path)
    data: dict[str, Any] = {}
    if how == "columns":
        rows = [f"{n},{','.join(str(int(x in s)) for x in 'cab')}" for n, s in zip(names, SETS, strict=True)]
        path = write(tmp_path / "m.csv", "image,c,a,b", rows)
        data["columns"] = {"labels": ["a", "b", "c"]}
    elif how == "jsonl":
        lines = [json.dumps({"image": n, "labels": list(s)}) for n, s in zip(names, SETS, strict=True)]
        path = tmp_path / "m.jsonl"
        path.write_text("\n".join(lines), encoding="utf-8")
    else:
        sign = {"bar": "|", "comma": ", ", "semicolon": ";"}.get(how, "")
        write_list = {"json": json.dumps, "python": repr}.get(how)
        cells = [write_list(list(s)) if write_list else sign.join(s) or "[]" for s in SETS]
        quoted = ['"' + cell.replace('"', '""') + '"' for cell in cells]
        path = write(tmp_path / "m.csv", "image,labels", [f"{n},{c}" for n, c in zip(names, quoted, strict=True)])
    made = dataset(path, **data)
    assert made.kinds["labels"].spec()["classes"] == ["a", "b", "c"]
    assert np.array_equal(stored(made), TRUE)
    batch = made.gather(np.arange(4))
    assert isinstance(batch["labels"], torch.Tensor)
    assert batch["labels"].dtype == torch.uint8


def test_the_split_divides_the_rarest_and_says_so(tmp_path: Path) -> None:
    draw = np.random.default_rng(1)
    sets = [["often"] * (draw.random() < 0.8) + ["rare"] * (row % 30 == 0) for row in range(300)]
    for row in range(300):
        Image.fromarray(draw.integers(0, 255, (6, 6, 3), dtype=np.uint8)).save(tmp_path / f"{row}.png")
    path = write(tmp_path / "m.csv", "image,labels", [f"{row}.png,{'|'.join(s) or '[]'}" for row, s in enumerate(sets)])
    made = dataset(path, split={"val": 0.2, "test": 0.2})
    rare = made.card["classes"]["labels"]["rare"]
    assert rare == {"train": 6, "val": 2, "test": 2}
    assert "rarest label" in made.card["split"]["how"]
    assert made.card["columns"]["labels"]["classes"]["rare"] == 6
    limited = dataset(path, split={"val": 0.2, "test": 0.2}, limit=20)
    assert {part: len(rows) for part, rows in limited.parts.items()} == {"train": 20, "val": 20, "test": 20}


def test_what_cannot_be_read_is_refused_with_its_row(tmp_path: Path) -> None:
    names = pictures(tmp_path)
    cells = ["|".join(s) or "[]" for s in SETS]
    cells[3] = ""
    path = write(tmp_path / "m.csv", "image,labels", [f"{n},{c}" for n, c in zip(names, cells, strict=True)])
    made = dataset(path)
    assert made.card["rows"]["missing"] == 1
    assert "line 5" in made.card["missing"]["rows"][0]["row"]
    assert len(dataset(path, labels={"empty": "none"})) == len(SETS)
    with pytest.raises(DanluError, match="line 5"):
        dataset(path, missing="error")
    broken = [c or "a" for c in cells[:-1]] + ['"[""a"","']
    cut = write(tmp_path / "j.csv", "image,labels", [f"{n},{c}" for n, c in zip(names, broken, strict=True)])
    with pytest.raises(DanluError, match="looks like a"):  # it was a label of its own
        dataset(cut, max_bad=0)
    unnamed = write(tmp_path / "u.csv", "image,sea,hill", [f"{n},1,0" for n in names])
    with pytest.raises(DanluError, match=r"labels: \[sea, hill\]"):
        dataset(unnamed)
    other = write(tmp_path / "c.csv", "image,a,b", [f"{n},1,maybe" for n in names])
    with pytest.raises(DanluError, match="maybe"):
        dataset(other, columns={"labels": ["a", "b"]})
    with pytest.raises(DanluError, match="bb"):
        dataset(other, columns={"labels": ["a", "bb"]})
    with pytest.raises(DanluError, match="several"):
        dataset(other, columns={"image": ["a", "b"], "labels": "a"})


def test_unknown_names_gaps_and_odd_values() -> None:
    kind = Labels.fit(["x|y", "y | y", None, "z10|z9"], {})
    assert kind.classes == ("x", "y", "z9", "z10")
    assert kind.prepare("y|y|x").value.tolist() == [1, 1, 0, 0]
    assert Labels(**json.loads(json.dumps(kind.spec()))) == kind
    for raw in ("x|w", ["w"], "[1", {"x": 1, "y": 0}):
        with pytest.raises(BadValue):
            kind.prepare(raw)
    for raw in (None, "", "  "):
        with pytest.raises(MissingValue):
            kind.prepare(raw)
    columns = Labels(("x", "y"))
    assert columns.prepare({"x": "1.0", "y": False}).value.tolist() == [1, 0]
    with pytest.raises(MissingValue):
        columns.prepare({"x": 1, "y": None})


def test_mixed_sets_and_strata() -> None:
    kind = Labels(("a", "b", "c"))
    one, other = torch.tensor([[1, 0, 1]], dtype=torch.uint8), torch.tensor([[0, 0, 1]], dtype=torch.uint8)
    assert kind.mix(one, other, torch.tensor([0.25])).tolist() == [[0.25, 0.0, 1.0]]  # type: ignore[union-attr]
    assert kind.strata(np.asarray([[1, 1, 0], [1, 0, 0], [1, 0, 1], [1, 0, 1], [0, 0, 0]])).tolist() == [1, 0, 2, 2, -1]
    assert list(pairs(TRUE.T.astype(int) @ TRUE.astype(int), 5)) == [(0, 1, 8), (0, 2, 8)]
    assert kind.statistics([TRUE[:5], TRUE[5:]]) == {"counts": TRUE.sum(0).tolist(), "rows": len(TRUE)}
