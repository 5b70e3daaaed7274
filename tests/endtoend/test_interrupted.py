"""Ctrl-C and SIGTERM to all processes of a training, once and twice, anywhere; resumed, it ends in the same bits."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import danlu
from danlu.cli._faults import INTERRUPTED
from tests.endtoend.killed_recipes import workplace
from tests.endtoend.killing import RUN, Moment, Training, Whole
from tests.endtoend.sameness import differences

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="needs signals")]

Uninterrupted = Callable[[str], Whole]


@pytest.mark.parametrize(("number", "name", "moment"), [
    (signal.SIGINT, "stream-mixup-bf16", Moment("steps", 0.3, 0.5)),
    (signal.SIGTERM, "detection-stream", Moment("steps", 0.5, 0.2)),
    (signal.SIGTERM, "digits-max-steps", Moment("checkpoint", 0.5, 0.5)),
    (signal.SIGINT, "detection", Moment("evaluation", 0.3, 0.5)),
])  # fmt: skip
def test_asked_to_stop_it_saves_and_says_how_to_go_on(
    number: signal.Signals,
    name: str,
    moment: Moment,
    uninterrupted: Uninterrupted,
    sources: dict[str, str],
    place: Path,
) -> None:
    whole = uninterrupted(name)
    training = Training(workplace(place, name, sources))
    training.await_(moment, whole.course)
    training.signal(number)
    assert training.finish() == INTERRUPTED, training.said()
    assert f"danlu resume {RUN}" in training.said().splitlines()[-1]
    assert "Traceback" not in training.said()
    assert danlu.Run(place / RUN).status == "interrupted"
    assert training.left() == []
    last = Training(place)
    assert last.finish() == 0, last.said()
    assert not differences(whole.place, place, stopped=True)


@pytest.mark.parametrize(("number", "name", "moment"), [
    (signal.SIGINT, "stream-mixup-bf16", Moment("steps", 0.3, 0.5)),
    (signal.SIGTERM, "stream-sampler-jitter", Moment("steps", 0.5, 0.2)),
    (signal.SIGINT, "mixup-ema-accumulate", Moment("checkpoint", 0.5, 0.3)),
])  # fmt: skip
def test_asked_again_it_stops_as_it_is(
    number: signal.Signals,
    name: str,
    moment: Moment,
    uninterrupted: Uninterrupted,
    sources: dict[str, str],
    place: Path,
) -> None:
    """Whether the first was already heeded or not: it ends, without a traceback, and can be resumed."""
    whole = uninterrupted(name)
    training = Training(workplace(place, name, sources))
    training.await_(moment, whole.course)
    training.signal(number)
    time.sleep(0.01)
    training.signal(number)
    assert training.finish() == INTERRUPTED, training.said()
    assert "danlu resume" in training.said().splitlines()[-1]
    assert "Traceback" not in training.said()
    assert training.left() == []
    last = Training(place)
    assert last.finish() == 0, last.said()
    assert not differences(whole.place, place, stopped=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
@pytest.mark.parametrize("phase", ["filling", "test"])
def test_outside_the_loop_it_stops_at_once(
    number: signal.Signals, phase: str, uninterrupted: Uninterrupted, sources: dict[str, str], place: Path
) -> None:
    """Before the run has begun nothing is left of it; while its test is judged, only that is left to do."""
    name = "detection"
    whole = uninterrupted(name)
    training = Training(workplace(place, name, sources))
    training.await_(Moment(phase, 0.0, 0.2), whole.course)
    training.signal(number)
    assert training.finish() == INTERRUPTED, training.said()
    assert "danlu resume" in training.said().splitlines()[-1]
    assert "Traceback" not in training.said()
    assert phase == "test" or not list(place.glob("runs/*"))
    assert not list(place.rglob("*.filling-*")) + list(place.rglob("*.part"))
    last = Training(place)
    assert last.finish() == 0, last.said()
    assert not differences(whole.place, place, stopped=True)
