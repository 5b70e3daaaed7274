"""Folders of images and masks, with classes from beside them, and a reason for every image that is left out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from danlu.data.sources import csv, pairs
from danlu.data.sources._colour_maps import class_file
from danlu.errors import DataError
from danlu.recipe.schema import DataSection
from danlu.recipe.spec import Column

WANTED = {"image": Column("image", "input"), "mask": Column("mask", "target")}


def write(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.zeros((4, 4), np.uint8)).save(path)


def read(folder: Path) -> Any:
    return pairs.read(folder, DataSection(source=str(folder)), WANTED)


def test_two_folders(tmp_path: Path) -> None:
    write(
        tmp_path,
        "images/a.jpg",
        "images/b.png",
        "images/deep/c.png",
        "masks/a.png",
        "masks/b_mask.png",
        "masks/deep/c.png",
    )
    assert pairs.recognises(tmp_path)
    table = read(tmp_path)
    assert list(table.ids) == ["images/a.jpg", "images/b.png", "images/deep/c.png"]
    assert [path.name for path in table.columns["mask"]] == ["a.png", "b_mask.png", "c.png"]
    assert table.given is None
    assert not table.problems


def test_a_table_that_names_both(tmp_path: Path) -> None:
    write(tmp_path, "images/a.png", "images/b.png", "masks/m1.png", "masks/m2.png")
    (tmp_path / "list.csv").write_text("image,mask,split\na.png,m1.png,train\nb.png,m2.png,val\n", encoding="utf-8")
    (tmp_path / "classes.txt").write_text("sky\nroad\n", encoding="utf-8")
    table = csv.read(tmp_path / "list.csv", DataSection(source=str(tmp_path / "list.csv")), WANTED)
    assert [path.name for path in table.columns["mask"]] == ["m1.png", "m2.png"]
    assert all(path.is_file() for path in table.columns["mask"])
    assert table.classes == {"mask": ("sky", "road")}
    assert table.given == ["train", "val"]


@pytest.mark.parametrize("above", [True, False])
def test_parts(tmp_path: Path, above: bool) -> None:
    for part in ("train", "val", "test"):
        at = (f"{part}/images", f"{part}/masks") if above else (f"images/{part}", f"masks/{part}")
        write(tmp_path, *(f"{folder}/{number}.png" for folder in at for number in range(2)))
    table = read(tmp_path)
    assert table.given is not None
    assert sorted(table.given) == ["test", "test", "train", "train", "val", "val"]
    assert len(set(table.ids)) == 6


def test_voc(tmp_path: Path) -> None:
    write(tmp_path, "JPEGImages/1.jpg", "JPEGImages/2.jpg", "SegmentationClass/1.png")
    table = read(tmp_path)
    assert list(table.ids) == ["JPEGImages/1.jpg"]
    assert table.classes["mask"][15] == "person"
    assert not table.problems
    assert len(table.notes) == 1


def test_what_is_left_out_is_told(tmp_path: Path) -> None:
    write(tmp_path, "images/a.png", "images/b.png", "images/b.jpg", "images/c.png", "images/d.png")
    write(tmp_path, "masks/a.png", "masks/b.png", "masks/c.png", "masks/c.tif", "masks/x.png")
    table = read(tmp_path)
    assert list(table.ids) == ["images/a.png"]
    told = dict(table.problems)
    assert set(told) == {"images/b.jpg", "images/b.png", "images/c.png", "images/d.png"}
    assert len({told[name] for name in ("images/b.png", "images/c.png", "images/d.png")}) == 3
    assert [name for name, _ in table.notes] == ["masks/x.png"]


def test_folders_of_other_applications_are_left_to_them(tmp_path: Path) -> None:
    write(tmp_path, "images/a.png")
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a.txt").write_text("0 .5 .5 .1 .1")
    assert not pairs.recognises(tmp_path)
    write(tmp_path / "animals", "cat/1.png", "dog/1.png")
    assert not pairs.recognises(tmp_path / "animals")


def test_nothing_that_fits_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "images/a.png", "masks/b.png")
    with pytest.raises(DataError, match=r"images/a\.png"):
        read(tmp_path)
    with pytest.raises(DataError):
        read(tmp_path / "images")


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("classes.txt", "sky\nroad\n", ("sky", "road")),
        ("classes.txt", "0 sky\n3: road\n", {"sky": 0, "road": 3}),
        ("label_colors.txt", "64 128 64\tAnimal\n0 0 0\tVoid\n", {"Animal": [64, 128, 64]}),
        ("classes.txt", "# CVAT\nsky:70,130,180::\n", {"sky": [70, 130, 180]}),
        ("labelmap.txt", "traffic light 250 170 30\n", {"traffic light": [250, 170, 30]}),
        ("classes.json", json.dumps(["a", "b"]), ("a", "b")),
        ("classes.json", json.dumps({"a": 4, "b": "#ff0000"}), {"a": 4, "b": "#ff0000"}),
    ],
)
def test_class_files(tmp_path: Path, name: str, text: str, found: Any) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert class_file(tmp_path)[0] == found


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("classes.txt", "sky\n1 road\n"),
        ("classes.txt", "sky\nsky\n"),
        ("label_colors.txt", "300 0 0 sky\n"),
        ("classes.json", "{"),
        ("classes.json", "7"),
        ("classes.json", '{"a": "red"}'),
        ("classes.json", '["a", "a"]'),
    ],
)
def test_broken_class_files(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(DataError):
        class_file(tmp_path)
