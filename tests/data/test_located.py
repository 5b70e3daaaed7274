"""Every letter of a normal form knows which raw letters it stands for: emoji, Chinese, combining marks, ligatures, odd cases."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from danlu.data.kinds.answers import Answers, answered, tokens
from danlu.data.kinds.base import BadValue, prepare_row
from danlu.data.kinds.passage import Passage, Quote
from danlu.data.kinds.query import Query
from danlu.data.text import windows
from danlu.data.text.cleaning import normal
from danlu.data.text.located import located
from danlu.data.text.pieces import Pieces
from danlu.data.text.tokenizers import Characters, Words

ODD = "é👩\u200d🚀e\u0301ﬁ½ΣΑΣσİıßﾊﾞがか\u3099각\u1100\u1161\u11a8ÅÅ\u0327q\u0307\u0323漢字，。Ａ１㎞\u00a0\t\n'’-_ abAB\u0915\u093f"
TEXTS = st.text(st.one_of(st.sampled_from(ODD), st.characters(exclude_categories=["Cs"])), min_size=1, max_size=40)
FORMS = st.sampled_from(["nfkc", "nfc", "none"])


@settings(max_examples=150, deadline=None)
@given(TEXTS, FORMS, st.booleans())
@example("e\u0301\u0323x ΟΔΟΣ ﬁn", "nfkc", True)
def test_the_normal_form_is_the_tokenizers_and_every_letter_is_placed(raw: str, form: str, lower: bool) -> None:
    found = located(raw, form, lower)
    assert found.text == normal(raw, form, lower)
    assert len(found.starts) == len(found.ends) == len(found.text)
    assert (found.starts < found.ends).all()
    assert (np.diff(found.starts) >= 0).all()
    assert (np.diff(found.ends) >= 0).all()
    for low, high in {(int(a), int(b)) for a, b in zip(found.starts, found.ends, strict=True)}:
        stands = "".join(
            letter for letter, a, b in zip(found.text, found.starts, found.ends, strict=True) if (a, b) == (low, high)
        )
        alone = normal(raw[low:high], form, lower)
        assert stands in (alone, alone.replace("σ", "ς"), alone.replace("ς", "σ"))


def test_letters_that_were_joined_are_quoted_whole() -> None:
    raw = "cafe\u0301 ﬁlm"
    found = located(raw, "nfkc", True)
    assert found.text == "café film"
    at = found.text.index("é")
    assert raw[found.starts[at] : found.ends[at]] == "e\u0301"
    at = found.text.index("i", 6)
    assert raw[found.starts[at] : found.ends[at]] == "ﬁ"


@settings(max_examples=80, deadline=None)
@given(TEXTS)
def test_tokenizers_say_where_their_tokens_stand(raw: str) -> None:
    text = normal(raw, "nfkc", True)
    words = Words.fit([text], 50, 1)
    ids, spans = words.located(text)
    assert ids == words.encode(text)
    assert [text[low:high] for low, high in spans] == words.cut(text)
    letters = Characters.fit([text], 50, 1)
    ids, spans = letters.located(text)
    assert ids == letters.encode(text)
    assert [" " if text[low:high].isspace() else text[low:high] for low, high in spans] == letters.cut(text)


def test_pieces_begin_at_their_letters() -> None:
    texts = ["the old film of 1999", "a film was made", "the 北京 film"] * 5
    tokenizer = Pieces.learnt(texts, 60, 1)
    for text in texts[:3]:
        ids, spans = tokenizer.located(text)
        assert ids == tokenizer.encode(text)
        assert not any(text[low].isspace() for low, _ in spans)
        assert "".join(text[low:high] for low, high in spans) == text.replace(" ", "")


@settings(max_examples=60, deadline=None)
@given(st.lists(TEXTS, min_size=3, max_size=6), st.data())
def test_an_answer_of_whole_tokens_is_quoted_to_the_letter(parts: list[str], data: st.DataObject) -> None:
    raw = " ".join(parts)
    passage = Passage(Words.fit([normal(raw, "nfkc", True)], 100, 1).spec())
    try:
        quote = passage.prepare(raw).framing
    except BadValue:
        return
    assert isinstance(quote, Quote)
    first = data.draw(st.integers(0, len(quote.starts) - 1))
    last = data.draw(st.integers(first, len(quote.starts) - 1))
    start, end = int(quote.starts[first]), int(quote.ends[last])
    found = tokens(quote, start, end)
    assert found is not None
    assert int(quote.starts[found[0]]) == start  # tokens of one raw letter share their place
    assert int(quote.ends[found[1]]) == end
    assert quote.text == raw


def test_the_answer_is_found_behind_emoji_and_in_chinese() -> None:
    words = Words.fit(["the emperor was born in 北京 ."], 100, 1).spec()
    kinds = {"context": Passage(words), "answers": Answers(), "question": Query(words)}
    raw = "👩‍🚀🚀 The Emperor was born in 北京。\u0000 He\u0301 …"
    for text in ("Emperor", "北京", "🚀🚀", "He\u0301"):
        answer = {"text": [text], "answer_start": [raw.index(text)]}
        made = prepare_row(kinds, {"context": raw, "question": "who?", "answers": answer})
        first, last = made["answers"].value[:8].view("<i4").tolist()
        value = made["context"].value
        assert raw[value[first, 1] : value[last, 2]] == text
        assert answered(made["answers"].value).text == raw


@pytest.mark.parametrize(
    ("answer", "start"),
    [
        ({"text": ["Rome"], "answer_start": [8]}, 8),
        ({"text": ["Rome"], "answer_start": [14]}, 18),  # the nearest of two
        ([{"text": "Rome", "answer_start": 99}], 18),
        ("Rome", 8),
        ({"answer": "Rome", "at": "18"}, 18),
        ({"answer": "Rome", "at": None}, 8),
    ],
)
def test_forms_of_answers(answer: object, start: int) -> None:
    words = Words.fit(["from rome to new rome"], 100, 1).spec()
    kinds = {"context": Passage(words), "answers": Answers()}
    made = prepare_row(kinds, {"context": "he went Rome, new Rome", "answers": answer})
    first = int(made["answers"].value[:4].view("<i4")[0])
    assert made["context"].value[first, 1] == start


@pytest.mark.parametrize(
    "nothing", [None, "", [], {"text": [], "answer_start": []}, {"answer": "", "at": ""}, float("nan")]
)
def test_no_answer(nothing: object) -> None:
    kinds = {"context": Passage(Words.fit(["a b"], 9, 1).spec()), "answers": Answers()}
    made = prepare_row(kinds, {"context": "a b", "answers": nothing})
    assert made["answers"].value[:8].view("<i4").tolist() == [-1, -1]
    assert Answers.fit([nothing], {}).unanswerable


def test_an_answer_that_is_not_there_is_refused() -> None:
    kinds = {"context": Passage(Words.fit(["a b"], 9, 1).spec()), "answers": Answers()}
    with pytest.raises(BadValue, match="stand in the text"):
        prepare_row(kinds, {"context": "a b", "answers": "c"})


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 60), st.integers(1, 20), st.integers(1, 20))
def test_windows_hold_every_token_and_no_more(count: int, window: int, stride: int) -> None:
    stride = min(stride, window)
    values = np.arange(1, count + 1)[:, None] * np.ones((1, 3), np.int64)
    cut = windows.cut(values, window, stride)
    assert len(cut) == windows.count(count, window, stride)
    which, place = np.arange(len(cut) + 2)[:, None], np.arange(cut.shape[1])[None]
    shown = windows.shown(count, which, place, window, stride)
    assert not shown[len(cut) :].any()
    assert ((cut[:, :, 0] > 0) == shown[: len(cut)]).all()
    assert set(cut[cut > 0].tolist()) == set(range(1, count + 1))
    assert (windows.joined(cut, count, stride) == values).all()
