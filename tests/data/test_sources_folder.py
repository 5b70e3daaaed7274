"""Folders of images."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from danlu.data import reading
from danlu.data.sources import folder as source
from danlu.errors import DataError
from danlu.recipe.schema import DataSection
from danlu.recipe.spec import Column
from tests.data.made import folder, image, labels, prepared, recipe, table


def test_one_folder_for_each_class(tmp_path: Path) -> None:
    found = table(folder(tmp_path, {"class 10": 2, "class 9": 1, "Apple": 1}))
    assert found.classes["label"] == ("Apple", "class 9", "class 10")
    assert labels(found)["class 10/1.png"] == "class 10"
    assert found.ids == found.origins == sorted(found.ids)
    assert found.columns["image"][0].read_bytes()[1:4] == b"PNG"
    assert found.given is None


def test_nested_images_and_endings_in_any_case(tmp_path: Path) -> None:
    image(tmp_path / "a" / "deep" / "er" / "1.PNG")
    image(tmp_path / "a" / "2.JpG")
    image(tmp_path / "b" / "3.tiff")
    assert labels(table(tmp_path)) == {"a/2.JpG": "a", "a/deep/er/1.PNG": "a", "b/3.tiff": "b"}


def test_parts_are_given(tmp_path: Path) -> None:
    found = table(folder(tmp_path, {"Train/a": 3, "Train/b": 3, "validation/a": 1, "test/b": 2}))
    assert dict(zip(found.ids, found.given or (), strict=True)) == {
        **{f"Train/{label}/{number}.png": "train" for label in "ab" for number in range(3)},
        "validation/a/0.png": "val",
        "test/b/0.png": "test",
        "test/b/1.png": "test",
    }
    assert found.classes["label"] == ("a", "b")


def test_classes_may_be_called_train_and_test(tmp_path: Path) -> None:
    found = table(folder(tmp_path, {"train": 2, "car": 2, "test": 1}))
    assert found.given is None
    assert found.classes["label"] == ("car", "test", "train")


def test_an_unlabelled_test_folder_is_missing_its_labels(tmp_path: Path) -> None:
    folder(tmp_path, {"train/a": 12, "train/b": 12, "test": 3})
    data = prepared(tmp_path)
    assert data.card["rows"]["missing"] == 3
    assert data.card["missing"]["columns"] == {"label": 3}
    with pytest.raises(DataError) as error:
        prepared(tmp_path, missing="error")
    assert error.value.problems[1].where == "test/0.png"


def test_strays_are_listed_and_litter_is_noted(tmp_path: Path) -> None:
    folder(tmp_path, {"a": 2, "b": 2})
    image(tmp_path / "stray.png")
    (tmp_path / "a" / ".DS_Store").write_bytes(b"x")
    (tmp_path / "a" / "Thumbs.db").write_bytes(b"x")
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "b" / "readme.txt").write_text("x")
    (tmp_path / "empty").mkdir()
    found = table(tmp_path)
    assert [origin for origin, _ in found.problems] == ["stray.png"]
    noted = dict(found.notes)
    assert set(noted) == {"a/.DS_Store", "a/Thumbs.db", "__MACOSX", "b/readme.txt", "empty"}
    assert "no class" in noted["empty"]
    assert found.classes["label"] == ("a", "b")


def test_images_beside_the_parts_are_listed(tmp_path: Path) -> None:
    folder(tmp_path, {"train/a": 2, "train/b": 2, "test/a": 1, "extra/a": 1})
    assert [origin for origin, _ in table(tmp_path).problems] == ["extra/a/0.png"]


def test_one_folder_too_many(tmp_path: Path) -> None:
    found = table(folder(tmp_path, {"photos/a": 2, "photos/b": 2}).parent / tmp_path.name)
    assert set(found.ids) == {"a/0.png", "a/1.png", "b/0.png", "b/1.png"}
    assert dict(found.notes)["photos"]


def test_links_are_followed_but_never_in_a_circle(tmp_path: Path) -> None:
    folder(tmp_path / "data", {"a": 2, "b": 1})
    folder(tmp_path / "elsewhere", {"c": 1})
    (tmp_path / "data" / "c").symlink_to(tmp_path / "elsewhere" / "c")
    (tmp_path / "data" / "a" / "loop").symlink_to(tmp_path / "data")
    (tmp_path / "data" / "a" / "self").symlink_to("self")
    found = table(tmp_path / "data")
    assert "c/0.png" in found.ids
    assert len(found) == 4
    assert any("link back" in note for _, note in found.notes)


def test_an_unreadable_folder_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder(tmp_path, {"a": 2, "b": 2, "c": 1})
    scandir = os.scandir

    def guarded(path: str) -> object:
        if str(path).endswith("/c"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    found = table(tmp_path)
    assert ("c/", "no permission to list this folder (Permission denied)") in found.problems
    assert len(found) == 4


def test_names_that_are_no_utf8(tmp_path: Path) -> None:
    folder(tmp_path, {"b": 1})
    strange = os.fsdecode(b"caf\xe9.png")
    image(tmp_path / "a" / "x.png").rename(tmp_path / "a" / strange)
    found = table(tmp_path)
    assert "a/caf\\xe9.png" in found.ids
    assert found.columns["image"][0].exists()


def test_the_fingerprint_follows_content_not_order(tmp_path: Path) -> None:
    first = table(folder(tmp_path, {"a": 2, "b": 2})).fingerprint
    assert table(tmp_path).fingerprint == first
    image(tmp_path / "b" / "2.png")
    assert table(tmp_path).fingerprint != first
    (tmp_path / "b" / "2.png").unlink()
    assert table(tmp_path).fingerprint == first
    os.utime(tmp_path / "b" / "1.png", (1, 1))
    assert table(tmp_path).fingerprint != first


@pytest.mark.parametrize("layout", [{}, {"": 3}])
def test_what_to_do_where_there_are_no_classes(tmp_path: Path, layout: dict[str, int]) -> None:
    folder(tmp_path, layout)
    with pytest.raises(DataError, match=r"cat/1\.jpg"):
        table(tmp_path)
    (tmp_path / "labels.csv").write_text("x")
    with pytest.raises(DataError, match=r"labels\.csv"):
        table(tmp_path)


def test_one_class_is_nothing_to_learn(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="one class"):
        prepared(folder(tmp_path, {"a": 5}))


def test_without_a_category_every_image_is_a_row(tmp_path: Path) -> None:
    folder(tmp_path, {"": 2, "x": 1})
    found = table(tmp_path, {"image": Column("image", "input")})
    assert found.ids == ["0.png", "1.png", "x/0.png"]


def test_a_folder_has_no_other_columns(tmp_path: Path) -> None:
    folder(tmp_path, {"a": 2, "b": 2})
    with pytest.raises(DataError, match="number"):
        table(tmp_path, {"image": Column("image", "input"), "price": Column("number", "target")})
    with pytest.raises(DataError, match="patient"):
        table(tmp_path, split={"group": "patient"})


def test_progress_is_told(tmp_path: Path) -> None:
    folder(tmp_path, {"a": 2, "b": 2})
    told: list[tuple[str, int, int]] = []
    source.read(
        tmp_path,
        DataSection(),
        {"image": Column("image", "input"), "label": Column("category", "target")},
        lambda *step: told.append(step),
    )
    assert told == [("Listing the files", 4, 4)]


# ---- which source ---------------------------------------------------------------------------------------------


def test_nothing_there_says_what_is(tmp_path: Path) -> None:
    folder(tmp_path / "photos", {"a": 1})
    with pytest.raises(DataError, match=r"Did you mean .*photos"):
        reading.choose(recipe(tmp_path / "fotos"))
    with pytest.raises(DataError, match="builtin:fashion"):
        reading.choose(recipe("fashion"))
    with pytest.raises(DataError, match="web address"):
        reading.choose(recipe("https://example.org/data.zip"))


def test_what_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "data.xlsx").write_bytes(b"PK")
    with pytest.raises(DataError, match=r"is a spreadsheet.*as CSV"):
        reading.choose(recipe(tmp_path / "data.xlsx"))
    assert reading.choose(recipe(tmp_path / "data.xlsx", format="csv"))[0] == "csv"
