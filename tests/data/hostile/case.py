"""Files that are made to crash, hang, fill or fool who reads them, and a few that merely look so: each with what must become of it.

To add one: a function that writes into a folder and gives ``data`` of a recipe, registered with what is said of it.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

Maker = Callable[[Path], dict[str, Any]]


@dataclass(frozen=True)
class Case:
    """says: part of the one line that refuses everything, or None where the rest is used.

    listed: {part of a row's name: part of the reason} for rows that are set aside, and how many these are. noted: part of a note.
    used: rows that are left, where it matters. task: of the recipe. secret: what must never be shown.
    """

    make: Maker
    says: str | None = None
    listed: Mapping[str, str] | None = None
    noted: str = ""
    used: int | None = None
    task: str = "image-classification"
    secret: str = "root:"


CASES: dict[str, Case] = {}
LARGE: dict[str, Case] = {}  # those that take seconds to write


def case(name: str, where: dict[str, Case] = CASES, /, **expected: Any) -> Callable[[Maker], Maker]:
    def add(make: Maker) -> Maker:
        assert name not in where
        where[name] = Case(make, **expected)
        return make

    return add


@cache
def picture(number: int) -> bytes:
    """A small PNG of its own content."""
    buffer = io.BytesIO()
    pixels = np.random.default_rng(number).integers(0, 256, (8, 10, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def pictures(folder: Path, count: int = 12) -> list[str]:
    """0.png … in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (folder / f"{number}.png").write_bytes(picture(number))
    return [f"{number}.png" for number in range(count)]


def classes(root: Path) -> Path:
    """Two class folders of twelve images."""
    for place, name in enumerate(("cat", "dog")):
        (root / name).mkdir(parents=True)
        for number in range(12):
            (root / name / f"{number}.png").write_bytes(picture(20 * place + number))
    return root


def among_images(name: str, content: bytes) -> Callable[[Path], dict[str, Any]]:
    def make(root: Path) -> dict[str, Any]:
        (classes(root) / "cat" / name).write_bytes(content)
        return {"source": str(root), "max_bad": 0.5}

    return make


def rows(root: Path, count: int = 12) -> list[tuple[str, str]]:
    return [(name, "ab"[number % 2]) for number, name in enumerate(pictures(root, count))]


def csv(root: Path, text: str | bytes, **more: Any) -> dict[str, Any]:
    (root / "rows.csv").write_bytes(text.encode() if isinstance(text, str) else text)
    return {"source": str(root / "rows.csv"), "max_bad": 0.5, **more}


def lines(root: Path, *more: str, count: int = 12, separator: str = "\n") -> str:
    """A good CSV of ``count`` rows, and more lines."""
    body = [f"{name},{label}" for name, label in rows(root, count)]
    return separator.join(["image,label", *body, *more, ""])


def jsonl(root: Path, *more: Any, count: int = 12, name: str = "rows.jsonl") -> dict[str, Any]:
    objects = [json.dumps({"image": image, "label": label}) for image, label in rows(root, count)]
    texts = [each if isinstance(each, str) else json.dumps(each) for each in more]
    (root / name).write_text("\n".join([*objects, *texts]), "utf-8", "surrogatepass")
    return {"source": str(root / name), "max_bad": 0.5}
