"""The scorer, case by case, against values that were worked out by hand from the rules of the official scripts."""

from __future__ import annotations

import numpy as np
import pytest

from danlu.tasks.question_answering.metrics import SpanScores
from danlu.tasks.question_answering.scoring import cmrc, segments, squad, treebank

SQUAD = [  # prediction, answers, exact match, F1
    ("The Beatles", ["beatles"], 1, 1),  # articles and case
    ("an apple", ["apple"], 1, 1),
    ("theatre", ["a theatre"], 1, 1),
    ("the atre", ["theatre"], 0, 0),  # an article is a word of its own
    ("U.S.", ["US"], 1, 1),  # marks go before words are cut
    ("U.S. Army", ["US army"], 1, 1),
    ("well-known", ["well known"], 0, 0),  # a mark joins what it stood between
    ("wellknown", ["well-known"], 1, 1),
    ("1,000", ["1000"], 1, 1),
    ("1.5", ["15"], 1, 1),
    ("  two   words ", ["two words"], 1, 1),
    ("two\nwords", ["two words"], 1, 1),
    ("Paris, France", ["Paris"], 0, 2 / 3),
    ("in Paris", ["Paris France"], 0, 1 / 2),
    ("cat cat dog", ["cat dog dog"], 0, 2 / 3),  # counted as often as in both
    ("cat cat", ["cat"], 0, 2 / 3),
    ("A", ["a"], 1, 1),  # nothing is left of both
    ("a", ["b"], 0, 0),
    ("", [], 1, 1),  # no answer, none given
    ("Paris", [], 0, 0),
    ("the", [], 1, 1),  # nothing is left of it
    ("", ["Paris"], 0, 0),
    ("", ["the"], 1, 1),  # an answer of which nothing is left is none
    ("Paris", ["London", "Paris"], 1, 1),  # the best of several
    ("New York City", ["London", "New York"], 0, 4 / 5),
    ("«Paris»", ["Paris"], 0, 0),  # marks beyond ASCII stay
    ("naïve", ["naive"], 0, 0),
    ("NAÏVE", ["naïve"], 1, 1),
    ("Denver Broncos", ["Denver Broncos", "The Denver Broncos."], 1, 1),
    ("it's", ["its"], 1, 1),
    ("anthem an", ["anthem"], 1, 1),
    ("£5", ["5"], 0, 0),
    ("$5", ["5"], 1, 1),
]
CMRC = [
    ("北京", ["北京"], 1, 1),
    ("北京市", ["北京"], 0, 4 / 5),
    ("《北京》", ["北京"], 1, 1),  # its marks don't count
    ("北京。", ["北京，"], 1, 1),
    ("北京!", ["北京"], 0, 4 / 5),  # the ASCII mark is none of them
    ("京北", ["北京"], 0, 1 / 2),  # one stretch, in order
    ("北天京", ["北京"], 0, 2 / 5),
    ("1999年", ["1999 年"], 0, 1),  # exact match sees the space, segments don't
    ("ABC公司", ["abc公司"], 1, 1),
    ("ab公司", ["abc公司"], 0, 4 / 6),
    ("iPhone 4", ["iphone"], 0, 2 / 3),
    ("-5", ["5"], 1, 1),
    ("不知道", ["上海", "不知道吗"], 0, 6 / 7),
    ("", ["北京"], 0, 0),
    ("……", ["…"], 1, 0),  # nothing is left: equal, and no stretch
    ("北京", [], 0, 0),
    ("", [], 1, 1),
]


@pytest.mark.parametrize(("prediction", "answers", "exact", "f1"), SQUAD)
def test_squad(prediction: str, answers: list[str], exact: float, f1: float) -> None:
    assert squad(prediction, answers) == pytest.approx((exact, f1))


@pytest.mark.parametrize(("prediction", "answers", "exact", "f1"), CMRC)
def test_cmrc(prediction: str, answers: list[str], exact: float, f1: float) -> None:
    assert cmrc(prediction, answers) == pytest.approx((exact, f1))


def test_segments_of_mixed_text() -> None:
    assert segments("在2008年，Beijing's 奥运") == ["在", "2008", "年", "beijing", "'s", "奥", "运"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mr. smith can't pay $3.88.", ["mr.", "smith", "ca", "n't", "pay", "$", "3.88", "."]),
        ('he said "no"', ["he", "said", "``", "no", "''"]),
        ("(1,000)", ["(", "1,000", ")"]),
        ("a, b", ["a", ",", "b"]),
        ("cannot", ["can", "not"]),
    ],
)
def test_words_of_the_treebank(text: str, words: list[str]) -> None:
    """As NLTK's documentation of its tokenizer has them, or by its rules."""
    assert treebank(text) == words


def _value(text: str, answers: list[str]) -> np.ndarray:
    import json

    content = json.dumps({"text": text, "answers": answers}).encode()
    return np.concatenate([np.zeros(8, np.uint8), np.frombuffer(content, np.uint8)])


def test_any_division_gives_the_same_and_kinds_of_questions_are_told_apart() -> None:
    text = "Paris is in France."
    truth = [_value(text, answers) for answers in (["Paris"], ["France"], [], [])]
    spans = np.asarray([[0, 5], [9, 18], [-1, -1], [0, 5]])
    whole = SpanScores("answers", "squad")
    whole.update({"span": spans}, {"answers": truth})
    parts = [SpanScores("answers", "squad") for _ in range(2)]
    parts[0].update({"span": spans[:1]}, {"answers": truth[:1]})
    parts[1].update({"span": spans[1:]}, {"answers": truth[1:]})
    parts[0].merge(parts[1])
    assert parts[0].compute() == pytest.approx(whole.compute())
    assert whole.compute() == pytest.approx(
        {
            "f1": (1 + 2 / 3 + 1) / 4,
            "em": 2 / 4,
            "answerable-f1": 5 / 6,
            "answerable-em": 1 / 2,
            "unanswerable-f1": 1 / 2,
            "unanswerable-em": 1 / 2,
        }
    )
