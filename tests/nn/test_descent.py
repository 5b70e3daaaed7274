"""A step of matrix factorisation in closed form: the one of autograd and the optimiser, or nothing at all."""

import copy
import itertools
import shutil

import pytest
import torch

from danlu.nn.embedding.descent import Descent, Rule
from danlu.nn.embedding.native import kernel
from danlu.nn.nets.collaborative_filtering import CollaborativeFiltering
from danlu.training.optimisers.rowwise_adagrad import RowwiseAdagrad

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
SHIFT, SCALE = 3.5, 1.1


def made(
    sizes: tuple[int, int], width: int, biases: bool, decay: float = 0.0
) -> tuple[CollaborativeFiltering, RowwiseAdagrad]:
    torch.manual_seed(0)
    net = CollaborativeFiltering(*sizes, embedding=width, biases=biases, scale=0.3, sparse=True)
    return net, RowwiseAdagrad([{"params": list(net.parameters())}], lr=0.05, weight_decay=decay)


def descent(net: CollaborativeFiltering, l2: float = 0.0) -> Descent:
    tables = net.user_embeddings.weight, net.item_embeddings.weight
    if not net.biases:
        return Descent(tables, shift=SHIFT, scale=SCALE, l2=l2)
    return Descent(
        tables, (net.user_biases.weight, net.item_biases.weight), net.offset, shift=SHIFT, scale=SCALE, l2=l2
    )


def rules(optimizer: RowwiseAdagrad, way: Descent) -> tuple[Rule, ...]:
    return tuple(optimizer.rule(parameter) for parameter in way.parameters)


@pytest.mark.parametrize("sizes", [(1, 3), (7, 9), (400, 300), (5, 2000)])  # from all pairs met again to hardly any
@pytest.mark.parametrize("width", [1, 5, 16, 64])
def test_a_step_is_that_of_autograd_and_the_optimiser(sizes: tuple[int, int], width: int) -> None:
    for biases, l2, decay in itertools.product((False, True), (0.0, 0.1), (0.0, 0.1)):
        net, optimizer = made(sizes, width, biases, decay)
        mine = copy.deepcopy(net)
        moves = RowwiseAdagrad([{"params": list(mine.parameters())}], lr=0.05, weight_decay=decay)
        way = descent(mine, l2)
        drawn = torch.Generator().manual_seed(1)
        for _ in range(5):
            users, items = (torch.randint(size, (60,), generator=drawn) for size in sizes)
            ratings = torch.randn(60, generator=drawn) + 3
            optimizer.zero_grad()
            scores, *squares = net(users, items, lengths=True)
            loss = (SHIFT + SCALE * scores - ratings).square().mean() + l2 * sum(squares).mean()  # type: ignore[union-attr]
            loss.backward()
            slopes = [p.grad.coalesce().values() if p.grad.is_sparse else p.grad for p in net.parameters()]  # type: ignore[union-attr]
            optimizer.step()
            found = way.step(users, items, ratings, rules(moves, way))
            assert found is not None
            if biases:
                mine.offset.grad = torch.tensor(found.slopes)
                assert found.slopes == pytest.approx(
                    float(slopes[-1] if slopes[-1].dim() == 0 else net.offset.grad), rel=1e-3, abs=1e-5
                )  # type: ignore[arg-type]
                moves.step()
                mine.offset.grad = None
            norm = float(torch.stack([slope.norm() for slope in slopes if slope.dim()]).norm())
            assert found.norm == pytest.approx(norm, rel=1e-4)
            assert (found.errors + l2 * found.lengths) / 60 == pytest.approx(float(loss.detach()), rel=1e-5)
        for (name, theirs), own in zip(net.named_parameters(), mine.parameters(), strict=True):
            torch.testing.assert_close(own, theirs, rtol=2e-4, atol=2e-5, msg=f"{name}, {biases}, {l2}, {decay}")
        for parameter, own in zip(net.parameters(), mine.parameters(), strict=True):
            torch.testing.assert_close(moves.state[own]["sum"], optimizer.state[parameter]["sum"], rtol=1e-3, atol=1e-7)


def test_the_same_bits_every_time() -> None:
    nets = []
    for _ in range(2):
        net, optimizer = made((30, 20), 16, True)
        way, drawn = descent(net, 0.1), torch.Generator().manual_seed(1)
        for _ in range(3):
            users, items = torch.randint(30, (64,), generator=drawn), torch.randint(20, (64,), generator=drawn)
            assert way.step(users, items, torch.randn(64, generator=drawn), rules(optimizer, way)) is not None
        nets.append(net)
    for one, other in zip(*(net.state_dict().values() for net in nets), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize(
    "what",
    ["user", "item", "negative", "nan", "infinite", "huge", "long", "not a number", "offset", "empty", "float64"],
)
def test_what_may_not_end_well_is_left_alone(what: str) -> None:
    net, optimizer = made((8, 8), 16, True)
    way = descent(net)
    users, items, ratings = torch.arange(8), torch.arange(8), torch.ones(8)
    with torch.no_grad():
        match what:
            case "user":
                users[3] = 8
            case "item":
                items[7] = 2**40
            case "negative":
                items[0] = -1
            case "nan":
                ratings[5] = torch.nan
            case "infinite":
                ratings[5] = torch.inf
            case "huge":
                ratings[5] = -1e9
            case "long":
                net.user_embeddings.weight[2] = 1e4
            case "not a number":
                net.item_biases.weight[2] = torch.nan
            case "offset":
                net.offset.fill_(torch.nan)
            case "empty":
                users, items, ratings = users[:0], items[:0], ratings[:0]
            case "float64":
                ratings = ratings.double()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    assert way.step(users, items, ratings, rules(optimizer, way)) is None
    for name, value in net.state_dict().items():
        assert torch.equal(value, before[name]) or (what in ("not a number", "offset") and value.isnan().any())
    for state in optimizer.state.values():
        assert not state["sum"].any()


def test_how_far_rows_may_have_gone_is_known() -> None:
    """No row is longer than ``reach``, and where that becomes too much it is worked out anew."""
    net, optimizer = made((4, 4), 16, False)
    way = descent(net)
    for _ in range(20):
        assert way.step(torch.arange(4), torch.arange(4), torch.full((4,), 50.0), rules(optimizer, way)) is not None
        longest = max(float(table.detach().norm(dim=1).max()) for table in way.parameters)
        assert way.reach is not None
        assert longest <= way.reach * (1 + 1e-6)
    way.reach = 9_999.99
    assert way.step(torch.arange(4), torch.arange(4), torch.ones(4), rules(optimizer, way)) is not None
    assert way.reach < 100
    way.reach = None
    with torch.no_grad():
        net.item_embeddings.weight.mul_(1e6)
    assert way.step(torch.arange(4), torch.arange(4), torch.ones(4), rules(optimizer, way)) is None


@pytest.mark.parametrize("width", [1, 16])
def test_where_the_parts_of_a_gradient_cancel_a_row_goes_no_further(width: int) -> None:
    """Of rows that are met for the first time, whose gradient is a thousandth and less of what l2 and the error pull."""
    count, l2 = 64, 0.1
    torch.manual_seed(0)
    net = CollaborativeFiltering(count, count, embedding=width, scale=0.1, sparse=True)
    optimizer = RowwiseAdagrad([{"params": list(net.parameters())}], lr=0.05)
    with torch.no_grad():  # x of the direction of y, and so that slope · y + pull · x is nearly 0
        y = net.item_embeddings.weight
        by = torch.linspace(0.5, 2, count)[:, None]
        net.user_embeddings.weight.copy_(by * y * (1 + 1e-4 * torch.randn(count, 1)))
        score = (by * y * y).sum(1)
        ratings = SHIFT + SCALE * score + l2 * by[:, 0] / SCALE
    mine = copy.deepcopy(net)
    moves = RowwiseAdagrad([{"params": list(mine.parameters())}], lr=0.05)
    way, ids = descent(mine, l2), torch.arange(count)
    before = [p.detach().clone() for p in mine.parameters()]
    scores, *squares = net(ids, ids, lengths=True)
    ((SHIFT + SCALE * scores - ratings).square().mean() + l2 * sum(squares).mean()).backward()
    norm = float(torch.stack([p.grad.norm() for p in net.parameters()]).norm())  # type: ignore[union-attr]
    optimizer.step()
    found = way.step(ids, ids, ratings, rules(moves, way))
    assert found is not None
    assert found.norm == pytest.approx(norm, rel=1e-4)
    for theirs, own, was in zip(net.parameters(), mine.parameters(), before, strict=True):
        assert float((own.detach() - was).norm(dim=1).max()) <= 0.05 * width**0.5 * 1.001
        torch.testing.assert_close(
            own, theirs, rtol=0, atol=5e-3
        )  # a tenth of the rate: rounding is that much of what is left


def test_what_can_never_be_done_is_known() -> None:
    assert descent(made((4, 4), 1024, True)[0]).possible
    wide, optimizer = made((4, 4), 1025, True)
    way = descent(wide)
    assert not way.possible
    assert way.step(torch.arange(4), torch.arange(4), torch.ones(4), rules(optimizer, way)) is None


def test_after_a_step_that_went_another_way_nothing_is_taken_for_known() -> None:
    net, optimizer = made((4, 4), 16, False)
    way, ids = descent(net), torch.arange(4)
    assert way.step(ids, ids, torch.ones(4), rules(optimizer, way)) is not None
    growing = tuple(rule._replace(keep=-3.0) for rule in rules(optimizer, way))
    assert way.step(ids, ids, torch.ones(4), growing) is None
    with torch.no_grad():
        net.user_embeddings.weight.mul_(1e9)
    assert way.step(ids, ids, torch.ones(4), rules(optimizer, way)) is None


def test_without_the_kernel_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    net, optimizer = made((4, 4), 16, False)
    way = descent(net)
    monkeypatch.setattr(kernel, "usable", lambda *_: False)
    assert way.step(torch.arange(4), torch.arange(4), torch.ones(4), rules(optimizer, way)) is None
