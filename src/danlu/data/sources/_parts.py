"""The names that people give to train, val and test."""

from __future__ import annotations

import re

from danlu.data.table import Part

_NAMES: dict[str, Part] = {
    **dict.fromkeys(("train", "training", "trainset"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev", "eval"), "val"),
    **dict.fromkeys(("test", "testing", "testset", "t10k"), "test"),
}


def part_of(name: str) -> Part | None:
    """ "Validation" → "val"; None for what is no such name."""
    return _NAMES.get(name.strip().casefold())


def part_in(text: str) -> Part | None:
    """The part that a longer name holds as a word ("instances_train2017", "x_test"); None where it holds none or two."""
    words = re.split(r"[\W_\d]+", text.casefold().replace("t10k", "test"))
    found = {part for word in words if (part := _NAMES.get(word)) is not None}
    return found.pop() if len(found) == 1 else None
