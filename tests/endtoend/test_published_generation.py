"""Decoders of Transformers, with their own tokenizer: trained, adapted, thawed, resumed, asked, and exported."""

from __future__ import annotations

from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest

import danlu
from danlu._compat.torchvision import ensure
from danlu.deploy.export import export
from danlu.errors import DanluError
from danlu.runs import resume
from tests.endtoend.pairs import Keeper, Story, same_bits
from tests.endtoend.test_text_generation import stories

ensure()
ASKED = ["the dog eats meat. the cat", "雨", "the child reads a", "unknown Ωords 😀"]


def byte_pairs(folder: Path, text: str, llama: bool) -> tuple[int, int, int]:
    """A ``tokenizer.json`` of byte pairs as GPT-2 has one, or with a begin before each text as Llama has; (ids, begin, end)."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)  # type: ignore[assignment]
    made.decoder = decoders.ByteLevel()  # type: ignore[assignment]
    special = ["<s>", "</s>"] if llama else ["<|endoftext|>"]
    made.train_from_iterator(
        text.splitlines(),
        trainers.BpeTrainer(
            vocab_size=320,
            special_tokens=special,
            show_progress=False,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        ),
    )
    if llama:
        made.post_processor = processors.TemplateProcessing("<s> $A", special_tokens=[("<s>", 0)])  # type: ignore[assignment]
    made.save(str(folder / "tokenizer.json"))
    return made.get_vocab_size(), 0, int(llama)


@pytest.fixture(scope="module", params=["gpt2", pytest.param("llama", marks=pytest.mark.slow)])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``corpus.txt``, and a net of this kind with random weights in ``net``."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

    path = tmp_path_factory.mktemp(request.param)
    stories(path / "corpus.txt", 60)
    (path / "net").mkdir()
    size, begin, end = byte_pairs(path / "net", (path / "corpus.txt").read_text("utf-8"), request.param == "llama")
    torch.manual_seed(0)
    marks: dict[str, Any] = {"vocab_size": size, "bos_token_id": begin, "eos_token_id": end}
    net: Any
    if request.param == "gpt2":
        net = GPT2LMHeadModel(GPT2Config(**marks, n_embd=32, n_layer=2, n_head=2, n_positions=48))
    else:
        net = LlamaForCausalLM(
            LlamaConfig(
                **marks,
                hidden_size=32,
                intermediate_size=64,
                num_hidden_layers=2,
                num_attention_heads=4,
                num_key_value_heads=2,
                max_position_embeddings=48,
            )
        )
    net.save_pretrained(path / "net")
    return path


def trained(place: Path, name: str, screen: Any = False, **more: Any) -> Any:
    recipe = {
        "task": "text-generation",
        "run": {"folder": str(place / "runs"), "name": name},
        "data": {
            "source": str(place / "corpus.txt"),
            "text": {"tokenizer": f"hf:{place / 'net'}", "max_length": 36, "near": None},
        },
        "model": {"name": f"hf:{place / 'net'}", "pretrained": True},
        "train": {"epochs": 2, "batch_size": 16, "threads": 1, "precision": "fp32"},
        "options": {"temperature": 0.0, "new_tokens": 12, "passage": 80},
        "evaluate": {"baselines": False, "report": False},
    }  # fmt: skip
    with chdir(place):
        return danlu.train(recipe, screen=screen, **more)


def test_it_is_trained_asked_and_exported(place: Path) -> None:
    """Run and artifact, which needs neither torch nor Transformers, write the same, which is what ``generate`` writes."""
    import torch

    run = trained(
        place, "whole", train__optimizer={"name": "adamw", "lr": 0.01}, train__epochs=6, evaluate__baselines=True
    )
    assert run.metrics["test/perplexity"] < 12
    model = danlu.load(run.path)
    theirs = model.predict(ASKED)
    assert "milk" in theirs[0]["continuation"]
    words, net = model.kinds["text"].words, model.net
    for text, said in zip(ASKED, theirs, strict=True):
        ids = [words.begin, *words.located(text)[0]]
        with torch.inference_mode():
            whole = net.model.generate(
                input_ids=torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.int64),
                do_sample=False, max_new_tokens=12, pad_token_id=words.end,
            )  # fmt: skip
        assert words.decode(whole[0].tolist()) == text + said["continuation"]
    artifact = danlu.load(export(run))
    assert artifact.predict(ASKED) == theirs
    assert [artifact.predict([each])[0] for each in ASKED] == theirs
    long = "the cat drinks milk. " * 30  # more than the net has places for
    assert artifact.predict([long]) == model.predict([long])


@pytest.mark.parametrize("more", [
    {"model__adapter": {"lora": {"rank": 2}}},
    {"model__unfreeze": "gradual"},
])  # fmt: skip
def test_adapted_and_thawed_it_resumes_in_the_same_bits(place: Path, more: dict[str, Any], tmp_path: Path) -> None:
    changes = {
        "train__max_steps": 6, "train__evaluate_every": 100, **more,
        "train__checkpoint": {"every_steps": 3, "every_minutes": None, "every_epochs": None},
    }  # fmt: skip
    name = next(iter(more)).rpartition("__")[2]
    done = trained(place, name, screen=Keeper(3, tmp_path / "cut"), **changes)
    with chdir(place):
        whole, resumed = Story.of(done), Story.of(resume(tmp_path / "cut", screen=False))
    same_bits(whole, resumed)
    if name == "adapter":
        assert danlu.load(export(done)).predict(ASKED) == danlu.load(done.path).predict(ASKED)


def test_a_tokenizer_of_another_is_refused(place: Path) -> None:
    with pytest.raises(DanluError, match="tokenizer"):
        trained(place, "other", data__text={"tokenizer": "bpe", "vocabulary": 80})


def test_a_tokenizer_without_an_end_is_refused(place: Path, tmp_path: Path) -> None:
    from tokenizers import Tokenizer, models

    Tokenizer(models.WordLevel({"the": 0, "[UNK]": 1}, unk_token="[UNK]")).save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(DanluError, match="no token that ends a text"):
        trained(place, "endless", data__text={"tokenizer": f"hf:{tmp_path}"})
