"""Ranking metrics beside a plain calculation for each user, however the rows are divided."""

import math

import numpy as np
import pytest

from danlu.metrics.grouped import paired
from danlu.metrics.ranking import NAMES, Ranking


def plainly(listed: list[int], wanted: set[int], k: int) -> dict[str, float]:
    """The definitions of RecBole's documentation, one user, word by word."""
    hits = [item in wanted for item in listed[:k]]
    dcg = sum(1 / math.log2(place + 2) for place, hit in enumerate(hits) if hit)
    ideal = sum(1 / math.log2(place + 2) for place in range(min(len(wanted), k)))
    precisions = [sum(hits[: place + 1]) / (place + 1) for place, hit in enumerate(hits) if hit]
    return {
        "recall": sum(hits) / len(wanted),
        "ndcg": dcg / ideal,
        "mrr": next((1 / (place + 1) for place, hit in enumerate(hits) if hit), 0.0),
        "map": sum(precisions) / min(len(wanted), k),
        "hit": float(any(hits)),
        "precision": sum(hits) / k,
    }


def judged(seed: int) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], list[list[int]], list[set[int]]]:
    rng = np.random.default_rng(seed)
    lists = [rng.permutation(30)[:10].tolist() for _ in range(25)]
    wanted = [set(rng.permutation(30)[: rng.integers(1, 14)].tolist()) for _ in range(25)]
    pairs = [(user, item) for user, items in enumerate(wanted) for item in items]
    user, item = (np.asarray(column, np.int64) for column in zip(*pairs, strict=True))
    return {"user": user, "items": np.asarray(lists, np.int32)[user]}, {"item": item}, lists, wanted


def test_equals_the_plain_calculation_at_every_k() -> None:
    predictions, targets, lists, wanted = judged(0)
    metric = Ranking((1, 5, 10))
    metric.update(predictions, targets)
    found = metric.compute()
    for k in (1, 5, 10):
        each = [plainly(*one, k) for one in zip(lists, wanted, strict=True)]
        for name in NAMES:
            assert found[f"{name}@{k}"] == pytest.approx(np.mean([one[name] for one in each]), abs=1e-12)


def test_a_case_by_hand() -> None:
    metric = Ranking((3,))
    metric.update(
        {"user": np.zeros(2, np.int64), "items": np.asarray([[7, 4, 9], [7, 4, 9]])}, {"item": np.asarray([4, 1])}
    )
    found = metric.compute()
    assert found["recall@3"] == 0.5
    assert found["mrr@3"] == 0.5
    assert found["map@3"] == 0.25
    assert found["precision@3"] == pytest.approx(1 / 3)
    assert found["ndcg@3"] == pytest.approx((1 / math.log2(3)) / (1 + 1 / math.log2(3)))


def test_any_division_and_order_of_rows_gives_the_same() -> None:
    predictions, targets, _, _ = judged(1)
    counts = np.arange(30) + 1
    whole = Ranking((5, 10), counts=counts, users=40)
    whole.update(predictions, targets)
    order = np.random.default_rng(2).permutation(len(targets["item"]))
    pieces = [Ranking((5, 10), counts=counts, users=40) for _ in range(3)]
    for piece, rows in zip(pieces, np.array_split(order, 3), strict=True):
        piece.update({name: values[rows] for name, values in predictions.items()}, {"item": targets["item"][rows]})
    pieces[2].merge(pieces[0])
    pieces[2].merge(pieces[1])
    one, other = whole.compute(), pieces[2].compute()
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert other[name] == pytest.approx(value, abs=1e-12), name


def test_a_pair_that_comes_twice_counts_once_and_an_unknown_item_is_missed() -> None:
    lists = np.asarray([[3, 5]] * 3)
    metric = Ranking((2,))
    metric.update({"user": np.zeros(3, np.int64), "items": lists}, {"item": np.asarray([3, 3, -1])})
    assert metric.compute()["recall@2"] == 0.5
    padded = Ranking((2,))
    padded.update({"user": np.zeros(1, np.int64), "items": np.asarray([[-1, -1]])}, {"item": np.asarray([-1])})
    assert padded.compute()["recall@2"] == 0.0


def test_what_is_not_liked_is_not_looked_for() -> None:
    metric = Ranking((2,), liked=4.0)
    given = {"user": np.asarray([0, 0, 1]), "items": np.asarray([[3, 5], [3, 5], [1, 2]])}
    metric.update(given, {"item": np.asarray([3, 5, 1]), "rating": np.asarray([5.0, 2.0, 3.0])})
    found = metric.compute()
    assert found["recall@2"] == 1.0  # user 1 has nothing to be found
    assert found["precision@2"] == 0.5


def test_coverage_and_novelty() -> None:
    metric = Ranking((2,), counts=np.asarray([8, 4, 2, 1]), users=8)
    metric.update({"user": np.asarray([0, 1]), "items": np.asarray([[0, 1], [1, 2]])}, {"item": np.asarray([0, 0])})
    found = metric.compute()
    assert found["coverage@2"] == 0.75
    assert found["novelty@2"] == pytest.approx((0 + 1 + 1 + 2) / 4)


def test_intervals_are_over_users_and_differences_pair_them() -> None:
    predictions, targets, lists, wanted = judged(3)
    metric = Ranking((10,))
    metric.update(predictions, targets)
    each = np.asarray([plainly(*one, 10)["ndcg"] for one in zip(lists, wanted, strict=True)])
    low, high = metric.intervals(0.95)["ndcg@10"]
    share, z = each.mean(), 1.959964
    many = len(each) * share * (1 - share) / each.var()  # zeros and ones of the same mean and variance of that mean
    middle = (share + z**2 / (2 * many)) / (1 + z**2 / many)
    half = z / (1 + z**2 / many) * math.sqrt(share * (1 - share) / many + z**2 / (4 * many**2))
    assert (low, high) == pytest.approx((middle - half, middle + half), rel=1e-5)
    assert half == pytest.approx(z * each.std(ddof=1) / math.sqrt(len(each)), rel=0.1)
    other = {**predictions, "items": predictions["items"][:, ::-1]}
    told = paired(lambda: [Ranking((10,))], "ndcg@10", predictions, other, targets, 0.95)
    assert told is not None
    turned = np.asarray([plainly(one[::-1], two, 10)["ndcg"] for one, two in zip(lists, wanted, strict=True)])
    assert told[0] == pytest.approx((turned - each).mean())
    assert paired(lambda: [Ranking((10,))], "coverage@10", predictions, other, targets, 0.95) is None


def test_nothing_judged_is_not_a_number() -> None:
    assert math.isnan(Ranking((10,)).compute()["ndcg@10"])
