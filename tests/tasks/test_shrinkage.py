"""L2 on what a batch looks up, beside plain formulas."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from danlu.data.batches.batch import Batch
from danlu.nn.embedding.interactions import Interactions
from danlu.nn.embedding.squares import squares
from danlu.nn.embedding.table import table
from danlu.nn.nets.collaborative_filtering import CollaborativeFiltering
from danlu.nn.nets.lightgcn import Lightgcn
from danlu.nn.nets.neumf import Neumf
from danlu.nn.terms.bpr import Bpr
from danlu.nn.terms.mse import MSE
from danlu.randomness import bits, bits_at
from danlu.tasks.interactions.shrinkage import Valued, shrunk
from danlu.tasks.item_recommendation.drawing import LIKED, Negatives
from danlu.tasks.item_recommendation.net import Recommender
from danlu.tasks.rating_prediction.net import Rater

USERS, ITEMS = 6, 5
USER, CANDIDATES = torch.tensor([0, 3, 3]), torch.tensor([[1, 2, 4], [0, 1, 1], [4, 0, 2]])


def known() -> Interactions:
    user, item = np.asarray([0, 3, 3, 5]), np.asarray([1, 0, 4, 2])
    return Interactions(USERS, ITEMS, user, item, np.zeros(4, np.int64))


def batch(**columns: torch.Tensor) -> Batch:
    rows = np.arange(3)
    return Batch(columns=columns, rows=rows, keys=rows.astype(np.uint64), inputs=())


@pytest.mark.parametrize("count", [2, 50])
@pytest.mark.parametrize("sparse", [False, True])
def test_squares_and_their_gradients_are_those_of_the_rows(count: int, sparse: bool) -> None:
    own = table(10, 3, 1.0, sparse)
    places = torch.randint(10, (count, 2), generator=torch.Generator().manual_seed(0))
    found = squares(own, places)
    torch.testing.assert_close(found, own.weight[places].square().sum(-1))
    found.sum().backward()  # type: ignore[no-untyped-call]
    assert own.weight.grad is not None
    times = torch.bincount(places.reshape(-1), minlength=10)[:, None]
    torch.testing.assert_close(own.weight.grad.to_dense(), 2 * own.weight.detach() * times)


@pytest.mark.parametrize("net", ["cf", "lightgcn", "neumf"])
def test_ranking_is_held_by_the_mean_of_squares_over_pairs_that_count(net: str) -> None:
    torch.manual_seed(0)
    nets: dict[str, Any] = {
        "cf": lambda: CollaborativeFiltering(USERS, ITEMS, embedding=3),
        "lightgcn": lambda: Lightgcn(USERS, ITEMS, known(), embedding=3),
        "neumf": lambda: Neumf(USERS, ITEMS, embedding=3, hidden=(4,)),
    }
    made = nets[net]()
    recommender = Recommender(made, known(), told=True)
    counting = torch.tensor([1.0, 0.0, 1.0])
    one = batch(**{LIKED: counting})
    tables: dict[str, Any] = {
        "cf": lambda: [(made.user_embeddings.weight, made.item_embeddings.weight)],
        "lightgcn": lambda: [made.embeddings.weight.split([USERS, ITEMS])],
        "neumf": lambda: [
            (made.user_factors.weight, made.item_factors.weight), (made.user_vectors.weight, made.item_vectors.weight)
        ],
    }  # fmt: skip
    pairs = tables[net]()
    wanted = 0.0
    for sample in (0, 2):
        for users, items in pairs:
            met, *others = (items[place].square().sum() for place in CANDIDATES[sample])
            wanted = wanted + (users[USER[sample]].square().sum() + met + sum(others) / 2) / 2
    parts = {}
    for weight in (0.0, 0.3):
        objective = shrunk("bpr", Bpr(LIKED), weight, LIKED)
        torch.manual_seed(1)
        parts[weight] = objective(recommender(USER, None, CANDIDATES), one, objective.counts(one))[0]
    torch.testing.assert_close(parts[0.3] - parts[0.0], 0.3 * torch.as_tensor(wanted))


def test_ratings_are_held_in_the_unit_of_a_squared_error() -> None:
    torch.manual_seed(0)
    scorer = CollaborativeFiltering(USERS, ITEMS, embedding=3, biases=True)
    rater, items = Rater(scorer, 3.5, 1.2, told=True), CANDIDATES[:, 0]
    one = batch(rating=torch.tensor([4.0, 2.0, 5.0]))
    objective = shrunk("mse", Valued(MSE("rating")), 0.1)
    loss, terms = objective(rater(USER, items), one, objective.counts(one))
    value = 3.5 + 1.2 * scorer(USER, items)
    held: torch.Tensor = scorer.user_embeddings.weight[USER].square().sum(1) + scorer.item_embeddings.weight[
        items
    ].square().sum(1)
    error = (value - one["rating"]).square().mean().detach()
    torch.testing.assert_close(loss.detach(), error + 0.1 * 1.2**2 * held.detach().mean())
    assert terms.tolist() == pytest.approx([float(error), 1.2**2 * float(held.detach().mean())], rel=1e-5)
    judged, _ = objective(rater.eval()(USER, items), one, objective.counts(one))  # the error alone, when it is judged
    torch.testing.assert_close(judged.detach(), error)


def test_a_net_of_ones_own_that_tells_no_squares_is_not_held() -> None:
    class Own(nn.Module):
        def forward(self, users: torch.Tensor, items: torch.Tensor) -> torch.Tensor:
            return (users[:, None] - items).float()

    one = batch(**{LIKED: torch.ones(3)})
    objective = shrunk("bpr", Bpr(LIKED), 0.3, LIKED)
    loss, terms = objective(Recommender(Own(), known(), told=True)(USER, None, CANDIDATES), one, objective.counts(one))
    assert loss == terms[0]
    assert terms[1] == 0


def test_bits_at_a_draw_are_those_of_all_draws() -> None:
    keys = np.arange(5, dtype=np.uint64)
    every = bits(3, "a purpose", 2, keys, 7)
    assert np.array_equal(every, bits_at(3, "a purpose", 2, keys[:, None], np.arange(7)))
    assert np.array_equal(every[[0, 4], [6, 2]], bits_at(3, "a purpose", 2, keys[[0, 4]], np.asarray([6, 2])))


def test_items_are_drawn_alike_from_a_table_and_without(monkeypatch: pytest.MonkeyPatch) -> None:
    from danlu.randomness import Position

    user = np.random.default_rng(0).integers(0, USERS, 200)
    keys, at = np.arange(200, dtype=np.uint64), Position(0, 1)
    found = Negatives(known(), 6, None).draw(user, keys, at)
    monkeypatch.setattr("danlu.tasks.item_recommendation.drawing._TABLE", 0)
    assert np.array_equal(found, Negatives(known(), 6, None).draw(user, keys, at))
