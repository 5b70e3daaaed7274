"""What the page says of a column: every figure once, and numbers beside each other do not look like a size."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from danlu.data.kinds.number import Number
from danlu.data.kinds.text import Text
from danlu.messages import set_language
from danlu.report.described import how_of, setting, storage_of
from danlu.report.samples import Seen
from danlu.report.sections.cards import place_of
from danlu.report.sections.data import _described


def test_a_columns_figures_are_said_once() -> None:
    kind, values = Number(written=",€"), [1.0, 2.0, 3.0, 4.0, 5.5]
    column = {"kind": "number", "role": "target", **kind.describe(values), "statistics": kind.statistics([values])}
    text = str(_described(column))
    for name in ("mean", "std", "min", "max", "quartiles", "written"):
        assert text.count(name) == 1, text
    assert "quartiles 2 · 3 · 4" in text
    assert "1.234,5 €" in text
    assert "shape 96×64" in str(_described({"shape": [96, 64]}))


@pytest.fixture
def chinese() -> Iterator[None]:
    set_language("zh")
    yield
    set_language("en")


def _text() -> dict[str, object]:
    kind = Text.fit(["a lake and a boat", "a lake", "rain and a boat"], {})
    values = [kind.prepare(text).value for text in ("a lake and snow", "a boat")]
    return {"kind": "text", "role": "input", **kind.describe(values), "statistics": kind.statistics([values])}


def test_shares_are_said_as_such() -> None:
    """ "unknown 0.1667" and "tokens 3/4/4/6" could be anything."""
    text = str(_described(_text())).replace("\u00a0", " ")
    assert "unknown 16.7 %" in text
    assert "tokens of a text median 3 · 95 % 3.9 · most 4 · in all 6" in text
    assert "as long as that 0 %" in text


@pytest.mark.usefixtures("chinese")
def test_a_chinese_page_tells_of_texts_in_chinese() -> None:
    made = _text()
    told = str(_described(made)).replace(str(made["tokenizer"]), "")
    assert "词表" in told
    assert not re.search("[a-z]{3,}", re.sub("<[^>]*>", "", told)), told
    for how in ("given", "random", "stratified", "grouped", "grouped and stratified", "by time"):
        assert not re.search("[a-z]", how_of({"how": how, "seed": 0})), how
    assert not re.search("[a-z]", how_of({"how": "stratified (by each row's rarest label)", "seed": 0}))
    assert not re.search("[a-z]", storage_of("decoded"))
    assert setting("ngrams", "words 1-2") == "n 元组：词 1-2"


def test_what_nobody_knows_stays_as_it_is() -> None:
    assert how_of({"how": "by the moon", "seed": 3}) == "by the moon, seed 3"
    assert setting("temper", "good") == "temper good"
    assert "shape 3" in str(_described({"shape": 3}))


def test_a_row_without_a_name_is_said_where_it_stands() -> None:
    """A digest of its content leads nobody to its line; it stays, since predictions are known by it."""
    seen = Seen("#1234567890abcdef.2", "reviews.csv, line 17", None, {})
    text = str(place_of(seen.id, seen))
    assert "reviews.csv, line 17" in text
    assert seen.id in text
    assert str(place_of("cats/1.png", Seen("cats/1.png", "cats/1.png", None, {}))).count("cats/1.png") == 1
    assert "#12" in str(place_of("#12", None))
