"""Schedule-Free against its authors' package, and its mean weights as the ones that are judged and kept."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from schedulefree import AdamWScheduleFree, SGDScheduleFree
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn

import danlu
from danlu.errors import RecipeError
from danlu.training import checkpoint
from danlu.training.events import Evaluated
from danlu.training.fitting import as_feed
from danlu.training.optimisers.base import load_state, state_tensors
from danlu.training.optimisers.schedule_free import ScheduleFree
from danlu.training.plan import CheckpointPolicy, Plan
from tests.training.feeds import Recorder

THEIRS: dict[str, Any] = {
    "adamw": lambda groups, **args: AdamWScheduleFree(groups, betas=(0.8, 0.99), **args),
    "sgd": lambda groups, **args: SGDScheduleFree(groups, momentum=0.8, **args),
}


def data(rows: int = 64) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(1)
    return torch.randn(rows, 4, generator=draw), torch.randint(0, 3, (rows,), generator=draw)


def net(norm: bool = True) -> nn.Sequential:
    torch.manual_seed(0)
    middle: list[nn.Module] = [nn.BatchNorm1d(8)] if norm else []
    return nn.Sequential(nn.Linear(4, 8), *middle, nn.Tanh(), nn.Linear(8, 3))


def same(one: nn.Module, other: nn.Module) -> None:
    for name, value in one.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), name


@pytest.mark.parametrize("form", THEIRS)
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_it_takes_its_authors_steps(form: str, decay: float) -> None:
    """Bit for bit, at rates that rise and fall, while training and as judged; also from a state that was saved half-way."""
    ours, theirs = net(), net()
    made = ScheduleFree(
        [{"params": list(ours.parameters())}], lr=0.1, weight_decay=decay, form=form, momentum=0.8, beta2=0.99
    )  # type: ignore[arg-type]
    other = THEIRS[form](theirs.parameters(), lr=0.1, weight_decay=decay)
    other.train()
    inputs, labels = data()
    names = {p: name for name, p in ours.named_parameters()}
    for step in range(12):
        if step == 6:
            kept = {key: value.clone() for key, value in state_tensors(made, names).items()}
            made = ScheduleFree(
                [{"params": list(ours.parameters())}], lr=9.0, weight_decay=decay, form=form, momentum=0.8, beta2=0.99
            )  # type: ignore[arg-type]
            load_state(made, names, kept)
        for model, optimizer in ((ours, made), (theirs, other)):
            optimizer.param_groups[0]["lr"] = (0.02, 0.06, 0.1, 0.05)[step % 4]
            F.cross_entropy(model(inputs), labels).backward()
            optimizer.step()
            optimizer.zero_grad()
        same(ours, theirs)
    means = [made.mean(p) for p in ours.parameters()]
    other.eval()
    for mean, parameter in zip(means, theirs.parameters(), strict=True):
        assert torch.equal(mean, parameter)


def test_the_mean_is_that_of_the_steps() -> None:
    """At one rate: x is the plain mean of all z after a step, y between z and x."""
    place = nn.Parameter(torch.tensor([1.0, -2.0], dtype=torch.float64))
    optimizer = ScheduleFree([{"params": [place]}], lr=0.1, form="sgd", momentum=0.75)
    z, visited = place.detach().clone(), []
    for step in range(9):
        slope = torch.tensor([1.0, 4.0], dtype=torch.float64) * place.detach() + (-1) ** step
        place.grad = slope
        optimizer.step()
        z = z - 0.1 * slope
        visited.append(z)
        mean = torch.stack(visited).mean(0)
        torch.testing.assert_close(optimizer.mean(place), mean)
        torch.testing.assert_close(place.detach(), 0.25 * z + 0.75 * mean)


def trained(model: nn.Module, **more: Any) -> tuple[Any, Recorder]:
    told = Recorder()
    given = {"optimizer": "schedule-free", "lr": 0.02, "schedule": "constant", "batch_size": 16, "epochs": 4, **more}
    fitted = danlu.fit(model, F.cross_entropy, data(), watchers=(told,), **given)
    return fitted, told


def by_hand(epochs: int) -> nn.Module:
    """Of the authors' package, with batch norm's statistics of the last epoch's batches."""
    model = net()
    decayed, others = [p for p in model.parameters() if p.ndim > 1], [p for p in model.parameters() if p.ndim < 2]
    optimizer = AdamWScheduleFree([{"params": decayed, "weight_decay": 0.01}, {"params": others}], lr=0.02)
    optimizer.train()
    inputs, labels = data()
    feed = as_feed(data(), 16, Plan())
    for epoch in range(epochs):
        rows = [torch.as_tensor(batch.rows) for batch in feed.epoch(epoch)]
        for some in rows:
            F.cross_entropy(model(inputs[some]), labels[some]).backward()
            optimizer.step()
            optimizer.zero_grad()
    optimizer.eval()
    update_bn([inputs[some] for some in rows], model)
    return model.eval()


def test_the_mean_weights_are_judged_and_given_back() -> None:
    fitted, told = trained(net(), validation=data())
    wanted = by_hand(4)
    for name, value in wanted.state_dict().items():
        torch.testing.assert_close(fitted.net.state_dict()[name], value, msg=name)
    inputs, labels = data()
    losses = [each.values["val/loss"] for each in told.events if isinstance(each, Evaluated)]
    assert losses[-1] == pytest.approx(F.cross_entropy(wanted(inputs), labels).item(), rel=1e-5)
    assert losses[1] == pytest.approx(F.cross_entropy(by_hand(2)(inputs), labels).item(), rel=1e-5)


def test_being_judged_changes_no_step() -> None:
    often, seldom, never = net(), net(), net()
    trained(often, validation=data())
    trained(seldom, validation=data(), evaluate_every=3)
    trained(never)
    same(often, seldom)
    same(often, never)


def test_it_resumes_to_the_same_bits(tmp_path: Path) -> None:
    more: dict[str, Any] = {"validation": data(), "warmup": 3, "checkpoint": CheckpointPolicy(None, 6, None, None, 9)}
    whole, _ = trained(net(), folder=tmp_path / "whole", **more)
    shutil.copytree(tmp_path / "whole" / "000006", tmp_path / "cut" / "000006")
    again, _ = trained(net(), folder=tmp_path / "cut", resume=True, **more)
    same(whole.net, again.net)
    one, other = (checkpoint.load(tmp_path / name / "000016") for name in ("whole", "cut"))
    assert one.tensors.keys() == other.tensors.keys() == {"net", "optimizer", "ema"}
    for group, tensors in one.tensors.items():
        for name, value in tensors.items():
            assert torch.equal(value, other.tensors[group][name]), name


def test_a_checkpoint_holds_the_mean_of_its_own_step(tmp_path: Path) -> None:
    """Also between evaluations: whoever takes its weights gets those that are meant."""
    model = net(norm=False)
    trained(model, folder=tmp_path, checkpoint=CheckpointPolicy(None, 5, None, None, 9))
    kept = checkpoint.load(tmp_path / "000005").tensors
    for name, value in kept["ema"].items():
        expected = torch.lerp(kept["net"][name], kept["optimizer"][f"{name}/z"], 1 - 1 / 0.9)
        assert torch.equal(value, expected)
        assert not torch.equal(value, kept["net"][name])


def test_at_a_constant_rate_its_mean_is_nearer_than_the_last_step() -> None:
    """Noisy least squares: SGD goes on swinging about the solution."""
    draw = torch.Generator().manual_seed(5)
    inputs = torch.randn(512, 5, generator=draw, dtype=torch.float64)
    truth = torch.arange(1.0, 6.0, dtype=torch.float64)
    targets = inputs @ truth + torch.randn(512, generator=draw, dtype=torch.float64)
    best = torch.linalg.lstsq(inputs, targets[:, None]).solution[:, 0]
    far = {}
    for name, more in (("sgd", {}), ("schedule-free", {"form": "sgd"})):
        layer = nn.Linear(5, 1, bias=False, dtype=torch.float64)
        with torch.no_grad():
            layer.weight.zero_()

        def make(groups: Any, name: str = name, more: Any = more, **own: Any) -> torch.optim.Optimizer:
            return ScheduleFree(groups, **own, **more) if name != "sgd" else torch.optim.SGD(groups, **own)

        given: dict[str, Any] = {"optimizer": make, "lr": 0.1, "decay": 0.0, "schedule": "constant"}
        fitted = danlu.fit(layer, F.mse_loss, (inputs, targets[:, None]), batch_size=4, epochs=8, **given)
        far[name] = float((fitted.net.weight.detach()[0] - best).norm())
    assert far["schedule-free"] < far["sgd"] / 3


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"schedule": "cosine"}, "replaces the falling rate"),
        ({"ema": 0.9}, "averages the weights by itself"),
        ({"swa": 0.5}, "averages the weights by itself"),
        ({"l1": 0.1, "proximal": True}, "a proximal step"),
    ],
)
def test_what_does_its_work_again_is_refused(more: dict[str, Any], what: str) -> None:
    before = copy.deepcopy(net())
    model = net()
    with pytest.raises(RecipeError, match=what):
        trained(model, **more)
    same(model, before)
