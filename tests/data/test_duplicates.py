"""Rows of equal content."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from danlu.data.duplicates import report, superfluous, twins
from danlu.data.split import TEST, TRAIN, VAL
from tests.data.made import folder, prepared


def test_groups_are_found() -> None:
    found = twins(np.asarray([5, 3, 5, 9, 3, 5, 1], np.uint64))
    assert sorted(sorted(rows.tolist()) for rows in found) == [[0, 2, 5], [1, 4]]
    assert len(twins(np.arange(4, dtype=np.uint64))) == 0
    assert len(twins(np.empty(0, np.uint64))) == 0


def test_one_of_each_group_stays_best_one_that_is_judged() -> None:
    found = twins(np.asarray([5, 3, 5, 9, 3, 5], np.uint64))
    drawn = np.asarray([3, 1, 2, 0, 4, 1], np.uint64)
    assert superfluous(found, None, drawn).tolist() == [0, 2, 4]
    given = np.asarray([TEST, TRAIN, VAL, TRAIN, VAL, TRAIN], np.int8)
    assert superfluous(found, given, drawn).tolist() == [1, 2, 5]


def test_leaks_and_conflicts() -> None:
    found = twins(np.asarray([5, 3, 5, 9, 3, 5], np.uint64))
    codes = np.asarray([TRAIN, VAL, TEST, TRAIN, VAL, -1])
    made = report(found, codes, np.asarray([0, 1, 0, 0, 2, 0]), list("abcdef"))
    assert (made["groups"], made["rows"]) == (2, 5)
    assert made["leaks"] == {"groups": {"train/test": 1}, "examples": [["a", "c", "f"]]}
    assert made["conflicts"] == {"groups": 1, "examples": [["b", "e"]]}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two classes of 40; ten images of each stand there twice, five times saved in another format; one in both classes."""
    folder(tmp_path, {"a": 40, "b": 40})
    for label in "ab":
        for number in range(10):
            source = tmp_path / label / f"{number}.png"
            if number % 2:
                shutil.copy(source, tmp_path / label / f"copy_{number}.png")
            else:
                with Image.open(source) as image:
                    image.save(tmp_path / label / f"copy_{number}.bmp")
    shutil.copy(tmp_path / "a" / "20.png", tmp_path / "b" / "from_a.png")
    return tmp_path


def pairs(data: object) -> list[tuple[str, str]]:
    parts = {data.ids[row]: part for part, rows in data.parts.items() for row in rows}  # type: ignore[attr-defined]
    found = []
    for name, part in parts.items():
        if "copy" in name:
            label, number = name[0], name.split("_")[1].split(".")[0]
            if (original := parts.get(f"{label}/{number}.png")) is not None:
                found.append((original, part))
    return found


def test_exact_duplicates_stay_on_one_side(photos: Path) -> None:
    data = prepared(photos, split={"val": 0.2, "test": 0.2})
    assert len(pairs(data)) == 20
    assert all(one == other for one, other in pairs(data))
    assert {part for part, _ in pairs(data)} == {"train", "val", "test"}
    card = data.card["duplicates"]
    assert (card["groups"], card["rows"]) == (21, 42)
    assert card["leaks"]["groups"] == {}
    assert card["conflicts"]["groups"] == 1
    assert card["conflicts"]["examples"] == [["a/20.png", "b/from_a.png"]]
    assert any("different labels" in warning for warning in data.card["warnings"])
    assert len(data.parts["test"]) == pytest.approx(20, abs=1)


def test_duplicates_can_be_dropped(photos: Path) -> None:
    data = prepared(photos, duplicates="drop")
    assert sum(map(len, data.parts.values())) == 80
    assert data.card["rows"]["duplicates_dropped"] == 21
    assert pairs(data) == []


def test_duplicates_can_be_ignored_but_are_reported(photos: Path) -> None:
    data = prepared(photos, duplicates="keep", split={"val": 0.25, "test": 0.25})
    assert any(one != other for one, other in pairs(data))
    assert sum(data.card["duplicates"]["leaks"]["groups"].values()) > 0
    assert any("too good" in warning for warning in data.card["warnings"])


def test_leaks_of_given_parts_are_kept_and_reported(tmp_path: Path) -> None:
    folder(tmp_path, {"train/a": 10, "train/b": 10, "test/a": 3, "test/b": 3})
    shutil.copy(tmp_path / "train" / "a" / "0.png", tmp_path / "test" / "a" / "leak.png")
    data = prepared(tmp_path)
    assert len(data.parts["test"]) == 7
    leaks = data.card["duplicates"]["leaks"]
    assert list(leaks["groups"].values()) == [1]
    assert next(iter(leaks["groups"])) in ("train/test", "val/test")
    assert set(leaks["examples"][0]) == {"train/a/0.png", "test/a/leak.png"}
    mended = prepared(tmp_path, duplicates="drop")
    assert len(mended.parts["test"]) == 7
    assert mended.card["duplicates"]["leaks"]["groups"] == {}
    left = [mended.ids[row] for part in ("train", "val") for row in mended.parts[part]]
    assert "train/a/0.png" not in left
