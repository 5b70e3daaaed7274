"""Translators of Transformers, with their own tokenizer: trained, adapted, thawed, resumed, asked, and exported."""

from __future__ import annotations

import csv
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
from tests.endtoend.test_translation import phrases

ensure()


def tokenizer(folder: Path, texts: list[str]) -> int:
    """A ``tokenizer.json`` of unigrams as T5 has one, with an end behind each text; how many ids it has."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    made = Tokenizer(models.Unigram())
    made.pre_tokenizer = pre_tokenizers.Metaspace()  # type: ignore[assignment]
    made.decoder = decoders.Metaspace()  # type: ignore[assignment]
    special = ["<pad>", "</s>", "<unk>"]
    made.train_from_iterator(
        texts, trainers.UnigramTrainer(vocab_size=90, special_tokens=special, unk_token="<unk>", show_progress=False)
    )
    made.post_processor = processors.TemplateProcessing("$A </s>", special_tokens=[("</s>", 1)])  # type: ignore[assignment]
    made.save(str(folder / "tokenizer.json"))
    return made.get_vocab_size()


@pytest.fixture(scope="module", params=[pytest.param("t5", marks=pytest.mark.slow), "marian"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``pairs.tsv``, and a net of this kind with random weights in ``net``."""
    import torch
    from transformers import MarianConfig, MarianMTModel, T5Config, T5ForConditionalGeneration

    path = tmp_path_factory.mktemp(request.param)
    phrases(path / "pairs.tsv", 120)
    with (path / "pairs.tsv").open(encoding="utf-8") as file:
        texts = [text for row in csv.reader(file, delimiter="\t") for text in row]
    (path / "net").mkdir()
    size = tokenizer(path / "net", texts)
    torch.manual_seed(0)
    marks = {"vocab_size": size, "d_model": 16, "pad_token_id": 0, "eos_token_id": 1, "decoder_start_token_id": 0}
    net: Any
    if request.param == "t5":
        net = T5ForConditionalGeneration(T5Config(**marks, d_kv=8, d_ff=32, num_layers=2, num_heads=2))
    else:
        heads = {f"{side}_{what}": 2 for side in ("encoder", "decoder") for what in ("layers", "attention_heads")}
        wide = {f"{side}_ffn_dim": 32 for side in ("encoder", "decoder")}
        net = MarianMTModel(MarianConfig(**marks, **heads, **wide, max_position_embeddings=64))
    net.save_pretrained(path / "net")
    return path


def trained(place: Path, name: str, screen: Any = False, **more: Any) -> Any:
    recipe = {
        "task": "translation",
        "run": {"folder": str(place / "runs"), "name": name},
        "data": {
            "source": str(place / "pairs.tsv"), "columns": {"source": "en", "target": "fr"},
            "text": {"tokenizer": f"hf:{place / 'net'}", "max_length": 24, "near": None},
        },
        "model": {"name": f"hf:{place / 'net'}", "pretrained": True},
        "train": {"epochs": 2, "batch_size": 16, "threads": 1, "precision": "fp32"},
        "options": {"beams": 2},
        "evaluate": {"baselines": False},
    }  # fmt: skip
    with chdir(place):
        return danlu.train(recipe, screen=screen, **more)


def test_it_is_trained_asked_and_exported(place: Path) -> None:
    """Run and artifact, which needs neither torch nor Transformers, write the same."""
    run = trained(place, "whole", train__optimizer={"name": "adamw", "lr": 0.01})
    assert {"test/bleu", "test/perplexity"} <= run.metrics.keys()
    losses = Story.of(run).curves["train/loss"]
    assert sum(losses[-3:]) < sum(losses[:3])
    asked = ["the red cat sees a dog 7", "a dog", "😀 unknown Ωords"]
    theirs = danlu.load(run.path).predict(asked)
    artifact = danlu.load(export(run))
    assert artifact.predict(asked) == theirs
    assert [artifact.predict([each])[0] for each in asked] == theirs


@pytest.mark.parametrize("more", [
    {"model__adapter": {"lora": {"rank": 2}}},
    {"model__unfreeze": "gradual"},
])  # fmt: skip
def test_adapted_and_thawed_it_resumes_in_the_same_bits(place: Path, more: dict[str, Any], tmp_path: Path) -> None:
    changes = {
        "train__max_steps": 6, "train__evaluate_every": 100, "evaluate__report": False, **more,
        "train__checkpoint": {"every_steps": 3, "every_minutes": None, "every_epochs": None},
    }  # fmt: skip
    name = next(iter(more)).rpartition("__")[2]
    done = trained(place, name, screen=Keeper(3, tmp_path / "cut"), **changes)
    with chdir(place):
        whole, resumed = Story.of(done), Story.of(resume(tmp_path / "cut", screen=False))
    same_bits(whole, resumed)


def test_a_tokenizer_of_another_is_refused(place: Path) -> None:
    with pytest.raises(DanluError, match="tokenizer"):
        trained(place, "other", data__text={"tokenizer": "bpe", "vocabulary": 80})
