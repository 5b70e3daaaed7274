"""Nets for clicks beside their formulas, pair by pair; what the optimiser of a batch's rows touches; what they can learn."""

from __future__ import annotations

from itertools import combinations

import pytest
import torch
from torch import nn

from danlu.nn.nets.dcnv2 import DCNv2
from danlu.nn.nets.deepfm import DeepFM
from danlu.nn.nets.fm import FM
from danlu.nn.nets.logistic import Logistic

SIZES = (5, 7, 4)
ROWS = torch.cat([torch.randn(6, 2), torch.stack([torch.randint(0, n, (6,)) for n in SIZES], 1).float()], 1)


def stirred(net: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    for parameter in net.parameters():
        nn.init.normal_(parameter, std=0.5)
    return net.double().eval()


def weights_of(net: nn.Module, row: torch.Tensor, module: str) -> list[torch.Tensor]:
    """The vector of each field: a number's is its value times one, a code's stands in its own part of the table."""
    fields = net.get_submodule(module)
    found = [row[place] * fields.values[place] for place in range(2)]
    start = 0
    for place, size in enumerate(SIZES, 2):
        found.append(fields.codes.weight[start + int(row[place])])
        start += size
    return found


def test_logistic_is_a_sum_of_weights() -> None:
    net, rows = stirred(Logistic(2, SIZES)), ROWS.double()
    for row, logit in zip(rows, net(rows), strict=True):
        torch.testing.assert_close(logit, torch.cat(weights_of(net, row, "linear.weights")).sum() + net.linear.bias)


def test_fm_adds_the_products_of_all_pairs() -> None:
    net, rows = stirred(FM(2, SIZES, embedding=3)), ROWS.double()
    linear = net.linear(rows)
    for place, row in enumerate(rows):
        vectors = weights_of(net, row, "fields")
        pairs = sum((one * other).sum() for one, other in combinations(vectors, 2))
        torch.testing.assert_close(net(rows)[place], linear[place] + pairs)


def test_deepfm_adds_layers_over_the_same_vectors() -> None:
    net, rows = stirred(DeepFM(2, SIZES, embedding=3, hidden=(4,), dropout=0.0)), ROWS.double()
    fm = FM(2, SIZES, embedding=3).double()
    fm.load_state_dict({k: v for k, v in net.state_dict().items() if k.startswith(("linear", "fields"))})
    linear = net.layers[1]
    deep = torch.relu(net.fields(rows).flatten(1) @ linear.weight.T + linear.bias) @ net.head.weight[0]
    torch.testing.assert_close(net(rows), fm(rows) + deep)


def test_dcnv2_multiplies_with_what_came_in() -> None:
    net, rows = stirred(DCNv2(2, SIZES, embedding=3, crosses=2, rank=4, hidden=())), ROWS.double()
    first = x = net.fields(rows).flatten(1)
    for into, back in zip(net.into, net.back, strict=True):
        x = first * ((x @ into.weight.T) @ back.weight.T + back.bias) + x
    torch.testing.assert_close(net(rows), net.linear(rows) + x @ net.head.weight[0])


@pytest.mark.parametrize("made", [DeepFM, DCNv2])
def test_without_deep_layers(made: type[nn.Module]) -> None:
    assert made(2, SIZES, hidden=())(ROWS.float()).shape == (len(ROWS),)


@pytest.mark.parametrize("made", [Logistic, FM, DeepFM, DCNv2])
def test_gradients_of_the_batchs_rows_alone(made: type[nn.Module]) -> None:
    torch.manual_seed(0)
    dense, sparse = made(2, SIZES), made(2, SIZES, sparse=True)
    sparse.load_state_dict(dense.state_dict())
    for net in (dense.eval(), sparse.eval()):
        net(ROWS).square().sum().backward()
    for one, other in zip(dense.parameters(), sparse.parameters(), strict=True):
        gradient = other.grad.to_dense() if other.grad is not None and other.grad.is_sparse else other.grad
        torch.testing.assert_close(gradient, one.grad)
    assert any(p.grad is not None and p.grad.is_sparse for p in sparse.parameters())


@pytest.mark.parametrize(("made", "learns"), [(Logistic, False), (FM, True), (DeepFM, True), (DCNv2, True)])
def test_only_nets_with_crosses_learn_a_cross(made: type[nn.Module], learns: bool) -> None:
    """A click if both codes are alike: no sum of weights says that."""
    torch.manual_seed(1)
    codes = torch.randint(2, 6, (512, 2))
    click = ((codes[:, 0] % 2) == (codes[:, 1] % 2)).float()
    net = made(0, (6, 6), **({} if made is Logistic else {"embedding": 4, "scale": 0.3}))
    step = torch.optim.Adam(net.parameters(), 0.05)
    for _ in range(120):
        step.zero_grad()
        loss = nn.functional.binary_cross_entropy_with_logits(net(codes.float()), click)
        loss.backward()
        step.step()
    assert (loss.item() < 0.2) == learns
