"""Words that a vocabulary lacks are marked as that."""

from __future__ import annotations

from danlu.data.text.tokenizers import Words
from danlu.report.sections.base import as_read


def test_unknown_words_are_marked_and_the_rest_is_escaped() -> None:
    words = Words(("film", "<b>"))
    shown = as_read(words.decode(words.encode("film nowhere")) + "<b>")
    assert shown.startswith("film ")
    assert ">[?]</span>" in shown
    assert "□" not in shown
    assert shown.endswith("</span>&lt;b&gt;")


def test_a_text_without_them_is_itself() -> None:
    assert as_read("–") == "–"
