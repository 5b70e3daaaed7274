"""The loop: exact accumulation, exact resume, followers, stopping, guarding, and equality with a plain hand-written loop."""

from __future__ import annotations

import math
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from danlu.data.batches.batch import Batch
from danlu.errors import RunError, TrainingError
from danlu.nn.terms.cross_entropy import CrossEntropy
from danlu.nn.terms.mse import MSE
from danlu.randomness import Position
from danlu.training import checkpoint
from danlu.training.events import Evaluated, FitDone, StepsDone
from danlu.training.loop import fit
from danlu.training.objective import Objective
from danlu.training.optimisers.sgd import SGD
from danlu.training.plan import CheckpointPolicy, Judged, Plan
from danlu.training.randomness import reseed
from danlu.training.schedules.constant import Constant
from tests.training.feeds import ArrayFeed, Recorder, blobs, cross_entropy, small_net


def weights(net: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in net.state_dict().items()}


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def plain(**changes: Any) -> Plan:
    base = Plan(epochs=2, optimizer=SGD, lr=0.05, decay=0.0, schedule=Constant(), seed=4)
    return replace(base, **changes)


def test_equals_a_plain_hand_written_loop() -> None:
    x, y = blobs()
    feed = ArrayFeed(x, y, 16)
    ours, theirs = small_net(), small_net()
    recorder = Recorder()
    fit(ours, cross_entropy(), feed, plain(), watchers=[recorder])
    optimizer = torch.optim.SGD(theirs.parameters(), lr=0.05, momentum=0.9, nesterov=True, fused=True)
    step, losses = 0, []
    for epoch in range(2):
        for batch in feed.epoch(epoch):
            reseed(Position(4, epoch, step))
            loss = nn.functional.cross_entropy(theirs(batch["x"]), batch["label"])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
            step += 1
    assert recorder.curve("train/loss") == pytest.approx(losses, rel=1e-5)
    for name, value in theirs.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[name], value, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("accumulate", [2, 3, 7])
def test_accumulation_is_the_full_batch_to_1e12(accumulate: int) -> None:
    """Class weights, ignored labels and a short last window: the same weights as with batches that large."""
    x, y = blobs(50)
    y = torch.where(torch.arange(50) % 5 == 0, torch.tensor(-1), y)
    x = x.double()

    def train(batch_size: int, windows: int) -> dict[str, torch.Tensor]:
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(8, 6), nn.Tanh(), nn.Linear(6, 3)).double()
        objective = cross_entropy(class_weights=(0.2, 1.0, 3.0), label_smoothing=0.1).double()
        fit(net, objective, ArrayFeed(x, y, batch_size), plain(accumulate=windows, epochs=3))
        return weights(net)

    whole, pieces = train(4 * accumulate, 1), train(4, accumulate)
    for name in whole:
        torch.testing.assert_close(whole[name], pieces[name], rtol=1e-12, atol=1e-12)


def everything(folder: Path | None, **changes: Any) -> Plan:
    policy = CheckpointPolicy(folder, every_steps=3, every_minutes=None, every_epochs=1, keep=100)
    return Plan(
        epochs=3, accumulate=2, lr=0.02, decay=0.01, clip_norm=0.5, l1=1e-4, ema=0.9, seed=9, warmup=2,
        monitor=("val/loss", -1), checkpoint=policy, **changes,
    )  # fmt: skip


def judge_of(feed: ArrayFeed) -> Any:
    def judged(net: nn.Module) -> Judged:
        net.eval()
        with torch.no_grad():
            loss = nn.functional.cross_entropy(net(feed.inputs), feed.targets)
        return Judged({"val/loss": float(loss)})

    return judged


@pytest.mark.parametrize("stop_after", [1, 3, 4, 6, 8, 9, 11])
def test_killed_anywhere_it_resumes_bit_for_bit(tmp_path: Path, stop_after: int) -> None:
    """EMA, L1, clipping, accumulation, dropout, batch norm, warm-up, one-cycle: weights and every metric are the same bits."""
    x, y = blobs(90)
    feed = ArrayFeed(x, y, 12)
    through = Recorder()
    whole = fit(
        small_net(), cross_entropy(), feed, everything(tmp_path / "a"), judge=judge_of(feed), watchers=[through]
    )

    class KilledError(Exception):
        pass

    class Killer(Recorder):
        def on(self, event: Any) -> None:
            super().on(event)
            if isinstance(event, StepsDone) and event.step >= stop_after:
                raise KilledError

    killer, plan = Killer(), everything(tmp_path / "b", log_seconds=1e-9)
    with pytest.raises(KilledError):
        fit(small_net(), cross_entropy(), feed, plan, judge=judge_of(feed), watchers=[killer])
    after = Recorder()
    other = small_net(seed=5 if checkpoint.listed(tmp_path / "b") else 1)  # before the first checkpoint it starts again
    resumed = fit(other, cross_entropy(), feed, plan, judge=judge_of(feed), watchers=[after], resume=True)
    assert same(weights(whole.net), weights(resumed.net))
    assert whole.best == resumed.best
    both = {step: loss for r in (killer, after) for b in r.of(StepsDone)
            for step, loss in zip(b.steps, b.values["train/loss"], strict=True)}  # fmt: skip
    assert [both[step] for step in sorted(both)] == through.curve("train/loss")
    assert [e.values for e in through.of(Evaluated)][-1] == [e.values for e in after.of(Evaluated)][-1]


def test_resuming_a_finished_run_changes_nothing(tmp_path: Path) -> None:
    x, y = blobs(40)
    feed, plan = ArrayFeed(x, y, 10), everything(tmp_path)
    first = fit(small_net(), cross_entropy(), feed, plan, judge=judge_of(feed))
    again = Recorder()
    second = fit(small_net(seed=8), cross_entropy(), feed, plan, judge=judge_of(feed), watchers=[again], resume=True)
    assert same(weights(first.net), weights(second.net))
    assert not again.of(StepsDone)
    assert second.best == first.best


def test_a_checkpoint_of_another_net_is_refused(tmp_path: Path) -> None:
    x, y = blobs(40)
    feed, plan = ArrayFeed(x, y, 10), plain(checkpoint=CheckpointPolicy(tmp_path))
    fit(small_net(), cross_entropy(), feed, plan)
    with pytest.raises(RunError, match="another net"):
        fit(nn.Linear(8, 3), cross_entropy(), feed, plan, resume=True)


def test_ctrl_c_finishes_the_step_and_saves(tmp_path: Path) -> None:
    x, y = blobs(90)
    feed = ArrayFeed(x, y, 12)
    whole = fit(small_net(), cross_entropy(), feed, everything(tmp_path / "a"), judge=judge_of(feed))

    class Presser(Recorder):
        def on(self, event: Any) -> None:
            super().on(event)
            if isinstance(event, StepsDone) and event.step == 5:
                os.kill(os.getpid(), signal.SIGINT)

    plan = everything(tmp_path / "b", log_seconds=1e-9)
    stopped = fit(small_net(), cross_entropy(), feed, plan, judge=judge_of(feed), watchers=[Presser()])
    assert stopped.reason == "interrupted"
    assert stopped.steps in (5, 6)
    resumed = fit(small_net(seed=3), cross_entropy(), feed, plan, judge=judge_of(feed), resume=True)
    assert same(weights(whole.net), weights(resumed.net))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ema_is_the_recursion() -> None:
    x, y = blobs(30)
    seen: list[torch.Tensor] = []
    net = nn.Linear(8, 3)
    net.register_forward_pre_hook(lambda m, _: seen.append(m.weight.detach().clone()))
    fitted = fit(net, cross_entropy(), ArrayFeed(x, y, 10), plain(ema=0.5, epochs=2))
    seen.append(net.weight.detach().clone())
    mean = seen[0]
    for step, value in enumerate(seen[1:]):
        decay = min(0.5, (1 + step) / (10 + step))
        mean = decay * mean + (1 - decay) * value
    torch.testing.assert_close(fitted.net.weight, mean, rtol=1e-5, atol=1e-6)


def test_l1_is_the_subgradient_once_per_effective_batch() -> None:
    x, y = torch.zeros(8, 4), torch.zeros(8)
    net = nn.Linear(4, 1, bias=False)
    before = net.weight.detach().clone()
    feed = RegressionFeed(x, y, 2)
    plan = plain(l1=0.3, lr=0.1, epochs=1, accumulate=4, optimizer=lambda g, **o: torch.optim.SGD(g, lr=o["lr"]))
    recorder = Recorder()
    fit(Squeezed(net), Objective({"mse": MSE(target="y")}), feed, plan, watchers=[recorder])
    torch.testing.assert_close(net.weight.detach(), before - 0.1 * 0.3 * before.sign())
    assert recorder.curve("train/l1") == pytest.approx([0.3 * float(before.abs().sum())])


def test_clipping_bounds_the_update() -> None:
    x, y = blobs(64)
    net = small_net(dropout=0.0)
    before = weights(net)
    plan = plain(clip_norm=0.01, lr=1.0, epochs=1, optimizer=lambda g, **o: torch.optim.SGD(g, lr=o["lr"]))
    recorder = Recorder()
    fit(net, cross_entropy(), ArrayFeed(x, y, 64), plan, watchers=[recorder])
    moved = math.sqrt(sum(float((p.detach() - before[n]).square().sum()) for n, p in net.named_parameters()))
    assert moved == pytest.approx(0.01, rel=1e-3)
    assert recorder.curve("grad_norm")[0] > 0.1


def test_no_decay_on_norms_and_biases() -> None:
    x, y = torch.zeros(8, 8), torch.full((8,), -1)
    net = small_net(dropout=0.0)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.fill_(1.0)
    fit(net, cross_entropy(), ArrayFeed(x, y, 8), plain(decay=0.5, lr=0.1, epochs=1))
    assert all(float(p.detach().min()) < 1.0 for p in net.parameters() if p.dim() > 1)
    assert all(torch.equal(p, torch.ones_like(p)) for p in net.parameters() if p.dim() == 1)


def test_all_labels_ignored_is_zero_not_nan() -> None:
    x, y = torch.randn(8, 8), torch.full((8,), -1)
    recorder = Recorder()
    fit(small_net(), cross_entropy(), ArrayFeed(x, y, 4), plain(epochs=1), watchers=[recorder])
    assert recorder.curve("train/loss") == [0.0, 0.0]


def test_early_stop_and_best() -> None:
    values = iter([3.0, 2.0, 2.5, float("nan"), 2.4, 1.0])
    x, y = blobs(20)
    plan = plain(epochs=6, monitor=("val/loss", -1), early_stop=("val/loss", -1, 3, 0.0))
    recorder = Recorder()
    fitted = fit(small_net(), cross_entropy(), ArrayFeed(x, y, 10), plan,
                 judge=lambda net: Judged({"val/loss": next(values)}), watchers=[recorder])  # fmt: skip
    assert (fitted.reason, fitted.best_epoch, fitted.best) == ("early-stop", 1, {"val/loss": 2.0})
    assert [event.best for event in recorder.of(Evaluated)] == [True, True, False, False, False]
    assert recorder.of(FitDone)[0].reason == "early-stop"


def test_a_metric_that_is_not_there_is_named() -> None:
    x, y = blobs(20)
    with pytest.raises(TrainingError, match=r"val/accurcy.*val/accuracy"):
        fit(small_net(), cross_entropy(), ArrayFeed(x, y, 10), plain(monitor=("val/accurcy", 1)),
            judge=lambda net: Judged({"val/accuracy": 1.0}))  # fmt: skip


def test_nan_stops_before_the_weights_are_spoilt() -> None:
    x, y = blobs(40)
    x[17] = float("nan")
    net = small_net()
    with pytest.raises(TrainingError, match="17"):
        fit(net, cross_entropy(), ArrayFeed(x, y, 10), plain())
    assert all(bool(torch.isfinite(p).all()) for p in net.parameters())


def test_the_epochs_loss_is_exact_over_uneven_batches() -> None:
    x, y = blobs(25)
    recorder = Recorder()
    net = nn.Linear(8, 3)
    with torch.no_grad():
        expected = float(nn.functional.cross_entropy(net(x), y))
    fit(net, cross_entropy(), ArrayFeed(x, y, 10), plain(lr=1e-12, epochs=1), watchers=[recorder])
    from danlu.training.events import EpochDone

    assert recorder.of(EpochDone)[0].values["train/loss"] == pytest.approx(expected, rel=1e-6)


def test_what_lies_between_blocks_is_no_time_of_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock that judging and saving set forward, and nothing else."""
    x, y = blobs(60)
    now = 0.0
    monkeypatch.setattr("time.perf_counter", lambda: now)

    def judge(net: nn.Module) -> Judged:
        nonlocal now
        now += 100.0
        return Judged({"val/loss": 1.0})

    recorder = Recorder()
    fit(small_net(), cross_entropy(), ArrayFeed(x, y, 10), plain(epochs=3), judge=judge, watchers=[recorder])
    assert now == 300.0
    assert [event.seconds for event in recorder.of(StepsDone)] == [0.0] * 3
    assert recorder.of(FitDone)[0].seconds == 300.0


def test_watchers_change_no_bit() -> None:
    x, y = blobs(60)
    alone, watched = small_net(), small_net()

    class Curious(Recorder):
        wants_snapshots = True

        def on(self, event: Any) -> None:
            super().on(event)
            torch.rand(3)

    fit(alone, cross_entropy(), ArrayFeed(x, y, 10), plain())
    fit(watched, cross_entropy(), ArrayFeed(x, y, 10), plain(log_seconds=1e-9), watchers=[Curious()])
    assert same(weights(alone), weights(watched))


class Squeezed(nn.Module):
    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x).squeeze(1)


class RegressionFeed(ArrayFeed):
    def epoch(self, epoch: int, start: int = 0) -> Any:
        for batch in super().epoch(epoch, start):
            yield Batch({"x": batch["x"], "y": batch["label"]}, ("x",), batch.rows, batch.keys)


def test_cross_entropy_term_is_used() -> None:
    assert isinstance(cross_entropy().terms["cross-entropy"], CrossEntropy)


def test_what_the_last_save_left_is_cleared_when_a_finished_run_is_taken_up(tmp_path: Path) -> None:
    """Killed between its last checkpoint and the clearing after it: nothing is saved any more that would do it."""
    x, y = blobs(90)
    plan = everything(tmp_path)
    first = fit(small_net(), cross_entropy(), ArrayFeed(x, y, 12), plan)
    found = sorted(path.name for path in tmp_path.iterdir())
    assert len(found) > 3
    (tmp_path / f".{found[0]}.nowhere-1.old").mkdir()
    plan = replace(plan, checkpoint=replace(plan.checkpoint, keep=3))
    again = fit(small_net(), cross_entropy(), ArrayFeed(x, y, 12), plan, resume=True)
    assert again.steps == first.steps
    assert sorted(path.name for path in tmp_path.iterdir()) == found[-3:]
