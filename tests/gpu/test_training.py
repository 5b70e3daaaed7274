"""Training on the device: the CPU's course over twenty steps, and the same bits after a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

import danlu
from danlu.runs import resume
from danlu.training import checkpoint
from tests.endtoend.drawn import coco_of_shapes
from tests.endtoend.pairs import Ground, Keeper, Story, same_bits
from tests.endtoend.techniques import BY_NAME, STEPS, STOP
from tests.gpu.conftest import Note

pytestmark = pytest.mark.gpu

COURSES = {  # none of them draws numbers inside the net: those of a GPU are others than the CPU's
    "plain": (),
    "adamw, ema, one-cycle": ("adamw", "ema", "one-cycle"),
    "accumulated, clipped, penalty": ("accumulate", "clip", "l1"),
    "sam, swa": ("sam", "swa"),
    "muon, warm-up": ("muon", "warm-up"),
    "focal, class weights": ("focal", "class-weights"),
    "flip, crop, mixup": ("flip", "crop", "mixup"),
    "rotate, jitter, cutmix": ("rotate", "color-jitter", "cutmix"),
    "gradual, layer norm": ("gradual", "layer-norm"),
    "channels-last, proximal": ("channels-last", "proximal"),
}
FIRST, COURSE = 1e-4, 5e-3  # relative: of the first loss, and of any within twenty steps


def asked(ground: Ground, device: torch.device, folder: Path, name: str, *chosen: str, **train: Any) -> dict[str, Any]:
    given = ground.recipe(*(BY_NAME[each] for each in chosen))
    given["train"] |= {"device": str(device), **train}
    return {**given, "evaluate": {"baselines": False, "report": False}, "run": {"folder": str(folder), "name": name}}


def off(one: list[float], other: list[float]) -> list[float]:
    assert len(one) == len(other)
    return [abs(a - b) / abs(b) for a, b in zip(one, other, strict=True)]


@pytest.mark.parametrize("name", COURSES)
def test_the_course_is_the_cpus(
    accelerator: torch.device, ground: Ground, tmp_path: Path, note: Note, name: str
) -> None:
    """Twenty steps of a recipe; rounding grows from step to step."""
    one, other = (asked(ground, accelerator, tmp_path, place, *COURSES[name]) for place in ("there", "here"))
    other["train"]["device"] = "cpu"
    if accelerator.type == "cpu":  # nothing would differ: other kernels stand in for another device
        other["train"]["channels_last"] = not one["train"]["channels_last"]
    there, here = (Story.of(danlu.train(given, screen=False)) for given in (one, other))
    assert len(there.curves["train/loss"]) == STEPS
    found = off(there.curves["train/loss"], here.curves["train/loss"])
    note("first loss off", found[0])
    note("most", max(found))
    assert found[0] <= FIRST
    assert max(found) <= COURSE
    judged = [
        {key: told["values"]["val/loss"] for key, told in story.judged.items() if key[1] == "val"}
        for story in (there, here)
    ]
    assert judged[0] == pytest.approx(judged[1], rel=COURSE)


def test_the_course_of_a_detector(accelerator: torch.device, tmp_path: Path, note: Note) -> None:
    """Assignment of boxes, three terms and decoding, on the device."""
    coco_of_shapes(tmp_path / "coco")
    curves = []
    for device, name in ((accelerator, "there"), (torch.device("cpu"), "here")):
        given = {
            "task": "detection",
            "data": {"source": str(tmp_path / "coco" / "annotations.json"), "format": "coco", "augment": ["flip"]},
            "train": {
                "max_steps": 6,
                "epochs": 6,
                "batch_size": 8,
                "precision": "fp32",
                "device": str(device),
                "threads": 1,
            },
            "evaluate": {"baselines": False, "report": False},
            "run": {"folder": str(tmp_path / "runs"), "name": name},
        }
        curves.append(Story.of(danlu.train(given, screen=False)).curves)
    assert {name for name in curves[0] if "loss" in name} == {name for name in curves[1] if "loss" in name}
    found = off(curves[0]["train/loss"], curves[1]["train/loss"])
    note("most", max(found))
    assert found[0] <= FIRST
    assert max(found) <= COURSE


RESUMED = {
    "dropout, adamw, ema, accumulated": ("dropout", "adamw", "ema", "accumulate"),
    "drop-path, swa, nesterov": ("drop-path", "swa", "nesterov"),
    "bf16, channels-last": ("bf16", "channels-last", "clip"),
    "muon, flip, crop, mixup": ("muon", "flip", "crop", "mixup"),
    "sam, workers": ("sam", "workers"),
    "fp16, rmsprop": ("fp16", "rmsprop"),
}


@pytest.mark.parametrize("name", RESUMED)
def test_it_resumes_to_the_same_bits(accelerator: torch.device, ground: Ground, tmp_path: Path, name: str) -> None:
    """From the eleventh step of twenty; every number told, every tensor of the last checkpoint and of the best weights."""
    if "fp16" in RESUMED[name] and accelerator.type == "cpu":
        pytest.skip("fp16 is for GPUs: needs a CUDA device")
    given = asked(ground, accelerator, tmp_path, "whole", *RESUMED[name])
    whole = Story.of(danlu.train(given, screen=Keeper(STOP, tmp_path / "cut")))
    resumed = Story.of(resume(tmp_path / "cut", screen=False))
    assert {event["attempt"] for event in resumed.events} == {1, 2}
    same_bits(whole, resumed)


COMMAND = """
import sys, torch
torch.use_deterministic_algorithms(True, warn_only=True)
from danlu.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def test_a_killed_process_resumes_to_the_same_bits(accelerator: torch.device, ground: Ground, tmp_path: Path) -> None:
    """SIGKILL once there is a checkpoint, wherever that is."""
    cut = 4
    every = {"checkpoint": {"every_steps": cut, "every_minutes": None, "every_epochs": None, "keep": 50}}
    chosen = ("dropout", "adamw", "flip", "ema")
    for name in ("whole", "killed"):
        given = asked(ground, accelerator, tmp_path / "runs", name, *chosen, **every)
        (tmp_path / f"{name}.yaml").write_text(json.dumps(given))

    def begin(*words: str) -> subprocess.Popen[bytes]:
        with (tmp_path / "said.txt").open("ab") as said:
            return subprocess.Popen([sys.executable, "-c", COMMAND, *words], stdout=said, stderr=said, cwd=tmp_path)

    assert begin("train", "whole.yaml").wait(240) == 0, (tmp_path / "said.txt").read_text()
    process, first = begin("train", "killed.yaml"), tmp_path / "runs" / "killed" / "checkpoints" / f"{cut:06d}"
    while process.poll() is None and not first.exists():
        time.sleep(0.001)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert begin("resume", "runs/killed").wait(240) == 0, (tmp_path / "said.txt").read_text()
    whole, killed = (Story.of(danlu.Run(tmp_path / "runs" / name)) for name in ("whole", "killed"))
    assert {event["attempt"] for event in killed.events} == {1, 2}
    same_bits(whole, killed)


def test_accumulation_is_the_full_batch(accelerator: torch.device, ground: Ground, tmp_path: Path) -> None:
    """Micro-batches of 4 × 2 and batches of 8, without batch norm: the same weights after twenty steps."""
    found = []
    for name, train in (("whole", {"batch_size": 8}), ("pieces", {"batch_size": 4, "accumulate": 2})):
        given = asked(ground, accelerator, tmp_path, name, "group-norm", **train)
        story = Story.of(danlu.train(given, screen=False))
        found.append(checkpoint.load(story.last).tensors["net"])
    whole, pieces = found
    for name, value in whole.items():
        torch.testing.assert_close(pieces[name], value, rtol=1e-3, atol=1e-5)
