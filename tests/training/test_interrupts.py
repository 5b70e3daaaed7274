"""Ctrl-C and SIGTERM: the step in hand is finished and saved; a second one stops at once; either way resuming gives the same bits."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from danlu.training import checkpoint
from danlu.training.events import Said
from danlu.training.interrupts import Interrupts
from danlu.training.loop import Fitted, fit
from danlu.training.plan import CheckpointPolicy, Judged, Plan
from tests.training.feeds import ArrayFeed, Recorder, blobs, cross_entropy, small_net

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs signals that a process can send itself")

SIGNALS = [signal.SIGINT, signal.SIGTERM]
FEED = ArrayFeed(*blobs(90), 12)  # 8 micro-batches an epoch: steps of 3, 3 and 2


class Pulled(nn.Module):
    """A net that does something in the ``at``-th forward pass of training or of evaluation."""

    def __init__(self, net: nn.Module, pull: Callable[[], None], at: int, training: bool = True) -> None:
        super().__init__()
        self.net, self.pull, self.at, self.when, self.passed = net, pull, at, training, 0

    def forward(self, x: Tensor) -> Tensor:
        if self.training == self.when:
            self.passed += 1
            if self.passed == self.at:
                self.pull()
        found: Tensor = self.net(x)
        return found


def send(number: int, times: int = 1) -> Callable[[], None]:
    def pull() -> None:
        for _ in range(times):
            os.kill(os.getpid(), number)

    return pull


def nothing() -> None:
    """Pulls nothing."""


def accuracy(net: nn.Module) -> Judged:
    net.eval()
    with torch.inference_mode():
        right = torch.cat([net(batch["x"]).argmax(1) == batch["label"] for batch in FEED.epoch(0)])
    net.train()
    return Judged({"val/accuracy": float(right.float().mean())})


def train(
    folder: Path, pull: Callable[[], None] = nothing, *args: Any, **options: Any
) -> tuple[nn.Module, Fitted, Recorder]:
    plan = Plan(
        epochs=3, accumulate=3, lr=0.05, monitor=("val/accuracy", 1), early_stop=("val/accuracy", 1, 5, 0.0),
        checkpoint=CheckpointPolicy(folder / "checkpoints", every_steps=2, every_minutes=None, keep=100),
        best_folder=folder / "best",
    )  # fmt: skip
    recorder = Recorder()
    net = Pulled(small_net(), pull, *(args or (0,)))
    return net, fit(net, cross_entropy(), FEED, plan, judge=accuracy, watchers=[recorder], **options), recorder


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    train(folder)
    return folder


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    """SIGTERM would end the test run; what the loop finds it must leave."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    yield
    found = signal.getsignal(signal.SIGTERM)
    for number, handler in before.items():
        signal.signal(number, handler)
    assert found is signal.default_int_handler


def same_end(one: Path, other: Path) -> None:
    for folder in ("best", "checkpoints/000009"):
        first, second = (checkpoint.load(base / folder) for base in (one, other))
        assert first.values == second.values
        for group, tensors in first.tensors.items():
            assert tensors.keys() == second.tensors[group].keys()
            assert all(torch.equal(value, second.tensors[group][name]) for name, value in tensors.items())


@pytest.mark.parametrize(("at", "number"), [(1, SIGNALS[0]), (5, SIGNALS[1]), (8, SIGNALS[0]), (16, SIGNALS[1])])
def test_the_step_in_hand_is_finished_and_saved(number: signal.Signals, at: int, tmp_path: Path, whole: Path) -> None:
    """at: the micro-batch in which the signal comes: the first of all, in mid-step, an epoch's last ones."""
    _, stopped, recorder = train(tmp_path, send(number), at)
    steps = [0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 4, 4, 5, 5, 5, 6, 6][at]
    assert (stopped.reason, stopped.steps) == ("interrupted", steps)
    assert checkpoint.listed(tmp_path / "checkpoints")[-1].name == f"{steps:06d}"
    assert [event.level for event in recorder.of(Said) if str(steps) in event.text] == ["warning"]
    _, resumed, _ = train(tmp_path, resume=True)
    assert resumed.reason == "finished"
    same_end(whole, tmp_path)


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_an_evaluation_is_finished_and_saved(number: signal.Signals, tmp_path: Path, whole: Path) -> None:
    _, stopped, _ = train(tmp_path, send(number), 8 + 3, False)  # in the second of them
    assert (stopped.reason, stopped.steps) == ("interrupted", 6)
    net, resumed, _ = train(tmp_path, nothing, 0, False, resume=True)
    assert (resumed.reason, net.passed) == ("finished", 8), "the third evaluation, and no other again"
    same_end(whole, tmp_path)


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_a_second_one_stops_at_once(number: signal.Signals, tmp_path: Path, whole: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, send(number, times=2), 10)  # in step 4, counted from 1
    assert [path.name for path in checkpoint.listed(tmp_path / "checkpoints")] == ["000002", "000003"]
    train(tmp_path, resume=True)
    same_end(whole, tmp_path)


def test_ctrl_c_that_is_ignored_stays_ignored(tmp_path: Path, whole: Path) -> None:
    """As in a job that a shell started in the background."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _, fitted, _ = train(tmp_path, send(signal.SIGINT, times=3), 4)
    assert fitted.reason == "finished"
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    same_end(whole, tmp_path)


def test_another_thread_has_no_signals_to_catch() -> None:
    found = []

    def enter() -> None:
        with Interrupts() as interrupts:
            found.append((interrupts.asked, signal.getsignal(signal.SIGTERM)))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert found == [(False, signal.default_int_handler)]
