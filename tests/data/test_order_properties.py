"""The order of an epoch, for any number of rows, sizes, ranks and places to go on from. Drawn by hypothesis."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from danlu.data.batches.batches import Batches
from danlu.data.batches.order import Ask, plan
from danlu.data.dataset import Dataset
from danlu.data.kinds.number import Number
from danlu.randomness import keys_of


class Rows:
    """A store whose values are the rows themselves."""

    def gather(self, column: str, rows: np.ndarray) -> Any:
        return rows.astype(np.float32)


def dataset(count: int) -> Dataset:
    ids = [f"sample {row}" for row in range(count)]
    parts = {"train": np.arange(count)}
    return Dataset(Rows(), {"x": Number()}, ("x",), (), ids, ids, keys_of(ids), parts, {}, {})  # type: ignore[arg-type]


COUNT = st.integers(1, 70)
SIZE = st.integers(1, 16)


@settings(max_examples=80)
@given(COUNT, SIZE, st.integers(1, 5), st.integers(0, 2**40), st.integers(0, 50), st.booleans())
@example(33, 4, 8, 0, 0, True)
def test_every_epoch_is_a_permutation(count: int, size: int, world: int, seed: int, epoch: int, shuffle: bool) -> None:
    rows = np.arange(count) * 3 + 7
    keys = keys_of(f"sample {row}" for row in rows)
    whole = plan(Ask(rows, keys, seed, size, shuffle, world=world), epoch)
    assert sorted(whole.rows.tolist()) == rows.tolist()
    assert np.array_equal(whole.keys, keys[(whole.rows - 7) // 3])
    shares = [[whole.share(batch, rank, world) for rank in range(world)] for batch in range(len(whole))]
    assert [row for batch in shares for share in batch for row in whole.rows[share]] == whole.rows.tolist()
    lengths = [share.stop - share.start for batch in shares for share in batch]
    assert max(lengths) <= size
    if size > 2 and count >= 2 * world:
        assert min(lengths) >= 2  # batch norm can't learn from a single sample
    mixed = np.random.default_rng(seed).permutation(count)
    if shuffle:
        again = plan(Ask(rows[mixed], keys[mixed], seed, size, True, world=world), epoch)
        assert np.array_equal(again.rows, whole.rows)  # whatever the order of rows


@settings(max_examples=40)
@given(COUNT, SIZE, st.integers(0, 9), st.integers(0, 3), st.floats(0, 1), st.booleans(), st.booleans())
def test_an_epoch_taken_up_anywhere_has_the_same_tail(
    count: int, size: int, seed: int, epoch: int, at: float, weighted: bool, drop_last: bool
) -> None:
    weights = np.random.default_rng(seed).random(count) + 0.01 if weighted else None
    data = dataset(count)

    def made(start: int) -> list[tuple[list[float], list[int]]]:
        batches = Batches(data, "train", size, seed, shuffle=True, weights=weights, drop_last=drop_last)
        return [(batch["x"].tolist(), batch.keys.tolist()) for batch in batches.epoch(epoch, start)]  # type: ignore[union-attr]

    whole = made(0)
    start = round(at * len(whole))
    assert made(start) == whole[start:]
    assert sum(len(values) for values, _ in whole) == (count - count % size if drop_last and count >= size else count)
    assert made(len(whole)) == []
    keys = [key for _, batch in whole for key in batch]
    assert len(set(keys)) == len(keys)  # a sample drawn twice is two samples to the augmentation


@settings(max_examples=25)
@given(st.lists(st.sampled_from([0.0, 0.5, 1.0, 3.0]), min_size=2, max_size=8).filter(any), st.integers(0, 99))
def test_sampling_follows_the_weights(weights: list[float], seed: int) -> None:
    """Over 60 epochs of 50 copies each, within five standard deviations; what weighs nothing never comes."""
    share = np.asarray(weights) / sum(weights)
    all_weights = np.tile(weights, 50)
    rows = np.arange(len(all_weights))
    keys = keys_of(map(str, rows))
    counts = np.zeros(len(weights))
    for epoch in range(60):
        drawn = plan(Ask(rows, keys, seed, 8, True, weights=all_weights), epoch).rows
        assert len(drawn) == len(rows)
        counts += np.bincount(drawn % len(weights), minlength=len(weights))
    total = counts.sum()
    assert (counts[share == 0] == 0).all()
    assert (np.abs(counts - total * share) <= 5 * np.sqrt(total * share * (1 - share)) + 1e-9).all()
