"""Raw text becomes an encoder: whole words are hidden, others in each epoch; it fills gaps, exports, and is taken up by other tasks."""

from __future__ import annotations

import csv
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import danlu
from danlu.data.batches.batch import Batch, Padded
from danlu.data.kinds.gapped import Gapped, pieces
from danlu.data.text.pieces import Pieces
from danlu.data.text.tokenizers import MASK, Characters, Words
from danlu.data.text.whole_words import forms, groups
from danlu.errors import RecipeError
from danlu.nn.tensor_file import read_tensors
from danlu.randomness import Position
from danlu.runs import resume
from danlu.tasks.masked_lm.hiding import NOTHING, Hiding
from danlu.tasks.masked_lm.metrics import Recovered
from tests.endtoend.pairs import Keeper
from tests.nn.made_tokenizers import wordpiece

WHO = ["the old cat", "a small dog", "my best friend", "that tall doctor"]
DOES = {"chases": "the red ball", "eats": "a green apple", "paints": "our white house", "drives": "the blue car"}


def sentence(draw: random.Random) -> tuple[str, str]:
    verb = draw.choice(list(DOES))
    return f"{draw.choice(WHO)} {verb} {DOES[verb]} {draw.choice(['today', 'at night', 'now'])} .", verb


def recipe(source: Path, runs: Path, name: str = "encoder", **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "task": "masked-lm",
        "seed": 1,
        "run": {"folder": str(runs), "name": name},
        "data": {
            "source": str(source),
            "cache": str(runs / "cache"),
            "split": {"val": 0.2, "test": 0.0},
            "text": {"near": None},
        },
        "model": {"name": "text-transformer", "args": {"width": 24, "layers": 1, "heads": 2}},
        "train": {"epochs": 16, "batch_size": 32, "optimizer": {"name": "adamw", "lr": 0.015}, "threads": 1},
        "watch": {"captures_every": 0},
        "evaluate": {"report": False},
    }
    for key, value in more.items():
        made[key] = {**made.get(key, {}), **value} if isinstance(value, dict) else value
    return made


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("raw") / "raw.txt"
    draw = random.Random(0)
    path.write_text("\n".join(f"{sentence(draw)[0]} {number % 7}" for number in range(400)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def run(raw: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return danlu.train(recipe(raw, tmp_path_factory.mktemp("runs")), screen=False)


def test_it_beats_the_frequencies_of_words(run: Any) -> None:
    assert run.metrics["val/perplexity"] < 0.5 * run.metrics["val/unigram-perplexity"]
    assert run.metrics["val/accuracy"] > 2 * run.metrics["val/unigram-accuracy"]
    assert np.log(run.metrics["val/perplexity"]) == pytest.approx(run.metrics["val/loss"], rel=1e-4)


def test_gaps_are_filled_by_run_and_artifact(run: Any, tmp_path: Path) -> None:
    folder = danlu.export(run, tmp_path / "artifact")
    asked = ["a small dog <mask> a green apple now .", "my best friend drives the [MASK] car", "nothing is missing"]
    ours, theirs = danlu.load(run.path).predict(asked), danlu.load(folder).predict(asked)
    for one, other in zip(ours, theirs, strict=True):
        assert one["filled"] == other["filled"]
    assert ours[0]["gaps"][0][0][0] in DOES
    assert len(ours[0]["gaps"][0]) == 5
    assert ours[1]["gaps"][0][0][0] == "blue"
    assert ours[2]["gaps"] == []


def test_a_resumed_run_hides_the_same_and_ends_with_the_same_bits(raw: Path, tmp_path: Path) -> None:
    policy = {"every_steps": 7, "every_minutes": None, "every_epochs": None}
    asked = recipe(raw, tmp_path, "whole", train={"epochs": 2, "checkpoint": policy})
    whole = danlu.train(asked, screen=Keeper(7, tmp_path / "cut"))
    again = resume(tmp_path / "cut", screen=False)
    one, other = (read_tensors(made.path / "best" / "net.safetensors", "") for made in (whole, again))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_classifier_begins_with_it_and_takes_its_words(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "labelled.csv"
    draw = random.Random(1)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "label"), *(sentence(draw) for _ in range(60))])
    more = {
        "task": "text-classification",
        "model": {
            "name": "text-transformer",
            "pretrained": str(run.path),
            "args": {"width": 24, "layers": 1, "heads": 2},
        },
        "train": {"epochs": 1, "optimizer": {"name": "adamw", "lr": 1e-9}},
        "data": {"split": {"val": 0.2, "test": 0.2}, "text": {"near": None}, "duplicates": "keep"},
    }
    base = recipe(path, tmp_path, "classes")
    base["data"] |= more.pop("data")
    made = danlu.train({**base, **more}, screen=False)
    ours, theirs = (read_tensors(each.path / "best" / "net.safetensors", "") for each in (made, run))
    assert torch.allclose(ours["embedding.weight"], theirs["encoder.embedding.weight"], atol=1e-5)
    assert danlu.load(made.path).kinds["text"].tokenizer == danlu.load(run.path).kinds["text"].tokenizer
    base["data"]["text"] = {"tokenizer": "words", "min_count": 1, "near": None}
    with pytest.raises(RecipeError, match="other words"):
        danlu.train({**base, **more, "run": {"folder": str(tmp_path), "name": "other"}}, screen=False)


def test_other_nets_are_refused(raw: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no vector for each token"):
        danlu.train(recipe(raw, tmp_path, model={"name": "bag", "args": {}}), screen=False)


# ---- whole words ----------------------------------------------------------------------------------------------------


def _words(tokenizer: Any, text: str, odd: bool = False) -> list[list[str]]:
    ids = np.asarray([tokenizer.located(text)[0]])
    found = groups(ids, forms(tokenizer), np.asarray([odd]))[0]
    shown = tokenizer.pieces(ids[0].tolist())
    return [[shown[at] for at in np.flatnonzero(found == first)] for first in np.unique(found)]


def test_pieces_of_a_word_are_one(tmp_path: Path) -> None:
    tokenizer = wordpiece(tmp_path, ["un", "##like", "##ly", "a", "cat", ",", "##s"])
    assert _words(tokenizer, "unlikely , a cats") == [["un", "like", "ly"], [","], ["a"], ["cat", "s"]]
    learnt = Pieces.learnt(["lower lowest newer newest"] * 4, 40, 1)
    assert [" ".join("".join(word).split()) for word in _words(learnt, "lowest newer")] == ["lowest", "newer"]


def test_characters_of_chinese_are_taken_by_two_and_letters_by_words() -> None:
    words = Words.fit(["我们 去 北京 看 film 吧 ！"], 99, 1)
    assert _words(words, "我们去北京看film吧！") == [["我", "们"], ["去", "北"], ["京", "看"], ["film"], ["吧"], ["！"]]
    assert _words(words, "我们去北京看", True) == [["我"], ["们", "去"], ["北", "京"], ["看"]]
    letters = Characters.fit(["我们看 old film!"], 99, 1)
    assert _words(letters, "看 old film!") == [["看"], [" "], list("old"), [" "], list("film"), ["!"]]


def _hidden(seed: int, epoch: int, keys: np.ndarray, batch: int = 0) -> tuple[Batch, np.ndarray, Hiding]:
    tokenizer = Words.fit(["a b c d e f g h 我 们"], 99, 1)
    hiding = Hiding(forms(tokenizer), MASK, 0.3, 0.8)
    lengths = 3 + (keys % np.uint64(9)).astype(np.int64)
    ids = np.zeros((len(keys), 12 + batch), np.int32)
    for row, (key, length) in enumerate(zip(keys, lengths, strict=True)):
        ids[row, :length] = np.random.default_rng(int(key)).integers(5, tokenizer.size, length)
    text = Padded(torch.from_numpy(ids), torch.from_numpy(lengths[:, None]))
    made = hiding(Batch({"text": text}, ("text",), np.arange(len(keys)), keys), Position(seed, epoch), {})
    return made, ids, hiding


def test_what_is_hidden_depends_on_seed_epoch_and_sample_alone() -> None:
    keys = np.arange(100, 160, dtype=np.uint64)
    one, ids, _ = _hidden(3, 2, keys)
    back, _, _ = _hidden(3, 2, keys[::-1].copy(), batch=5)  # another batch, padded further
    for row in range(len(keys)):
        assert torch.equal(one["text"].values[row, :12], back["text"].values[-1 - row, :12])  # type: ignore[union-attr]
    later, _, _ = _hidden(3, 3, keys)
    assert not torch.equal(one["text"].values, later["text"].values)  # type: ignore[union-attr]
    wanted, places = one["wanted"].numpy(), one["places"].numpy()  # type: ignore[union-attr]
    known = wanted != NOTHING
    assert (np.take_along_axis(ids, places, 1)[known] == wanted[known]).all()
    changed = one["text"].values.numpy() != ids  # type: ignore[union-attr]
    told = np.zeros_like(changed)
    for row, column in zip(*np.nonzero(known), strict=True):
        told[row, places[row, column]] = True
    assert not (changed & ~told).any()
    assert known.any(1).all()  # something of each text


def test_a_word_is_hidden_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    tokenizer = wordpiece(tmp_path, ["un", "##like", "##ly", "a", "cat", "##s"])
    known = forms(tokenizer)
    sentence = np.asarray(tokenizer.encode("unlikely cats a unlikely cats a"), np.int32)
    keys = np.arange(200, dtype=np.uint64)
    text = Padded(torch.from_numpy(np.tile(sentence, (200, 1))), torch.full((200, 1), len(sentence)))
    hiding = Hiding(known, tokenizer.mask, 0.3, 1.0)
    made = hiding(Batch({"text": text}, ("text",), np.arange(200), keys), Position(0, 0), {})
    hidden = made["text"].values.numpy() == tokenizer.mask  # type: ignore[union-attr]
    first = groups(sentence[None], known, np.zeros(1, bool))[0]
    assert len(np.unique(first)) < len(sentence)  # words of several pieces
    assert 0.2 < hidden.mean() < 0.6
    np.testing.assert_array_equal(hidden, hidden[:, first])


def test_shares_are_those_that_were_asked_for() -> None:
    made, ids, _ = _hidden(0, 0, np.arange(4000, dtype=np.uint64))
    wanted, places = made["wanted"].numpy(), made["places"].numpy()  # type: ignore[union-attr]
    known = wanted != NOTHING
    shown = np.take_along_axis(made["text"].values.numpy(), places, 1)[known]  # type: ignore[union-attr]
    assert np.mean(shown == MASK) == pytest.approx(0.8, abs=0.02)
    assert np.mean(shown == wanted[known]) == pytest.approx(0.11, abs=0.02)  # as it is, or by chance the same
    share = known.sum() / (ids > 0).sum()
    assert 0.3 < share < 0.36  # of short texts one word at least


def test_figures_are_sums() -> None:
    whole, parts = Recovered(), [Recovered(), Recovered()]
    rows = {"nats": np.asarray([1.0, 3.0, 2.0]), "hits": np.asarray([1, 0, 2]), "hidden": np.asarray([2, 1, 3])}
    whole.update(rows, {})
    for part, some in zip(parts, (slice(0, 1), slice(1, 3)), strict=True):
        part.update({name: value[some] for name, value in rows.items()}, {})
    parts[0].merge(parts[1])
    assert whole.compute() == parts[0].compute() == pytest.approx({"perplexity": np.exp(1.0), "accuracy": 0.5})


def test_long_texts_are_cut_where_sentences_end() -> None:
    text = " ".join(f"This is sentence number {number}." for number in range(200))
    found = list(pieces(text, 300))
    assert " ".join(found) == text
    assert all(len(piece) <= 300 and piece.endswith(".") for piece in found)
    assert "".join(pieces("字" * 950, 300)) == "字" * 950
    kind = Gapped(Words.fit(["a b"], 9, 1).spec())
    assert kind.prepare("a <mask> b").value.tolist() == [5, MASK, 6]
