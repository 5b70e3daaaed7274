"""Products of looked-up rows with all that goes with them, beside the same in dense float64."""

import shutil

import pytest
import torch
from torch import Tensor, nn

from danlu.nn.embedding.native import kernel
from danlu.nn.embedding.products import scored
from danlu.nn.embedding.table import table

WAYS = ["torch", pytest.param("native", marks=pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler"))]
BATCH = 50


def tables(width: int, sparse: bool, dtype: torch.dtype = torch.float32) -> list[nn.Embedding]:
    torch.manual_seed(0)
    made = [table(rows, each, 0.7, sparse) for each in (width, 1) for rows in (12, 9)]
    for own in made:
        nn.init.normal_(own.weight)
    return [own.to(dtype) for own in made]


def ids(many: int) -> tuple[Tensor, Tensor]:
    """Most come several times; row 0 never does."""
    drawn = torch.Generator().manual_seed(1)
    a = torch.randint(1, 12, (BATCH,), generator=drawn)
    return a, torch.randint(1, 9, (BATCH, many) if many else (BATCH,), generator=drawn)


def learnt(width: int, many: int, biased: bool, lengths: bool, sparse: bool, dtype: torch.dtype) -> list[Tensor]:
    """What is told, and the gradients of all tables."""
    one, other, own, its = tables(width, sparse, dtype)
    a, b = ids(many)
    told = scored(one, other, a, b, (own, its) if biased else None, lengths)
    drawn = torch.Generator().manual_seed(2)
    sum((part.square() * torch.randn(part.shape, generator=drawn).to(dtype)).sum() for part in told).backward()  # type: ignore[union-attr]
    weights = [each.weight for each in ((one, other, own, its) if biased else (one, other))]
    gradients = []
    for weight in weights:
        assert weight.grad is not None
        assert weight.grad.is_sparse is sparse
        if sparse:  # each row once, so that nobody has to add or sort again
            place = weight.grad._indices()[0]
            assert torch.equal(place, torch.unique(place))
            assert 0 not in place
        gradients.append(weight.grad.to_dense().double())
    return [part.detach().double() for part in told] + gradients


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("width", [1, 5, 64])
@pytest.mark.parametrize("many", [0, 1, 4, 20])
@pytest.mark.parametrize(("biased", "lengths"), [(False, False), (True, False), (False, True), (True, True)])
def test_values_and_gradients_are_those_of_dense_tables(
    monkeypatch: pytest.MonkeyPatch, way: str, width: int, many: int, biased: bool, lengths: bool
) -> None:
    if way == "torch":
        monkeypatch.setattr(kernel, "usable", lambda *_: False)
    mine = learnt(width, many, biased, lengths, True, torch.float32)
    reference = learnt(width, many, biased, lengths, False, torch.float64)
    assert len(mine) == len(reference)
    for one, other in zip(mine, reference, strict=True):
        torch.testing.assert_close(one, other, rtol=2e-5, atol=2e-4)


@pytest.mark.parametrize("way", WAYS)
def test_lengths_alone_give_gradients_too(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    if way == "torch":
        monkeypatch.setattr(kernel, "usable", lambda *_: False)
    one, other, *_ = tables(8, True)
    a, b = ids(3)
    scored(one, other, a, b, lengths=True)[1].sum().backward()  # type: ignore[no-untyped-call]
    assert one.weight.grad is not None
    assert other.weight.grad is not None
    times = torch.bincount(a, minlength=12)[:, None]
    torch.testing.assert_close(one.weight.grad.to_dense(), 2 * one.weight.detach() * times)
    assert not other.weight.grad.to_dense().any()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("a", "b"), [(12, 0), (-1, 0), (0, 9), (0, -3)])
def test_an_unknown_id_is_said_as_by_torch(monkeypatch: pytest.MonkeyPatch, way: str, a: int, b: int) -> None:
    if way == "torch":
        monkeypatch.setattr(kernel, "usable", lambda *_: False)
    one, other, own, its = tables(8, True)
    with pytest.raises(IndexError, match="out of range"):
        scored(one, other, torch.tensor([1, a]), torch.tensor([[1, 2], [3, b]]), (own, its))


def test_a_table_that_does_not_learn_is_looked_up_plainly() -> None:
    one, other, *_ = tables(8, True)
    other.weight.requires_grad_(False)
    a, b = ids(0)
    scored(one, other, a, b)[0].sum().backward()
    assert one.weight.grad is not None
    assert other.weight.grad is None


def test_rows_may_be_dropped_before_they_are_multiplied() -> None:
    one, other, own, its = tables(8, True)
    a, b = ids(4)
    (found,) = scored(one, other, a, b, (own, its), drop=lambda rows: rows * 2.0)
    (plain,) = scored(one, other, a, b, (own, its))
    beside = own.weight[a] + its.weight[b][..., 0]
    torch.testing.assert_close(found - beside, 4.0 * (plain - beside))
