"""Near duplicates: compared with the exact Jaccard index of every pair."""

from __future__ import annotations

import random

import numpy as np
import pytest

from danlu.data.text.likeness import likeness


def _grams(text: str, size: int) -> set[str]:
    plain = "".join(text.casefold().split())
    return {plain[at : at + size] for at in range(len(plain) - size + 1)}


def _jaccard(one: str, two: str, size: int) -> float:
    a, b = _grams(one, size), _grams(two, size)
    return len(a & b) / len(a | b)


def _texts(letters: str, gap: str) -> list[str]:
    """Sixty texts, and of each one more with one to eight words changed."""
    draws = random.Random(5)
    words = ["".join(draws.choices(letters, k=draws.randint(2, 7))) for _ in range(400)]
    texts = []
    for number in range(60):
        text = draws.choices(words, k=40)
        other = list(text)
        for place in draws.sample(range(40), 1 + number % 8):
            other[place] = draws.choice(words)
        texts += [gap.join(text), gap.join(other)]
    return texts


def test_pairs_above_the_bound_are_found_and_none_below() -> None:
    chinese = "".join(chr(code) for code in range(0x4E00, 0x4E00 + 300))
    for letters, gap, size in (("abcdefghijklmnop", " ", 5), (chinese, "", 3)):
        texts = _texts(letters, gap)
        near = likeness(texts, len(texts), 0.8).near
        assert near is not None
        both = [0, 0]
        for one in range(len(texts)):
            for two in range(one + 1, len(texts)):
                alike = _jaccard(texts[one], texts[two], size) >= 0.8
                assert (near[one] == near[two]) == alike, (one, two)
                both[alike] += 1
        assert both[0] > 1000
        assert 10 < both[1] < 60


def test_equal_but_for_case_width_and_spaces() -> None:
    texts = ["Ｇood  Hotel", "good hotel", "GOODHOTEL\n", "bad hotel", "", ""]
    found = likeness(texts, len(texts), 0.8)
    assert len(set(found.exact[:3].tolist())) == 1
    assert len(set(found.exact.tolist())) == 4  # what is empty is like nothing, not even another empty one
    assert found.near is not None
    assert len(set(found.near.tolist())) == 4


def test_short_texts_are_alike_only_where_equal() -> None:
    found = likeness(["好", "好!", "坏", "好"], 4, 0.8)
    assert found.near is not None
    assert found.near[0] == found.near[3]
    assert len(set(found.near.tolist())) == 3


def test_a_chain_is_one_group() -> None:
    draws = random.Random(1)
    words = ["".join(draws.choices("abcdefgh", k=6)) for _ in range(60)]
    chain = []
    for turn in range(8):
        words = [*words[:turn], f"new{turn}xyz", *words[turn + 1 :]]
        chain.append(" ".join(words))
    assert _jaccard(chain[0], chain[-1], 5) < 0.8 < _jaccard(chain[0], chain[1], 5)
    near = likeness(chain, len(chain), 0.8).near
    assert near is not None
    assert np.unique(near).size == 1


def test_how_far_the_search_is_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 200,000 rows it takes most of the time before step one: without a word it looks as if nothing went on."""
    clock = iter(range(10**9))
    monkeypatch.setattr("danlu.large.pace.time.monotonic", lambda: float(next(clock)))
    texts = _texts("abcdefghijklmnop", " ")
    told: list[tuple[str, int, int]] = []
    likeness(texts, len(texts), 0.8, lambda *what: told.append(what))
    stages = list(dict.fromkeys(stage for stage, *_ in told))
    assert len(stages) == 2
    for stage in stages:
        done = [at for name, at, _ in told if name == stage]
        assert len(done) > 5
        assert done == sorted(done)
        assert done[-1] == len(texts)
    assert {total for *_, total in told} == {len(texts)}
