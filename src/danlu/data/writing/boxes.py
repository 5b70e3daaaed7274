"""Boxes written as COCO's JSON, YOLO's texts or VOC's XML; what is read back is the same to half a pixel."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal
from xml.etree import ElementTree

import numpy as np

from danlu.data.sources.yolo import label_of
from danlu.data.table import Table
from danlu.errors import DataError
from danlu.messages import say

Format = Literal["coco", "yolo", "voc"]
FORMATS: tuple[Format, ...] = ("coco", "yolo", "voc")


@dataclass(frozen=True)
class Labelled:
    """An image with its boxes.

    name: relative, with forward slashes. size: (height, width). objects: dicts {box: [x1, y1, x2, y2] in continuous pixels from 0,
    label, and where they are known iscrowd, area, score}. file: copied beside the annotations where given.
    """

    name: str
    size: tuple[int, int]
    objects: Sequence[Mapping[str, Any]]
    file: Path | None = None


def write(folder: Path, form: Format, images: Iterable[Labelled], classes: Sequence[str], part: str = "train") -> Path:
    """Writes the annotations of a part into ``folder`` and returns the file (VOC: the folder) that ``data.source`` may name.

    COCO: ``instances_PART.json``, images in ``PART/``; scores stand beside the boxes. YOLO: ``data.yaml``, ``labels/PART``,
    ``images/PART``; it knows no crowds, which are left out; a score is a sixth number. VOC: ``Annotations``, ``JPEGImages`` and
    ``ImageSets/Main/PART.txt``; pixels counted from 1, the last one inside, rounded; crowds are ``difficult``. Raises DataError
    where a name leads out of the folder or a label is none of ``classes``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    writer = {"coco": _coco, "yolo": _yolo, "voc": _voc}[form]
    return writer(folder, _checked(images, classes), tuple(classes), part)


def of_table(table: Table, image: str = "image", boxes: str = "boxes") -> Iterator[Labelled]:
    """The rows of a source, in pixels of the image files as they would be shown upright. Images that can't be opened are left out."""
    from PIL import Image, ImageOps

    for name, file, raw in zip(table.ids, table.columns[image], table.columns[boxes], strict=True):
        try:
            with Image.open(file) as opened:
                width, height = (
                    ImageOps.exif_transpose(opened).size if opened.getexif().get(274, 1) > 4 else opened.size
                )
        except OSError:
            continue
        objects = [dict(item) for item in (raw["objects"] if isinstance(raw, Mapping) else raw)]
        if isinstance(raw, Mapping) and raw.get("relative"):
            across, down = width, height
        elif isinstance(raw, Mapping) and raw.get("size"):
            across, down = width / raw["size"][1], height / raw["size"][0]
        else:
            across, down = 1, 1
        for item in objects:
            x1, y1, x2, y2 = item["box"]
            item["box"] = [x1 * across, y1 * down, x2 * across, y2 * down]
            if "area" in item:
                item["area"] *= across * down
        yield Labelled(name, (height, width), objects, Path(file))


def of_answers(answers: Iterable[Mapping[str, Any]], sizes: Mapping[str, tuple[int, int]]) -> Iterator[Labelled]:
    """What a detector answered ({"input": name, "boxes": [{label, score, box}]}); sizes: name → (height, width)."""
    for answer in answers:
        name = str(answer["input"])
        yield Labelled(PurePosixPath(Path(name).as_posix()).name, sizes[name], answer["boxes"], Path(name))


def _checked(images: Iterable[Labelled], classes: Sequence[str]) -> Iterator[Labelled]:
    for image in images:
        place = PurePosixPath(image.name)
        if place.is_absolute() or ".." in place.parts or not place.name:
            raise DataError.of(image.name, say("boxes.write.name"))
        for item in image.objects:
            if item["label"] not in classes:
                raise DataError.of(image.name, say("data.category.unseen", value=str(item["label"])[:60]))
        yield image


def _copied(image: Labelled, folder: Path) -> None:
    target = folder / image.name
    target.parent.mkdir(parents=True, exist_ok=True)
    if image.file is not None and not (target.exists() and target.samefile(image.file)):
        shutil.copyfile(image.file, target)


def _coco(folder: Path, images: Iterable[Labelled], classes: tuple[str, ...], part: str) -> Path:
    listed: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, image in enumerate(images, 1):
        _copied(image, folder / part)
        listed.append({"id": number, "file_name": image.name, "height": image.size[0], "width": image.size[1]})
        for item in image.objects:
            x1, y1, x2, y2 = map(float, item["box"])
            made = {
                "id": len(annotations) + 1,
                "image_id": number,
                "category_id": classes.index(item["label"]) + 1,
                "bbox": [x1, y1, x2 - x1, y2 - y1],
                "area": float(item.get("area", (x2 - x1) * (y2 - y1))),
                "iscrowd": int(bool(item.get("iscrowd"))),
            }
            annotations.append(made | ({"score": float(item["score"])} if "score" in item else {}))
    categories = [{"id": place, "name": name} for place, name in enumerate(classes, 1)]
    path = folder / f"instances_{part}.json"
    content = {"images": listed, "annotations": annotations, "categories": categories}
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return path


def _yolo(folder: Path, images: Iterable[Labelled], classes: tuple[str, ...], part: str) -> Path:
    for image in images:
        _copied(image, folder / "images" / part)
        height, width = image.size
        lines = []
        for item in image.objects:
            if item.get("iscrowd"):
                continue
            x1, y1, x2, y2 = map(float, item["box"])
            values = [(x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height]
            values += [float(item["score"])] if "score" in item else []
            lines.append(" ".join([str(classes.index(item["label"])), *(f"{value:.8f}" for value in values)]))
        text = label_of(folder / "images" / part / image.name)
        text.parent.mkdir(parents=True, exist_ok=True)
        text.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    path = folder / "data.yaml"
    parts = [name for name in ("train", "val", "test") if (folder / "images" / name).is_dir() or name == part]
    named = [f"{name}: images/{name}\n" for name in parts]
    names = [f"  {place}: {json.dumps(name, ensure_ascii=False)}\n" for place, name in enumerate(classes)]
    path.write_text("".join(["path: .\n", *named, "names:\n", *names]), encoding="utf-8")
    return path


def _voc(folder: Path, images: Iterable[Labelled], classes: tuple[str, ...], part: str) -> Path:
    stems = []
    for image in images:
        _copied(image, folder / "JPEGImages")
        root = ElementTree.Element("annotation")
        ElementTree.SubElement(root, "filename").text = image.name
        size = ElementTree.SubElement(root, "size")
        for name, value in (("width", image.size[1]), ("height", image.size[0]), ("depth", 3)):
            ElementTree.SubElement(size, name).text = str(value)
        for item in image.objects:
            made = ElementTree.SubElement(root, "object")
            ElementTree.SubElement(made, "name").text = str(item["label"])
            ElementTree.SubElement(made, "difficult").text = str(int(bool(item.get("iscrowd"))))
            if "score" in item:
                ElementTree.SubElement(made, "score").text = f"{float(item['score']):.6f}"
            box = ElementTree.SubElement(made, "bndbox")
            for name, edge in zip(("xmin", "ymin", "xmax", "ymax"), _inclusive(item["box"]), strict=True):
                ElementTree.SubElement(box, name).text = str(edge)
        path = (folder / "Annotations" / image.name).with_suffix(".xml")
        path.parent.mkdir(parents=True, exist_ok=True)
        ElementTree.indent(root)
        ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
        stems.append(path.stem)
    sets = folder / "ImageSets" / "Main"
    sets.mkdir(parents=True, exist_ok=True)
    (sets / f"{part}.txt").write_text("".join(stem + "\n" for stem in stems), encoding="utf-8")
    return folder


def _inclusive(box: Sequence[float]) -> list[int]:
    """Continuous corners → pixels counted from 1, the last one inside; at least one pixel is left."""
    x1, y1, x2, y2 = (int(edge) for edge in np.floor(np.asarray(box, np.float64) + 0.5))
    return [x1 + 1, y1 + 1, max(x2, x1 + 1), max(y2, y1 + 1)]
