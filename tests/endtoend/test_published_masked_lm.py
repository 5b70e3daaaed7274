"""Encoders of Transformers go on learning from raw text with their own tokenizer and head, and are taken up by other applications."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path
from typing import Any

import pytest
import torch

import danlu
from danlu._compat.torchvision import ensure
from danlu.errors import RecipeError
from danlu.nn.tensor_file import read_tensors
from danlu.runs import resume
from tests.endtoend.pairs import Keeper
from tests.endtoend.test_masked_lm import DOES, raw, recipe, sentence
from tests.nn.made_tokenizers import wordpiece

ensure()
__all__ = ["raw"]  # a fixture
KINDS = ("bert", pytest.param("roberta", marks=pytest.mark.slow), pytest.param("distilbert", marks=pytest.mark.slow))


def byte_pairs(folder: Path, text: str) -> int:
    """A ``tokenizer.json`` as RoBERTa has one: bytes, ``<s> … </s>``, a mask that takes the space before it along; how many ids."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)  # type: ignore[assignment]
    made.decoder = decoders.ByteLevel()  # type: ignore[assignment]
    special = ["<s>", "<pad>", "</s>", "<unk>", AddedToken("<mask>", lstrip=True, special=True)]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    made.train_from_iterator(
        text.splitlines(),
        trainers.BpeTrainer(vocab_size=400, special_tokens=special, show_progress=False, initial_alphabet=alphabet),
    )
    made.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)  # type: ignore[assignment]
    folder.mkdir(parents=True, exist_ok=True)
    made.save(str(folder / "tokenizer.json"))
    return made.get_vocab_size()


@pytest.fixture(scope="module", params=KINDS)
def net(request: pytest.FixtureRequest, raw: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small encoder of random weights and its tokenizer."""
    from transformers import AutoConfig, AutoModelForMaskedLM

    path = tmp_path_factory.mktemp(request.param)
    text = raw.read_text("utf-8")
    padding = 0
    if request.param == "roberta":
        size, padding = byte_pairs(path, text), 1
    else:
        size = wordpiece(path, sorted({*text.split(), *"What does ?".lower().split()})).size
    torch.manual_seed(0)
    more = {
        "vocab_size": size, "pad_token_id": padding, "max_position_embeddings": 130, "hidden_size": 32, "intermediate_size": 64,
        "num_hidden_layers": 2, "num_attention_heads": 2, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0,
    }  # fmt: skip
    if request.param == "distilbert":
        more = {
            "vocab_size": size, "max_position_embeddings": 128, "dim": 32, "hidden_dim": 64, "n_layers": 2, "n_heads": 2,
            "dropout": 0.0, "attention_dropout": 0.0,
        }  # fmt: skip
    AutoModelForMaskedLM.from_config(AutoConfig.for_model(request.param, **more)).save_pretrained(path)
    return path


def asked(net: Path, source: Path, runs: Path, name: str, **more: Any) -> dict[str, Any]:
    made = recipe(source, runs, name, **more)
    made["model"] = {"name": f"hf:{net}", "pretrained": True}
    made["data"]["text"] = {"tokenizer": f"hf:{net}", "max_length": 32, "near": None}
    return made


@pytest.fixture(scope="module")
def run(net: Path, raw: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return danlu.train(asked(net, raw, tmp_path_factory.mktemp("runs"), "encoder"), screen=False)


def body(made: Any) -> dict[str, torch.Tensor]:
    """Tensors of the encoder of a run, by their last names; not what only one head has."""
    found = read_tensors(made.path / "best" / "net.safetensors", "")
    return {name.partition("model.")[2]: value for name, value in found.items()}


def test_it_learns_from_the_texts(run: Any) -> None:
    assert run.metrics["val/perplexity"] < 0.5 * run.metrics["val/unigram-perplexity"]
    assert run.metrics["val/accuracy"] > 1.5 * run.metrics["val/unigram-accuracy"]


def test_gaps_are_filled_by_run_and_artifact_as_by_the_library(run: Any, tmp_path: Path) -> None:
    """The likeliest words are those of the library's own net with these weights, for the ids that its own tokenizer gives."""
    folder = danlu.export(run, tmp_path / "artifact")
    questions = [
        "a small dog <mask> a green apple now . 3",
        "my best friend drives the [MASK] car today",
        "nothing now",
    ]
    model = danlu.load(run.path)
    ours, theirs = model.predict(questions), danlu.load(folder).predict(questions)
    assert [one["filled"] for one in ours] == [other["filled"] for other in theirs]
    assert ours[0]["gaps"][0][0][0] in DOES
    assert ours[2]["gaps"] == []
    words = model.kinds["text"].words
    mask = words.pieces([words.mask])[0]
    for question, answer in zip(questions[:2], ours, strict=False):
        text = question.replace("<mask>", mask).replace("[MASK]", mask)
        ids = torch.tensor([words._library.encode(text).ids])
        with torch.no_grad():
            logits = model.net.model(input_ids=ids).logits[0, ids[0].tolist().index(words.mask)]
        logits[sorted(words.special)] = -torch.inf
        assert answer["gaps"][0][0][0] == words.pieces([int(logits.argmax())])[0].strip()


def test_a_resumed_run_ends_with_the_same_bits(net: Path, raw: Path, tmp_path: Path) -> None:
    policy = {"every_steps": 7, "every_minutes": None, "every_epochs": None}
    given = asked(net, raw, tmp_path, "whole", train={"epochs": 2, "checkpoint": policy})
    whole = danlu.train(given, screen=Keeper(7, tmp_path / "cut"))
    again = resume(tmp_path / "cut", screen=False)
    one, other = (read_tensors(made.path / "best" / "net.safetensors", "") for made in (whole, again))
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_classifier_begins_with_it_and_takes_its_words(run: Any, net: Path, tmp_path: Path) -> None:
    path = tmp_path / "labelled.csv"
    draw = random.Random(1)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "label"), *(sentence(draw) for _ in range(60))])
    given = recipe(path, tmp_path, "classes")
    given |= {"task": "text-classification", "model": {"name": f"hf:{net}", "pretrained": str(run.path)}}
    given["train"] = {**given["train"], "epochs": 1, "optimizer": {"name": "adamw", "lr": 1e-9}}
    given["data"] |= {"split": {"val": 0.2, "test": 0.2}, "duplicates": "keep"}
    made = danlu.train(given, screen=False)
    ours, theirs = body(made), body(run)
    shared = [name for name in theirs if name in ours]
    assert len(shared) > 20
    assert all(torch.allclose(ours[name], theirs[name], atol=1e-5) for name in shared)
    assert danlu.load(made.path).kinds["text"].tokenizer == danlu.load(run.path).kinds["text"].tokenizer
    given["data"] = {**given["data"], "text": {"tokenizer": "words", "min_count": 1, "near": None}}
    with pytest.raises(RecipeError, match="other words"):
        danlu.train({**given, "run": {"folder": str(tmp_path), "name": "other"}}, screen=False)


def test_a_reader_begins_with_it(run: Any, net: Path, tmp_path: Path) -> None:
    draw = random.Random(2)
    paragraphs = []
    for number in range(40):
        text, verb = sentence(draw)
        answer = {"text": verb, "answer_start": text.index(verb)}
        questions = [{"id": str(number), "question": f"what does {text.split()[1]} ?", "answers": [answer]}]
        paragraphs.append({"context": f"{text} {number}", "qas": questions})
    path = tmp_path / "train.json"
    path.write_text(json.dumps({"version": "1.1", "data": [{"paragraphs": paragraphs}]}), encoding="utf-8")
    given = recipe(path, tmp_path, "reader")
    given |= {"task": "question-answering", "model": {"name": f"hf:{net}", "pretrained": str(run.path)}}
    given["train"] = {**given["train"], "epochs": 1, "optimizer": {"name": "adamw", "lr": 1e-9}}
    given["options"] = {"passage": {"window": 32, "stride": 16}}
    made = danlu.train(given, screen=False)
    ours, theirs = body(made), body(run)
    shared = [name for name in theirs if name in ours]
    assert len(shared) > 20
    assert all(torch.allclose(ours[name], theirs[name], atol=1e-5) for name in shared)


def test_a_run_of_another_net_is_refused(run: Any, net: Path, raw: Path, tmp_path: Path) -> None:
    """Whatever of the body is missing is told by name; nothing keeps fresh values unseen."""
    config = json.loads((net / "config.json").read_text())
    for key in ("num_hidden_layers", "n_layers"):
        if key in config:
            config[key] = 3
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    given = asked(net, raw, tmp_path, "deeper")
    given["model"] = {"name": f"hf:{tmp_path}", "pretrained": str(run.path)}
    with pytest.raises(RecipeError, match=r"does not fit the net.*layer.*2"):
        danlu.train(given, screen=False)
