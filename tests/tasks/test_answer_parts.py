"""Spans, thresholds and places of answers, each against what can be counted by hand."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from danlu.data.kinds.answers import Answers, place
from danlu.data.kinds.passage import Passage
from danlu.data.table import Table
from danlu.tasks.question_answering.decoder import SpanDecoder

LOW = -20.0


def _decoded(longest: int, threshold: float, **peaks: tuple[int, float]) -> dict[str, Any]:
    """One text of six letters, each a token. peaks: start, end: (token, logit); none: (_, logit of no answer, start and end alike)."""
    logits = {name: np.full((1, 1, 7), LOW, np.float32) for name in ("start", "end")}
    for name in ("start", "end"):
        token, height = peaks[name]
        logits[name][0, 0, 1 + token] = height
        logits[name][0, 0, 1 + 2] = 1.0
        logits[name][0, 0, 0] = peaks["none"][1]
    letters = np.arange(6, dtype=np.int32)
    text = np.stack([letters, letters, letters + 1], axis=1)[None, None]
    decoder = SpanDecoder(8, 5, longest, True, threshold=threshold)
    return decoder.decode(logits, {"context": (text, np.asarray([[6]]))})


def test_an_answer_is_no_longer_than_is_allowed() -> None:
    peaks = {"start": (0, 5.0), "end": (4, 6.0), "none": (0, LOW)}
    assert _decoded(5, 0.0, **peaks)["best"].tolist() == [[0, 5]]
    assert _decoded(4, 0.0, **peaks)["best"].tolist() == [[2, 5]]  # five tokens are too many


@pytest.mark.parametrize("threshold", [0.0, 100.0])
def test_probability_is_that_of_what_is_said(threshold: float) -> None:
    """Shares of start and of end multiplied: of place 0 where nothing is answered, of the span's ends where it is."""
    found = _decoded(6, threshold, start=(1, 2.0), end=(3, 1.5), none=(0, 3.0))
    values = {name: np.asarray([3.0, LOW, LOW, 1.0, LOW, LOW, LOW]) for name in ("start", "end")}
    values["start"][2], values["end"][4] = 2.0, 1.5
    shares = {name: np.exp(each) / np.exp(each).sum() for name, each in values.items()}
    silent = threshold == 0
    assert found["span"].tolist() == [[-1, -1] if silent else [1, 4]]
    want = shares["start"][0 if silent else 2] * shares["end"][0 if silent else 4]
    assert found["probability"][0] == pytest.approx(want, rel=1e-5)


def _truth(*answers: str) -> np.ndarray:
    content = json.dumps({"text": "ab cd", "answers": list(answers)}).encode()
    return np.concatenate([np.zeros(8, np.uint8), np.frombuffer(content, np.uint8)])


@pytest.mark.parametrize(
    ("margin", "want", "before", "after"),
    [([-9, -5, -3], -4, 1 / 3, 2 / 3), ([3, 9, 11], 6, 1 / 3, 2 / 3), ([-2, 6, 8], 0, 2 / 3, 2 / 3)],
)
def test_of_equally_good_thresholds_it_is_the_one_nearest_to_0(
    margin: list[float], want: float, before: float, after: float
) -> None:
    """The first is answered rightly, the second wrongly, the third has no answer: both borders beside the second do as well."""
    best = np.asarray([[0, 2], [3, 5], [0, 2]], np.int64)
    truth = [_truth("ab"), _truth("ab"), _truth()]
    found = SpanDecoder(8, 5, 3, True).tuned({"best": best, "margin": np.asarray(margin, np.float32)}, truth, "f1")
    assert found.offsets[0] == pytest.approx(want)
    assert found.before == pytest.approx(before)
    assert found.after == pytest.approx(after)


@pytest.mark.parametrize(("told", "where"), [(None, 0), (0, 0), (7, 7), (5, 7), (2, 0), (99, 14), (-3, 0)])
def test_an_answer_that_stands_elsewhere_is_sought_at_the_nearest_place(told: int | None, where: int) -> None:
    assert place("tea and tea or tea", "tea", told) == {0: 0, 7: 8, 14: 15}[where]


def test_an_answer_that_stands_nowhere_has_no_place() -> None:
    assert place("tea and tea", "ale", 3) is None
    assert place("tea and tea", "ale", None) is None


def test_that_some_questions_have_no_answer_is_seen_wherever_they_stand() -> None:
    """Data sets are often put together of two files: first all with an answer, then all without."""
    assert not Answers.fit(["tea"] * 30_000, {}).unanswerable
    assert Answers.fit([*["tea"] * 30_000, ""], {}).unanswerable


def test_rows_of_one_text_are_one_group() -> None:
    table = Table(
        columns={"context": ["one text", "another", "one  text", None, None, "one text"], "question": list("abcdef")},
        ids=list("abcdef"), origins=list("abcdef"), fingerprint="made",
    )  # fmt: skip
    groups = Passage.arranged(table, "context", {}).extra["group"]
    assert groups[0] == groups[5]
    assert groups[0] != groups[1]
    own = Table(**{**vars(table), "extra": {"group": list("xxyyzz")}})
    assert Passage.arranged(own, "context", {}).extra["group"] == list("xxyyzz")
