"""What a lesson says is short: at most 80 words in each language; and what its question rests on is so."""

from __future__ import annotations

import re

import pytest

from danlu.learn.activation import ActivationAsked, activation
from danlu.learn.builtin import Builtin
from danlu.learn.chain import ChainAsked, chain
from danlu.messages import LANGUAGES
from danlu.messages.texts.learn import TEXTS

WORDS = 80
CHARACTERS = 1.5  # of Chinese in a word, at least: so counted, a text is rather too long than too short
LESSONS = sorted({key.split(".")[1] for key in TEXTS if re.fullmatch(r"learn\.\w+\.text\.\w+", key)})


def words(text: str) -> float:
    """Of the text as it is shown: runs of letters and digits, and Chinese characters by :data:`CHARACTERS`."""
    chinese = re.findall(r"[\u4e00-\u9fff]", text)
    rest = re.sub(r"[\u4e00-\u9fff]", " ", text)
    return len(chinese) / CHARACTERS + len([word for word in rest.split() if any(map(str.isalnum, word))])


def test_words_are_counted() -> None:
    assert words("A net that bends, 3 times.") == 6
    assert words("网络弯曲三次") == 4
    assert words("用 ReLU 时") == pytest.approx(1 + 2 / CHARACTERS)


@pytest.mark.parametrize("place", range(len(LANGUAGES)))
@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_is_short(lesson: str, place: int) -> None:
    """Its text, its question with the answers to choose from, and what is said of them."""
    said = {key: pair[place] for key, pair in TEXTS.items() if key.startswith(f"learn.{lesson}.text.")}
    assert f"learn.{lesson}.text.question" in said
    assert f"learn.{lesson}.title" in TEXTS
    assert sum(map(words, said.values())) <= WORDS


def test_there_are_three_lessons() -> None:
    assert {"chain", "activation", "rate"} <= set(LESSONS)


def test_an_input_of_nothing_teaches_its_weights_nothing() -> None:
    """The question of the first lesson."""
    before, after = chain(ChainAsked()), chain(ChainAsked(inputs=(1.0, 0.0)))
    assert all(before["gradients"][place] != 0 for place in (1, 3, 5))
    assert all(after["gradients"][place] == 0 for place in (1, 3, 5))
    assert all(after["gradients"][place] != 0 for place in (0, 2, 4))


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_units_die_where_their_inputs_are_moved_down(builtin: Builtin, layer: int) -> None:
    """The question of the second."""
    shares = [
        activation(builtin.stage, ActivationAsked(layer=layer, name="relu", shift=shift))["dead"] for shift in (0, -3)
    ]
    assert shares[1] > shares[0]
