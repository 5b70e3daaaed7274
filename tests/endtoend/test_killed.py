"""Training is killed (SIGKILL) at drawn moments, resumed, and ends in the bits of the run that nobody killed.

Forty kills over thirteen recipes are the long proof; ``DANLU_KILLS=SEED`` draws other moments, and ``-k kill-23`` repeats one alone.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest

from danlu.cli.main import main
from danlu.runs.folder import RunFolder
from tests.endtoend.killed_recipes import RECIPES, SMALL, workplace
from tests.endtoend.killing import RUN, Course, Moment, Training, Whole, landed
from tests.endtoend.sameness import differences

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")

SEED = os.environ.get("DANLU_KILLS", "1")
KILLS = 40
NAMES = [name for name in RECIPES if name != SMALL]  # 13: each is killed in other phases every time its turn comes
PHASES: list[tuple[str, ...]] = [
    ("steps",),
    ("checkpoint",),
    ("evaluation",),
    ("filling",),
    ("steps",),
    ("any",),
    ("steps", "start"),
    ("test",),
    ("predictions",),
    ("best", "steps", "checkpoint"),
    ("begun",),
    ("checking",),
]  # 12; of several, each kills the resuming of the one before
TRIES = 4  # where the training ends before its moment comes, another is drawn


Killed = tuple[list[Training], list[str]]


def drawn(phases: Sequence[str], seed: str, turn: int) -> list[Moment]:
    random = Random(f"{seed}/{turn}")
    return [Moment(phase, random.random(), random.random()) for phase in phases]


def kill_all(place: Path, course: Course, moments: Sequence[Moment]) -> Killed | None:
    """Kill one training after the other in ``place``; they, and where each was hit. None where one ended before its moment came."""
    trainings, found = [], []
    for moment in moments:
        training = Training(place)
        if not training.kill(moment, course):
            assert training.process.returncode == 0, f"{moment}: {training.said()}"
            return None
        trainings.append(training)
        found.append(f"{moment}: {landed(training)}")
        assert not RunFolder(place / RUN).in_use(), f"{found}: still locked"
    return trainings, found


def killed_at(
    moments: Callable[[int], Sequence[Moment]], place: Path, name: str, sources: dict[str, str], course: Course
) -> Killed:
    """:func:`kill_all` with the recipe ``name``; again, at the moments of the next try, where the training was faster."""
    for turn in range(TRIES):
        killed = kill_all(workplace(place, name, sources), course, moments(turn))
        if killed is not None:
            return killed
    pytest.fail(f"{name}: it ended before {moments(TRIES - 1)}, and in {TRIES - 1} tries before that")


@pytest.mark.slow
@pytest.mark.parametrize("index", range(KILLS), ids=lambda index: f"kill-{index}")
def test_a_killed_run_ends_in_the_same_bits(
    index: int,
    uninterrupted: Callable[[str], Whole],
    sources: dict[str, str],
    place: Path,
    record_property: Callable[[str, Any], None],
) -> None:
    name, phases = NAMES[index % len(NAMES)], PHASES[index % len(PHASES)]
    if name == "digits-without-validation":
        phases = tuple("checkpoint" if phase == "best" else phase for phase in phases)
    reference = uninterrupted(name)
    moments = partial(drawn, phases, f"{SEED}/{index}")
    trainings, found = killed_at(moments, place, name, sources, reference.course)
    record_property("landed", f"{name}: {'; '.join(found)}")
    last = Training(place)
    assert last.finish() == 0, f"seed {SEED}, {name}, {found}: {last.said()}"
    assert [training.left() for training in trainings] == [[]] * len(trainings), f"{found}: processes live on"
    assert not differences(reference.place, place), f"seed {SEED}, {name}, {found}"
    shutil.rmtree(place)


def test_killed_twice_it_ends_in_the_same_bits(
    sources: dict[str, str], place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the steps of an epoch, and again while it writes a checkpoint. This process trains the whole run, and ends the other."""
    reference = workplace(tmp_path / "whole", SMALL, sources)
    monkeypatch.chdir(reference)
    began = time.monotonic()
    assert main(["train", "recipe.yaml"]) == 0
    course = Course.of(reference, 0.0, time.monotonic() - began)
    moments = [Moment("steps", 0.6, 0.5), Moment("checkpoint", 0.0, 0.5)]
    _, found = killed_at(lambda turn: moments, place, SMALL, sources, course)
    monkeypatch.chdir(place)
    assert main(["resume", str(RUN)]) == 0
    assert not differences(reference, place), found
