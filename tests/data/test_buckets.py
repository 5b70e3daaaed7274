"""Batches of similar length: a pure function of (seed, epoch), within the token budget, each sample once."""

from __future__ import annotations

import numpy as np
import pytest

from danlu.data.batches.buckets import cuts, widths
from danlu.data.batches.order import Ask, plan
from danlu.randomness import keys_of


def _ask(count: int = 500, **more: object) -> Ask:
    draws = np.random.default_rng(3)
    lengths = np.minimum(1 + draws.geometric(0.03, count), 120)
    keys = keys_of(map(str, range(count)))
    given = {"seed": 7, "size": 32, "shuffle": True, "lengths": lengths, **more}
    return Ask(np.arange(count), keys, **given)  # type: ignore[arg-type]


def _batches(ask: Ask, epoch: int) -> list[np.ndarray]:
    made = plan(ask, epoch)
    return [made.rows[start:stop] for start, stop in zip(made.bounds[:-1], made.bounds[1:], strict=True)]


def test_widths_add_less_than_an_eighth() -> None:
    lengths = np.arange(1, 5000)
    found = widths(lengths)
    assert (found >= lengths).all()
    assert ((found - lengths) / lengths < 1 / 8).all()
    assert (np.diff(found) >= 0).all()
    assert np.array_equal(found[:16], lengths[:16])


@pytest.mark.parametrize("tokens", [None, 600, 128])
def test_every_sample_once_and_within_the_budget(tokens: int | None) -> None:
    ask = _ask(tokens=tokens)
    assert ask.lengths is not None
    for epoch in range(3):
        batches = _batches(ask, epoch)
        assert len(batches) == len(cuts(ask)) - 1
        assert np.array_equal(np.sort(np.concatenate(batches)), np.arange(500))
        for batch in batches:
            if tokens is None:
                assert len(batch) <= 32
            else:
                assert len(batch) * ask.lengths[batch].max() <= tokens


def test_much_less_padding() -> None:
    ask = _ask(size=16)
    plain = Ask(ask.rows, ask.keys, 7, 16, True)
    assert ask.lengths is not None

    def padded(asked: Ask) -> float:
        assert ask.lengths is not None
        return sum(len(b) * ask.lengths[b].max() for b in _batches(asked, 0)) / ask.lengths.sum()

    assert padded(ask) < 1.15 < 2 < padded(plain)


def test_a_function_of_seed_and_epoch_and_not_of_the_order_of_rows() -> None:
    ask = _ask(tokens=600)
    assert ask.lengths is not None
    once, again = _batches(ask, 1), _batches(ask, 1)
    assert all(np.array_equal(a, b) for a, b in zip(once, again, strict=True))
    turned = np.random.default_rng(0).permutation(500)
    other = Ask(turned, ask.keys[turned], 7, 32, True, lengths=ask.lengths[turned], tokens=600)
    assert all(np.array_equal(a, b) for a, b in zip(once, _batches(other, 1), strict=True))
    later = _batches(ask, 2)
    assert {tuple(sorted(b)) for b in once} != {tuple(sorted(b)) for b in later}  # other samples meet
    assert [len(b) for b in once] != [len(b) for b in later]  # and batches come in another order
    longest = [ask.lengths[b].max() for b in once]
    assert longest != sorted(longest, reverse=True)


def test_without_shuffling_the_longest_come_first() -> None:
    ask = _ask(tokens=600, shuffle=False)
    assert ask.lengths is not None
    tops = [widths(ask.lengths[b]).max() for b in _batches(ask, 0)]
    assert tops == sorted(tops, reverse=True)


def test_drawn_with_replacement_the_number_of_batches_stays() -> None:
    weights = np.where(np.arange(500) < 50, 20.0, 1.0)
    ask = _ask(tokens=600, weights=weights)
    assert ask.lengths is not None
    for epoch in range(4):
        batches = _batches(ask, epoch)
        assert len(batches) == len(cuts(ask)) - 1
        assert sum(map(len, batches)) == 500
        assert min(map(len, batches)) >= 1
        assert np.isin(np.concatenate(batches), np.arange(50)).mean() > 0.5
        costs = [len(b) * widths(ask.lengths[b]).max() for b in batches]
        assert max(costs) < 2 * np.mean(costs)


def test_ranks_share_every_batch() -> None:
    ask = _ask(tokens=600, world=2)
    assert ask.lengths is not None
    made = plan(ask, 0)
    for index in range(len(made)):
        for rank in range(2):
            rows = made.rows[made.share(index, rank, 2)]
            assert len(rows)
            assert len(rows) * ask.lengths[rows].max() <= 600
