"""Recurrent layers in a graph: any number of samples and steps, from any first state, as torch computes them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from danlu.deploy.engine import Engine
from danlu.deploy.graph import write_further
from danlu.deploy.recurrent import as_operators
from danlu.nn.nets.text_classifier import TextClassifier
from danlu.tasks.base import Further

CELLS: Mapping[str, type[nn.RNNBase]] = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
SIZES = ((3, 7), (1, 1), (2, 40))


class Begun(nn.Module):
    """A layer that is given its first hidden state."""

    def __init__(self, cell: nn.RNNBase, given: bool) -> None:
        super().__init__()
        self.cell, self.given = cell, given

    def forward(self, x: Tensor, state: Tensor) -> list[Tensor]:
        begun = ((state, -state) if isinstance(self.cell, nn.LSTM) else state) if self.given else None
        out, last = self.cell(x, begun)
        return [out + state.mean() * 0, *(last if isinstance(last, tuple) else (last,))]


def written(module: nn.Module, given: Mapping[str, Tensor], free: Mapping[str, list[int]], path: Path) -> Engine:
    structure = write_further(Further(module.eval(), given, free), path)
    return Engine(path.parent, path, structure, threads=1)


SLOW = pytest.mark.slow
BOTH = {"batch_first": True, "bidirectional": True}


@pytest.mark.parametrize(
    ("cell", "settings", "given"),
    [
        ("lstm", {**BOTH, "num_layers": 2}, True),
        pytest.param("lstm", {**BOTH, "num_layers": 2}, False, marks=SLOW),
        ("gru", {"batch_first": True, "bias": False}, False),
        pytest.param("gru", BOTH, True, marks=SLOW),
        pytest.param("rnn", {"batch_first": True, "num_layers": 2}, True, marks=SLOW),
        pytest.param("rnn", {**BOTH, "nonlinearity": "relu"}, False, marks=SLOW),
    ],
)
def test_the_operator_computes_what_torch_does(
    cell: str, settings: dict[str, Any], given: bool, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    layer = CELLS[cell](5, 6, **settings)  # type: ignore[arg-type]
    states = settings.get("num_layers", 1) * (1 + settings.get("bidirectional", False))
    # The batch comes first in every tensor of a graph: a state is turned around inside of it.
    module = _Turned(Begun(layer, given))
    example = {"x": torch.randn(3, 7, 5), "state": torch.randn(3, states, 6)}
    engine = written(module, example, {"x": [1]}, tmp_path / "net.onnx")
    for batch, time in SIZES:
        x, state = torch.randn(batch, time, 5), torch.randn(batch, states, 6)
        found = engine({"x": x.numpy(), "state": state.numpy()})
        with torch.no_grad():
            wanted = module(x, state)
        for one, other in zip(found, wanted, strict=True):
            assert np.abs(one - other.numpy()).max() < 1e-5


class _Turned(nn.Module):
    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Tensor, state: Tensor) -> list[Tensor]:
        found: list[Tensor] = self.module(x, state.transpose(0, 1))
        return found


@SLOW
def test_time_may_come_first(tmp_path: Path) -> None:
    torch.manual_seed(0)
    layer = nn.LSTM(4, 3).eval()

    class Turned(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = layer

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.layer(x.transpose(0, 1))[0].transpose(0, 1)
            return out

    engine = written(Turned(), {"x": torch.randn(3, 7, 4)}, {"x": [1]}, tmp_path / "net.onnx")
    x = torch.randn(2, 9, 4)
    assert np.abs(engine({"x": x.numpy()}) - layer(x.transpose(0, 1))[0].transpose(0, 1).detach().numpy()).max() < 1e-5


def test_afterwards_the_layer_is_itself() -> None:
    layer = nn.LSTM(4, 3, batch_first=True).eval()
    x = torch.randn(2, 5, 4)
    before = layer(x)[0]
    with pytest.raises(ZeroDivisionError), as_operators(layer):
        raise ZeroDivisionError
    assert torch.equal(layer(x)[0], before)
    assert "forward" not in vars(layer)


class _Words(nn.Module):
    """The net called as a graph calls it: ids and their numbers."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, ids: Tensor, sizes: Tensor) -> Tensor:
        logits: Tensor = self.net(ids, sizes)
        return logits


@pytest.mark.parametrize(
    ("cell", "both", "pool"),
    [
        ("rnn", True, "max"),
        *(
            pytest.param(*each, marks=SLOW)
            for each in itertools.product(CELLS, (False, True), ("last", "mean", "max", "attention"))
        ),
    ],
)
def test_texts_of_any_length_are_answered_as_by_the_net(cell: Any, both: bool, pool: Any, tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = TextClassifier(50, 4, embedding=8, hidden=6, cell=cell, bidirectional=both, pool=pool, layers=2).eval()
    example = {"ids": torch.randint(1, 50, (3, 7)), "sizes": torch.tensor([[7], [3], [1]])}
    engine = written(_Words(net), example, {"ids": [1]}, tmp_path / "net.onnx")
    draw = np.random.default_rng(0)
    for batch, time in ((1, 1), (1, 90), (4, 13)):
        ids, sizes = draw.integers(1, 50, (batch, time)), draw.integers(1, time + 1, (batch, 1))
        ids[np.arange(time) >= sizes] = 0
        found = engine({"ids": ids, "sizes": sizes})
        with torch.no_grad():
            assert np.abs(found - net(torch.from_numpy(ids), torch.from_numpy(sizes)).numpy()).max() < 1e-5
