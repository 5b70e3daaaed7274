"""Rows looked up and their gradients: equal to torch's own, whatever comes twice."""

import copy

import pytest
import torch
from torch import nn

from danlu.nn.embedding.pages import large_pages
from danlu.nn.embedding.rows import coalesced, summed
from danlu.nn.embedding.table import Table, table


@pytest.mark.parametrize("shape", [(), (1,), (5,), (3, 4), (64,)])
@pytest.mark.parametrize("rows", [1, 7, 100_000])
def test_sums_are_those_of_a_loop(shape: tuple[int, ...], rows: int) -> None:
    generator = torch.Generator().manual_seed(rows)
    place = torch.randint(rows, (300,), generator=generator)
    values = torch.randn(300, *shape, generator=generator)
    once, sums = summed(place, values)
    wanted: dict[int, torch.Tensor] = {}
    for at, value in zip(place.tolist(), values.double(), strict=True):
        wanted[at] = wanted.get(at, torch.zeros(shape, dtype=torch.float64)) + value
    assert once.tolist() == sorted(wanted)
    torch.testing.assert_close(sums.double(), torch.stack([wanted[at] for at in sorted(wanted)]), rtol=1e-5, atol=1e-4)


def test_ids_too_long_to_be_sorted_with_their_position() -> None:
    place = torch.tensor([2**62, 5, 2**62, 0])
    once, sums = summed(place, torch.tensor([[1.0], [2.0], [4.0], [8.0]]))
    assert once.tolist() == [0, 5, 2**62]
    assert sums[:, 0].tolist() == [8.0, 2.0, 5.0]


def test_no_rows_at_all() -> None:
    gradient = torch.sparse_coo_tensor(torch.empty(1, 0, dtype=torch.int64), torch.empty(0, 3), (4, 3))
    assert torch.equal(coalesced(gradient).to_dense(), torch.zeros(4, 3))


def test_accumulated_gradients_are_summed() -> None:
    net, dense = nn.Embedding(9, 3, sparse=True), nn.Embedding(9, 3)
    dense.load_state_dict(net.state_dict())
    for each in (net, dense):
        for ids in ([1, 1, 8], [8, 0, 1]):
            each(torch.tensor(ids)).pow(3).sum().backward()
    assert net.weight.grad is not None
    assert dense.weight.grad is not None
    found = coalesced(net.weight.grad)
    assert found.is_coalesced()
    assert found._indices().tolist() == [[0, 1, 8]]
    torch.testing.assert_close(found.to_dense(), dense.weight.grad)


@pytest.mark.parametrize("ids", [[4], [0, 3, 3, 8, 0], [[1, 2], [2, 8]], []])
def test_a_table_is_torchs_embedding(ids: list[object]) -> None:
    mine = table(9, 6, 0.5, sparse=True)
    theirs = nn.Embedding(9, 6, sparse=True)
    theirs.load_state_dict(mine.state_dict())
    found = []
    for net in (mine, theirs):
        rows = net(torch.tensor(ids, dtype=torch.int64))
        (rows * torch.arange(6.0)).square().sum().backward()
        assert net.weight.grad is not None
        assert net.weight.grad.is_sparse
        found.append((rows, net.weight.grad.to_dense()))
    assert torch.equal(found[0][0], found[1][0])
    assert torch.equal(found[0][1], found[1][1])


def test_a_table_begins_as_torchs_embedding() -> None:
    torch.manual_seed(3)
    mine = table(9, 6, None, sparse=True)
    torch.manual_seed(3)
    assert torch.equal(mine.weight, nn.Embedding(9, 6).weight)


@pytest.mark.parametrize("place", [-1, 9])
def test_an_unknown_id_is_said_as_by_torch(place: int) -> None:
    with pytest.raises(IndexError, match="out of range"):
        table(9, 6, None, sparse=True)(torch.tensor([2, place]))


def test_a_table_can_be_copied_and_judged() -> None:
    mine = copy.deepcopy(table(9, 6, 0.1, sparse=True)).eval()
    assert isinstance(mine, Table)
    with torch.no_grad():
        assert torch.equal(mine(torch.tensor([3])), mine.weight[3:4])


def test_large_pages_change_nothing() -> None:
    memory = torch.arange(20 << 20, dtype=torch.float32)
    large_pages(memory)
    assert torch.equal(memory, torch.arange(20 << 20, dtype=torch.float32))
    assert not large_pages(torch.zeros(8))
