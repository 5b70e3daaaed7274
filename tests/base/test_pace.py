"""How far work is: told to whom it is handed, else to whom it is said that hears."""

from __future__ import annotations

import numpy as np
import torch

from danlu.data.kinds.text import Text
from danlu.large.pace import Pace, heard_by, paced
from danlu.nn.nets.ngrams import Ngrams

Told = list[tuple[str, int, int]]


def test_who_is_handed_it_hears_before_who_is_around() -> None:
    around: Told = []
    handed: Told = []
    with heard_by(lambda *told: around.append(told)):
        Pace(lambda *told: handed.append(told), "one", 2).end(2)
        Pace(None, "two", 3).end(3)
        with heard_by(None):  # no one new
            assert list(paced("abc", "three", 3)) == ["a", "b", "c"]
    Pace(None, "four", 1).end(1)
    assert handed == [("one", 2, 2)]
    assert around == [("two", 3, 3), ("three", 3, 3)]


def test_a_net_of_ngrams_and_a_vocabulary_tell_how_far_they_are() -> None:
    """They look at all training texts: minutes of a large corpus, in which nothing was said."""
    texts = ["a lake and a boat", "rain and a boat", "a lake", "snow", "a lake and rain"] * 8
    told: Told = []
    with heard_by(lambda *each: told.append(each)):
        kind = Text.fit(texts, {"min_count": 1})
        ids = [kind.prepare(text).value for text in texts]
        net = Ngrams(kind.vocabulary, 2, solid=False, exclusive=True, grams=50, letters=20)
        net.fit_texts(ids, kind.words.pieces(range(kind.vocabulary)), np.arange(len(texts)) % 2)
    stages = list(dict.fromkeys(stage for stage, _, _ in told))
    assert len(stages) == 2
    for stage in stages:
        done = [(done, total) for name, done, total in told if name == stage]
        assert done == sorted(done)
        assert done[-1][0] == done[-1][1] > 0
    silent = Ngrams(kind.vocabulary, 2, solid=False, exclusive=True, grams=50, letters=20)
    silent.fit_texts(ids, kind.words.pieces(range(kind.vocabulary)), np.arange(len(texts)) % 2)
    assert torch.equal(silent.idf, net.idf)
    assert len({name for name, _, _ in told}) == 2
