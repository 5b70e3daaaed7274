"""Row-wise Adagrad and lazy Adam: equal to closed forms and to torch's own, exact where a row comes twice, only the batch's rows."""

import numpy as np
import pytest
import torch
from torch import nn

from danlu.training.optimisers.base import load_state, state_tensors
from danlu.training.optimisers.rowwise_adagrad import RowwiseAdagrad
from danlu.training.optimisers.sparse_adam import SparseAdam
from danlu.training.precision import Precision
from danlu.training.slots.gradients import GradientChain

ROWS, WIDTH = 40, 5
MAKE = {"rowwise-adagrad": RowwiseAdagrad, "sparse-adam": SparseAdam}


def table(seed: int = 0) -> nn.Embedding:
    torch.manual_seed(seed)
    return nn.Embedding(ROWS, WIDTH, sparse=True)


def learn(net: nn.Embedding, optimiser: torch.optim.Optimizer, batches: list[torch.Tensor]) -> None:
    for place in batches:
        optimiser.zero_grad()
        (net(place) * torch.linspace(0.5, 2.0, WIDTH, dtype=net.weight.dtype)).square().sum().backward()  # type: ignore[no-untyped-call]
        optimiser.step()


def batches(count: int, seed: int = 1) -> list[torch.Tensor]:
    rng = np.random.default_rng(seed)
    return [torch.from_numpy(rng.integers(0, ROWS // 2, 16)) for _ in range(count)]  # the upper half is never met


def test_adagrad_is_the_closed_form_with_rows_that_come_twice() -> None:
    net = table()
    weight, total = net.weight.detach().double().numpy().copy(), np.zeros(ROWS)
    optimiser = RowwiseAdagrad([{"params": [net.weight]}], lr=0.3, eps=1e-6)
    scale = np.linspace(0.5, 2.0, WIDTH)
    for place in batches(7):
        learn(net, optimiser, [place])
        gradient = np.zeros((ROWS, WIDTH))
        for row in place.tolist():
            gradient[row] += 2 * weight[row] * scale**2
        total += np.square(gradient).mean(1)
        weight -= np.where(total[:, None] > 0, 0.3 * gradient / (np.sqrt(total)[:, None] + 1e-6), 0)
    np.testing.assert_allclose(net.weight.detach().numpy(), weight, rtol=2e-5, atol=1e-6)
    assert optimiser.state[net.weight]["sum"].shape == (ROWS,)


def test_adam_is_torchs_lazy_one() -> None:
    one, other = table().double(), table().double()
    mine = SparseAdam([{"params": [one.weight]}], lr=0.05, eps=1e-14)  # torch's leaves eps out of the correction
    theirs = torch.optim.SparseAdam([other.weight], lr=0.05, eps=1e-14)
    learn(one, mine, batches(9))
    learn(other, theirs, batches(9))
    torch.testing.assert_close(one.weight, other.weight, rtol=1e-5, atol=1e-6)


def test_what_is_dense_learns_by_adamw_and_adagrad() -> None:
    for make, reference in (
        (SparseAdam, lambda p: torch.optim.AdamW([p], lr=0.05, weight_decay=0.1)),
        (RowwiseAdagrad, lambda p: torch.optim.Adagrad([p], lr=0.05, eps=1e-8)),
    ):
        decay = 0.1 if make is SparseAdam else 0.0
        one, other = (nn.Parameter(torch.linspace(-1, 2, 12).reshape(3, 4)) for _ in range(2))
        mine, theirs = make([{"params": [one]}], lr=0.05, weight_decay=decay), reference(other)
        for _ in range(6):
            for parameter, optimiser in ((one, mine), (other, theirs)):
                optimiser.zero_grad()
                (parameter - 0.3).pow(4).sum().backward()  # type: ignore[no-untyped-call]
                optimiser.step()
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", MAKE)
def test_rows_that_were_not_met_stay_as_they_are(name: str) -> None:
    net = table()
    before = net.weight.detach().clone()
    optimiser = MAKE[name]([{"params": [net.weight]}], lr=0.1, weight_decay=0.5)
    learn(net, optimiser, batches(5))
    assert torch.equal(net.weight[ROWS // 2 :], before[ROWS // 2 :])
    assert not torch.equal(net.weight[: ROWS // 2], before[: ROWS // 2])


@pytest.mark.parametrize("name", MAKE)
def test_state_goes_on_bit_for_bit(name: str) -> None:
    whole, first, second = table(), table(), table()
    optimiser = MAKE[name]([{"params": [whole.weight]}], lr=0.1)
    learn(whole, optimiser, batches(8))
    before = MAKE[name]([{"params": [first.weight]}], lr=0.1)
    learn(first, before, batches(8)[:3])
    saved = {key: value.clone() for key, value in state_tensors(before, dict.fromkeys(first.parameters(), "w")).items()}
    second.load_state_dict(first.state_dict())
    after = MAKE[name]([{"params": [second.weight]}], lr=0.1)
    load_state(after, dict.fromkeys(second.parameters(), "w"), saved)
    learn(second, after, batches(8)[3:])
    assert torch.equal(whole.weight, second.weight)


def test_norm_and_clipping_are_of_the_summed_rows() -> None:
    sparse, dense = table(), nn.Embedding(ROWS, WIDTH)
    dense.load_state_dict(sparse.state_dict())
    place = torch.tensor([3, 3, 3, 9])
    found = []
    for net in (sparse, dense):
        net(place).square().sum().backward()
        chain = GradientChain(list(net.parameters()), Precision("fp32", torch.device("cpu")), 0.5, 0.0, [])
        norm = chain.finish(torch.optim.SGD([net.weight], lr=1.0))
        assert net.weight.grad is not None
        found.append((norm, net.weight.grad.to_dense()))
    torch.testing.assert_close(found[0][0], found[1][0])
    torch.testing.assert_close(found[0][1], found[1][1])
    assert float(torch.linalg.vector_norm(found[0][1])) == pytest.approx(0.5, rel=1e-4)
