"""TabM's members are what separate nets with scaled weights would be; embeddings of numbers are their formulas."""

from __future__ import annotations

import math

import numpy as np
import torch

from danlu.nn.nets.table_mlp import TableMLP
from danlu.nn.nets.tabm import TabM
from danlu.nn.numeric import Periodic, Piecewise


def test_a_member_is_a_net_of_its_own() -> None:
    net = TabM(3, (4,), 2, members=5, width=8, depth=2, embedding="none", dropout=0.0).double().eval()
    x = torch.cat([torch.randn(7, 3), torch.randint(4, (7, 1)).float()], 1).double()
    found = net(x)
    assert found.shape == (7, 5, 2)
    start = torch.cat([x[:, :3], net.categories[0](x[:, 3].long())], 1)
    for member in range(5):
        hidden = start
        for layer in net.layers:
            weight = layer.after[member, :, None] * layer.linear.weight * layer.before[member]  # type: ignore[index,union-attr]
            hidden = torch.relu(hidden @ weight.T + layer.bias[member])  # type: ignore[index,operator]
        wanted = hidden @ net.head.weight[member] + net.head.bias[member]
        torch.testing.assert_close(found[:, member], wanted)
    assert not torch.allclose(found[:, 0], found[:, 1])


def test_the_perceptron_has_one_member() -> None:
    net = TableMLP(2, (), 3, width=4, depth=1, embedding="none")
    assert net(torch.randn(6, 2)).shape == (6, 1, 3)
    assert torch.equal(net.layers[0].before, torch.ones(1, 2))  # type: ignore[arg-type]


def test_the_unseen_begins_at_nothing() -> None:
    net = TabM(0, (5, 3), 1, members=2, width=4)
    for table in net.categories:
        assert not table.weight[:2].any()
        assert table.weight[2:].any()


def test_periodic() -> None:
    layer = Periodic(3, 5, frequencies=4, spread=0.5).double()
    x = torch.randn(6, 3).double()
    turns = 2 * math.pi * layer.frequencies * x[:, :, None]
    wanted = torch.relu(layer.linear(torch.cat([turns.cos(), turns.sin()], 2)))
    torch.testing.assert_close(layer(x), wanted)


def test_piecewise_is_the_papers_encoding() -> None:
    edges = [[0.0, 1.0, 3.0, 7.0], [0.0, 0.0, 2.0, 2.0]]
    layer = Piecewise(edges, 4)
    with torch.no_grad():
        layer.weight.normal_()
    x = torch.tensor([[-1.0, -2.0], [0.5, 1.0], [2.0, 3.0], [9.0, 2.0]])
    found = layer(x)
    for row in range(4):
        for number, ends in enumerate(edges):
            wide = [t for t in range(3) if ends[t + 1] > ends[t]]
            coded = np.zeros(3)
            for t in wide:
                share = (float(x[row, number]) - ends[t]) / (ends[t + 1] - ends[t])
                share = share if t == wide[0] else max(share, 0.0)
                coded[t] = share if t == wide[-1] else min(share, 1.0)
            wanted = torch.tensor(coded, dtype=torch.float32) @ layer.weight[number]
            wanted = torch.relu(wanted + x[row, number] * layer.plain[number] + layer.bias[number])
            torch.testing.assert_close(found[row, number], wanted)
