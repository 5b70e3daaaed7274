"""Broken annotations of boxes: each gives one clear line that says where and what, in English and in Chinese."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from danlu.errors import DataError
from danlu.messages import set_language
from tests.data.made import BOXES, image, table
from tests.data.test_sources_boxes import voc_set, voc_xml, yolo_set
from tests.data.test_sources_coco import annotation, instances

GOOD = (2, 3, 10, 5)
Make = Callable[[Path], Path]


def coco(**change: Any) -> Make:
    return lambda folder: _coco(folder, json.dumps({**instances(), **change}))


def _coco(folder: Path, text: str) -> Path:
    for number in range(1, 5):
        image(folder / f"{number}.png", number, (20, 30))
    (folder / "a.json").write_text(text)
    return folder / "a.json"


def coco_box(*bbox: Any, **more: Any) -> Make:
    rows = [annotation(1, 10, 3, *GOOD), {**annotation(7, 10, 3, *bbox), **more}]
    return coco(annotations=rows)


def yolo(text: str) -> Make:
    return lambda folder: yolo_set(folder, a="0 .3 .3 .2 .2\n" + text)


def yolo_yaml(text: str) -> Make:
    def make(folder: Path) -> Path:
        yolo_set(folder, a="0 .3 .3 .2 .2\n")
        (folder / "data.yaml").write_text(text)
        return folder / "data.yaml"

    return make


def yolo_lost(folder: Path) -> Path:
    yolo_set(folder, a="0 .3 .3 .2 .2\n")
    (folder / "labels" / "b.txt").write_text("0 .3 .3 .2 .2\n")
    return folder


def voc(*box: Any) -> Make:
    return lambda folder: voc_set(folder, a=voc_xml("a.png", ("x", 2, 3, 10, 9), box))


def voc_text(change: Callable[[str], str]) -> Make:
    good = voc_xml("a.png", ("x", 2, 3, 10, 9))
    return lambda folder: voc_set(folder, a=good, b=change(voc_xml("b.png", ("x", 2, 3, 10, 9))))


def voc_twice(folder: Path) -> Path:
    voc_set(folder, a=voc_xml("a.png", ("x", 2, 3, 10, 9)), b=voc_xml("a.png"))
    return folder


def voc_flat(folder: Path) -> Path:
    """Corners from 0, so that a box from 7 to 7 is flat."""
    return voc_set(folder, a=voc_xml("a.png", ("x", 0, 3, 10, 9), ("x", 7, 4, 7, 9)))


BROKEN: list[tuple[str, Make, str, str, str]] = [
    # name, source, where it stands, English, Chinese
    ("coco: no area", coco_box(5, 5, 0, 5), "a.json, annotation 7 (1.png)", "no area", "面积为零"),
    ("coco: inside out", coco_box(5, 5, -3, 5), "a.json, annotation 7 (1.png)", "inside out", "颠倒"),
    ("coco: outside", coco_box(40, 5, 3, 5), "a.json, annotation 7 (1.png)", "outside", "图像之外"),
    ("coco: three numbers", coco_box(5, 5, 3), "a.json, annotation 7 (1.png)", "not four numbers", "不是四个数字"),
    ("coco: no number", coco_box(5, 5, "3", 5), "a.json, annotation 7 (1.png)", "not four numbers", "不是四个数字"),
    ("coco: infinite", coco_box(5, 5, float("inf"), 5), "annotation 7", "not four numbers", "不是四个数字"),
    ("coco: category", coco_box(*GOOD, category_id=5), "annotation 7 (1.png)", "no category 5", "没有类别 5"),
    ("coco: image", coco_box(*GOOD, image_id=11), "annotation 7", "no image 11", "没有图像 11"),
    ("coco: id twice", coco_box(*GOOD, id=1), "a.json, id 1", "2 annotations have this id", "2 条标注使用同一个 id"),
    ("coco: image id twice", coco(images=[{"id": 1, "file_name": "1.png"}] * 2), "a.json", "same id", "id 相同"),
    ("coco: broken JSON", lambda folder: _coco(folder, '{"images": [\n{"id": 1,}\n]}'), "a.json:2", "JSON", "JSON"),
    ("coco: no file_name", coco(images=[{"id": 1}]), "images[0]", "no 'file_name'", "没有“file_name”"),
    ("yolo: no number", yolo("0 .5 x .2 .2"), "labels/a.txt:2", "'x' is no number", "“x”不是数字"),
    ("yolo: not a number", yolo("0 .5 nan .2 .2"), "labels/a.txt:2", "'nan' is no number", "“nan”不是数字"),
    ("yolo: four numbers", yolo("0 .5 .2 .2"), "labels/a.txt:2", "five numbers", "五个数"),
    ("yolo: class", yolo("2 .5 .5 .2 .2"), "labels/a.txt:2", "no class 2; they go from 0 to 1", "没有类别 2"),
    ("yolo: pixels", yolo("0 20 10 8 4"), "labels/a.txt:2", "these are pixels", "像素"),
    ("yolo: no area", yolo("0 .5 .5 0 .2"), "labels/a.txt:2", "no area", "面积为零"),
    ("yolo: negative", yolo("0 .5 .5 -.1 .2"), "labels/a.txt:2", "negative", "为负"),
    ("yolo: outside", yolo("0 1.5 .5 .2 .2"), "labels/a.txt:2", "outside", "图像之外"),
    ("yolo: twice", yolo("0 .3 .3 .2 .2"), "labels/a.txt:2", "same box", "同一边界框"),
    ("yolo: no image", yolo_lost, "labels/b.txt", "no image of that name", "没有同名的图像"),
    ("yolo: gap", yolo_yaml("train: images\nnames: {0: a, 2: b}\n"), "data.yaml, names", "without a gap", "连续"),
    ("yolo: count", yolo_yaml("train: images\nnames: [a]\nnc: 2\n"), "data.yaml, nc", "nc says 2", "声明有 2 个"),
    ("yolo: missing", yolo_yaml("train: pictures\nnames: [a]\n"), "data.yaml, train", "no ", "不存在"),
    ("yolo: broken YAML", yolo_yaml("train: images\nnames: [a\n"), "data.yaml:", "", ""),
    ("voc: no area", voc_flat, "Annotations/a.xml:4", "no area", "面积为零"),
    ("voc: outside", voc("x", 50, 4, 60, 9), "Annotations/a.xml:4", "outside", "图像之外"),
    ("voc: swapped", voc("x", 9, 4, 3, 9), "Annotations/a.xml:4", "corners swapped", "两个角颠倒"),
    ("voc: no number", voc("x", "a", 4, 3, 9), "Annotations/a.xml:4", "'a' is no number", "“a”不是数字"),
    ("voc: no name", voc("", 4, 4, 9, 9), "Annotations/a.xml:4", "no name", "没有名称"),
    ("voc: twice", voc("x", 2, 3, 10, 9), "Annotations/a.xml:4", "same box", "同一边界框"),
    ("voc: no edge", voc_text(lambda text: text.replace("<ymax>9</ymax>", "")), "b.xml:3", "no ymax", "缺少 ymax"),
    ("voc: no box", voc_text(lambda text: text.replace("bndbox", "box")), "b.xml:3", "no bndbox", "没有 bndbox"),
    ("voc: broken", voc_text(lambda text: text[:-4]), "Annotations/b.xml:4", "broken XML", "XML 已损坏"),
    ("voc: other XML", voc_text(lambda text: text.replace("annotation>", "html>")), "b.xml:1", "is wanted, not", "应为 <annotation>"),
    ("voc: entities", voc_text(lambda text: '<!DOCTYPE x [<!ENTITY a "aa">]>' + text), "b.xml:1", "entities", "实体"),
    ("voc: image twice", voc_twice, "", "Two files describe", "有两个文件描述"),
]  # fmt: skip


@pytest.fixture
def chinese() -> Iterator[None]:
    set_language("zh")
    yield
    set_language("en")


def lines(source: Path, form: str) -> list[tuple[str, str]]:
    """What is told: of the rows, else why nothing can be read."""
    try:
        found = table(source, BOXES, format=form)
    except DataError as error:
        (problem,) = error.problems
        return [(problem.where, problem.what)]
    assert sum(len(raw["objects"]) for raw in found.columns["boxes"]) >= 1
    return [
        row
        for row in (*found.notes, *found.problems)
        if "coordinates from 0" not in row[1] and "从 0 起的坐标" not in row[1]
    ]


@pytest.mark.parametrize(("name", "make", "where", "english", "words"), BROKEN, ids=[row[0] for row in BROKEN])
def test_one_line_says_where_and_what(
    tmp_path: Path, name: str, make: Make, where: str, english: str, words: str
) -> None:
    ((said, what),) = lines(make(tmp_path), name.partition(":")[0])
    assert where in said
    assert english in what
    assert "\n" not in what


@pytest.mark.usefixtures("chinese")
@pytest.mark.parametrize(("name", "make", "where", "english", "words"), BROKEN, ids=[row[0] for row in BROKEN])
def test_in_chinese(tmp_path: Path, name: str, make: Make, where: str, english: str, words: str) -> None:
    ((_, what),) = lines(make(tmp_path), name.partition(":")[0])
    assert words in what
    if words:
        assert english not in what or english == words or english == "JSON"


def test_a_missing_image_is_set_aside_with_its_row(tmp_path: Path) -> None:
    from danlu import recipe as recipes
    from danlu.data.prepare import prepare
    from danlu.recipe.names import spec_of

    for number in range(9):
        image(tmp_path / "JPEGImages" / f"{number}.png", number, (20, 40))
    (tmp_path / "Annotations").mkdir()
    for number in range(10):
        text = voc_xml(f"{number}.png", ("x", 2, 3, 10, 9))
        (tmp_path / "Annotations" / f"{number}.xml").write_text(text)
    wanted = {"source": str(tmp_path), "split": {"val": 0, "test": 0}, "max_bad": 0.5}
    data = prepare(recipes.complete(recipes.from_dict({"task": "detection", "data": wanted})), spec_of("detection"))
    assert [(row["row"], row["column"]) for row in data.card["bad"]] == [("9.png", "image")]
    assert len(data) == 9


@pytest.mark.parametrize(
    ("said", "crowd"),
    [(0, False), (1, True), (0.0, False), (1.0, True), (None, False), (True, True), ("0", False), ("1", True), ("False", False)],
)  # fmt: skip
def test_a_crowd_is_what_the_file_means_by_it(tmp_path: Path, said: Any, crowd: bool) -> None:
    found = table(coco_box(8, 8, 6, 6, iscrowd=said)(tmp_path), BOXES, format="coco")
    assert [one["iscrowd"] for one in found.columns["boxes"][0]["objects"]] == [False, crowd]


def every(change: Callable[[dict[str, Any]], None]) -> Make:
    """Ten annotations of three images, all of them changed."""

    def make(folder: Path) -> Path:
        rows = [annotation(n, 10 * (1 + n % 3), 3 + 4 * (n % 2), 12, 2, 15, 15) for n in range(10)]
        for row in rows:
            change(row)
        return _coco(folder, json.dumps({**instances(), "annotations": rows}))

    return make


@pytest.mark.parametrize("pointer", ["image_id", "category_id"])
@pytest.mark.parametrize("spell", [str, float])
def test_ids_are_the_same_as_text_and_as_float(tmp_path: Path, pointer: str, spell: type) -> None:
    plain = table(every(lambda row: None)(tmp_path / "a"), BOXES, format="coco")
    other = table(every(lambda row: row.update({pointer: spell(row[pointer])}))(tmp_path / "b"), BOXES, format="coco")
    assert list(other.columns["boxes"]) == list(plain.columns["boxes"])
    assert [text for _, text in other.notes if "10 annotations name ids" in text] == [
        text for _, text in other.notes if spell is str and not text.startswith("images found")
    ]


def test_two_ids_that_differ_only_in_their_type_stay_two(tmp_path: Path) -> None:
    def make(row: dict[str, Any]) -> None:
        row["category_id"] = "4"

    names = [{"id": 3, "name": "cat"}, {"id": 7, "name": "dog"}, {"id": "7", "name": "other"}]
    path = every(make)(tmp_path)
    content = json.loads(path.read_text())
    content["annotations"][0]["category_id"] = "7"
    path.write_text(json.dumps({**content, "categories": names}))
    found = table(path, BOXES, format="coco")
    assert [one["label"] for row in found.columns["boxes"] for one in row["objects"]] == ["other"]
    assert 'no category "4"' in found.lost[0][1]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda row: row.update(bbox=[edge / 30 for edge in row["bbox"]]), ("shares of the image", None)),
        (lambda row: row.update(bbox=[12, 2, 27, 17]), ("look like corners", None)),
        (lambda row: None, (None, None)),
    ],
)
def test_numbers_of_another_kind_are_doubted(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], words: tuple[str | None, None]
) -> None:
    found = table(every(change)(tmp_path), BOXES, format="coco")
    told = [text for where, text in found.notes if where == "a.json"]
    assert len(told) == (words[0] is not None)
    assert words[0] is None or words[0] in told[0]


def detected(source: Path, task: str = "detection", **data: Any) -> Any:
    from danlu import recipe as recipes
    from danlu.data.prepare import prepare
    from danlu.recipe.names import spec_of

    wanted = {"source": str(source), "split": {"val": 0, "test": 0}, **data}
    return prepare(recipes.complete(recipes.from_dict({"task": task, "data": wanted})), spec_of(task))


def voc_boxless(folder: Path) -> Path:
    more = 4 * "<object><name>x</name></object>" + "</annotation>"
    return voc_text(lambda text: text.replace("bndbox", "box").replace("</annotation>", more))(folder)


MOSTLY: list[tuple[str, Make, str]] = [
    ("coco", every(lambda row: row.update(category_id=row["id"] + 8)), "10 of 10 objects were left out"),
    ("yolo", yolo("".join(f"0 {20 + n} 10 8 4\n" for n in range(9))), "9 of 10 objects were left out"),
    ("voc", voc_boxless, "5 of 6 objects were left out"),
]  # fmt: skip


@pytest.mark.parametrize(("form", "make", "words"), MOSTLY, ids=[row[0] for row in MOSTLY])
def test_where_most_objects_are_left_out_nothing_is_taught(tmp_path: Path, form: str, make: Make, words: str) -> None:
    source = make(tmp_path)
    with pytest.raises(DataError) as caught:
        detected(source, format=form)
    assert words in caught.value.problems[0].what
    assert "taught as background" in caught.value.problems[0].remedy
    assert "left out" in caught.value.problems[1].what
    if form != "coco":  # where none is left there is nothing to go on with
        data = detected(source, format=form, max_bad=0.95)
        assert any(words in warning for warning in data.card["warnings"])


def test_images_without_any_object_teach_nothing(tmp_path: Path) -> None:
    source = coco(annotations=[])(tmp_path)
    with pytest.raises(DataError, match="No image has an object"):
        detected(source, max_bad=0.9)


def test_outlines_of_unknown_classes_are_refused_as_boxes_are(tmp_path: Path) -> None:
    source = every(lambda row: row.update(category_id=99, segmentation=[[1, 1, 9, 1, 9, 9]]))(tmp_path)
    with pytest.raises(DataError, match="10 of 10 objects were left out"):
        detected(source, "segmentation")
