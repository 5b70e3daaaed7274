"""The first and last layer of a net over pairs, by the kernel and by torch's operations, beside the same in float64."""

import shutil

import pytest
import torch
from torch import Tensor, nn

from danlu.nn.dropout import drop
from danlu.nn.embedding.native import kernel, paired, ranked
from danlu.nn.embedding.pairs import rectified, weighed
from danlu.nn.embedding.products import multiplied
from danlu.nn.native.building import NoKernelError
from danlu.nn.nets.collaborative_filtering import CollaborativeFiltering
from danlu.nn.nets.neumf import Neumf
from danlu.training.captures import activations

WAYS = ["torch", pytest.param("native", marks=pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler"))]
ROWS, OTHERS, BATCH = 12, 9, 50


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "torch":
        for each in (kernel, paired):
            monkeypatch.setattr(each, "usable", lambda *_: False)
    else:
        assert paired.missing() is None
    return str(request.param)


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def ids(many: int) -> tuple[Tensor, Tensor]:
    """Most come several times; row 0 never does."""
    generator = torch.Generator().manual_seed(1)
    a = torch.randint(1, ROWS, (BATCH,), generator=generator)
    return a, torch.randint(1, OTHERS, (BATCH, many) if many else (BATCH,), generator=generator)


def learnt(dtype: torch.dtype, width: int, many: int) -> list[Tensor]:
    """Values of both layers, and the gradients of both tables and of the weights."""
    one, other, weights = drawn(ROWS, width), drawn(OTHERS, width, seed=1), drawn(width, seed=2)
    parts = [part.to(dtype) for part in (one, other)]
    parts += [weights.to(torch.float64 if dtype == torch.float64 else torch.float32)]
    one, other, weights = (part.requires_grad_() for part in parts)
    a, b = ids(many)
    values = rectified(one, other, a, b)
    told = weighed(values - values.detach().mean(), weights)
    assert values.shape == (*b.shape, width)
    assert told.shape == b.shape
    (told * drawn(*b.shape, seed=3).to(told.dtype)).sum().backward()
    found = [values.detach(), told.detach(), *(part.grad for part in (one, other, weights))]
    return [part.double() for part in found if part is not None]


@pytest.mark.parametrize("width", [16, 48, 5])
@pytest.mark.parametrize("many", [0, 1, 4])
def test_values_and_gradients_are_those_of_float64(way: str, width: int, many: int) -> None:
    for mine, reference in zip(learnt(torch.float32, width, many), learnt(torch.float64, width, many), strict=True):
        torch.testing.assert_close(mine, reference, rtol=2e-5, atol=2e-4)


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
def test_half_precision_is_rounded_once_for_each_value() -> None:
    one, other = drawn(ROWS, 32).bfloat16(), drawn(OTHERS, 32, seed=1).bfloat16()
    a, b = ids(4)
    found = rectified(one, other, a, b)
    exact = torch.relu(one.float()[a][:, None] + other.float()[b])
    assert found.dtype == torch.bfloat16
    assert torch.equal(found, exact.bfloat16())
    weights = drawn(32, seed=2)
    torch.testing.assert_close(weighed(found, weights), found.float() @ weights, rtol=1e-5, atol=1e-5)
    one.requires_grad_(), other.requires_grad_()
    rectified(one, other, a, b).float().sum().backward()
    pairs = (exact > 0).float()
    many = torch.zeros(OTHERS, 32).index_add_(0, b.reshape(-1), pairs.reshape(-1, 32))
    assert other.grad is not None
    assert torch.equal(other.grad, many.bfloat16())


def test_both_ways_drop_the_same_and_gradients_go_through_what_is_kept(way: str) -> None:
    one, other = drawn(ROWS, 64).requires_grad_(), drawn(OTHERS, 64, seed=1)
    a, b = ids(4)
    torch.manual_seed(5)
    found = rectified(one, other, a, b, 0.3)
    torch.manual_seed(5)
    reference = drop(torch.relu(one[a][:, None] + other[b]), 0.3)
    torch.testing.assert_close(found, reference)
    assert 0.2 < float((found == 0).float().mean() - (one[a][:, None] + other[b] <= 0).float().mean()) / 0.5 < 0.4
    mine, theirs = (torch.autograd.grad(each.square().sum(), one)[0] for each in (found, reference))
    torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_no_number_is_not_hidden(way: str, bad: float) -> None:
    one, other = drawn(ROWS, 16), drawn(OTHERS, 16, seed=1)
    one[3, 2] = bad
    a, b = torch.tensor([3]), torch.tensor([1])
    for dtype in (torch.float32, torch.bfloat16):
        values = rectified(one.to(dtype), other.to(dtype), a, b)
        assert not values[0, 2].isfinite()
        assert not weighed(values, torch.ones(16, dtype=dtype)).isfinite()


def test_what_is_no_number_is_not_hidden_where_it_is_dropped(way: str) -> None:
    one, other = torch.full((1, 1600), float("nan")), drawn(1, 1600)
    one[0, 800:] = float("inf")
    place = torch.zeros(1, dtype=torch.int64)
    assert not rectified(one, other, place, place, 0.5).isfinite().any()


def test_shapes_that_do_not_fit_are_left_to_torch(way: str) -> None:
    """Rows as long as those of the other table, weights as long as a row, items for each user: nothing is read beyond its end."""
    one, other, a = drawn(ROWS, 32), drawn(OTHERS, 32, seed=1), torch.tensor([3, 1, 2])
    items = torch.arange(OTHERS)[None]
    assert torch.equal(rectified(one, other, a, items), rectified(one, other, a, items.expand(3, -1)))
    assert torch.equal(rectified(one, other, a, items[0, :1]), rectified(one, other, a, items[0, :1].expand(3)))
    with pytest.raises(RuntimeError, match="size"):
        rectified(one, other, a, items[0, :4])
    with pytest.raises(RuntimeError, match="size"):
        rectified(one, other[:, :16], a, a)
    for weights in (torch.ones(16), torch.ones(64)):
        with pytest.raises(RuntimeError, match="size"):
            weighed(one, weights)


def test_a_page_of_pairs_without_that_of_rows_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "_library", lambda: NoKernelError("failed", "too slow"))
    kernel._function.cache_clear()
    one, other = drawn(ROWS, 16), drawn(OTHERS, 16, seed=1)
    a, b = ids(4)
    torch.testing.assert_close(rectified(one, other, a, b), torch.relu(one[a][:, None] + other[b]))


@pytest.mark.parametrize(("a", "b"), [(ROWS, 0), (0, OTHERS)])
def test_an_unknown_id_is_refused(way: str, a: int, b: int) -> None:
    with pytest.raises(IndexError, match="out of"):
        rectified(drawn(ROWS, 16), drawn(OTHERS, 16), torch.tensor([1, a]), torch.tensor([[1, 2], [3, b]]))


@pytest.mark.parametrize("many", [0, 3])
@pytest.mark.parametrize("worked_out", [False, True])
def test_rows_times_a_dense_table_or_other_rows(way: str, many: int, worked_out: bool) -> None:
    a, b = ids(many)
    one, table = drawn(ROWS, 8).requires_grad_(), nn.Embedding(OTHERS, 8)
    scores = multiplied(one, table.weight if worked_out else table, a, b)
    reference = torch.einsum("bd,bnd->bn", one.double()[a], table.weight.double()[b.view(BATCH, -1)]).view(b.shape)
    torch.testing.assert_close(scores.double(), reference, rtol=1e-5, atol=1e-5)
    for mine, theirs in zip(
        torch.autograd.grad(scores.square().sum(), (one, table.weight)),
        torch.autograd.grad(reference.square().sum(), (one, table.weight)),
        strict=True,
    ):
        assert not mine.is_sparse
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-4)


def neumf(users: int, items: int) -> Neumf:
    torch.manual_seed(0)
    return Neumf(users, items, embedding=8, hidden=(16, 16, 32), scale=0.7, dropout=0.0)


@pytest.mark.parametrize("rows", [6, 400])
def test_neumf_learns_as_layers_over_each_pair_would(way: str, rows: int) -> None:
    """Whether whole tables are worked out, as of 6 rows, or what is asked for."""
    net = neumf(rows, rows)
    users, items = torch.randint(rows, (20,)), torch.randint(rows, (20, 4))
    own, its = net.user_factors(users)[:, None], net.item_factors(items)
    one, other = net.user_vectors(users)[:, None].expand(-1, 4, -1), net.item_vectors(items)
    weight = torch.cat([net.from_user.weight, net.from_item.weight], 1)
    deep = torch.relu(torch.cat([one, other], -1) @ weight.T + net.from_user.bias)
    for layer in net.layers:
        deep = torch.relu(layer(deep))
    reference = net.head(torch.cat([own * its, deep], -1))[..., 0]
    scores = net(users, items)
    torch.testing.assert_close(scores, reference, rtol=1e-4, atol=1e-5)
    weights = list(net.parameters())
    slope = drawn(20, 4)
    mine, theirs = (torch.autograd.grad((each * slope).sum(), weights) for each in (scores, reference))
    for found, wanted in zip(mine, theirs, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("rows", [6, 400])
def test_dense_nets_of_pairs_can_be_looked_into_and_transformed(rows: int) -> None:
    """The kernels step back: products' tables and the first layer's ReLU are seen, and gradients are those of torch's transforms."""
    users, items = torch.randint(rows, (20,)), torch.randint(rows, (20, 4))
    layered, plain = neumf(rows, rows), CollaborativeFiltering(rows, rows, embedding=8)
    for net, wanted in (
        (layered, {"item_factors", "from_item", "layers.1"}),
        (plain, {"user_embeddings", "item_embeddings"}),
    ):
        told = activations(net, (users, items), loss=torch.sum, training=True)
        assert wanted <= {each.layer for each in told}
        assert sum(each.kind == "F.relu" for each in told) == (3 if net is layered else 0)
        weights = dict(net.named_parameters())

        def loss(weights: dict[str, Tensor], net: nn.Module = net) -> Tensor:
            return torch.as_tensor(torch.func.functional_call(net, weights, (users, items))).square().sum()

        found = torch.func.grad(loss)(weights)
        net(users, items).square().sum().backward()
        for name, weight in net.named_parameters():
            torch.testing.assert_close(found[name], weight.grad, rtol=1e-3, atol=1e-4)


def test_neumf_is_exported_for_batches_of_any_size() -> None:
    net, batch = neumf(30, 20).eval(), torch.export.Dim("batch", min=1, max=4096)
    users, items = torch.randint(30, (40,)), torch.randint(20, (40, 5))
    graph = torch.export.export(net, (users, items), dynamic_shapes=({0: batch}, {0: batch})).module()
    for count in (1, 7, 40):
        torch.testing.assert_close(graph(users[:count], items[:count]), net(users[:count], items[:count]))


def test_all_items_in_blocks_are_those_of_pairs(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    net = neumf(7, 5).eval()
    monkeypatch.setattr("danlu.nn.nets.neumf._AT_ONCE", 11)  # two users at a time, then one
    users = torch.arange(7)
    torch.testing.assert_close(net.every(users), net(users, torch.arange(5).expand(7, -1)), rtol=1e-5, atol=1e-5)


tiles = pytest.mark.skipif(ranked.missing() is not None, reason="no tiles for bfloat16")


@tiles
@pytest.mark.parametrize(("users", "items", "width", "high"), [(3, 45, 32, 32), (1, 32, 128, 64), (2, 5, 64, 96)])
def test_ranking_by_tiles_is_that_of_float64(users: int, items: int, width: int, high: int) -> None:
    one, other = drawn(users, width).bfloat16(), drawn(items, width, seed=1).bfloat16()
    weight, bias, head = drawn(high, width, seed=2).bfloat16().float(), drawn(high, seed=3), drawn(high, seed=4)
    assert ranked.usable(one, other, weight)
    pairs = torch.relu(one.float()[:, None] + other.float()).bfloat16().double()
    reference = torch.relu(pairs @ weight.double().T + bias.double()) @ head.double()
    found = ranked.ranked(one, other, weight, bias, head)
    torch.testing.assert_close(found.double(), reference, rtol=1e-4, atol=1e-3)
    one[0, 1] = float("nan")
    hurt = ranked.ranked(one, other, weight, bias, head)
    assert hurt[0].isnan().all()
    assert torch.equal(hurt[1:], found[1:])


@tiles
def test_neumf_ranks_by_tiles_as_by_torchs_operations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever else is asked about, and near what torch's operations in bfloat16 say."""
    torch.manual_seed(0)
    net, users = Neumf(9, 40, embedding=16, hidden=(64, 32), scale=0.7).eval(), torch.arange(9)
    with torch.autocast("cpu", torch.bfloat16):
        assert net.every(users).requires_grad
        with torch.no_grad():
            found, alone = net.every(users), net.every(users[3:4])
            monkeypatch.setattr(ranked, "usable", lambda *_: False)
            plain = net.every(users)
    torch.testing.assert_close(found, plain, rtol=0.02, atol=0.02)
    torch.testing.assert_close(found[3:4], alone, rtol=1e-3, atol=1e-3)
    assert not torch.equal(found, plain)  # they are two ways
