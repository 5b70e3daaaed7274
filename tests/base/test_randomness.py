"""Randomness by position: equal wherever and however it is asked for, uniform, and different for everything that differs."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from danlu.randomness import Position, bits, keys_of, order, torch_seed, uniform

KNOWN = [
    [3910266824771211220, 3644440042365075113],
    [14754256186462288323, 12139435896750938313],
    [17108551931069227604, 15882645442669895633],
]
KNOWN_SEED = 2648115574492621588
KEYS = st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=30)


@given(st.integers(0, 2**63 - 1), st.integers(0, 10**6), KEYS, st.integers(1, 5))
def test_a_draw_depends_on_its_own_position_alone(seed: int, epoch: int, keys: list[int], draws: int) -> None:
    whole = bits(seed, "flip", epoch, np.array(keys, np.uint64), draws)
    for row, key in enumerate(keys):
        alone = bits(seed, "flip", epoch, np.array([key], np.uint64), draws + 2)
        assert (alone[0, :draws] == whole[row]).all()


def test_known_values_never_change() -> None:
    """A run resumes under a later version only while these stay."""
    keys = np.array([0, 1, 2**64 - 1], np.uint64)
    drawn = bits(7, "order", 3, keys, 2)
    assert drawn.tolist() == KNOWN
    assert torch_seed(Position(7, 3, 11, 2)) == KNOWN_SEED


def test_uniform_is_uniform_and_uncorrelated() -> None:
    drawn = uniform(0, "x", 0, np.arange(200_000, dtype=np.uint64), 2)
    assert drawn.min() >= 0
    assert drawn.max() < 1
    counts, _ = np.histogram(drawn[:, 0], bins=50, range=(0, 1))
    chi = float(((counts - 4000) ** 2 / 4000).sum())
    assert chi < 85  # 49 degrees of freedom: p > .001
    later = uniform(0, "x", 1, np.arange(200_000, dtype=np.uint64), 1)[:, 0]
    for other in (drawn[:, 1], later, np.roll(drawn[:, 0], 1)):
        assert abs(np.corrcoef(drawn[:, 0], other)[0, 1]) < 0.01


def test_seed_purpose_epoch_and_draw_all_matter() -> None:
    keys = np.arange(1000, dtype=np.uint64)
    variants = [bits(s, p, e, keys, 2)[:, d] for s in (0, 1) for p in ("a", "b") for e in (0, 1) for d in (0, 1)]
    assert len({v.tobytes() for v in variants}) == len(variants)
    seeds = {
        torch_seed(Position(s, 0, step, micro), rank)
        for s in (0, 1)
        for step in range(50)
        for micro in (0, 1)
        for rank in (0, 1)
    }
    assert len(seeds) == 2 * 50 * 2 * 2


@given(st.permutations(range(40)))
def test_the_order_of_samples_does_not_depend_on_their_rows(rows: list[int]) -> None:
    keys = keys_of(f"photo-{i}" for i in range(40))
    visited = keys[order(1, "order", 2, keys)]
    shuffled = keys[np.array(rows)]
    assert (shuffled[order(1, "order", 2, shuffled)] == visited).all()
