"""Plans of unfreezing: what learns when, at which rate, exactly, also after an interruption."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import danlu
from danlu.errors import DanluError, RecipeError
from danlu.nn.depth import stages
from danlu.recipe import names
from danlu.recipe.schema import Named
from danlu.training.events import Event
from danlu.training.loop import Fitted
from danlu.training.schedules.base import Horizon
from danlu.training.slots.parameters import ParameterPlan

WHERE = "model.unfreeze"


def net(seed: int = 0) -> nn.Sequential:
    """Four stages, three of them with batch norm."""
    torch.manual_seed(seed)
    layers: list[nn.Module] = []
    for before, after in ((4, 8), (8, 8), (8, 8)):
        layers += [nn.Linear(before, after), nn.BatchNorm1d(after), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(8, 3))


def data(rows: int = 64) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(1)
    return torch.randn(rows, 4, generator=draw), torch.randint(0, 3, (rows,), generator=draw)


def made(name: str, **args: Any) -> Any:
    return names.build("unfreeze", Named(name=name, args=args), WHERE)


def stage_of(name: str) -> int:
    """From the head up: of the nets made here."""
    return 3 - int(name.split(".")[0]) // 3


class Weights:
    """Copies of everything after each block of steps: of each step, where each is told."""

    def __init__(self, watched: nn.Module) -> None:
        self.watched, self.seen = watched, [copy.deepcopy(watched.state_dict())]

    def on(self, event: Event) -> None:
        if type(event).__name__ == "StepsDone":
            self.seen.append(copy.deepcopy(self.watched.state_dict()))

    def close(self) -> None:
        pass


def trained(model: nn.Module, unfreeze: Any, epochs: int = 4, **more: Any) -> tuple[Fitted, Weights]:
    watcher = Weights(model)
    more = {"optimizer": "sgd", "lr": 0.1, "decay": 1e-3, "schedule": "constant", "log_seconds": 1e-9, **more}
    fitted = danlu.fit(
        model, F.cross_entropy, data(), batch_size=16, epochs=epochs, unfreeze=unfreeze, watchers=(watcher,), **more
    )
    return fitted, watcher


def changed(before: dict[str, Tensor], after: dict[str, Tensor]) -> set[int]:
    return {stage_of(name) for name in before if not torch.equal(before[name], after[name])}


@pytest.mark.parametrize(
    ("plan", "learning"),
    [
        ({"name": "all"}, lambda step: 4),
        ({"name": "frozen"}, lambda step: 1),
        ({"name": "layerwise"}, lambda step: 4),
        ({"name": "gradual", "until": 0.75}, lambda step: min(4, 1 + step // 4)),
        ({"name": "gradual", "until": 0.5}, lambda step: min(4, 1 + step * 3 // 8)),
        ({"name": "gradual", "until": 0.5, "groups": 1}, lambda step: 4 if step >= 8 else 1),
    ],
)
def test_nothing_else_moves(plan: dict[str, Any], learning: Any) -> None:
    """Weights and running statistics of what does not learn yet stay to the bit; everything else moves at each step."""
    model = net()
    _, watcher = trained(model, plan)
    assert len(watcher.seen) == 17
    for step in range(16):
        assert changed(watcher.seen[step], watcher.seen[step + 1]) == set(range(learning(step))), step
    assert all(p.requires_grad for p in model.parameters())
    model.train()
    assert all(module.training for module in model.modules())


def plain(model: nn.Module, rates: dict[int, float], learning: Any = lambda step: 4) -> None:
    """What a person would write: own groups, frozen modules in eval mode. rates: by stage. learning: step → stages that learn."""
    groups = []
    for stage, rate in rates.items():
        inside = [p for name, p in model.named_parameters() if stage_of(name) == stage]
        groups += [
            {"params": [p for p in inside if p.ndim > 1], "lr": rate, "weight_decay": 1e-3},
            {"params": [p for p in inside if p.ndim < 2], "lr": rate, "weight_decay": 0.0},
        ]
    optimizer = torch.optim.SGD(groups, momentum=0.9, nesterov=True)
    x, y = data()
    for step, rows in enumerate(danlu_order(16)):
        for number, module in enumerate(model.children()):
            learns = 3 - number // 3 < learning(step)
            module.train(learns)
            module.requires_grad_(learns)
        optimizer.zero_grad()
        F.cross_entropy(model(x[rows]), y[rows]).backward()
        optimizer.step()


def danlu_order(size: int, epochs: int = 4) -> list[Tensor]:
    """The rows of each step."""
    from danlu.training.fitting import as_feed
    from danlu.training.plan import Plan

    feed = as_feed(data(), size, Plan())
    return [torch.as_tensor(batch.rows) for epoch in range(epochs) for batch in feed.epoch(epoch)]


def assert_close(one: nn.Module, other: nn.Module) -> None:
    for name, value in one.state_dict().items():
        torch.testing.assert_close(value, other.state_dict()[name], rtol=1e-5, atol=1e-6)


def test_frozen_equals_a_plain_loop() -> None:
    own, other = net(), net()
    trained(own, "frozen")
    plain(other, {0: 0.1}, lambda step: 1)
    assert_close(own, other)


def test_layerwise_equals_a_plain_loop() -> None:
    own, other = net(), net()
    trained(own, {"layerwise": {"decay": 0.5, "backbone": 0.2}})
    plain(other, {0: 0.1, 1: 0.01, 2: 0.005, 3: 0.0025})
    assert_close(own, other)


def test_gradual_equals_a_plain_loop() -> None:
    own, other = net(), net()
    trained(own, {"gradual": {"until": 0.75, "decay": 0.5}})
    plain(other, {0: 0.1, 1: 0.05, 2: 0.025, 3: 0.0125}, lambda step: min(4, 1 + step // 4))
    assert_close(own, other)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize(
    "plan",
    ["frozen", {"layerwise": 0.5}, {"gradual": 0.7}, {"gradual": {"on": "plateau", "until": 1.0}}],
    ids=["frozen", "layerwise", "gradual", "plateau"],
)
def test_resumed_is_uninterrupted(tmp_path: Path, plan: Any, optimizer: str) -> None:
    """From a checkpoint at each second step: to the bit, momenta included."""
    more = {"validation": data(32), "optimizer": optimizer, "lr": 0.01, "ema": 0.9}
    whole, _ = trained(net(), plan, folder=tmp_path / "whole", **more)
    for stop in range(2, 16, 4):
        folder = tmp_path / f"{stop}"
        trained(net(), plan, max_steps=None, folder=folder, checkpoint=every(2), **more)
        for path in folder.iterdir():
            if path.name.isdigit() and int(path.name) > stop:
                remove(path)
        assert (folder / f"{stop:06d}").is_dir()
        again, _ = trained(net(5), plan, folder=folder, resume=True, **more)
        assert again.best == whole.best
        for name, value in whole.net.state_dict().items():
            assert torch.equal(value, again.net.state_dict()[name]), (stop, name)


def every(steps: int) -> Any:
    from danlu.training.plan import CheckpointPolicy

    return CheckpointPolicy(every_steps=steps, keep=100)


def remove(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder)


def test_plateaus_thaw_the_next_stage() -> None:
    model = net()
    slot = ParameterPlan(
        model, made("gradual", on="plateau", patience=2, until=1.0), Horizon(100, 10), ("val/loss", -1)
    )
    seen = []
    with slot:
        for step, loss in enumerate([3.0, 2.0, 2.0, 2.1, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]):
            slot.begin(step)
            seen.append(slot.learning)
            slot.judged({"val/loss": loss})
        slot.begin(100)
        assert slot.learning == 4
    assert seen == [1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 4]


def test_a_plateau_needs_something_to_monitor() -> None:
    with pytest.raises(RecipeError, match=r"model\.unfreeze"):
        trained(net(), {"gradual": {"on": "plateau"}})


def test_what_the_net_has_frozen_itself_stays_frozen() -> None:
    model = net()
    model[0].requires_grad_(False)
    before = copy.deepcopy(model[0].state_dict())
    trained(model, {"gradual": 0.25})
    assert all(torch.equal(value, before[name]) for name, value in model[0].state_dict().items())
    assert not any(p.requires_grad for p in model[0].parameters())
    assert all(p.requires_grad for p in model[3].parameters())


def test_the_net_is_whole_again_after_an_error() -> None:
    model = net()

    class Broken:
        def on(self, event: Event) -> None:
            if type(event).__name__ == "EpochDone":
                raise RuntimeError("a watcher that breaks")

        def close(self) -> None:
            pass

    with pytest.raises(RuntimeError):
        danlu.fit(model, F.cross_entropy, data(), batch_size=16, unfreeze="frozen", watchers=(Broken(),))
    assert all(p.requires_grad for p in model.parameters())
    assert all(module.training for module in model.train().modules())


@pytest.mark.parametrize(
    "wrong",
    [
        {"gradual": 0.0},
        {"gradual": {"until": 2}},
        {"layerwise": 1.5},
        {"gradual": {"on": "tuesday"}},
        "gradually",
        {"frozen": 3},
    ],
)
def test_wrong_plans_are_refused(wrong: Any) -> None:
    with pytest.raises(DanluError):
        trained(net(), wrong)


def test_rates_of_a_published_net_by_group() -> None:
    """Every parameter's rate is the schedule's times decay to its depth."""
    from danlu.nn.build import build_net
    from danlu.training.fitting import as_objective
    from danlu.training.optimisers.base import set_rates
    from danlu.training.parts import Parts
    from danlu.training.plan import Plan

    model = build_net("torchvision:mobilenet_v2", 3, 8, (32, 32))
    parts = Parts(model, as_objective("cross-entropy"), Plan(unfreeze=made("layerwise", decay=0.8)), 10)
    set_rates(parts.optimizer, 0.5, None)
    rates = {p: group["lr"] for group in parts.optimizer.param_groups for p in group["params"]}
    found = stages(model)
    assert len(found) == 20
    assert len(rates) == len(list(model.parameters()))
    for depth, stage in enumerate(found[::-1]):
        for name in stage.parameters:
            assert rates[model.get_parameter(name)] == pytest.approx(0.5 * 0.8**depth, rel=1e-12)
