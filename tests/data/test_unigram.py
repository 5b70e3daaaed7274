"""Unigram pieces: likelihoods against all ways of cutting, the same each time, nothing lost, places exact."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

from danlu.data.kinds.text import _learnt
from danlu.data.text.pieces import Pieces
from danlu.data.text.tokenizers import SPECIAL, tokenizer_of
from danlu.data.text.unigram import _Lattice, unigrams
from danlu.errors import DataError

TEXTS = [
    "the cat sat on the mat",
    "the dog, the cat",
    "le chat noir dort",
    "猫坐在桌子上",
    "我喜欢红色的猫，猫也喜欢我",
] * 6


def _cuts(text: str) -> list[list[str]]:
    found = []
    for marks in product((False, True), repeat=len(text) - 1):
        parts = [text[0]]
        for letter, new in zip(text[1:], marks, strict=True):
            if new:
                parts.append(letter)
            else:
                parts[-1] += letter
        found.append(parts)
    return found


def test_expectations_are_those_of_all_ways_of_cutting() -> None:
    scores = {"a": math.log(0.2), "b": math.log(0.3), "ab": math.log(0.25), "ba": math.log(0.15), "aba": math.log(0.1)}
    texts = {"ababa": 2.0, "abba": 1.0, "ba": 3.0}
    wanted = dict.fromkeys(scores, 0.0)
    for text, weight in texts.items():
        ways = [way for way in _cuts(text) if all(piece in scores for piece in way)]
        chances = [math.exp(sum(scores[piece] for piece in way)) for way in ways]
        for way, chance in zip(ways, chances, strict=True):
            for piece in way:
                wanted[piece] += weight * chance / sum(chances)
    found = _Lattice(list(texts), np.asarray(list(texts.values()))).expected(scores)
    assert found == pytest.approx(wanted)
    without = _Lattice(["aba", "ab"]).best(scores)
    assert without == pytest.approx([math.log(0.25 * 0.2), math.log(0.2 * 0.3)])


def test_frequent_words_become_pieces_and_probabilities_add_up() -> None:
    made = unigrams({"▁the": 50, "▁then": 8, "▁cat": 40, "▁hen": 9}, 14, frozenset("▁thencaz"))
    assert {"▁the", "▁cat"} <= {piece for piece, _ in made}
    assert len(made) <= 14
    assert sum(math.exp(score) for _, score in made) == pytest.approx(1.0)
    assert [score for _, score in made] == sorted((score for _, score in made), reverse=True)


def test_the_same_texts_give_the_same_pieces_and_come_back() -> None:
    made = Pieces.unigram(TEXTS, 90, 1, lossless=True)
    assert made.spec() == Pieces.unigram(TEXTS, 90, 1, lossless=True).spec()
    assert made.size <= 90 + 256
    assert made.pieces(range(len(SPECIAL))) == list(SPECIAL)
    for text in [*TEXTS[:5], "zebra <0x41> <0x0A> 😀", "龙", "<s>", "a  b"]:
        assert made.decode(made.encode(text)) == text
        assert tokenizer_of(made.spec()).encode(text) == made.encode(text)


def test_places_are_exact_and_the_unknown_is_told() -> None:
    made = Pieces.unigram(TEXTS, 90, 1)
    text = "the cat 猫坐在 dog"
    ids, spans = made.located(text)
    assert len(ids) == len(spans)
    for piece, (start, end) in zip(made.pieces(ids), spans, strict=True):
        assert piece.strip() in ("", text[start:end])
    covered = {place for start, end in spans for place in range(start, end)}
    assert {place for place, letter in enumerate(text) if not letter.isspace()} <= covered
    assert made.unknown in made.encode("ж")


@pytest.mark.parametrize(("name", "meant"), [("unigrm", "unigram"), ("word", "words"), ("BPE", "bpe")])
def test_a_mistyped_name_is_told_without_asking_the_hub(name: str, meant: str) -> None:
    with pytest.raises(DataError, match=f"no tokenizer called {name}(.|\n)*Did you mean {meant}"):
        _learnt(name, ["some text"], {})
