"""Looks inside training steps: their figures against the same computed by hand, and that training goes on as if nobody looked."""

from __future__ import annotations

import copy
import gc
import math
import random
import weakref
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from danlu.data.batches.batch import Batch
from danlu.randomness import Position
from danlu.training.events import Captured, Event, LayerFigures, ParameterFigures, Said, Saving, StepsDone
from danlu.training.looking import Looks
from danlu.training.loop import Fitted, fit
from danlu.training.optimisers.sgd import SGD
from danlu.training.plan import Plan
from danlu.training.precision import Precision
from danlu.training.randomness import reseed
from danlu.training.schedules.constant import Constant
from tests.training.feeds import ArrayFeed, Recorder, blobs, cross_entropy, small_net
from tests.training.test_captures import Block, by_hand

FEW = 8  # samples that are done again


class Looking(Recorder):
    """A watcher that wants captures."""

    wants_captures = True

    @property
    def seen(self) -> dict[int, Captured]:
        return {event.step: event for event in self.of(Captured)}


def plan(**changes: Any) -> Plan:
    base = Plan(epochs=2, optimizer=SGD, lr=0.05, decay=0.0, schedule=Constant(), seed=4, captures_every=2)
    return replace(base, **changes)


def looked(net: nn.Module, feed: Any = None, **changes: Any) -> Looking:
    watcher = Looking()
    fit(net, cross_entropy(), feed or ArrayFeed(*blobs(), 20), plan(**changes), watchers=[watcher])
    return watcher


def norm(value: Tensor | None) -> float:
    assert value is not None
    return float(value.detach().double().norm())


# ---- figures --------------------------------------------------------------------------------------------------------


def pictures(count: int = 100) -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    return torch.randn(count, 3, 5, 5), torch.arange(count) % 5


def name_of(row: LayerFigures) -> str:
    return row.kind if row.kind.startswith("F.") else f"{row.layer} {row.call}" if row.call else row.layer


@pytest.mark.parametrize("last", [False, True], ids=["contiguous", "channels-last"])
def test_every_figure_is_that_of_a_plain_loop(last: bool) -> None:
    """Means, deviations, silent units, saturated shares and gradients of every layer; norms of every parameter."""
    torch.manual_seed(1)
    net = Block()
    with torch.no_grad():
        net.norm.bias[1] = -40.0  # a channel that never comes to life
        net.head[0].weight[2] *= 300  # a unit that is saturated
    feed = ArrayFeed(*pictures(), 20)
    if last:
        net, feed.inputs = net.to(memory_format=torch.channels_last), feed.inputs.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    theirs = copy.deepcopy(net)
    watcher = looked(net, feed, epochs=1, captures_every=2)
    assert sorted(watcher.seen) == [1, 2, 4]
    optimizer = torch.optim.SGD(theirs.parameters(), lr=0.05, momentum=0.9, nesterov=True, fused=True)
    for step, batch in enumerate(feed.epoch(0)):
        x, labels = batch["x"], batch["label"]
        assert isinstance(x, Tensor)
        assert isinstance(labels, Tensor)
        before = {name: p.detach().clone() for name, p in theirs.named_parameters()}
        few = copy.deepcopy(theirs)
        reseed(Position(4, 0, step))
        outputs = by_hand(few, x[:FEW])
        F.cross_entropy(outputs["head.2"], labels[:FEW]).backward()
        reseed(Position(4, 0, step))
        optimizer.zero_grad()
        F.cross_entropy(theirs(x), labels).backward()
        slopes = {name: norm(p.grad) for name, p in theirs.named_parameters()}
        optimizer.step()
        if step + 1 in watcher.seen:
            seen = watcher.seen[step + 1]
            _layers_are(seen.layers, outputs)
            for row, (name, p) in zip(seen.parameters, theirs.named_parameters(), strict=True):
                assert (row.parameter, row.size, row.dimensions, row.trained) == (name, p.numel(), p.ndim, True)
                assert row.weight == pytest.approx(norm(before[name]), rel=1e-5)
                assert row.gradient == pytest.approx(slopes[name], rel=1e-4, abs=1e-7)
                assert row.update == pytest.approx(norm(p.detach() - before[name]), rel=1e-3, abs=1e-7)


def _layers_are(rows: tuple[LayerFigures, ...], outputs: Mapping[str, Tensor]) -> None:
    assert [name_of(row) for row in rows] == list(outputs)
    for row, (name, value) in zip(rows, outputs.items(), strict=True):
        assert row.size == value.numel()
        assert row.mean == pytest.approx(float(value.detach().double().mean()), rel=1e-4, abs=1e-5), name
        assert row.std == pytest.approx(float(value.detach().double().std(correction=0)), rel=1e-4), name
        assert row.gradient == pytest.approx(norm(value.grad), rel=1e-4, abs=1e-7), name
        assert row.last == (name == "head.2")
        relu = "act" in name or name == "F.relu"
        assert row.units == (value.shape[1] if relu else 0)
        if relu:
            silent = (value <= 0).transpose(0, 1).flatten(1).all(1)
            assert np.unpackbits(np.frombuffer(row.silent, np.uint8), count=row.units).tolist() == silent.int().tolist()
        share = float((value.abs() > 0.97).double().mean()) if name == "head.1" else None
        assert row.saturated == (None if share is None else pytest.approx(share))
    assert outputs["act"].detach()[:, 1].max() == 0
    assert any(row.saturated for row in rows)


def test_gradients_are_the_effective_batchs_before_clipping() -> None:
    x, y = blobs(40)
    net = nn.Sequential(nn.Linear(8, 4), nn.Tanh(), nn.Linear(4, 3))
    start = copy.deepcopy(net)
    row = looked(net, ArrayFeed(x, y, 20), accumulate=2, clip_norm=1e-3, epochs=1).seen[1].parameters[0]
    F.cross_entropy(start(x), y).backward()
    weight = start[0].weight
    assert row.gradient == pytest.approx(norm(weight.grad), rel=1e-5)
    assert row.gradient > 0.01
    assert 0 < row.update < 0.05 * 1e-3 * 2  # the clipped gradient's


def test_which_steps_are_looked_at_and_how_often_nothing_is() -> None:
    assert sorted(looked(small_net(), captures_every=3).seen) == [1, 3, 6, 9]
    assert not looked(small_net(), captures_every=0).seen
    nobody = Recorder()
    fit(small_net(), cross_entropy(), ArrayFeed(*blobs(), 20), plan(), watchers=[nobody])
    assert not nobody.of(Captured)
    assert not nobody.of(Saving)
    nothing = looked(small_net(), epochs=0)
    assert not nothing.seen


def test_frozen_unused_and_shared_parameters() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second, self.out = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 3)
            self.second.weight = self.first.weight
            self.idle = nn.Linear(2, 2)
            self.first.bias.requires_grad_(False)

        def forward(self, x: Tensor) -> Tensor:
            return self.out(self.second(self.first(x).relu()))  # type: ignore[no-any-return]

    seen = looked(Tied()).seen[2]
    rows = {row.parameter: row for row in seen.parameters}
    assert list(rows) == [
        "first.weight",
        "first.bias",
        "second.bias",
        "out.weight",
        "out.bias",
        "idle.weight",
        "idle.bias",
    ]
    frozen, idle = rows["first.bias"], rows["idle.weight"]
    assert (frozen.trained, frozen.gradient, frozen.update) == (False, None, 0.0)
    assert (idle.trained, idle.gradient, idle.update) == (True, None, 0.0)
    assert frozen.weight > 0
    assert rows["first.weight"].gradient is not None
    assert rows["first.weight"].update > 0
    assert [name_of(row) for row in seen.layers] == ["first", "F.relu", "second", "out"]
    whole = looked(nn.Sequential(nn.Linear(8, 3).requires_grad_(False), nn.Linear(3, 3))).seen[1].layers
    assert [row.gradient is None for row in whole] == [True, False]


def test_what_is_thawed_on_the_way_is_seen_to_be() -> None:
    net = nn.Sequential(nn.Linear(8, 4), nn.Linear(4, 3))
    net[0].requires_grad_(False)

    class Thaw(Looking):
        def on(self, event: Any) -> None:
            super().on(event)
            if isinstance(event, Captured) and event.step == 2:
                net[0].requires_grad_(True)

    watcher = Thaw()
    fit(net, cross_entropy(), ArrayFeed(*blobs(), 20), plan(log_seconds=0.0), watchers=[watcher])
    assert [watcher.seen[step].layers[0].gradient is None for step in (1, 2, 4, 6)] == [True, True, False, False]
    assert [watcher.seen[step].parameters[0].trained for step in (1, 4)] == [False, True]


def test_a_lazy_net_is_seen_once_it_knows_its_shapes() -> None:
    net = nn.Sequential(nn.LazyLinear(4), nn.ReLU(), nn.LazyLinear(3))
    net(torch.zeros(1, 8))
    assert [row.layer for row in looked(net).seen[1].layers] == ["0", "1", "2"]


def test_plain_attributes_and_replaced_buffers_are_followed() -> None:
    class Counting(nn.Module):
        average: Tensor

        def __init__(self) -> None:
            super().__init__()
            self.calls = 0
            self.linear = nn.Linear(8, 3)
            self.scale = nn.Identity()
            self.register_buffer("average", torch.zeros(()))

        def forward(self, x: Tensor) -> Tensor:
            self.calls += 1
            self.average = self.average + 1.0
            return self.linear(x) + 0 * self.scale(torch.stack([torch.tensor(float(self.calls)), self.average])).sum()  # type: ignore[no-any-return]

    net = Counting()
    seen = looked(net).seen
    assert net.calls == 10
    assert float(net.average) == 10
    for step, event in seen.items():  # the step's own pass is one, the look's another
        assert [row.mean for row in event.layers if row.layer == "scale"] == [step + 1]


def test_scaled_gradients_are_told_unscaled_and_overflown_steps_not_at_all() -> None:
    """fp16's loss scale must not be seen; a step whose scaled gradients overflow is left out by the scaler."""
    x, y = blobs(40)
    feed = ArrayFeed(x, y, 20)
    exact, half = nn.Linear(8, 3), nn.Linear(8, 3)
    half.load_state_dict(exact.state_dict())
    wanted = looked(exact, feed, captures_every=1).seen
    found = looked(half, feed, captures_every=1, precision="fp16").seen
    assert 1 <= len(found) <= 4
    first = min(found)
    overflown = {step for step in wanted if step not in found}
    assert overflown == set(range(1, first))
    row, plain = found[first], wanted[1]
    if first == 1:
        assert row.layers[0].gradient == pytest.approx(plain.layers[0].gradient, rel=0.02)
        assert row.parameters[0].gradient == pytest.approx(plain.parameters[0].gradient, rel=0.02)
    huge = looked(nn.Linear(8, 3), ArrayFeed(x * 1e4, y, 20), captures_every=1, precision="fp16", epochs=1)
    steps = [step for block in huge.of(StepsDone) for step in block.steps]
    assert len(huge.seen) < len(steps)
    assert all(math.isfinite(row.gradient or 0) for event in huge.seen.values() for row in event.parameters)


def test_functions_are_seen_also_where_they_are_called_on_some_ways_through_the_net_only() -> None:
    class Turning(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.passes = 0
            self.linear, self.soft = nn.Linear(8, 3), nn.Softplus()

        def forward(self, x: Tensor) -> Tensor:
            self.passes += 1
            x = self.linear(x)
            return F.relu(self.soft(x)) if self.passes > 4 else x  # type: ignore[no-any-return]

    seen = looked(Turning()).seen
    kinds = {step: [row.kind for row in event.layers] for step, event in seen.items()}
    assert kinds == {1: ["Linear"], 2: ["Linear"]} | {step: ["Linear", "Softplus", "F.relu"] for step in (4, 6, 8, 10)}
    assert [row.call for row in seen[4].layers] == [0, 0, 0]


# ---- training notices nothing ---------------------------------------------------------------------------------------


class Restless(nn.Module):
    """Batch norm, dropout, work in place, and draws from every global generator."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.first, self.norm, self.act = nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(inplace=True)
        self.drop, self.out = nn.Dropout(0.4), nn.Linear(16, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.drop(self.act(self.norm(self.first(x.sub_(0.1)))))
        return self.out(x * (1 + 0.1 * random.random() + 0.1 * float(np.random.rand())))  # type: ignore[no-any-return]


def trained(captures_every: int, **changes: Any) -> tuple[Fitted, nn.Module, Looking, list[Any]]:
    random.seed(5)
    np.random.seed(5)
    net, watcher = Restless(), Looking()
    asked = plan(epochs=3, ema=0.9, clip_norm=0.5, captures_every=captures_every, **changes)
    fitted = fit(net, cross_entropy(), ArrayFeed(*blobs(), 25), asked, watchers=[watcher])
    return fitted, net, watcher, [random.random(), float(np.random.rand()), float(torch.rand(()))]


@pytest.mark.parametrize("changes", [{}, {"accumulate": 3}, {"precision": "bf16"}, {"l1": 1e-3}], ids=str)
def test_no_bit_of_training_changes(changes: dict[str, Any]) -> None:
    plain, net, without, draws = trained(0, **changes)
    assert not without.seen
    fitted, same, watcher, again = trained(3, **changes)
    assert watcher.seen
    assert not watcher.of(Said)
    assert draws == again
    for name, value in net.state_dict().items():
        assert torch.equal(value, same.state_dict()[name]), name
    for name, value in plain.net.state_dict().items():
        assert torch.equal(value, fitted.net.state_dict()[name]), name
    for name in ("train/loss", "grad_norm", "lr"):
        assert watcher.curve(name) == without.curve(name)
    assert _told(watcher) == _told(without)


def _told(watcher: Recorder) -> list[tuple[str, int]]:
    kinds = [(type(event).__name__, event.step) for event in watcher.events]
    return [each for each in kinds if each[0] not in ("Captured", "Saving", "StepsDone")]


# ---- what can't be looked into --------------------------------------------------------------------------------------


class Full(nn.Module):
    """A net that doesn't do with few samples."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.linear, self.error = nn.Linear(8, 3), error

    def forward(self, x: Tensor) -> Tensor:
        if len(x) < 20:
            raise self.error
        return self.linear(x)  # type: ignore[no-any-return]


def test_a_net_that_fails_on_few_samples_trains_on_with_one_warning() -> None:
    torch.manual_seed(2)
    net = Full(ValueError("twenty at least\nor none"))
    other = copy.deepcopy(net)
    watcher = looked(net)
    (said,) = watcher.of(Said)
    assert said.level == "warning"
    assert "(ValueError: twenty at least)" in said.text or "ValueError: twenty at least." in said.text
    assert "or none" not in said.text
    assert sorted(watcher.seen) == [1, 2, 4, 6, 8, 10]
    assert all(event.layers == () for event in watcher.seen.values())
    plain = Recorder()
    fit(other, cross_entropy(), ArrayFeed(*blobs(), 20), plan(), watchers=[plain])
    assert torch.equal(net.linear.weight, other.linear.weight)
    torch.manual_seed(2)
    whole = nn.Linear(8, 3)
    wanted = looked(whole).seen
    for step, event in watcher.seen.items():
        ours = [(row.weight, row.gradient, row.update) for row in event.parameters]
        assert ours == [(row.weight, row.gradient, row.update) for row in wanted[step].parameters]


def test_a_net_that_can_not_be_copied_trains_on_with_one_warning() -> None:
    net = nn.Sequential(nn.Linear(8, 3))
    net.generator = torch.Generator().__class__  # type: ignore[assignment]
    net.stream = (number for number in range(3))  # type: ignore[assignment]
    watcher = looked(net)
    (said,) = watcher.of(Said)
    assert "generator" in said.text
    assert watcher.seen[4].parameters[0].update > 0


def test_a_forward_that_goes_on_calling_the_net_itself_is_not_run() -> None:
    """As libraries that hook into nets by replacing forward leave them: a copy would train the running figures of the net."""
    net = nn.Sequential(nn.Linear(8, 4), nn.BatchNorm1d(4), nn.Linear(4, 3))
    norm_ = net[1]
    inner = norm_.forward
    norm_.forward = lambda x: inner(x)  # type: ignore[method-assign]
    watcher = looked(net)
    assert len(watcher.of(Said)) == 1
    assert int(norm_.num_batches_tracked) == 10  # type: ignore[arg-type]


@pytest.mark.parametrize("error", [MemoryError("no room"), KeyboardInterrupt(), SystemExit(3)], ids=repr)
def test_neither_an_interrupt_nor_want_of_memory_is_taken_for_the_nets_fault(error: BaseException) -> None:
    with pytest.raises(type(error)):
        looked(Full(error))


def test_steps_that_are_left_out_are_not_told() -> None:
    x, y = blobs()
    x[int(next(iter(ArrayFeed(x, y, 20).epoch(0, 1))).rows[0])] = math.nan
    watcher = looked(small_net(), ArrayFeed(x, y, 20), captures_every=1, non_finite="skip")
    steps = sorted(watcher.seen)
    assert len(steps) == 8
    assert 2 not in steps
    assert all(math.isfinite(row.std) for event in watcher.seen.values() for row in event.layers)


def test_outputs_are_let_go_at_once() -> None:
    kept: list[weakref.ref[Tensor]] = []

    class Remember(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            x = x * 2
            kept.append(weakref.ref(x))
            return x

    net = nn.Sequential(nn.Linear(8, 3), Remember())

    class Count(Looking):
        most = 0

        def on(self, event: Any) -> None:
            super().on(event)
            if isinstance(event, StepsDone):
                self.most = max(self.most, sum(each() is not None for each in kept))

    watcher = Count()
    gc.disable()
    try:
        fit(net, cross_entropy(), ArrayFeed(*blobs(), 20), plan(captures_every=1), watchers=[watcher])
    finally:
        gc.enable()
    assert len(kept) == 20
    assert watcher.most <= 1  # the step's own


class NoWaiting(TorchDispatchMode):
    """Refuses what makes the host wait for a device."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func._overloadpacket.__name__
        assert name not in ("_local_scalar_dense", "nonzero", "equal", "is_nonzero", "item", "masked_select"), name
        return func(*args, **(kwargs or {}))


def test_no_step_waits_for_the_device() -> None:
    """Neither before nor after the update is a number read; that happens when the block of steps is told."""
    net = Block()
    batch = next(iter(ArrayFeed(*pictures(), 20).epoch(0)))
    watcher = Looking()
    looks = Looks(net, cross_entropy(), 1, [watcher])
    for step in range(2):
        with NoWaiting():
            looks.before(batch, Position(0, 0, step), Precision("fp32", torch.device("cpu")), {})
            looks.after()
    looks.tell()
    assert sorted(watcher.seen) == [1, 2]
    with pytest.raises(AssertionError, match="_local_scalar_dense"), NoWaiting():
        float(torch.ones(()))


def test_the_batch_stays_as_it_is() -> None:
    batch = next(iter(ArrayFeed(*blobs(), 20).epoch(0)))
    before = [value.clone() for value in batch.tensors()]
    looks = Looks(Restless(), cross_entropy(), 1, [Looking()])
    looks.before(batch, Position(0), Precision("fp32", torch.device("cpu")), {})
    assert all(map(torch.equal, batch.tensors(), before))


def test_a_step_is_not_told_twice_nor_after_a_refused_one() -> None:
    net, watcher = small_net(), Looking()
    batch: Batch = next(iter(ArrayFeed(*blobs(), 20).epoch(0)))
    looks = Looks(net, cross_entropy(), 1, [watcher])
    for step in range(4):
        looks.before(batch, Position(0, 0, step), Precision("fp32", torch.device("cpu")), {})
        looks.after()
    looks.tell(refused=2)
    looks.tell()
    assert [event.step for event in watcher.of(Captured)] == [1, 2]


def test_those_who_want_captures_hear_of_a_checkpoint_before_it_is_written(tmp_path: Any) -> None:
    from danlu.training.plan import CheckpointPolicy

    heard: list[Event] = []

    class Order(Looking):
        def on(self, event: Any) -> None:
            super().on(event)
            if isinstance(event, (Captured, Saving)):
                heard.append(event)
            if isinstance(event, Saving):
                assert not (tmp_path / f"{event.step:06d}").exists()

    fit(
        small_net(), cross_entropy(), ArrayFeed(*blobs(), 20),
        plan(checkpoint=CheckpointPolicy(tmp_path, every_steps=2, every_epochs=None)), watchers=[Order()],
    )  # fmt: skip
    assert [(type(event).__name__, event.step) for event in heard[:4]] == [
        ("Captured", 1), ("Captured", 2), ("Saving", 2), ("Captured", 4),
    ]  # fmt: skip


def test_figures_are_plain_values() -> None:
    event = looked(small_net()).seen[1]
    for row in (*event.layers, *event.parameters):
        assert isinstance(row, (LayerFigures, ParameterFigures))
        assert all(type(value) in (int, float, bool, str, bytes, type(None)) for value in vars(row).values())
