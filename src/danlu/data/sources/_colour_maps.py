"""Names of a mask's classes as they lie beside it: a list, or a map from names to values or colours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from danlu.data.images.codes import code_of
from danlu.data.sources._json import parsed
from danlu.data.sources._text import encoding_of
from danlu.errors import DataError
from danlu.messages import say

Classes = tuple[str, ...] | Mapping[str, Any]

VOC: Classes = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog",
    "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)  # fmt: skip
_FILES = ("classes.txt", "classes.json", "labelmap.txt", "label_colors.txt", "class_names.txt")
_VOID = ("void", "ignore", "ignored")  # of a colour map: pixels of no class


def class_file(folder: Path) -> tuple[Classes, str]:
    """(names in order, or name → value or colour; a digest) of the first such file in ``folder``; ((), "") where there is none.

    Lines are "name", "value name", "r g b name", "name r g b", or CVAT's "name:r,g,b::". Raises DataError for a line that is none.
    """
    path = next((folder / name for name in _FILES if (folder / name).is_file()), None)
    if path is None:
        return (), ""
    encoding, digest = encoding_of(path, None)
    text = path.read_text(encoding)
    if path.suffix == ".json":
        return _of_json(path, parsed(path, text)), digest
    entries: list[tuple[str, Any]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.lstrip().startswith("#"):
            entries.append(_line(path, number, line.strip()))
    values = {value is None for _, value in entries}
    if len(values) > 1:
        raise DataError.of(str(path), say("masks.classes-mixed"))
    names = [name for name, _ in entries]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError.of(str(path), say("masks.classes-twice", name=twice))
    if values == {True}:
        return tuple(names), digest
    return {name: value for name, value in entries if name.casefold() not in _VOID}, digest


def _line(path: Path, number: int, line: str) -> tuple[str, Any]:
    """(name, value or None)."""
    cvat = re.fullmatch(r"([^:]+):(\d+),(\d+),(\d+):.*", line)
    first = re.fullmatch(r"(\d+)[\s,]+(\d+)[\s,]+(\d+)[\s,:]+(.*\D.*)", line)
    last = re.fullmatch(r"(.*?\D)[\s,:]+(\d+)[\s,]+(\d+)[\s,]+(\d+)", line)
    numbered = re.fullmatch(r"(\d+)[\s,:]+(.*\D.*)", line)
    try:
        if cvat:
            return cvat[1].strip(), _colour(cvat.groups()[1:])
        if first:
            return first[4].strip(), _colour(first.groups()[:3])
        if last:
            return last[1].strip().rstrip(":,"), _colour(last.groups()[1:])
    except ValueError as error:
        raise DataError.of(say("masks.line", file=path, number=number), str(error)) from error
    return (numbered[2].strip(), int(numbered[1])) if numbered else (line, None)


def _colour(parts: tuple[str, ...]) -> list[int]:
    colour = [int(part) for part in parts]
    code_of(colour)
    return colour


def _of_json(path: Path, content: Any) -> Classes:
    if isinstance(content, list) and all(isinstance(name, str) for name in content) and content:
        if len(set(content)) < len(content):
            raise DataError.of(str(path), say("masks.classes-twice", name=_twice(content)))
        return tuple(content)
    if isinstance(content, dict) and content:
        try:
            for value in content.values():
                code_of(value)
        except ValueError as error:
            raise DataError.of(str(path), str(error)) from error
        return {str(name): value for name, value in content.items()}
    raise DataError.of(str(path), say("masks.classes-json"))


def _twice(names: list[str]) -> str:
    return next(name for name in names if names.count(name) > 1)
