"""Judging, answering and preparing take no more memory for twenty times as many samples, but for what is said here.

Measured from outside in a process of its own, without the pages of mapped caches, which are the system's to drop.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.endtoend.appetite import TIMES
from tests.endtoend.footprint import grown
from tests.runs.test_old_runs import OLD

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks Linux for a process's own memory")

NOISE = 5.0  # MB: allocators, buffers that are filled once; of 200,000 images their 16 probabilities would take 13
FILES = 100


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs, and folders of few and of many files (names of the same few images)."""
    folder = tmp_path_factory.mktemp("much")
    for name in ("runs", "house_price"):
        shutil.copytree(OLD / "0.1" / name, folder / name)
    for size, count in (("few", FILES), ("many", TIMES * FILES)):
        _linked(sorted((OLD / "0.1" / "shapes").rglob("*.png")), folder / f"files-{size}", count)
        _boxes(folder, size, count // 10)
    return folder


def _linked(files: list[Path], folder: Path, count: int) -> None:
    folder.mkdir()
    first = [shutil.copy(file, folder / f"{place}{file.suffix}") for place, file in enumerate(files)]
    for place in range(len(files), count):
        os.link(first[place % len(first)], folder / f"{place}{first[0].suffix}")


def _boxes(folder: Path, size: str, count: int) -> None:
    content = json.loads((OLD / "0.1" / "boxes" / "annotations.json").read_text(encoding="utf-8"))
    images, objects = content["images"], content["annotations"]
    _linked([OLD / "0.1" / "boxes" / image["file_name"] for image in images], folder / f"images-{size}", count)
    made = [{**images[i % len(images)], "id": i + 1, "file_name": f"images-{size}/{i}.png"} for i in range(count)]
    known = {image["id"]: [each for each in objects if each["image_id"] == image["id"]] for image in images}
    boxes = [{**each, "image_id": i + 1} for i in range(count) for each in known[images[i % len(images)]["id"]]]
    numbered = [{**each, "id": number} for number, each in enumerate(boxes, 1)]
    text = json.dumps({**content, "images": made, "annotations": numbered})
    (folder / f"boxes-{size}.json").write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def taken(place: Path) -> dict[str, float]:
    return grown("tests.endtoend.appetite", "judge", "find", "answer", folder=place)


@pytest.mark.parametrize("what", ["judge-images", "judge-numbers", "find", "answer"])
def test_twenty_times_as_many_take_no_more(taken: dict[str, float], what: str) -> None:
    assert taken[f"{what}-many"] < taken[f"{what}-few"] + NOISE


@pytest.mark.slow
def test_a_table_takes_some_hundred_bytes_a_row_to_prepare_and_less_to_keep(place: Path) -> None:
    draw = np.random.default_rng(0)
    few = 50_000
    for size, count in (("few", few), ("many", TIMES * few)):
        area, rooms = draw.uniform(30, 200, count).round(2), draw.integers(1, 8, count)
        rows = zip(area.tolist(), rooms.tolist(), (3 * area + 20 * rooms).round(2).tolist(), strict=True)
        with (place / f"houses-{size}.csv").open("w", encoding="utf-8") as file:
            file.write("area,rooms,price\n")
            file.writelines(f"{a},{r},{p}\n" for a, r, p in rows)
    found = grown("tests.endtoend.appetite", "prepare", folder=place)
    each = {
        name: 1e6 * (found[f"{name}-many"] - found[f"{name}-few"]) / (TIMES - 1) / few for name in ("prepare", "kept")
    }
    assert each["prepare"] < 350  # measured: 230
    assert each["kept"] < 160  # measured: 80
