"""Parts of item recommendation: divisions, drawn items, masks, and nets beside closed forms."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from danlu.data.split import TEST, TRAIN, VAL
from danlu.nn.embedding.interactions import Interactions, rows
from danlu.nn.nets.collaborative_filtering import CollaborativeFiltering
from danlu.nn.nets.ease import Ease
from danlu.nn.nets.item_knn import ItemKnn
from danlu.nn.nets.lightgcn import Lightgcn
from danlu.nn.nets.neumf import Neumf
from danlu.randomness import Position
from danlu.tasks.interactions.division import by_user, last_out
from danlu.tasks.item_recommendation.decoder import best
from danlu.tasks.item_recommendation.drawing import Negatives
from danlu.tasks.item_recommendation.net import Recommender

USERS, ITEMS = 12, 9


def known(seed: int = 0, share: float = 0.5) -> Interactions:
    rng = np.random.default_rng(seed)
    met = rng.random((USERS, ITEMS)) < share
    met[0] = [True] * (ITEMS - 1) + [False]  # one who has met all but one
    met[1] = False  # one who has met nothing
    user, item = np.nonzero(met)
    part = np.where(user == 0, 0, rng.integers(0, 3, len(user)))
    return Interactions(USERS, ITEMS, user, item, part)


def matrix(of: Interactions) -> np.ndarray:
    user, item = of.learnt()
    dense = np.zeros((USERS, ITEMS))
    dense[user, item] = 1
    return dense


# ---- who met what -------------------------------------------------------------------------------------------------------
def test_items_are_known_from_their_part_on() -> None:
    of = Interactions(2, 5, np.asarray([0, 0, 0, 1]), np.asarray([4, 2, 3, 1]), np.asarray([2, 0, 1, 0]))
    user = torch.tensor([0, 0, 0, 0, 1])
    before = torch.tensor([0, 1, 2, 3, 2])
    found = [set(row[row >= 0].tolist()) for row in of.of(user, before)]
    assert found == [set(), {2}, {2, 3}, {2, 3, 4}, {1}]
    assert {*of.of(torch.tensor([0]))[0].tolist()} == {2, 3, 4}
    assert rows(of.of(torch.tensor([1])), 5).tolist() == [[0, 1, 0, 0, 0]]


def test_a_repeated_pair_is_known_from_its_first_part_on() -> None:
    of = Interactions(1, 3, np.zeros(3, np.int64), np.asarray([1, 1, 2]), np.asarray([2, 0, 1]))
    assert of.of(torch.tensor([0]), torch.tensor([1])).tolist() == [[1, -1]]
    assert len(of.items) == 2


def test_weights_bring_their_own_number_of_pairs_along() -> None:
    nothing = np.empty(0, np.int64)
    empty, full = Interactions(USERS, ITEMS, nothing, nothing, nothing), known()
    empty.load_state_dict(full.state_dict())
    assert empty.longest == full.longest
    assert torch.equal(empty.of(torch.arange(USERS)), full.of(torch.arange(USERS)))


# ---- divisions ----------------------------------------------------------------------------------------------------------
def test_random_division_has_recboles_counts() -> None:
    rng = np.random.default_rng(0)
    sizes = [1, 2, 3, 4, 9, 10, 11, 25, 100]
    user = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    codes = by_user(user, rng.random(len(user)), 0.1, 0.1)
    for one, size in enumerate(sizes):
        count = [size - 2 * int(0.1 * size), int(0.1 * size), int(0.1 * size)]
        for place in (1, 2):  # as RecBole's _calcu_split_ids
            if count[0] <= 1:
                break
            if 0 < 0.1 * size < 1:
                count[-place] += 1
                count[0] -= 1
        assert np.bincount(codes[user == one], minlength=3).tolist() == count, size


def test_the_last_items_are_left_out() -> None:
    user = np.asarray([0, 0, 0, 1, 1, 2])
    when = np.asarray([5.0, 9.0, 7.0, 2.0, 1.0, 3.0])
    assert last_out(user, np.arange(6.0), when).tolist() == [TRAIN, TEST, VAL, TEST, TRAIN, TRAIN]


# ---- drawn items --------------------------------------------------------------------------------------------------------
def test_no_item_that_was_met_is_drawn_and_draws_depend_on_position_alone() -> None:
    of = known(share=0.8)
    met = matrix(of)
    draw = Negatives(of, 6, None)
    rng = np.random.default_rng(0)
    user, keys = rng.integers(0, USERS, 4000), rng.integers(0, 2**63, 4000).astype(np.uint64)
    drawn = draw.draw(user, keys, Position(3, epoch=2))
    assert drawn.shape == (4000, 6)
    assert not met[user[:, None], drawn].any()
    assert (drawn[user == 0] == ITEMS - 1).all()
    again = draw.draw(user[::-1], keys[::-1], Position(3, epoch=2, step=9))[::-1]
    assert np.array_equal(drawn, again)
    assert not np.array_equal(drawn, draw.draw(user, keys, Position(3, epoch=3)))


def test_draws_are_even_over_what_was_not_met() -> None:
    of = known()
    one = int(np.argsort(matrix(of).sum(1))[USERS // 2])
    left = np.flatnonzero(matrix(of)[one] == 0)
    keys = np.arange(30_000, dtype=np.uint64)
    drawn = Negatives(of, 1, None).draw(np.full(len(keys), one), keys, Position(0))[:, 0]
    counts = np.bincount(drawn, minlength=ITEMS)[left]
    assert counts.sum() == len(keys)
    expected = len(keys) / len(left)
    assert (np.square(counts - expected) / expected).sum() < 40  # of χ² with at most 8 degrees of freedom


def test_what_was_met_is_found_whatever_the_order_of_a_users_items(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nets of sequences are given items in the order of time; beyond a table's size draws find them by a hash and by halving."""
    rng = np.random.default_rng(5)
    pairs = rng.permutation(USERS * ITEMS)[: USERS * ITEMS // 2]
    user, item = pairs // ITEMS, pairs % ITEMS
    part = np.zeros(len(pairs), np.int64)
    in_time = Interactions(USERS, ITEMS, user, item, part, rng.random(len(pairs)))
    looked_up = Negatives(in_time, 4, None)
    monkeypatch.setattr("danlu.tasks.item_recommendation.drawing._TABLE", 0)
    met = np.zeros((USERS, ITEMS), bool)
    met[user, item] = True
    asked, keys = rng.integers(0, USERS, 3000), rng.integers(0, 2**63, 3000).astype(np.uint64)
    drawn = Negatives(in_time, 4, None).draw(asked, keys, Position(0))
    assert not met[asked[:, None], drawn].any()
    assert np.array_equal(drawn, looked_up.draw(asked, keys, Position(0)))
    by_place = Interactions(USERS, ITEMS, user, item, part)
    assert np.array_equal(drawn, Negatives(by_place, 4, None).draw(asked, keys, Position(0)))


def test_whoever_has_met_everything_is_refused() -> None:
    of = Interactions(1, 2, np.zeros(2, np.int64), np.asarray([0, 1]), np.zeros(2, np.int64))
    with pytest.raises(ValueError, match="every item"):
        Negatives(of, 1, None)


# ---- what is recommended ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("k", [1, 4, ITEMS, ITEMS + 3])
def test_no_item_that_was_seen_is_ever_recommended(k: int) -> None:
    rng = np.random.default_rng(k)
    of = known(k, 0.7)
    net = Recommender(CollaborativeFiltering(USERS, ITEMS, embedding=3), of).eval()
    user = torch.from_numpy(rng.integers(-1, USERS, 200))
    part = torch.from_numpy(rng.integers(0, 3, 200))
    for asked in (None, part):
        outputs = net(user, asked)
        items, scores = best(outputs["scores"].detach().numpy(), outputs["seen"].numpy(), k)
        assert items.shape == scores.shape == (200, k)
        for one, before, listed in zip(user.tolist(), part.tolist(), items.tolist(), strict=True):
            met: set[int] = set()
            if one >= 0:
                row = of.of(torch.tensor([one]), None if asked is None else torch.tensor([before]))[0]
                met = set(row[row >= 0].tolist())
            shown = [item for item in listed if item >= 0]
            assert len(shown) == len(set(shown)) == min(k, ITEMS - len(met))
            assert not met & set(shown)


def test_the_best_come_first_with_ties_by_place() -> None:
    items, scores = best(np.asarray([[1.0, 3.0, 3.0, 2.0]], np.float32), np.asarray([[3, -1]]), 3)
    assert items.tolist() == [[1, 2, 0]]
    assert scores.tolist() == [[3.0, 3.0, 1.0]]


def test_a_user_of_whom_nothing_is_known_gets_what_is_popular() -> None:
    of = known()
    net = Recommender(CollaborativeFiltering(USERS, ITEMS, embedding=3), of).eval()
    found = net(torch.tensor([-1, 3]))
    np.testing.assert_allclose(found["scores"][0].detach().numpy(), np.log1p(matrix(of).sum(0)), rtol=1e-6)
    assert (found["seen"][0] == -1).all()


def test_answers_do_not_depend_on_who_else_is_asked_about() -> None:
    net = Recommender(Neumf(USERS, ITEMS, embedding=4, hidden=(6, 3)), known()).eval()
    user = torch.tensor([3, 1, 3, -1, 3, 7, 1])
    together = net(user)["scores"]
    for place, one in enumerate(user.tolist()):
        torch.testing.assert_close(net(torch.tensor([one]))["scores"][0], together[place])


# ---- nets ---------------------------------------------------------------------------------------------------------------
NETS: dict[str, Callable[[], nn.Module]] = {
    "collaborative-filtering": lambda: CollaborativeFiltering(USERS, ITEMS, embedding=4, biases=True, scale=0.5),
    "neumf": lambda: Neumf(USERS, ITEMS, embedding=4, hidden=(6, 3)),
    "lightgcn": lambda: Lightgcn(USERS, ITEMS, known(), embedding=4),
    "ease": lambda: Ease(USERS, ITEMS, known(), l2=2.0),
    "item-knn": lambda: ItemKnn(USERS, ITEMS, known(), neighbours=3),
}


@pytest.mark.parametrize("name", NETS)
def test_all_items_at_once_score_as_each_by_itself(name: str) -> None:
    torch.manual_seed(0)
    net = NETS[name]().eval()
    user = torch.arange(USERS)
    every = net.every(user)  # type: ignore[operator]
    items = torch.arange(ITEMS).expand(USERS, -1)
    torch.testing.assert_close(net(user, items), every)
    torch.testing.assert_close(net(user, items[:, 2]), every[:, 2])


@pytest.mark.parametrize("name", [name for name in NETS if name != "neumf"])  # whose layers autocast may have
def test_items_are_put_in_order_by_float32_whatever_training_computes_in(name: str) -> None:
    """In bfloat16 the scores of many items are equal, and their places would decide."""
    torch.manual_seed(0)
    net, users = NETS[name]().eval(), torch.arange(USERS)
    with torch.no_grad():
        wanted = net.every(users)  # type: ignore[operator]
        with torch.autocast("cpu", torch.bfloat16):
            found = net.every(users)  # type: ignore[operator]
    assert found.dtype == torch.float32
    assert torch.equal(found, wanted)


def test_ease_is_the_constrained_least_squares_solution() -> None:
    of = known()
    met = matrix(of)
    weights = Ease(USERS, ITEMS, of, l2=2.0).weights.double().numpy()
    for item in range(ITEMS):  # ridge regression of each item on all others
        others = np.delete(np.arange(ITEMS), item)
        a = met[:, others]
        solved = np.linalg.solve(a.T @ a + 2.0 * np.eye(ITEMS - 1), a.T @ met[:, item])
        np.testing.assert_allclose(weights[others, item], solved, atol=1e-6)
        assert weights[item, item] == 0


def test_item_knn_keeps_the_nearest_by_cosine() -> None:
    of = known()
    met = matrix(of)
    norm = np.sqrt(met.sum(0))
    cosine = (met.T @ met) / np.maximum(norm[:, None] * norm[None], 1e-12)
    np.fill_diagonal(cosine, 0)
    found = ItemKnn(USERS, ITEMS, of, neighbours=3).weights.numpy()
    for item in range(ITEMS):
        kept = np.flatnonzero(found[:, item])
        assert len(kept) <= 3
        np.testing.assert_allclose(found[kept, item], cosine[kept, item], rtol=1e-6)
        assert cosine[kept, item].min(initial=1.0) >= np.sort(cosine[:, item])[-3] - 1e-9


def test_lightgcn_is_the_mean_of_powers_of_the_graph_and_so_is_its_gradient() -> None:
    of = known()
    met = matrix(of)
    torch.manual_seed(0)
    net = Lightgcn(USERS, ITEMS, of, embedding=4, layers=3)
    full = np.zeros((USERS + ITEMS,) * 2)
    full[:USERS, USERS:], full[USERS:, :USERS] = met, met.T
    degree = np.maximum(full.sum(1), 1)
    graph = torch.from_numpy(full / np.sqrt(degree[:, None] * degree[None])).float()
    weight = net.embeddings.weight.detach().clone().requires_grad_()
    layers = [weight]
    for _ in range(3):
        layers.append(graph @ layers[-1])
    mean = torch.stack(layers).mean(0)
    user, item = torch.tensor([2, 5, 2]), torch.tensor([1, 0, 8])
    wanted = (mean[user] * mean[item + USERS]).sum(1)
    scores = net(user, item)
    torch.testing.assert_close(scores, wanted)
    scores.square().sum().backward()
    wanted.square().sum().backward()
    torch.testing.assert_close(net.embeddings.weight.grad, weight.grad)


def test_lightgcn_follows_its_weights_when_they_change() -> None:
    net = Lightgcn(USERS, ITEMS, known(), embedding=4)
    before = net.eval().every(torch.arange(3))
    net.train()
    with torch.no_grad():
        net.embeddings.weight.mul_(2)
    torch.testing.assert_close(net.eval().every(torch.arange(3)), before * 4)
