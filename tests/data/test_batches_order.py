"""Which samples a batch holds: a pure function of position, divided over ranks without loss."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from danlu.data.batches.order import Ask, bounds, draw, plan, repeated
from danlu.randomness import keys_of

ROWS = np.arange(100, 400)
KEYS = keys_of(f"sample {row}" for row in ROWS)


def ask(size: int = 32, **more: object) -> Ask:
    return Ask(ROWS, KEYS, seed=5, size=size, shuffle=True, **more)  # type: ignore[arg-type]


def test_every_epoch_visits_every_sample_once_in_an_order_of_its_own() -> None:
    orders = [plan(ask(), epoch).rows for epoch in range(3)]
    assert all(np.array_equal(np.sort(order), ROWS) for order in orders)
    assert not np.array_equal(orders[0], orders[1])
    assert np.array_equal(orders[1], plan(ask(), 1).rows)


def test_the_order_belongs_to_the_samples_not_to_their_rows() -> None:
    turned = np.arange(300)[::-1]
    other = plan(Ask(ROWS, KEYS[turned], 5, 32, True), 2)
    assert np.array_equal(other.keys, plan(ask(), 2).keys)


def test_without_shuffling_rows_come_as_they_are() -> None:
    assert np.array_equal(plan(Ask(ROWS, KEYS, 5, 32, False), 9).rows, ROWS)


def test_the_same_global_batches_for_any_number_of_ranks() -> None:
    def batches(size: int, world: int) -> list[list[int]]:
        whole = plan(ask(size, world=world), 1)
        return [
            [int(row) for rank in range(world) for row in whole.rows[whole.share(index, rank, world)]]
            for index in range(len(whole))
        ]

    assert batches(48, 1) == batches(24, 2) == batches(16, 3) == batches(12, 4)


@settings(max_examples=300, deadline=None)
@given(samples=st.integers(0, 200), size=st.integers(1, 20), world=st.integers(1, 9), drop_last=st.booleans())
@example(samples=33, size=4, world=8, drop_last=False)  # one sample would be left for eight ranks
@example(samples=3, size=4, world=8, drop_last=True)
def test_ranks_partition_the_epoch(samples: int, size: int, world: int, drop_last: bool) -> None:
    rows = np.arange(samples)
    whole = plan(Ask(rows, rows.astype(np.uint64), 0, size, False, drop_last, None, world), 0)
    shares = [[whole.share(index, rank, world) for rank in range(world)] for index in range(len(whole))]
    seen = [row for batch in shares for share in batch for row in whole.rows[share]]
    lengths = [[share.stop - share.start for share in batch] for batch in shares]
    assert seen == list(range(len(seen)))  # in order, none twice
    assert all(max(batch) - min(batch) <= 1 and max(batch) <= size for batch in lengths)
    assert all(batch == [size] * world for batch in lengths[:-2])
    if drop_last and samples >= size * world:
        assert len(seen) == samples - samples % (size * world)
    else:
        assert len(seen) == samples
        assert len(whole) == -(-samples // (size * world))
    if size > 1 and samples >= world:
        assert all(min(batch) > 0 for batch in lengths)


def test_only_batch_is_never_dropped() -> None:
    assert bounds(5, 8, drop_last=True).tolist() == [0, 5]
    assert bounds(19, 8, drop_last=True).tolist() == [0, 8, 16]


def test_sampling_follows_the_weights() -> None:
    weights = np.asarray([0.0, 1.0, 2.0, 5.0, 0.0] * 4000)
    counts = np.zeros(len(weights))
    for epoch in range(10):
        index, _ = draw(weights, 3, epoch)
        counts += np.bincount(index, minlength=len(weights))
    groups = counts.reshape(-1, 5).sum(0)
    total = groups.sum()
    expected = np.asarray([0, 1, 2, 5, 0]) / 8 * total
    assert groups[0] == groups[4] == 0
    assert np.abs(groups - expected).max() < 4 * np.sqrt(
        total * 0.25
    )  # four standard deviations of a share of one half
    drawn = weights > 0
    mean = weights[drawn] * total / weights.sum()
    chi = ((counts[drawn] - mean) ** 2 / mean).sum()
    freedom = drawn.sum() - 1
    assert abs(chi - freedom) < 5 * np.sqrt(2 * freedom)


def test_a_draw_depends_on_its_slot_alone() -> None:
    weights = np.ones(50)
    first, _ = draw(weights, 1, 0)
    again, _ = draw(weights * 3, 1, 0)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, draw(weights, 1, 1)[0])
    assert not np.array_equal(first, draw(weights, 2, 0)[0])


def test_a_sample_drawn_twice_has_two_keys() -> None:
    weights = np.where(np.arange(300) == 7, 300.0, 1.0)
    whole = plan(ask(weights=weights), 0)
    assert (whole.rows == 107).sum() > 100
    assert len(np.unique(whole.keys)) == len(whole.keys)
    own = dict(zip(ROWS.tolist(), KEYS.tolist(), strict=True))
    first = sum(own[row] == key for row, key in zip(whole.rows.tolist(), whole.keys.tolist(), strict=True))
    assert first == len(np.unique(whole.rows))  # one occurrence of each keeps the sample's key


def test_turns_count_the_occurrences() -> None:
    index, turn = draw(np.asarray([1.0, 10.0, 0.5]), 0, 4)
    for value in range(3):
        assert sorted(turn[index == value]) == list(range((index == value).sum()))
    assert np.array_equal(repeated(KEYS[:3], np.zeros(3, np.int64)), KEYS[:3])
