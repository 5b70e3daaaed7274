"""Looks at nets with long tables: the figures of a plain loop, without a copy of what a step doesn't touch."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from danlu.nn.embedding.table import table
from danlu.training.double import Double
from danlu.training.loop import fit
from danlu.training.optimisers.rowwise_adagrad import RowwiseAdagrad
from danlu.training.optimisers.sparse_adam import SparseAdam
from tests.training.feeds import ArrayFeed, cross_entropy
from tests.training.test_looking import Looking, norm, plan

ROWS = 30


class Words(nn.Module):
    """Ids (B, 2) → (B, 3). One table is looked up, one only by odd rows, one never."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.words, self.never = table(ROWS, 4, 0.5, True), table(ROWS, 4, 0.5, True)
        self.head = nn.Linear(4, 3)
        self.register_buffer("data", torch.arange(5.0))
        self.unchanging = ("data",)

    def forward(self, ids: Tensor) -> Tensor:
        return self.head(self.words(ids).sum(1))  # type: ignore[no-any-return]


def feed() -> ArrayFeed:
    drawn = torch.Generator().manual_seed(0)
    return ArrayFeed(torch.randint(ROWS // 2, (100, 2), generator=drawn), torch.randint(3, (100,), generator=drawn), 20)


def trained(optimizer: Any, every: int) -> tuple[nn.Module, Looking]:
    net, watcher = Words(), Looking()
    asked = plan(epochs=2, optimizer=optimizer, decay=0.1, captures_every=every)
    fit(net, cross_entropy(), feed(), asked, watchers=[watcher])
    return net, watcher


@pytest.mark.parametrize("optimizer", [RowwiseAdagrad, SparseAdam])
def test_figures_are_those_of_a_plain_loop_and_no_bit_changes(optimizer: Any) -> None:
    net, watcher = trained(optimizer, 3)
    plain, nobody = trained(optimizer, 0)
    assert not nobody.seen
    assert sorted(watcher.seen) == [1, 3, 6, 9]
    for name, value in plain.state_dict().items():
        assert torch.equal(value, net.state_dict()[name])
    theirs = Words()
    matrices = [p for p in theirs.parameters() if p.dim() > 1]
    moves = optimizer(
        [{"params": matrices, "weight_decay": 0.1}, {"params": [theirs.head.bias], "weight_decay": 0.0}], lr=0.05
    )
    for step, batch in enumerate([*feed().epoch(0), *feed().epoch(1)]):
        before = {name: p.detach().clone() for name, p in theirs.named_parameters()}
        moves.zero_grad()
        nn.functional.cross_entropy(theirs(batch["x"]), batch["label"]).backward()  # type: ignore[arg-type]
        slopes = {name: None if p.grad is None else norm(p.grad.to_dense()) for name, p in theirs.named_parameters()}
        moves.step()
        if step + 1 not in watcher.seen:
            continue
        for row in watcher.seen[step + 1].parameters:
            now = dict(theirs.named_parameters())[row.parameter]
            assert row.weight == pytest.approx(norm(before[row.parameter]), rel=1e-5)
            assert row.gradient == (
                None if slopes[row.parameter] is None else pytest.approx(slopes[row.parameter], rel=1e-4)
            )
            assert row.update == pytest.approx(norm(now.detach() - before[row.parameter]), rel=1e-3, abs=1e-7)
            assert (row.update == 0) == (row.parameter == "never.weight")


def test_what_a_step_leaves_alone_is_not_copied() -> None:
    net = Words()
    for rows in (False, True):
        double = Double(net, cross_entropy(), rows)
        for name, weight in double.weights.items():
            shares = weight.data_ptr() == double.parameters[name].data_ptr()
            assert shares == (rows and name in ("words.weight", "never.weight"))
        assert double._net.data.data_ptr() == net.data.data_ptr()  # type: ignore[union-attr,operator]
        with torch.no_grad():
            net.words.weight.add_(1.0)
            net.head.weight.add_(1.0)
        assert double.follow()
        for name, weight in double.weights.items():
            assert torch.equal(weight, double.parameters[name])
        double.end()


def test_a_table_that_is_put_elsewhere_is_followed() -> None:
    net = Words()
    double = Double(net, cross_entropy(), True)
    net.words.weight.data = net.words.weight.detach() + 1.0
    assert double.follow()
    assert torch.equal(double.weights["words.weight"], net.words.weight)


def test_a_table_that_writes_when_it_is_read_is_copied() -> None:
    net = Words()
    net.words.max_norm = 1.0
    double = Double(net, cross_entropy(), True)
    assert double.weights["words.weight"].data_ptr() != net.words.weight.data_ptr()
