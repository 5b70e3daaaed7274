"""Finished runs that lessons play on, trained once; nobody may change them."""

from __future__ import annotations

import math
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import danlu
from danlu.learn.builtin import Builtin
from danlu.learn.builtin import builtin as trained_builtin
from tests.learn import played

OLD = Path(__file__).parents[1] / "fixtures" / "runs" / "0.1"


@pytest.fixture(autouse=True)
def _no_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lessons do all that they would on a fast machine: a busy one must not fail a test."""
    for name in ("own.FORWARD", "rate.BUDGET", "slope.BUDGET"):
        monkeypatch.setattr(f"danlu.learn.{name}", math.inf)


@pytest.fixture(scope="session")
def builtin() -> Builtin:
    return trained_builtin()


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data, in which the process stands while runs are trained."""
    folder = tmp_path_factory.mktemp("lessons")
    played.images(folder)
    return folder


def train(place: Path, recipe: dict[str, object]) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)  # outside of this checkout, whose state is told where it differs
        return danlu.train(recipe, screen=False).path


@pytest.fixture(scope="session")
def convolutions(place: Path) -> Path:
    """A residual net with batch norm."""
    return train(
        place, played.recipe(place, {"name": "resnet", "args": {"width": 4, "blocks": [1, 1]}}, "convolutions")
    )


@pytest.fixture(scope="session")
def layers(place: Path) -> Path:
    """Two hidden layers with ReLU, class weights and smoothing in the loss, gradients clipped."""
    model = {"name": "mlp", "activation": "relu", "norm": "none", "args": {"widths": [12, 8]}}
    asked = played.recipe(place, model, "layers", loss={"name": "cross-entropy", "label_smoothing": 0.1}, clip_norm=1.0)
    asked["data"]["balance"] = "class-weights"
    return train(place, asked)


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Runs of the first version, "houses" (regression), "boxes" (detection), "shapes"; the process stands beside their data."""
    folder = tmp_path / "old"
    shutil.copytree(OLD, folder)
    monkeypatch.chdir(folder)
    before = set(sys.modules)
    yield folder / "runs"
    for name in set(sys.modules) - before:
        if name.partition(".")[0] == "house_price":
            del sys.modules[name]
