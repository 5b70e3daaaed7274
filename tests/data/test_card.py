"""The data card tells what a person should know."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from danlu.data.card import membership
from tests.data.made import folder, image, prepared


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return folder(tmp_path, {"a": 20, "b": 20})


def test_rows_are_accounted_for(photos: Path) -> None:
    (photos / "a" / "0.png").write_bytes(b"")
    image(photos / "stray.png")
    (photos / "labels.txt").write_text("")
    card = prepared(photos).card
    rows = card["rows"]
    assert rows["found"] == 41
    assert rows["bad"] == 2
    assert rows["used"] == rows["train"] + rows["val"] + rows["test"] == 39
    assert rows["found"] == rows["used"] + rows["bad"] + rows["missing"] + rows["duplicates_dropped"]
    assert {entry["row"] for entry in card["bad"]} == {"a/0.png", "stray.png"}
    assert sum(card["bad_reasons"].values()) == 2
    assert {"column": "", "note": "no image by its name, passed over", "count": 1, "examples": ["labels.txt"]} in card[
        "notes"
    ]


def test_notes_are_counted_with_examples(photos: Path) -> None:
    for number in range(7):
        with Image.open(photos / "a" / f"{number}.png") as opened:
            opened.convert("P").save(photos / "a" / f"{number}.png")
    (note,) = (note for note in prepared(photos).card["notes"] if "palette" in note["note"])
    assert note["count"] == 7
    assert note["column"] == "image"
    assert 1 <= len(note["examples"]) <= 7
    assert all(example.startswith("a/") for example in note["examples"])


def test_membership_can_be_written_down_and_proven(photos: Path) -> None:
    data = prepared(photos)
    listed = dict(membership(data))
    assert len(listed) == 40
    assert all(data.ids[row] in listed and listed[data.ids[row]] == "val" for row in data.parts["val"])
    again = prepared(photos, split={"val": 0.2})
    assert data.card["split"]["membership"]["test"] == again.card["split"]["membership"]["test"]
    assert data.card["split"]["membership"]["val"] != again.card["split"]["membership"]["val"]


def test_small_and_unseen_classes_are_warned_of(tmp_path: Path) -> None:
    card = prepared(folder(tmp_path / "one", {"a": 20, "b": 20, "rare": 2})).card
    assert card["split"]["undivided_classes"] == ["rare"]
    assert card["classes"]["label"]["rare"] == {"train": 2, "val": 0, "test": 0}
    assert any("too small" in warning for warning in card["warnings"])
    layout = {"train/a": 9, "train/b": 9, "test/a": 2, "test/new": 2}
    card = prepared(folder(tmp_path / "two", layout)).card
    assert any("never trained on: new" in warning for warning in card["warnings"])


def test_columns_are_described(photos: Path) -> None:
    columns = prepared(photos).card["columns"]
    assert columns["image"]["size"] == [8, 10]
    assert len(columns["image"]["statistics"]["mean"]) == 3
    assert columns["label"]["classes"] == {"a": 16, "b": 16}
    assert columns["label"]["role"] == "target"


def test_a_quiet_card_has_no_warnings(photos: Path) -> None:
    assert prepared(photos).card["warnings"] == []


def test_long_lists_are_cut_but_counted(tmp_path: Path) -> None:
    folder(tmp_path, {"a": 20, "b": 20})
    for number in range(1100):
        (tmp_path / "a" / f"bad_{number}.png").write_bytes(b"")
    card = prepared(tmp_path, max_bad=0.99).card
    assert card["rows"]["bad"] == 1100
    assert len(card["bad"]) == 1000
    assert card["bad_reasons"] == {"the file is empty": 1100}
    assert np.sum(list(card["bad_reasons"].values())) == 1100


def test_classes_that_a_person_takes_for_one_are_told_of(tmp_path: Path) -> None:
    folder(tmp_path, {"Cat": 6, "cat": 6, "1": 6, "1.0": 6, "t_shirt": 6, "t shirt": 6, "dog": 6})
    (told,) = (warning for warning in prepared(tmp_path).card["warnings"] if "count as different" in warning)
    assert "Cat = cat" in told
    assert "1 = 1.0" in told
    assert "t_shirt = t shirt" in told or "t shirt = t_shirt" in told
    assert "dog" not in told


def test_values_with_hardly_a_pixel_are_told_of(tmp_path: Path) -> None:
    """A stray value in one mask became a class, and nobody was told."""
    from danlu import recipe as recipes
    from danlu.data.prepare import prepare
    from danlu.recipe.names import spec_of

    (tmp_path / "masks").mkdir()
    for number in range(6):
        image(tmp_path / "images" / f"{number}.png", number, (120, 120))
        mask = np.zeros((120, 120), np.uint8)
        mask[:50] = 1
        mask[0, 0] = 7 if number == 1 else 1
        Image.fromarray(mask).save(tmp_path / "masks" / f"{number}.png")
    wanted = {"source": str(tmp_path), "split": {"val": 0, "test": 0}}
    data = prepare(
        recipes.complete(recipes.from_dict({"task": "segmentation", "data": wanted})), spec_of("segmentation")
    )
    (told,) = (warning for warning in data.card["warnings"] if "hardly a pixel" in warning)
    assert ": 7;" in told


def test_twelve_bits_in_sixteen_are_told_of(tmp_path: Path) -> None:
    """They become almost black, which "16 bits reduced to 8" doesn't say."""
    for name in ("a", "b"):
        folder_of = tmp_path / name
        folder_of.mkdir()
        for number in range(12):
            values = np.random.default_rng(number + 12 * (name == "b")).integers(0, 4096, (16, 16)).astype(np.uint16)
            Image.fromarray(values * (16 if name == "b" else 1)).save(folder_of / f"{number}.png")
    notes = {note["note"]: note["count"] for note in prepared(tmp_path).card["notes"]}
    assert notes.pop("16 bits reduced to 8") == 12
    assert [(count, "almost black" in text) for text, count in notes.items()] == [(12, True)]


def test_columns_of_a_folder_are_not_passed_over_in_silence(photos: Path) -> None:
    notes = [note["note"] for note in prepared(photos, columns={"image": "path"}).card["notes"]]
    assert "data.columns is not used: a folder has no columns" in notes
    assert not prepared(photos).card["notes"]
