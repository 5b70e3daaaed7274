"""What is drawn for a text hangs on the text alone; what no text holds is never written; passages of a text stay together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from danlu import recipe as recipes
from danlu.data.table import Table
from danlu.data.text.tokenizers import BEGIN, MASK, PAD, UNKNOWN, Words
from danlu.tasks.generating.decoder import STEP, Writer, keys_of, unwritable
from danlu.tasks.generating.search import Plan, log_softmax, write
from danlu.tasks.text_generation.passages import cut

VOCABULARY = 12


class Same:
    """The same logits for every text and step."""

    moving: tuple[str, ...] = ()

    def __init__(self, logits: np.ndarray) -> None:
        self.logits = logits

    def __call__(self, state: Mapping[str, Any], tokens: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
        return np.tile(self.logits, (len(tokens), 1)), dict(state)

    def pick(self, value: Any, rows: np.ndarray) -> Any:
        return value[rows]


def _drawn(texts: np.ndarray, sizes: np.ndarray) -> list[list[int]]:
    words = Words.fit(["a b c d e f g"], 99, 1)
    plan = {"start": BEGIN, "end": words.end, "most": 8, "temperature": 1.0, "seed": 3}
    writer = Writer("said", words.spec(), plan)
    logits = np.zeros(words.size, np.float32)

    def step(given: Mapping[str, Any]) -> dict[str, Any]:
        return {"logits": np.tile(logits, (len(given["tokens"]), 1)), "state": {}}

    found = writer.run({"own": np.zeros((len(texts), 1))}, {"text": (texts, sizes)}, {STEP: step})
    return [row[:size].tolist() for row, size in zip(found["tokens"], found["lengths"], strict=True)]


def test_a_text_draws_the_same_alone_and_in_any_batch() -> None:
    texts = np.arange(24, dtype=np.int32).reshape(6, 4)
    sizes = np.asarray([[4], [2], [3], [4], [1], [4]])
    together = _drawn(texts, sizes)
    assert len({tuple(each) for each in together}) > 3
    assert _drawn(texts[::-1], sizes[::-1]) == together[::-1]
    for row in range(6):
        size = int(sizes[row, 0])
        assert (
            _drawn(texts[row : row + 1, :size], sizes[row : row + 1]) == together[row : row + 1]
        )  # and without padding


def test_keys_hang_on_real_tokens_alone() -> None:
    one = keys_of(np.asarray([[1, 2, 9]]), np.asarray([[2]]))
    assert one == keys_of(np.asarray([[1, 2]]), np.asarray([[2]]))
    assert one != keys_of(np.asarray([[1, 2, 9]]), np.asarray([[3]]))


@pytest.mark.parametrize("how", [{}, {"beams": 3}, {"temperature": 1.0}])
def test_what_is_banned_is_never_written(how: dict[str, Any]) -> None:
    logits = np.zeros(VOCABULARY, np.float32)
    logits[[1, 2]] = 9.0  # the likeliest by far
    plan = Plan(start=0, end=VOCABULARY - 1, most=6, banned=(1, 2), **how)
    texts, scores = write(Same(logits), {"own": np.zeros((40, 1))}, 40, plan)
    assert not np.isin(np.concatenate(texts), (1, 2)).any()
    assert np.isfinite(scores).all()
    free, _ = write(Same(logits), {"own": np.zeros((40, 1))}, 40, Plan(start=0, end=VOCABULARY - 1, most=6, **how))
    assert np.isin(np.concatenate(free), (1, 2)).mean() > 0.9


def test_no_text_holds_the_tokens_that_stand_for_something_else() -> None:
    assert set(unwritable(Words.fit(["a b"], 99, 1))) == {PAD, UNKNOWN, BEGIN, MASK}


@pytest.mark.parametrize(("texts", "together"), [(12, True), (3, False)])
def test_passages_of_a_text_are_one_group_where_there_are_many_texts(texts: int, together: bool) -> None:
    recipe = recipes.complete(recipes.from_dict({"task": "text-generation", "options": {"passage": 60}}))
    made = [" ".join(f"word{row} is said {place}." for place in range(20)) for row in range(texts)]
    ids = [f"t{row}" for row in range(texts)]
    found = cut(recipe, Table(columns={"text": made}, ids=ids, origins=ids, fingerprint="made"))
    assert len(found) > 3 * texts
    assert len(set(found.ids)) == len(found)
    assert max(map(len, found.columns["text"])) <= 60
    if not together:  # else most parts would be empty
        assert "group" not in found.extra
        return
    for passage, group in zip(found.columns["text"], found.extra["group"], strict=True):
        assert f"word{group[1:]} " in passage


class Remembering:
    """Logits are a function of the last two tokens, which only the state tells."""

    moving: tuple[str, ...] = ("own",)
    table = np.random.default_rng(0).normal(size=(VOCABULARY, VOCABULARY, VOCABULARY)).astype(np.float32) * 2

    def __call__(self, state: Mapping[str, Any], tokens: np.ndarray) -> tuple[np.ndarray, dict[str, Any]]:
        return self.table[state["own"][:, 0], tokens], {**state, "own": tokens[:, None]}

    def pick(self, value: Any, rows: np.ndarray) -> Any:
        return value[rows]


def test_what_a_beam_remembers_moves_with_it() -> None:
    """The probability that is told is that of the text that is told."""
    plan = Plan(start=0, end=VOCABULARY - 1, most=7, beams=4, length_penalty=0.0)
    own = np.arange(10)[:, None]
    texts, scores = write(Remembering(), {"own": own}, 10, plan)
    for (before,), text, score in zip(own.tolist(), texts, scores.tolist(), strict=True):
        two, total = 0, 0.0
        for token in [*text.tolist(), plan.end][: plan.most]:
            total += float(log_softmax(Remembering.table[before, two][None])[0, token])
            before, two = two, token
        assert score == pytest.approx(total, abs=1e-4)
