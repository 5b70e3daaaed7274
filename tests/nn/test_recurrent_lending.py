"""Recurrent layers that lend their work while training passes through them, and are torch's everywhere else."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from danlu.data.batches.batch import Batch, Padded
from danlu.nn import lending
from danlu.nn.dropout import drop
from danlu.nn.native.building import NoKernelError
from danlu.nn.nets.text_classifier import TextClassifier
from danlu.nn.recurrent import kernel, layers
from danlu.nn.terms.mse import MSE
from danlu.training.objective import Objective
from danlu.training.precision import Precision
from danlu.training.slots.cached import CachedGradients

pytestmark = pytest.mark.skipif(
    shutil.which("cc") is None or kernel.missing() is not None, reason="no C compiler, or a processor without tiles"
)
HALF = torch.autocast("cpu", torch.bfloat16)


class Reader(nn.Module):
    """A layer, and what a net does with it."""

    def __init__(self, part: nn.Module, how: Callable[[nn.Module, Tensor], Any] = lambda part, x: part(x)) -> None:
        super().__init__()
        self.part, self.how = part, how

    def forward(self, x: Tensor) -> Any:
        return self.how(self.part, x)


def numbers(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(autouse=True)
def _short_ones_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "_SOON", 1)


def layer(*sizes: int, cell: type[Any] = nn.LSTM, **told: Any) -> Any:
    torch.manual_seed(0)
    return cell(*sizes, **told)


def nodes(found: Tensor) -> set[str]:
    """Names of what it was worked out by."""
    names, left = set(), [found.grad_fn]
    while left:
        node = left.pop()
        if node is not None and type(node).__name__ not in names:
            names.add(type(node).__name__)
            left += [each for each, _ in node.next_functions]
    return names


@pytest.mark.parametrize("told", [{}, {"bidirectional": True, "num_layers": 3}, {"num_layers": 2, "bias": False}])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("cell", [nn.LSTM, nn.GRU])
def test_torchs_layer_learns_the_same(told: dict[str, Any], first: bool, cell: type[Any]) -> None:
    mine = layer(20, 24, cell=cell, batch_first=first, **told)
    other, x = copy.deepcopy(mine), numbers(6, 9, 20)
    found = []
    for part, forward in ((mine, lending.forward(Reader(mine))), (other, other)):
        given = x.clone().requires_grad_()
        with HALF:
            y, ends = forward(given)
        ends = ends if isinstance(ends, tuple) else (ends,)
        (y.square().sum() + sum(end.float().square().sum() for end in ends)).backward()
        found.append([y, *ends, given.grad, *(p.grad for p in part.parameters())])
    assert "LayerBackward" in nodes(found[0][0])
    for one, its in zip(*found, strict=True):
        assert one.shape == its.shape
        assert one.dtype == its.dtype
        assert float((one.detach().float() - its.detach().float()).norm() / its.detach().float().norm()) < 0.03


def test_dropout_lies_between_layers() -> None:
    """Two layers at once are two with torch's numbers drawn between them."""
    both, x = layer(20, 24, num_layers=2, dropout=0.5), numbers(6, 9, 20)
    parts = [layer(20, 24), layer(24, 24)]
    for i, part in enumerate(parts):
        for name, p in part.named_parameters():
            p.data = getattr(both, name.replace("l0", f"l{i}")).data
    torch.manual_seed(5)
    with HALF:
        y, _ = lending.forward(Reader(both))(x)
    torch.manual_seed(5)
    with HALF:
        between = drop(lending.forward(Reader(parts[0]))(x)[0], 0.5)
        wanted, _ = lending.forward(Reader(parts[1]))(between)
    assert torch.equal(y, wanted)
    both.eval()
    with HALF:
        one, other = (lending.forward(Reader(both))(x)[0] for _ in range(2))
    assert torch.equal(one, other)


@pytest.mark.parametrize(
    ("how", "wrap"),
    [
        (lambda part, x: part(x), torch.autocast("cpu", enabled=False)),
        (lambda part, x: part(x, (x.new_zeros(1, 9, 24), x.new_zeros(1, 9, 24))), HALF),
        (lambda part, x: part(x[:, 0]), HALF),
        (lambda part, x: part(nn.utils.rnn.pack_padded_sequence(x, torch.full((9,), 6)))[0].data, HALF),
        (lambda part, x: checkpoint(part, x, use_reentrant=False), HALF),
    ],
    ids=["float32", "states given", "one row", "packed", "checkpointed"],
)
def test_what_the_kernel_does_not_know_keeps_torchs_bits(how: Callable[..., Any], wrap: Any) -> None:
    mine = layer(20, 24)
    other, x = copy.deepcopy(mine), numbers(6, 9, 20)
    found = []
    for forward in (lending.forward(Reader(mine, how)), Reader(other, how)):
        with wrap:
            y = forward(x)
        y = y[0] if isinstance(y, tuple) else y
        y.float().square().sum().backward()
        found.append(y.detach())
    assert torch.equal(*found)
    for one, its in zip(mine.parameters(), other.parameters(), strict=True):
        assert torch.equal(one.grad, its.grad)  # type: ignore[arg-type]


def test_other_layers_and_weights_that_were_changed_are_torchs() -> None:
    class Own(nn.LSTM):
        pass

    x = numbers(6, 9, 20)
    for part in (Own(20, 24), nn.LSTM(20, 24, proj_size=8), nn.RNN(20, 24)):
        net = Reader(part)
        assert lending.forward(net) is net
    part = layer(20, 24)
    forward = lending.forward(Reader(part))
    with HALF:
        assert "LayerBackward" in nodes(forward(x)[0])
        with torch.no_grad():
            assert forward(x)[0].grad_fn is None
        part.hidden_size = 12
        assert "LayerBackward" not in nodes(forward(x)[0])
        part.hidden_size = 24
        part.double()
        assert "LayerBackward" not in nodes(forward(x.double())[0])


@pytest.mark.parametrize("cell", [nn.LSTM, nn.GRU])
def test_weights_that_are_put_in_for_one_call_are_read(cell: type[Any]) -> None:
    """By functional_call, as gradients of gradients' steps are taken; afterwards the layer's own again."""
    part, x = layer(20, 24, cell=cell), numbers(6, 9, 20)
    others = {name: p.detach() * 2 for name, p in part.named_parameters()}
    double = copy.deepcopy(part)
    double.load_state_dict(others)
    doubled = Reader(part, lambda part, x: torch.func.functional_call(part, others, (x,)))
    for net, wanted in ((doubled, double), (Reader(part), part), (doubled, double)):
        with HALF:
            found = lending.forward(net)(x)[0].float()
        y = wanted(x)[0]
        assert float((found - y).detach().norm() / y.detach().norm()) < 0.02


def test_a_text_net_reads_weights_that_are_put_in_for_one_call() -> None:
    torch.manual_seed(0)
    net = TextClassifier(50, 3, embedding=20, hidden=24, bidirectional=True)
    others = {name: p.detach() * 2 for name, p in net.named_parameters()}
    double = copy.deepcopy(net)
    double.load_state_dict(others)
    outer = Reader(net, lambda net, texts: torch.func.functional_call(net, others, (texts,)))
    with HALF:
        found, wanted = lending.forward(outer)(_texts()), lending.forward(double)(_texts())  # type: ignore[arg-type]
    assert "LayerBackward" in nodes(wanted)
    assert torch.equal(found, wanted)


def test_what_torch_does_sooner_is_left_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A GRU of few times, or very wide ones."""
    monkeypatch.undo()
    for cell, times, units, mine in (
        (nn.LSTM, 1, 24, True),
        (nn.GRU, 7, 24, False),
        (nn.GRU, 8, 24, True),
        (nn.GRU, 8, 513, False),
    ):
        with HALF:
            y, _ = lending.forward(Reader(layer(20, units, cell=cell)))(numbers(times, 3, 20))
        assert ("LayerBackward" in nodes(y)) is mine


def test_hooks_see_what_comes_out_and_the_net_stays_what_it_is() -> None:
    part, seen = layer(20, 24), []
    net = Reader(part)
    before = sorted(vars(part))
    part.register_forward_hook(lambda part, given, found: seen.append(found[0].shape))
    with HALF:
        lending.forward(net)(numbers(6, 9, 20))
    assert seen == [(6, 9, 24)]
    assert sorted(vars(part)) == before


def test_a_second_derivative_is_refused_as_torch_refuses_it() -> None:
    x = numbers(6, 9, 20).requires_grad_()
    with HALF:
        y, _ = lending.forward(Reader(layer(20, 24)))(x)
    (slope,) = torch.autograd.grad(y.float().square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        slope.sum().backward()


def _texts(more: int = 0) -> Padded:
    draws = torch.Generator().manual_seed(1)
    texts = [torch.randint(1, 50, (size,), generator=draws) for size in (3, 1, 19, 7, 19, 2)]
    block = torch.nn.utils.rnn.pad_sequence(texts, batch_first=True)
    return Padded(torch.nn.functional.pad(block, (0, more)), torch.tensor([[len(text)] for text in texts]))


@pytest.mark.parametrize("pool", ["last", "mean", "max", "attention"])
@pytest.mark.parametrize("both", [True, False])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_a_text_net_learns_the_same_and_padding_nothing(pool: Any, both: bool, cell: Any) -> None:
    torch.manual_seed(0)
    mine = TextClassifier(50, 3, embedding=20, hidden=24, cell=cell, layers=2, bidirectional=both, pool=pool)
    for p in mine.parameters():
        p.data *= 2
    other, found = copy.deepcopy(mine).double(), []
    for net, forward, texts in (
        (mine, lending.forward(mine), _texts()),
        (mine, lending.forward(mine), _texts(5)),
        (other, other, _texts()),
    ):
        net.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=net is mine):
            y = forward(texts)
        if net is mine:
            assert "LayerBackward" in nodes(y)
            assert "MkldnnRnnLayerBackward0" not in nodes(y)
        y.square().sum().backward()
        found.append([y.detach(), *(p.grad.clone() for p in net.parameters())])  # type: ignore[union-attr]
    assert not found[1][1][0].any()  # of the padding token
    one, padded, its = (torch.cat([each.flatten().double() for each in outcome]) for outcome in found)
    assert float((one - padded).norm()) <= 5e-3 * float(its.norm())
    apart = (one - its).abs()
    assert float(apart[: 3 * 6].norm()) <= 0.02 * float(its[: 3 * 6].norm())
    # Where two values are nearly the largest, another one may learn.
    assert float(apart.norm()) <= (0.3 if pool == "max" else 0.02) * float(its.norm())


def test_whoever_hooks_a_direction_sees_it() -> None:
    torch.manual_seed(0)
    net, seen = TextClassifier(50, 3, embedding=20, hidden=24, bidirectional=True), []
    net.backwards[0].register_forward_hook(lambda part, given, found: seen.append(found[0].shape))
    with HALF:
        lending.forward(net)(_texts())
    assert seen == [(6, 19, 24)]


def test_without_a_kernel_the_net_is_its_own_forward(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "missing", lambda: NoKernelError("compiler"))
    net = TextClassifier(50, 3)
    assert lending.forward(net) is net


@pytest.mark.parametrize("cell", [nn.LSTM, nn.GRU])
def test_cached_gradients_go_forward_twice_alike(cell: type[Any]) -> None:
    """Where samples are compared: the gradient is passed back through the values that it was taken at, dropped ones too."""
    seen: list[Tensor] = []
    by: list[set[str]] = []

    def read(part: nn.Module, x: Tensor) -> Tensor:
        y: Tensor = part(x)[0][:, -1].float()
        seen.append(y.detach())
        by.append(nodes(y))
        return y

    net = Reader(layer(20, 24, cell=cell, num_layers=2, dropout=0.5, batch_first=True), read)
    micros = [
        Batch({"x": numbers(size, 6, 20, seed=size), "label": numbers(size, 24)}, ("x",), np.arange(size))
        for size in (5, 3)
    ]
    cached = CachedGradients(
        net, Objective({"mse": MSE("label")}), Precision("bf16", torch.device("cpu")), lending.forward(net)
    )
    cached.backward(micros, lambda index: torch.manual_seed(index))
    assert "LayerBackward" in by[3]
    assert torch.equal(seen[0], seen[2])
    assert torch.equal(seen[1], seen[3])
    assert net.part.weight_hh_l0.grad is not None
