"""A step that is NaN or infinite changes nothing: neither weights nor the optimiser's memory, averages, buffers or means."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from danlu.data.batches.batch import Batch
from danlu.errors import TrainingError
from danlu.nn.terms.mse import MSE
from danlu.randomness import Position
from danlu.training import checkpoint
from danlu.training.events import EpochDone, FitDone, NonFinite, Said, Snapshot, StepsDone
from danlu.training.loop import fit
from danlu.training.objective import Objective
from danlu.training.optimisers.adamw import AdamW
from danlu.training.optimisers.rmsprop import RMSprop
from danlu.training.optimisers.sgd import SGD
from danlu.training.plan import CheckpointPolicy, Plan
from danlu.training.precision import Precision
from danlu.training.randomness import reseed
from danlu.training.schedules.constant import Constant
from danlu.training.slots import guard
from danlu.training.slots.followers import Ema
from danlu.training.slots.gradients import GradientChain
from danlu.training.slots.guard import Guard
from danlu.training.slots.running import Running
from tests.training.feeds import ArrayFeed, Recorder, blobs, cross_entropy, small_net

BAD = 17


def spoilt(rows: Sequence[int] = (BAD,), count: int = 60) -> ArrayFeed:
    x, y = blobs(count)
    x[list(rows)] = math.nan
    return ArrayFeed(x, y, 6)


def plan(**changes: Any) -> Plan:
    base = Plan(epochs=3, accumulate=2, optimizer=SGD, lr=0.05, decay=0.01, schedule=Constant(), seed=4, ema=0.9)
    return replace(base, non_finite="skip", **changes)


def state(net: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in net.state_dict().items()}


def same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def by_hand(net: nn.Module, feed: ArrayFeed, epochs: int, steps: int = 10**9) -> tuple[nn.Module, list[int]]:
    """Momentum, batch norm, dropout, averaged weights, two micro-batches a step; steps with bad rows are not taken at all."""
    objective = cross_entropy()
    mean = copy.deepcopy(net).eval()
    groups = [{"params": [p for p in net.parameters() if p.ndim > 1], "weight_decay": 0.01},
              {"params": [p for p in net.parameters() if p.ndim == 1], "weight_decay": 0.0}]  # fmt: skip
    optimizer = torch.optim.SGD(groups, lr=0.05, momentum=0.9, nesterov=True, fused=True)
    step, left_out = 0, []
    for epoch in range(epochs):
        batches = feed.epoch(epoch)
        while window := list(islice(batches, 2)):
            if step >= steps:
                return mean, left_out
            if any(bool(torch.isnan(batch["x"]).any()) for batch in window):
                left_out.append(step)
            else:
                counts = sum(objective.counts(batch) for batch in window)
                for micro, batch in enumerate(window):
                    reseed(Position(4, epoch, step, micro))
                    objective(net(batch["x"]), batch, counts)[0].backward()
                optimizer.step()
                decay = min(0.9, (1 + step) / (10 + step))
                for name, value in mean.state_dict().items():
                    now = net.state_dict()[name]
                    value.lerp_(now, 1 - decay) if value.is_floating_point() else value.copy_(now)
            optimizer.zero_grad()
            step += 1
    return mean, left_out


def test_skipping_is_a_hand_written_loop_without_these_steps() -> None:
    ours, theirs, recorder = small_net(), small_net(), Recorder()
    fitted = fit(ours, cross_entropy(), spoilt(), plan(), watchers=[recorder])
    mean, left_out = by_hand(theirs, spoilt(), 3)
    assert len(left_out) == 3
    assert same(state(ours), state(theirs))
    assert same(state(fitted.net), state(mean))
    assert fitted.skipped == recorder.of(FitDone)[0].skipped == 3
    assert [event.step for event in recorder.of(NonFinite)] == left_out
    assert [step for step, loss in enumerate(recorder.curve("train/loss")) if math.isnan(loss)] == left_out
    assert all(math.isfinite(event.values["train/loss"]) for event in recorder.of(EpochDone))
    warnings = [event.text for event in recorder.of(Said) if event.level == "warning"]
    assert len(warnings) == 3
    assert all(f"rows: {BAD}." in text for text in warnings)


@pytest.mark.parametrize("deferred", [False, True])
def test_stopping_leaves_everything_as_before_the_step(monkeypatch: pytest.MonkeyPatch, deferred: bool) -> None:
    if deferred:
        monkeypatch.setattr(guard, "defers", lambda *_: True)
    net, theirs, recorder = small_net(), small_net(), Recorder()
    with pytest.raises(TrainingError, match=rf"after step 2, epoch 1.*rows: {BAD}\."):
        fit(net, cross_entropy(), spoilt(), replace(plan(), non_finite="stop"), watchers=[recorder])
    _, left_out = by_hand(theirs, spoilt(), 3, steps=2)
    assert not left_out
    assert same(state(net), state(theirs))
    assert all(p.grad is None for p in net.parameters())
    (event,) = recorder.of(NonFinite)
    assert (event.step, event.action, event.rows) == (2, "stop", (str(BAD),))
    assert len(recorder.curve("train/loss")) == 2


class Moved(ArrayFeed):
    device = "cpu"

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        return (batch.to(torch.device(self.device)) for batch in super().epoch(epoch, start))


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
@pytest.mark.parametrize(
    ("optimizer", "bad", "log_seconds"),
    [(SGD, (BAD,), 1e9), (AdamW, (0, 20, 40), 1e9), (SGD, (30, 31, 32, 33), 1e-9), (AdamW, (30, 31, 32, 33), 1e9)],
)
def test_a_device_that_decides_alone_does_the_same(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    optimizer: Any,
    bad: tuple[int, ...],
    log_seconds: float,
    device: str,
) -> None:
    """Without the host: from the refused step on all is void, and is done again once the host knows."""

    def run(name: str) -> tuple[dict[str, dict[str, Tensor]], Recorder]:
        policy, recorder = CheckpointPolicy(tmp_path / name, None, None, 1, keep=1), Recorder()
        chosen = plan(optimizer=optimizer, log_seconds=log_seconds, clip_norm=1.0, checkpoint=policy)
        chosen, whole = replace(chosen, device=torch.device(device)), spoilt(bad)
        feed = Moved(whole.inputs, whole.targets, 6)
        feed.device = device
        fit(small_net().to(device), cross_entropy().to(device), feed, chosen, watchers=[recorder])
        return dict(checkpoint.load(checkpoint.listed(tmp_path / name)[-1]).tensors), recorder  # type: ignore[arg-type]

    monkeypatch.setattr(guard, "defers", lambda *_: False)
    at_once, first = run("a")
    monkeypatch.setattr(guard, "defers", lambda *_: True)
    later, second = run("b")
    assert same(at_once["net"], later["net"])
    assert same(at_once["optimizer"], later["optimizer"])
    for name, mean in at_once["ema"].items():  # its masked form rounds otherwise
        torch.testing.assert_close(later["ema"][name], mean, rtol=1e-5, atol=1e-6)
    for name in ("train/loss", "grad_norm", "lr"):
        assert str(first.curve(name)) == str(second.curve(name))
    assert [event.finding for event in first.of(NonFinite)] == [event.finding for event in second.of(NonFinite)]
    assert [event.values for event in first.of(EpochDone)] == [event.values for event in second.of(EpochDone)]


class Reads(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts how often the host asks the device for a number."""

    count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += str(func) == "aten._local_scalar_dense.default"
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("deferred", [False, True])
def test_the_host_does_not_wait_for_the_device(monkeypatch: pytest.MonkeyPatch, deferred: bool) -> None:
    """Numbers are read once a block of steps, not once a step."""
    monkeypatch.setattr(guard, "defers", lambda *_: deferred)
    counts = []
    for steps in (2, 4):
        x, y = blobs(6 * steps)
        with Reads() as reads:  # type: ignore[no-untyped-call]
            fit(small_net(), cross_entropy(), ArrayFeed(x, y, 6), plan(epochs=1, accumulate=1, log_seconds=1e9))
        counts.append(reads.count)
    assert (counts[1] > counts[0]) == (not deferred)


@pytest.mark.parametrize("deferred", [False, True])
def test_a_first_step_that_is_left_out_leaves_no_memory(monkeypatch: pytest.MonkeyPatch, deferred: bool) -> None:
    """An empty update of a fused optimiser makes momentum out of whatever is in memory."""
    monkeypatch.setattr(guard, "defers", lambda *_: deferred)
    x, y = blobs(60)
    feed = ArrayFeed(x, y, 6)
    x[next(feed.epoch(0)).rows[2]] = math.inf
    net, theirs = small_net(), small_net()
    fit(net, cross_entropy(), feed, plan(epochs=1))
    x[~torch.isfinite(x)] = math.nan
    by_hand(theirs, feed, 1)
    assert same(state(net), state(theirs))


@pytest.mark.parametrize("stop_after", [1, 4, 5, 9, 13])
def test_resuming_over_left_out_steps_is_exact(tmp_path: Path, stop_after: int) -> None:
    feed, bad = spoilt((BAD, 3)), Recorder()
    policy = CheckpointPolicy(tmp_path / "a", every_steps=2, every_minutes=None, every_epochs=1, keep=100)
    whole = fit(small_net(), cross_entropy(), feed, plan(checkpoint=policy), watchers=[bad])

    class KilledError(Exception):
        pass

    class Killer(Recorder):
        def on(self, event: Any) -> None:
            if isinstance(event, StepsDone) and event.step >= stop_after:
                raise KilledError

    again = replace(plan(checkpoint=replace(policy, folder=tmp_path / "b")), log_seconds=1e-9)
    with pytest.raises(KilledError):
        fit(small_net(), cross_entropy(), feed, again, watchers=[Killer()])
    resumed = fit(small_net(), cross_entropy(), feed, again, resume=True)
    assert resumed.skipped == whole.skipped == len(bad.of(NonFinite)) > 3
    assert same(state(resumed.net), state(whole.net))
    ends = [checkpoint.load(checkpoint.listed(tmp_path / name)[-1]) for name in "ab"]
    assert same(dict(ends[0].tensors["optimizer"]), dict(ends[1].tensors["optimizer"]))
    assert ends[0].values["guard"] == ends[1].values["guard"]


def test_a_checkpoint_from_before_there_was_a_guard_is_read(tmp_path: Path) -> None:
    policy = CheckpointPolicy(tmp_path, every_steps=2, every_minutes=None, keep=100)
    fit(small_net(), cross_entropy(), spoilt(()), plan(checkpoint=policy, epochs=1))
    old = checkpoint.load(checkpoint.listed(tmp_path)[0])
    values = {name: value for name, value in old.values.items() if name != "guard"}
    for path in checkpoint.listed(tmp_path):
        checkpoint.save(path, checkpoint.State(old.tensors, values))
    assert fit(small_net(), cross_entropy(), spoilt(()), plan(checkpoint=policy, epochs=1), resume=True).skipped == 0


def test_too_many_in_a_row_stop_training() -> None:
    """A rate that explodes: weights stay as after the last sound step, and there is an end."""
    x, y = blobs(60)
    net, once, recorder = small_net(), small_net(), Recorder()
    wild = plan(lr=1e30, accumulate=1, epochs=4)
    with pytest.raises(TrainingError, match=rf"{guard.MOST_IN_A_ROW} steps in a row"):
        fit(net, cross_entropy(), ArrayFeed(x, y, 6), wild, watchers=[recorder])
    fit(once, cross_entropy(), ArrayFeed(x, y, 6), replace(wild, max_steps=1))
    assert same(state(net), state(once))
    assert all(bool(torch.isfinite(value).all()) for value in state(net).values())
    assert [event.action for event in recorder.of(NonFinite)] == ["skip"] * guard.MOST_IN_A_ROW + ["stop"]
    assert [event.in_a_row for event in recorder.of(NonFinite)] == list(range(1, guard.MOST_IN_A_ROW + 2))


def test_a_weight_that_an_update_made_overflow_is_neither_judged_nor_saved(tmp_path: Path) -> None:
    """Its gradients were finite, so no step shows it: the last step of an epoch would go into evaluation and checkpoint."""
    x, y = blobs(60)
    chosen = plan(lr=3e38, max_steps=1, checkpoint=CheckpointPolicy(tmp_path))
    with pytest.raises(TrainingError, match=r"after step 1, .*weight 0\.weight overflow"):
        fit(nn.Sequential(nn.Linear(8, 3)), cross_entropy(), ArrayFeed(x * 100, y, 6), chosen)
    assert not checkpoint.listed(tmp_path)


@pytest.mark.parametrize("clip_norm", [None, 1.0])
def test_finite_gradients_whose_squares_overflow(clip_norm: float | None) -> None:
    """Clipping would make zeros of them; Adam's second moment would be infinite, and these weights would never move again."""
    net = nn.Linear(8, 1)
    nn.init.zeros_(net.weight)
    before, feed = state(net), ArrayFeed(torch.full((6, 8), 100.0), torch.full((6,), -1e18), 6)
    chosen = replace(plan(clip_norm=clip_norm, optimizer=AdamW), non_finite="stop")
    whole, objective = nn.Sequential(net, nn.Flatten(0)), Objective({"mse": MSE(target="label")})
    with pytest.raises(TrainingError, match=r"so large that its square .* 0\.weight"):
        fit(whole, objective, feed, chosen)
    assert same(state(net), before)


def test_overflow_of_scaled_gradients_is_the_scalers_business() -> None:
    x, y = blobs(60)
    recorder = Recorder()

    class Steep(nn.Module):
        """Its gradient leaves half precision's range once it is scaled by 65536."""

        def forward(self, v: Tensor) -> Tensor:
            return v * 1e3

    net = nn.Sequential(nn.Linear(8, 3), Steep())
    chosen = replace(plan(accumulate=1, epochs=1, lr=1e-6), precision="fp16", non_finite="stop")
    fit(net, cross_entropy(), ArrayFeed(x, y, 6), chosen, watchers=[recorder])
    assert not recorder.of(NonFinite)
    assert any(not math.isfinite(norm) for norm in recorder.curve("grad_norm"))
    x[BAD] = math.nan
    with pytest.raises(TrainingError, match=f"rows: {BAD}"):
        fit(net, cross_entropy(), ArrayFeed(x, y, 6), chosen)
    fitted = fit(net, cross_entropy(), ArrayFeed(x, y, 6), replace(chosen, non_finite="skip"))
    assert fitted.skipped == 1


@pytest.mark.parametrize("deferred", [False, True])
@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize(
    ("loss", "norm"), [(1.0, 1.0), (math.nan, 1.0), (math.inf, 1.0), (-math.inf, 1.0), (1.0, math.nan), (1.0, math.inf)]
)
def test_what_is_refused(
    monkeypatch: pytest.MonkeyPatch, loss: float, norm: float, scaled: bool, deferred: bool
) -> None:
    monkeypatch.setattr(guard, "defers", lambda *_: deferred)
    net = small_net()
    made = Guard(
        net,
        SGD([{"params": list(net.parameters())}], lr=0.1),
        Precision("fp16" if scaled else "fp32", torch.device("cpu")),
    )
    made.begin()
    wrong = not math.isfinite(loss) or not (scaled or math.isfinite(norm))
    assert bool(made.refuses(torch.tensor(loss), torch.tensor(norm))) == wrong
    if deferred:  # once halted, it stays so until the host has gone back
        assert bool(made.refuses(torch.tensor(1.0), torch.tensor(1.0))) == wrong
        made.take_back()
    assert not bool(made.refuses(torch.tensor(1.0), torch.tensor(1.0)))
    net[1].running_var[3] = math.inf  # type: ignore[index,operator]
    assert bool(made.refuses(torch.tensor(1.0), torch.tensor(1.0)))
    made.take_back()
    assert torch.equal(net[1].running_var, torch.ones(16))  # type: ignore[arg-type]


@pytest.mark.parametrize("deferred", [False, True])
def test_what_is_huge_but_finite_is_not_refused(monkeypatch: pytest.MonkeyPatch, deferred: bool) -> None:
    """A loss and buffers of float64 that no float32 holds, beside a norm in float32; the largest that bfloat16 holds."""
    monkeypatch.setattr(guard, "defers", lambda *_: deferred)
    net = nn.BatchNorm1d(3).double()
    made = Guard(net, SGD([{"params": list(net.parameters())}], lr=0.1), Precision("fp32", torch.device("cpu")))
    made.begin()
    net.running_mean[1] = 1e300  # type: ignore[index]
    assert not bool(made.refuses(torch.tensor(-1e300, dtype=torch.float64), torch.tensor(3e38)))
    assert not bool(made.refuses(torch.tensor(3.3e38, dtype=torch.bfloat16), torch.tensor(1e-45)))
    assert bool(made.refuses(torch.tensor(math.inf, dtype=torch.float64), torch.tensor(3e38)))


def test_the_norm_of_no_gradients_lies_where_the_loss_does() -> None:
    """On a GPU both are looked at together."""
    weight = nn.Parameter(torch.ones(2, device="meta"))
    chain = GradientChain([weight], Precision("fp32", weight.device), 1.0, 0.0, [])
    assert chain.finish(SGD([{"params": [weight]}], lr=0.1)).device == weight.device


def test_only_a_gpu_with_fused_kernels_decides_alone() -> None:
    net = small_net()
    cpu, gpu = torch.device("cpu"), torch.device("cuda")
    assert not guard.defers(AdamW([{"params": list(net.parameters())}], lr=0.1), Precision("fp32", cpu))
    precision = Precision("bf16", cpu)
    precision.device = gpu
    assert guard.defers(AdamW([{"params": list(net.parameters())}], lr=0.1), precision)
    assert guard.defers(SGD([{"params": list(net.parameters())}], lr=0.1), precision)
    assert not guard.defers(RMSprop([{"params": list(net.parameters())}], lr=0.1), precision)


class Odd(nn.Module):
    """Buffers of every sort: a mask of -inf, a counter, a matrix, one that is replaced, one that grows, none at all."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mask", torch.full((2, 2), -math.inf).triu(1))
        self.register_buffer("seen", torch.tensor(0))
        self.register_buffer("matrix", torch.zeros(3, 2, dtype=torch.float64))
        self.register_buffer("replaced", torch.zeros(2))
        self.register_buffer("bank", torch.zeros(1, 2))
        self.register_buffer("nothing", None)

    def change(self) -> None:
        self.seen += 1
        self.matrix.data[1] = 5
        self.replaced = self.replaced + 1
        self.bank = torch.cat([self.bank, torch.ones(1, 2)])


def test_every_sort_of_buffer_is_put_back() -> None:
    net = nn.Sequential(nn.BatchNorm1d(4), Odd())
    running = Running(net)
    before, kept = state(net), running.read()
    assert bool(torch.isfinite(torch.as_tensor(running.total(kept))))
    net[1].change()  # type: ignore[operator]
    net[0](torch.randn(5, 4))
    assert not same(state(net), before)
    running.write(kept)
    assert same(state(net), before)
    assert not running.spoilt()
    net[1].matrix[0] = math.nan  # type: ignore[index,operator]
    assert running.spoilt() == ["1.matrix"]
    assert not bool(torch.isfinite(torch.as_tensor(running.total(running.read()))))


def test_data_that_a_net_carries_along_are_neither_copied_nor_looked_at() -> None:
    class Carries(nn.Module):
        unchanging = ("data",)

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("data", torch.zeros(7))
            self.register_buffer("seen", torch.zeros(2))

    net = Carries()
    running = Running(net)
    (kept,) = running.read()
    assert kept.values.numel() == 2
    net.seen += 1  # type: ignore[operator]
    running.write([kept])
    assert not net.seen.any()  # type: ignore[operator]


def test_averages_keep_masks_of_infinity() -> None:
    net = Odd()
    ema = Ema(net, 0.9)
    for refused in (False, torch.tensor(0.0), torch.tensor(1.0)):
        ema.follow(3, refused)
        assert torch.equal(ema.net.mask, net.mask)  # type: ignore[arg-type,union-attr]


def test_snapshots_are_of_every_epoch() -> None:
    class Curious(Recorder):
        wants_snapshots = True

    watcher = Curious()
    fit(small_net(), cross_entropy(), spoilt(), plan(), watchers=[watcher])
    assert [event.epoch for event in watcher.of(Snapshot)] == [0, 1, 2]
