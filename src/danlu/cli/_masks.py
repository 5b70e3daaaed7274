"""Masks of answers as PNG files, under the names of the pictures that were asked about."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from danlu.errors import DataError
from danlu.messages import say


class Masks:
    """Writes into ``folder``, which must be new or empty: a mask has the name of its picture, and must not take its place.

    given: the files and folders that are asked about; below a folder of masks stand the same folders as below a given one.
    """

    def __init__(self, folder: str | Path, given: Sequence[str]) -> None:
        self.folder, self.count = Path(folder), 0
        self._given = [Path(each) for each in given]
        self._taken: set[Path] = set()
        if self.folder.exists() and (not self.folder.is_dir() or any(self.folder.iterdir())):
            raise DataError.of(str(folder), say("boxes.convert.used"), say("boxes.convert.used.remedy"))

    def write(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        """The answer, in which the path of its mask stands for the mask. One without a mask is as it was."""
        mask = answer.get("mask")
        if not isinstance(mask, str):
            return dict(answer)
        name = self._name(Path(str(answer.get("input", "mask"))))
        number, path = 1, name.with_suffix(".png")
        while path in self._taken:  # a.jpg and a.png, or two folders with the same names
            number += 1
            path = name.with_name(f"{name.stem}-{number}.png")
        self._taken.add(path)
        self.count += 1
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(base64.b64decode(mask))
        return {**answer, "mask": str(target)}

    def _name(self, picture: Path) -> Path:
        above = next((each for each in self._given if each != picture and picture.is_relative_to(each)), None)
        return Path(picture.name) if above is None else picture.relative_to(above)
