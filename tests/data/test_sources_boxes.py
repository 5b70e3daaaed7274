"""YOLO's texts and VOC's XML, and that the three formats of boxes say the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from danlu import recipe as recipes
from danlu.cli.main import main
from danlu.data.prepare import prepare
from danlu.data.sources import coco, voc, yolo
from danlu.data.table import Table
from danlu.data.writing.boxes import FORMATS, Format, Labelled, of_table, write
from danlu.errors import DataError
from danlu.recipe.names import spec_of
from tests.data.made import BOXES, image, table


def objects(found: Table, row: int) -> Any:
    return found.columns["boxes"][row]["objects"]


def yolo_set(folder: Path, **labels: str) -> Path:
    """Pictures of 40 × 20 pixels (width × height) in images/, texts in labels/, data.yaml."""
    for number, (name, text) in enumerate(labels.items()):
        image(folder / "images" / f"{name}.png", number, (20, 40))
        (folder / "labels").mkdir(exist_ok=True)
        (folder / "labels" / f"{name}.txt").write_text(text)
    (folder / "data.yaml").write_text("path: .\ntrain: images\nnames: {0: cat, 1: dog}\n")
    return folder


def voc_xml(name: str, *boxes: Any, size: tuple[int, int] = (20, 40)) -> str:
    """boxes: (label, xmin, ymin, xmax, ymax)."""
    lines = [f"<annotation><filename>{name}</filename>",
             f"<size><width>{size[1]}</width><height>{size[0]}</height><depth>3</depth></size>"]  # fmt: skip
    for label, *edges in boxes:
        parts = "".join(
            f"<{key}>{edge}</{key}>" for key, edge in zip(("xmin", "ymin", "xmax", "ymax"), edges, strict=True)
        )
        lines.append(f"<object><name>{label}</name><bndbox>{parts}</bndbox></object>")
    return "\n".join([*lines, "</annotation>"])


def voc_set(folder: Path, **texts: str) -> Path:
    (folder / "Annotations").mkdir(parents=True, exist_ok=True)
    for number, (name, text) in enumerate(texts.items()):
        image(folder / "JPEGImages" / f"{name}.png", number, (20, 40))
        (folder / "Annotations" / f"{name}.xml").write_text(text)
    return folder


def test_yolo_is_read_in_shares(tmp_path: Path) -> None:
    found = table(yolo_set(tmp_path, a="1 0.5 0.5 0.5 0.2\n", b=""), BOXES)
    assert found.classes["boxes"] == ("cat", "dog")
    assert list(found.ids) == ["images/a.png", "images/b.png"]
    assert found.given is None
    (one,) = objects(found, 0)
    assert one == {"box": pytest.approx([0.25, 0.4, 0.75, 0.6]), "label": "dog", "iscrowd": False}
    assert objects(found, 1) == []
    kind = prepare(_recipe(tmp_path), spec_of("detection"))
    rows = kind.gather(np.asarray([0]))["boxes"].values  # type: ignore[union-attr]
    assert rows.tolist() == [pytest.approx([10, 8, 30, 12, 1, 0, 80])]


def _recipe(source: Path, **data: Any) -> Any:
    wanted = {"source": str(source), "split": {"val": 0, "test": 0}, **data}
    return recipes.complete(recipes.from_dict({"task": "detection", "data": wanted}))


def test_yolo_parts_lists_and_a_leak(tmp_path: Path) -> None:
    for part in ("train", "val"):
        for number in range(2):
            image(tmp_path / "images" / part / f"{number}.png", number, (20, 40))
    (tmp_path / "labels" / "train").mkdir(parents=True)
    (tmp_path / "labels" / "train" / "0.txt").write_text("0 .5 .5 .1 .1\n")
    (tmp_path / "val.txt").write_text("images/val/0.png\nimages/train/1.png\n")
    (tmp_path / "data.yaml").write_text("train: images/train\nval: val.txt\nnames: [cat]\nnc: 1\n")
    found = table(tmp_path / "data.yaml", BOXES)
    assert list(found.ids) == ["images/train/0.png", "images/train/1.png", "images/val/0.png"]
    assert found.given == ["train", "train", "val"]
    ((where, told),) = found.notes
    assert where.endswith("val.txt")
    assert "1 images" in told


def test_yolo_without_a_yaml(tmp_path: Path) -> None:
    yolo_set(tmp_path, a="0 .5 .5 .1 .1\n")
    (tmp_path / "data.yaml").unlink()
    (tmp_path / "classes.txt").write_text("tree\n\n")
    found = table(tmp_path, BOXES)
    assert found.classes["boxes"] == ("tree",)
    assert len(objects(found, 0)) == 1


def test_voc_counts_pixels_from_one_and_includes_the_last(tmp_path: Path) -> None:
    text = voc_xml("a.png", ("tree", 1, 1, 40, 20), ("ant", 3, 5, 3, 5)).replace(
        "<name>ant</name>", "<name>ant</name><difficult>1</difficult>"
    )
    found = table(voc_set(tmp_path, a=text, b=voc_xml("b.png")), BOXES)
    assert found.classes["boxes"] == ("ant", "tree")
    assert found.columns["boxes"][0]["size"] == (20, 40)
    assert [(one["box"], one["iscrowd"]) for one in objects(found, 0)] == [
        ([0, 0, 40, 20], False),
        ([2, 4, 3, 5], True),
    ]
    assert objects(found, 1) == []
    assert found.notes == ()


def test_voc_from_zero_is_noticed(tmp_path: Path) -> None:
    found = table(voc_set(tmp_path, a=voc_xml("a.png", ("x", 0, 3, 10, 9), ("x", 4, 3, 10, 9))), BOXES)
    assert [one["box"] for one in objects(found, 0)] == [[0, 3, 10, 9], [4, 3, 10, 9]]
    assert "coordinates from 0" in found.notes[0][1]


def test_voc_image_sets(tmp_path: Path) -> None:
    voc_set(tmp_path, **{name: voc_xml(f"{name}.png", ("x", 2, 3, 10, 9)) for name in "abcd"})
    sets = tmp_path / "ImageSets" / "Main"
    sets.mkdir(parents=True)
    (sets / "train.txt").write_text("a\nc  1\nd -1\n")
    (sets / "val.txt").write_text("b\n")
    found = table(tmp_path, BOXES)
    assert dict(zip(found.ids, found.given or (), strict=True)) == {"a.png": "train", "b.png": "val", "c.png": "train"}


def test_voc_beside_the_images_with_another_name_inside(tmp_path: Path) -> None:
    image(tmp_path / "a.png", 1, (20, 40))
    image(tmp_path / "old.png", 2, (20, 40))
    (tmp_path / "a.xml").write_text(voc_xml("renamed.png", ("x", 2, 3, 10, 9)))
    (tmp_path / "old.xml").write_text(voc_xml("old.png"))
    assert list(table(tmp_path, BOXES).ids) == ["a.png", "old.png"]


def test_what_is_recognised(tmp_path: Path) -> None:
    made = yolo_set(tmp_path / "yolo", a="")
    assert yolo.recognises(made)
    assert yolo.recognises(made / "data.yaml")
    other = voc_set(tmp_path / "voc", a=voc_xml("a.png"))
    assert voc.recognises(other)
    assert voc.recognises(other / "Annotations" / "a.xml")
    assert not voc.recognises(made)
    assert not yolo.recognises(other)
    assert not any(source.recognises(tmp_path) for source in (yolo, voc, coco))
    (tmp_path / "recipe.yaml").write_text("task: detection\ntrain: {epochs: 3}\n")
    assert not yolo.recognises(tmp_path)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.lists(st.tuples(*[st.floats(0, 0.8) for _ in range(2)], *[st.floats(0.06, 0.2) for _ in range(2)],
                           st.integers(0, 2), st.booleans()), max_size=4), min_size=1, max_size=4),
    st.sampled_from(FORMATS),
)  # fmt: skip
def test_what_is_written_is_read_within_half_a_pixel(
    tmp_path_factory: pytest.TempPathFactory,
    drawn: list[list[tuple[float, float, float, float, int, bool]]],
    form: Format,
) -> None:
    folder = tmp_path_factory.mktemp("set")
    names = ("ant", "bee & <wasp>", "树")
    images = []
    for number, boxes in enumerate(drawn):
        height, width = 50 + 13 * number, 97 - 9 * number
        made = image(folder / "from" / f"{number}.png", number, (height, width))
        rows = [
            {"box": [x * width, y * height, (x + w) * width, (y + h) * height], "label": names[kind], "iscrowd": crowd}
            for x, y, w, h, kind, crowd in boxes
        ]
        images.append(Labelled(f"{number}.png", (height, width), rows, made))
    source = write(folder / "to", form, images, names)
    again = list(of_table(table(source, BOXES, format=form)))
    assert [one.size for one in again] == [one.size for one in images]
    for one, other in zip(images, again, strict=True):
        wanted = [item for item in one.objects if form != "yolo" or not item["iscrowd"]]
        if form != "coco":
            wanted = list({_key(item, form): item for item in reversed(wanted)}.values())[::-1]
        assert [item["label"] for item in other.objects] == [item["label"] for item in wanted]
        assert [item["iscrowd"] for item in other.objects] == [item["iscrowd"] for item in wanted]
        for ours, theirs in zip(wanted, other.objects, strict=True):
            assert np.abs(np.subtract(ours["box"], theirs["box"])).max() <= (0.5 if form == "voc" else 1e-4)


def _key(item: Any, form: Format) -> Any:
    """What two boxes have in common that a reader takes for one."""
    box = np.floor(np.asarray(item["box"]) + 0.5) if form == "voc" else np.round(item["box"], 5)
    return item["label"], form == "voc" and item["iscrowd"], *box.tolist()


def test_nothing_is_written_outside(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="out of the folder"):
        write(tmp_path / "to", "yolo", [Labelled("../a.png", (4, 4), [])], ["x"])
    with pytest.raises(DataError, match="wasp"):
        write(tmp_path / "to", "coco", [Labelled("a.png", (4, 4), [{"box": [0, 0, 1, 1], "label": "wasp"}])], ["x"])


def test_parts_are_written_side_by_side(tmp_path: Path) -> None:
    for form in FORMATS:
        for part in ("train", "val"):
            made = image(tmp_path / f"{part}.png", 1, (20, 40))
            box = {"box": [2.0, 3.0, 9.0, 8.0], "label": "x"}
            write(tmp_path / form, form, [Labelled(f"{part}.png", (20, 40), [box], made)], ["x"], part)
        assert table(tmp_path / form, BOXES).given == ["train", "val"]


@pytest.mark.parametrize("form", FORMATS)
def test_a_source_is_converted_with_its_parts(tmp_path: Path, form: Format, capsys: pytest.CaptureFixture[str]) -> None:
    voc_set(tmp_path / "voc", **{name: voc_xml(f"{name}.png", ("x", 2, 3, 10, 9), ("y", 5, 5, 5, 2)) for name in "abc"})
    sets = tmp_path / "voc" / "ImageSets" / "Main"
    sets.mkdir(parents=True)
    (sets / "train.txt").write_text("a\nb\n")
    (sets / "val.txt").write_text("c\n")
    assert main(["convert", str(tmp_path / "voc"), form, str(tmp_path / "to")]) == 0
    told = capsys.readouterr()
    assert "3 images with 6 boxes" in told.out
    assert "corners swapped" in told.err
    found = table(tmp_path / "to", BOXES, format=form)
    assert found.given == ["train", "train", "val"]
    again = list(of_table(found))
    assert [item["box"] for item in again[0].objects] == [pytest.approx([1, 2, 10, 9]), pytest.approx([4, 1, 5, 5])]
    assert main(["convert", str(tmp_path / "voc"), form, str(tmp_path / "to")]) == 2
    assert "in use" in capsys.readouterr().err
