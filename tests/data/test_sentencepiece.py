"""SentencePiece's files: the same ids and pieces as its own library gives, exact places, carried as data; a broken one is one line."""

from __future__ import annotations

import json
import random
import shutil
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

import danlu
from danlu.data.kinds.passage import Passage, Quote
from danlu.data.text.converted import Converted
from danlu.data.text.rules import Rules
from danlu.data.text.tokenizers import tokenizer_of
from danlu.errors import DanluError, RecipeError

FOLDER = Path(__file__).parents[1] / "fixtures" / "sentencepiece"
SAID: dict[str, list[dict[str, Any]]] = json.loads((FOLDER / "said.json").read_text(encoding="utf-8"))
NAMES = sorted(SAID)


def made(name: str) -> Converted:
    return Converted.of_file(str(FOLDER / f"{name}.model"), "data.text.tokenizer")


@pytest.mark.parametrize("name", NAMES)
def test_ids_and_pieces_are_the_librarys(name: str) -> None:
    """Of Chinese, English, emoji, spaces, ligatures, letters with marks, bytes, and what looks like a special piece."""
    tokenizer = made(name)
    again = tokenizer_of(json.loads(json.dumps(tokenizer.spec())))
    for row in SAID[name]:
        ids = tokenizer.encode(row["text"])
        assert ids == row["ids"], row["text"]
        assert again.encode(row["text"]) == ids
        unknown = [place for place, each in enumerate(ids) if each == tokenizer.unknown]
        shown = tokenizer.pieces(ids)
        told = [piece.replace("\u2581", " ") for piece in row["pieces"]]
        assert [piece for place, piece in enumerate(shown) if place not in unknown] == [
            piece for place, piece in enumerate(told) if place not in unknown
        ]


@pytest.mark.parametrize("name", NAMES)
def test_places_are_exact(name: str) -> None:
    """Those of the library, without the space before a word; a letter's bytes, and parts of what a rule wrote, stand for all of it."""
    tokenizer = made(name)
    seen = 0
    for row in SAID[name]:
        text = row["text"]
        ids, spans = tokenizer.located(text)
        assert ids == row["ids"]
        for (start, end), (begin, stop) in zip(spans, row["spans"], strict=True):
            while begin < stop - 1 and text[begin].isspace():
                begin += 1
            while stop > begin + 1 and text[stop - 1] == "\u200b":  # which a rule takes away: no part of a quote
                stop -= 1
            assert start <= begin <= stop <= end or text[begin:stop].isspace()
            if stop > begin and not text[begin].isspace():
                assert (start, end) == (begin, stop), text
                seen += 1
    assert seen > 60


@pytest.mark.parametrize("name", NAMES)
def test_a_quote_is_what_stands_in_the_text(name: str) -> None:
    kind = Passage(made(name).spec(), 500, "none", False)
    text = "\ufb01nd 我们 caf\xe9 e\u0301 今天 😀 \u3000 看电影 \u1100\u1161\u11a8!"
    prepared = kind.prepare(text)
    quote = prepared.framing
    assert isinstance(quote, Quote)
    for start, end in zip(quote.starts.tolist(), quote.ends.tolist(), strict=True):
        assert 0 <= start < end <= len(text)
    told = {
        place
        for start, end in zip(quote.starts.tolist(), quote.ends.tolist(), strict=True)
        for place in range(start, end)
    }
    assert all(text[place].isspace() for place in set(range(len(text))) - told)  # every letter can be quoted
    assert (quote.starts[1:] >= quote.starts[:-1]).all()
    syllable = text.index("\u1100")
    assert (syllable, syllable + 3) in set(
        zip(quote.starts.tolist(), quote.ends.tolist(), strict=True)
    ) or name == "bpe_bytes"


def test_marks_are_the_files_own() -> None:
    tokenizer = made("unigram")
    assert (tokenizer.unknown, tokenizer.begin, tokenizer.end, tokenizer.padding) == (0, 1, 2, 3)
    assert tokenizer.mask in tokenizer.special
    assert tokenizer.decode([1, *tokenizer.encode("The cat reads 世界"), 2]) == "The cat reads 世界"
    assert made("bpe").mask == -1


def test_bytes_come_back_as_letters() -> None:
    for name in ("unigram_bytes", "bpe_bytes"):
        tokenizer = made(name)
        assert tokenizer.decode(tokenizer.encode("龘 😀 한국 ok")) == "龘 😀 한국 ok"


def test_rules_take_the_longest() -> None:
    """Two half-width letters that are one, three parts of a syllable; what no rule knows stays, letter for letter."""
    rules = Rules(b64decode(made("unigram").rules))
    text = "a\uff8a\uff9f\uff8a b\u1100\u1161\u11a8\u1100"
    found = list(rules.written(text))
    assert "".join(piece for _, piece in found) == "a\u30d1\u30cf b\uac01\u1100"
    assert sum(size for size, _ in found) == len(text)
    assert (2, "\u30d1") in found
    assert (3, "\uac01") in found
    assert list(Rules(b"").written("xy")) == [(2, "xy")]


def test_as_many_texts_as_the_library_has_patience_for() -> None:
    spm = pytest.importorskip("sentencepiece")
    draw = random.Random(5)
    parts = [
        "the cat",
        "我们",
        "看电影",
        "😀",
        " ",
        "  ",
        "\u3000",
        "\t",
        "e\u0301",
        "\uff8a\uff9f",
        "Ω",
        "<s>",
        "(",
        "½",
        "龘",
    ]
    for name in NAMES:
        theirs, ours = spm.SentencePieceProcessor(model_file=str(FOLDER / f"{name}.model")), made(name)
        for _ in range(2000):
            text = "".join(draw.choice(parts) for _ in range(draw.randint(1, 12)))
            assert ours.encode(text) == theirs.encode(text), text


def test_a_broken_file_is_one_line(tmp_path: Path) -> None:
    """Cut off anywhere, changed anywhere, text, nothing, a folder, gone: a reason, or a tokenizer that can be used."""
    whole = (FOLDER / "unigram.model").read_bytes()
    draw = random.Random(0)
    file = tmp_path / "x.model"
    refused = 0
    wrong = [whole[: draw.randrange(1, len(whole))] for _ in range(40)]
    for _ in range(60):
        changed = bytearray(whole)
        for _ in range(3):
            changed[draw.randrange(len(changed))] = draw.randrange(256)
        wrong.append(bytes(changed))
    for data in [b"", b"\xff" * 100, b"no model at all\n" * 40, draw.randbytes(3000), *wrong]:
        file.write_bytes(data)
        told = ""
        try:
            found = Converted.of_file(str(file), "data.text.tokenizer")
        except RecipeError as error:
            told = str(error)
        if told:
            refused += 1
            assert told.startswith(f"data.text.tokenizer: {file} is no SentencePiece model that can be read (")
            assert "\n" not in told
        else:
            assert max(found.encode("the cat 我们"), default=0) < found.size
    assert refused > 40
    for name in ("gone.model", "."):
        with pytest.raises(RecipeError, match="can't be read"):
            Converted.of_file(str(tmp_path / name), "data.text.tokenizer")


def test_a_run_and_its_artifact_do_not_need_the_file(tmp_path: Path) -> None:
    """A small net that writes with these pieces; the file is gone when it is asked."""
    shutil.copy(FOLDER / "unigram_bytes.model", tmp_path / "own.model")
    lines = ["the cat reads 我们今天", "the dog writes 你好世界", "big house 看电影吧", "happy child 学习翻译"]
    (tmp_path / "corpus.txt").write_text("\n\n".join(lines[n % 4] + f" {n % 3}" for n in range(48)), encoding="utf-8")
    run = danlu.train(
        {
            "task": "text-generation",
            "run": {"folder": str(tmp_path / "runs"), "name": "one"},
            "data": {
                "source": str(tmp_path / "corpus.txt"), "duplicates": "keep",
                "text": {"tokenizer": str(tmp_path / "own.model"), "max_length": 32, "near": None},
            },
            "model": {"args": {"width": 32, "layers": 1, "heads": 2, "dropout": 0.0}},
            "train": {"epochs": 12, "batch_size": 8, "threads": 1, "precision": "fp32", "optimizer": {"name": "adamw", "lr": 1e-2}},
            "evaluate": {"report": False, "baselines": False},
            "options": {"temperature": 0.0, "new_tokens": 8},
        },
        screen=False,
    )  # fmt: skip
    (tmp_path / "own.model").unlink()
    asked = ["the cat reads", "the dog writes 你好"]
    theirs = danlu.load(run.path).predict(asked)
    assert theirs[0]["continuation"].startswith(" 我们")
    assert theirs[1]["continuation"].startswith("世界")
    assert danlu.load(danlu.export(run)).predict(asked) == theirs


def test_a_missing_file_is_told_before_anything_is_made(tmp_path: Path) -> None:
    (tmp_path / "corpus.txt").write_text("\n\n".join(f"text number {n}" for n in range(40)), encoding="utf-8")
    with pytest.raises(DanluError, match=r"gone\.model"):
        danlu.train(
            {
                "task": "text-generation", "run": {"folder": str(tmp_path / "runs")},
                "data": {"source": str(tmp_path / "corpus.txt"), "text": {"tokenizer": str(tmp_path / "gone.model")}},
            },
            screen=False,
        )  # fmt: skip
