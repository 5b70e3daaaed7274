"""One VOC annotation: XML → image name, size and objects, each with its line."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

import numpy as np

from danlu.data.kinds.category import is_text
from danlu.data.sources._mapping import shortened
from danlu.messages import say

_EDGES = ("xmin", "ymin", "xmax", "ymax")
_FARTHEST = 1e9
_DEEPEST = 50
_LARGEST = 1_000_000  # pixels of a side


class BadFile(Exception):  # noqa: N818 - told for its row, never shown as an exception
    """(where, why) of a file that can't be used."""


@dataclass
class _Element:
    name: str
    line: int
    text: str = ""
    children: list[_Element] = field(default_factory=list)

    def child(self, name: str) -> _Element | None:
        return next((each for each in self.children if each.name == name), None)

    def said(self, name: str) -> str:
        found = self.child(name)
        return "" if found is None else found.text.strip()


@dataclass
class _Object:
    line: int
    label: str
    edges: tuple[float, ...]
    difficult: bool


@dataclass
class Annotated:
    """name: of the file, for messages. filename: of the image, empty where it isn't said. size: (height, width), where it is."""

    name: str
    filename: str
    size: tuple[int, int] | None
    objects: list[_Object] = field(default_factory=list)
    lost: list[tuple[str, str]] = field(default_factory=list)

    @property
    def classes(self) -> set[str]:
        return {one.label for one in self.objects}

    @property
    def from_zero(self) -> bool:
        """Whether a corner is 0, which no pixel counted from 1 is."""
        return any(0 <= min(one.edges[:2]) < 1 for one in self.objects)

    def rows(
        self, index: Mapping[str, int], continuous: bool
    ) -> tuple[np.ndarray, list[tuple[str, str]], list[tuple[str, str]]]:
        """(float64 (n, 7), notes, objects left out). continuous: corners are coordinates; else pixels from 1, the last one inside."""
        rows: list[tuple[float, ...]] = []
        notes: list[tuple[str, str]] = []
        lost = list(self.lost)
        for one in self.objects:
            x1, y1, x2, y2 = one.edges
            if x1 > x2 or y1 > y2:
                x1, x2, y1, y2 = min(x1, x2), max(x1, x2), min(y1, y2), max(y1, y2)
                notes.append((f"{self.name}:{one.line}", say("boxes.swapped")))
            if not continuous:
                x1, y1 = x1 - 1, y1 - 1
            reason = ""
            if x1 >= x2 or y1 >= y2:
                reason = say("boxes.no-area")
            elif x2 <= 0 or y2 <= 0 or (self.size is not None and (x1 >= self.size[1] or y1 >= self.size[0])):
                reason = say("boxes.outside")
            row = (x1, y1, x2, y2, float(index[one.label]), float(one.difficult), math.nan)
            if not reason and any(row[:6] == other[:6] for other in rows):
                reason = say("boxes.twice")
            if reason:
                lost.append((f"{self.name}:{one.line}", say("boxes.left-out", reason=reason)))
            else:
                rows.append(row)
        return np.asarray(rows, np.float64).reshape(-1, 7), notes, lost


def annotated(content: bytes, name: str) -> Annotated:
    """Raises :class:`BadFile` for what is no annotation. name: of the file, for messages."""
    root = _parsed(content, name)
    if root.name != "annotation":
        raise BadFile(f"{name}:{root.line}", say("boxes.voc.root", found=shortened(root.name)))
    found = Annotated(name, root.said("filename"), _size(root))
    for item in root.children:
        if item.name == "object":
            made = _object(item)
            if isinstance(made, str):
                found.lost.append((f"{name}:{item.line}", say("boxes.left-out", reason=made)))
            else:
                found.objects.append(made)
    return found


def _object(item: _Element) -> _Object | str:
    """The object, or why it is none."""
    label = item.said("name")
    if not label or not is_text(label):
        return say("boxes.voc.no-name")
    box = item.child("bndbox")
    if box is None:
        return say("boxes.voc.no-box")
    edges = []
    for edge in _EDGES:
        text = box.said(edge)
        if not text:
            return say("boxes.voc.no-edge", edge=edge)
        try:
            value = float(text)
        except ValueError:
            return say("boxes.no-number", value=shortened(text))
        if not abs(value) <= _FARTHEST:  # nor NaN
            return say("boxes.no-number", value=shortened(text))
        edges.append(value)
    return _Object(item.line, label, tuple(edges), item.said("difficult") == "1")


def _size(root: _Element) -> tuple[int, int] | None:
    size = root.child("size")
    try:
        height, width = (int(float(size.said(side))) for side in ("height", "width")) if size else (0, 0)
    except (ValueError, OverflowError):
        return None
    return (height, width) if min(height, width) >= 1 and max(height, width) <= _LARGEST else None


def _parsed(content: bytes, name: str) -> _Element:
    """The elements with their lines. Entities of the file's own are refused: a few lines of them can mean billions of letters."""
    parser = expat.ParserCreate()
    top = _Element("", 0)
    stack = [top]

    def start(tag: str, attributes: Mapping[str, str]) -> None:
        if len(stack) > _DEEPEST:
            raise BadFile(f"{name}:{parser.CurrentLineNumber}", say("boxes.voc.deep"))
        element = _Element(tag, parser.CurrentLineNumber)
        stack[-1].children.append(element)
        stack.append(element)

    def end(tag: str) -> None:
        stack.pop()

    def text(data: str) -> None:
        stack[-1].text += data

    def declared(*_: object) -> None:
        raise BadFile(f"{name}:{parser.CurrentLineNumber}", say("boxes.voc.entity"))

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    parser.EntityDeclHandler = declared
    parser.buffer_text = True
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise BadFile(
            f"{name}:{error.lineno}", say("boxes.voc.broken", reason=expat.ErrorString(error.code))
        ) from error
    return top.children[0]
