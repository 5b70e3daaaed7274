"""From a recipe to a dataset."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from danlu.data import fitting
from danlu.data.cache.store import Cache
from danlu.data.prepare import prepare
from danlu.data.stream import Stream
from danlu.errors import DataError
from danlu.messages import set_language
from danlu.recipe.names import spec_of
from tests.data.made import folder, image, prepared, recipe


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return folder(tmp_path / "photos", {"a": 30, "b": 20, "c": 10})


def parts(data: object) -> dict[str, str]:
    return {data.ids[row]: part for part, rows in data.parts.items() for row in rows}  # type: ignore[attr-defined]


def test_a_folder_becomes_a_dataset(photos: Path) -> None:
    data = prepared(photos)
    assert (data.inputs, data.targets) == (("image",), ("label",))
    assert {part: len(rows) for part, rows in data.parts.items()} == {"train": 48, "val": 6, "test": 6}
    by_class = {label: Counter(part for name, part in parts(data).items() if name[0] == label) for label in "abc"}
    assert by_class == {
        "a": {"train": 24, "val": 3, "test": 3},
        "b": {"train": 16, "val": 2, "test": 2},
        "c": {"train": 8, "val": 1, "test": 1},
    }
    assert data.card["classes"]["label"] == {
        label: {"train": 0, "val": 0, "test": 0} | by_class[label] for label in "abc"
    }
    batch = data.gather(np.arange(60))
    assert batch["image"].shape == (60, 3, 8, 10)  # type: ignore[union-attr]
    for row, name in enumerate(data.ids):
        with Image.open(photos / name) as opened:
            assert np.array_equal(batch["image"][row].permute(1, 2, 0).numpy(), np.asarray(opened))  # type: ignore[index,union-attr]
        assert data.kinds["label"].classes[batch["label"][row]] == name[0]  # type: ignore[attr-defined,index]
    for rows in data.parts.values():
        assert (np.diff(rows) > 0).all()


def test_statistics_are_of_training_rows_alone(photos: Path) -> None:
    data = prepared(photos)
    train = data.gather(data.parts["train"])["image"].double()  # type: ignore[union-attr]
    assert np.allclose(data.statistics["image"]["mean"], train.mean((0, 2, 3)))
    assert np.allclose(data.statistics["image"]["std"], train.std((0, 2, 3), correction=0))
    everything = data.gather(np.arange(60))["image"].double()  # type: ignore[union-attr]
    assert not np.allclose(data.statistics["image"]["mean"], everything.mean((0, 2, 3)), rtol=1e-6)


@pytest.mark.parametrize("storage", ["encoded", "stream"])
def test_storage_changes_nothing_but_storage(photos: Path, storage: str) -> None:
    plain, other = prepared(photos), prepared(photos, storage=storage)
    assert isinstance(other.store, Stream if storage == "stream" else Cache)
    assert other.card["storage"] == storage
    assert other.ids == plain.ids
    assert parts(other) == parts(plain)
    assert other.statistics == plain.statistics
    rows = np.asarray([5, 59, 5, 0])
    assert torch.equal(other.gather(rows)["image"], plain.gather(rows)["image"])  # type: ignore[arg-type]


def test_storage_follows_the_room_there_is(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert prepared(photos).card["storage"] == "decoded"
    monkeypatch.setattr(fitting, "_LARGEST", 1000)
    assert prepared(photos).card["storage"] == "encoded"
    monkeypatch.setattr(fitting, "free", lambda folder: 1000)
    assert prepared(photos).card["storage"] == "stream"


def test_the_split_hangs_on_the_seed_and_not_on_the_place(photos: Path, tmp_path: Path) -> None:
    spec = spec_of("image-classification")
    one = prepare(recipe(photos), spec)
    moved = photos.rename(tmp_path / "moved")
    again = prepare(recipe(moved), spec)
    assert parts(one) == parts(again)
    assert one.card["fingerprint"] == again.card["fingerprint"]
    assert one.card["split"]["membership"] == again.card["split"]["membership"]
    other = prepare(recipe(moved).model_copy(update={"seed": 1}), spec)
    assert parts(other) != parts(one)
    assert other.card["fingerprint"] != one.card["fingerprint"]


def test_the_fingerprint_sees_pixels_and_labels(photos: Path) -> None:
    first = prepared(photos).card["fingerprint"]
    image(photos / "a" / "3.png", seed=999)
    second = prepared(photos).card["fingerprint"]
    assert second != first
    (photos / "a").rename(photos / "d")
    assert prepared(photos).card["fingerprint"] not in (first, second)


def test_limit_takes_so_many_of_each_part(photos: Path) -> None:
    data = prepared(photos, limit=5, split={"val": 0.2, "test": 0.2})
    assert {part: len(rows) for part, rows in data.parts.items()} == {"train": 5, "val": 5, "test": 5}
    assert len(data) == 15
    again = prepared(photos, limit=5, split={"val": 0.2, "test": 0.2})
    assert parts(again) == parts(data)


def test_limit_of_given_parts(tmp_path: Path) -> None:
    folder(tmp_path, {"train/a": 20, "train/b": 20, "test/a": 9, "test/b": 9})
    data = prepared(tmp_path, limit=6)
    assert {part: len(rows) for part, rows in data.parts.items()} == {"train": 6, "val": 4, "test": 6}
    assert all(name.startswith("test/") == (part == "test") for name, part in parts(data).items())


def test_groups_and_time_from_a_manifest(photos: Path) -> None:
    lines = ["image,label,patient,day"]
    for number in range(30):
        lines += [f"a/{number}.png,a,{number // 3},{number + 1}", f"b/{number % 20}.png,b,{number // 3},{number + 1}"]
    path = photos / "labels.csv"
    path.write_text("\n".join(lines))
    grouped = prepared(path, split={"group": "patient"})
    place = parts(grouped)
    for number in range(0, 30, 3):
        assert len({place[f"a/{number + each}.png"] for each in range(3)}) == 1
    assert grouped.card["split"]["how"].startswith("grouped")
    assert grouped.card["groups_leaking"] == 0
    timed = parts(prepared(path, split={"time": "day"}))
    days = {
        part: [int(n[2:-4]) for n, p in timed.items() if p == part and n[0] == "a"] for part in ("train", "val", "test")
    }
    assert max(days["train"]) < min(days["val"])
    assert max(days["val"]) < min(days["test"])


def test_torn_groups_of_given_parts_are_reported(photos: Path) -> None:
    text = "image,label,who,split\n" + "".join(
        f"{'ab'[n % 2]}/{n}.png,{'ab'[n % 2]},{n // 4},{'train' if n < 14 else 'test'}\n" for n in range(20)
    )
    (photos / "labels.csv").write_text(text)
    card = prepared(photos / "labels.csv", split={"group": "who", "val": 0}).card
    assert card["groups_leaking"] == 1
    assert any("1 group stands in more than one part" in warning for warning in card["warnings"])


def test_kinds_of_an_earlier_run_and_one_part(photos: Path, tmp_path: Path) -> None:
    fitted = prepared(photos)
    other = folder(tmp_path / "other", {"a": 2, "c": 2, "z": 1})
    image(other / "a" / "x.png", size=(30, 40))
    asked = recipe(other, max_bad=0.9)
    data = prepare(asked, spec_of(asked.task), kinds=fitted.kinds, part="test")
    assert data.kinds == dict(fitted.kinds)
    assert {part: len(rows) for part, rows in data.parts.items()} == {"test": 5}
    assert data.card["bad"][0]["reason"] == "unknown class 'z'"


def test_a_second_time_is_opened_from_the_cache(photos: Path, tmp_path: Path) -> None:
    stages: list[str] = []
    asked = recipe(photos, cache=str(tmp_path / "cache"))
    spec = spec_of(asked.task)
    first = prepare(asked, spec, lambda stage, done, total: stages.append(stage))
    assert "Preparing the data" in stages
    stages.clear()
    again = prepare(asked, spec, lambda stage, done, total: stages.append(stage))
    assert "Preparing the data" not in stages
    assert again.card == first.card


def test_a_file_that_is_mended_comes_back(photos: Path) -> None:
    (photos / "a" / "0.png").write_bytes(b"")
    assert prepared(photos).card["rows"]["bad"] == 1
    image(photos / "a" / "0.png")
    data = prepared(photos)
    assert data.card["rows"]["bad"] == 0
    assert len(data) == 60


def test_nothing_usable(tmp_path: Path) -> None:
    for label in "ab":
        for number in range(4):
            (tmp_path / label).mkdir(exist_ok=True)
            (tmp_path / label / f"{number}.png").write_bytes(b"")
    with pytest.raises(DataError, match="None of the 8 rows") as error:
        prepared(tmp_path)
    assert len(error.value.problems) == 9


def test_the_languages_words_stand_in_the_card(photos: Path, tmp_path: Path) -> None:
    (photos / "a" / "0.png").write_bytes(b"")
    set_language("zh")
    data = prepared(photos, cache=str(tmp_path / "cache"))
    assert data.card["bad"][0]["reason"] == "文件为空"
    assert "已搁置" in data.card["warnings"][0]


def test_kinds_and_sources_need_no_torch(tmp_path: Path) -> None:
    """A table can be read and prepared where there is no torch: services, and the command line's help."""
    folder(tmp_path, {"a": 2, "b": 2})
    code = f"""
import pkgutil, importlib, sys
import danlu.data.table, danlu.data.split, danlu.data.reading, danlu.data.kinds, danlu.data.sources
for package in (danlu.data.kinds, danlu.data.sources):
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(package.__name__ + "." + module.name)
assert not {{"torch", "PIL", "pyarrow", "sklearn", "pandas", "scipy"}} & set(sys.modules), sorted(sys.modules)
from pathlib import Path
from danlu.data.kinds.base import prepare_row
from danlu.data.kinds.image import Image
from danlu.data.sources import folder
from danlu.recipe.schema import DataSection
from danlu.recipe.spec import Column
table = folder.read(Path({str(tmp_path)!r}), DataSection(), {{"image": Column("image", "input")}})
kind = Image.fit(table.columns["image"], {{}})
made = prepare_row({{"image": kind}}, {{"image": table.columns["image"][0]}})
assert made["image"].value.shape == (8, 10, 3)
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_the_card_is_json(photos: Path) -> None:
    card = prepared(photos).card
    assert json.loads(json.dumps(card)) == card
