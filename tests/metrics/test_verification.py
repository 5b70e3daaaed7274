"""Verification against scikit-learn, closed forms and brute force."""

from __future__ import annotations

import math
from itertools import combinations, product

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from danlu.metrics import grouped
from danlu.metrics.pairing import every_pair, unit
from danlu.metrics.rank import rank1
from danlu.metrics.roc import Ranked
from danlu.metrics.verification import Verification, balanced


def people(
    count: int, pictures: int, noise: float, seed: int = 0, dimensions: int = 8
) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(count, dimensions))
    identities = np.repeat(np.arange(count), pictures)
    made = unit(centres[identities] + noise * rng.normal(size=(len(identities), dimensions)))
    return made, identities


def judged(embeddings: np.ndarray, identities: np.ndarray) -> Verification:
    metric = Verification()
    metric.update({"embedding": embeddings}, {"identity": identities})
    return metric


def every(embeddings: np.ndarray, identities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    pairs = list(combinations(range(len(identities)), 2))
    scores = np.asarray([float(np.dot(embeddings[i], embeddings[j])) for i, j in pairs])
    return scores, np.asarray([identities[i] == identities[j] for i, j in pairs])


def test_auc_rates_and_eer_are_scikit_learns() -> None:
    embeddings, identities = people(9, 6, 1.0)
    scores, same = every(embeddings, identities)
    values = judged(embeddings, identities).compute()
    assert values["auc"] == pytest.approx(roc_auc_score(same, scores), abs=1e-9)
    far, tar, _ = roc_curve(same, scores, drop_intermediate=False)
    assert values["tar@0.1"] == pytest.approx(tar[far <= 0.1].max(), abs=1e-9)
    assert values["eer"] == pytest.approx(float(np.interp(0.0, far - (1 - tar), far)), abs=1e-9)


@pytest.mark.parametrize("levels", [2, 5])
def test_equal_scores_count_half_as_in_scikit_learn(levels: int) -> None:
    rng = np.random.default_rng(1)
    scores, yes = rng.integers(0, levels, 200) / levels, rng.random(200) < 0.3
    curves = Ranked.of(scores, yes).curves()
    far, tar, thresholds = roc_curve(yes, scores, drop_intermediate=False)
    assert curves.auc[0] == pytest.approx(roc_auc_score(yes, scores), abs=1e-12)
    np.testing.assert_allclose(curves.far[0], far[1:])
    np.testing.assert_allclose(curves.tar[0], tar[1:])
    np.testing.assert_allclose(curves.scores, thresholds[1:])


def test_weights_count_as_copies_do() -> None:
    rng = np.random.default_rng(2)
    scores, yes, copies = rng.normal(size=60), rng.random(60) < 0.4, rng.integers(0, 4, 60)
    weighted = Ranked.of(scores, yes).curves(copies[None].astype(float))
    copied = Ranked.of(np.repeat(scores, copies), np.repeat(yes, copies)).curves()
    assert weighted.auc[0] == pytest.approx(copied.auc[0])
    assert weighted.eer[0] == pytest.approx(copied.eer[0])
    assert weighted.tar_at(0.1)[0] == pytest.approx(copied.tar_at(0.1)[0])
    assert weighted.best_threshold() == pytest.approx(copied.best_threshold())


def test_a_threshold_keeps_its_false_acceptance_rate() -> None:
    rng = np.random.default_rng(3)
    scores, yes = rng.normal(size=500), rng.random(500) < 0.2
    curves = Ranked.of(scores, yes).curves()
    for far in (0.0, 0.01, 0.1, 1.0):
        threshold = curves.threshold_at(far)
        assert (scores[~yes] >= threshold).mean() <= far
        accepted = (scores[yes] >= threshold).mean()
        assert accepted == pytest.approx(curves.tar_at(far)[0])


def test_no_rate_is_claimed_that_the_impostor_pairs_cannot_tell() -> None:
    few = judged(*people(3, 3, 1.0)).compute()  # 27 impostor pairs
    assert math.isnan(few["smallest-far"])
    assert not [name for name in few if name.startswith("tar@")]
    some = judged(*people(6, 5, 1.0)).compute()  # 375
    assert some["smallest-far"] == pytest.approx(30 / 375)
    assert [name for name in some if name.startswith("tar@")] == ["tar@0.1"]


def test_any_division_and_order_give_the_same() -> None:
    embeddings, identities = people(7, 4, 1.0)
    whole = judged(embeddings, identities)
    mixed = np.random.default_rng(0).permutation(len(identities))
    parts = judged(embeddings[mixed[:5]], identities[mixed[:5]])
    parts.merge(judged(embeddings[mixed[5:]], identities[mixed[5:]]))
    assert parts.compute() == whole.compute()
    assert parts.intervals(0.9) == whole.intervals(0.9)


def test_rank_1_is_the_mean_over_all_galleries() -> None:
    embeddings, identities = people(3, 3, 1.3)
    rows = [np.flatnonzero(identities == each).tolist() for each in range(3)]
    for probe in range(len(identities)):
        own = int(identities[probe])
        hits = []
        for gallery in product(*([row for row in each if row != probe] for each in rows)):
            scores = embeddings[list(gallery)] @ embeddings[probe]
            others = np.delete(scores, own)
            hits.append(scores[own] > others.max())
        assert rank1(embeddings, identities)[probe] == pytest.approx(np.mean(hits))


def test_an_only_picture_is_no_probe_and_unknown_people_do_not_count() -> None:
    embeddings, identities = people(4, 3, 0.5)
    found = rank1(np.concatenate([embeddings, embeddings[:1]]), np.append(identities, 4))
    assert math.isnan(found[-1])
    unknown = judged(np.concatenate([embeddings, embeddings[:2]]), np.append(identities, [-1, -1]))
    assert unknown.compute() == judged(embeddings, identities).compute()


def test_identities_of_later_data_are_told_apart_by_their_number() -> None:
    embeddings, identities = people(4, 3, 0.5)
    assert judged(embeddings, -2 - 7 * identities).compute()["auc"] == judged(embeddings, identities).compute()["auc"]


def test_the_threshold_of_the_accuracy_never_saw_the_identities_that_are_judged() -> None:
    """Twenty people in ten folds: turning one fold's own scores upside down must not change that fold's threshold."""
    embeddings, identities = people(20, 4, 0.02, dimensions=40)
    assert judged(embeddings, identities).compute()["accuracy"] > 0.99
    shuffled = np.random.default_rng(0).permutation(identities)
    chance = judged(embeddings, shuffled).compute()["accuracy"]
    assert 0.35 < chance < 0.62  # a threshold chosen on the judged pairs themselves would stand well above a half


def test_intervals_hold_what_they_say() -> None:
    """Draws of people from one population: the interval of each holds the population's value about as often as it says."""
    truth = judged(*people(120, 3, 1.0, seed=99)).compute()["auc"]
    held = [
        low <= truth <= high
        for low, high in (judged(*people(15, 3, 1.0, seed=seed)).intervals(0.9)["auc"] for seed in range(25))
    ]
    assert np.mean(held) >= 0.72  # 25 draws at 0.9: below that once in a hundred


def test_few_people_have_no_interval() -> None:
    assert all(map(math.isnan, judged(*people(2, 3, 1.0)).intervals(0.95)["auc"]))
    empty = Verification()
    assert math.isnan(empty.compute()["auc"])
    assert math.isnan(judged(*people(1, 4, 1.0)).compute()["auc"])


def test_very_many_pairs_are_thinned_evenly() -> None:
    embeddings, identities = people(40, 30, 1.0)  # 719,400 pairs
    whole, some = every_pair(embeddings, identities), every_pair(embeddings, identities, most=60_000)
    assert len(some.scores) <= 60_000
    areas = [Ranked.of(each.scores, each.same).curves().auc[0] for each in (whole, some)]
    assert areas[1] == pytest.approx(areas[0], abs=0.01)
    assert (some.same == (some.first == some.second)).all()
    drawn = set(zip(some.left.tolist(), some.right.tolist(), strict=True))
    assert len(drawn) == len(some.left)
    assert (some.left < some.right).all()


def test_balanced_accuracy_counts_both_kinds_alike() -> None:
    same = np.asarray([True] * 2 + [False] * 8)
    assert balanced(np.asarray([True, False] + [False] * 8), same) == 0.75
    assert math.isnan(balanced(np.ones(3, bool), np.ones(3, bool)))


def test_a_difference_leaves_out_people_and_not_pictures() -> None:
    """Copies of every picture tell nothing new: the interval of a difference must not become narrower by them."""
    one, identities = people(10, 3, 1.0)
    other, _ = people(10, 3, 1.4)
    widths = []
    for copies in (1, 4):
        truth = {"identity": np.tile(identities, copies)}
        found = grouped.difference(
            lambda: (Verification(),),
            "auc",
            {"embedding": np.tile(one, (copies, 1))},
            {"embedding": np.tile(other, (copies, 1))},
            truth,
            0.9,
        )
        widths.append(found[1][1] - found[1][0])
    assert widths[1] > 0.6 * widths[0]
