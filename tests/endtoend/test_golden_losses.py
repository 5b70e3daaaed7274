"""Every shipped recipe begins as it did when tests/golden was made: to the last bit on the same machine and versions, else nearly.

How near was measured between one and two threads and between sets of instructions (tools/golden.py, which also makes them anew).
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from danlu.recipe.names import tasks
from tests.endtoend import golden

NAMES = [pytest.param(name, marks=pytest.mark.slow if recipe.slow else ()) for name, recipe in golden.SHIPPED.items()]


@pytest.mark.parametrize("name", NAMES)
def test_it_begins_as_it_did(name: str, tmp_path: Path) -> None:
    kept, now = golden.kept(name), golden.made(name, tmp_path)
    if kept["made"] == golden.machine():
        assert now == {key: kept[key] for key in now}, f"if that is meant: python tools/golden.py {name}"
        return
    assert now["data"] == kept["data"]
    assert now["validation"].keys() == kept["validation"].keys()
    apart = golden.apart(now, kept)
    too_far = {
        step: value for step, (value, most) in enumerate(zip(apart, kept["tolerance"], strict=True), 1) if value > most
    }
    assert not too_far, (
        f"steps (the last is the validation) → relative difference; if meant: python tools/golden.py {name}"
    )


def test_every_shipped_recipe_has_its_losses() -> None:
    shipped = {recipe.recipe for recipe in golden.SHIPPED.values()}
    assert {path.name for path in golden.EXAMPLES.glob("*.yaml")} | tasks().keys() <= shipped
    assert {path.stem for path in golden.GOLDEN.iterdir()} == golden.SHIPPED.keys()


@pytest.mark.parametrize("name", golden.SHIPPED)
def test_the_first_steps_are_held_tightly(name: str) -> None:
    """Else a wrong loss could pass for another machine's arithmetic."""
    kept = golden.kept(name)
    assert kept["tolerance"][0] <= 1e-5
    assert kept["tolerance"][2] <= 1e-3
    judged = any("loss" in name for name in kept["validation"])  # people never seen carry none
    held = kept["tolerance"] if judged else kept["tolerance"][:-1]
    assert all(later >= earlier for earlier, later in pairwise(held))
