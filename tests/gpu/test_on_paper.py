"""What can be known of a GPU without one: nothing of a step is left on the CPU, and no step makes the host wait for the device.

Needs no GPU. ``test_waiting.py`` measures the same on one, and what can't be done on paper, such as SGD's fused kernel.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from torch.utils import backend_registration

from danlu.recipe.names import catalogue
from tests.gpu.nets import NETS
from tests.training.textbook import CASES

PLANS = ("adamw", "adam", "accumulated and clipped", "penalty", "proximal", "sam", "ema", "swa", "warm-up", "looks")

STOPPED = {
    "text, gru": "aten::empty_strided",  # torch's own cell asks for memory of the device
    "lightgcn": ".numpy() is not supported",  # once, for the graph of all who met
    "sasrec": "aten._unique2",  # in every step: how many windows are read depends on the users, which the host must know
}


@pytest.fixture(scope="module")
def found() -> dict[str, list[str]]:
    """Check → the waits it saw, or its error. In a process of its own: torch keeps a device once it is defined."""
    if not hasattr(backend_registration, "_setup_privateuseone_for_python_backend"):
        pytest.skip("this torch lets Python define no device")
    done = subprocess.run(
        [sys.executable, "-m", "tests.gpu.paper"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told: dict[str, list[str]] = json.loads(done.stdout.splitlines()[-1])
    return told


def test_waits_and_strays_would_be_seen(found: dict[str, list[str]]) -> None:
    assert found["asking"] == ["a number is read"] * 4
    (stray,) = found["straying"]
    assert "two devices, paper:0 and cpu" in stray


@pytest.mark.parametrize("plan", PLANS)
def test_no_step_waits_for_the_device(found: dict[str, list[str]], plan: str) -> None:
    """From the first step until the block of steps is told."""
    assert found[f"steps: {plan}"] == []


def test_no_loss_waits_for_the_device(found: dict[str, list[str]]) -> None:
    seen = {name.removeprefix("term: "): waits for name, waits in found.items() if name.startswith("term: ")}
    assert seen == {name: [] for name in CASES}


def test_no_net_waits_for_the_device(found: dict[str, list[str]]) -> None:
    """Forward and backward of every own net in training mode; those that can't be done on paper are told, each with what stops it."""
    seen = {name.removeprefix("net: "): waits for name, waits in found.items() if name.startswith("net: ")}
    stopped = {name: " ".join(seen.pop(name)) for name in STOPPED}
    assert seen == {name: [] for name in [*(name for name in NETS if name not in STOPPED), "dropping"]}
    for name, reason in STOPPED.items():
        assert reason in stopped[name]


def test_no_augmentation_waits_for_the_device(found: dict[str, list[str]]) -> None:
    """What they draw on the host is sent without waiting until the device is done with the step before."""
    seen = {name.removeprefix("augmentation: "): waits for name, waits in found.items() if name.startswith("aug")}
    boxes = {"mosaic", "copy-paste"}  # they ask for sizes and boxes once a batch
    assert {name: waits for name, waits in seen.items() if name not in boxes} == {
        name: [] for name in catalogue("augmentation") if name not in boxes
    }
