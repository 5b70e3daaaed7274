"""Texts: tokens, what is mended, cut and refused, and that the tokenizer travels as data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from danlu.data.kinds.base import BadValue, MissingValue
from danlu.data.kinds.text import Text
from danlu.data.text.pieces import Pieces
from danlu.data.text.scripts import joined, solid_share, words
from danlu.data.text.tokenizers import PAD, SPECIAL, UNKNOWN, Characters, Words

ENGLISH = ["The cat sat on the mat.", "It's the cat's mat!", "A dog sat, too."] * 3
CHINESE = ["这家酒店很好，服务周到。", "太差了！再也不来了", "房间很好，价格也好"] * 3


def _fit(texts: list[Any], **options: Any) -> Text:
    return Text.fit(texts, {"min_count": 1, **options})


def test_words_and_single_letters_of_chinese() -> None:
    assert words("It's 3.5 stars—GREAT 酒店！😀") == [
        "It's",
        "3",
        ".",
        "5",
        "stars",
        "—",
        "GREAT",
        "酒",
        "店",
        "！",
        "😀",
    ]
    assert joined(["it's", "good", ",", "酒", "店", "ok", "!"]) == "it's good,酒店ok!"


def test_auto_notices_the_script() -> None:
    assert solid_share(["abc 好好好"]) == 0.5
    assert _fit(ENGLISH).words.name == "words"
    assert _fit(CHINESE).words.name == "characters"
    assert _fit(CHINESE).solid
    assert not _fit(ENGLISH).solid


def test_ids_follow_frequency_then_code_and_leave_room_for_special_ones() -> None:
    made = Words.fit(["b b a a c"], size=len(SPECIAL) + 2, least=1)
    assert made.encode("a b c") == [5, 6, UNKNOWN]
    assert made.size == 7
    assert Characters.fit(["a  b\n c"], 20, 1).decode(Characters.fit(["a  b\n c"], 20, 1).encode("c  a")) == "c a"


@pytest.mark.parametrize("name", ["words", "characters", "bpe"])
def test_the_same_texts_give_the_same_tokenizer_which_survives_json(name: str) -> None:
    kind = _fit(ENGLISH + CHINESE, tokenizer=name, vocabulary=80)
    assert kind.spec() == _fit(ENGLISH + CHINESE, tokenizer=name, vocabulary=80).spec()
    again = Text(**json.loads(json.dumps(kind.spec())))
    for text in (*ENGLISH, *CHINESE, "unseen 词 😀"):
        ids = kind.prepare(text).value
        assert ids.dtype == np.int32
        assert ids.min() > 0
        assert ids.max() < kind.vocabulary
        assert np.array_equal(again.prepare(text).value, ids)


def test_pieces_read_back() -> None:
    made = Pieces.learnt([text.lower() for text in ENGLISH], 60, 1)
    assert made.decode(made.encode("the cat sat on the mat.")) == "the cat sat on the mat."
    assert "".join(made.pieces(made.encode("the cat"))).strip() == "the cat"


def test_width_and_case_are_one() -> None:
    kind = _fit(ENGLISH)
    assert np.array_equal(kind.prepare("ＴＨＥ ＣＡＴ").value, kind.prepare("the cat").value)
    kept = _fit(ENGLISH, lower=False, normalize="none")
    assert not np.array_equal(kept.prepare("THE").value, kept.prepare("the").value)


@pytest.mark.parametrize(("cut", "left"), [("end", [0, 1, 2, 3]), ("start", [6, 7, 8, 9]), ("middle", [0, 1, 8, 9])])
def test_long_texts_are_cut_and_it_is_noted(cut: str, left: list[int]) -> None:
    letters = "abcdefghij"
    kind = _fit([letters], tokenizer="characters", max_length=4, cut=cut)
    made = kind.prepare(letters)
    assert kind.words.pieces(made.value.tolist()) == [letters[place] for place in left]
    assert made.notes == ("cut to 4 tokens",)
    assert kind.prepare("abcd").notes == ()


def test_a_line_of_a_megabyte() -> None:
    kind = _fit(ENGLISH, max_length=16)
    made = kind.prepare("the cat " * 131_072)
    assert len(made.value) == 16
    with pytest.raises(BadValue, match="4,000,000"):
        kind.prepare("x" * 4_000_001)


def test_ends_are_kept_inside_the_length() -> None:
    kind = Text.fit(["abcdefgh"], {"tokenizer": "characters", "min_count": 1, "max_length": 5, "ends": True})
    ids = kind.prepare("abcdefgh").value.tolist()
    assert len(ids) == 5
    assert (ids[0], ids[-1]) == (kind.words.begin, kind.words.end)
    assert kind.draw(np.asarray(ids)) == "abc"


@pytest.mark.parametrize("raw", ["", "   \n", None, float("nan"), "\x00\x01"])
def test_nothing_is_missing(raw: Any) -> None:
    with pytest.raises(MissingValue):
        _fit(ENGLISH).prepare(raw)


def test_what_is_no_text_is_refused_and_controls_are_mended() -> None:
    kind = _fit(ENGLISH)
    for raw in (["a"], {"a": 1}, "half \ud800"):
        with pytest.raises(BadValue):
            kind.prepare(raw)
    made = kind.prepare("the\x00cat")
    assert np.array_equal(made.value, kind.prepare("the cat").value)
    assert "control" in made.notes[0]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_files_in_any_known_encoding(tmp_path: Path, encoding: str) -> None:
    kind = _fit(CHINESE)
    file = tmp_path / "a.txt"
    file.write_bytes("这家酒店很好".encode(encoding))
    made = kind.prepare(file)
    assert np.array_equal(made.value, kind.prepare("这家酒店很好").value)
    assert bool(made.notes) == (not encoding.startswith("utf-8"))
    (tmp_path / "b.txt").write_bytes(b"\xff\xfe\xfa\x81\x00\x00\x00\xd8\x00")
    with pytest.raises(BadValue, match="UTF"):
        kind.prepare(tmp_path / "b.txt")


def test_padding_is_zero_and_comes_off_again() -> None:
    kind = _fit(ENGLISH)
    values = [kind.prepare(text).value for text in ENGLISH[:3]]
    block = kind.collate(values)
    assert block.values.dtype.is_signed  # type: ignore[union-attr]
    assert block.sizes.tolist() == [[len(value)] for value in values]  # type: ignore[union-attr]
    assert (block.values[1, len(values[1]) :] == PAD).all()  # type: ignore[union-attr]
    for value, back in zip(values, kind.uncollate(block), strict=True):
        assert np.array_equal(value, back)
    numpy = kind.stack(values)
    assert np.array_equal(numpy[0], block.values.numpy())  # type: ignore[union-attr]


def test_the_card_counts_unknown_and_cut_tokens() -> None:
    kind = _fit(["a b c d"], max_length=4)
    told = kind.describe([kind.prepare("a b zz").value, kind.prepare("a b c d").value])
    assert told["unknown"] == pytest.approx(1 / 7)
    assert told["at_most_length"] == 0.5
    assert told["tokens"]["total"] == 7
