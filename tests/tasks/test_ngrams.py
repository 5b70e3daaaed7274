"""Interpolated Kneser-Ney beside its formula, counted by hand."""

from __future__ import annotations

import random

import pytest

from danlu.tasks.text_generation.ngrams import DISCOUNT, KneserNey

BEGIN, SIZE = 0, 6


def test_probabilities_sum_to_one() -> None:
    draw = random.Random(0)
    model = KneserNey([[draw.randint(1, 4) for _ in range(draw.randint(1, 9))] for _ in range(40)], BEGIN, SIZE)
    for one in range(SIZE):
        for two in range(SIZE):
            assert sum(model.probability(one, two, three) for three in range(SIZE)) == pytest.approx(1.0, abs=1e-12)


def test_a_small_text_by_hand() -> None:
    """Texts 1 2 1 2 and 1 3: trigrams ^^1 ×2, ^12, ^13, 121, 212; pairs ^1, 12 (behind ^ and 2), 13, 21; ones 1, 2, 3."""
    model = KneserNey([[1, 2, 1, 2], [1, 3]], BEGIN, SIZE)
    kinds = {1: 2, 2: 1, 3: 1}  # of pairs that end so: ^1 and 21; 12; 13
    single = {token: (max(kinds.get(token, 0) - DISCOUNT, 0) + DISCOUNT * 3 / SIZE) / 4 for token in range(SIZE)}
    after = {2: 2, 3: 1}  # contexts of 1 2 and of 1 3
    pair = {token: (max(after.get(token, 0) - DISCOUNT, 0) + DISCOUNT * 2 * single[token]) / 3 for token in range(SIZE)}
    for token in range(SIZE):
        assert model.probability(4, 5, token) == pytest.approx(single[token])
        assert model.probability(4, 1, token) == pytest.approx(pair[token])
        seen = {2: 1, 3: 1}.get(token, 0)  # ^ 1 2 and ^ 1 3
        expected = (max(seen - DISCOUNT, 0) + DISCOUNT * 2 * pair[token]) / 2
        assert model.probability(BEGIN, 1, token) == pytest.approx(expected)
    assert model.likeliest(BEGIN, BEGIN) == 1
    assert model.likeliest(2, 1) == 2
