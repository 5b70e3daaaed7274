"""Runs that nobody disturbs, made once for all tests that disturb them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.endtoend.drawn import coco_of_shapes, folder_of_shapes
from tests.endtoend.killed_recipes import workplace
from tests.endtoend.killing import RUN, Course, Training, Whole


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Where the data of the recipes lie."""
    folder = tmp_path_factory.mktemp("sources")
    coco_of_shapes(folder / "coco")
    return {"shapes": str(folder_of_shapes(folder / "shapes")), "coco": str(folder / "coco" / "annotations.json")}


@pytest.fixture(scope="session")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory, sources: dict[str, str]) -> Callable[[str], Whole]:
    """Recipe → its run in a process of its own, made once."""
    made: dict[str, Whole] = {}

    def run(name: str) -> Whole:
        if name not in made:
            place = workplace(tmp_path_factory.mktemp("whole") / name, name, sources)
            training = Training(place)
            while training.process.poll() is None and not (place / RUN).exists():
                time.sleep(0.002)
            begun = time.monotonic() - training.began
            assert training.finish() == 0, training.said()
            made[name] = Whole(place, Course.of(place, begun, time.monotonic() - training.began))
        return made[name]

    return run


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where a training that is disturbed keeps its run and its cache."""
    return tmp_path / "disturbed"
