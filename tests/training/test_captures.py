"""What layers give out, against the same net computed by hand; and that the net which is watched notices nothing."""

from __future__ import annotations

import copy
import math
import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from danlu.data.batches.batch import Batch
from danlu.errors import TrainingError
from danlu.nn.moments import moments
from danlu.nn.terms.cross_entropy import CrossEntropy
from danlu.randomness import Position
from danlu.training.captures import Activation, activations, of_batch, replica
from danlu.training.objective import Objective
from danlu.training.precision import Precision
from danlu.training.randomness import reseed


class Block(nn.Module):
    """Batch norm, then a ReLU in its place, called twice; a functional ReLU on the sum; dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.act = nn.ReLU(inplace=True)
        self.second = nn.Conv2d(4, 4, 3, padding=1)
        self.drop = nn.Dropout(0.5)
        self.head = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 5))

    def forward(self, x: Tensor) -> Tensor:
        x = self.act(self.norm(self.first(x)))
        x = F.relu(x + self.act(self.second(x)))
        return self.head(self.drop(x.mean((2, 3))))  # type: ignore[no-any-return]


def by_hand(net: Block, x: Tensor) -> dict[str, Tensor]:
    """The same outputs, each of its own, with their gradients kept."""
    out: dict[str, Tensor] = {}
    out["first"] = net.first(x)
    out["norm"] = net.norm(out["first"])
    out["act"] = out["norm"].relu()
    out["second"] = net.second(out["act"])
    out["act 1"] = out["second"].relu()
    out["F.relu"] = (out["act"] + out["act 1"]).relu()
    out["drop"] = net.drop(out["F.relu"].mean((2, 3)))
    out["head.0"] = net.head[0](out["drop"])
    out["head.1"] = out["head.0"].tanh()
    out["head.2"] = net.head[2](out["head.1"])
    for value in out.values():
        value.retain_grad()
    return out


def drawn() -> tuple[Block, Tensor, Tensor]:
    torch.manual_seed(1)
    net = Block()
    with torch.no_grad():
        net.norm.bias[1] = -40.0  # a channel that never comes to life
        net.head[0].weight[2] *= 300  # a unit that is saturated
    return net, torch.randn(6, 3, 5, 5), torch.tensor([0, 1, 2, 3, 4, 0])


def named(found: tuple[Activation, ...]) -> dict[str, Activation]:
    names = [a.kind if a.kind.startswith("F.") else f"{a.layer} {a.call}" if a.call else a.layer for a in found]
    assert len(set(names)) == len(names)
    return dict(zip(names, found, strict=True))


def test_outputs_and_gradients_are_those_of_the_net() -> None:
    net, x, labels = drawn()
    at = Position(3, 1, 7, 2)
    found = named(activations(net, (x,), loss=lambda y: F.cross_entropy(y, labels), position=at))
    doubled = copy.deepcopy(net)
    reseed(at)
    expected = by_hand(doubled, x)
    F.cross_entropy(expected["head.2"], labels).backward()
    assert list(found) == list(expected)
    for name, value in expected.items():
        assert found[name].shape == tuple(value.shape), name
        assert found[name].figures == moments(value, (), 0), name
        assert value.grad is not None
        assert found[name].gradient == pytest.approx(value.grad.double().norm().item(), rel=1e-5), name
        assert found[name].gradient_odd == 0
    assert found["act"].kind == "ReLU"
    assert found["F.relu"].layer == ""


def test_dead_and_saturated_shares() -> None:
    net, x, _ = drawn()
    found, expected = named(activations(net, (x,), position=Position(0))), by_hand_seeded(net, x)
    for name in ("act", "act 1", "F.relu"):
        dead = (expected[name] <= 0).all(0).flatten(1).all(1).double().mean().item()
        assert found[name].dead == pytest.approx(dead)
    assert found["act"].dead == 0.25
    assert found["head.1"].saturated == pytest.approx((expected["head.1"].abs() > 0.97).double().mean().item())
    assert found["head.1"].saturated > 0  # type: ignore[operator]
    assert all(found[name].dead is None for name in ("first", "norm", "head.0", "head.1"))
    assert all(found[name].saturated is None for name in ("first", "act"))
    assert all(each.gradient is None for each in found.values())


def by_hand_seeded(net: Block, x: Tensor) -> dict[str, Tensor]:
    doubled = copy.deepcopy(net)
    reseed(Position(0))
    return by_hand(doubled, x)


@pytest.mark.parametrize(("linear", "dead"), [(True, 1 / 4), (False, 0.0)])
def test_where_the_units_stand(linear: bool, dead: float) -> None:
    """(B, 3, 4): after a linear layer the 4 are units, of which one is dead; after a convolution the 3 are."""
    net = nn.Sequential(nn.Linear(4, 4) if linear else nn.Conv1d(3, 3, 1), nn.ReLU())
    x = torch.rand(2, 3, 4) + 1
    with torch.no_grad():
        net[0].weight.copy_(torch.eye(4 if linear else 3).reshape(net[0].weight.shape))
        net[0].bias.zero_()
    x[..., 1] = -1
    assert activations(net, (x,))[-1].dead == dead


def test_sigmoids_and_nan() -> None:
    net = nn.Sequential(nn.Identity(), nn.Sigmoid(), nn.ReLU())
    found = activations(net, (torch.tensor([[-9.0, 0.0, 9.0, math.nan]]),))
    assert [each.kind for each in found] == ["Identity", "Sigmoid", "ReLU"]
    assert found[1].saturated == 0.5
    assert (found[1].figures.nan, found[2].figures.nan) == (1, 1)
    assert found[2].dead == 0  # NaN is not dead


def test_gradients_that_are_not_finite_are_counted() -> None:
    net = nn.Sequential(nn.Linear(2, 3), nn.Identity())
    first = activations(net, (torch.ones(1, 2),), loss=lambda y: (y * torch.tensor([1.0, math.inf, 2.0])).sum())[0]
    assert first.gradient == pytest.approx(math.sqrt(5))  # of the finite values
    assert first.gradient_odd == 1


def test_layers_that_only_hand_on_are_left_out() -> None:
    net = nn.Sequential(nn.Sequential(nn.Linear(2, 2), nn.Identity()), nn.Dropout(0.5)).eval()
    assert [each.layer for each in activations(net, (torch.ones(1, 2),))] == ["0.0"]


def test_outputs_of_many_parts() -> None:
    class Many(nn.Module):
        def forward(self, x: Tensor) -> dict[str, Any]:
            return {"a": [x + 1, (x * 2,)], "index": x.argmax(), "none": None}

    assert [each.output for each in activations(Many(), (torch.ones(2),))] == ["a.0", "a.1.0"]


@pytest.mark.filterwarnings("ignore:Full backward hook is firing")
def test_the_net_notices_nothing() -> None:
    net, x, labels = drawn()
    calls: list[str] = []
    net.first.register_forward_hook(lambda *_: calls.append("forward"))
    net.first.register_forward_pre_hook(lambda *_: calls.append("before"))
    net.first.register_full_backward_hook(lambda *_: calls.append("backward"))
    net.first.weight.register_post_accumulate_grad_hook(lambda *_: calls.append("gradient"))
    F.cross_entropy(net(x), labels).backward()
    calls.clear()
    kept = {name: value.clone() for name, value in net.state_dict().items()}
    slopes = {name: p.grad.clone() for name, p in net.named_parameters() if p.grad is not None}
    assert slopes
    drawn_from = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].copy()  # type: ignore[union-attr]
    input_before, hooks = x.clone(), [len(module._forward_hooks) for module in net.modules()]

    class Loss(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(()))

        def forward(self, y: Tensor) -> Tensor:
            return F.cross_entropy(y, labels) * self.scale * random.random() * float(np.random.rand())

    loss = Loss()
    activations(net, (x,), loss=loss, position=Position(1))
    assert not calls
    assert net.training
    assert loss.scale.grad is None
    torch.testing.assert_close(net.state_dict(), kept, rtol=0, atol=0)
    for name, p in net.named_parameters():
        assert torch.equal(p.grad, slopes[name])  # type: ignore[arg-type]
    assert torch.equal(torch.get_rng_state(), drawn_from[0])
    assert random.getstate() == drawn_from[1]
    assert np.array_equal(np.random.get_state()[1], drawn_from[2])  # type: ignore[index]
    assert torch.equal(x, input_before)
    assert [len(module._forward_hooks) for module in net.modules()] == hooks


def test_inputs_are_not_changed_in_place() -> None:
    x = torch.tensor([[-1.0, 2.0]])
    assert activations(nn.ReLU(inplace=True), (x,), loss=lambda y: y.sum())[0].gradient is None
    assert x.tolist() == [[-1.0, 2.0]]


def test_in_inference_mode_too() -> None:
    with torch.inference_mode():
        net, x = nn.Linear(2, 2), torch.ones(1, 2)
    with torch.inference_mode():
        found = activations(nn.Sequential(nn.ReLU()), (x,))
    assert found[0].figures.mean == 1
    assert activations(net, (x,))[0].shape == (1, 2)


def test_modes_and_precision() -> None:
    net, x, _ = drawn()
    asleep = named(activations(net, (x,), training=False))
    assert net.training
    with torch.no_grad():
        expected = copy.deepcopy(net).eval()(x)
    assert asleep["head.2"].figures == moments(expected, (), 0)
    low = named(activations(net, (x,), precision=Precision("bf16", torch.device("cpu")), training=False))
    assert low["head.2"].figures != asleep["head.2"].figures
    assert low["head.2"].figures.mean == pytest.approx(asleep["head.2"].figures.mean, abs=0.05)


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_weights_that_are_computed_by_torchs_hooks() -> None:
    net = nn.Sequential(torch.nn.utils.weight_norm(nn.Linear(3, 2)), torch.nn.utils.spectral_norm(nn.Linear(2, 2)))
    x = torch.randn(4, 3)
    net(x)
    net.eval()
    with torch.no_grad():
        net[0].weight_g.mul_(3)
        expected = net(x)
    assert activations(net, (x,))[-1].figures == moments(expected, (), 0)
    assert not any(value.grad is not None for value in net.parameters())


def test_what_cannot_be_copied_is_said() -> None:
    net = nn.Linear(2, 2)
    net.file = (part for part in ())  # type: ignore[assignment]
    with pytest.raises(TrainingError, match="can't be copied"):
        replica(net)


def test_a_few_samples_of_a_batch() -> None:
    net, x, labels = drawn()
    batch = Batch({"image": x, "label": labels}, ("image",), np.arange(6), np.arange(6, dtype=np.uint64))
    objective = Objective({"ce": CrossEntropy("label")})
    at = Position(5, 0, 4)
    found = named(of_batch(net, objective, batch, position=at, samples=4))
    assert found["first"].shape[0] == 4
    few = named(activations(net, (x[:4],), loss=lambda y: F.cross_entropy(y, labels[:4]), position=at))
    for name, each in found.items():
        assert replace(each, gradient=None) == replace(few[name], gradient=None)
        assert each.gradient == pytest.approx(few[name].gradient, rel=1e-6)
    assert all(each.gradient is None for each in of_batch(net, None, batch))


@pytest.mark.slow
def test_a_compiled_net_runs_as_it_is_written() -> None:
    """Nothing is compiled, and each layer is seen."""
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU())
    built: list[int] = []

    def backend(graph: Any, inputs: Any) -> Any:
        built.append(1)
        return graph.forward

    compiled = torch.compile(net, backend=backend)
    found = activations(compiled, (torch.ones(2, 3),))  # type: ignore[arg-type]
    assert [each.kind for each in found] == ["Linear", "ReLU"]
    assert not built
