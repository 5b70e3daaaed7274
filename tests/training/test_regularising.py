"""Proximal L1, sharpness-aware steps and stochastic weight averages: against closed forms and plain loops, exact when resumed."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, update_bn

import danlu
from danlu.errors import RecipeError, RunError
from danlu.training.events import EpochDone, StepsDone
from danlu.training.fitting import as_feed
from danlu.training.plan import CheckpointPolicy, Plan
from tests.training.feeds import Recorder


def data(rows: int = 64) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(1)
    return torch.randn(rows, 4, generator=draw), torch.randint(0, 3, (rows,), generator=draw)


def net(norm: bool = True, dropout: float = 0.0) -> nn.Sequential:
    torch.manual_seed(0)
    middle: list[nn.Module] = [nn.BatchNorm1d(8)] if norm else []
    return nn.Sequential(nn.Linear(4, 8), *middle, nn.Tanh(), nn.Dropout(dropout), nn.Linear(8, 3))


def order(size: int, epochs: int) -> list[Tensor]:
    feed = as_feed(data(), size, Plan())
    return [torch.as_tensor(batch.rows) for epoch in range(epochs) for batch in feed.epoch(epoch)]


def trained(model: nn.Module, **more: Any) -> tuple[Any, Recorder]:
    told = Recorder()
    given = {"optimizer": "sgd", "lr": 0.1, "decay": 0.0, "schedule": "constant", "batch_size": 16, "epochs": 4, **more}
    fitted = danlu.fit(model, F.cross_entropy, data(), watchers=(told,), **given)
    return fitted, told


def assert_close(one: nn.Module, other: nn.Module) -> None:
    for name, value in one.state_dict().items():
        torch.testing.assert_close(value, other.state_dict()[name], rtol=1e-5, atol=1e-6)


# ---- proximal L1 ----------------------------------------------------------------------------------------------------


def test_the_proximal_step_solves_the_lasso() -> None:
    """Scikit-learn's coefficients, and just its zeros; the penalty's gradient reaches none."""
    from sklearn.linear_model import Lasso

    draw = np.random.default_rng(0)
    x = draw.normal(size=(80, 20))
    y = x[:, :4] @ np.array([3.0, -2.0, 1.0, 0.5]) + draw.normal(size=80) * 0.5
    theirs = Lasso(alpha=0.1, fit_intercept=False, tol=1e-12).fit(x, y).coef_
    pair = torch.tensor(x), torch.tensor(y)[:, None]
    found = {}
    for proximal in (True, False):
        ours = nn.Linear(20, 1, bias=False, dtype=torch.float64)
        told = Recorder()
        danlu.fit(
            ours, F.mse_loss, pair, batch_size=80, epochs=1500, optimizer="sgd", lr=0.02, decay=0.0, schedule="constant",
            l1=0.2, proximal=proximal, watchers=(told,),
        )  # fmt: skip
        found[proximal] = ours.weight.detach().numpy()[0]
    np.testing.assert_allclose(found[True], theirs, atol=1e-6)
    assert ((found[True] == 0) == (theirs == 0)).all()
    assert 5 < (theirs == 0).sum() < 19
    assert not (found[False] == 0).any()


def test_zeros_are_counted_and_biases_are_let_alone() -> None:
    model = net()
    _, told = trained(model, l1=0.3, proximal=True, epochs=6)
    zeros = int(sum((p == 0).sum() for p in model.parameters() if p.ndim > 1))
    assert told.of(EpochDone)[-1].values["train/zeros"] == zeros > 10
    assert not any((p == 0).any() for name, p in model.named_parameters() if name.endswith("bias") and "1" not in name)


def test_a_refused_step_shrinks_nothing() -> None:
    from danlu.training.slots.proximal import Proximal

    weight = nn.Parameter(torch.tensor([[1.0, -0.05, 0.3]]))
    weight.grad = torch.zeros_like(weight)
    slot = Proximal(torch.optim.SGD([weight], lr=0.5), [weight], 0.2)
    slot.apply(torch.tensor(1.0))
    assert weight.tolist() == [[1.0, pytest.approx(-0.05), pytest.approx(0.3)]]
    slot.apply(torch.tensor(0.0))
    torch.testing.assert_close(weight.detach(), torch.tensor([[0.9, 0.0, 0.2]]))
    assert slot.zeros() == 1


# ---- sharpness-aware ------------------------------------------------------------------------------------------------


def sam_by_hand(model: nn.Module, rho: float, epochs: int) -> None:
    """As in the paper's algorithm 1, statistics of the first pass."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True)
    x, y = data()
    for rows in order(16, epochs):
        model.train()
        parameters = list(model.parameters())
        gradients = torch.autograd.grad(F.cross_entropy(model(x[rows]), y[rows]), parameters)
        length = torch.cat([g.flatten() for g in gradients]).norm()
        high = copy.deepcopy(model)
        with torch.no_grad():
            for p, g in zip(high.parameters(), gradients, strict=True):
                p += rho * g / length
        there = torch.autograd.grad(F.cross_entropy(high(x[rows]), y[rows]), list(high.parameters()))
        for p, g in zip(parameters, there, strict=True):
            p.grad = g
        optimizer.step()


def test_sam_equals_the_papers_algorithm() -> None:
    ours, theirs, plain = net(), net(), net()
    trained(ours, sam=0.2)
    sam_by_hand(theirs, 0.2, 4)
    assert_close(ours, theirs)
    trained(plain)
    assert not torch.allclose(plain[0].weight, ours[0].weight, atol=1e-3)


def test_sam_of_micro_batches_is_that_of_the_whole() -> None:
    """1e-12 in float64, with dropout left out: its masks are drawn by micro-batch."""
    found = []
    for size, accumulate in ((16, 1), (4, 4)):
        model = net(norm=False).double()
        x, y = data()
        danlu.fit(
            model, F.cross_entropy, (x.double(), y), batch_size=size, accumulate=accumulate, epochs=3, sam=0.1, lr=0.1,
            optimizer="sgd", schedule="constant",
        )  # fmt: skip
        found.append(torch.cat([p.detach().flatten() for p in model.parameters()]))
    torch.testing.assert_close(found[0], found[1], rtol=1e-12, atol=1e-12)


def test_both_passes_drop_the_same_units() -> None:
    """Otherwise a step up the slope of nothing would change what is learnt."""
    ours, plain = net(dropout=0.5), net(dropout=0.5)
    trained(ours, sam=1e-12)
    trained(plain)
    for name, value in plain.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[name], value, rtol=1e-4, atol=1e-5)


# ---- averages at the ends of epochs ---------------------------------------------------------------------------------


def test_swa_is_torchs_average_with_fresh_statistics() -> None:
    epochs, start = 8, 4
    model, theirs = net(), net()
    fitted, told = trained(model, swa=0.5, epochs=epochs, schedule={"step": {"every": 2, "gamma": 0.5}})
    optimizer = torch.optim.SGD(theirs.parameters(), lr=0.1, momentum=0.9, nesterov=True)
    average = AveragedModel(theirs)
    x, y = data()
    rates = []
    for step, rows in enumerate(order(16, epochs)):
        theirs.train()
        optimizer.param_groups[0]["lr"] = 0.1 * 0.5 ** (min(step, 4 * start) // 8)  # held from there on
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.zero_grad()
        F.cross_entropy(theirs(x[rows]), y[rows]).backward()
        optimizer.step()
        if step % 4 == 3 and step >= 4 * start:
            average.update_parameters(theirs)
    assert int(average.n_averaged) == 4
    update_bn([(x[rows],) for rows in order(16, epochs)[-4:]], average)
    assert_close(fitted.net, average.module)
    assert [rate for block in told.of(StepsDone) for rate in block.values["lr"]] == pytest.approx(rates)


def test_before_it_begins_swa_is_the_net() -> None:
    model = net()
    fitted, _ = trained(model, swa=0.9, epochs=4, max_steps=8)
    fitted_again, _ = trained(net(), epochs=4, max_steps=8)
    assert fitted.steps == 8
    for name, value in fitted_again.net.state_dict().items():
        if "num_batches" not in name:
            torch.testing.assert_close(fitted.net.state_dict()[name], value)


def test_two_averages_are_refused() -> None:
    with pytest.raises(RecipeError, match="two averages"):
        trained(net(), swa=0.5, ema=0.9)


# ---- all of them ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "more", [{"l1": 0.05, "proximal": True}, {"sam": 0.1}, {"swa": 0.4}, {"swa": 0.4, "sam": 0.05, "l1": 0.01}]
)
def test_resumed_is_uninterrupted(tmp_path: Path, more: dict[str, Any]) -> None:
    given = {
        **more,
        "validation": data(32),
        "schedule": "one-cycle",
        "checkpoint": CheckpointPolicy(every_steps=3, keep=99),
    }
    whole, _ = trained(net(dropout=0.2), folder=tmp_path / "whole", **given)
    for stop in (3, 8, 12):
        shutil.copytree(tmp_path / "whole", tmp_path / f"{stop}")
        for path in (tmp_path / f"{stop}").iterdir():
            if path.name.isdigit() and int(path.name) > stop:
                shutil.rmtree(path)
        again, _ = trained(net(dropout=0.2), folder=tmp_path / f"{stop}", resume=True, **given)
        assert again.best == whole.best
        for name, value in whole.net.state_dict().items():
            assert torch.equal(value, again.net.state_dict()[name]), (stop, name)


@pytest.mark.parametrize("later", [{"ema": 0.9}, {"swa": 0.5}])
def test_an_average_that_a_checkpoint_lacks_is_told(tmp_path: Path, later: dict[str, Any]) -> None:
    trained(net(), folder=tmp_path)
    with pytest.raises(RunError, match="no average"):
        trained(net(), folder=tmp_path, resume=True, epochs=6, **later)


def test_a_feed_is_read_again_only_for_an_average_of_several() -> None:
    """Whatever kind of iterator somebody's feed makes: an epoch begun in vain may start processes."""

    class Counting:
        begun = 0

        def __init__(self) -> None:
            self.feed = as_feed(data(), 16, Plan())

        def __len__(self) -> int:
            return len(self.feed)

        def epoch(self, epoch: int, start: int = 0) -> Any:
            self.begun += 1
            return iter(list(self.feed.epoch(epoch, start)))

    for more, expected in (({}, 4), ({"swa": 0.5}, 5), ({"ema": 0.9}, 4)):
        feed = Counting()
        danlu.fit(net(), F.cross_entropy, feed, epochs=4, optimizer="sgd", lr=0.1, watchers=(Recorder(),), **more)
        assert feed.begun == expected, more


def test_a_penalty_of_what_does_not_learn_is_none() -> None:
    """The head holds no matrix: while it alone learns, nothing is penalised."""

    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Linear(4, 3)
            self.head = nn.LayerNorm(3)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.body(x))

    model = Scaled()
    before = model.body.weight.detach().clone()
    trained(model, l1=0.1, unfreeze="frozen")
    assert torch.equal(model.body.weight, before)
